"""Fixtures that hold the Go side to the training side: prompts of our own, with
the pieces, features and outputs they must have."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
from pathlib import Path

import numpy as np

import tokens
from encoder import clip

EDGE_CASES = [
    b"", b" ", b"\n\n\n", b"hi", "你好".encode(), b"Hello, World!", b"\xff\xfe\xfd", b"ab\xffcd\xc3\x28", b"\xe4\xbd", b"\xed\xa0\x80x",
    "ＦＵＬＬ　ｗｉｄｔｈ １２３".encode(), "ﬁne ﬂow ½ ² ™ ℃ ㎏".encode(), "zero\u200bwidth\u200djoin\ufeff".encode(),
    "e\u0301 é É İstanbul ΣΊΣΥΦΟΣ ß".encode(), "👍🏽 👨‍👩‍👧‍👦 🇨🇳 🤖 🫨".encode(), "a\tb\x0bc\x0cd\re\x00f\x1bg\x7fh\u0085i".encode(),
    "snake_case camelCase kebab-case C++ C# a.b.c f(x)=x^2".encode(), "```python\nprint('x' * 3)\n```".encode(),
    "价格：￥１２３．４５，约合＄17.80".encode(), "“引号”——破折号……《书名》".encode(), "日本語のテキスト 한국어 العربية हिन्दी ไทย".encode(),
    b"x" * 99, b"x" * 100, b"x" * 101, b"supercalifragilisticexpialidocious antidisestablishmentarianism",
    ("long " * 3000).encode(), ("很长的文字。" * 1200).encode(), ("line\n" * 900).encode(), ("💡" * 1500 + "tail" * 600).encode(),
    "\u2028\u2029\u1680\u3000\u00a0".encode(), "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟘𝟙𝟚 Ⅳ ① ㈠".encode(), "𠮷野家 㐀 豈".encode(), "\u0301\u0302 \ufe0f ☀️ ☺".encode(),
    b"[PAD] [UNK] [NL] ##ing", b"1,234,567.89 + 0x1F == 1e-9 ?", b"' OR 1=1; -- ", b"<html><body onload=\"x()\">&nbsp;</body>",
]

_EN = ["Explain {a} to a {b}.", "Write a {a} about {b}", "How many {a}s fit into {n} {b}s?", "def {a}(x):\n    return x * {n}", "Translate '{a}' into Chinese: {b}",
       "Summarize: the {a} met the {b} in {n}.", "Is {a} better than {b}?", "Prove that {n}^2 + {a} > {b} for all n.", "{a}, {b}; {a}... {n}%!", "You are a {a}. Act like a {b}."]
_ZH = ["请解释一下{a}和{b}的区别。", "写一篇关于{a}的{b}，不少于{n}字", "把“{a}”翻译成英文：{b}", "{a}有{n}个，{b}有多少个？", "扮演一位{a}，和我聊聊{b}吧～", "总结：{a}在{n}年发明了{b}。"]
_A_EN = ["river", "compiler", "violin", "tax return", "polynomial", "penguin", "HTTP/2 proxy", "sourdough", "naïve café", "K8s cluster"]
_A_ZH = ["黄河", "编译器", "小提琴", "个人所得税", "多项式", "企鹅", "反向代理", "红烧肉", "古筝", "勾股定理"]


def prompts() -> list[bytes]:
    rng = random.Random(7)
    out = list(EDGE_CASES)
    for templates, things in ((_EN, _A_EN), (_ZH, _A_ZH)):
        for t in templates:
            for _ in range(18):
                text = t.format(a=rng.choice(things), b=rng.choice(things), n=rng.choice([3, 17, 250, 1984, 1000000]))
                out.append(text.encode() if rng.random() < 0.7 else (text + rng.choice(["\n\n", " 👍", "\u200b", "　", "!!"]) + text.upper()).encode())
    return out


MARKS = [(), (tokens.TOOLS,), (tokens.IMAGES,), (tokens.TOOLS, tokens.IMAGES)]


def write(path: Path, tokenizer: tokens.Tokenizer, buckets: int, fast: bytes, deep: bytes) -> int:
    """One line a prompt: base64 of its bytes, marks, pieces, hashed pairs, and
    the outputs of both exported files. The deep outputs are compared loosely:
    8-bit products round differently from one processor to the next."""
    import onnxruntime as ort

    session = {k: ort.InferenceSession(m, providers=["CPUExecutionProvider"]) for k, m in (("fast", fast), ("deep", deep))}
    rounded = lambda a: [round(float(v), 5) for v in a]
    rows = prompts()
    with path.open("w", encoding="utf-8") as f:
        for i, raw in enumerate(rows):
            marks = MARKS[i % 4] if i % 5 == 0 else ()
            pieces = tokenizer.pieces(tokens.decode(raw), marks)
            ids, weights = tokens.features(pieces, tokenizer.fold, tokenizer.folded, buckets)
            fast_logits, fast_b = session["fast"].run(None, {"ids": ids, "weights": weights})
            deep_logits, deep_b, embedding = session["deep"].run(None, {"ids": np.array([clip(pieces)])})
            f.write(json.dumps({
                "prompt": base64.b64encode(raw).decode(), "tools": tokens.TOOLS in marks, "images": tokens.IMAGES in marks,
                "pieces": pieces, "pairs": ids[max(len(pieces), 1):].tolist(),
                "fast": rounded([*fast_logits[0], *fast_b[0]]), "deep": rounded([*deep_logits[0], *deep_b[0]]),
                "embedding": rounded(embedding[0, :4]),
            }, separators=(",", ":")) + "\n")
    return len(rows)


def damaged(prompt: str, i: int) -> bytes:
    """The bytes of a prompt; of every seventh the first byte is cut off and one
    that is not UTF-8 put in the middle."""
    raw = prompt.encode("utf-8", "surrogatepass")
    return raw if i % 7 else raw[1 : len(raw) // 2] + b"\xff" + raw[len(raw) // 2 :]


def write_digests(path: Path, data: Path, tokenizer: tokens.Tokenizer) -> int:
    """For every file of prompts: how many there are, and the SHA-256 over their
    pieces as little-endian 32-bit integers, -1 after each prompt. The Go test
    computes the same where the data lies beside the project."""
    out, total = {}, 0
    for file in sorted((data / "prompts").glob("*/*.jsonl.gz")):
        digest, n = hashlib.sha256(), 0
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                pieces = tokenizer.pieces(tokens.decode(damaged(json.loads(line)["prompt"], n)))
                digest.update(np.array([*pieces, -1], "<i4").tobytes())
                n += 1
        out[str(file.relative_to(data))] = {"prompts": n, "sha256": digest.hexdigest()}
        total += n
    path.write_text(json.dumps(out, indent=1) + "\n")
    return total
