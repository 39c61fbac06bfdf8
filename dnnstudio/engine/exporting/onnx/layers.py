"""Keras's layers as ONNX nodes: one function a layer, by the name of Keras's class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import NoiseForm
from dnnstudio.engine.backend.noise import SELU_FLOOR, noise_of
from dnnstudio.engine.exporting.network import is_dropped, layer_kind
from dnnstudio.engine.exporting.onnx.activations import ACTIVATIONS
from dnnstudio.engine.exporting.onnx.graph import Graph

Converter = Callable[[Graph, Any, dict[str, Any]], None]
"""Adds a Keras layer with this config to a graph."""

CONVERTERS: dict[str, Converter] = {}
"""Keras's class → its converter."""


def converts(*names: str) -> Callable[[Converter], Converter]:
    """Register the converter of these classes."""

    def register(found: Converter) -> Converter:
        CONVERTERS.update(dict.fromkeys(names, found))
        return found

    return register


def weight(layer: Any, name: str) -> NDArray[np.float64]:
    """A layer's array [its own shape] by its name, such as "kernel"."""
    found = next(variable for variable in layer.weights if variable.name == name)
    return np.array(found.value.numpy(), dtype=np.float64)


def has_weight(layer: Any, name: str) -> bool:
    """Whether the layer has an array of that name."""
    return any(variable.name == name for variable in layer.weights)


def activate(graph: Graph, layer: Any, name: str | None) -> None:
    """Add an activation by its name. Raises `UserError` for one that is not known here."""
    added = ACTIVATIONS.get(name or "linear")
    if added is None:
        raise UserError(f"{layer.name} has the activation {name}, which ONNX files cannot hold.", "Choose another one.")
    added(graph)


def add_layer(graph: Graph, layer: Any, *, stochastic: bool) -> None:
    """Add one layer. Raises `UserError`, which names it, where ONNX files cannot hold it."""
    if is_dropped(layer) and stochastic:
        _drop(graph, layer)
        return
    if noise_of(layer) is not None:
        return
    kind = layer_kind(layer)
    converter = CONVERTERS.get(kind)
    if converter is None:
        raise UserError(
            f"{layer.name} is a {kind}, which this program cannot write into an ONNX file.",
            "Export it as a SavedModel, or take the layer out.",
        )
    config: dict[str, Any] = layer.get_config()
    if config.get("data_format") == "channels_first":
        raise UserError(f"{layer.name} reads pictures with their channels first.", "Set channels_last.")
    converter(graph, layer, config)


def _drop(graph: Graph, layer: Any) -> None:
    """Dropout that stays active, by the formulas of `engine.backend.noise`.

    ONNX's own Dropout is not used: ONNX Runtime 1.32 takes it out of the network although its `training_mode` is true.
    """
    noise = noise_of(layer)
    assert noise is not None
    x, rate = graph.name, float(layer.rate)
    if noise.normal:
        deviation = (rate / (1 - rate)) ** 0.5
        graph.then("Mul", graph.node("RandomNormalLike", x, mean=1.0, scale=deviation, dtype=1))
        return
    if noise.shared_axes:
        graph.channels_last()
        x = graph.name
        axes = [axis + 1 for axis in noise.shared_axes]
        like = graph.node("ReduceMax", x, axes=axes, keepdims=1)
    else:
        like = x
    kept = graph.node(
        "GreaterOrEqual", graph.node("RandomUniformLike", like, low=0.0, high=1.0, dtype=1), graph.constant(rate)
    )
    if noise.form is NoiseForm.DROPOUT:
        scaled = graph.node("Mul", x, graph.constant(1 / (1 - rate)))
        graph.name = graph.node("Where", kept, scaled, graph.constant(0.0))
        return
    scale = float(((1 - rate) * (1 + rate * SELU_FLOOR**2)) ** -0.5)
    floored = graph.node("Where", kept, x, graph.constant(SELU_FLOOR))
    graph.name = graph.node("Mul", floored, graph.constant(scale))
    graph.then("Add", graph.constant(-scale * SELU_FLOOR * rate))


# --------------------------------------------------------------------------------------------------- plain layers


