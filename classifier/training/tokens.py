"""From text to features: the same rules as classifier/onnx/tokens.go, to the bit.

clean    long text cut to head and tail, NFKC, invisible characters dropped
words    runs of letters or of digits; runs of Chinese characters cut into the
         longest words of the vocabulary; punctuation and symbols singly; a
         line break is a word of its own
pieces   WordPiece of every word, over a vocabulary cut out of e5's
features of the fast stage: pieces without case and digits, and hashed pairs of
         neighbouring ones; each counts for the whole text, and once more if it
         is near the beginning or the end
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import numpy as np

import e5

PAD, UNK, NEWLINE, BEGIN, END, TOOLS, IMAGES = "[PAD]", "[UNK]", "[NL]", "[BEGIN]", "[END]", "[TOOLS]", "[IMAGES]"
SPECIALS = [PAD, UNK, NEWLINE, BEGIN, END, TOOLS, IMAGES]
HEAD_CHARS, TAIL_CHARS = 2000, 1000  # code points of a long text that are read
HEAD_PIECES, TAIL_PIECES = 384, 128  # pieces of a long text that count
EDGE = 24  # pieces that count as beginning, and as end
HAN_WORD = 4  # characters of the longest Chinese word of the vocabulary
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


def _is_han(o: int) -> bool:
    return 0x4E00 <= o <= 0x9FFF or 0x3400 <= o <= 0x4DBF or 0xF900 <= o <= 0xFAFF or 0x20000 <= o <= 0x2FA1F


def _is_single(c: str, o: int) -> bool:
    """Characters that are a word each: punctuation, symbols. The
    blocks of symbols are named, so that the version of Unicode does not matter."""
    if o < 128:
        return not c.isalnum()
    if 0x2010 <= o < 0x2C00 or 0x1F000 <= o < 0x1FB00:
        return True
    return o < 0x1F000 and unicodedata.category(c)[0] in "PS"


def words(text: str):
    """The words of a text, cleaned, each with its kind: a run of letters or of
    digits, a run of Chinese characters, or one punctuation mark, symbol or line
    break. Case and digits are kept."""
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
        elif _is_han(o):
            kind = "han"
        elif _is_single(c, o):
            kind = "single"
        else:
            kind = "letter"
        if kind != run_kind or kind == "single":
            if run:
                out.append(("".join(run), run_kind))
            run, run_kind = [], kind
        if kind == "newline":
            if not out or out[-1][0] != NEWLINE:
                out.append((NEWLINE, kind))
        elif kind != "space":
            run.append(c)
    if run:
        out.append(("".join(run), run_kind))
    return out


def han_words(run: str, known) -> list[str]:
    """A run of Chinese characters as the longest words of the vocabulary, from
    the left; a character of which no word begins stands alone."""
    out, at = [], 0
    while at < len(run):
        n = min(HAN_WORD, len(run) - at)
        while n > 1 and run[at : at + n] not in known:
            n -= 1
        out.append(run[at : at + n])
        at += n
    return out


def _row_of(token: str, kind: str, index: dict[str, int]) -> int | None:
    """The piece of e5 whose embedding a token starts from. e5 marks a word's
    beginning; a letter run begins a word, and of everything else the commoner
    form (the lower number) is taken."""
    if token.startswith("##"):
        return index.get(token[2:])
    if kind == "letter":
        return index.get(e5.MARK + token, index.get(token))
    found = [i for i in (index.get(e5.MARK + token), index.get(token)) if i is not None]
    return min(found) if found else None


def build_vocabulary(texts, pieces: list[str], size: int) -> tuple[list[str], np.ndarray]:
    """A WordPiece vocabulary cut out of e5's pieces, and for each token the row
    of e5 that it starts from.

    Taken are, until size is reached: the specials; every printable ASCII
    character, beginning and inner; what the texts use at least three times, by
    the segmentation of this file over all of e5's pieces; then e5's commonest
    English and Chinese pieces, so that words which no training text has do not
    fall apart.
    """
    index = {p: i for i, p in enumerate(pieces)}
    full: dict[str, tuple[int, str]] = {}
    for p, i in index.items():
        body = p[1:] if p.startswith(e5.MARK) else p
        parts = words(body) if body else []
        if len(parts) != 1 or parts[0][0] != body:
            continue  # more than one word by our rules, or changed by cleaning
        kind = parts[0][1]
        if kind == "han" and len(body) > HAN_WORD:
            continue
        names = [body] if kind in ("han", "single") or p.startswith(e5.MARK) else [body, "##" + body]
        for token in names:
            row = _row_of(token, kind, index)
            if row is not None:
                full[token] = (row, kind)
    counts = Counter()
    tok = Tokenizer(SPECIALS + list(full))
    for t in texts:
        counts.update(tok.pieces(t, limit=False))
    ascii_ = [chr(o) for o in range(33, 127)]
    wanted = [t for c in ascii_ for t in (c, "##" + c) if t in full]
    common = sorted((i for i, n in counts.items() if n >= 3 and i >= len(SPECIALS)), key=lambda i: (-counts[i], i))
    wanted += [tok.vocab[i] for i in common]
    by_row = sorted(full, key=lambda t: (full[t][0], t))
    wanted += [t for t in by_row if full[t][1] == "han" or t.removeprefix("##").isascii()]
    chosen = list(dict.fromkeys(wanted))[: size - len(SPECIALS)]
    chosen.sort(key=lambda t: (full[t][0], t))
    rows = [index["<pad>"], index["<unk>"], index["</s>"], index["<s>"], index["</s>"], index["<s>"], index["<s>"]]
    return SPECIALS + chosen, np.array(rows + [full[t][0] for t in chosen])


class Tokenizer:
    def __init__(self, vocab: list[str]):
        from tokenizers import models

        self.vocab = vocab
        self.ids = {w: i for i, w in enumerate(vocab)}
        self.newline = self.ids[NEWLINE]
        self.model = models.WordPiece(self.ids, unk_token=UNK, max_input_chars_per_word=MAX_WORD)
        self.memo: dict[str, list[int]] = {NEWLINE: [self.newline]}
        self.fold, self.folded = fold_table(vocab)

    def pieces(self, text: str, marks=(), limit: bool = True) -> list[int]:
        """The pieces of a text, after marks for what the request has beside it."""
        out = []
        for w, kind in words(text):
            for part in han_words(w, self.ids) if kind == "han" else (w,):
                ids = self.memo.get(part)
                if ids is None:
                    ids = self.memo[part] = [t.id for t in self.model.tokenize(part)]
                out += ids
        if limit and len(out) > HEAD_PIECES + TAIL_PIECES:
            out = out[:HEAD_PIECES] + out[-TAIL_PIECES:]
        return [self.ids[m] for m in marks] + out


def fold_table(vocab: list[str]) -> tuple[np.ndarray, int]:
    """For the fast stage, which has no context to tell them apart, tokens that
    differ only in case or in their digits are one: the new id of each token, and
    how many there are. New ids go by first occurrence."""
    digits = str.maketrans("123456789", "000000000")
    new: dict[str, int] = {}
    table = [new.setdefault(t if t in SPECIALS else t.translate(digits).lower() if t.isascii() else t, len(new)) for t in vocab]
    return np.array(table), len(new)


def pair_hash(a: np.ndarray, b: np.ndarray, buckets: int) -> np.ndarray:
    """The bucket of a pair of neighbouring pieces."""
    h = a.astype(np.uint32) * np.uint32(0x9E3779B1) ^ b.astype(np.uint32) * np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(15)
    h *= np.uint32(0x2C1B3C6D)
    h ^= h >> np.uint32(12)
    return (h % np.uint32(buckets)).astype(np.int64)


def features(pieces: list[int], fold: np.ndarray, folded: int, buckets: int):
    """(ids, weights): feature ids [n] and their weights [3, n] for the whole
    text, its beginning and its end. The weights of a row are 1/sqrt(count), so
    that a row keeps its size whatever the length. No pieces: one [PAD]."""
    p = fold[np.array(pieces or [0], dtype=np.int64)]
    n = len(p)
    pairs = folded + pair_hash(p[:-1], p[1:], buckets)
    ids = np.concatenate([p, pairs])
    at = np.concatenate([np.arange(n), np.arange(n - 1)])
    width = np.concatenate([np.ones(n), np.full(n - 1, 2)]).astype(np.int64)
    masks = np.stack([np.ones(len(ids), bool), at + width <= EDGE, at >= n - EDGE])
    weights = masks / np.sqrt(masks.sum(1, keepdims=True))
    return ids, weights.astype(np.float32)
