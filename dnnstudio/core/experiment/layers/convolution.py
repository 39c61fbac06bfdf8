"""Convolution and pooling layers on images: rows of (height, width, channels)."""

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
from dnnstudio.core.experiment.layers.dense import (
    bias_initializer,
    constraint,
    kernel_initializer,
    regularizer,
    use_bias,
    weights_caption,
)
from dnnstudio.core.experiment.weights import AnyConstraint, AnyInitializer, AnyRegularizer

Pair = tuple[int, int]
Padding = Literal["valid", "same"]


def image_of(layer: Layer, shape: Shape) -> tuple[int, int, int]:
    """Height, width and channels of an image. Raises `ShapeError` for any other shape."""
    if len(shape) != 3:
        raise ShapeError(
            f"{layer.id} needs images of height × width × channels, but gets {times(shape)}; put a Reshape before it."
        )
    return shape[0], shape[1], shape[2]


def slid(layer: Layer, size: int, window: int, stride: int, padding: Padding, unit: str = "pixels") -> int:
    """The number of window positions along `size`, by Keras's rule for "valid" and "same"."""
    places = -(-size // stride) if padding == "same" else (size - window) // stride + 1
    if places < 1:
        raise ShapeError(f"{layer.id}: a window of {window} does not fit into {size} {unit}.")
    return places


def positive(layer: Layer, name: str, pair: Pair) -> None:
    """Raise `ShapeError` unless both numbers are at least 1."""
    if min(pair) < 1:
        raise ShapeError(f"{layer.id}: {name} must be at least 1 in both directions, not {times(pair)}.")


def padded(layer: Any, shape: Shape, title: str = "Pad the image") -> ShapeRemedy | None:
    """The remedy "same" padding, for a window that does not fit into the row, if it helps."""
    if layer.padding != "valid":
        return None
    try:
        layer.model_copy(update={"padding": "same"}).output_shape(shape)
    except ShapeError:
        return None
    return ShapeRemedy(title, {"padding": "same"})


class Conv2D(WeightedLayer):
    kind: Literal["conv2d"] = "conv2d"
    label = "Convolution 2D"
    keras_class = "Conv2D"
    icon = "grid-four"
    group = "Images"
    role = Role.KERNEL
    wants_images = True
    elementwise = False
    passes_zero = False
    compiled = False
    help = "Slides small filters over an image; the same weights look at every place."
    filters: int = option(title="Filters", help="How many patterns are looked for.", initial=32, ge=1, le=100_000)
    kernel_size: Pair = option(title="Kernel size", help="Height and width of a filter.", initial=(3, 3))
    strides: Pair = option((1, 1), title="Strides", help="How far the filter moves at a time.", advanced=True)
    padding: Padding = option("valid", title="Padding", help="same keeps the image's size, valid cuts the border.")
    activation: Activation | None = option(None, title="Activation", help="The curve applied to each number.")
    use_bias: bool = use_bias()
    kernel_initializer: AnyInitializer = kernel_initializer()
    bias_initializer: AnyInitializer = bias_initializer()
    kernel_regularizer: AnyRegularizer | None = regularizer("kernel", advanced=False)
    bias_regularizer: AnyRegularizer | None = regularizer("bias")
    activity_regularizer: AnyRegularizer | None = regularizer("activity")
    kernel_constraint: AnyConstraint | None = constraint("kernel", advanced=False)
    bias_constraint: AnyConstraint | None = constraint("bias")

    def output_shape(self, shape: Shape) -> Shape:
        height, width, _ = image_of(self, shape)
        positive(self, "the kernel", self.kernel_size)
        positive(self, "the strides", self.strides)
        return (
            slid(self, height, self.kernel_size[0], self.strides[0], self.padding),
            slid(self, width, self.kernel_size[1], self.strides[1], self.padding),
            self.filters,
        )

    def variables(self, shape: Shape) -> tuple[Variable, ...]:
        channels = image_of(self, shape)[2]
        kernel = Variable("kernel", (*self.kernel_size, channels, self.filters), self.trainable, "filters")
        bias = Variable("bias", (self.filters,), self.trainable, "one number a filter")
        return (kernel, bias) if self.use_bias else (kernel,)

    def shape_remedy(self, shape: Shape) -> ShapeRemedy | None:
        return padded(self, shape)

    def caption(self, shape: Shape | None = None) -> str:
        return f"{times(self.kernel_size)} · {weights_caption(self)}"


class Pooling(Layer):
    """A sliding window that reduces each channel to one number."""

    icon = "arrows-in"
    group = "Images"
    role = Role.POOLING
    wants_images = True
    elementwise = False
    passes_zero = False
    compiled = False
    pool_size: Pair = option((2, 2), title="Pool size", help="Height and width of the window.")
    strides: Pair | None = option(
        None, title="Strides", help="How far the window moves; left out, its own size.", advanced=True
    )
    padding: Padding = option("valid", title="Padding", help="same keeps the border, valid cuts it.", advanced=True)

    def output_shape(self, shape: Shape) -> Shape:
        height, width, channels = image_of(self, shape)
        strides = self.strides or self.pool_size
        positive(self, "the window", self.pool_size)
        positive(self, "the strides", strides)
        return (
            slid(self, height, self.pool_size[0], strides[0], self.padding),
            slid(self, width, self.pool_size[1], strides[1], self.padding),
            channels,
        )

    def shape_remedy(self, shape: Shape) -> ShapeRemedy | None:
        return padded(self, shape)

    def caption(self, shape: Shape | None = None) -> str:
        return times(self.pool_size)


class MaxPooling2D(Pooling):
    kind: Literal["max_pooling2d"] = "max_pooling2d"
    label = "Max pooling 2D"
    keras_class = "MaxPooling2D"
    help = "Keeps the largest number of each window."


class AveragePooling2D(Pooling):
    kind: Literal["average_pooling2d"] = "average_pooling2d"
    label = "Average pooling 2D"
    keras_class = "AveragePooling2D"
    help = "Keeps the average of each window."


class GlobalPooling2D(Layer):
    """Reduces each channel of the whole image to one number."""

    icon = "arrows-in"
    group = "Images"
    role = Role.POOLING
    wants_images = True
    elementwise = False
    passes_zero = False
    compiled = False
    keepdims: bool = option(False, title="Keep axes", help="Keep height and width as 1 × 1.", advanced=True)

    def output_shape(self, shape: Shape) -> Shape:
        channels = image_of(self, shape)[2]
        return (1, 1, channels) if self.keepdims else (channels,)


class GlobalAveragePooling2D(GlobalPooling2D):
    kind: Literal["global_average_pooling2d"] = "global_average_pooling2d"
    label = "Global average pooling 2D"
    keras_class = "GlobalAveragePooling2D"
    help = "Averages each channel over the whole image."


class GlobalMaxPooling2D(GlobalPooling2D):
    kind: Literal["global_max_pooling2d"] = "global_max_pooling2d"
    label = "Global max pooling 2D"
    keras_class = "GlobalMaxPooling2D"
    help = "Keeps the largest number of each channel over the whole image."
