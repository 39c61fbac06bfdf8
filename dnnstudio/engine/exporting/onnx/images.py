"""Convolutions and poolings as ONNX nodes, and what else changes the size of a picture or series."""

from __future__ import annotations

from typing import Any

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.engine.exporting.onnx.graph import Graph
from dnnstudio.engine.exporting.onnx.layers import activate, converts, weight


def _sizes(value: Any, count: int) -> list[int]:
    return [int(one) for one in value] if isinstance(value, list | tuple) else [int(value)] * count


def _window(graph: Graph, window: list[int], strides: list[int], padding: str, reach: list[int]) -> dict[str, Any]:
    """The attributes of a window that slides, and the new places in `graph.shape`.

    TensorFlow's "same" puts the odd one of the added places behind. `reach` is how many places a window spans.
    """
    inner, pads = graph.shape[:-1], []
    if padding == "same":
        places = [-(-size // stride) for size, stride in zip(inner, strides, strict=True)]
        added = [
            max(0, (count - 1) * stride + span - size)
            for count, stride, span, size in zip(places, strides, reach, inner, strict=True)
        ]
        pads = [*(more // 2 for more in added), *(more - more // 2 for more in added)]
    else:
        places = [(size - span) // stride + 1 for size, stride, span in zip(inner, strides, reach, strict=True)]
    graph.shape = (*places, graph.shape[-1])
    return {"kernel_shape": window, "strides": strides} | ({"pads": pads} if any(pads) else {})


def _slide(graph: Graph, kernel: Any, config: dict[str, Any], *, groups: int, bias: Any = None) -> None:
    """A convolution by `kernel` [*window, channels of a group, filters]."""
    rank = kernel.ndim - 2
    window = [int(size) for size in kernel.shape[:rank]]
    strides, dilations = _sizes(config["strides"], rank), _sizes(config.get("dilation_rate", 1), rank)
    reach = [(size - 1) * apart + 1 for size, apart in zip(window, dilations, strict=True)]
    if config["padding"] == "causal":
        graph.channels_first()
        graph.then("Pad", graph.constant([0, 0, reach[0] - 1, 0, 0, 0]))
        graph.shape = (graph.shape[0] + reach[0] - 1, graph.shape[1])
    graph.channels_first()
    attributes = _window(graph, window, strides, config["padding"], reach)
    turned = np.moveaxis(kernel, (-1, -2), (0, 1)).astype(np.float32)
    more = [] if bias is None else [graph.constant(bias.astype(np.float32))]
    graph.then("Conv", graph.constant(turned), *more, group=groups, dilations=dilations, **attributes)
    graph.shape = (*graph.shape[:-1], int(kernel.shape[-1]))


def _bias(layer: Any, config: dict[str, Any]) -> Any:
    return weight(layer, "bias") if config["use_bias"] else None


@converts("Conv2D", "Conv1D")
def _convolution(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    _slide(graph, weight(layer, "kernel"), config, groups=int(config["groups"]), bias=_bias(layer, config))
    activate(graph, layer, config["activation"])


def _by_channel(kernel: Any) -> Any:
    """Keras's [*window, channels, multiplier] as [*window, 1, channels · multiplier]."""
    return kernel.reshape(*kernel.shape[:-2], 1, kernel.shape[-2] * kernel.shape[-1])


@converts("DepthwiseConv2D", "DepthwiseConv1D")
def _depthwise(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    channels = graph.shape[-1]
    _slide(graph, _by_channel(weight(layer, "kernel")), config, groups=channels, bias=_bias(layer, config))
    activate(graph, layer, config["activation"])


@converts("SeparableConv2D", "SeparableConv1D")
def _separable(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    channels = graph.shape[-1]
    _slide(graph, _by_channel(weight(layer, "depthwise_kernel")), config, groups=channels)
    once = config | {"strides": 1, "dilation_rate": 1, "padding": "valid"}
    _slide(graph, weight(layer, "pointwise_kernel"), once, groups=1, bias=_bias(layer, config))
    activate(graph, layer, config["activation"])


@converts("MaxPooling2D", "AveragePooling2D", "MaxPooling1D", "AveragePooling1D")
def _pooling(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    rank = len(graph.shape) - 1
    window = _sizes(config["pool_size"], rank)
    strides = window if config["strides"] is None else _sizes(config["strides"], rank)
    graph.channels_first()
    attributes = _window(graph, window, strides, config["padding"], window)
    graph.then("MaxPool" if type(layer).__name__.startswith("Max") else "AveragePool", **attributes)


@converts("GlobalMaxPooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalAveragePooling1D")
def _global_pooling(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    graph.channels_last()
    rank = len(graph.shape) - 1
    kind = "ReduceMax" if "Max" in type(layer).__name__ else "ReduceMean"
    keep = bool(config["keepdims"])
    graph.then(kind, axes=list(range(1, rank + 1)), keepdims=int(keep))
    graph.shape = (*[1] * (rank if keep else 0), graph.shape[-1])


@converts("ZeroPadding2D", "ZeroPadding1D")
def _zero_padding(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    del layer
    graph.channels_last()
    rank = len(graph.shape) - 1
    given = config["padding"]
    pairs = [_sizes(pair, 2) for pair in (given if rank > 1 else [given])]
    before, after = zip(*pairs, strict=True)
    graph.then("Pad", graph.constant([0, *before, 0, 0, *after, 0]))
    grown = (size + sum(pair) for size, pair in zip(graph.shape, pairs, strict=False))
    graph.shape = (*grown, graph.shape[-1])


@converts("UpSampling2D", "UpSampling1D")
def _up_sampling(graph: Graph, layer: Any, config: dict[str, Any]) -> None:
    rank = len(graph.shape) - 1
    size = _sizes(config["size"], rank)
    way = config.get("interpolation", "nearest")
    by = {
        "nearest": {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"},
        "bilinear": {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
    }.get(way)
    if by is None:
        raise UserError(
            f"{layer.name} enlarges by {way}, which ONNX files cannot hold alike.", "Choose nearest or bilinear."
        )
    graph.channels_first()
    scales = np.asarray([1, 1, *size], np.float32)
    graph.then("Resize", "", graph.constant(scales), **by)
    graph.shape = (*(old * times for old, times in zip(graph.shape, size, strict=False)), graph.shape[-1])
