"""From text to features: the same rules as classifier/onnx/tokens.go, to the bit.

clean    long text cut to head and tail, NFKC, lower case, digits to 0,
         invisible characters dropped
words    runs of letters or of digits; Chinese characters, punctuation and
         symbols singly; a line break is a word of its own
pieces   WordPiece of every word
features pieces, and hashed pairs of neighbouring pieces; each counts for the
         whole text, and once more if it is near the beginning or the end
"""

from __future__ import annotations

import re
import unicodedata

import numpy as np

PAD, UNK, NEWLINE = "[PAD]", "[UNK]", "[NL]"
SPECIALS = [PAD, UNK, NEWLINE]
HEAD_CHARS, TAIL_CHARS = 2000, 1000  # code points of a long text that are read
HEAD_PIECES, TAIL_PIECES = 384, 128  # pieces of a long text that count
EDGE = 24  # pieces that count as beginning, and as end
MAX_WORD = 100  # characters; a longer word is [UNK]

_INVISIBLE = {0xAD, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10)}
_SPACES = {0x20, 0x09, 0x0B, 0x0C, 0x0D, 0x1680, 0x2028, 0x2029}
_BAD_BYTES = re.compile("[\udc80-\udcff]+")


def decode(raw: bytes) -> str:
    """UTF-8 with every run of invalid bytes as one U+FFFD."""
    return _BAD_BYTES.sub("\ufffd", raw.decode("utf-8", "surrogateescape"))


def clean(text: str) -> str:
    text = "".join("\ufffd" if 0xD800 <= ord(c) <= 0xDFFF else c for c in text) if re.search("[\ud800-\udfff]", text) else text
    if len(text) > HEAD_CHARS + TAIL_CHARS:
        text = text[:HEAD_CHARS] + "\n" + text[-TAIL_CHARS:]
    return unicodedata.normalize("NFKC", text)


def _lower(c: str) -> str:
    return c.lower()[0]  # one code point for one: no special casing


def _is_han(o: int) -> bool:
    return 0x4E00 <= o <= 0x9FFF or 0x3400 <= o <= 0x4DBF or 0xF900 <= o <= 0xFAFF or 0x20000 <= o <= 0x2FA1F


def _is_single(c: str, o: int) -> bool:
    """Characters that are a word each: Chinese, punctuation, symbols. The
    blocks of symbols are named, so that the version of Unicode does not matter."""
    if o < 128:
        return not c.isalnum()
    if _is_han(o) or 0x2010 <= o < 0x2C00 or 0x1F000 <= o < 0x1FB00:
        return True
    return o < 0x1F000 and unicodedata.category(c)[0] in "PS"


def words(text: str):
    """The words of a text, cleaned."""
    out, run, run_kind = [], [], ""
    for c in clean(text):
        o = ord(c)
        if o == 0x0A:
            kind = "newline"
        elif o in _SPACES:
            kind = "space"
        elif o < 32 or 127 <= o < 160 or o in _INVISIBLE:
            continue
        elif 48 <= o <= 57:
            kind = "digit"
        elif _is_single(c, o):
            kind = "single"
        else:
            kind = "letter"
        if kind != run_kind or kind == "single":
            if run:
                out.append("".join(run))
            run, run_kind = [], kind
        if kind == "newline":
            if not out or out[-1] != NEWLINE:
                out.append(NEWLINE)
        elif kind == "digit":
            run.append("0")
        elif kind != "space":
            run.append(_lower(c))
    if run:
        out.append("".join(run))
    return out


def train_vocab(texts, size: int) -> list[str]:
    """A WordPiece vocabulary for the given texts."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tok = Tokenizer(models.WordPiece(unk_token=UNK))
    tok.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=SPECIALS, min_frequency=3,
                                        continuing_subword_prefix="##", limit_alphabet=6000, show_progress=False)
    tok.train_from_iterator((" ".join(w for w in words(t) if w != NEWLINE) for t in texts), trainer)
    return [w for w, _ in sorted(tok.get_vocab().items(), key=lambda kv: kv[1])]


class Tokenizer:
    def __init__(self, vocab: list[str]):
        from tokenizers import models

        self.vocab = vocab
        ids = {w: i for i, w in enumerate(vocab)}
        self.newline = ids[NEWLINE]
        self.model = models.WordPiece(ids, unk_token=UNK, max_input_chars_per_word=MAX_WORD)
        self.memo: dict[str, list[int]] = {NEWLINE: [self.newline]}

    def pieces(self, text: str) -> list[int]:
        out = []
        for w in words(text):
            ids = self.memo.get(w)
            if ids is None:
                ids = self.memo[w] = [t.id for t in self.model.tokenize(w)]
            out += ids
        if len(out) > HEAD_PIECES + TAIL_PIECES:
            out = out[:HEAD_PIECES] + out[-TAIL_PIECES:]
        return out


def pair_hash(a: np.ndarray, b: np.ndarray, buckets: int) -> np.ndarray:
    """The bucket of a pair of neighbouring pieces."""
    h = a.astype(np.uint32) * np.uint32(0x9E3779B1) ^ b.astype(np.uint32) * np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(15)
    h *= np.uint32(0x2C1B3C6D)
    h ^= h >> np.uint32(12)
    return (h % np.uint32(buckets)).astype(np.int64)


def features(pieces: list[int], vocab_size: int, buckets: int):
    """(ids, weights): feature ids [n] and their weights [3, n] for the whole
    text, its beginning and its end. The weights of a row are 1/sqrt(count), so
    that a row keeps its size whatever the length. No pieces: one [PAD]."""
    p = np.array(pieces or [0], dtype=np.int64)
    n = len(p)
    pairs = vocab_size + pair_hash(p[:-1], p[1:], buckets)
    ids = np.concatenate([p, pairs])
    at = np.concatenate([np.arange(n), np.arange(n - 1)])
    width = np.concatenate([np.ones(n), np.full(n - 1, 2)]).astype(np.int64)
    masks = np.stack([np.ones(len(ids), bool), at + width <= EDGE, at >= n - EDGE])
    weights = masks / np.sqrt(masks.sum(1, keepdims=True))
    return ids, weights.astype(np.float32)
