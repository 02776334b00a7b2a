"""Every figure of the model card. Nothing here chooses anything: the net, its
thresholds and its calibration are fixed before the test split is read."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from calibrate import levels, qwk
from corpus import HELD_OUT_SOURCES, INTENTS, RELATIVE_SOURCES, Corpus


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


def rows_for(c: Corpus, b_true: dict, val_rows) -> dict:
    """The rows of every table."""
    dev_keys = {r.key for r in c.gold_dev}
    weak = [r for r in c.labels + c.outcomes if r.intent >= 0 and r.key not in dev_keys]
    return {
        "dev": c.gold_dev,
        "gold": [r for r in c.gold_train + c.written if (r.test or r.source in HELD_OUT_SOURCES) and r.key not in dev_keys],
        "weak": [r for r in weak if r.test and r.source not in HELD_OUT_SOURCES],
        "weak unseen": [r for r in weak if r.source in HELD_OUT_SOURCES],
        "weak closed": [r for r in weak if not r.open and r.test],
        "outcomes": [r for r in c.outcomes if r.test and r.id in b_true and r.source not in RELATIVE_SOURCES],
        "validation": val_rows,
    }


def evaluate(rows: dict, predict, b_true: dict) -> dict:
    """predict(rows) gives (probabilities [n, 16], b [n]), calibrated; b_true has
    b by item id, of all sources."""
    en, zh = (lambda r: r.lang == "en"), (lambda r: r.lang == "zh")
    said = {name: predict(part) for name, part in rows.items()}
    dev, gold, weak = rows["dev"], rows["gold"], rows["weak"]
    p_dev, p_gold, p_weak = said["dev"][0], said["gold"][0], said["weak"][0]
    unseen = lambda r: r.source in HELD_OUT_SOURCES
    fig = {
        "gold_dev": {"all": intent_figures(dev, p_dev), "en": intent_figures(dev, p_dev, en), "zh": intent_figures(dev, p_dev, zh),
                     "sources not trained on": intent_figures(dev, p_dev, lambda r: not r.open or unseen(r))},
        "gold_dev_per_intent": {"en": _per_intent(dev, p_dev, en), "zh": _per_intent(dev, p_dev, zh)},
        "gold_dev_levels": {"all": level_figures(dev, said["dev"][1])},
        "gold_test": {"all": intent_figures(gold, p_gold), "en": intent_figures(gold, p_gold, en), "zh": intent_figures(gold, p_gold, zh),
                      "sources never seen": intent_figures(gold, p_gold, unseen)},
        "gold_test_per_intent": {"en": _per_intent(gold, p_gold, en), "zh": _per_intent(gold, p_gold, zh)},
        "gold_test_levels": {"all": level_figures(gold, said["gold"][1])},
        "weak_test": {"test split": intent_figures(weak, p_weak), "test split, en": intent_figures(weak, p_weak, en),
                      "test split, zh": intent_figures(weak, p_weak, zh),
                      "whole sources held out": intent_figures(rows["weak unseen"], said["weak unseen"][0]),
                      "sources without an open licence": intent_figures(rows["weak closed"], said["weak closed"][0])},
    }
    for name, part in (("difficulty_test", "outcomes"), ("difficulty_validation", "validation")):
        truth = np.array([b_true[r.id] for r in rows[part]])
        fig[name] = difficulty_figures(truth, said[part][1], [r.lang for r in rows[part]])
    truth, source = np.array([b_true[r.id] for r in rows["outcomes"]]), np.array([r.source for r in rows["outcomes"]])
    fig["difficulty_test_by_source"] = {
        s: difficulty_figures(truth[m], said["outcomes"][1][m], ["en"] * int(m.sum()))["all"] for s in np.unique(source) for m in [source == s]}
    return fig


def stages(rows: dict, runs: dict, cal: dict, answers: float, b_true: dict):
    """Figures of the fast stage, the deep stage, and both together (the fast
    one alone from confidence answers on), and by table the share of prompts
    that the fast one then answers."""
    raw = {k: {name: run(part) for name, part in rows.items()} for k, run in runs.items()}
    name_of = {id(part): name for name, part in rows.items()}
    shares = {}

    def one(stage):
        return lambda part: (cal[stage].probs(raw[stage][name_of[id(part)]]), cal[stage].b(raw[stage][name_of[id(part)]]))

    def both(part):
        (fast_p, fast_b), (deep_p, deep_b) = one("fast")(part), one("deep")(part)
        alone = fast_p.max(1) >= answers
        shares[name_of[id(part)]] = float(alone.mean())
        return np.where(alone[:, None], fast_p, deep_p), np.where(alone, fast_b, deep_b)

    figures = {k: evaluate(rows, predict, b_true) for k, predict in (("both", both), ("deep", one("deep")), ("fast", one("fast")))}
    return figures, shares


def progress(dev, val, val_b, predict, serve):
    """A line of figures of a network in training, on the rows that choose."""
    intent = np.array([r.intent for r in dev])
    level = np.array([r.level for r in dev])
    lang, val_lang = np.array([r.lang for r in dev]), np.array([r.lang for r in val])

    def check(net) -> str:
        out, measured = predict(net, dev), predict(net, val)
        pred = out[:, : len(INTENTS)].argmax(1)
        parts = {"accuracy": np.mean(pred == intent), "F1": macro_f1(intent, pred), **{f"F1 {k}": macro_f1(intent[lang == k], pred[lang == k]) for k in ("en", "zh")},
                 "levels": spearmanr(serve(out), level)[0],
                 **{f"outcomes {k}": spearmanr(serve(measured)[val_lang == k], val_b[val_lang == k])[0] for k in ("en", "zh")}}
        return ", ".join(f"{k} {v:.3f}" for k, v in parts.items())

    return check


def _per_intent(rows, probs, pick):
    keep = np.array([pick(r) for r in rows])
    return per_intent([r for r in rows if pick(r)], probs[keep])
