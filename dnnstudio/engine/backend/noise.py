"""The noise of each random layer during training: mask shape, distribution and formula in one table.

The sampler and the compiled steps draw random numbers with generators of their own, and take shape, distribution and
formula from here. Layers are looked up by exact class: a subclass of `keras.layers.Dropout` may share its mask along
some axes, as `SpatialDropout1D` does, and must never be treated as plain dropout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import NoiseForm, RandomLayer, Shape
from dnnstudio.engine.backend.layer_types import kind_of_layer
from dnnstudio.engine.backend.runtime import keras, tf

DROPPED_OF = 65536
"""Dropout decides by 16-bit numbers: the rate is exact to 1 in 131,072."""
SELU_FLOOR = -1.0507009873554805 * 1.6732632423543772
"""SELU's lower limit, −scale · alpha: the value of units dropped by alpha dropout (Klambauer et al., 2017)."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of one Keras class.

    `apply(layer, x, numbers)` is the layer's output during training. `numbers` broadcast from `mask_shape`: standard
    normal if `normal`, else True for the units that are kept.
    """

    form: NoiseForm
    normal: bool
    apply: Callable[[Any, Any, Any], Any]
    is_dropout: bool
    """Whether it stays active during Monte Carlo sampling."""
    shared_axes: tuple[int, ...] = ()
    """The axes of a row along which one number is shared."""

    def mask_shape(self, shape: Shape) -> Shape:
        """The shape of the random numbers for one row of `shape`."""
        return tuple(1 if axis in self.shared_axes else size for axis, size in enumerate(shape))


def noise_of(layer: keras.layers.Layer) -> Noise | None:
    """The noise of a Keras layer; None if it draws no random numbers.

    Raises `UserError` for a random layer that is not in the table.
    """
    kind = kind_of_layer(layer)
    if kind is not None:
        return _noise_of_kind(kind) if issubclass(kind, RandomLayer) else None
    if draws(layer):
        raise UserError(
            f"{layer.name} is a {type(layer).__name__}, and how that draws its random numbers is not known here.",
            "Use one of the program's own random layers in its place.",
        )
    return None


def draws(layer: keras.layers.Layer) -> bool:
    """Whether a Keras layer has a random generator, as every random Keras layer has."""
    return any(isinstance(held, keras.random.SeedGenerator) for held in vars(layer).values())


def is_on(layer: keras.layers.Layer) -> bool:
    """Whether a random layer's rate or standard deviation is above zero."""
    return bool((layer.stddev if hasattr(layer, "stddev") else layer.rate) > 0)


def first_kept(layer: keras.layers.Layer) -> int:
    """The lowest 16-bit number (of `DROPPED_OF`) for which a unit is kept; units with a lower one are dropped."""
    least: int = round(layer.rate * DROPPED_OF)
    return least


def gain(layer: keras.layers.Layer) -> float:
    """1 / (1 − rate), the factor that keeps the mean under plain dropout."""
    return float(1 / (1 - layer.rate))


def _drop(layer: Any, x: Any, kept: Any) -> Any:
    """Dropout (Srivastava et al., 2014), scaled during training."""
    return tf.where(kept, x * gain(layer), 0.0)


def _drop_to_floor(layer: Any, x: Any, kept: Any) -> Any:
    """Alpha dropout (Klambauer et al., 2017) with Keras's constants, which keeps mean and variance."""
    scale = float(((1 - layer.rate) * (1 + layer.rate * SELU_FLOOR**2)) ** -0.5)
    return tf.where(kept, x, SELU_FLOOR) * scale - scale * SELU_FLOOR * layer.rate


def _multiply(layer: Any, x: Any, normal: Any) -> Any:
    return x * (1 + normal * sqrt(layer.rate / (1 - layer.rate)))


def _add(layer: Any, x: Any, normal: Any) -> Any:
    return x + normal * layer.stddev


_FORMULAS: dict[NoiseForm, tuple[bool, Callable[[Any, Any, Any], Any]]] = {
    NoiseForm.DROPOUT: (False, _drop),
    NoiseForm.ALPHA_DROPOUT: (False, _drop_to_floor),
    NoiseForm.GAUSSIAN_DROPOUT: (True, _multiply),
    NoiseForm.GAUSSIAN_NOISE: (True, _add),
}
"""Form → whether it uses normal numbers, and its formula."""


@cache
def _noise_of_kind(kind: type[RandomLayer]) -> Noise:
    normal, apply = _FORMULAS[kind.noise]
    return Noise(kind.noise, normal, apply, kind.is_dropout, kind.shared_axes)


def random_layers(model: keras.Sequential) -> dict[keras.layers.Layer, Noise]:
    """The model's dropout layers with a rate above zero, Monte Carlo kinds included, with their noise.

    Raises `UserError` for a random layer that is not in the table.
    """
    found: dict[keras.layers.Layer, Noise] = {}
    for layer in model.layers:
        noise = noise_of(layer)
        if noise is None or not noise.is_dropout or not is_on(layer):
            continue
        if getattr(layer, "noise_shape", None) is not None:
            raise UserError(
                f"{layer.name} shares its mask along an axis of its own choice, which cannot be sampled.",
                "Use a dropout layer without a noise shape.",
            )
        found[layer] = noise
    return found
