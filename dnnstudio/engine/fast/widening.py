"""Dense layers made a few units wider for the time of the steps, so that their rows fill the processor's registers.

A product whose rows are whole registers (16 numbers of 32 bits) takes up to a sixth less time than one that ends in a
part of one: 304 columns are quicker than 300. The units that are added have weights of zero and stay out of everything:
what follows makes nothing of nothing, so that no gradient reaches them and no optimizer moves them. A layer is widened
only where that holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dnnstudio.engine.runtime import keras, tf

REGISTER = 16
MOST_MORE = 1.125
"""A layer is not widened by more: the additional arithmetic would cost what is gained."""

_PRICES = (type(None), keras.regularizers.L1, keras.regularizers.L2, keras.regularizers.L1L2)
_LIMITS = (
    type(None),
    keras.constraints.NonNeg,
    keras.constraints.MaxNorm,
    keras.constraints.MinMaxNorm,
    keras.constraints.UnitNorm,
)
_OPTIMIZERS = ("SGD", "Adagrad", "Adadelta", "RMSprop", "Adam", "AdamW", "Adamax", "Nadam", "Lion")
"""Keras classes that leave a weight of zero with a gradient of zero at zero. Muon mixes the columns of a gradient."""


def wider(layers: Sequence[keras.layers.Layer], optimizer: keras.optimizers.Optimizer) -> dict[int, int]:
    """Place and new number of units of each layer of `layers` that can be widened and gains by it."""
    if type(optimizer).__name__ not in _OPTIMIZERS:
        return {}
    found = {}
    for place, layer in enumerate(layers):
        if type(layer) is not keras.layers.Dense or not _gives_nothing_for_nothing(layer):
            continue
        units = -(-layer.units // REGISTER) * REGISTER
        if layer.units < units <= MOST_MORE * layer.units and _ends_in_dense(layers[place + 1 :]):
            found[place] = units
    return found


def _ends_in_dense(following: Sequence[keras.layers.Layer]) -> bool:
    """Whether nothing comes of units of zero up to the next dense layer, and there is one."""
    for layer in following:
        if type(layer) is keras.layers.Dense:
            return _harmless(layer)
        if not _gives_nothing_for_nothing(layer):
            return False
    return False


def _gives_nothing_for_nothing(layer: keras.layers.Layer) -> bool:
    """Whether a unit that is zero for all rows is zero behind the layer, whatever the others are."""
    if not _harmless(layer):
        return False
    match type(layer).__name__:
        case "Dense" | "Activation":
            ones_shape = (2, REGISTER)
            behind = np.asarray(layer.activation(tf.zeros(ones_shape)))
            return behind.shape == ones_shape and not behind.any()
        case "ReLU":
            return bool(layer.threshold == 0)
        case "BatchNormalization":
            return len(layer.moving_mean.shape) == 1
        case kind:
            return kind in ("LeakyReLU", "PReLU", "ELU", "Dropout", "GaussianDropout")


def _harmless(layer: keras.layers.Layer) -> bool:
    """Whether no price and no limit of the layer takes note of weights and activities of zero."""
    prices = [variable.regularizer for variable in layer.variables] + [layer.activity_regularizer]
    limits = [variable.constraint for variable in layer.variables]
    return all(type(price) in _PRICES for price in prices) and all(type(limit) in _LIMITS for limit in limits)


class Stack:
    """Layers one behind the other, with what a program asks of a network: shapes and rules, no values."""

    def __init__(self, layers: Sequence[keras.layers.Layer], input_shape: tuple[int | None, ...]) -> None:
        """Builds the layers for batches of `input_shape`."""
        self.layers, self.input_shape = list(layers), input_shape
        shape = input_shape
        for layer in layers:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)

    @property
    def trainable_variables(self) -> list[Any]:
        return [variable for layer in self.layers for variable in layer.trainable_variables]

    @property
    def variables(self) -> list[Any]:
        return [variable for layer in self.layers for variable in layer.variables]


def widened(
    model: keras.Sequential, optimizer: keras.optimizers.Optimizer, units: dict[int, int]
) -> tuple[Stack, keras.optimizers.Optimizer]:
    """Such a network with the `units` at their places, and its optimizer."""
    layers = []
    for place, layer in enumerate(model.layers):
        config = layer.get_config()
        # Nothing is drawn: the numbers that come next are those of the person's own seed.
        config |= {name: "zeros" for name in config if name.endswith("_initializer")}
        config |= {"seed": 0} if "seed" in config else {}
        config |= {"units": units[place]} if place in units else {}
        layers.append(type(layer)(**config))
    stack = Stack(layers, model.input_shape)
    other = type(optimizer)(**optimizer.get_config())
    other.build(stack.trainable_variables)
    return stack, other


def filled(values: Sequence[tf.Tensor], like: Sequence[Any]) -> list[tf.Tensor]:
    """`values` filled up with zeros to the shapes of `like`."""
    return [
        value
        if value.shape == other.shape
        else tf.pad(value, [(0, wide - narrow) for narrow, wide in zip(value.shape, other.shape, strict=True)])
        for value, other in zip(values, like, strict=True)
    ]


def cut(values: Sequence[tf.Tensor], like: Sequence[Any]) -> list[tf.Tensor]:
    """The parts of `values` that have the shapes of `like`: what `filled` filled up."""
    return [
        value if value.shape == other.shape else value[tuple(slice(size) for size in other.shape)]
        for value, other in zip(values, like, strict=True)
    ]
