"""Every figure of the model card. Nothing here chooses anything: the net, its
thresholds and its calibration are fixed before the test split is read."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from calibrate import Calibration, levels, qwk
from corpus import HELD_OUT_SOURCES, INTENTS, RELATIVE_SOURCES, Corpus
from model import N_INTENT


def macro_f1(truth, pred):
    scores = []
    for k in np.unique(truth):
        hit = np.sum((pred == k) & (truth == k))
        scores.append(2 * hit / (np.sum(pred == k) + np.sum(truth == k)))
    return float(np.mean(scores))


def ece(confidence, right, bins=10):
    """Expected calibration error over equal-width bins."""
    edges = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(sum(abs(confidence[edges == k].mean() - right[edges == k].mean()) * np.mean(edges == k)
                     for k in range(bins) if np.any(edges == k)))


def intent_figures(rows, probs, pick=None):
    """Accuracy, accuracy counting equally good labels, macro-F1, calibration error."""
    keep = np.array([pick is None or pick(r) for r in rows])
    if keep.sum() < 5:
        return None
    rows, probs = [r for r, k in zip(rows, keep) if k], probs[keep]
    truth, pred = np.array([r.intent for r in rows]), probs.argmax(1)
    right = pred == truth
    also = np.array([p == r.intent or p in r.also for p, r in zip(pred, rows)])
    return {"n": len(rows), "accuracy": float(right.mean()), "or_equally_good": float(also.mean()),
            "macro_f1": macro_f1(truth, pred), "ece": ece(probs.max(1), right)}


def per_intent(rows, probs):
    truth, pred = np.array([r.intent for r in rows]), probs.argmax(1)
    out = {}
    for k, name in enumerate(INTENTS):
        n, p, hit = int(np.sum(truth == k)), int(np.sum(pred == k)), int(np.sum((truth == k) & (pred == k)))
        if n:
            out[name] = {"n": n, "recall": hit / n, "precision": hit / p if p else None}
    return out


def difficulty_figures(b_true, b_pred, langs):
    def one(mask):
        if mask.sum() < 20:
            return None
        return {"n": int(mask.sum()), "spearman": float(spearmanr(b_pred[mask], b_true[mask])[0]),
                "rmse": float(np.sqrt(np.mean((b_pred[mask] - b_true[mask]) ** 2))),
                "qwk": qwk(levels(b_pred[mask]), levels(b_true[mask]))}
    langs = np.array(langs)
    return {"all": one(langs != ""), "en": one(langs == "en"), "zh": one(langs == "zh")}


def level_figures(rows, b):
    """Against the gold levels (mean of the passes where there are two)."""
    gold = np.array([r.level for r in rows])
    has = ~np.isnan(gold)
    gold, lv, b = gold[has], levels(b[has]), b[has]
    near = np.abs(lv - gold)
    easy, hard = gold == 1, gold >= 3
    return {"n": int(has.sum()), "exact": float((near < 1).mean()), "within_one": float((near <= 1).mean()),
            "qwk": qwk(lv, np.floor(gold + 0.5)), "spearman": float(spearmanr(b, gold)[0]),
            "l1_gets_l1_or_l2": float((lv[easy] <= 2).mean()), "l3_up_gets_l3_up": float((lv[hard] >= 3).mean())}


def evaluate(c: Corpus, cal: Calibration, predict, b_true: dict, val_rows) -> dict:
    """predict(rows) gives raw outputs; b_true has b by item id, of all sources."""
    dev_keys = {r.key for r in c.gold_dev}
    en, zh = (lambda r: r.lang == "en"), (lambda r: r.lang == "zh")
    dev_out = predict(c.gold_dev)
    dev_probs = cal.probs(dev_out)
    gold_test = [r for r in c.gold_train + c.written if (r.test or r.source in HELD_OUT_SOURCES) and r.key not in dev_keys]
    gold_test_out = predict(gold_test)
    gold_probs = cal.probs(gold_test_out)
    unseen = lambda r: r.source in HELD_OUT_SOURCES
    fig = {
        "gold_dev": {"all": intent_figures(c.gold_dev, dev_probs), "en": intent_figures(c.gold_dev, dev_probs, en),
                     "zh": intent_figures(c.gold_dev, dev_probs, zh)},
        "gold_dev_per_intent": {"en": _per_intent(c.gold_dev, dev_probs, en), "zh": _per_intent(c.gold_dev, dev_probs, zh)},
        "gold_dev_levels": {"all": level_figures(c.gold_dev, cal.b(dev_out))},
        "gold_test": {"all": intent_figures(gold_test, gold_probs), "en": intent_figures(gold_test, gold_probs, en),
                      "zh": intent_figures(gold_test, gold_probs, zh), "sources never seen": intent_figures(gold_test, gold_probs, unseen)},
        "gold_test_per_intent": {"en": _per_intent(gold_test, gold_probs, en), "zh": _per_intent(gold_test, gold_probs, zh)},
        "gold_test_levels": {"all": level_figures(gold_test, cal.b(gold_test_out))},
    }
    fig["weak_test"] = _weak(c, cal, predict, dev_keys)
    test = [r for r in c.outcomes if r.test and r.id in b_true and r.source not in RELATIVE_SOURCES]
    b_pred = cal.b(predict(test))
    truth = np.array([b_true[r.id] for r in test])
    fig["difficulty_test"] = difficulty_figures(truth, b_pred, [r.lang for r in test])
    fig["difficulty_test_by_source"] = {
        s: difficulty_figures(truth[m], b_pred[m], ["en"] * int(m.sum()))["all"]
        for s in sorted({r.source for r in test}) for m in [np.array([r.source == s for r in test])]}
    val_b = cal.b(predict(val_rows))
    fig["difficulty_validation"] = difficulty_figures(np.array([b_true[r.id] for r in val_rows]), val_b, [r.lang for r in val_rows])
    return fig


def _per_intent(rows, probs, pick):
    keep = np.array([pick(r) for r in rows])
    return per_intent([r for r in rows if pick(r)], probs[keep])


def _weak(c, cal, predict, dev_keys):
    """The sources' own labels, on the test split and on whole unseen sources."""
    rows = [r for r in c.labels + c.outcomes if r.intent >= 0 and r.key not in dev_keys]
    test = [r for r in rows if r.test and r.source not in HELD_OUT_SOURCES]
    unseen = [r for r in rows if r.source in HELD_OUT_SOURCES]
    closed = [r for r in rows if not r.open and r.test]
    out = {}
    for name, part in (("test split", test), ("test split, en", [r for r in test if r.lang == "en"]),
                       ("test split, zh", [r for r in test if r.lang == "zh"]), ("whole sources held out", unseen),
                       ("sources without an open licence", closed)):
        out[name] = intent_figures(part, cal.probs(predict(part)))
    return out
