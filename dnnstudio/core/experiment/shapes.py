"""Shapes and parameter counts of a stack, inferred without Keras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dnnstudio.core.experiment.layers import Layer, Shape, ShapeError, Variable


@dataclass(frozen=True)
class LayerShape:
    """Input shape, output shape and variables of a layer; `error` says why it cannot follow the one before.

    The counts are read at every edit by half a dozen readers, so they are computed once, on construction.
    """

    layer: Layer
    input_shape: Shape | None
    output_shape: Shape | None
    variables: tuple[Variable, ...] = ()
    error: str = ""
    count: int = field(init=False, compare=False, repr=False, default=0)
    trainable_count: int = field(init=False, compare=False, repr=False, default=0)

    def __post_init__(self) -> None:
        if self.variables:
            sizes = [(variable.count, variable.trainable) for variable in self.variables]
            object.__setattr__(self, "count", sum(size for size, _ in sizes))
            object.__setattr__(self, "trainable_count", sum(size for size, trainable in sizes if trainable))

    @property
    def non_trainable_count(self) -> int:
        return self.count - self.trainable_count


def infer_shapes(
    layers: Sequence[Layer], input_shape: Shape | None, *, before: Sequence[LayerShape] = ()
) -> tuple[LayerShape, ...]:
    """One entry per layer, in order. Shapes are None after a layer that cannot follow, and before the data is known.

    A disabled layer passes its input on and has no variables. Entries of `before`, the result before an edit, are
    reused for unchanged layers with unchanged input: in a deep stack an edit changes few of them.
    """
    shape = input_shape
    rows: list[LayerShape] = []
    known = {id(row.layer): row for row in before}
    for layer in layers:
        found = known.get(id(layer))
        if found is not None and found.input_shape == shape and shape is not None:
            rows.append(found)
            shape = found.output_shape
            continue
        if shape is None and layer.kind == "input" and layer.enabled:
            shape = layer.shape  # type: ignore[attr-defined]
        if shape is None or not layer.enabled:
            rows.append(LayerShape(layer, shape, shape))
            continue
        try:
            after = layer.output_shape(shape)
            rows.append(LayerShape(layer, shape, after, layer.variables(shape)))
            shape = after
        except ShapeError as error:
            rows.append(LayerShape(layer, shape, None, error=str(error)))
            shape = None
    return tuple(rows)


def totals(rows: Sequence[LayerShape]) -> tuple[int, int]:
    """Trainable and non-trainable parameters of the whole stack."""
    return sum(row.trainable_count for row in rows), sum(row.non_trainable_count for row in rows)
