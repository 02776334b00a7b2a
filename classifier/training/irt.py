"""Item difficulty b and model ability theta on one scale, in logits.

    P(model m does item i of source s) = logistic(theta_m + u_ms - b_i)

the one-parameter (Rasch) model with a model-by-source effect u: a model may be
better at one benchmark than its general ability says (prompting, language,
training data), and that must not bend the scale.

    theta_m = phi_g(m) + delta_m    g: the group of versions a model belongs to
    phi ~ N(0, 2^2), delta ~ N(0, 0.35^2), u ~ N(0, 0.5^2)
    b_i ~ N(mu_s, sigma_s^2), mu_s ~ N(0, 2^2), sigma_s estimated

Sources without a common model are linked by versions of one family (delta):
gpt-3.5-turbo-0613 of one source and gpt-3.5-turbo-0125 of another are nearly,
not exactly, as able. Graded scores (a share of sub-questions, an F1) enter as
fractional outcomes of the same likelihood: a score of 0.6 counts as 0.6 of a
success. Everything is one penalised likelihood, maximised by L-BFGS; the
standard deviations of b are re-estimated between rounds (approximate EM).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

SD_PHI, SD_DELTA, SD_EFFECT, SD_MU = 2.0, 0.35, 0.5, 2.0
ROUNDS = 6


@dataclass
class Fit:
    models: list[str]
    theta: np.ndarray
    theta_se: np.ndarray
    sources_of: list[list[str]]
    item_ids: list[str]
    b: np.ndarray
    b_se: np.ndarray
    source_mean: dict[str, float]
    source_sd: dict[str, float]


def fit(rows, same: dict[str, str], group: dict[str, str], fixed: dict[str, tuple] | None = None, shift: bool = True) -> Fit:
    """Fits rows of outcomes. same maps an outcome name to the name under which
    equal weights are merged; group maps that name to its group of versions.
    fixed gives (theta, se) of models already on the scale, which then only
    links. shift moves the scale so that the mean difficulty is 0.
    """
    sources = sorted({r.source for r in rows})
    s_id = {s: k for k, s in enumerate(sources)}
    names = sorted({same.get(m, m) for r in rows for m in r.outcomes})
    m_id = {m: k for k, m in enumerate(names)}
    groups = sorted({group.get(m, m) for m in names})
    g_of = np.array([groups.index(group.get(m, m)) for m in names])

    item_source = np.array([s_id[r.source] for r in rows])
    obs = [(i, m_id[same.get(m, m)], y) for i, r in enumerate(rows) for m, y in r.outcomes.items()]
    oi = np.array([o[0] for o in obs])
    om = np.array([o[1] for o in obs])
    oy = np.clip(np.array([o[2] for o in obs], dtype=np.float64), 0, 1)
    pair = om * len(sources) + item_source[oi]
    pairs, op = np.unique(pair, return_inverse=True)

    centre = np.zeros(len(names))
    sd_theta = np.full(len(names), np.inf)
    for m, (theta, se) in (fixed or {}).items():
        if m in m_id:
            centre[m_id[m]], sd_theta[m_id[m]] = theta, max(se, 0.02)

    ni, nm, ng, npair, ns = len(rows), len(names), len(groups), len(pairs), len(sources)
    cut = np.cumsum([ni, nm, ng, npair, ns])
    sigma = np.full(ns, 1.3)

    def unpack(x):
        return np.split(x, cut[:-1])

    def loss(x):
        b, delta, phi, u, mu = unpack(x)
        theta = phi[g_of] + delta
        z = theta[om] + u[op] - b[oi]
        e = expit(z) - oy
        nll = np.sum(np.logaddexp(0, z) - oy * z)
        rb = (b - mu[item_source]) / sigma[item_source]
        rt = np.where(np.isfinite(sd_theta), (theta - centre) / sd_theta, 0)
        nll += 0.5 * (rb @ rb + rt @ rt + (delta @ delta) / SD_DELTA**2 + (phi @ phi) / SD_PHI**2
                      + (u @ u) / SD_EFFECT**2 + (mu @ mu) / SD_MU**2)
        gb = -np.bincount(oi, e, ni) + rb / sigma[item_source]
        gt = np.bincount(om, e, nm) + np.where(np.isfinite(sd_theta), rt / sd_theta, 0)
        gmu = -np.bincount(item_source, rb / sigma[item_source], ns) + mu / SD_MU**2
        grad = [gb, gt + delta / SD_DELTA**2, np.bincount(g_of, gt, ng) + phi / SD_PHI**2,
                np.bincount(op, e, npair) + u / SD_EFFECT**2, gmu]
        return nll, np.concatenate(grad)

    x = np.zeros(cut[-1])
    for _ in range(ROUNDS):
        x = minimize(loss, x, jac=True, method="L-BFGS-B", options={"maxiter": 400, "maxfun": 500, "ftol": 1e-10}).x
        b, delta, phi, u, mu = unpack(x)
        z = (phi[g_of] + delta)[om] + u[op] - b[oi]
        info = np.bincount(oi, expit(z) * expit(-z), ni)
        var_b = 1 / (info + 1 / sigma[item_source] ** 2)
        sigma = np.sqrt(np.bincount(item_source, (b - mu[item_source]) ** 2 + var_b, ns) / np.bincount(item_source, minlength=ns))
        sigma = np.clip(sigma, 0.3, 4)
    theta = phi[g_of] + delta
    se = _theta_se(theta, u, b, oi, om, op, pairs, ns, nm, sd_theta)
    zero = float(np.mean(b)) if shift else 0.0
    seen = [sorted({sources[p % ns] for p in pairs if p // ns == k}) for k in range(nm)]
    return Fit(names, theta - zero, se, seen, [r.id for r in rows], b - zero, np.sqrt(var_b),
               {s: float(mu[k] - zero) for s, k in s_id.items()}, {s: float(sigma[k]) for s, k in s_id.items()})


def _theta_se(theta, u, b, oi, om, op, pairs, ns, nm, sd_theta):
    """Standard error of theta with its source effects integrated out: in each
    source the mean logit is known to 1/information + the variance of u; sources
    add up. The scale itself (b) is taken as known."""
    z = theta[om] + u[op] - b[oi]
    info = np.bincount(op, expit(z) * expit(-z), len(pairs))
    precision = 1 / (1 / np.maximum(info, 1e-9) + SD_EFFECT**2)
    total = np.bincount(pairs // ns, precision, nm) + 1 / SD_PHI**2
    total += np.where(np.isfinite(sd_theta), 1 / sd_theta**2, 0)
    return 1 / np.sqrt(total)
