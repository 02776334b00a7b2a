"""Writes the trained net as ONNX: ids [n] and weights [3, n] in, logits [16]
(already divided by the temperature) and difficulty (b, sd) out.

The embeddings are 8-bit integers with one scale a row, dequantised after they
are gathered, so that the file is small and a call touches only its own rows.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from model import B, LOG_SD, N_INTENT, Net


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


def build(net: Net, temperature: float, slope: float, intercept: float, sd_slope: float, b_limit: float) -> onnx.ModelProto:
    p, d = net.p, net.p["E"].shape[1]
    q, scale = quantise(p["E"])
    w2, b2 = p["W2"], p["b2"]
    wb, bb = w2[:, [B]] * slope, b2[[B]] * slope + intercept
    const = {
        "embedding": q, "scale": scale, "w1": p["W1"], "b1": p["b1"],
        "w_intent": w2[:, :N_INTENT] / temperature, "b_intent": b2[:N_INTENT] / temperature,
        "w_b": wb, "b_b": bb, "w_sd": w2[:, [LOG_SD]], "b_sd": b2[[LOG_SD]],
        "flat": np.array([1, 3 * d], np.int64),
        "lo": np.float32(-b_limit), "hi": np.float32(b_limit),
        "sd_lo": np.float32(-1.5), "sd_hi": np.float32(1.5), "sd_slope": np.float32(sd_slope),
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
        n("Gemm", ["hx", "w_b", "b_b"], ["b_raw"]), n("Clip", ["b_raw", "lo", "hi"], ["b"]),
        n("Gemm", ["hx", "w_sd", "b_sd"], ["sd_raw"]), n("Clip", ["sd_raw", "sd_lo", "sd_hi"], ["sd_log"]),
        n("Exp", ["sd_log"], ["sd_exp"]), n("Mul", ["sd_exp", "sd_slope"], ["sd"]),
        n("Concat", ["b", "sd"], ["difficulty"], axis=1),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "assay-fast",
        [value("ids", TensorProto.INT64, ["n"]), value("weights", TensorProto.FLOAT, [3, "n"])],
        [value("logits", TensorProto.FLOAT, [1, N_INTENT]), value("difficulty", TensorProto.FLOAT, [1, 2])], inits)
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="assay/classifier/training")
    m.ir_version = 9
    onnx.checker.check_model(m)
    return m
