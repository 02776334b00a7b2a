"""Writes the trained networks as ONNX, both calibrated: logits [n, 16] already
divided by the temperature and difficulty [n, 2] (b, sd) out.

fast  ids [n] and weights [3, n] of one text in
deep  ids [n, t] in, 0 for padding; an embedding [n, 128] of length 1 out too

Word embeddings are 8-bit integers with one scale a row, dequantised after they
are gathered, so that the file is small and a call touches only its own rows.
The matrices of the deep network are 8-bit with one scale a column; what they
multiply is quantised on the way, with one scale a call.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from calibrate import B_LIMIT, SD_LIMIT
from encoder import EMBEDDING, N_EMBEDDING, SERVE, Encoder
from fast import B, LOG_SD, N_INTENT, Net


def quantise(e: np.ndarray):
    """(int8 [F, d], float16 scale [F, 1])"""
    scale = np.maximum(np.abs(e).max(1, keepdims=True) / 127, 1e-7).astype(np.float16)
    q = np.clip(np.round(e / scale.astype(np.float32)), -127, 127).astype(np.int8)
    return q, scale


def quantised(net: Net) -> Net:
    """The net with the embeddings that the file will have: what is measured is what ships."""
    q, scale = quantise(net.p["E"])
    net.p["E"] = q.astype(np.float32) * scale.astype(np.float32)
    return net


def fast(net: Net, cal) -> onnx.ModelProto:
    p, d = net.p, net.p["E"].shape[1]
    q, scale = quantise(p["E"])
    w2, b2 = p["W2"], p["b2"]
    wb, bb = w2[:, [B]] * cal.slope, b2[[B]] * cal.slope + cal.intercept
    const = {
        "embedding": q, "scale": scale, "w1": p["W1"], "b1": p["b1"],
        "w_intent": w2[:, :N_INTENT] / cal.temperature, "b_intent": b2[:N_INTENT] / cal.temperature,
        "w_b": wb, "b_b": bb, "w_sd": w2[:, [LOG_SD]], "b_sd": b2[[LOG_SD]],
        "flat": np.array([1, 3 * d], np.int64),
        **limits(cal),
    }
    inits = [numpy_helper.from_array(np.asarray(v if k in ("embedding", "scale", "flat") else np.asarray(v, np.float32)), k)
             for k, v in const.items()]
    n = helper.make_node
    nodes = [
        n("Gather", ["embedding", "ids"], ["rows8"]), n("Cast", ["rows8"], ["rows"], to=TensorProto.FLOAT),
        n("Gather", ["scale", "ids"], ["scale16"]), n("Cast", ["scale16"], ["scales"], to=TensorProto.FLOAT),
        n("Mul", ["rows", "scales"], ["vectors"]),
        n("MatMul", ["weights", "vectors"], ["pooled"]), n("Reshape", ["pooled", "flat"], ["x"]),
        n("Gemm", ["x", "w1", "b1"], ["a1"]), n("Relu", ["a1"], ["h"]),
        n("Concat", ["h", "x"], ["hx"], axis=1),
        n("Gemm", ["hx", "w_intent", "b_intent"], ["logits"]),
        n("Gemm", ["hx", "w_b", "b_b"], ["b_raw"]), n("Gemm", ["hx", "w_sd", "b_sd"], ["sd_raw"]),
        *difficulty(),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "assay-fast",
        [value("ids", TensorProto.INT64, ["n"]), value("weights", TensorProto.FLOAT, [3, "n"])],
        [value("logits", TensorProto.FLOAT, [1, N_INTENT]), value("difficulty", TensorProto.FLOAT, [1, 2])], inits)
    return finish(graph)


def limits(cal) -> dict:
    return {"lo": np.float32(-B_LIMIT), "hi": np.float32(B_LIMIT), "sd_lo": np.float32(-SD_LIMIT), "sd_hi": np.float32(SD_LIMIT),
            "sd_slope": np.float32(cal.sd_slope)}


def difficulty() -> list:
    """b_raw and sd_raw (log), each [n, 1], to difficulty [n, 2]."""
    n = helper.make_node
    return [n("Clip", ["b_raw", "lo", "hi"], ["b"]), n("Clip", ["sd_raw", "sd_lo", "sd_hi"], ["sd_log"]),
            n("Exp", ["sd_log"], ["sd_exp"]), n("Mul", ["sd_exp", "sd_slope"], ["sd"]),
            n("Concat", ["b", "sd"], ["difficulty"], axis=1)]


def finish(graph, opset: int = 17) -> onnx.ModelProto:
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="assay/classifier/training")
    m.ir_version = 9
    onnx.checker.check_model(m)
    return m


class Graph:
    """Collects the nodes and constants of a graph."""

    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def const(self, value) -> str:
        self.count += 1
        name = f"c{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, op: str, *inputs: str, out: str | None = None, outputs: int = 1, **attributes):
        self.count += 1
        names = [out] if out else [f"v{self.count}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names[0] if len(names) == 1 else names

    def linear(self, quantised, weight: np.ndarray, bias: np.ndarray) -> str:
        """x W^T + b with 8-bit W [out, in], one scale an output; quantised is
        (x as uint8, its scale, its zero point)."""
        x, x_scale, x_zero = quantised
        scale = np.maximum(np.abs(weight).max(1) / WEIGHT_LIMIT, 1e-9).astype(np.float32)
        q = np.clip(np.round(weight / scale[:, None]), -WEIGHT_LIMIT, WEIGHT_LIMIT).astype(np.int8)
        product = self.node("MatMulInteger", x, self.const(np.ascontiguousarray(q.T)), x_zero, self.const(np.int8(0)))
        product = self.node("Cast", product, to=TensorProto.FLOAT)
        scaled = self.node("Mul", product, self.node("Mul", x_scale, self.const(scale)))
        return self.node("Add", scaled, self.const(bias.astype(np.float32)))

    def quantise(self, x: str):
        return self.node("DynamicQuantizeLinear", x, outputs=3)


# The largest absolute weight: 7 bits, because without VNNI instructions the
# kernels add two 8 by 8 bit products in 16 bits, which 8-bit weights overflow.
WEIGHT_LIMIT = 63


def deep(net: Encoder, cal) -> onnx.ModelProto:
    """The encoder with its mixed difficulty, calibrated."""
    g = Graph()
    value = lambda p: p.detach().float().numpy()
    heads, d = net.layers[0].heads, net.norm.normalized_shape[0]
    shape = lambda *dims: g.const(np.array(dims, np.int64))

    def normalise(x, norm):
        return g.node("LayerNormalization", x, g.const(value(norm.weight)), g.const(value(norm.bias)), axis=-1, epsilon=norm.eps)

    q, scale = quantise(value(net.word.weight))
    rows = g.node("Cast", g.node("Gather", g.const(q), "ids"), to=TensorProto.FLOAT)
    scales = g.node("Cast", g.node("Gather", g.const(scale), "ids"), to=TensorProto.FLOAT)
    width = g.node("Shape", "ids", start=1, end=2)
    positions = g.node("Slice", g.const(value(net.position.weight)), shape(0), width, shape(0))
    x = normalise(g.node("Add", g.node("Mul", rows, scales), positions), net.norm)
    empty = g.node("Equal", "ids", g.const(np.int64(0)))
    bias = g.node("Unsqueeze", g.node("Where", empty, g.const(np.float32(-1e4)), g.const(np.float32(0))), shape(1, 2))
    for layer in net.layers:
        qkv = g.linear(g.quantise(x), value(layer.qkv.weight), value(layer.qkv.bias))
        parts = g.node("Split", qkv, shape(d, d, d), outputs=3, axis=2)
        split = [g.node("Reshape", p, shape(0, 0, heads, d // heads)) for p in parts]
        query = g.node("Mul", g.node("Transpose", split[0], perm=[0, 2, 1, 3]), g.const(np.float32(layer.scale)))
        key, val = g.node("Transpose", split[1], perm=[0, 2, 3, 1]), g.node("Transpose", split[2], perm=[0, 2, 1, 3])
        weights = g.node("Softmax", g.node("Add", g.node("MatMul", query, key), bias), axis=-1)
        mixed = g.node("Reshape", g.node("Transpose", g.node("MatMul", weights, val), perm=[0, 2, 1, 3]), shape(0, 0, d))
        x = normalise(g.node("Add", x, g.linear(g.quantise(mixed), value(layer.attended.weight), value(layer.attended.bias))), layer.norm1)
        h = g.linear(g.quantise(x), value(layer.inner.weight), value(layer.inner.bias))
        erf = g.node("Erf", g.node("Mul", h, g.const(np.float32(0.5**0.5))))
        h = g.node("Mul", g.node("Mul", h, g.node("Add", erf, g.const(np.float32(1)))), g.const(np.float32(0.5)))
        x = normalise(g.node("Add", x, g.linear(g.quantise(h), value(layer.outer.weight), value(layer.outer.bias))), layer.norm2)
    real = g.node("Unsqueeze", g.node("Cast", g.node("Not", empty), to=TensorProto.FLOAT), shape(2))
    total = g.node("ReduceSum", g.node("Mul", x, real), shape(1), keepdims=0)
    mean = g.node("Div", total, g.node("ReduceSum", real, shape(1), keepdims=0))
    first = g.node("Gather", x, g.const(np.int64(0)), axis=1)
    pooled = g.node("Concat", mean, first, axis=1)
    w, b = value(net.head.weight), value(net.head.bias)

    def head(columns, out, scale=1.0, shift=0.0):
        return g.node("Gemm", pooled, g.const((w[columns] * scale).T.copy()), g.const(b[columns] * scale + shift), out=out)

    head(slice(0, N_INTENT), "logits", 1 / cal.temperature)
    head(slice(SERVE, SERVE + 1), "b_raw", cal.slope, cal.intercept)
    head(slice(SERVE + 1, SERVE + 2), "sd_raw")
    e = g.node("Gemm", pooled, g.const(w[EMBEDDING:].T.copy()), g.const(b[EMBEDDING:]))
    g.node("LpNormalization", e, out="embedding", axis=1, p=2)
    g.nodes += difficulty()
    g.constants += [numpy_helper.from_array(v, k) for k, v in limits(cal).items()]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        g.nodes, "assay-deep", [info("ids", TensorProto.INT64, ["n", "t"])],
        [info("logits", TensorProto.FLOAT, ["n", N_INTENT]), info("difficulty", TensorProto.FLOAT, ["n", 2]),
         info("embedding", TensorProto.FLOAT, ["n", N_EMBEDDING])], g.constants)
    return finish(graph)
