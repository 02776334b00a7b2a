"""MODEL_CARD.md, generated from the figures of the run."""

from __future__ import annotations

from collections import Counter

from corpus import licence_class


def row_counts(examples, c) -> dict:
    licence = {r.id: r.licence for rows in (c.outcomes, c.labels, c.gold_train, c.written) for r in rows}
    return {
        "examples": len(examples),
        "gold_intents": sum(e.gold >= 0 for e in examples),
        "weak_intents": sum(e.weak >= 0 for e in examples),
        "difficulties": dict(Counter(e.b_from for e in examples if e.b_from)),
        "by_language": dict(Counter(e.lang for e in examples)),
        "by_licence": dict(Counter(licence.get(e.id, "CC0-1.0 (levels.tsv)") for e in examples).most_common()),
        "left_out_for_licence": sum(licence_class(r.licence) != "open" for r in c.outcomes + c.labels),
    }


def _table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(str(x) for x in r) + " |" for r in rows])


def _num(v, digits=3):
    return "-" if v is None else f"{v:.{digits}f}"


def _intent_rows(groups):
    for name, f in groups:
        if f:
            yield name, f["n"], _num(f["accuracy"]), _num(f["or_equally_good"]), _num(f["macro_f1"]), _num(f["ece"])


def _per_intent(m, part):
    en, zh = m[f"{part}_per_intent"]["en"], m[f"{part}_per_intent"]["zh"]
    for name in sorted(set(en) | set(zh)):
        e, z = en.get(name, {}), zh.get(name, {})
        yield (name, e.get("n", 0), _num(e.get("recall")), _num(e.get("precision")), z.get("n", 0), _num(z.get("recall")), _num(z.get("precision")))


def render(info: dict, scale, n_anchors: int, size: int) -> str:
    m, rows, cal = info["metrics"], info["rows"], info["calibration"]
    dev, test, weak = m["gold_dev"], m["gold_test"], m["weak_test"]
    head = ("prompts", "n", "accuracy", "or an equally good label", "macro-F1", "calibration error")
    intents = [*_intent_rows([("gold dev (selection)", dev["all"]), ("gold dev, English", dev["en"]), ("gold dev, Chinese", dev["zh"]),
                              ("gold test", test["all"]), ("gold test, English", test["en"]), ("gold test, Chinese", test["zh"]),
                              ("gold, sources never seen", test["sources never seen"])]),
               *_intent_rows([(f"weak labels, {k}", v) for k, v in weak.items()])]
    diff = [(name, f["n"], _num(f["spearman"]), _num(f["rmse"]), _num(f["qwk"]))
            for name, f in [*((f"outcomes, test split, {k}", v) for k, v in m["difficulty_test"].items()),
                            *((f"outcomes, validation (calibration), {k}", v) for k, v in m["difficulty_validation"].items()),
                            *((f"test split of {k}", v) for k, v in m["difficulty_test_by_source"].items())] if f]
    lev = [(name, f["n"], _num(f["exact"]), _num(f["within_one"]), _num(f["qwk"]), _num(f["spearman"]), _num(f["l1_gets_l1_or_l2"]), _num(f["l3_up_gets_l3_up"]))
           for name, f in (("gold dev (selection)", m["gold_dev_levels"]["all"]), ("gold test", m["gold_test_levels"]["all"]))]
    sources = [(s, f"{scale.all.source_mean[s]:.2f}", f"{scale.all.source_sd[s]:.2f}", "weights and scale" if s in scale.open.source_mean else "scale only (licence)")
               for s in sorted(scale.all.source_mean)]
    return f"""# Model card: the fast classifier

Written by `classifier/training` (`make -C classifier/training train`); do not edit. Hashes of data, code and weights are in `model/model.json`.

**What it is.** A bag of WordPiece and word-pair embeddings ({size / 1e6:.1f} MB, 8 bit) over the whole text, its beginning and its end, with one hidden layer; 16 intents and the difficulty b in logits with its standard deviation. English and Chinese. **What it is for:** choosing a model for a prompt. It does not judge people, and is not a safety filter.

**Weak points.** It sees words, not meaning: negation, long-range structure and rare topics escape it. Intents that share vocabulary (writing, roleplay, rewriting, advice) are confused most; see the tables. Difficulty within one kind of prompt is hardly told apart. Other languages than the two are out of scope.

## Intent
Gold labels come from reading; weak labels are what a data set calls its task, which a careful reader shares on about 79 %. *Gold dev chose the settings, so its figures are optimistic*; nothing was chosen on any test row. Gold test: gold prompts of the hashed test split and of held-out sources ({", ".join(info["split"]["held_out_sources"])}).

{_table(head, intents)}

### Per intent, gold dev
{_table(("intent", "en n", "en recall", "en precision", "zh n", "zh recall", "zh precision"), _per_intent(m, "gold_dev"))}

### Per intent, gold test
{_table(("intent", "en n", "en recall", "en precision", "zh n", "zh recall", "zh precision"), _per_intent(m, "gold_test"))}

Probabilities are divided by the temperature {cal["temperature"]:.2f}, fitted on gold dev. An answer of confidence below {cal["min_confidence"]} (the least certain tenth of gold dev) is raised one level.

## Difficulty
True b comes from real outcomes of models (test prompts: fitted after the abilities, for measuring only). Levels are intervals of b.

{_table(("prompts", "n", "Spearman", "RMSE", "QWK of levels"), diff)}

b is stretched about its mean by {cal["slope"]:.2f}: a regression's predictions vary less than b, and levels read from them would crowd in the middle. The stretch agrees best with levels on validation and gold dev, and is bounded so that the squared error stays below that of a constant. The reported standard deviation includes this.

Against levels by reading:

{_table(("prompts", "n", "less than one level off", "within one level", "QWK", "Spearman", "L1 gets L1 or L2", "L3 up gets L3 up"), lev)}

## Scale
Abilities of {n_anchors} models and difficulties of {len(scale.all.item_ids):,} training prompts by a one-parameter model with source effects (`irt.py`); zero is the mean difficulty of the training outcomes. Mean and spread of b per source:

{_table(("source", "mean b", "sd b", "used for"), sources)}

Not on the scale: preference against a baseline answer and chrF (alpaca_eval1, alpaca_eval2, wmt22_gptmt).

## Training data
{rows["examples"]:,} prompts ({", ".join(f"{k} {v:,}" for k, v in rows["by_language"].items())}); {rows["gold_intents"]:,} with gold intent, {rows["weak_intents"]:,} with weak intent (a second head, not exported); difficulty from {", ".join(f"{k} {v:,}" for k, v in rows["difficulties"].items())}. Left out: the test split, items of eval sets ({info["split"]["rows_in_eval_sets"]:,} rows, also inside other templates), held-out sources, prompts of gold dev, and {rows["left_out_for_licence"]:,} rows without a permissive or attribution licence. Those served for measuring only.

`levels.tsv` (CC0, written for this purpose) holds greetings, everyday requests, proofs, contest programming and research questions with a level each. It is what places olympiad proofs at L5 and small talk at L1: no source here has outcomes for either. It was written knowing that such prompts would be looked at, so a pleasing answer on an obvious proof or greeting is no evidence; the tables above are.

{_table(("licence as recorded", "prompts"), rows["by_licence"].items())}
"""
