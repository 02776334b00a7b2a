"""What each prompt should teach.

Intent. Gold labels come from reading; where a second reading (data/read.tsv)
differs, both share the target. The sources' own labels name a benchmark's task
and are right on about 79 %; they train a second head on the same trunk, which
is not exported.

Difficulty is learnt as three things, because reading and measuring differ:
 - by outcomes: b of the item with its standard error, or, with a fifth of the
   weight, what the source's own difficulty label says (LABEL_DIFFICULTY);
 - by reading: the middle of the level's interval;
 - to serve: by outcomes where they exist, else by reading.

What a request has beside its text is a mark before it. Prompts that list
functions teach it: they occur a second time with the list replaced by the mark.
A few others get a mark at random with everything else unchanged, so that a mark
alone decides nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from corpus import HELD_OUT_SOURCES, Corpus, Row, bucket
from tokens import IMAGES, TOOLS

# Where a level lies: the middle of its interval; of the outer ones, that of their usual width.
LEVEL_MIDDLES = np.array([-2.4, -1.3, 0.05, 1.45, 2.65])
WEAK_PER_SOURCE = 2500  # rows of one source in the second head and of label difficulties
MIN_SD = 0.3  # of a difficulty target: no item is known better than that
READ_SD = 0.5  # of a level by reading
SECOND = 0.3  # of the target's mass that goes to equally good labels, or to a second reading
FUNCTIONS = re.compile(r"\n+Available functions:\n.*", re.S)  # how label and outcome sources list tools


@dataclass
class Example:
    prompt: str
    key: str
    lang: str
    source: str
    id: str
    intent: np.ndarray | None = None  # [16], sums to 1
    weak: int = -1
    b: float = float("nan")  # by outcomes or label
    b_sd: float = float("nan")
    b_from: str = ""
    read: float = float("nan")  # b by reading
    tools: bool = False
    images: bool = False
    composed: bool = False

    @property
    def marks(self) -> list[str]:
        return [TOOLS] * self.tools + [IMAGES] * self.images


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


def vocabulary_texts(c: Corpus) -> list[str]:
    dev_keys = {r.key for r in c.gold_dev}
    return list({r.key: r.prompt for r in c.gold_train + c.written + c.outcomes + c.labels if usable(r, dev_keys)}.values())


def build(c: Corpus, b_of: dict[str, tuple[float, float]]) -> list[Example]:
    """The training examples, one per key and marks. b_of: (b, se) by item id."""
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
    for r in c.gold_train + c.written + c.composed:
        if usable(r, dev_keys):
            e = example(r)
            e.intent = intent_target(r.intent, r.also, c.readings.get(r.id))
            e.composed = r.source in ("written", "composed")
            if r.level == r.level:
                e.read = level_to_b(r.level)
    for r in c.outcomes + c.labels + c.gold_train + c.written:
        reading = c.readings.get(r.id)
        if reading and usable(r, dev_keys):
            e = example(r)
            if e.intent is None:
                e.intent = intent_target(reading.intent, reading.also, None)
            if e.read != e.read:
                e.read = level_to_b(reading.level)
    for r in capped(r for r in c.labels if usable(r, dev_keys)):
        e = example(r)
        if e.weak < 0:
            e.weak = r.intent
        set_b(e, label_difficulty(r), 1.0, "label")
    return list(out.values()) + marked(out.values())


def intent_target(intent: int, also, second) -> np.ndarray:
    t = np.zeros(16, np.float32)
    others = sorted({*also, *((second.intent,) if second else ())} - {intent})
    t[intent] = 1 - SECOND * bool(others)
    for a in others:
        t[a] += SECOND / len(others)
    return t


def marked(examples) -> list[Example]:
    """The second occurrences, with a mark of tools or images. Chosen by hash."""
    extra = []
    for e in examples:
        bare = FUNCTIONS.sub("", e.prompt)
        n = bucket(e.key) // 1000 % 100
        if bare != e.prompt and bare.strip():
            extra.append(replace(e, prompt=bare, tools=True))
        elif e.intent is not None and n < 9:
            extra.append(replace(e, tools=n < 5, images=n >= 4))
    return extra


def capped(rows):
    """At most WEAK_PER_SOURCE rows of a source, by id, which is a hash."""
    by_source: dict[str, list] = {}
    for r in rows:
        by_source.setdefault(r.source, []).append(r)
    for source in sorted(by_source):
        yield from sorted(by_source[source], key=lambda r: r.id[::-1])[:WEAK_PER_SOURCE]
