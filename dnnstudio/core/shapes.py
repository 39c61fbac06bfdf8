"""Shapes and parameter counts of a stack, worked out without Keras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dnnstudio.core.layers import Layer, Shape, ShapeError, Variable


@dataclass(frozen=True)
class LayerShape:
    """What goes into a layer, what comes out and what it holds; `error` says why it cannot follow.

    Its counts are asked for at every edit by half a dozen readers, and are worked out once, with the rest.
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
    """One entry a layer, in order. After a layer that cannot follow, and before data is known, shapes are None.

    A layer that is switched off passes its input on and holds nothing. Entries of `before`, what was found before an
    edit, are taken over where layer and input are the same: in a deep stack an edit changes few of them.
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
        if shape is None and layer.kind == "input" and layer.enabled:  # type: ignore[attr-defined]
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
