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
import time
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")

import numpy as np  # noqa: E402
import torch  # noqa: E402

import anchors  # noqa: E402
import calibrate  # noqa: E402
import card  # noqa: E402
import corpus  # noqa: E402
import deep  # noqa: E402
import e5  # noqa: E402
import encoder  # noqa: E402
import evaluate  # noqa: E402
import export  # noqa: E402
import fast  # noqa: E402
import parity  # noqa: E402
import targets  # noqa: E402
import tokens  # noqa: E402

VOCABULARY, BUCKETS, SEED = 32000, 49152, 1
TEACHER = deep.Config(layers=list(range(12)), steps=1500, rate=1e-4, seed=SEED)
STUDENT = deep.Config(
    layers=[0, 2, 4, 6, 8, 11], steps=1800, rate=2e-4, seed=SEED,
    weights=dict(intent=0.5, weak=0.0, b=0.1, measured=0.05, soft_intent=1.0, soft_b=0.5, soft_state=0.5, embedding=0.5))
# Weight of the difficulty by outcomes where no prompt of the kind has any, and
# where all have; chosen on dev and validation, where it matters little.
BELIEVE_OUTCOMES = (0.5, 0.8)
FAST = {"dim": 64, "hidden": 96, "epochs": 10, "batch": 128, "lr": 1e-3, "decay": 0.1, "dropout": 0.4,
        "word_dropout": 0.4, "average": 3, "w_intent": 1.0, "w_b": 0.5}
DRAWS_READ = 3  # times a prompt labelled by reading is drawn per epoch of the fast stage; others once
SOFT_B_SD = 0.3  # of the teachers' difficulty, as a target of the fast stage

# What each stage rests on, beside the data: a change of these repeats it.
SCALE = ["corpus.py", "irt.py", "anchors.py"]
WORDS = [*SCALE, "targets.py", "tokens.py", "e5.py", "data/levels.tsv", "data/read.tsv", "data/composed.jsonl"]
NETS = [*WORDS, "encoder.py", "deep.py"]


def validation(key: str) -> bool:
    """Prompts whose outcomes and weak labels choose the calibration."""
    return corpus.bucket(key) % 10 == 1


def code_hash() -> str:
    here = Path(__file__).parent
    h = hashlib.sha256()
    for p in sorted([*here.glob("*.py"), *here.glob("data/*"), here / "requirements.txt"]):
        h.update(p.name.encode() + b"\0" + p.read_bytes())
    return h.hexdigest()


class Stages:
    """Keeps the result of every stage under a hash of what it rests on, so that
    a rerun resumes, and notes how long each took."""

    def __init__(self, folder: Path, data_stamp: str):
        self.folder, self.data_stamp, self.seconds = folder, data_stamp, {}

    def run(self, name: str, files: list[str], extra: object, make):
        text = "".join((Path(__file__).parent / n).read_text(encoding="utf-8") for n in files)
        stamp = hashlib.sha256((self.data_stamp + text + json.dumps(extra, sort_keys=True)).encode()).hexdigest()
        path = self.folder / f"{name}-{stamp[:16]}.pickle"
        if path.exists():
            kept = pickle.loads(path.read_bytes())
            print(f"{name}: kept from an earlier run ({kept['seconds']:.0f} s)", flush=True)
        else:
            print(f"{name} ...", flush=True)
            start = time.time()
            kept = {"value": make(), "seconds": time.time() - start}
            self.folder.mkdir(parents=True, exist_ok=True)
            tmp = path.with_suffix(".tmp")
            tmp.write_bytes(pickle.dumps(kept))
            tmp.replace(path)
        self.seconds[name] = round(kept["seconds"])
        return kept["value"]


def log(line) -> None:
    print(" ", line, flush=True)


