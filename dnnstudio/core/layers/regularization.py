"""Layers that disturb or penalize while training, so that the network does not learn by heart."""

from typing import Any, ClassVar, Literal

from dnnstudio.core.layers.base import Layer, Shape
from dnnstudio.core.options import option


def _rate() -> Any:
    return option(title="Rate", help="The share of units switched off at each step.", initial=0.2, ge=0, lt=1)


class RandomLayer(Layer):
    """A layer that draws random numbers while training."""

    icon = "circle-dashed"
    group = "Regularization"
    seed: int | None = option(
        None,
        title="Seed",
        initial=42,
        help="Fixes this layer's draws apart from the experiment's seed.",
        ge=0,
        advanced=True,
    )


class DropoutLayer(RandomLayer):
    """A random layer that Monte Carlo sampling keeps switched on."""

    monte_carlo_class: ClassVar[str] = ""
    monte_carlo: bool = option(
        False,
        title="Monte Carlo",
        help="Keeps dropping units when predicting too, so that every prediction is one of many opinions.",
    )

    def keras_name(self) -> str:
        return self.monte_carlo_class if self.monte_carlo else self.keras_class


class Dropout(DropoutLayer):
    kind: Literal["dropout"] = "dropout"
    label = "Dropout"
    keras_class = "Dropout"
    monte_carlo_class = "MCDropout"
    help = "Switches off a random share of the units at each training step (Srivastava et al., 2014)."
    rate: float = _rate()

    def caption(self, shape: Shape | None = None) -> str:
        return f"rate {self.rate:g}"


class AlphaDropout(DropoutLayer):
    kind: Literal["alpha_dropout"] = "alpha_dropout"
    label = "Alpha dropout"
    keras_class = "AlphaDropout"
    monte_carlo_class = "MCAlphaDropout"
    help = "Dropout that keeps mean and variance, so that SELU goes on normalizing itself (Klambauer et al., 2017)."
    rate: float = _rate()

    def caption(self, shape: Shape | None = None) -> str:
        return f"rate {self.rate:g}"


class GaussianDropout(DropoutLayer):
    kind: Literal["gaussian_dropout"] = "gaussian_dropout"
    label = "Gaussian dropout"
    keras_class = "GaussianDropout"
    monte_carlo_class = "MCGaussianDropout"
    help = "Multiplies by noise around 1 of standard deviation √(rate / (1 − rate)) at each training step."
    rate: float = _rate()

    def caption(self, shape: Shape | None = None) -> str:
        return f"rate {self.rate:g}"


class GaussianNoise(RandomLayer):
    kind: Literal["gaussian_noise"] = "gaussian_noise"
    label = "Gaussian noise"
    keras_class = "GaussianNoise"
    icon = "wave-sine"
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
    help = "Puts a price on large outputs; passes them on unchanged."
    l1: float = option(0.0, title="L1", help="Price of Σ|output|.", ge=0)
    l2: float = option(0.0, title="L2", help="Price of Σoutput².", ge=0)

    def caption(self, shape: Shape | None = None) -> str:
        return f"L1 {self.l1:g} · L2 {self.l2:g}"
