"""Training of the deep networks: teachers on the labels, the student on what
the teachers say of every usable prompt.

    loss = intent   cross entropy with the labels (teacher) and with the teachers'
                    probabilities (student)
         + weak     cross entropy with the sources' own labels, a second head
         + b        Gaussian likelihood of each of the three difficulties
         + measured does the prompt have outcomes? (which of the two to believe)
         + student: squared distance to the teachers' difficulty and pooled
           state, and one minus the cosine with e5's own embedding

Batches mix prompts labelled by reading, prompts with outcomes and others in
fixed shares, and are cut from larger draws sorted by length, so that little is
padding.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn import functional as F

from encoder import EMBEDDING, MEASURED, N_INTENT, OUTCOMES, READING, SERVE, WEAK, Encoder, pad
from targets import READ_SD

SD_LIMIT = 1.5  # of log sd


@dataclass
class Data:
    sequences: list[list[int]]  # clipped pieces
    intent: np.ndarray  # [n, 16], a row of zeros where unknown
    weak: np.ndarray  # [n], -1 where unknown
    b: np.ndarray  # [n, 3] by outcomes, by reading, to serve; NaN where unknown
    b_sd: np.ndarray  # [n, 3]
    b_weight: np.ndarray  # [n, 3]
    soft_intent: np.ndarray | None = None  # [n, 16], of the teachers
    soft_b: np.ndarray | None = None  # [n], of the teachers, to serve
    soft_state: np.ndarray | None = None  # [n, 768], of one teacher
    embedding: np.ndarray | None = None  # [n, 128], of e5


@dataclass
class Config:
    layers: list[int]
    steps: int
    rate: float
    seed: int
    shares: tuple[int, int, int] = (24, 24, 16)  # of a batch: labelled by reading, with outcomes, others
    warm_up: int = 100
    dropout: float = 0.1
    smoothing: float = 0.05
    head_rate: float = 3.0  # times the rate of the encoder
    weights: dict = field(default_factory=lambda: dict(intent=1.0, weak=0.3, b=0.5, measured=0.1))


def data_of(examples, sequences, held) -> Data:
    """held(key): outcomes and weak labels of these prompts are kept for validation."""
    n = len(examples)
    d = Data(sequences, np.zeros((n, N_INTENT), np.float32), np.full(n, -1), np.full((n, 3), np.nan, np.float32),
             np.ones((n, 3), np.float32), np.zeros((n, 3), np.float32))
    for i, e in enumerate(examples):
        keep = not held(e.key)
        if e.intent is not None:
            d.intent[i] = e.intent
        if keep:
            d.weak[i] = e.weak
        measured = keep and e.b_from == "outcomes"
        if keep and e.b_from:
            d.b[i, 0], d.b_sd[i, 0], d.b_weight[i, 0] = e.b, e.b_sd, 1.0 if measured else 0.2
        if e.read == e.read:
            d.b[i, 1], d.b_sd[i, 1], d.b_weight[i, 1] = e.read, READ_SD, 1
        d.b[i, 2], d.b_sd[i, 2], d.b_weight[i, 2] = d.b[i, 0 if measured else 1], d.b_sd[i, 0 if measured else 1], float(measured or e.read == e.read)
    return d


def batches(d: Data, shares: tuple[int, int, int], rng, draws: int = 8):
    """Index arrays without end, of prompts labelled by reading, prompts with
    outcomes, and others."""
    read = (d.intent.sum(1) > 0) | ~np.isnan(d.b[:, 1])
    measured = d.b_weight[:, 0] == 1
    other = ~read & ~measured
    if d.soft_intent is None:
        other &= (d.weak >= 0) | ~np.isnan(d.b[:, 0])
    streams = [_endless(np.flatnonzero(m), rng) for m in (read, measured, other)]
    size, length = sum(shares), np.array([len(s) for s in d.sequences])
    while True:
        idx = np.array([next(s) for s, n in zip(streams, shares) for _ in range(n * draws)])
        idx = idx[np.argsort(length[idx], kind="stable")]
        for k in rng.permutation(draws):
            yield idx[k * size : (k + 1) * size]


def _endless(pool, rng):
    while True:
        yield from rng.permutation(pool)


def _gaussian(mean, log_sd, y, sd, weight):
    """Expected negative log likelihood where y has an error of its own."""
    s = log_sd.clamp(-SD_LIMIT, SD_LIMIT)
    nll = 0.5 * ((mean - y) ** 2 + sd**2) * torch.exp(-2 * s) + s
    return (weight * nll).sum() / weight.sum().clamp(min=1)


def loss_of(out, pooled, d: Data, idx, cfg: Config):
    w, at = cfg.weights, lambda a: torch.from_numpy(a[idx])
    target = at(d.intent)
    known = target.sum(1) > 0
    logp = F.log_softmax(out[:, :N_INTENT], 1)
    loss = out.sum() * 0
    if known.any():
        smooth = target[known] * (1 - cfg.smoothing) + cfg.smoothing / N_INTENT
        loss = loss - w["intent"] * (smooth * logp[known]).sum() / known.sum()
    weak = at(d.weak)
    if w["weak"] and (weak >= 0).any():
        loss = loss + w["weak"] * F.cross_entropy(out[:, WEAK : WEAK + N_INTENT], weak, ignore_index=-1)
    for k, column in enumerate((OUTCOMES, READING, SERVE)):
        on = torch.from_numpy(~np.isnan(d.b[idx, k]))
        if on.any():
            loss = loss + w["b"] * _gaussian(out[on, column], out[on, column + 1], at(d.b)[on, k], at(d.b_sd)[on, k], at(d.b_weight)[on, k])
    has_outcomes = torch.from_numpy((d.b_weight[idx, 0] == 1).astype(np.float32))
    loss = loss + w["measured"] * F.binary_cross_entropy_with_logits(out[:, MEASURED], has_outcomes)
    if d.soft_intent is not None:
        loss = loss - w["soft_intent"] * (at(d.soft_intent) * logp).sum(1).mean()
        loss = loss + w["soft_b"] * ((out[:, SERVE] - at(d.soft_b)) ** 2).mean()
        loss = loss + w["soft_state"] * F.mse_loss(F.layer_norm(pooled, pooled.shape[1:]), F.layer_norm(at(d.soft_state).float(), pooled.shape[1:]))
        loss = loss + w["embedding"] * (1 - F.cosine_similarity(out[:, EMBEDDING:], at(d.embedding).float())).mean()
    return loss


def train(net: Encoder, d: Data, cfg: Config, log=print, check=None, every: int = 0) -> Encoder:
    """Trains the network in place. check(net) is logged every so many steps."""
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    head = [p for n, p in net.named_parameters() if n.startswith("head")]
    body = [p for n, p in net.named_parameters() if not n.startswith("head")]
    groups = [{"params": body, "scale": 1.0}, {"params": head, "scale": cfg.head_rate}]
    optimiser = torch.optim.AdamW(groups, lr=cfg.rate, weight_decay=0.01, betas=(0.9, 0.98))
    start, total = time.time(), 0.0
    net.train()
    for step, idx in zip(range(cfg.steps), batches(d, cfg.shares, rng)):
        rate = cfg.rate * min(1, (step + 1) / cfg.warm_up) * (1 - step / cfg.steps)
        for g in optimiser.param_groups:
            g["lr"] = rate * g["scale"]
        with torch.autocast("cpu", torch.bfloat16):
            out, pooled = net(pad([d.sequences[i] for i in idx]))
        loss = loss_of(out.float(), pooled, d, idx, cfg)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        total += loss.item()
        if (step + 1) % 50 == 0:
            log(f"step {step + 1}/{cfg.steps} {time.time() - start:.0f}s loss {total / 50:.3f}")
            total = 0.0
        if check and every and ((step + 1) % every == 0 or step + 1 == cfg.steps):
            log(f"step {step + 1}: {check(net)}")
            net.train()
    net.eval()
    return net
