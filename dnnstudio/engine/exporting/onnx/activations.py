"""Keras's named activations as ONNX nodes; the formulas are those of `keras.activations` (Keras 3.15)."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np
from onnx import TensorProto

from dnnstudio.engine.exporting.onnx.graph import Graph


def _gelu(graph: Graph) -> None:
    """x · Φ(x), by the error function: Keras's default is not the approximation by tanh."""
    x = graph.name
    share = graph.node("Erf", graph.node("Mul", x, graph.constant(sqrt(0.5))))
    twice = graph.node("Add", share, graph.constant(1.0))
    graph.name = graph.node("Mul", graph.node("Mul", x, graph.constant(0.5)), twice)


def _silu(graph: Graph) -> None:
    graph.name = graph.node("Mul", graph.name, graph.node("Sigmoid", graph.name))


def _mish(graph: Graph) -> None:
    graph.name = graph.node("Mul", graph.name, graph.node("Tanh", graph.node("Softplus", graph.name)))


def _hard_silu(graph: Graph) -> None:
    graph.name = graph.node("Mul", graph.name, graph.node("HardSigmoid", graph.name, alpha=1 / 6, beta=0.5))


def _tanh_shrink(graph: Graph) -> None:
    graph.name = graph.node("Sub", graph.name, graph.node("Tanh", graph.name))


def _log_sigmoid(graph: Graph) -> None:
    graph.name = graph.node("Neg", graph.node("Softplus", graph.node("Neg", graph.name)))


def _squareplus(graph: Graph) -> None:
    """(x + √(x² + 4)) / 2."""
    x = graph.name
    root = graph.node("Sqrt", graph.node("Add", graph.node("Mul", x, x), graph.constant(4.0)))
    graph.name = graph.node("Mul", graph.node("Add", x, root), graph.constant(0.5))


def _clipped(graph: Graph, low: float, high: float) -> None:
    graph.then("Clip", graph.constant(low), graph.constant(high))


def _sparse_plus(graph: Graph) -> None:
    """0 up to −1, (x + 1)² / 4 up to 1, x beyond."""
    x = graph.name
    ramp = graph.node("Clip", graph.node("Add", x, graph.constant(1.0)), graph.constant(0.0), graph.constant(2.0))
    curve = graph.node("Mul", graph.node("Mul", ramp, ramp), graph.constant(0.25))
    beyond = graph.node("Relu", graph.node("Sub", x, graph.constant(1.0)))
    graph.name = graph.node("Add", curve, beyond)


def _sparse_sigmoid(graph: Graph) -> None:
    graph.then("Mul", graph.constant(0.5))
    graph.then("Add", graph.constant(0.5))
    _clipped(graph, 0.0, 1.0)


def _softmax(graph: Graph) -> None:
    graph.channels_last()
    graph.then("Softmax", axis=-1)


def _log_softmax(graph: Graph) -> None:
    graph.channels_last()
    graph.then("LogSoftmax", axis=-1)


def _sparsemax(graph: Graph) -> None:
    """max(x − τ, 0) as Keras 3.15 computes it, which the network has learnt with.

    With k the largest count of sorted numbers for which 1 + k · x₍ₖ₎ exceeds their sum, Martins and Astudillo (2016)
    have τ = (their sum − 1) / k; Keras adds up all the partial sums in place of their sum.
    """
    graph.channels_last()
    x, size = graph.name, graph.shape[-1]
    values, _ = graph.pair("TopK", x, graph.constant([size]), axis=-1)
    sums = graph.node("CumSum", values, graph.constant(np.asarray(len(graph.shape), np.int64)))
    counts = graph.constant(np.arange(1, size + 1, dtype=np.float32))
    reached = graph.node("Add", graph.node("Mul", values, counts), graph.constant(1.0))
    within = graph.node("Cast", graph.node("Greater", reached, sums), to=TensorProto.FLOAT)
    axes = graph.constant([-1])
    count = graph.node("ReduceSum", within, axes, keepdims=1)
    total = graph.node("ReduceSum", graph.node("Mul", within, sums), axes, keepdims=1)
    threshold = graph.node("Div", graph.node("Sub", total, graph.constant(1.0)), count)
    graph.name = graph.node("Relu", graph.node("Sub", x, threshold))


ACTIVATIONS: dict[str, Callable[[Graph], None]] = {
    "linear": lambda graph: None,
    "relu": lambda graph: graph.then("Relu"),
    "relu6": lambda graph: _clipped(graph, 0.0, 6.0),
    "leaky_relu": lambda graph: graph.then("LeakyRelu", alpha=0.2),
    "elu": lambda graph: graph.then("Elu", alpha=1.0),
    "selu": lambda graph: graph.then("Selu"),
    "celu": lambda graph: graph.then("Celu", alpha=1.0),
    "gelu": _gelu,
    "silu": _silu,
    "mish": _mish,
    "tanh": lambda graph: graph.then("Tanh"),
    "sigmoid": lambda graph: graph.then("Sigmoid"),
    "softmax": _softmax,
    "softplus": lambda graph: graph.then("Softplus"),
    "softsign": lambda graph: graph.then("Softsign"),
    "exponential": lambda graph: graph.then("Exp"),
    "hard_sigmoid": lambda graph: graph.then("HardSigmoid", alpha=1 / 6, beta=0.5),
    "hard_silu": _hard_silu,
    "hard_tanh": lambda graph: _clipped(graph, -1.0, 1.0),
    "hard_shrink": lambda graph: graph.then("Shrink", lambd=0.5, bias=0.0),
    "soft_shrink": lambda graph: graph.then("Shrink", lambd=0.5, bias=0.5),
    "tanh_shrink": _tanh_shrink,
    "squareplus": _squareplus,
    "sparse_plus": _sparse_plus,
    "sparse_sigmoid": _sparse_sigmoid,
    "sparsemax": _sparsemax,
    "log_sigmoid": _log_sigmoid,
    "log_softmax": _log_softmax,
}
"""Keras's name → what adds it to the end of a graph. `threshold` has no default in Keras, and is in no network."""
