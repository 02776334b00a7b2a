"""Temperature, thresholds and the stretch of difficulty, of both stages.

Everything here is chosen on the gold dev set and on the validation bucket
(prompts whose hash ends in 1, of which no outcome and no weak label was
trained on), never on the test split.

What a stage says of n prompts is an array [n, 18]: 16 logits, b, log sd.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import spearmanr

from fast import B, LOG_SD, N_INTENT, softmax
from targets import level_to_b

BOUNDS = np.array([-1.85, -0.75, 0.85, 2.05])  # classifier.LevelBounds
B_LIMIT, SD_LIMIT = 4.0, 1.5  # of b, and of log sd


@dataclass
class Calibration:
    temperature: float
    raise_below: float  # intent confidence below which an answer goes one level up
    slope: float
    intercept: float
    sd_slope: float

    def b(self, out):
        return np.clip(out[:, B] * self.slope + self.intercept, -B_LIMIT, B_LIMIT)

    def sd(self, out):
        return np.exp(np.clip(out[:, LOG_SD], -SD_LIMIT, SD_LIMIT)) * self.sd_slope

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


LEAST_CERTAIN = 0.05  # share of dev whose answers are raised; every twentieth prompt pays a level more


def calibrate(dev_out, dev_rows, val_out, val_b) -> Calibration:
    return Calibration(*_intent(dev_out, dev_rows), *_difficulty(dev_out, dev_rows, val_out, val_b))


def _intent(out, rows):
    """The temperature that minimises the log loss, and the confidence below
    which an answer is raised one level: that of the least certain of dev."""
    y = np.array([r.intent for r in rows])
    z = out[:, :N_INTENT]

    def loss(log_t):
        return -np.mean(np.log(softmax(z / np.exp(log_t))[np.arange(len(y)), y] + 1e-12))

    t = float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))
    confidence = softmax(z / t).max(1)
    return t, round(float(np.quantile(confidence, LEAST_CERTAIN)), 3)


# What levels must do on dev, with a margin above what is promised (0.90, 0.80):
# prompts that readers call L1 get L1 or L2, prompts they call L3 or more get L3 or more.
L1_STAYS_LOW, L3_STAYS_HIGH, MISS = 0.92, 0.82, 2.0
OUTCOMES_COUNT = 2.0  # times as much as readers: where both exist outcomes decide


def _difficulty(dev_out, dev_rows, val_out, val_b):
    """(slope, intercept, slope of sd) of b.

    E[b | text] varies less than b, so levels read from it would crowd in the
    middle. It is stretched about the mean and shifted so that levels agree best
    (QWK) with those of outcomes (validation) and of readers (dev) and both
    conditions above hold, but never so far that its squared error against
    outcomes exceeds that of a constant. The standard deviation is then scaled
    to the error that the stretched b really makes.
    """
    p = val_out[:, B]
    centre, target, spread = p.mean(), val_b.mean(), val_b.std()
    gold = np.array([r.level for r in dev_rows])
    has = ~np.isnan(gold)
    gold, val_levels = gold[has], levels(val_b)
    gold_levels = levels([level_to_b(v) for v in gold])
    best, slope, intercept = -np.inf, 1.0, float(target - centre)
    for k in np.arange(1, 3.01, 0.05):
        for shift in np.arange(-0.8, 0.81, 0.1):
            b_val = np.clip(target + shift + k * (p - centre), -B_LIMIT, B_LIMIT)
            if np.sqrt(np.mean((b_val - val_b) ** 2)) > spread:
                continue
            said = levels(target + shift + k * (dev_out[has, B] - centre))
            low, high = np.mean(said[gold == 1] <= 2), np.mean(said[gold >= 3] >= 3)
            score = OUTCOMES_COUNT * qwk(levels(b_val), val_levels) + qwk(said, gold_levels)
            score -= MISS * (max(0, L1_STAYS_LOW - low) + max(0, L3_STAYS_HIGH - high))
            if score > best:
                best, slope, intercept = score, float(k), float(target + shift - k * centre)
    b = np.clip(p * slope + intercept, -B_LIMIT, B_LIMIT)
    sd = np.exp(np.clip(val_out[:, LOG_SD], -SD_LIMIT, SD_LIMIT))
    return slope, intercept, float(np.sqrt(np.mean(((b - val_b) / sd) ** 2)))


MAY_LOSE = {"accuracy": 0.002, "levels": 0.005, "outcomes": 0.005}


def answers(fast: Calibration, fast_dev, fast_val, deep: Calibration, deep_dev, deep_val, dev_rows, val_b, val_lang):
    """The lowest confidence from which the fast stage may answer alone, so that
    both stages together lose no more than MAY_LOSE against the deep one: in
    intent accuracy and rank correlation with the levels on dev, and in rank
    correlation with outcomes in each language. Above 1: it never may."""
    truth = np.array([r.intent for r in dev_rows])
    levels_ = np.array([r.level for r in dev_rows])
    has = ~np.isnan(levels_)
    f_dev, d_dev = fast.probs(fast_dev), deep.probs(deep_dev)
    confidence_dev, confidence_val = f_dev.max(1), fast.probs(fast_val).max(1)
    b = {"f_dev": fast.b(fast_dev), "d_dev": deep.b(deep_dev), "f_val": fast.b(fast_val), "d_val": deep.b(deep_val)}

    def quality(bound):
        alone, alone_val = confidence_dev >= bound, confidence_val >= bound
        pred = np.where(alone, f_dev.argmax(1), d_dev.argmax(1))
        dev_b, out_b = np.where(alone, b["f_dev"], b["d_dev"]), np.where(alone_val, b["f_val"], b["d_val"])
        by_language = [spearmanr(out_b[val_lang == k], val_b[val_lang == k])[0] for k in ("en", "zh")]
        return np.array([np.mean(pred == truth), spearmanr(dev_b[has], levels_[has])[0], *by_language])

    lose = np.array([MAY_LOSE["accuracy"], MAY_LOSE["levels"], MAY_LOSE["outcomes"], MAY_LOSE["outcomes"]])
    best, floor = 1.01, quality(2.0) - lose
    for bound in np.arange(0.99, 0.4, -0.01):
        if np.all(quality(bound) >= floor):
            best = float(round(bound, 2))
        else:
            break
    return best
