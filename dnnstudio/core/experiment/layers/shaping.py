"""Layers that place the numbers of a row anew: enlarging, reordering, repeating, and passing on."""

from collections.abc import Mapping
from typing import Any, Literal

from dnnstudio.core.experiment.fields import option
from dnnstudio.core.experiment.layers.base import Layer, Role, Shape, ShapeError, ShapeRemedy, times
from dnnstudio.core.experiment.layers.convolution import image_of


class UpSampling2D(Layer):
    kind: Literal["up_sampling2d"] = "up_sampling2d"
    label = "Upsampling 2D"
    keras_class = "UpSampling2D"
    icon = "arrows-out"
    group = "Images"
    role = Role.SHAPE
    wants_images = True
    elementwise = False
    passes_zero = False
    compiled = False
    help = "Enlarges an image by whole factors: the way back from a pooling."
    size: tuple[int, int] = option((2, 2), title="Size", help="How many times higher and wider the image becomes.")
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"] = option(
        "nearest", title="Interpolation", help="nearest repeats numbers; the others blend neighbours.", advanced=True
    )

    def output_shape(self, shape: Shape) -> Shape:
        height, width, channels = image_of(self, shape)
        if min(self.size) < 1:
            raise ShapeError(f"{self.id}: the size must be at least 1 in both directions, not {times(self.size)}.")
        return height * self.size[0], width * self.size[1], channels

    def caption(self, shape: Shape | None = None) -> str:
        return times(self.size)


def _border(side: str) -> Any:
    return option(1, title=side, help=f"How many pixels of zero are put there: {side.lower()}.", ge=0, le=10_000)


class ZeroPadding2D(Layer):
    kind: Literal["zero_padding2d"] = "zero_padding2d"
    label = "Zero padding 2D"
    keras_class = "ZeroPadding2D"
    icon = "frame-corners"
    group = "Images"
    role = Role.SHAPE
    wants_images = True
    elementwise = False
    passes_zero = True
    compiled = False
    help = "Puts a border of zeros around an image, so that a filter reaches its edges too."
    top: int = _border("Above")
    bottom: int = _border("Below")
    left: int = _border("Left")
    right: int = _border("Right")

    def keras_arguments(self) -> dict[str, Any]:
        return {"padding": ((self.top, self.bottom), (self.left, self.right))}

    @classmethod
    def from_keras(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        plain = dict(config)
        match plain.get("padding"):
            case int(side):
                sides: Any = (side, side, side, side)
            case [int(height), int(width)]:
                sides = (height, height, width, width)
            case [[top, bottom], [left, right]]:
                sides = (top, bottom, left, right)
            case _:
                return plain
        del plain["padding"]
        return plain | dict(zip(("top", "bottom", "left", "right"), sides, strict=True))

    def output_shape(self, shape: Shape) -> Shape:
        height, width, channels = image_of(self, shape)
        return height + self.top + self.bottom, width + self.left + self.right, channels

    def caption(self, shape: Shape | None = None) -> str:
        if self.top == self.bottom and self.left == self.right:
            return f"{self.top} above and below · {self.left} left and right"
        return f"{self.top} above, {self.bottom} below · {self.left} left, {self.right} right"


class Permute(Layer):
    kind: Literal["permute"] = "permute"
    label = "Permute"
    keras_class = "Permute"
    icon = "swap"
    role = Role.SHAPE
    wants_images = False
    elementwise = False
    passes_zero = False
    compiled = False
    help = "Reorders the axes of a row: 2, 1 swaps rows and columns."
    dims: tuple[int, ...] = option(title="Axes", help="The axes in their new order, counted from 1.", initial=(2, 1))

    def output_shape(self, shape: Shape) -> Shape:
        if sorted(self.dims) != list(range(1, len(shape) + 1)):
            order = ", ".join(str(axis) for axis in self.dims)
            raise ShapeError(f"{self.id}: {order} is no order of the {len(shape)} axes of {times(shape)}.")
        return tuple(shape[axis - 1] for axis in self.dims)

    def shape_remedy(self, shape: Shape) -> ShapeRemedy | None:
        return ShapeRemedy("Keep the order", {"dims": tuple(range(1, len(shape) + 1))}) if shape else None

    def caption(self, shape: Shape | None = None) -> str:
        return "axes " + ", ".join(str(axis) for axis in self.dims)


class RepeatVector(Layer):
    kind: Literal["repeat_vector"] = "repeat_vector"
    label = "Repeat vector"
    keras_class = "RepeatVector"
    icon = "copy-simple"
    role = Role.SHAPE
    wants_images = False
    elementwise = False
    passes_zero = False
    compiled = False
    help = "Repeats a row of numbers as the rows of a table."
    n: int = option(title="Times", help="How often the row is repeated.", initial=2, ge=1, le=100_000)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ShapeError(f"{self.id} repeats a plain row, but gets {times(shape)}; put a Flatten before it.")
        return self.n, shape[0]

    def caption(self, shape: Shape | None = None) -> str:
        return f"{self.n} times"


class Identity(Layer):
    kind: Literal["identity"] = "identity"
    label = "Identity"
    keras_class = "Identity"
    icon = "equals"
    role = Role.SHAPE
    wants_images = False
    elementwise = True
    passes_zero = True
    compiled = False
    help = "Passes everything on as it is."
