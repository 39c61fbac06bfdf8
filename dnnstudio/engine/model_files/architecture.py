"""Keras's description of a whole network → the program's own layers. Only plain stacks pass; the rest is named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.layers import LAYER_KINDS, Activation, AnyLayer, Layer, LeakyReLU, Shape, times
from dnnstudio.core.shapes import LayerShape, infer_shapes
from dnnstudio.engine.model_files.contents import MAX_FILE, MAX_LAYERS, MAX_ROW, shown
from dnnstudio.engine.model_files.settings import (
    Plain,
    RefusedError,
    layer_class,
    object_of,
    read_option,
    supported,
)

_TAMPERED = "The file is damaged or was tampered with."
_CURVES = {"Activation", "ELU", "LeakyReLU", "ReLU", "Softmax"}
_CODE = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}


@dataclass(slots=True)
class Architecture:
    """A transcribed stack. `keras_classes` says as what the file holds each of `layers`; "" as no layer of its own."""

    input_shape: Shape
    layers: list[AnyLayer] = field(default_factory=list)
    keras_classes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_architecture(config: Plain) -> Architecture:
    """The stack that Keras's model record describes. Raises `UserError` with the layer's number and name."""
    try:
        class_name, inner = object_of(_with_settings(config))
    except RefusedError as error:
        raise UserError(f"The model {error.message}", error.hint) from None
    if class_name != "Sequential":
        raise UserError(f"The model is a {shown(class_name)}, not a plain stack of layers (Sequential).", supported())
    records = inner.get("layers")
    if not isinstance(records, list) or not records:
        raise UserError("The model has no layers.", _TAMPERED)
    count = sum(1 for record in records if not isinstance(record, dict) or record.get("class_name") != "InputLayer")
    if max(count, len(records) - 1) > MAX_LAYERS:
        raise UserError(f"The model has {count:,} layers; at most {MAX_LAYERS} can be opened.", "")
    shape: Shape | None = None
    transcript = Architecture(())
    for number, record in enumerate(records, start=1):
        name = _name_in(record)
        try:
            stated = _add_layer(record, name, transcript, first=number == 1)
        except RefusedError as error:
            raise UserError(f"Layer {number}, {shown(name)}, {error.message}", error.hint) from None
        shape = shape or stated
    shape = shape or _shape(inner.get("build_input_shape")) or _built_shape(config)
    if shape is None:
        raise UserError("The file does not say what shape the network's rows have.", "Build the model before saving.")
    transcript.input_shape = shape
    return transcript


def checked_shapes(layers: Sequence[AnyLayer], input_shape: Shape) -> tuple[LayerShape, ...]:
    """The shapes of a stack whose size is sane. Raises `UserError` before anything is built or read."""
    _check_row(input_shape, "The input")
    rows = infer_shapes(layers, input_shape)
    for number, row in enumerate(rows, start=1):
        if row.error:
            raise UserError(f"Layer {number} cannot follow: {row.error}", _TAMPERED)
        _check_row(row.output_shape or (), f"Layer {number}, {row.layer.id},")
    needed = 4 * sum(row.count for row in rows)
    if needed > MAX_FILE:
        raise UserError(
            f"The network needs {needed / 2**20:,.0f} MB of weights; at most {MAX_FILE // 2**20} MB can be opened.", ""
        )
    return rows


def _check_row(shape: Shape, what: str) -> None:
    if prod(shape) > MAX_ROW:
        raise UserError(f"{what} has rows of {times(shape)} numbers; at most {MAX_ROW:,} can be opened.", "")


def _with_settings(config: Plain) -> Plain:
    """Keras 1 kept the layers of a Sequential as a bare list."""
    inner = config.get("config")
    return config | {"config": {"layers": inner}} if isinstance(inner, list) else config


def _name_in(record: Any) -> str:
    config = record.get("config") if isinstance(record, dict) else None
    name = config.get("name") if isinstance(config, dict) else None
    return name if isinstance(name, str) else "without a name"


def _add_layer(record: Any, name: str, transcript: Architecture, *, first: bool) -> Shape | None:
    """Add what `record` describes to the transcript; the row's shape where the record states it."""
    class_name, config = object_of(record)
    stated = _shape(config.get("batch_shape", config.get("batch_input_shape"))) if first else None
    if class_name == "InputLayer":
        if not first:
            raise RefusedError("is an input inside the stack.", _TAMPERED)
        if stated is None:
            raise RefusedError("leaves the size of its rows open.", "Give the input a fixed shape before saving.")
        if config.get("sparse"):
            raise RefusedError("expects sparse rows.", supported())
        return stated
    curve = config.get("activation")
    if isinstance(curve, dict) and str(curve.get("class_name")) in _CURVES:
        _add_with_curve(class_name, config, curve, name, transcript)
    else:
        _append(_layer_of(class_name, config, name, transcript), class_name, name, transcript)
    return stated


