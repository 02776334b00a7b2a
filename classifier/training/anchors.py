"""The scale of ability and difficulty, and models/data/anchors.csv.

Two stages, so that outcomes without a licence never shape the weights:
 1. open licences: item difficulties and abilities. The classifier learns these.
 2. every right-or-wrong source, with the abilities of stage 1 as given: the
    abilities of the models that only the other sources have.
Stage 2 also fixes the zero of both: the mean difficulty of all training
outcomes (test prompts and items of eval sets left out) is 0.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import irt
from corpus import RELATIVE_SOURCES, Corpus


@dataclass
class Scale:
    open: irt.Fit  # stage 1, on the final scale
    all: irt.Fit  # stage 2, on the final scale
    shift: float


def read_aliases(path: Path):
    """(family, same) by outcome name, as reviewed by hand: a family only where
    the catalogue's published scores are of the very same weights."""
    family, same = {}, {}
    with path.open(newline="", encoding="utf-8") as f:
        for row in csv.DictReader(f):
            family[row["outcome"]] = row["family"]
            if row["same_weights_as"]:
                same[row["outcome"]] = row["same_weights_as"]
    return family, same


def measurable(r) -> bool:
    return r.source not in RELATIVE_SOURCES and not r.test and not r.in_evalset


def fit_scale(c: Corpus, family: dict, same: dict) -> Scale:
    rows = [r for r in c.outcomes if measurable(r)]
    group = {m: f for m, f in family.items() if f}
    first = irt.fit([r for r in rows if r.open], same, group)
    known = {m: (t, s) for m, t, s in zip(first.models, first.theta, first.theta_se)}
    second = irt.fit(rows, same, group, fixed=known, shift=False)
    shift = float(np.mean(second.b))
    for f in (first, second):
        f.theta, f.b = f.theta - shift, f.b - shift
        f.source_mean = {s: m - shift for s, m in f.source_mean.items()}
    return Scale(first, second, shift)


def write_anchors(path: Path, scale: Scale, family: dict) -> int:
    f = scale.all
    order = sorted(range(len(f.models)), key=lambda k: -f.theta[k])
    with path.open("w", newline="", encoding="utf-8") as out:
        w = csv.writer(out, lineterminator="\n")
        w.writerow(["outcome", "family", "theta", "se", "sources"])
        for k in order:
            m = f.models[k]
            w.writerow([m, family.get(m, ""), f"{f.theta[k]:.3f}", f"{f.theta_se[k]:.3f}", ";".join(f.sources_of[k])])
    return len(order)


def test_difficulties(c: Corpus, scale: Scale, family: dict, same: dict) -> dict[str, float]:
    """b of the test prompts, for measuring only: abilities stay as fitted, each
    item gets the difficulty that its own outcomes imply."""
    f = scale.all
    known = {m: (t, 0.02) for m, t in zip(f.models, f.theta)}
    rows = [r for r in c.outcomes if r.source not in RELATIVE_SOURCES and r.test]
    group = {m: g for m, g in family.items() if g}
    fit = irt.fit(rows, same, group, fixed=known, shift=False)
    return {i: float(b) for i, b in zip(fit.item_ids, fit.b)}
