"""The layer kinds. A new kind is a class in one of these modules and a name in `AnyLayer`."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Discriminator

from dnnstudio.core.layers.activation import ELU, Activation, LeakyReLU, PReLU
from dnnstudio.core.layers.base import (
    Layer,
    Shape,
    ShapeError,
    Variable,
    WeightedLayer,
    activation_label,
    axis_positions,
    times,
)
from dnnstudio.core.layers.convolution import AveragePooling2D, Conv2D, GlobalAveragePooling2D, MaxPooling2D
from dnnstudio.core.layers.dense import Dense, Flatten, Input, Reshape
from dnnstudio.core.layers.normalization import BatchNormalization, Normalization, Rescaling
from dnnstudio.core.layers.regularization import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    DropoutLayer,
    GaussianDropout,
    GaussianNoise,
    RandomLayer,
)

AnyLayer = Annotated[
    Input
    | Flatten
    | Reshape
    | Dense
    | BatchNormalization
    | Normalization
    | Rescaling
    | Activation
    | LeakyReLU
    | PReLU
    | ELU
    | Dropout
    | AlphaDropout
    | GaussianDropout
    | GaussianNoise
    | ActivityRegularization
    | Conv2D
    | MaxPooling2D
    | AveragePooling2D
    | GlobalAveragePooling2D,
    Discriminator("kind"),
]

LAYER_KINDS: dict[str, type[Layer]] = {
    kind.model_fields["kind"].default: kind for kind in get_args(get_args(AnyLayer)[0])
}
"""Kind in the file → class, in the order of the menu."""

__all__ = [
    "ELU",
    "LAYER_KINDS",
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "AnyLayer",
    "AveragePooling2D",
    "BatchNormalization",
    "Conv2D",
    "Dense",
    "Dropout",
    "DropoutLayer",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling2D",
    "Input",
    "Layer",
    "LeakyReLU",
    "MaxPooling2D",
    "Normalization",
    "PReLU",
    "RandomLayer",
    "Rescaling",
    "Reshape",
    "Shape",
    "ShapeError",
    "Variable",
    "WeightedLayer",
    "activation_label",
    "axis_positions",
    "times",
]
