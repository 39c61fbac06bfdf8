"""Regularization layers: random noise or penalties during training, against overfitting."""

from enum import Enum
from typing import Any, ClassVar, Literal

from dnnstudio.core.experiment.fields import option
from dnnstudio.core.experiment.layers.base import Layer, Role, Shape
from dnnstudio.core.experiment.layers.convolution import image_of


def _rate() -> Any:
    return option(title="Rate", help="The share of units switched off at each step.", initial=0.2, ge=0, lt=1)


class NoiseForm(Enum):
    """How a random layer applies the numbers it draws; the formulas are in the engine's noise module."""

    DROPOUT = "dropout"
    """x / (1 − rate) or 0."""
    ALPHA_DROPOUT = "alpha_dropout"
    """x or SELU's lowest value, brought back to the same mean and variance."""
    GAUSSIAN_DROPOUT = "gaussian_dropout"
    """x times a normal number around 1."""
    GAUSSIAN_NOISE = "gaussian_noise"
    """x plus a normal number around 0."""


class RandomLayer(Layer):
    """A layer that draws random numbers during training. A kind also states its `noise`."""

    icon = "circle-dashed"
    group = "Regularization"
    role = Role.NOISE
    elementwise = False
    noise: ClassVar[NoiseForm]
    shared_axes: ClassVar[tuple[int, ...]] = ()
    """The axes of a row along which one drawn number serves all places: (0, 1) where whole channels are dropped."""
    required_traits = (*Layer.required_traits, "noise")
    seed: int | None = option(
        None,
        title="Seed",
        initial=42,
        help="Fixes this layer's draws apart from the experiment's seed.",
        ge=0,
        advanced=True,
    )


class DropoutLayer(RandomLayer):
    """A random layer that stays active during Monte Carlo sampling.

    A kind also states `monte_carlo_class` and `keeps_selu`.
    """

    is_dropout = True
    monte_carlo_class: ClassVar[str]
    """The class that stays on when predicting, which the engine derives from `keras_class`."""
    keeps_selu: ClassVar[bool]
    """Whether mean and variance stay as they are, so that SELU goes on normalizing itself."""
    required_traits = (*RandomLayer.required_traits, "monte_carlo_class", "keeps_selu")
    monte_carlo: bool = option(
        False,
        title="Monte Carlo",
        help="Keeps dropping units when predicting too, so that every prediction is one of many opinions.",
    )

    @classmethod
    def class_names(cls) -> tuple[str, ...]:
        return (*super().class_names(), cls.monte_carlo_class)

    def keras_name(self) -> str:
        return self.monte_carlo_class if self.monte_carlo else self.keras_class


class Dropout(DropoutLayer):
    kind: Literal["dropout"] = "dropout"
    label = "Dropout"
    keras_class = "Dropout"
    monte_carlo_class = "MCDropout"
    short_name = "drop"
    noise = NoiseForm.DROPOUT
    keeps_selu = False
    wants_images = False
    passes_zero = True
    compiled = True
    help = "Switches off a random share of the units at each training step (Srivastava et al., 2014)."
    rate: float = _rate()

    def caption(self, shape: Shape | None = None) -> str:
        return f"rate {self.rate:g}"


class SpatialDropout2D(DropoutLayer):
    kind: Literal["spatial_dropout2d"] = "spatial_dropout2d"
    label = "Spatial dropout 2D"
    keras_class = "SpatialDropout2D"
    monte_carlo_class = "MCSpatialDropout2D"
    noise = NoiseForm.DROPOUT
    shared_axes = (0, 1)
    keeps_selu = False
    wants_images = True
    passes_zero = True
    compiled = True
    help = (
        "Switches whole channels of an image off: neighbouring pixels are so alike that single ones would not be "
        "missed (Tompson et al., 2015)."
    )
    rate: float = option(title="Rate", help="The share of channels switched off at each step.", initial=0.2, ge=0, lt=1)

    def output_shape(self, shape: Shape) -> Shape:
        image_of(self, shape)
        return shape

    def caption(self, shape: Shape | None = None) -> str:
        return f"rate {self.rate:g} · whole channels"


class AlphaDropout(DropoutLayer):
    kind: Literal["alpha_dropout"] = "alpha_dropout"
    label = "Alpha dropout"
    keras_class = "AlphaDropout"
    monte_carlo_class = "MCAlphaDropout"
    noise = NoiseForm.ALPHA_DROPOUT
    keeps_selu = True
    wants_images = False
    passes_zero = False
    compiled = True
    help = "Dropout that keeps mean and variance, so that SELU goes on normalizing itself (Klambauer et al., 2017)."
    rate: float = _rate()

    def caption(self, shape: Shape | None = None) -> str:
        return f"rate {self.rate:g}"


class GaussianDropout(DropoutLayer):
    kind: Literal["gaussian_dropout"] = "gaussian_dropout"
    label = "Gaussian dropout"
    keras_class = "GaussianDropout"
    monte_carlo_class = "MCGaussianDropout"
    noise = NoiseForm.GAUSSIAN_DROPOUT
    keeps_selu = False
    wants_images = False
    passes_zero = True
    compiled = True
    help = "Multiplies by noise around 1 of standard deviation √(rate / (1 − rate)) at each training step."
    rate: float = _rate()

    def caption(self, shape: Shape | None = None) -> str:
        return f"rate {self.rate:g}"


class GaussianNoise(RandomLayer):
    kind: Literal["gaussian_noise"] = "gaussian_noise"
    label = "Gaussian noise"
    keras_class = "GaussianNoise"
    icon = "wave-sine"
    noise = NoiseForm.GAUSSIAN_NOISE
    wants_images = False
    passes_zero = False
    compiled = True
    help = "Adds normal noise at each training step."
    stddev: float = option(title="Standard deviation", help="The strength of the noise.", initial=0.1, ge=0)

    def caption(self, shape: Shape | None = None) -> str:
        return f"standard deviation {self.stddev:g}"


class ActivityRegularization(Layer):
    kind: Literal["activity_regularization"] = "activity_regularization"
    label = "Activity regularization"
    keras_class = "ActivityRegularization"
    icon = "scales"
    group = "Regularization"
    role = Role.PENALTY
    wants_images = False
    elementwise = False
    passes_zero = False
    compiled = True
    help = "Adds a penalty for large outputs to the loss; passes them on unchanged."
    l1: float = option(0.0, title="L1", help="Price of Σ|output|.", ge=0)
    l2: float = option(0.0, title="L2", help="Price of Σoutput².", ge=0)

    def caption(self, shape: Shape | None = None) -> str:
        return f"L1 {self.l1:g} · L2 {self.l2:g}"