def teach(words, source: e5.E5, data: deep.Data, check) -> dict:
    _, rows = words
    net = encoder.from_e5(source, rows, TEACHER.layers, TEACHER.dropout)
    return deep.train(net, data, TEACHER, log, check, every=TEACHER.steps // 4).state_dict()


def teacher_of(words, source, state) -> encoder.Encoder:
    net = encoder.from_e5(source, words[1], TEACHER.layers)
    net.load_state_dict(state)
    return net


def soft_targets(words, source, state, sequences) -> dict:
    """What the teacher says, and e5's own embeddings on their 128 main axes."""
    out, pooled = encoder.predict(teacher_of(words, source, state), sequences)
    # from_e5 starts the heads at random, but e5's embedding is the mean state alone
    own = encoder.predict(encoder.from_e5(source, words[1], TEACHER.layers), sequences)[1][:, : source.hidden]
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    centred = own - own.mean(0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, : encoder.N_EMBEDDING]
    return {"out": out, "state": pooled.astype(np.float16), "embedding": (centred @ axes).astype(np.float16)}


def serve(out) -> np.ndarray:
    """The difficulty to serve, of a teacher's outputs: between those by outcomes
    and by reading, nearer to the first the more the prompt is of the kind that
    has outcomes."""
    w = BELIEVE_OUTCOMES[0] + (BELIEVE_OUTCOMES[1] - BELIEVE_OUTCOMES[0]) / (1 + np.exp(-out[:, encoder.MEASURED]))
    return w * out[:, encoder.OUTCOMES] + (1 - w) * out[:, encoder.READING]


def learn(words, source, state, data: deep.Data, soft: dict, check) -> dict:
    teacher = teacher_of(words, source, state)
    net = encoder.from_e5(source, words[1], STUDENT.layers, STUDENT.dropout)
    net.word, net.position, net.norm = teacher.word, teacher.position, teacher.norm
    for k, layer in enumerate(STUDENT.layers):
        net.layers[k].load_state_dict(teacher.layers[layer].state_dict())
    with torch.no_grad():
        net.head.weight[: encoder.EMBEDDING].copy_(teacher.head.weight[: encoder.EMBEDDING])
        net.head.bias[: encoder.EMBEDDING].copy_(teacher.head.bias[: encoder.EMBEDDING])
    data.soft_intent = fast.softmax(soft["out"][:, : encoder.N_INTENT])
    data.soft_b, data.soft_state, data.embedding = serve(soft["out"]), soft["state"], soft["embedding"]
    return deep.train(net, data, STUDENT, log, check, every=STUDENT.steps // 4).state_dict()


def student_of(words, source, state) -> encoder.Encoder:
    net = encoder.from_e5(source, words[1], STUDENT.layers)
    net.load_state_dict(state)
    return net.eval()


def fast_targets(examples, data: deep.Data, soft: dict):
    """(targets, draws): labels by reading share the target with the teacher."""
    p = fast.softmax(soft["out"][:, : encoder.N_INTENT])
    read = data.intent.sum(1) > 0
    y = {"intent": np.where(read[:, None], 0.5 * data.intent + 0.5 * p, p).astype(np.float32),
         "b": serve(soft["out"]).astype(np.float32), "b_sd": np.full(len(p), SOFT_B_SD, np.float32), "b_weight": np.ones(len(p), np.float32)}
    return y, np.where(read, DRAWS_READ, 1.0)


class Run:
    """An exported deep network, on rows or pieces."""

    def __init__(self, graph: bytes, tokenizer: tokens.Tokenizer):
        import onnxruntime as ort

        self.session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
        self.tokenizer = tokenizer

    def __call__(self, rows) -> np.ndarray:
        """[n, 18]: logits, b, log sd"""
        sequences = [encoder.clip(self.tokenizer.pieces(r.prompt)) for r in rows]
        out = np.zeros((len(rows), fast.N_OUT), np.float32)
        for i, s in enumerate(sequences):  # one by one, as the product does: the scale of quantisation is one a call
            logits, difficulty, _ = self.session.run(None, {"ids": np.array([s])})
            out[i, : encoder.N_INTENT], out[i, fast.B], out[i, fast.LOG_SD] = logits[0], difficulty[0, 0], np.log(difficulty[0, 1])
        return out


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("--data", type=Path, default=Path(os.environ.get("ASSAY_DATA", "../shared/data")))
    args.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    args.add_argument("--work", type=Path, help="where stages are kept; default .cache/training of the module")
    a = args.parse_args()
    data_folder = a.data if a.data.is_absolute() else (a.root / a.data)
    if not (data_folder / "prompts").is_dir():
        raise SystemExit(f"no prompts in {data_folder}: give the data folder by --data or ASSAY_DATA")
    onnx_folder = a.root / "classifier" / "onnx"

    c = corpus.load(data_folder)
    stages = Stages(a.work or a.root / ".cache" / "training", json.dumps(c.hashes, sort_keys=True))
    family, same = anchors.read_aliases(a.root / "models" / "data" / "aliases.csv")
    scale = stages.run("scale", SCALE, [family, same], lambda: anchors.fit_scale(c, family, same))
    n_anchors = anchors.write_anchors(a.root / "models" / "data" / "anchors.csv", scale, family)
    b_open = {i: (b, se) for i, b, se in zip(scale.open.item_ids, scale.open.b, scale.open.b_se)}
    examples = targets.build(c, b_open)

    source = e5.load()
    words = stages.run("vocabulary", WORDS, VOCABULARY, lambda: tokens.build_vocabulary(targets.vocabulary_texts(c), source.pieces, VOCABULARY))
    vocab = words[0]
    tokenizer = tokens.Tokenizer(vocab)
    sequences = [encoder.clip(tokenizer.pieces(e.prompt, e.marks)) for e in examples]
    data = deep.data_of(examples, sequences, validation)
    torch.set_num_threads(2)

    # what b really is, also of items that may not shape the weights: for measuring
    b_true = {i: b for i, b in zip(scale.all.item_ids, scale.all.b)}
    b_val = {**b_true, **{i: b for i, (b, _) in b_open.items()}}
    val = [r for r in c.outcomes if r.open and validation(r.key) and not r.test and not r.in_evalset and r.id in b_true]
    check = evaluate.progress(c.gold_dev, val, np.array([b_val[r.id] for r in val]),
                              lambda net, rows: encoder.predict(net, [encoder.clip(tokenizer.pieces(r.prompt)) for r in rows])[0], serve)

    teacher = stages.run("teacher", NETS, [VOCABULARY, asdict(TEACHER)], lambda: teach(words, source, data, check))
    soft = stages.run("soft", NETS, [VOCABULARY, asdict(TEACHER)], lambda: soft_targets(words, source, teacher, sequences))
    student = stages.run("student", NETS, [VOCABULARY, asdict(TEACHER), asdict(STUDENT), BELIEVE_OUTCOMES], lambda: learn(words, source, teacher, data, soft, check))

    def matrices(pieces):
        return fast.segment_matrices([tokens.features(p, tokenizer.fold, tokenizer.folded, BUCKETS) for p in pieces], tokenizer.folded + BUCKETS)

    pieces_of = lambda rows: [tokenizer.pieces(r.prompt) for r in rows]
    y, draws = fast_targets(examples, data, soft)
    bag = stages.run("fast", [*NETS, "fast.py"], [VOCABULARY, asdict(TEACHER), FAST, DRAWS_READ, SOFT_B_SD, BUCKETS, BELIEVE_OUTCOMES],
                     lambda: fast.train(matrices([tokenizer.pieces(e.prompt, e.marks) for e in examples]), y, draws, FAST, SEED, log=log))
    bag = export.quantised(bag)
    run_fast = lambda rows: bag.predict(matrices(pieces_of(rows)))

    # what is calibrated and measured is what ships: the quantised networks
    plain = calibrate.Calibration(1.0, 0.0, 1.0, 0.0, 1.0)
    net = student_of(words, source, student)
    run_deep = Run(export.deep(net, plain).SerializeToString(), tokenizer)
    val_b, val_lang = np.array([b_val[r.id] for r in val]), np.array([r.lang for r in val])
    said = {k: (run(c.gold_dev), run(val)) for k, run in (("fast", run_fast), ("deep", run_deep))}
    cal = {k: calibrate.calibrate(dev_out, c.gold_dev, val_out, val_b) for k, (dev_out, val_out) in said.items()}
    answers = calibrate.answers(cal["fast"], *said["fast"], cal["deep"], *said["deep"], c.gold_dev, val_b, val_lang)

    test_b = anchors.test_difficulties(c, scale, family, same)
    b_measured = {**b_val, **test_b}
    rows = evaluate.rows_for(c, b_measured, val)
    figures, shares = evaluate.stages(rows, {"fast": run_fast, "deep": run_deep}, cal, answers, b_measured)

    graphs = {"fast.onnx": export.fast(bag, cal["fast"]).SerializeToString(), "deep.onnx": export.deep(net, cal["deep"]).SerializeToString(),
              "vocab.txt": ("\n".join(vocab) + "\n").encode()}
    (onnx_folder / "model").mkdir(parents=True, exist_ok=True)
    for name, content in graphs.items():
        (onnx_folder / "model" / name).write_bytes(content)
    (onnx_folder / "testdata").mkdir(exist_ok=True)
    parity.write(onnx_folder / "testdata" / "parity.jsonl", tokenizer, BUCKETS, graphs["fast.onnx"], graphs["deep.onnx"])
    n_digests = parity.write_digests(onnx_folder / "testdata" / "pieces.json", data_folder, tokenizer)
    print(f"pieces of {n_digests} prompts: testdata/pieces.json", flush=True)
    info = {
        "schema": 2, "intents": corpus.INTENTS,
        "fast": {"buckets": BUCKETS, "edge": tokens.EDGE, "answers": answers, "raise": cal["fast"].raise_below},
        "deep": {"head": encoder.HEAD, "tail": encoder.TAIL, "raise": cal["deep"].raise_below},
        "calibration": {k: v.__dict__ for k, v in cal.items()},
        "config": {"vocabulary": VOCABULARY, "teacher": asdict(TEACHER), "student": asdict(STUDENT), "fast": FAST, "seed": SEED},
        "sha256": {**{k: hashlib.sha256(v).hexdigest() for k, v in graphs.items()}, "e5": e5.SHA256, "code": code_hash(), "data": c.hashes},
        "split": {"test": "sha256 bucket mod 10 = 0", "validation": "sha256 bucket mod 10 = 1 (outcomes and weak labels)",
                  "held_out_sources": sorted(corpus.HELD_OUT_SOURCES), "rows_in_eval_sets": c.excluded},
        "rows": card.row_counts(examples, c), "seconds": stages.seconds, "share_of_fast": shares, "metrics": figures,
        "bytes": {k: len(v) for k, v in graphs.items()}, "python": platform.python_version(), "torch": torch.__version__,
    }
    (onnx_folder / "model" / "model.json").write_text(json.dumps(info, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (onnx_folder / "MODEL_CARD.md").write_text(card.render(info, scale, n_anchors), encoding="utf-8")
    print(json.dumps({k: {t: figures[k][t] for t in ("gold_dev", "gold_test", "difficulty_test", "gold_dev_levels")} for k in figures}, indent=1))


if __name__ == "__main__":
    main()
