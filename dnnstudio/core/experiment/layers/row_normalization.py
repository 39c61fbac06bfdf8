"""Normalization by the numbers of a row itself: the same while training and predicting, whatever the batch."""

from typing import Any, Literal

from dnnstudio.core.experiment.fields import option
from dnnstudio.core.experiment.layers.base import (
    Role,
    Shape,
    ShapeError,
    ShapeRemedy,
    Variable,
    WeightedLayer,
    axis_caption,
    axis_positions,
)
from dnnstudio.core.experiment.layers.dense import constraint, regularizer
from dnnstudio.core.experiment.weights import AnyConstraint, AnyInitializer, AnyRegularizer, Ones, Zeros
from dnnstudio.core.text import count_of


class RowNormalization(WeightedLayer):
    """(x − mean) / √(variance + epsilon) · gamma + beta, each taken over numbers of one row."""

    icon = "ruler"
    group = "Normalization"
    role = Role.NORMALIZATION
    wants_images = False
    elementwise = False
    passes_zero = False
    compiled = True
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
    beta_regularizer: AnyRegularizer | None = regularizer("beta")
    gamma_regularizer: AnyRegularizer | None = regularizer("gamma")
    beta_constraint: AnyConstraint | None = constraint("beta")
    gamma_constraint: AnyConstraint | None = constraint("gamma")

    def learnt(self, size: Shape) -> tuple[Variable, ...]:
        """The arrays of that size, as far as they are used."""
        gamma = (Variable("gamma", size, self.trainable, "learnt scale"),) if self.scale else ()
        beta = (Variable("beta", size, self.trainable, "learnt offset"),) if self.center else ()
        return gamma + beta


class LayerNormalization(RowNormalization):
    kind: Literal["layer_normalization"] = "layer_normalization"
    label = "Layer normalization"
    keras_class = "LayerNormalization"
    short_name = "ln"
    help = (
        "Brings the numbers of each row to mean 0 and spread 1, then scales and shifts them by learnt numbers "
        "(Ba et al., 2016). It needs no batch, so that predicting is as training."
    )
    axis: int | tuple[int, ...] = option(
        -1,
        title="Axis",
        help="The axes that a mean and variance are taken over: −1 is the last, the columns or channels; 1, 2, 3 is a "
        "whole image.",
    )

    def keras_arguments(self) -> dict[str, Any]:
        axis = self.axis[0] if isinstance(self.axis, tuple) and len(self.axis) == 1 else self.axis
        return super().keras_arguments() | {"axis": axis}

    def variables(self, shape: Shape) -> tuple[Variable, ...]:
        return self.learnt(tuple(shape[place] for place in axis_positions(self.id, self.axis, shape)))

    def output_shape(self, shape: Shape) -> Shape:
        axis_positions(self.id, self.axis, shape)
        return shape

    def shape_remedy(self, shape: Shape) -> ShapeRemedy | None:
        return ShapeRemedy("Use the last axis", {"axis": -1})

    def caption(self, shape: Shape | None = None) -> str:
        return "each row by itself" + (f" · {axis_caption(self.axis)}" if self.axis != -1 else "")


class GroupNormalization(RowNormalization):
    kind: Literal["group_normalization"] = "group_normalization"
    label = "Group normalization"
    keras_class = "GroupNormalization"
    short_name = "gn"
    help = (
        "Cuts the channels into groups and brings each group of a row to mean 0 and spread 1 (Wu and He, 2018): for "
        "images in batches too small for batch normalization."
    )
    groups: int = option(
        title="Groups",
        help="How many groups the channels are cut into, which must come out even; −1 makes each channel a group.",
        initial=4,
        ge=-1,
        le=100_000,
    )
    axis: int = option(-1, title="Axis", help="The axis that is cut; −1 is the last, the channels.", advanced=True)

    def variables(self, shape: Shape) -> tuple[Variable, ...]:
        return self.learnt((self._channels(shape),))

    def output_shape(self, shape: Shape) -> Shape:
        channels = self._channels(shape)
        if self.groups == 0 or channels % self.groups:
            raise ShapeError(
                f"{self.id} cannot cut {channels:,} channels into {count_of(self.groups, 'group')} of one size."
            )
        return shape

    def shape_remedy(self, shape: Shape) -> ShapeRemedy | None:
        try:
            channels = self._channels(shape)
        except ShapeError:
            return ShapeRemedy("Use the last axis", {"axis": -1})
        fitting = next(count for count in range(min(max(self.groups, 1), channels), 0, -1) if channels % count == 0)
        return ShapeRemedy(f"Use {count_of(fitting, 'group')}" if fitting > 1 else "Use one group", {"groups": fitting})

    def caption(self, shape: Shape | None = None) -> str:
        words = "each channel by itself" if self.groups == -1 else count_of(self.groups, "group")
        return words + (f" · {axis_caption(self.axis)}" if self.axis != -1 else "")

    def _channels(self, shape: Shape) -> int:
        (place,) = axis_positions(self.id, self.axis, shape)
        return shape[place]
