"""Reads the prompts, labels and outcomes, splits them and keeps eval items out.

The split is a contract that the replay of routing policies relies on too, so
`key` and `bucket` must not change: see split_key.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

INTENTS = [
    "chitchat", "knowledge_qa", "math", "reasoning", "code_generation",
    "code_understanding", "writing", "rewrite_edit", "summarization",
    "translation", "extraction", "classification", "reading_qa",
    "advice_brainstorm", "roleplay", "tool_use",
]  # the order of classifier.Intents in Go: class i of the model
INTENT_ID = {name: i for i, name in enumerate(INTENTS)}
LEVELS = {"L1": 1, "L2": 2, "L3": 3, "L4": 4, "L5": 5}

# Sources of which no prompt is used for fitting, to see how the model does on
# kinds of prompts it has never met (beside the hashed test split).
HELD_OUT_SOURCES = {"arena_hard_v01", "bbh", "mt_bench_zh", "chinese_simpleqa", "exercism", "vicuna_bench"}

# Outcome sources whose score is relative to a baseline answer or an n-gram
# overlap. They order models, but their zero is not "the user is not served",
# so their items have no difficulty on the common scale.
RELATIVE_SOURCES = {"alpaca_eval1", "alpaca_eval2", "wmt22_gptmt"}

OPTION_LINE = re.compile(r"(?m)^\s*\(?[Aa][).:、.．]")


def normalise(text: str) -> str:
    """NFKC, lower case, white space collapsed and trimmed."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def split_key(prompt: str) -> str:
    """The text by which prompts are split and compared: what stands before the
    first option line (all of it, if nothing does), normalised."""
    m = OPTION_LINE.search(prompt)
    if m:
        head = normalise(prompt[: m.start()])
        if head:
            return head
    return normalise(prompt)


def bucket(key: str) -> int:
    """The first 8 bytes of the SHA-256 of the key, big-endian."""
    return int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def is_test(key: str) -> bool:
    return bucket(key) % 10 == 0


def licence_class(text: str) -> str:
    """'open' (permissive or attribution), 'restricted' (share-alike or
    non-commercial) or 'none' (no licence file). Only open rows shape weights."""
    if text.startswith("no licence file"):
        return "none"
    if re.search(r"\bNC\b|-NC-|\bSA\b|-SA-", text):
        return "restricted"
    return "open"


@dataclass
class Row:
    id: str
    source: str
    licence: str
    lang: str
    prompt: str
    key: str
    intent: int = -1  # class, or -1
    also: tuple[int, ...] = ()
    level: float = float("nan")  # gold level 1..5, mean of the passes
    task: str = ""
    difficulty_raw: object = None
    outcomes: dict = field(default_factory=dict)  # model -> score
    test: bool = False
    in_evalset: bool = False

    @property
    def open(self) -> bool:
        return licence_class(self.licence) == "open"


def _lines(path: Path):
    with gzip.open(path, "rt", encoding="utf-8") as f:
        for line in f:
            yield json.loads(line)


def _row(r: dict, **extra) -> Row:
    key = split_key(r["prompt"])
    return Row(r["id"], r["source"], r["license"], r["lang"], r["prompt"], key, test=is_test(key), **extra)


@dataclass
class Reading:
    """What a second reader, with the gold set's guide, says of a prompt."""

    intent: int
    also: tuple[int, ...]
    level: float


@dataclass
class Corpus:
    outcomes: list[Row]
    labels: list[Row]
    gold_train: list[Row]
    gold_dev: list[Row]
    written: list[Row]  # composed prompts of the gold set
    composed: list[Row]  # prompts composed for this project: data/composed.jsonl, data/levels.tsv
    readings: dict[str, Reading]  # by row id: data/read.tsv
    hashes: dict[str, str]  # file -> sha256
    excluded: int  # rows that are items of an eval set


