"""Maps Keras classes to kinds of layers and optimizers, by exact type, as a subclass may behave differently."""

from __future__ import annotations

from functools import cache
from typing import Any

from dnnstudio.core.experiment.layers import LAYER_KINDS, Input, Layer
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS, Optimizer
from dnnstudio.engine.backend.custom_layers import OWN_LAYERS
from dnnstudio.engine.backend.runtime import keras


def keras_class(name: str) -> Any:
    """The layer class of this name: the program's own, else Keras's."""
    return OWN_LAYERS.get(name) or getattr(keras.layers, name)


def kind_of_layer(layer: keras.layers.Layer) -> type[Layer] | None:
    """The kind that a Keras layer was built from; None for any other class, subclasses included."""
    return _layer_types().get(type(layer))


def kind_of_optimizer(optimizer: keras.optimizers.Optimizer) -> type[Optimizer] | None:
    """The kind that a Keras optimizer was built from; None for any other class."""
    return _optimizer_types().get(type(optimizer))


@cache
def _layer_types() -> dict[type, type[Layer]]:
    kinds = [kind for kind in LAYER_KINDS.values() if kind is not Input]
    return {keras_class(name): kind for kind in kinds for name in kind.class_names()}


@cache
def _optimizer_types() -> dict[type, type[Optimizer]]:
    return {getattr(keras.optimizers, kind.keras_class): kind for kind in OPTIMIZER_KINDS.values()}
