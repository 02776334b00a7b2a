"""Measures the classifier that ships, through the program that ships, beside
simple baselines trained on the same data in the same run. `make bench-classifier`.

    python bench.py --data ../shared/data --root <module root> [--only latency,memory,quality,licences,load]

Nothing is chosen here. Prompts: gold dev, gold test (hashed test split and
held-out sources), weak labels of the test split and of held-out sources,
outcomes of the test split; training never saw any of them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")

import numpy as np  # noqa: E402
from scipy.stats import spearmanr  # noqa: E402

import anchors  # noqa: E402
import corpus  # noqa: E402
import evaluate  # noqa: E402
import targets  # noqa: E402
import train  # noqa: E402
from calibrate import levels, qwk  # noqa: E402
from corpus import INTENTS, INTENT_ID  # noqa: E402


def table(title: str, header, rows) -> None:
    print(f"\n## {title}\n\n| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    for r in rows:
        print("| " + " | ".join(f"{x:.3f}" if isinstance(x, float) else str(x) for x in r) + " |", flush=True)


class Assay:
    """The built program."""

    def __init__(self, root: Path):
        self.root, self.binary = root, root / "bin" / "assay"

    def classify(self, rows, *flags, cwd=None, binary=None) -> tuple[list[dict], float]:
        """(answers in order, seconds)"""
        lines = "".join(json.dumps({"id": i, "prompt": r.prompt}) + "\n" for i, r in enumerate(rows))
        start = time.time()
        done = subprocess.run([str(binary or self.binary), "classify", *flags], input=lines.encode("utf-8", "replace"), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, cwd=cwd or self.root, check=False)
        took = time.time() - start
        if done.returncode:
            raise SystemExit(f"assay classify {' '.join(flags)}: exit {done.returncode}: {done.stderr.decode()[-2000:]}")
        return [json.loads(line) for line in done.stdout.splitlines()], took

    def heuristic(self, rows) -> list[dict]:
        """Where ONNX Runtime is not to be found, the documented rules answer."""
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(self.binary, folder)
            return self.classify(rows, cwd=folder, binary=Path(folder) / "assay")[0]

    def peak_memory(self, rows, *flags) -> float:
        """MB of resident memory at most, while the rows are classified."""
        lines = "".join(json.dumps({"id": i, "prompt": r.prompt}) + "\n" for i, r in enumerate(rows))
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "in").write_text(lines, errors="replace")
            with (Path(folder) / "in").open() as stdin:
                if flags == ("heuristic",):
                    shutil.copy(self.binary, folder)
                    child = subprocess.Popen([str(Path(folder) / "assay"), "classify"], stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
                else:
                    child = subprocess.Popen([str(self.binary), "classify", *flags], stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.root)
                peak = 0  # from the kernel's own mark: what wait reports counts the parent's memory before exec
                while child.poll() is None:
                    status = Path(f"/proc/{child.pid}/status").read_text()
                    peak = max([peak, *(int(n) for n in re.findall(r"VmHWM:\s+(\d+)", status))])
                    time.sleep(0.02)
        return peak / 1024


def outputs(answers) -> tuple[np.ndarray, np.ndarray]:
    """(probabilities [n, 16], b [n]); what the answer does not say of the other
    intents is spread evenly."""
    p = np.zeros((len(answers), 16))
    for i, a in enumerate(answers):
        p[i] = (1 - a["intent_confidence"]) / 15
        p[i, INTENT_ID[a["intent"]]] = a["intent_confidence"]
    return p, np.array([a["difficulty"] for a in answers])


# --- baselines -------------------------------------------------------------

class Frozen:
    """Features of the starting weights as they are."""

    def __init__(self, texts):
        import e5
        import encoder
        import tokens

        self.encoder = encoder
        source = e5.load()
        vocab, rows = tokens.build_vocabulary(texts, source.pieces, train.VOCABULARY)
        self.tokenizer, self.hidden = tokens.Tokenizer(vocab), source.hidden
        self.word = source.tensors["emb.word"][rows]
        self.net = encoder.from_e5(source, rows, list(range(source.layers)))

    def bag(self, texts) -> np.ndarray:
        """The mean word embedding, scaled to about 1."""
        return np.array([self.word[self.tokenizer.pieces(t) or [0]].mean(0) for t in texts]) * 10

    def state(self, texts) -> np.ndarray:
        """The mean state of the last layer, standardised text by text."""
        v = self.encoder.predict(self.net, [self.encoder.clip(self.tokenizer.pieces(t)) for t in texts])[1][:, : self.hidden]
        v = v - v.mean(1, keepdims=True)
        return v / v.std(1, keepdims=True)


def baselines(examples, seed: int) -> dict:
    """name -> predict(rows) -> (probabilities, b). Trained on the same intents by
    reading and the same difficulties (outcomes, else reading)."""
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge

    read = [e for e in examples if e.intent is not None and not e.marks]
    hard = [e for e in examples if not e.marks and not train.validation(e.key) and (e.b_from == "outcomes" or e.read == e.read)]
    rng = np.random.default_rng(seed)
    hard = [hard[i] for i in rng.permutation(len(hard))[:12000]]
    y = np.array([int(e.intent.argmax()) for e in read])
    b = np.array([e.b if e.b_from == "outcomes" else e.read for e in hard])

    def fit(features, strength, name):
        start = time.time()
        x, z = features([e.prompt for e in read]), features([e.prompt for e in hard])
        intent = LogisticRegression(C=strength, max_iter=1000).fit(x, y)
        difficulty = Ridge(alpha=1.0 if sparse.issparse(z) else 10.0).fit(z, b)
        print(f"baseline {name}: {time.time() - start:.0f} s", file=sys.stderr, flush=True)

        def predict(rows):
            f = features([r.prompt for r in rows])
            p = np.zeros((len(rows), 16))
            p[:, intent.classes_] = intent.predict_proba(f)
            return p, difficulty.predict(f)
        return predict

    tfidf = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), min_df=3, max_features=150_000, sublinear_tf=True)
    tfidf.fit([e.prompt[:2000] for e in read + hard])
    frozen = Frozen([e.prompt for e in examples])
    return {"TF-IDF of 1-4 characters, linear": fit(lambda t: tfidf.transform([x[:2000] for x in t]), 10.0, "tf-idf"),
            "mean of e5's word embeddings, linear": fit(frozen.bag, 10.0, "bag"),
            "e5, 12 layers frozen, linear": fit(frozen.state, 1.0, "frozen e5")}


# --- tables ----------------------------------------------------------------

def quality(assay: Assay, c, rows: dict, b_true: dict, examples, out: Path) -> None:
    systems = {}
    for name, flags in (("both stages", ()), ("deep", ("--stages", "deep")), ("fast", ("--stages", "fast"))):
        systems[name] = {part: assay.classify(r, *flags)[0] for part, r in rows.items()}
    shares = {part: Counter(a["source"] for a in a_) for part, a_ in systems["both stages"].items()}
    said = {name: {part: outputs(a) for part, a in parts.items()} for name, parts in systems.items()}
    said["heuristic"] = {part: outputs(assay.heuristic(r)) for part, r in rows.items()}
    for name, predict in baselines(examples, 1).items():
        said[name] = {part: predict(r) for part, r in rows.items()}

    def intents(part, pick=None):
        return [(name, f["n"], f["accuracy"], f["or_equally_good"], f["macro_f1"], f["ece"])
                for name, s in said.items() for f in [evaluate.intent_figures(rows[part], s[part][0], pick)] if f]

    head = ("system", "n", "accuracy", "or an equally good label", "macro-F1", "calibration error")
    unseen = lambda r: r.source in corpus.HELD_OUT_SOURCES
    for title, part, pick in (("Intent, gold dev", "dev", None), ("Intent, gold dev, English", "dev", lambda r: r.lang == "en"),
                              ("Intent, gold dev, Chinese", "dev", lambda r: r.lang == "zh"),
                              ("Intent, gold test", "gold", None), ("Intent, gold test, English", "gold", lambda r: r.lang == "en"),
                              ("Intent, gold test, Chinese", "gold", lambda r: r.lang == "zh"),
                              ("Intent, gold test, sources never seen", "gold", unseen),
                              ("Intent, weak labels, test split", "weak", None), ("Intent, weak labels, sources never seen", "weak unseen", None)):
        table(title, head, intents(part, pick))
    table("Intent, gold dev and test, both stages, by intent", ("intent", "en n", "en recall", "en precision", "zh n", "zh recall", "zh precision"),
          by_intent(rows["dev"] + rows["gold"], np.concatenate([said["both stages"]["dev"][0], said["both stages"]["gold"][0]])))
    table("Intent, both stages, by source (gold dev and test, ten or more)", ("source", "n", "accuracy"),
          by_source(rows["dev"] + rows["gold"], np.concatenate([said["both stages"]["dev"][0], said["both stages"]["gold"][0]])))

    truth = np.array([b_true[r.id] for r in rows["outcomes"]])
    lang = np.array([r.lang for r in rows["outcomes"]])
    trained_on = np.array([r.open and not unseen(r) for r in rows["outcomes"]])  # sources, never prompts
    groups = {"all": lang != "", "en": lang == "en", "zh": lang == "zh", "en, sources trained on": (lang == "en") & trained_on, "zh, sources trained on": (lang == "zh") & trained_on}
    table("Difficulty against outcomes, test split", ("system", "n", *(f"Spearman {k} ({int(m.sum())})" for k, m in groups.items()), "QWK of levels"),
          [(name, len(truth), *(float(spearmanr(b[m], truth[m])[0]) for m in groups.values()), qwk(levels(b), levels(truth)))
           for name, s in said.items() for b in [s["outcomes"][1]]])
    for title, part in (("Difficulty against levels by reading, gold dev", "dev"), ("Difficulty against levels by reading, gold test", "gold")):
        table(title, ("system", "n", "Spearman", "QWK", "L1 gets L1 or L2", "L3 up gets L3 up"),
              [(name, f["n"], f["spearman"], f["qwk"], f["l1_gets_l1_or_l2"], f["l3_up_gets_l3_up"])
               for name, s in said.items() for f in [evaluate.level_figures(rows[part], s[part][1])]])
    table("Which stage answers", ("prompts", "fast", "deep"), [(part, s["fast"] / sum(s.values()), s["deep"] / sum(s.values())) for part, s in shares.items()])
    confusion(rows["dev"] + rows["gold"], np.concatenate([said["both stages"]["dev"][0], said["both stages"]["gold"][0]]), out / "confusion.png")


def by_intent(rows, probs):
    lang = np.array([r.lang for r in rows])
    f = {k: evaluate.per_intent([r for r, m in zip(rows, lang == k) if m], probs[lang == k]) for k in ("en", "zh")}
    for name in INTENTS:
        e, z = f["en"].get(name, {}), f["zh"].get(name, {})
        yield name, e.get("n", 0), e.get("recall") or 0.0, e.get("precision") or 0.0, z.get("n", 0), z.get("recall") or 0.0, z.get("precision") or 0.0


def by_source(rows, probs):
    hit = defaultdict(list)
    for r, p in zip(rows, probs.argmax(1)):
        hit[r.source].append(p == r.intent or p in r.also)
    return sorted((s, len(h), float(np.mean(h))) for s, h in hit.items() if len(h) >= 10)


def confusion(rows, probs, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    m = np.zeros((16, 16))
    for r, p in zip(rows, probs.argmax(1)):
        m[r.intent, p] += 1
    share = m / np.maximum(m.sum(1, keepdims=True), 1)
    fig, ax = plt.subplots(figsize=(9, 8))
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    ax.set_xticks(range(16), INTENTS, rotation=60, ha="right")
    ax.set_yticks(range(16), [f"{name} ({int(n)})" for name, n in zip(INTENTS, m.sum(1))])
    for i in range(16):
        for j in range(16):
            if m[i, j]:
                ax.text(j, i, int(m[i, j]), ha="center", va="center", fontsize=7, color="white" if share[i, j] > 0.5 else "black")
    ax.set_xlabel("said")
    ax.set_ylabel("gold (prompts)")
    ax.set_title("Intent, gold dev and test, both stages")
    fig.tight_layout()
    fig.savefig(path, dpi=110)
    print(f"\nConfusion matrix: {path.name}")


def latency(root: Path) -> None:
    """Percentiles of each stage, text to answer, on one core."""
    pin = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    out = subprocess.run([*pin, "go", "test", "-run", "^$", "-bench", "Stage|Batch|Tokens", "-benchtime", "1000x", "-cpu", "1", "./classifier/onnx"],
                         cwd=root, stdout=subprocess.PIPE, check=True, text=True).stdout
    rows = []
    for line in out.splitlines():
        m = re.match(r"Benchmark(\S+)\s+\d+\s+([\d.]+) ns/op(.*)", line)
        if m:
            extra = dict((k, v) for v, k in re.findall(r"([\d.]+) (p\d+-µs|µs/text|pieces)", m[3]))
            rows.append((m[1], extra.get("p50-µs", "-"), extra.get("p95-µs", "-"), extra.get("p99-µs", "-"), f"{float(m[2]) / 1e3:.1f}", extra.get("µs/text", "-")))
    table("Latency on one core, microseconds; stage/pieces-language", ("what", "p50", "p95", "p99", "mean", "a text, in batches"), rows)


def memory(assay: Assay, rows) -> None:
    peak = {k: assay.peak_memory(rows, *f) for k, f in (("heuristic", ("heuristic",)), ("fast", ("--stages", "fast")), ("both stages", ()))}
    table(f"Peak resident memory, MB, classifying {len(rows)} prompts", ("what", "MB", "more than the heuristic"),
          [(k, f"{v:.0f}", f"{v - peak['heuristic']:.0f}") for k, v in peak.items()])


def licences(c, b_true: dict, rows) -> None:
    """What the outcomes without an open licence would have added: the same
    linear model of difficulty on frozen e5, with and without them."""
    from sklearn.linear_model import Ridge

    features = Frozen([r.prompt for r in rows]).state
    usable = [r for r in c.outcomes if r.id in b_true and not r.test and not r.in_evalset and r.source not in corpus.HELD_OUT_SOURCES | corpus.RELATIVE_SOURCES]
    rng = np.random.default_rng(1)
    usable = [usable[i] for i in rng.permutation(len(usable))[:14000]]
    x, b, is_open = features([r.prompt for r in usable]), np.array([b_true[r.id] for r in usable]), np.array([r.open for r in usable])
    z, truth = features([r.prompt for r in rows]), np.array([b_true[r.id] for r in rows])
    kind = {"en": np.array([r.lang == "en" for r in rows]), "zh": np.array([r.lang == "zh" for r in rows]), "open sources": np.array([r.open for r in rows]), "other sources": np.array([not r.open for r in rows])}
    found = []
    for name, keep in (("open licences only (as shipped)", is_open), ("all licences", is_open | True)):
        said = Ridge(alpha=10.0).fit(x[keep], b[keep]).predict(z)
        found.append((name, int(keep.sum()), *(float(spearmanr(said[m], truth[m])[0]) for m in kind.values())))
    table("What other licences would have added: difficulty of test outcomes by a linear model on frozen e5", ("trained on", "n", *(f"Spearman {k}" for k in kind)), found)


def load(assay: Assay, rows) -> None:
    """Quality and cost at 0, 50 and 100 % of what both cores can classify, with
    the deadlines of the gateway."""
    alone, took = assay.classify(rows)
    capacity = (os.cpu_count() or 1) * len(rows) / took
    price = prices(assay, rows)
    truth, gold = np.array([r.intent for r in rows]), np.array([r.level for r in rows])
    has = ~np.isnan(gold)
    base = np.mean([price[a["level"]] for a in alone])
    found = []
    for name, rate in (("one after the other", 0), ("50 %", 0.5 * capacity), ("100 %", capacity), ("200 %", 2 * capacity)):
        answers = alone if rate == 0 else assay.classify(rows, "--rate", f"{rate:.1f}")[0]
        p, b = outputs(answers)
        source, note = Counter(a["source"] for a in answers), Counter(a.get("note", "") for a in answers)
        found.append((name, f"{rate:.0f}", source["fast"] / len(rows), source["deep"] / len(rows), source["heuristic"] / len(rows),
                      note["deep stage late"] / len(rows), note["deep stage full"] / len(rows), float(np.mean(p.argmax(1) == truth)),
                      float(spearmanr(b[has], gold[has])[0]), float(np.mean([price[a["level"]] for a in answers]) / base)))
    table(f"Load ({len(rows)} prompts; both cores classify {capacity:.0f} a second)",
          ("load", "arrivals a second", "fast", "deep", "heuristic", "late", "full", "intent accuracy", "Spearman with levels", "cost against no load"), found)


def prices(assay: Assay, rows) -> dict:
    """The median estimated cost of a prompt of each level, by the router's own
    choice for assay/balanced."""
    lines = "".join(json.dumps({"id": i, "request": {"model": "assay/balanced", "messages": [{"role": "user", "content": r.prompt[:4000]}]}}) + "\n"
                    for i, r in enumerate(rows[:300]))
    done = subprocess.run([str(assay.binary), "route"], input=lines.encode("utf-8", "replace"), stdout=subprocess.PIPE, cwd=assay.root, check=True)
    cost = defaultdict(list)
    for line in done.stdout.splitlines():
        d = json.loads(line)
        if d.get("est_cost_usd") is not None:
            cost[d["level"]].append(float(d["est_cost_usd"]))
    median = {k: statistics.median(v) for k, v in cost.items()}
    last = 0.0
    for k in ("L1", "L2", "L3", "L4", "L5"):  # a harder prompt is never cheaper
        last = median[k] = max(median.get(k, last), last)
    return median


def main() -> None:
    args = argparse.ArgumentParser()
    args.add_argument("--data", type=Path, default=Path(os.environ.get("ASSAY_DATA", "../shared/data")))
    args.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    args.add_argument("--out", type=Path, help="where confusion.png goes; default .cache/bench of the module")
    args.add_argument("--only", default="latency,memory,quality,licences,load")
    a = args.parse_args()
    os.environ.pop("ONNXRUNTIME_LIB", None)  # the built program has its own; the heuristic must find none
    out = a.out or a.root / ".cache" / "bench"
    out.mkdir(parents=True, exist_ok=True)
    only = a.only.split(",")
    print(f"# Classifier, {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores")
    if "latency" in only:
        latency(a.root)
    if only == ["latency"]:
        return
    data = a.data if a.data.is_absolute() else a.root / a.data
    if not (data / "prompts").is_dir():
        print(f"\nNo prompts in {data}: quality and load are not measured. Give the data folder by ASSAY_DATA.")
        return
    c = corpus.load(data)
    stages = train.Stages(a.root / ".cache" / "training", json.dumps(c.hashes, sort_keys=True))
    family, same = anchors.read_aliases(a.root / "models" / "data" / "aliases.csv")
    scale = stages.run("scale", train.SCALE, [family, same], lambda: anchors.fit_scale(c, family, same))
    b_true = dict(zip(scale.all.item_ids, scale.all.b)) | anchors.test_difficulties(c, scale, family, same)
    rows = evaluate.rows_for(c, b_true, [])
    rows = {k: v for k, v in rows.items() if v and k != "weak closed"}
    assay = Assay(a.root)
    if "quality" in only:
        b_open = {i: (b, se) for i, b, se in zip(scale.open.item_ids, scale.open.b, scale.open.b_se)}
        quality(assay, c, rows, b_true, targets.build(c, b_open), out)
    if "memory" in only:
        memory(assay, rows["dev"])
    if "licences" in only:
        licences(c, b_true, rows["outcomes"])
    if "load" in only:
        load(assay, rows["dev"] + rows["gold"])


if __name__ == "__main__":
    main()
