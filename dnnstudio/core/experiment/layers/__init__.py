"""The layer kinds. A new one is a class in a module of this package, which is discovered automatically."""

from dnnstudio.core.experiment.layers.activation import ELU, Activation, CurveLayer, LeakyReLU, PReLU
from dnnstudio.core.experiment.layers.base import (
    KERNEL_OPTIONS,
    MAX_NETWORK_LAYERS,
    Layer,
    Role,
    Shape,
    ShapeError,
    ShapeRemedy,
    Variable,
    WeightedLayer,
    activation_label,
    axis_positions,
    times,
)
from dnnstudio.core.experiment.layers.convolution import (
    AveragePooling2D,
    Conv2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    MaxPooling2D,
)
from dnnstudio.core.experiment.layers.dense import Dense, Flatten, Input, Reshape
from dnnstudio.core.experiment.layers.normalization import BatchNormalization, Normalization, Rescaling
from dnnstudio.core.experiment.layers.regularization import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    DropoutLayer,
    GaussianDropout,
    GaussianNoise,
    NoiseForm,
    RandomLayer,
    SpatialDropout2D,
)
from dnnstudio.core.experiment.layers.row_normalization import GroupNormalization, LayerNormalization
from dnnstudio.core.experiment.layers.separable import DepthwiseConv2D, SeparableConv2D
from dnnstudio.core.experiment.layers.series import (
    AveragePooling1D,
    Conv1D,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
)
from dnnstudio.core.experiment.layers.shaping import Identity, Permute, RepeatVector, UpSampling2D, ZeroPadding2D

GROUPS = ("Core", "Normalization", "Activation", "Regularization", "Images", "Series")
"""The headings of the menu in their order; others stand after them."""


def _place(kind: type[Layer]) -> int:
    return GROUPS.index(kind.group) if kind.group in GROUPS else len(GROUPS)


LAYER_KINDS = Layer.kinds.close(__name__, order=_place)
"""Kind in the file → class, in the order of the menu."""

AnyLayer = Layer
"""The type of a field that holds a layer of any kind."""

__all__ = [
    "ELU",
    "GROUPS",
    "KERNEL_OPTIONS",
    "LAYER_KINDS",
    "MAX_NETWORK_LAYERS",
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "AnyLayer",
    "AveragePooling1D",
    "AveragePooling2D",
    "BatchNormalization",
    "Conv1D",
    "Conv2D",
    "CurveLayer",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "DropoutLayer",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GroupNormalization",
    "Identity",
    "Input",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "MaxPooling1D",
    "MaxPooling2D",
    "NoiseForm",
    "Normalization",
    "PReLU",
    "Permute",
    "RandomLayer",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Role",
    "SeparableConv2D",
    "Shape",
    "ShapeError",
    "ShapeRemedy",
    "SpatialDropout2D",
    "UpSampling2D",
    "Variable",
    "WeightedLayer",
    "ZeroPadding2D",
    "activation_label",
    "axis_positions",
    "times",
]
