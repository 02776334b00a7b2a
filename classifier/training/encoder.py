"""The deep network: a BERT encoder that starts from e5, and its heads.

    x   = LN(word[ids] + position + type)                         [T, 384]
    x   = LN(x + attention(x)); x = LN(x + W2 gelu(W1 x))         per layer
    p   = [mean of x over the text; x of [BEGIN]]                 [768]
    out = heads(p): 16 intents, 16 weak intents, (mean, log sd) of the difficulty
          by outcomes, by reading and to serve, whether outcomes exist for such
          a prompt, and an embedding

Matrix products run in bfloat16, sums and normalisation in float32.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import e5
from tokens import SPECIALS

N_INTENT, N_EMBEDDING = 16, 128
WEAK = N_INTENT
OUTCOMES, READING, SERVE = 32, 34, 36  # columns of (mean, log sd)
MEASURED, EMBEDDING = 38, 39
OUT = EMBEDDING + N_EMBEDDING
HEAD, TAIL = 94, 32  # pieces of a long text that the network reads; with [BEGIN] and [END] 128


def drop(x, rate: float, training: bool):
    """Dropout of whole features of a text [N, T, d]: one draw for all its
    tokens, since drawing for each costs a tenth of the training time."""
    if not training or rate == 0:
        return x
    keep = (torch.rand(x.shape[0], 1, x.shape[2]) >= rate) / (1 - rate)
    return x * keep.to(x.dtype)


class Layer(nn.Module):
    def __init__(self, hidden: int, heads: int, inner: int, epsilon: float, dropout: float):
        super().__init__()
        self.heads, self.scale, self.dropout = heads, (hidden // heads) ** -0.5, dropout
        self.qkv, self.attended = nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden)
        self.inner, self.outer = nn.Linear(hidden, inner), nn.Linear(inner, hidden)
        self.norm1, self.norm2 = nn.LayerNorm(hidden, epsilon), nn.LayerNorm(hidden, epsilon)

    def forward(self, x, bias):
        n, t, d = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        # plain products: five times faster here, backwards included, than the fused kernel
        weights = torch.softmax((q * self.scale) @ k.transpose(-1, -2) + bias, -1)
        a = self.attended((weights @ v).transpose(1, 2).reshape(n, t, d))
        x = self.norm1(x + drop(a, self.dropout, self.training))
        f = self.outer(F.gelu(self.inner(x)))
        return self.norm2(x + drop(f, self.dropout, self.training))


class Encoder(nn.Module):
    def __init__(self, hidden: int, heads: int, inner: int, epsilon: float, layers: int, vocabulary: int, positions: int, dropout: float = 0.1):
        super().__init__()
        self.word, self.position = nn.Embedding(vocabulary, hidden), nn.Embedding(positions, hidden)
        self.norm = nn.LayerNorm(hidden, epsilon)
        self.layers = nn.ModuleList(Layer(hidden, heads, inner, epsilon, dropout) for _ in range(layers))
        self.head = nn.Linear(2 * hidden, OUT)
        self.dropout = dropout
        nn.init.normal_(self.head.weight, 0, 0.02)
        nn.init.zeros_(self.head.bias)

    def pool(self, ids):
        """[N, T] ids, 0 for nothing -> [N, 2 hidden]"""
        real = ids != 0
        at = torch.arange(ids.shape[1])
        x = self.norm(self.word(ids) + self.position(at))
        x = drop(x, self.dropout, self.training)
        bias = torch.zeros_like(ids, dtype=torch.float32).masked_fill(~real, -1e4)[:, None, None, :]
        if torch.is_autocast_enabled("cpu"):
            bias = bias.bfloat16()
        for layer in self.layers:
            x = layer(x, bias)
        x = x.float()
        mean = (x * real[..., None]).sum(1) / real.sum(1, keepdim=True)
        return torch.cat([mean, x[:, 0]], 1)

    def forward(self, ids):
        p = self.pool(ids)
        return self.head(F.dropout(p, self.dropout, self.training)), p


def from_e5(source: e5.E5, rows: np.ndarray, layers: list[int], dropout: float = 0.1) -> Encoder:
    """An encoder of the given layers of e5, with the given rows of its embedding."""
    t = {k: torch.tensor(v) for k, v in source.tensors.items() if k != "emb.word"}
    positions = HEAD + TAIL + 2
    net = Encoder(source.hidden, source.heads, source.inner, max(source.epsilon, 1e-12), len(layers), len(rows), positions, dropout)
    with torch.no_grad():
        word = torch.tensor(source.tensors["emb.word"][rows])
        word[0] = 0
        net.word.weight.copy_(word)
        net.position.weight.copy_(t["emb.pos"][:positions] + t["emb.type"][0])
        net.norm.weight.copy_(t["emb.ln.w"])
        net.norm.bias.copy_(t["emb.ln.b"])
        for layer, k in zip(net.layers, layers):
            get = lambda name: t[f"l{k}.{name}"]
            layer.qkv.weight.copy_(torch.cat([get("q.w"), get("k.w"), get("v.w")]))
            layer.qkv.bias.copy_(torch.cat([get("q.b"), get("k.b"), get("v.b")]))
            for mine, name in ((layer.attended, "ao"), (layer.inner, "fi"), (layer.outer, "fo")):
                mine.weight.copy_(get(name + ".w"))
                mine.bias.copy_(get(name + ".b"))
            for mine, name in ((layer.norm1, "aln"), (layer.norm2, "oln")):
                mine.weight.copy_(get(name + ".w"))
                mine.bias.copy_(get(name + ".b"))
    return net


BEGIN_ID, END_ID = SPECIALS.index("[BEGIN]"), SPECIALS.index("[END]")


def clip(pieces: list[int]) -> list[int]:
    """What the network reads of a text: [BEGIN], head and tail, [END]."""
    if len(pieces) > HEAD + TAIL:
        pieces = pieces[:HEAD] + pieces[-TAIL:]
    return [BEGIN_ID, *pieces, END_ID]


def pad(lists: list[list[int]]) -> torch.Tensor:
    width = max(len(x) for x in lists)
    out = np.zeros((len(lists), width), np.int64)
    for i, x in enumerate(lists):
        out[i, : len(x)] = x
    return torch.from_numpy(out)


@torch.no_grad()
def predict(net: Encoder, sequences: list[list[int]], tokens_at_once: int = 8192):
    """(outputs [n, OUT], pooled [n, 2 hidden]) of clipped sequences."""
    net.eval()
    order = np.argsort([len(s) for s in sequences], kind="stable")
    out = np.zeros((len(sequences), OUT), np.float32)
    pooled = np.zeros((len(sequences), net.head.in_features), np.float32)
    at = 0
    while at < len(order):
        n = 1
        while at + n < len(order) and (n + 1) * len(sequences[order[at + n]]) <= tokens_at_once:
            n += 1
        idx = order[at : at + n]
        with torch.autocast("cpu", torch.bfloat16):
            o, p = net(pad([sequences[i] for i in idx]))
        out[idx], pooled[idx] = o.float().numpy(), p.numpy()
        at += n
    return out, pooled
