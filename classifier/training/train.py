"""From data to the files that the Go side embeds. See README.md.

    python train.py --data ../shared/data --root <module root>
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pickle
import platform
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")

import numpy as np  # noqa: E402

import anchors  # noqa: E402
import calibrate  # noqa: E402
import card  # noqa: E402
import corpus  # noqa: E402
import evaluate  # noqa: E402
import export  # noqa: E402
import model  # noqa: E402
import parity  # noqa: E402
import targets  # noqa: E402
import tokens  # noqa: E402

VOCABULARY, BUCKETS, SEED = 20000, 49152, 1
CONFIG = {
    "dim": 64, "hidden": 96, "epochs": 10, "batch": 128, "lr": 1e-3, "decay": 0.1, "dropout": 0.4,
    "word_dropout": 0.4, "average": 3, "w_gold": 1.0, "w_weak": 0.3, "w_b": 0.5,
}
DRAWS_GOLD, DRAWS_WRITTEN = 3, 6  # times an example is drawn per epoch; others once
ALSO_SHARE = 0.3  # of the target's mass that goes to equally good labels
B_WEIGHT = {"outcomes": 1.0, "level": 3.0, "label": 0.3, "intent": 0.2, "written": 3.0}


def validation(key: str) -> bool:
    """Prompts whose outcomes and weak labels choose the calibration."""
    return corpus.bucket(key) % 10 == 1


def code_hash() -> str:
    here = Path(__file__).parent
    h = hashlib.sha256()
    for p in sorted([*here.glob("*.py"), here / "levels.tsv", here / "requirements.txt"]):
        h.update(p.name.encode() + b"\0" + p.read_bytes())
    return h.hexdigest()


def stage(folder: Path, name: str, stamp: str, make):
    """Runs make() once per stamp and keeps the result, so that a rerun resumes."""
    path = folder / f"{name}-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}.pickle"
    if path.exists():
        print(f"{name}: kept from an earlier run", flush=True)
        return pickle.loads(path.read_bytes())
    print(f"{name} ...", flush=True)
    value = make()
    folder.mkdir(parents=True, exist_ok=True)
    tmp = path.with_suffix(".tmp")
    tmp.write_bytes(pickle.dumps(value))
    tmp.replace(path)
    return value


def examples_to_arrays(examples):
    n = len(examples)
    y = {"gold": np.zeros((n, 16), np.float32), "weak": np.zeros((n, 16), np.float32),
         "b": np.full(n, np.nan, np.float32), "b_sd": np.full(n, 9, np.float32), "b_weight": np.zeros(n, np.float32)}
    draws = np.ones(n)
    for i, e in enumerate(examples):
        held = validation(e.key)
        if e.gold >= 0:
            y["gold"][i, e.gold] = 1 - ALSO_SHARE * bool(e.also)
            for a in e.also:
                y["gold"][i, a] += ALSO_SHARE / len(e.also)
            draws[i] = DRAWS_WRITTEN if e.b_from == "written" else DRAWS_GOLD
        if e.weak >= 0 and not held:
            y["weak"][i, e.weak] = 1
        if e.b_from and not (held and e.b_from not in ("intent", "written")):
            y["b"][i], y["b_sd"][i], y["b_weight"][i] = e.b, e.b_sd, B_WEIGHT[e.b_from]
    teaches = (y["gold"].sum(1) + y["weak"].sum(1) > 0) | ~np.isnan(y["b"])
    return y, draws * teaches


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("--data", type=Path, default=Path(os.environ.get("ASSAY_DATA", "../shared/data")))
    args.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    args.add_argument("--work", type=Path, help="where stages are kept; default .cache/training of the module")
    a = args.parse_args()
    data = a.data if a.data.is_absolute() else (a.root / a.data)
    if not (data / "prompts").is_dir():
        raise SystemExit(f"no prompts in {data}: give the data folder by --data or ASSAY_DATA")
    work = a.work or a.root / ".cache" / "training"
    out = a.root / "classifier" / "onnx" / "model"

    c = corpus.load(data)
    stamp = json.dumps(c.hashes, sort_keys=True)
    files = lambda *names: "".join((Path(__file__).parent / n).read_text() for n in names)
    family, same = anchors.read_aliases(a.root / "models" / "data" / "aliases.csv")
    scale = stage(work, "scale", stamp + files("corpus.py", "irt.py", "anchors.py") + json.dumps([family, same]),
                  lambda: anchors.fit_scale(c, family, same))
    n_anchors = anchors.write_anchors(a.root / "models" / "data" / "anchors.csv", scale, family)

    b_open = {i: (b, se) for i, b, se in zip(scale.open.item_ids, scale.open.b, scale.open.b_se)}
    examples = targets.build(c, b_open)
    vocab = stage(work, "vocabulary", stamp + files("corpus.py", "tokens.py", "targets.py", "levels.tsv") + str(VOCABULARY),
                  lambda: tokens.train_vocab([e.prompt for e in examples], VOCABULARY))
    tokenizer = tokens.Tokenizer(vocab)

    def matrices(rows):
        return model.segment_matrices([tokens.features(tokenizer.pieces(r.prompt), len(vocab), BUCKETS) for r in rows], len(vocab) + BUCKETS)

    y, draws = examples_to_arrays(examples)
    shapes = ("corpus.py", "irt.py", "anchors.py", "targets.py", "tokens.py", "model.py", "train.py", "levels.tsv")
    net = stage(work, "net", stamp + files(*shapes) + json.dumps([family, same]),
                lambda: model.train(matrices(examples), y, draws, CONFIG, SEED, log=lambda s: print(" ", s, flush=True)))
    net = export.quantised(net)

    # what b really is, also of items that may not shape the weights: for measuring
    b_true = {i: b for i, b in zip(scale.all.item_ids, scale.all.b)}
    val = [r for r in c.outcomes if r.open and validation(r.key) and not r.in_evalset and r.id in b_true]
    b_val = {**b_true, **{i: b for i, (b, _) in b_open.items()}}
    predict = lambda rows: net.predict(matrices(rows))
    cal = calibrate.calibrate(predict(c.gold_dev), c.gold_dev, predict(val), np.array([b_val[r.id] for r in val]))

    test_b = anchors.test_difficulties(c, scale, family, same)
    figures = evaluate.evaluate(c, cal, predict, {**b_val, **test_b}, val)

    graph = export.build(net, cal.temperature, cal.slope, cal.intercept, cal.sd_slope, calibrate.B_LIMIT).SerializeToString()
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(graph)
    text = "\n".join(vocab) + "\n"
    (out / "vocab.txt").write_text(text, encoding="utf-8")
    testdata = a.root / "classifier" / "onnx" / "testdata"
    testdata.mkdir(exist_ok=True)
    parity.write(testdata / "parity.jsonl", tokenizer, BUCKETS, graph)
    sha = lambda b: hashlib.sha256(b).hexdigest()
    info = {
        "schema": 1, "stage": "fast", "intents": corpus.INTENTS, "buckets": BUCKETS, "edge": tokens.EDGE,
        "thresholds": {"min_confidence": cal.min_confidence},
        "calibration": cal.__dict__, "config": CONFIG, "seed": SEED,
        "sha256": {"model.onnx": sha(graph), "vocab.txt": sha(text.encode()), "code": code_hash(), "data": c.hashes},
        "split": {"test": "sha256 bucket mod 10 = 0", "validation": "sha256 bucket mod 10 = 1 (outcomes and weak labels)",
                  "held_out_sources": sorted(corpus.HELD_OUT_SOURCES), "rows_in_eval_sets": c.excluded},
        "rows": card.row_counts(examples, c), "metrics": figures, "python": platform.python_version(),
    }
    (out / "model.json").write_text(json.dumps(info, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (a.root / "classifier" / "onnx" / "MODEL_CARD.md").write_text(card.render(info, scale, n_anchors, len(graph)), encoding="utf-8")
    print(json.dumps({k: figures[k] for k in ("gold_dev", "gold_test", "difficulty_test", "gold_dev_levels")}, indent=1))


if __name__ == "__main__":
    main()
