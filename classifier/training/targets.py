"""What each prompt should teach: an intent with a weight, a difficulty with a
standard deviation, or both.

Intent. Gold labels (a person's task, by reading) train the main head. The
sources' own labels name a benchmark's task and are right on about 79 %; they
train a second head on the same trunk, which is not exported.

Difficulty, best evidence first:
 1. outcomes of models: b of the item, with its standard error;
 2. gold level: the middle of the level's interval, sd 0.7. Where both exist
    the outcomes count (readers place benchmark prompts about 0.7 logits lower);
 3. difficulty labels of the sources (LABEL_DIFFICULTY), sd 1.0;
 4. gold prompts with none of these: the mean of the gold levels of their
    intent, sd 1.2. This keeps everyday prompts where everyday prompts lie;
 5. levels.tsv: prompts written here (CC0) with their level by the guide of the
    gold set, because nothing else has greetings at one end and proofs, hard
    competitive programming and research questions at the other, sd 0.5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpus import HELD_OUT_SOURCES, INTENT_ID, LEVELS, Corpus, Row, is_test, split_key

LEVEL_MIDDLES = np.array([-2.4, -1.3, 0.05, 1.45, 2.65])  # as classifier.levelMiddles
WEAK_PER_SOURCE = 2500  # rows of one source in the second head and of label difficulties
MIN_SD = 0.3  # of a difficulty target: no item is known better than that


@dataclass
class Example:
    prompt: str
    key: str
    lang: str
    source: str
    id: str
    gold: int = -1
    also: tuple[int, ...] = ()
    weak: int = -1
    b: float = float("nan")
    b_sd: float = float("nan")
    b_from: str = ""


def level_to_b(level: float) -> float:
    return float(np.interp(level, np.arange(1, 6), LEVEL_MIDDLES))


def label_difficulty(r: Row) -> float:
    """b by the source's own difficulty label, or NaN. Level 5 of MATH is where
    its outcomes lie; the others are set from the gold levels of the same sources
    and the step between their classes."""
    raw = str(r.difficulty_raw)
    if r.difficulty_raw is None:
        return float("nan")
    number = re.search(r"\d+", raw)
    n = int(number.group()) if number else 0
    if r.source in ("math_test", "agieval") and number:
        return [-1.3, -0.7, -0.1, 0.7, 1.7][min(max(n, 1), 5) - 1]
    if r.source == "tal_scq5k_en":
        return -1.4 + 0.4 * n
    if r.source == "tal_scq5k_zh":
        return -0.9 + 0.4 * n
    if r.source == "leetcode_dataset":
        return {"Easy": -1.0, "Medium": 0.1, "Hard": 1.4}.get(raw, float("nan"))
    if r.source == "cmath":
        grade, steps = (int(x) for x in re.search(r"grade (\d+); steps (\d+)", raw).groups())
        return -2.4 + 0.15 * grade + 0.3 * steps
    if r.source in ("followbench_en", "followbench_zh"):
        return -1.7 + 0.3 * n
    return float("nan")


def usable(r: Row, dev_keys: set) -> bool:
    """May this row shape the weights?"""
    return r.open and not r.test and not r.in_evalset and r.key not in dev_keys and r.source not in HELD_OUT_SOURCES


def build(c: Corpus, b_of: dict[str, tuple[float, float]]) -> list[Example]:
    """The training examples, one per key. b_of: (b, se) by item id."""
    dev_keys = {r.key for r in c.gold_dev}
    out: dict[str, Example] = {}

    def example(r: Row) -> Example:
        return out.setdefault(r.key, Example(r.prompt, r.key, r.lang, r.source, r.id))

    def set_b(e: Example, b: float, sd: float, origin: str):
        if e.b_from == "" and b == b:
            e.b, e.b_sd, e.b_from = b, max(sd, MIN_SD), origin

    for r in c.outcomes:
        if usable(r, dev_keys):
            e = example(r)
            e.weak = r.intent
            if r.id in b_of:
                set_b(e, *b_of[r.id], "outcomes")
    gold = [r for r in c.gold_train + c.written if usable(r, dev_keys)]
    by_intent = _mean_by_intent(gold)
    for r in gold:
        e = example(r)
        e.gold, e.also = r.intent, r.also
        if r.level == r.level:
            set_b(e, level_to_b(r.level), 0.7, "level")
    for r in capped(r for r in c.labels if usable(r, dev_keys)):
        e = example(r)
        if e.weak < 0:
            e.weak = r.intent
        set_b(e, label_difficulty(r), 1.0, "label")
    for e in out.values():
        if e.gold >= 0:
            set_b(e, by_intent[e.gold], 1.2, "intent")
    for level, intent, prompt in read_levels():
        key = split_key(prompt)
        if not is_test(key) and key not in dev_keys and key not in out:
            lang = "zh" if re.search("[\u4e00-\u9fff]", prompt) else "en"
            out[key] = Example(prompt, key, lang, "levels", "levels-" + key, gold=INTENT_ID[intent],
                               b=level_to_b(LEVELS[level]), b_sd=0.5, b_from="written")
    return list(out.values())


def read_levels():
    """(level, intent, prompt) of levels.tsv."""
    for line in (Path(__file__).parent / "levels.tsv").read_text(encoding="utf-8").splitlines():
        yield line.split("\t")


def _mean_by_intent(gold) -> dict[int, float]:
    known = [(r.intent, level_to_b(r.level)) for r in gold if r.level == r.level]
    overall = float(np.mean([b for _, b in known]))
    return {k: float(np.mean([b for i, b in known if i == k] or [overall])) for k in range(16)}


def capped(rows):
    """At most WEAK_PER_SOURCE rows of a source, by id, which is a hash."""
    by_source: dict[str, list] = {}
    for r in rows:
        by_source.setdefault(r.source, []).append(r)
    for source in sorted(by_source):
        yield from sorted(by_source[source], key=lambda r: r.id[::-1])[:WEAK_PER_SOURCE]
