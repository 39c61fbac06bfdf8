"""The stack as the checks read it: what is switched on, with shapes, and what each layer stands next to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dnnstudio.core.data import DataSummary, known_summary
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.layers import Layer, Shape
from dnnstudio.core.shapes import LayerShape, infer_shapes

WEIGHTED = frozenset({"dense", "conv2d"})
"""Kinds that mix their inputs, and may carry an activation of their own."""
ACTIVATIONS = frozenset({"activation", "leaky_relu", "prelu", "elu"})
DROPOUTS = frozenset({"dropout", "alpha_dropout", "gaussian_dropout"})
RELU_FAMILY = frozenset(
    {"relu", "relu6", "leaky_relu", "prelu", "elu", "celu", "gelu", "silu", "mish", "hard_silu"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """An enabled layer: its place in the experiment's list, its kind, and its shapes."""

    position: int
    kind: str
    layer: Any
    row: LayerShape

    @property
    def id(self) -> str:
        return str(self.layer.id)

    @property
    def own_activation(self) -> str:
        """The activation that this very layer applies: "" for none, "relu", "prelu"."""
        if self.kind in WEIGHTED or self.kind == "activation":
            name = self.layer.activation
            return "" if name in (None, "linear") else str(name)
        return self.kind if self.kind in ACTIVATIONS else ""


class Stack:
    """An experiment prepared for the checks; everything is worked out once."""

    def __init__(
        self, experiment: Experiment, summary: DataSummary | None, rows: Sequence[LayerShape] | None = None
    ) -> None:
        self.experiment = experiment
        self.summary = summary or known_summary(experiment.data)
        self.input_shape: Shape | None = self.summary.input_shape if self.summary else None
        self.rows = tuple(rows) if rows is not None else infer_shapes(experiment.layers, self.input_shape)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The layers in use."""
        return tuple(
            Entry(index, row.layer.kind, row.layer, row)  # type: ignore[attr-defined]
            for index, row in enumerate(self.rows)
            if row.layer.enabled
        )

    @cached_property
    def broken(self) -> bool:
        """Whether some layer cannot follow the one before it."""
        return any(row.error for row in self.rows)

    @cached_property
    def output_shape(self) -> Shape | None:
        return self.rows[-1].output_shape if self.rows else self.input_shape

    @cached_property
    def weighted(self) -> tuple[int, ...]:
        """Positions in `entries` of dense and convolutional layers."""
        return tuple(index for index, entry in enumerate(self.entries) if entry.kind in WEIGHTED)

    @cached_property
    def output(self) -> int | None:
        """Position in `entries` of the layer that gives the network's answer: the last dense or convolutional one."""
        return self.weighted[-1] if self.weighted else None

    @cached_property
    def hidden(self) -> tuple[int, ...]:
        """Positions in `entries` of the dense and convolutional layers before the output."""
        return self.weighted[:-1]

    @cached_property
    def activations(self) -> dict[int, tuple[str, int]]:
        """For each weighted layer (position in `entries`): the activation its outputs go through before the next
        weighted layer, and the position of the layer that applies it. Layers without one are left out."""
        found: dict[int, tuple[str, int]] = {}
        current: int | None = None
        for index, entry in enumerate(self.entries):
            if entry.kind in WEIGHTED:
                current = index
            name = entry.own_activation
            if current is not None and name and current not in found:
                found[current] = (name, index)
        return found

    @cached_property
    def output_activation(self) -> tuple[str, int | None]:
        """The curve that the network's answer went through last ("" for none), and the layer that applied it."""
        for index in range(len(self.entries) - 1, -1, -1):
            entry = self.entries[index]
            if entry.own_activation or entry.kind in WEIGHTED:
                return entry.own_activation, index
            if entry.kind in ("batch_normalization", "normalization", "rescaling"):
                return "", index
        return "", None

    @property
    def train_rows(self) -> int | None:
        """How many rows it trains on, where that is known."""
        data = self.experiment.data
        if self.summary is not None and self.summary.counts is not None:
            return self.summary.counts[0]
        if data.source.rows is None or data.classes.keep is not None:
            return data.train_limit
        total = data.source.rows[0]
        held = data.validation.count if data.validation.kind == "first" else round(total * data.validation.fraction)
        return min(max(total - held, 0), data.train_limit or total)

    def ids(self, positions: Sequence[int]) -> tuple[str, ...]:
        """The names of the layers at these positions in `entries`."""
        return tuple(self.entries[index].id for index in positions)


def named(layers: Sequence[Layer] | Sequence[str]) -> str:
    """A few names in words: "dense_1, dense_2 and 3 more"."""
    names = [layer if isinstance(layer, str) else layer.id for layer in layers]
    if len(names) <= 3:
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"{', '.join(names[:2])} and {len(names) - 2} more"
