"""Transcribes Keras's model config into the program's own layers. Only a plain chain is accepted, all else is named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import (
    LAYER_KINDS,
    Activation,
    AnyLayer,
    DropoutLayer,
    LeakyReLU,
    Role,
    Shape,
    times,
)
from dnnstudio.core.experiment.shapes import LayerShape, infer_shapes
from dnnstudio.core.text import byte_size, count_of
from dnnstudio.engine.model_files.chains import Link, links_of
from dnnstudio.engine.model_files.contents import MAX_FILE, MAX_LAYERS, MAX_ROW, shown
from dnnstudio.engine.model_files.layout import Place
from dnnstudio.engine.model_files.older.keras_1 import modernized
from dnnstudio.engine.model_files.settings import (
    Plain,
    RefusedError,
    layer_class,
    object_of,
    read_option,
    supported,
)

_TAMPERED = "The file is damaged or was tampered with."
_CURVES = {"ReLU", "Softmax"} | {
    kind.keras_class for kind in LAYER_KINDS.values() if kind.role is Role.ACTIVATION and not kind.has_weights
}
"""Keras classes that may be used as a layer or as another layer's activation."""
_CODE = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}


@dataclass(slots=True)
class Architecture:
    """A transcribed stack, and where the file has the arrays of each of `layers`."""

    input_shape: Shape
    layers: list[AnyLayer] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_architecture(config: Plain, *, of_keras_1: bool = False) -> Architecture:
    """The stack described by Keras's model config, in the words of Keras 1 or later ones.

    Raises `UserError` with the layer's number and name.
    """
    links = links_of(config)
    count = sum(1 for link in links if not _is_input(link.record))
    if count > MAX_LAYERS:
        raise UserError(f"The model has {count_of(count, 'layer')}; at most {MAX_LAYERS} can be opened.", "")
    shape: Shape | None = None
    transcript = Architecture(())
    for number, link in enumerate(links, start=1):
        try:
            record = modernized(link.record) if of_keras_1 else link.record
            stated = _add_layer(replace(link, record=record), transcript, first=number == 1)
        except RefusedError as error:
            raise UserError(f"Layer {number}, {shown(link.name)}, {error.message}", error.hint) from None
        shape = shape or stated
    inner = config.get("config")
    shape = shape or _shape(inner.get("build_input_shape") if isinstance(inner, dict) else None) or _built_shape(config)
    if shape is None:
        raise UserError("The file does not say what shape the network's rows have.", "Build the model before saving.")
    transcript.input_shape = shape
    return transcript


def checked_shapes(layers: Sequence[AnyLayer], input_shape: Shape) -> tuple[LayerShape, ...]:
    """The shapes of a stack of acceptable size. Raises `UserError` before anything is built or read."""
    _check_row(input_shape, "The input")
    rows = infer_shapes(layers, input_shape)
    for number, row in enumerate(rows, start=1):
        if row.error:
            raise UserError(f"Layer {number} cannot follow: {row.error}", _TAMPERED)
        _check_row(row.output_shape or (), f"Layer {number}, {row.layer.id},")
    needed = 4 * sum(row.count for row in rows)
    if needed > MAX_FILE:
        limit = byte_size(MAX_FILE)
        raise UserError(f"The network needs {byte_size(needed)} of weights; at most {limit} can be opened.", "")
    return rows


def _check_row(shape: Shape, what: str) -> None:
    if prod(shape) > MAX_ROW:
        raise UserError(f"{what} has rows of {times(shape)} numbers; at most {MAX_ROW:,} can be opened.", "")


def _is_input(record: Any) -> bool:
    return isinstance(record, dict) and record.get("class_name") == "InputLayer"


def _add_layer(link: Link, transcript: Architecture, *, first: bool) -> Shape | None:
    """Add the layer of a link to the transcript, and return the row's shape if its record states it."""
    class_name, config = object_of(link.record)
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
        _add_with_curve(class_name, config, curve, link, transcript)
    else:
        layer = _layer_of(class_name, config, link.name, transcript)
        _append(_kept_on(layer, transcript) if link.is_on else layer, link, transcript)
    return stated


def _kept_on(layer: AnyLayer, transcript: Architecture) -> AnyLayer:
    """The layer with its dropout active in predictions, as it was called with `training=True`."""
    if not isinstance(layer, DropoutLayer):
        raise RefusedError("is called with training=True, which only dropout can be here.", supported())
    transcript.notes.append(f"{layer.id} is active in predictions too: it was called with training=True.")
    return layer.replaced(monte_carlo=True)


def _add_with_curve(class_name: str, config: Plain, curve: Plain, link: Link, transcript: Architecture) -> None:
    """A layer whose activation is a layer object becomes two layers, one after the other."""
    if config.get("activity_regularizer") is not None:
        raise RefusedError("has both a layer as activation and an activity regularizer.", supported())
    _append(_layer_of(class_name, config | {"activation": None}, link.name, transcript), link, transcript)
    curve_class, settings = object_of(curve)
    after = _layer_of(curve_class, settings, f"{transcript.layers[-1].id}_activation", transcript)
    _append(after, replace(link, name=after.id, group=""), transcript)
    transcript.notes.append(f"The activation of {transcript.layers[-2].id} is a layer of its own here, {after.id}.")


def _layer_of(class_name: str, config: Plain, name: str, transcript: Architecture) -> AnyLayer:
    kind, given = layer_class(class_name)
    if class_name in ("ReLU", "Softmax"):
        return _activation_layer(class_name, config, _free_id(name, transcript))
    if kind is None or kind is LAYER_KINDS["input"]:
        why = ", which may run code of its own" if class_name in _CODE else ""
        raise RefusedError(f"is a {shown(class_name)}{why}.", supported())
    identifier = _free_id(name, transcript)
    return read_option(kind, class_name, config, transcript.notes, id=identifier, **given)


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


def _append(layer: AnyLayer, link: Link, transcript: Architecture) -> None:
    if layer.id != link.name:
        transcript.notes.append(f"The layer {shown(link.name)} is called {layer.id} here.")
    transcript.layers.append(layer)
    transcript.places.append(Place(link.group, link.owner, link.name, link.is_nested))


def _free_id(name: str, transcript: Architecture) -> str:
    """`name` as an unused id: only letters, digits, _ and -, at most 64 characters."""
    safe = re.sub(r"[^A-Za-z0-9_\-]+", "_", name[:200]).strip("_")
    safe = (safe if safe[:1].isalpha() else f"layer_{safe}".rstrip("_"))[:60]
    taken = {layer.id for layer in transcript.layers}
    wanted, number = safe, 2
    while wanted in taken:
        wanted, number = f"{safe[:56]}_{number}", number + 1
    return wanted


def _shape(value: Any) -> Shape | None:
    """(28, 28) for [null, 28, 28]; None unless it is a list of positive integers after the batch axis."""
    if not isinstance(value, list) or not 2 <= len(value) <= 5:
        return None
    sizes = value[1:]
    if not all(isinstance(size, int) and not isinstance(size, bool) and size >= 1 for size in sizes):
        return None
    return tuple(sizes)


def _built_shape(config: Plain) -> Shape | None:
    built = config.get("build_config")
    return _shape(built.get("input_shape")) if isinstance(built, dict) else None
