"""Convolutions whose filters look at one channel each: far fewer weights than filters that look at all channels."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from dnnstudio.core.experiment.fields import option
from dnnstudio.core.experiment.layers.base import Activation, Role, Shape, Variable, WeightedLayer, times
from dnnstudio.core.experiment.layers.convolution import Padding, Pair, image_of, padded, positive, slid
from dnnstudio.core.experiment.layers.dense import (
    bias_initializer,
    constraint,
    kernel_initializer,
    regularizer,
    use_bias,
    weights_caption,
)
from dnnstudio.core.experiment.weights import AnyConstraint, AnyInitializer, AnyRegularizer, GlorotUniform

_PARTS = ("initializer", "regularizer", "constraint")


def _kernel_size() -> Any:
    return option(title="Kernel size", help="Height and width of a filter.", initial=(3, 3))


def _strides() -> Any:
    return option((1, 1), title="Strides", help="How far the filter moves at a time.", advanced=True)


def _padding() -> Any:
    return option("valid", title="Padding", help="same keeps the image's size, valid cuts the border.")


def _multiplier() -> Any:
    return option(
        1, title="Filters a channel", help="How many filters look at each channel.", ge=1, le=10_000, advanced=True
    )


class ChannelFilters(WeightedLayer):
    """A convolution with filters for each channel. A kind states `main_kernel`, and has the fields of a kernel."""

    icon = "grid-four"
    group = "Images"
    role = Role.KERNEL
    wants_images = True
    elementwise = False
    passes_zero = False
    compiled = False
    main_kernel: ClassVar[str]
    """Keras's word for the kernel that the fields kernel_… are about: "depthwise"."""
    required_traits = (*WeightedLayer.required_traits, "main_kernel")

    def keras_arguments(self) -> dict[str, Any]:
        renamed = {f"kernel_{part}": f"{self.main_kernel}_{part}" for part in _PARTS}
        return {renamed.get(name, name): value for name, value in super().keras_arguments().items()}

    @classmethod
    def from_keras(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        # Keras 2 wrote the kernel_… of the class that it derived the layer from too; they have no effect.
        own = {f"kernel_{part}" for part in _PARTS}
        renamed = {f"{cls.main_kernel}_{part}": f"kernel_{part}" for part in _PARTS}
        return {renamed.get(name, name): value for name, value in config.items() if name not in own}

    def shape_remedy(self, shape: Shape) -> Any:
        return padded(self, shape)


def _places(layer: Any, shape: Shape) -> tuple[int, int]:
    """The places of the filters: down, across."""
    height, width, _ = image_of(layer, shape)
    positive(layer, "the kernel", layer.kernel_size)
    positive(layer, "the strides", layer.strides)
    return (
        slid(layer, height, layer.kernel_size[0], layer.strides[0], layer.padding),
        slid(layer, width, layer.kernel_size[1], layer.strides[1], layer.padding),
    )


class DepthwiseConv2D(ChannelFilters):
    kind: Literal["depthwise_conv2d"] = "depthwise_conv2d"
    label = "Depthwise convolution 2D"
    keras_class = "DepthwiseConv2D"
    main_kernel = "depthwise"
    help = "Slides filters over each channel of an image by itself; no channel sees another."
    kernel_size: Pair = _kernel_size()
    strides: Pair = _strides()
    padding: Padding = _padding()
    depth_multiplier: int = _multiplier()
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
        return (*_places(self, shape), image_of(self, shape)[2] * self.depth_multiplier)

    def variables(self, shape: Shape) -> tuple[Variable, ...]:
        channels = image_of(self, shape)[2]
        size = (*self.kernel_size, channels, self.depth_multiplier)
        kernel = Variable("kernel", size, self.trainable, "filters for each channel", filter_axes=(0, 1))
        bias = Variable("bias", (channels * self.depth_multiplier,), self.trainable, "one number a filter")
        return (kernel, bias) if self.use_bias else (kernel,)

    def caption(self, shape: Shape | None = None) -> str:
        return f"{times(self.kernel_size)} · {weights_caption(self)}"


class SeparableConv2D(ChannelFilters):
    kind: Literal["separable_conv2d"] = "separable_conv2d"
    label = "Separable convolution 2D"
    keras_class = "SeparableConv2D"
    main_kernel = "pointwise"
    help = (
        "Slides filters over each channel by itself (depthwise), then mixes the channels of each pixel (pointwise): "
        "a convolution with a fraction of the weights (Chollet, 2017)."
    )
    filters: int = option(title="Filters", help="How many channels come out.", initial=32, ge=1, le=100_000)
    kernel_size: Pair = _kernel_size()
    strides: Pair = _strides()
    padding: Padding = _padding()
    depth_multiplier: int = _multiplier()
    activation: Activation | None = option(None, title="Activation", help="The curve applied to each number.")
    use_bias: bool = use_bias()
    depthwise_initializer: AnyInitializer = option(
        GlorotUniform(),
        title="Depthwise initializer",
        help="How the filters of the channels are drawn before training.",
        advanced=True,
    )
    kernel_initializer: AnyInitializer = option(
        GlorotUniform(),
        title="Pointwise initializer",
        help="How the weights that mix the channels are drawn before training.",
    )
    bias_initializer: AnyInitializer = bias_initializer()
    depthwise_regularizer: AnyRegularizer | None = regularizer("depthwise")
    kernel_regularizer: AnyRegularizer | None = regularizer("pointwise", advanced=False)
    bias_regularizer: AnyRegularizer | None = regularizer("bias")
    activity_regularizer: AnyRegularizer | None = regularizer("activity")
    depthwise_constraint: AnyConstraint | None = constraint("depthwise")
    kernel_constraint: AnyConstraint | None = constraint("pointwise", advanced=False)
    bias_constraint: AnyConstraint | None = constraint("bias")

    @classmethod
    def part_of(cls, variable: str, part: str) -> str:
        names = {"depthwise_kernel": "depthwise", "pointwise_kernel": "kernel"}
        return f"{names.get(variable, variable)}_{part}"

    def output_shape(self, shape: Shape) -> Shape:
        return (*_places(self, shape), self.filters)

    def variables(self, shape: Shape) -> tuple[Variable, ...]:
        channels = image_of(self, shape)[2]
        size = (*self.kernel_size, channels, self.depth_multiplier)
        mixing = (1, 1, channels * self.depth_multiplier, self.filters)
        depthwise = Variable("depthwise_kernel", size, self.trainable, "filters for each channel", filter_axes=(0, 1))
        pointwise = Variable("pointwise_kernel", mixing, self.trainable, "weights that mix the channels")
        bias = Variable("bias", (self.filters,), self.trainable, "one number a filter")
        return (depthwise, pointwise, bias) if self.use_bias else (depthwise, pointwise)

    def caption(self, shape: Shape | None = None) -> str:
        return f"{times(self.kernel_size)} · {weights_caption(self)}"
