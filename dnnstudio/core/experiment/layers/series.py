"""Convolution and pooling layers on series: rows of (steps, channels)."""

from collections.abc import Mapping
from typing import Any, Literal

from dnnstudio.core.experiment.fields import option
from dnnstudio.core.experiment.layers.base import (
    Activation,
    Layer,
    Role,
    Shape,
    ShapeError,
    ShapeRemedy,
    Variable,
    WeightedLayer,
    times,
)
from dnnstudio.core.experiment.layers.convolution import Padding, padded, slid
from dnnstudio.core.experiment.layers.dense import (
    bias_initializer,
    constraint,
    kernel_initializer,
    regularizer,
    use_bias,
    weights_caption,
)
from dnnstudio.core.experiment.weights import AnyConstraint, AnyInitializer, AnyRegularizer
from dnnstudio.core.text import count_of


def series_of(layer: Layer, shape: Shape) -> tuple[int, int]:
    """Steps and channels of a series. Raises `ShapeError` for any other shape."""
    if len(shape) != 2:
        raise ShapeError(
            f"{layer.id} needs a series of steps × channels, but gets {times(shape)}; put a Reshape before it."
        )
    return shape[0], shape[1]


def _single(config: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Keras's settings with 3 for the [3] that it writes of a single number."""
    plain = dict(config)
    for name in names:
        if isinstance(value := plain.get(name), list) and len(value) == 1:
            plain[name] = value[0]
    return plain


class Conv1D(WeightedLayer):
    kind: Literal["conv1d"] = "conv1d"
    label = "Convolution 1D"
    keras_class = "Conv1D"
    icon = "wave-sine"
    group = "Series"
    role = Role.KERNEL
    wants_images = False
    wants_series = True
    elementwise = False
    passes_zero = False
    compiled = False
    help = "Slides small filters along a series; the same weights look at every step."
    filters: int = option(title="Filters", help="How many patterns are looked for.", initial=32, ge=1, le=100_000)
    kernel_size: int = option(title="Kernel size", help="How many steps a filter sees.", initial=3, ge=1, le=100_000)
    strides: int = option(
        1, title="Strides", help="How far the filter moves at a time.", ge=1, le=100_000, advanced=True
    )
    padding: Literal["valid", "same", "causal"] = option(
        "valid",
        title="Padding",
        help="same keeps the length, valid cuts the ends, causal keeps it and lets no step see a later one.",
    )
    dilation_rate: int = option(
        1, title="Dilation", help="How far apart the steps are that a filter sees.", ge=1, le=100_000, advanced=True
    )
    activation: Activation | None = option(None, title="Activation", help="The curve applied to each number.")
    use_bias: bool = use_bias()
    kernel_initializer: AnyInitializer = kernel_initializer()
    bias_initializer: AnyInitializer = bias_initializer()
    kernel_regularizer: AnyRegularizer | None = regularizer("kernel", advanced=False)
    bias_regularizer: AnyRegularizer | None = regularizer("bias")
    activity_regularizer: AnyRegularizer | None = regularizer("activity")
    kernel_constraint: AnyConstraint | None = constraint("kernel", advanced=False)
    bias_constraint: AnyConstraint | None = constraint("bias")

    @classmethod
    def from_keras(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        return _single(config, "kernel_size", "strides", "dilation_rate")

    def output_shape(self, shape: Shape) -> Shape:
        steps, _ = series_of(self, shape)
        if self.strides > 1 and self.dilation_rate > 1:
            raise ShapeError(f"{self.id}: either the strides or the dilation is 1; Keras does not combine them.")
        reach = (self.kernel_size - 1) * self.dilation_rate + 1
        way: Padding = "valid" if self.padding == "valid" else "same"  # a causal one adds the same, all before
        return slid(self, steps, reach, self.strides, way, "steps"), self.filters

    def variables(self, shape: Shape) -> tuple[Variable, ...]:
        size = (self.kernel_size, series_of(self, shape)[1], self.filters)
        kernel = Variable("kernel", size, self.trainable, "filters")
        bias = Variable("bias", (self.filters,), self.trainable, "one number a filter")
        return (kernel, bias) if self.use_bias else (kernel,)

    def shape_remedy(self, shape: Shape) -> ShapeRemedy | None:
        if self.strides > 1 and self.dilation_rate > 1:
            return ShapeRemedy("Set the dilation to 1", {"dilation_rate": 1})
        return padded(self, shape, "Pad the series")

    def caption(self, shape: Shape | None = None) -> str:
        apart = f" · dilation {self.dilation_rate}" if self.dilation_rate > 1 else ""
        return f"{count_of(self.kernel_size, 'step')}{apart} · {weights_caption(self)}"


class Pooling1D(Layer):
    """A sliding window that reduces each channel of a series to one number."""

    icon = "arrows-in"
    group = "Series"
    role = Role.POOLING
    wants_images = False
    wants_series = True
    elementwise = False
    passes_zero = False
    compiled = False
    pool_size: int = option(2, title="Pool size", help="How many steps the window spans.", ge=1, le=100_000)
    strides: int | None = option(
        None,
        title="Strides",
        help="How far the window moves; left out, its own size.",
        initial=2,
        ge=1,
        le=100_000,
        advanced=True,
    )
    padding: Padding = option("valid", title="Padding", help="same keeps the end, valid cuts it.", advanced=True)

    @classmethod
    def from_keras(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        return _single(config, "pool_size", "strides")

    def output_shape(self, shape: Shape) -> Shape:
        steps, channels = series_of(self, shape)
        return slid(self, steps, self.pool_size, self.strides or self.pool_size, self.padding, "steps"), channels

    def shape_remedy(self, shape: Shape) -> ShapeRemedy | None:
        return padded(self, shape, "Pad the series")

    def caption(self, shape: Shape | None = None) -> str:
        return count_of(self.pool_size, "step")


class MaxPooling1D(Pooling1D):
    kind: Literal["max_pooling1d"] = "max_pooling1d"
    label = "Max pooling 1D"
    keras_class = "MaxPooling1D"
    help = "Keeps the largest number of each window."


class AveragePooling1D(Pooling1D):
    kind: Literal["average_pooling1d"] = "average_pooling1d"
    label = "Average pooling 1D"
    keras_class = "AveragePooling1D"
    help = "Keeps the average of each window."


class GlobalPooling1D(Layer):
    """Reduces each channel of the whole series to one number."""

    icon = "arrows-in"
    group = "Series"
    role = Role.POOLING
    wants_images = False
    wants_series = True
    elementwise = False
    passes_zero = False
    compiled = False
    keepdims: bool = option(False, title="Keep axes", help="Keep the steps as one.", advanced=True)

    def output_shape(self, shape: Shape) -> Shape:
        channels = series_of(self, shape)[1]
        return (1, channels) if self.keepdims else (channels,)


class GlobalAveragePooling1D(GlobalPooling1D):
    kind: Literal["global_average_pooling1d"] = "global_average_pooling1d"
    label = "Global average pooling 1D"
    keras_class = "GlobalAveragePooling1D"
    help = "Averages each channel over the whole series."


class GlobalMaxPooling1D(GlobalPooling1D):
    kind: Literal["global_max_pooling1d"] = "global_max_pooling1d"
    label = "Global max pooling 1D"
    keras_class = "GlobalMaxPooling1D"
    help = "Keeps the largest number of each channel over the whole series."
