"""Normalization layers: BatchNormalization and the like bring their inputs to a common scale."""

from functools import lru_cache
from typing import Any, Literal

from dnnstudio.core.experiment.fields import option
from dnnstudio.core.experiment.layers.base import (
    Layer,
    Role,
    Shape,
    ShapeRemedy,
    Variable,
    WeightedLayer,
    axis_caption,
    axis_positions,
)
from dnnstudio.core.experiment.layers.dense import constraint, regularizer
from dnnstudio.core.experiment.weights import AnyConstraint, AnyInitializer, AnyRegularizer, Ones, Zeros

_LAST_AXIS = ShapeRemedy("Use the last axis", {"axis": -1})


@lru_cache(maxsize=256)  # a deep stack has hundreds of equal layers, and one edit may query all of them
def _arrays(size: Shape, trainable: bool, scale: bool, center: bool) -> tuple[Variable, ...]:
    """The variables of a batch normalization of that size."""
    learnt = [
        Variable("gamma", size, trainable, "learnt scale") if scale else None,
        Variable("beta", size, trainable, "learnt offset") if center else None,
    ]
    averages = [
        Variable("moving_mean", size, False, "average of the batches' means, used when predicting"),
        Variable("moving_variance", size, False, "average of the batches' variances, used when predicting"),
    ]
    return tuple(variable for variable in (*learnt, *averages) if variable is not None)


class BatchNormalization(WeightedLayer):
    kind: Literal["batch_normalization"] = "batch_normalization"
    label = "Batch normalization"
    keras_class = "BatchNormalization"
    extension = "AxesBatchNormalization"
    icon = "sliders-horizontal"
    group = "Normalization"
    short_name = "bn"
    averages_over = "batch"
    role = Role.NORMALIZATION
    wants_images = False
    elementwise = False
    passes_zero = False
    compiled = True
    help = (
        "Centres and scales each input over the batch, then learns the best scale and offset (Ioffe and Szegedy, 2015)."
    )
    axis: int | tuple[int, ...] = option(
        -1,
        title="Axis",
        help="The axis that keeps its own mean and variance; −1 is the last, the columns or channels. Several, such as "
        "1, 2 for one mean a pixel, need this program (or Keras 2) to open the saved model.",
    )
    momentum: float = option(
        0.99,
        title="Momentum",
        help="How slowly the moving averages follow: nearer 1 for small batches.",
        ge=0,
        lt=1,
    )
    epsilon: float = option(
        0.001,
        title="Epsilon",
        help="Added to the variance so that nothing is divided by zero.",
        gt=0,
        advanced=True,
    )
    center: bool = option(True, title="Offset (beta)", help="Learn an offset after scaling.", advanced=True)
    scale: bool = option(True, title="Scale (gamma)", help="Learn a scale.", advanced=True)
    beta_initializer: AnyInitializer = option(
        Zeros(), title="Beta initializer", help="What the offsets start from.", advanced=True
    )
    gamma_initializer: AnyInitializer = option(
        Ones(), title="Gamma initializer", help="What the scales start from.", advanced=True
    )
    moving_mean_initializer: AnyInitializer = option(
        Zeros(), title="Moving mean initializer", help="What the moving means start from.", advanced=True
    )
    moving_variance_initializer: AnyInitializer = option(
        Ones(),
        title="Moving variance initializer",
        help="What the moving variances start from.",
        advanced=True,
    )
    beta_regularizer: AnyRegularizer | None = regularizer("beta")
    gamma_regularizer: AnyRegularizer | None = regularizer("gamma")
    beta_constraint: AnyConstraint | None = constraint("beta")
    gamma_constraint: AnyConstraint | None = constraint("gamma")

    def keras_arguments(self) -> dict[str, Any]:
        axis = self.axis[0] if isinstance(self.axis, tuple) and len(self.axis) == 1 else self.axis
        return super().keras_arguments() | {"axis": axis}

    def saved_class(self) -> str:
        return self.extension if isinstance(self.axis, tuple) and len(self.axis) > 1 else self.keras_class

    def variables(self, shape: Shape) -> tuple[Variable, ...]:
        return _arrays(self._size(shape), self.trainable, self.scale, self.center)

    def _size(self, shape: Shape) -> Shape:
        """The length of a single axis. For several axes, as in Keras 2, the input's shape with 1 in all others."""
        places = axis_positions(self.id, self.axis, shape)
        if len(places) == 1:
            return (shape[places[0]],)
        return (1, *(n if place in places else 1 for place, n in enumerate(shape)))

    def output_shape(self, shape: Shape) -> Shape:
        axis_positions(self.id, self.axis, shape)
        return shape

    def shape_remedy(self, shape: Shape) -> ShapeRemedy | None:
        return _LAST_AXIS

    def caption(self, shape: Shape | None = None) -> str:
        return f"momentum {self.momentum:g}" + (f" · {axis_caption(self.axis)}" if self.axis != -1 else "")


class Normalization(Layer):
    kind: Literal["normalization"] = "normalization"
    label = "Normalization"
    keras_class = "Normalization"
    stand_in = "AdaptedNormalization"
    icon = "ruler"
    group = "Normalization"
    averages_over = "training rows"
    role = Role.NORMALIZATION
    wants_images = False
    elementwise = False
    passes_zero = False
    compiled = True
    help = (
        "Standardizes its input: takes the mean away and divides by the spread, both measured on the training rows "
        "before training."
    )
    axis: int | tuple[int, ...] | None = option(
        -1,
        title="Axis",
        help="What keeps a mean and variance of its own: −1 is the last axis, the columns or channels; 1, 2 is every "
        "pixel of an image; off is one mean for everything.",
    )
    invert: bool = option(
        False, title="Invert", help="Go back from standardized numbers to the original ones.", advanced=True
    )

    def variables(self, shape: Shape) -> tuple[Variable, ...]:
        size = tuple(shape[place] for place in self._places(shape))
        return (
            Variable("mean", size, False, "mean of the training rows"),
            Variable("variance", size, False, "variance of the training rows"),
            Variable("count", (), False, "how many training rows were measured"),
        )

    def keras_arguments(self) -> dict[str, Any]:
        axis = self.axis[0] if isinstance(self.axis, tuple) and len(self.axis) == 1 else self.axis
        return super().keras_arguments() | {"axis": axis}

    def output_shape(self, shape: Shape) -> Shape:
        self._places(shape)
        return shape

    def shape_remedy(self, shape: Shape) -> ShapeRemedy | None:
        return _LAST_AXIS

    def caption(self, shape: Shape | None = None) -> str:
        words = "one mean for all" if self.axis is None else axis_caption(self.axis) if self.axis != -1 else ""
        return " · ".join(filter(None, ["measured on the training rows", words, "inverted" if self.invert else ""]))

    def _places(self, shape: Shape) -> tuple[int, ...]:
        return () if self.axis is None else axis_positions(self.id, self.axis, shape)


class Rescaling(Layer):
    kind: Literal["rescaling"] = "rescaling"
    label = "Rescaling"
    keras_class = "Rescaling"
    icon = "arrows-out-line-vertical"
    group = "Normalization"
    role = Role.SCALING
    wants_images = False
    elementwise = False
    passes_zero = False
    compiled = True
    help = "Computes x · scale + offset inside the network."
    scale: float = option(title="Scale", help="Every number is multiplied by this.", initial=1.0)
    offset: float = option(0.0, title="Offset", help="Added after the scaling.")

    def caption(self, shape: Shape | None = None) -> str:
        return f"× {self.scale:g}" + (f" + {self.offset:g}" if self.offset else "")