@converts("InputLayer", "Identity", "ActivityRegularization")
def _nothing(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    del graph, layer, config


@converts("Dense")
def _dense(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    graph.channels_last()
    kernel = weight(layer, "kernel")
    graph.then("MatMul", graph.constant(kernel.astype(np.float32)))
    graph.shape = (*graph.shape[:-1], kernel.shape[1])
    if config["use_bias"]:
        graph.then("Add", graph.for_rows(weight(layer, "bias")))
    activate(graph, layer, config["activation"])


@converts("Flatten")
def _flatten(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    del layer, config
    if len(graph.shape) != 1:
        graph.reshape((int(np.prod(graph.shape)),))


@converts("Reshape")
def _reshape(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    total, target = int(np.prod(graph.shape)), tuple(config["target_shape"])
    known = int(np.prod([size for size in target if size != -1]))
    del layer
    graph.reshape(tuple(total // known if size == -1 else int(size) for size in target))


@converts("Permute")
def _permute(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    del layer
    graph.channels_last()
    dims = [int(axis) for axis in config["dims"]]
    graph.then("Transpose", perm=[0, *dims])
    graph.shape = tuple(graph.shape[axis - 1] for axis in dims)


@converts("RepeatVector")
def _repeat(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    del layer
    graph.then("Unsqueeze", graph.constant([1]))
    graph.then("Tile", graph.constant([1, int(config["n"]), 1]))
    graph.shape = (int(config["n"]), *graph.shape)


@converts("Activation")
def _activation(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    activate(graph, layer, config["activation"])


@converts("LeakyReLU")
def _leaky_relu(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    del layer
    graph.then("LeakyRelu", alpha=float(config["negative_slope"]))


@converts("ELU")
def _elu(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    del layer
    graph.then("Elu", alpha=float(config["alpha"]))


@converts("PReLU")
def _prelu(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    del config
    graph.then("PRelu", graph.for_rows(weight(layer, "alpha")))


# -------------------------------------------------------------------------------------------------- normalization


@converts("Rescaling")
def _rescaling(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    del layer
    graph.then("Mul", graph.constant(float(config["scale"])))
    if config["offset"]:
        graph.then("Add", graph.constant(float(config["offset"])))


def _along(graph: Graph, axes: Any, array: NDArray[Any]) -> NDArray[Any]:
    """An array that has the given axes of a batch, laid out to be broadcast against a row."""
    rank = len(graph.shape) + 1
    kept = sorted(axis % rank for axis in (axes if isinstance(axes, list | tuple) else [axes]))
    sizes = [graph.shape[place - 1] if place in kept else 1 for place in range(1, rank)]
    return array.reshape(sizes)


@converts("BatchNormalization", "AxesBatchNormalization")
def _batch_normalization(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    """By the stored averages, as when predicting."""
    factor = 1 / np.sqrt(weight(layer, "moving_variance") + config["epsilon"])
    if config["scale"]:
        factor = factor * weight(layer, "gamma")
    offset = -weight(layer, "moving_mean") * factor
    if config["center"]:
        offset = offset + weight(layer, "beta")
    graph.then("Mul", graph.for_rows(_along(graph, config["axis"], factor)))
    graph.then("Add", graph.for_rows(_along(graph, config["axis"], offset)))


@converts("Normalization")
def _normalization(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    axes = () if config["axis"] is None else config["axis"]
    mean = _along(graph, axes, weight(layer, "mean"))
    spread = _along(graph, axes, np.maximum(np.sqrt(weight(layer, "variance")), 1e-7))
    if config["invert"]:
        graph.then("Mul", graph.for_rows(spread))
        graph.then("Add", graph.for_rows(mean))
    else:
        graph.then("Sub", graph.for_rows(mean))
        graph.then("Div", graph.for_rows(spread))


def _by_own_moments(graph: Graph, axes: list[int], epsilon: float) -> None:
    """(x − mean) / √(variance + epsilon), each taken over `axes` of the batch."""
    centred = graph.node("Sub", graph.name, graph.node("ReduceMean", graph.name, axes=axes, keepdims=1))
    variance = graph.node("ReduceMean", graph.node("Mul", centred, centred), axes=axes, keepdims=1)
    spread = graph.node("Sqrt", graph.node("Add", variance, graph.constant(epsilon)))
    graph.name = graph.node("Div", centred, spread)


def _learnt_scale(graph: Graph, layer: Any, axes: Any) -> None:
    for kind, name in (("Mul", "gamma"), ("Add", "beta")):
        if has_weight(layer, name):
            graph.then(kind, graph.for_rows(_along(graph, axes, weight(layer, name))))


@converts("LayerNormalization")
def _layer_normalization(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    graph.channels_last()
    rank = len(graph.shape) + 1
    axes = config["axis"] if isinstance(config["axis"], list | tuple) else [config["axis"]]
    _by_own_moments(graph, sorted(axis % rank for axis in axes), float(config["epsilon"]))
    _learnt_scale(graph, layer, axes)


@converts("GroupNormalization")
def _group_normalization(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    axis = config["axis"]
    if axis % (len(graph.shape) + 1) != len(graph.shape):
        raise UserError(f"{layer.name} groups an axis that is not the last.", "Set its axis to -1.")
    before, groups = graph.shape, int(layer.groups)
    graph.reshape((*before[:-1], groups, before[-1] // groups))
    rank = len(graph.shape)
    _by_own_moments(graph, [*range(1, rank - 1), rank], float(config["epsilon"]))
    graph.reshape(before)
    _learnt_scale(graph, layer, -1)
