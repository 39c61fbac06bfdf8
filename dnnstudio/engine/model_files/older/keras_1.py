"""Records of Keras 1 in the words of Keras 2, where the meaning is certain: that of its `legacy.interfaces`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dnnstudio.core.experiment.layers import Conv1D
from dnnstudio.core.experiment.shapes import LayerShape
from dnnstudio.engine.model_files.hdf5 import Store
from dnnstudio.engine.model_files.settings import Plain, RefusedError

CLASSES: Mapping[str, str] = {
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "SeparableConvolution2D": "SeparableConv2D",
}
NAMES: Mapping[str, Mapping[str, str]] = {
    "Dense": {
        "output_dim": "units",
        "init": "kernel_initializer",
        "W_regularizer": "kernel_regularizer",
        "b_regularizer": "bias_regularizer",
        "W_constraint": "kernel_constraint",
        "b_constraint": "bias_constraint",
        "bias": "use_bias",
    },
    "Conv2D": {
        "nb_filter": "filters",
        "init": "kernel_initializer",
        "W_regularizer": "kernel_regularizer",
        "b_regularizer": "bias_regularizer",
        "W_constraint": "kernel_constraint",
        "b_constraint": "bias_constraint",
        "bias": "use_bias",
        "subsample": "strides",
        "border_mode": "padding",
    },
    "SeparableConv2D": {
        "nb_filter": "filters",
        "b_regularizer": "bias_regularizer",
        "b_constraint": "bias_constraint",
        "bias": "use_bias",
        "subsample": "strides",
        "border_mode": "padding",
    },
    "Conv1D": {
        "nb_filter": "filters",
        "filter_length": "kernel_size",
        "init": "kernel_initializer",
        "W_regularizer": "kernel_regularizer",
        "b_regularizer": "bias_regularizer",
        "W_constraint": "kernel_constraint",
        "b_constraint": "bias_constraint",
        "bias": "use_bias",
        "subsample_length": "strides",
        "border_mode": "padding",
    },
    "MaxPooling1D": {"pool_length": "pool_size", "stride": "strides", "border_mode": "padding"},
    "AveragePooling1D": {"pool_length": "pool_size", "stride": "strides", "border_mode": "padding"},
    "MaxPooling2D": {"border_mode": "padding"},
    "AveragePooling2D": {"border_mode": "padding"},
    "Dropout": {"p": "rate"},
    "SpatialDropout2D": {"p": "rate"},
    "GaussianDropout": {"p": "rate"},
    "GaussianNoise": {"sigma": "stddev"},
    "BatchNormalization": {"gamma_init": "gamma_initializer", "beta_init": "beta_initializer"},
}
"""Keras 2's class → Keras 1's name → Keras 2's name."""
INITIALIZERS: Mapping[str, str] = {
    "normal": "random_normal",
    "uniform": "random_uniform",
    "zero": "zeros",
    "one": "ones",
}
_INITIALIZED = {"kernel_initializer", "gamma_initializer", "beta_initializer"}
_REGULARIZER = {"WeightRegularizer", "L1L2Regularizer"}
_DROPPED = {"input_dim", "input_length", "input_dtype", "uses_learning_phase"}
_CHANNELS = {"tf": "channels_last", "default": "channels_last", "th": "channels_first"}


def modernized(record: Any) -> Any:
    """The record of one layer as Keras 2 writes it. Raises `RefusedError` for what has no counterpart."""
    if not isinstance(record, dict) or not isinstance(record.get("config"), dict):
        return record
    old: Plain = record["config"]
    name = CLASSES.get(str(record.get("class_name")), record.get("class_name"))
    words = NAMES.get(str(name), {})
    new: Plain = {}
    for key, value in old.items():
        if key in _DROPPED:
            continue
        if key == "dim_ordering":
            new["data_format"] = _CHANNELS.get(str(value), value)
            continue
        if key == "mode" and name == "BatchNormalization":
            if value not in (0, None):
                raise RefusedError("normalizes in a way of Keras 1 that later versions do not have.", "")
            continue
        new[words.get(key, key)] = _value(words.get(key, key), value)
    if name == "SeparableConv2D" and "init" in new:
        both = _value("kernel_initializer", new.pop("init"))
        new |= {"depthwise_initializer": both, "pointwise_initializer": both}
    if name in ("Conv2D", "SeparableConv2D") and "nb_row" in new and "nb_col" in new:
        new["kernel_size"] = [new.pop("nb_row"), new.pop("nb_col")]
    if name == "ZeroPadding2D" and isinstance(sides := new.get("padding"), list) and len(sides) == 4:
        new["padding"] = [sides[:2], sides[2:]]  # above, below, left, right
    return record | {"class_name": name, "config": new}


def see_series_kernels(store: Store, rows: Sequence[LayerShape], paths: Sequence[Sequence[str]]) -> None:
    """Let kernels of series be read in their present shape: Keras 1 stored them as those of pictures one pixel wide.

    `paths` are the arrays of each layer of `rows`. The two shapes are those that Keras 2 took over, in its
    `preprocess_weights_for_loading`.
    """
    for row, own in zip(rows, paths, strict=True):
        if not isinstance(row.layer, Conv1D) or not own or own[0] not in store.entries:
            continue
        length, channels, filters = needed = row.variables[0].shape
        found = store.entries[own[0]].shape
        if found == (length, 1, channels, filters):
            store.see_as(own[0], needed, (0, 1, 2, 3))
        elif found == (filters, channels, length, 1):
            store.see_as(own[0], needed, (2, 3, 1, 0))


def _value(name: str, value: Any) -> Any:
    if name in _INITIALIZED and isinstance(value, str):
        return INITIALIZERS.get(value, value)
    if name.endswith("_regularizer") and isinstance(value, dict) and value.get("name") in _REGULARIZER:
        return {"class_name": "L1L2", "config": {"l1": value.get("l1", 0.0), "l2": value.get("l2", 0.0)}}
    if name.endswith("_constraint") and isinstance(value, dict) and isinstance(value.get("name"), str):
        return {"class_name": value["name"], "config": {key: one for key, one in value.items() if key != "name"}}
    return value
