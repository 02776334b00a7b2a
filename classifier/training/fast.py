"""The fast model: a bag of embeddings with a small network on top, in numpy.

    x   = [sum_k w_sk E[f_k]] for s in (whole text, beginning, end)   [3 d]
    h   = relu(W1 x + b1)                                             [HIDDEN]
    out = W2 [h; x] + b2          16 intents, b, log sd

Trained with Adam on cross entropy with a distribution over intents and Gaussian
likelihood of the difficulty; both targets come from the labels and, for every
prompt, from the teachers of the deep stage. Deterministic given the seed.
"""

from __future__ import annotations

import time

import numpy as np
import scipy.sparse as sp

N_INTENT = 16
N_OUT = N_INTENT + 2
B, LOG_SD = N_INTENT, N_INTENT + 1


def segment_matrices(feature_lists, n_features: int):
    """Three CSR matrices [examples, features], one per segment."""
    out = []
    indptr = np.concatenate([[0], np.cumsum([len(i) for i, _ in feature_lists])])
    ids = np.concatenate([i for i, _ in feature_lists])
    for s in range(3):
        w = np.concatenate([w[s] for _, w in feature_lists])
        m = sp.csr_matrix((w, ids, indptr), shape=(len(feature_lists), n_features))
        m.eliminate_zeros()
        out.append(m)
    return out


class Net:
    def __init__(self, n_features: int, dim: int, hidden: int, seed: int):
        rng = np.random.default_rng(seed)
        f = np.float32
        self.p = {
            "E": rng.normal(0, 0.1, (n_features, dim)).astype(f),
            "W1": rng.normal(0, np.sqrt(2 / (3 * dim)), (3 * dim, hidden)).astype(f),
            "b1": np.zeros(hidden, f),
            "W2": rng.normal(0, 0.02, (hidden + 3 * dim, N_OUT)).astype(f),
            "b2": np.zeros(N_OUT, f),
        }

    def pooled(self, x):
        return np.concatenate([m @ self.p["E"] for m in x], axis=1)

    def head(self, z):
        h = np.maximum(z @ self.p["W1"] + self.p["b1"], 0)
        return h, np.concatenate([h, z], axis=1) @ self.p["W2"] + self.p["b2"]

    def predict(self, x):
        return self.head(self.pooled(x))[1]


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def _loss_grad(out, y, cfg):
    """Mean loss of a batch and its gradient by the outputs."""
    n = len(out)
    g = np.zeros_like(out)
    g[:, :N_INTENT] = cfg["w_intent"] * (softmax(out[:, :N_INTENT]) - y["intent"]) / n
    on = ~np.isnan(y["b"])
    mu, s = out[on, B], np.clip(out[on, LOG_SD], -1.5, 1.5)
    # the target is a posterior mean with an error of its own: the expected
    # squared distance from b is that to the mean plus the error's square
    var = np.exp(2 * s)
    r = mu - y["b"][on]
    w = cfg["w_b"] * y["b_weight"][on]
    g[on, B] = w * r / var / n
    g[on, LOG_SD] = w * (1 - (r * r + y["b_sd"][on] ** 2) / var) / n
    return g


class Adam:
    def __init__(self, params):
        self.m = {k: np.zeros_like(v) for k, v in params.items()}
        self.v = {k: np.zeros_like(v) for k, v in params.items()}
        self.t = 0

    def step(self, params, grads, lr, decay):
        self.t += 1
        c1, c2 = 1 - 0.9**self.t, 1 - 0.999**self.t
        for k, g in grads.items():
            if k == "E":
                rows, g = g  # only rows that occur in the batch move
                m, v = self.m[k][rows], self.v[k][rows]
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                self.m[k][rows], self.v[k][rows] = m, v
                e = params[k][rows]
                params[k][rows] = e - lr * ((m / c1) / (np.sqrt(v / c2) + 1e-8) + decay * e)
                continue
            self.m[k] += 0.1 * (g - self.m[k])
            self.v[k] += 0.001 * (g * g - self.v[k])
            params[k] -= lr * ((self.m[k] / c1) / (np.sqrt(self.v[k] / c2) + 1e-8) + decay * params[k] * (k[0] == "W"))


def train(x, y, order_weights, cfg, seed, log=print, after_epoch=None):
    """Trains and returns a Net with averaged weights of the last epochs.

    x: segment matrices; y: intent [n,16], b, b_sd, b_weight [n];
    order_weights: how often an example is drawn per epoch, on average.
    """
    rng = np.random.default_rng(seed)
    net = Net(x[0].shape[1], cfg["dim"], cfg["hidden"], seed)
    adam, avg, n_avg = Adam(net.p), None, 0
    per_epoch = int(order_weights.sum())
    steps = cfg["epochs"] * (per_epoch // cfg["batch"])
    step = 0
    prob = order_weights / order_weights.sum()
    for epoch in range(cfg["epochs"]):
        start = time.time()
        order = rng.choice(len(prob), per_epoch, p=prob)
        for lo in range(0, per_epoch - cfg["batch"] + 1, cfg["batch"]):
            idx = order[lo : lo + cfg["batch"]]
            lr = cfg["lr"] * min(1, (step + 1) / 100) * (1 - step / steps)
            _step(net, adam, [_drop(m[idx], cfg["word_dropout"], rng) for m in x],
                  {k: v[idx] for k, v in y.items()}, cfg, lr, rng)
            step += 1
        if epoch >= cfg["epochs"] - cfg["average"]:
            n_avg += 1
            avg = {k: v.copy() if avg is None else avg[k] + (v - avg[k]) / n_avg for k, v in net.p.items()}
        log(f"epoch {epoch + 1}/{cfg['epochs']} {time.time() - start:.0f}s" + (f" {after_epoch(net)}" if after_epoch else ""))
    net.p = avg
    return net


def _drop(m, rate, rng):
    """Drops features at random and scales the rest."""
    if rate == 0:
        return m
    m = m.copy()
    m.data = np.where(rng.random(len(m.data), dtype=np.float32) < rate, 0, m.data / (1 - rate)).astype(np.float32)
    return m


def _step(net, adam, x, y, cfg, lr, rng):
    z = net.pooled(x)
    mask = (rng.random(z.shape, dtype=np.float32) >= cfg["dropout"]) / np.float32(1 - cfg["dropout"])
    zd = z * mask
    h, out = net.head(zd)
    hz = np.concatenate([h, zd], axis=1)
    g = _loss_grad(out, y, cfg)
    gh = g @ net.p["W2"].T
    hidden = cfg["hidden"]
    g1 = gh[:, :hidden] * (h > 0)
    gz = (gh[:, hidden:] + g1 @ net.p["W1"].T) * mask
    d = cfg["dim"]
    rows = np.unique(np.concatenate([m.indices for m in x]))
    ge = sum(m[:, rows].T @ gz[:, s * d : (s + 1) * d] for s, m in enumerate(x))
    grads = {"W2": hz.T @ g, "b2": g.sum(0), "W1": zd.T @ g1, "b1": g1.sum(0), "E": (rows, ge)}
    adam.step(net.p, grads, lr, cfg["decay"])