def load(data: Path) -> Corpus:
    prompts = data / "prompts"
    intent_map = json.loads((prompts / "intent_map.json").read_text())["map"]

    def weak(source, raw):
        return INTENT_ID.get(intent_map.get(source, {}).get(raw) or "", -1)

    outcomes = [
        _row(r, task=r["task"], intent=weak(r["source"], r["task"]),
             outcomes={m: o["score"] for m, o in r["outcomes"].items()})
        for p in sorted((prompts / "outcomes").glob("*.jsonl.gz")) for r in _lines(p)
    ]
    labels = [
        _row(r, task=r["intent_raw"] or "", intent=weak(r["source"], r["intent_raw"]),
             difficulty_raw=r["difficulty_raw"])
        for p in sorted((prompts / "labels").glob("*.jsonl.gz")) for r in _lines(p)
    ]
    gold = {name: [_gold(r) for r in _lines(prompts / "gold" / f"{name}.jsonl.gz")]
            for name in ("train", "dev", "written")}
    files = sorted(prompts.rglob("*.json*")) + sorted((data / "evalsets").glob("*.jsonl.gz"))
    hashes = {str(p.relative_to(data)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    corpus = Corpus(outcomes, labels, gold["train"], gold["dev"], gold["written"], composed(), readings(), hashes, 0)
    corpus.excluded = _mark_evalset_items(corpus, data / "evalsets")
    return corpus


def _gold(r: dict) -> Row:
    levels = [LEVELS[v] for v in (r.get("level"), r.get("level2")) if v]
    return _row(r, intent=INTENT_ID[r["intent"]], also=tuple(INTENT_ID[a] for a in r.get("also") or ()),
                level=sum(levels) / len(levels) if levels else float("nan"))


OWN = Path(__file__).parent / "data"


def composed() -> list[Row]:
    """The project's own prompts (CC0), each with its intent and level."""
    rows = []
    for line in (OWN / "levels.tsv").read_text(encoding="utf-8").splitlines():
        level, intent, prompt = line.split("\t")
        rows.append((intent, LEVELS[level], prompt))
    for line in (OWN / "composed.jsonl").read_text(encoding="utf-8").splitlines():
        r = json.loads(line)
        rows.append((r["intent"], float(r["level"]), r["prompt"]))
    return [_row({"id": f"composed-{bucket(prompt):016x}", "source": "composed", "license": "CC0-1.0 (this project)",
                  "lang": "zh" if re.search("[\u4e00-\u9fff]", prompt) else "en", "prompt": prompt}, intent=INTENT_ID[intent], level=level)
            for intent, level, prompt in rows]


def readings() -> dict[str, Reading]:
    out = {}
    for line in (OWN / "read.tsv").read_text(encoding="utf-8").splitlines():
        id_, intent, also, level = line.split("\t")
        out[id_] = Reading(INTENT_ID[intent], tuple(INTENT_ID[a] for a in also.split(",") if a != "-"), float(level))
    return out


SHINGLE = 40  # characters; shorter eval items only count when equal


def _mark_evalset_items(c: Corpus, folder: Path) -> int:
    """Marks rows whose key is that of an eval item, or contains one whole (a
    question in another template is the same question)."""
    keys, by_start = set(), {}
    for path in sorted(folder.glob("*.jsonl.gz")):
        for item in _lines(path):
            for text in _texts(item):
                k = split_key(text)
                keys.add(k)
                if len(k) >= SHINGLE:
                    by_start.setdefault(k[:SHINGLE], []).append(k)
    n = 0
    for rows in (c.outcomes, c.labels, c.gold_train, c.gold_dev, c.written, c.composed):
        for row in rows:
            row.in_evalset = row.key in keys or _contains(normalise(row.prompt), by_start)
            n += row.in_evalset
    return n


def _texts(item: dict):
    for field_name in ("question", "prompt"):
        if item.get(field_name):
            yield item[field_name]
    yield from item.get("turns") or ()


def _contains(text: str, by_start: dict) -> bool:
    for i in range(len(text) - SHINGLE + 1):
        for k in by_start.get(text[i : i + SHINGLE], ()):
            if text.startswith(k, i):
                return True
    return False