def _add_with_curve(class_name: str, config: Plain, curve: Plain, name: str, transcript: Architecture) -> None:
    """A layer whose activation is a layer object: the same network is two layers, one after the other."""
    if config.get("activity_regularizer") is not None:
        raise RefusedError("has both a layer as activation and an activity regularizer.", supported())
    _append(_layer_of(class_name, config | {"activation": None}, name, transcript), class_name, name, transcript)
    curve_class, settings = object_of(curve)
    after = _layer_of(curve_class, settings, f"{transcript.layers[-1].id}_activation", transcript)
    _append(after, "", after.id, transcript)
    transcript.notes.append(f"The activation of {transcript.layers[-2].id} is a layer of its own here, {after.id}.")


def _layer_of(class_name: str, config: Plain, name: str, transcript: Architecture) -> AnyLayer:
    kind, given = layer_class(class_name)
    if class_name in ("ReLU", "Softmax"):
        return _activation_layer(class_name, config, _free_id(name, transcript))
    if kind is None or kind is LAYER_KINDS["input"]:
        why = ", which may run code of its own" if class_name in _CODE else ""
        raise RefusedError(f"is a {shown(class_name)}{why}.", supported())
    identifier = _free_id(name, transcript)
    return read_option(kind, class_name, config, transcript.notes, id=identifier, **given)  # type: ignore[return-value]


def _activation_layer(class_name: str, config: Plain, identifier: str) -> AnyLayer:
    """Keras's ReLU and Softmax layers as the program's activation layers."""
    if class_name == "Softmax":
        if config.get("axis", -1) not in (-1, [-1]):
            raise RefusedError(
                f"is a Softmax over axis {shown(str(config['axis']))}.", "Only the last axis is supported."
            )
        return Activation(id=identifier, activation="softmax")
    ceiling, slope, threshold = (config.get(key) for key in ("max_value", "negative_slope", "threshold"))
    match ceiling, slope or 0, threshold or 0:
        case None, 0, 0:
            return Activation(id=identifier, activation="relu")
        case 6, 0, 0:
            return Activation(id=identifier, activation="relu6")
        case None, float(value), 0 if 0 <= value < float("inf"):
            return LeakyReLU(id=identifier, negative_slope=value)
    raise RefusedError("is a ReLU with a ceiling or threshold of its own.", supported())


def _append(layer: Layer, class_name: str, name: str, transcript: Architecture) -> None:
    if layer.id != name:
        transcript.notes.append(f"The layer {shown(name)} is called {layer.id} here.")
    transcript.layers.append(layer)  # type: ignore[arg-type]
    transcript.keras_classes.append(class_name)


def _free_id(name: str, transcript: Architecture) -> str:
    """`name` as an id: letters, digits, _ and - only, not longer than 64, used by no other layer."""
    safe = re.sub(r"[^A-Za-z0-9_\-]+", "_", name[:200]).strip("_")
    safe = (safe if safe[:1].isalpha() else f"layer_{safe}".rstrip("_"))[:60]
    taken = {layer.id for layer in transcript.layers}
    wanted, number = safe, 2
    while wanted in taken:
        wanted, number = f"{safe[:56]}_{number}", number + 1
    return wanted


def _shape(value: Any) -> Shape | None:
    """(28, 28) of [null, 28, 28]; None when it is not a list of whole positive sizes after the batch axis."""
    if not isinstance(value, list) or not 2 <= len(value) <= 5:
        return None
    sizes = value[1:]
    if not all(isinstance(size, int) and not isinstance(size, bool) and size >= 1 for size in sizes):
        return None
    return tuple(sizes)


def _built_shape(config: Plain) -> Shape | None:
    built = config.get("build_config")
    return _shape(built.get("input_shape")) if isinstance(built, dict) else None
