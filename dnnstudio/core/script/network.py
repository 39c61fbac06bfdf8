"""The stack as a `keras.Sequential`, and what Keras has not got as classes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from dnnstudio.core.experiment import Experiment
from dnnstudio.core.layers import Layer, Normalization, Shape, WeightedLayer
from dnnstudio.core.script.borrowed import source_of
from dnnstudio.core.script.code import call, given_arguments, literal

OWN_LAYERS = "engine/layers.py"
PREAMBLE = 'ops = keras.ops\nPACKAGE = "dnnstudio"'
ADAPTING = """for place, layer in enumerate(model.layers):
    if isinstance(layer, keras.layers.Normalization):  # measured on the training rows, as they arrive there
        below = keras.Sequential([keras.Input(X_train.shape[1:]), *model.layers[:place]])
        layer.adapt(below.predict(X_train, verbose=0) if place else X_train)"""


def class_lines(experiment: Experiment) -> str:
    """The classes of layers that Keras has not got, registered as the program's are; empty where none is needed."""
    names = sorted({_class(layer) for layer in _stacked(experiment)} & _own_classes())
    if not names:
        return ""
    return "\n\n\n".join([PREAMBLE, *(source_of(OWN_LAYERS, name) for name in names)])


def network_lines(experiment: Experiment, input_shape: Shape, shared: Mapping[str, str] | None = None) -> str:
    """Code that makes `model`. `shared` says which layers are the source's own: id here → id there."""
    parts = [f"keras.Input({literal(input_shape)})"]
    for layer in _stacked(experiment):
        origin = (shared or {}).get(layer.id)
        parts.append(_layer_code(layer) if origin is None else f"source.get_layer({literal(origin)})")
    inner = "".join(f"        {part},\n" for part in parts)
    lines = [f'model = keras.Sequential(\n    [\n{inner}    ],\n    name="network",\n)']
    frozen = [layer.id for layer in _stacked(experiment) if isinstance(layer, WeightedLayer) and not layer.trainable]
    lines += [f"model.get_layer({literal(name)}).trainable = False" for name in frozen]
    if any(isinstance(layer, Normalization) for layer in _stacked(experiment)):
        lines.append(ADAPTING)
    return "\n".join([*lines, "model.summary()"])


def stacked_ids(experiment: Experiment) -> list[str]:
    """The ids of the layers that are in the model."""
    return [layer.id for layer in _stacked(experiment)]


def _stacked(experiment: Experiment) -> list[Layer]:
    return [layer for layer in experiment.active_layers if layer.kind != "input"]


def _class(layer: Layer) -> str:
    """Keras's own class wherever it does: its Normalization is adapted once and its variables are then left alone."""
    return layer.keras_class if isinstance(layer, Normalization) else layer.keras_name()


def _layer_code(layer: Layer) -> str:
    name = _class(layer)
    prefix = "" if name in _own_classes() else "keras.layers."
    return call(prefix + name, given_arguments(layer) | {"name": literal(layer.id)}, depth=2)


@cache
def _own_classes() -> frozenset[str]:
    text = (Path(__file__).resolve().parents[2] / OWN_LAYERS).read_text(encoding="utf-8")
    return frozenset(line.split("(")[0][6:] for line in text.splitlines() if line.startswith("class "))
