"""Temperature, confidence threshold and the stretch of difficulty.

Everything here is chosen on the gold dev set and on the validation bucket
(prompts whose hash ends in 1, of which no outcome and no weak label was
trained on), never on the test split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from model import B, LOG_SD, N_INTENT, softmax
from targets import level_to_b

BOUNDS = np.array([-1.85, -0.75, 0.85, 2.05])  # classifier.LevelBounds
B_LIMIT = 4.0


@dataclass
class Calibration:
    temperature: float
    min_confidence: float
    slope: float
    intercept: float
    sd_slope: float

    def b(self, out):
        return np.clip(out[:, B] * self.slope + self.intercept, -B_LIMIT, B_LIMIT)

    def sd(self, out):
        return np.exp(np.clip(out[:, LOG_SD], -1.5, 1.5)) * self.sd_slope

    def probs(self, out):
        return softmax(out[:, :N_INTENT] / self.temperature)


def levels(b):
    return np.digitize(b, BOUNDS) + 1


def qwk(a, b, n=5):
    """Quadratically weighted kappa of two arrays of levels 1..n."""
    o = np.zeros((n, n))
    np.add.at(o, (np.asarray(a, int) - 1, np.asarray(b, int) - 1), 1)
    w = (np.arange(n)[:, None] - np.arange(n)) ** 2
    return float(1 - (w * o).sum() / (w * np.outer(o.sum(1), o.sum(0)) / o.sum()).sum())


def calibrate(dev_out, dev_rows, val_out, val_b) -> Calibration:
    return Calibration(*_intent(dev_out, dev_rows), *_difficulty(dev_out, dev_rows, val_out, val_b))


def _intent(out, rows):
    """The temperature that minimises the log loss, and the confidence below
    which an answer is raised one level: the 10 % least certain of dev."""
    y = np.array([r.intent for r in rows])
    z = out[:, :N_INTENT]

    def loss(log_t):
        return -np.mean(np.log(softmax(z / np.exp(log_t))[np.arange(len(y)), y] + 1e-12))

    t = float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))
    confidence = softmax(z / t).max(1)
    return t, round(float(np.quantile(confidence, 0.10)), 3)


def _difficulty(dev_out, dev_rows, val_out, val_b):
    """E[b | text] varies less than b, so levels read from it would crowd in the
    middle. It is stretched about the mean by the factor that agrees best with
    the levels of outcomes (validation) and of readers (dev), but never so far
    that its squared error exceeds that of a constant. The standard deviation is
    then scaled to the error that the stretched b really makes.
    """
    p = val_out[:, B]
    centre, target, spread = p.mean(), val_b.mean(), val_b.std()
    gold = np.array([r.level for r in dev_rows])
    has = ~np.isnan(gold)
    best, slope = -9.0, 1.0
    for k in np.arange(1, 3.01, 0.05):
        stretched = np.clip(target + k * (p - centre), -B_LIMIT, B_LIMIT)
        if k > 1 and np.sqrt(np.mean((stretched - val_b) ** 2)) > spread:
            break
        dev_b = target + k * (dev_out[has, B] - centre)
        score = qwk(levels(stretched), levels(val_b)) + qwk(levels(dev_b), levels([level_to_b(v) for v in gold[has]]))
        if score > best:
            best, slope = score, float(k)
    intercept = float(target - slope * centre)
    b = np.clip(p * slope + intercept, -B_LIMIT, B_LIMIT)
    sd = np.exp(np.clip(val_out[:, LOG_SD], -1.5, 1.5))
    return slope, intercept, float(np.sqrt(np.mean(((b - val_b) / sd) ** 2)))
