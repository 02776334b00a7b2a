"""Fixtures that hold the Go side to the training side: prompts of our own, with
the pieces, features and outputs they must have."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path

import numpy as np

import tokens

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


def write(path: Path, tokenizer: tokens.Tokenizer, buckets: int, onnx_bytes: bytes) -> int:
    """One line a prompt: base64 of its bytes, pieces, sums over the features,
    and the outputs of the exported file."""
    import onnxruntime as ort

    session = ort.InferenceSession(onnx_bytes, providers=["CPUExecutionProvider"])
    rows = prompts()
    with path.open("w", encoding="utf-8") as f:
        for raw in rows:
            pieces = tokenizer.pieces(tokens.decode(raw))
            ids, weights = tokens.features(pieces, len(tokenizer.vocab), buckets)
            logits, difficulty = session.run(None, {"ids": ids, "weights": weights})
            f.write(json.dumps({
                "prompt": base64.b64encode(raw).decode(), "pieces": pieces, "pairs": ids[max(len(pieces), 1):].tolist(),
                "logits": [round(float(v), 5) for v in logits[0]],
                "difficulty": [round(float(v), 5) for v in difficulty[0]],
            }, separators=(",", ":")) + "\n")
    return len(rows)
