"""The stack as the checks read it: what is switched on, with shapes, and what each layer stands next to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dnnstudio.core.checks.problem import Problem
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


@dataclass(slots=True, eq=False)
class Entry:
    """An enabled layer and its shapes, with all that can be said of it alone.

    It knows nothing of where it stands, so that it is good for as long as its row is: through all edits elsewhere.
    """

    row: LayerShape
    layer: Any
    kind: str
    id: str
    own_activation: str
    """The activation that this very layer applies: "" for none, "relu", "prelu"."""
    _said: dict[Callable[[Entry], Iterable[Problem]], tuple[Problem, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, row: LayerShape) -> Entry:
        layer: Any = row.layer
        return cls(row, layer, layer.kind, str(layer.id), _own_activation(layer))

    def once(self, work: Callable[[Entry], Iterable[Problem]]) -> tuple[Problem, ...]:
        """All that `work` says of this entry. It is asked once, and may look at nothing but the entry."""
        found = self._said.get(work)
        if found is None:
            found = self._said[work] = tuple(work(self))
        return found


def _own_activation(layer: Any) -> str:
    if layer.kind in WEIGHTED or layer.kind == "activation":
        return "" if layer.activation in (None, "linear") else str(layer.activation)
    return layer.kind if layer.kind in ACTIVATIONS else ""


class Stack:
    """An experiment prepared for the checks; everything is worked out once.

    `known` are entries of before by the `id` of their rows: where a row is still the same, so is its entry.
    """

    def __init__(
        self,
        experiment: Experiment,
        summary: DataSummary | None,
        rows: Sequence[LayerShape] | None = None,
        known: Mapping[int, Entry] | None = None,
    ) -> None:
        self.experiment = experiment
        self._known = known or {}
        self.summary = summary or known_summary(experiment.data)
        self.input_shape: Shape | None = self.summary.input_shape if self.summary else None
        self.rows = tuple(rows) if rows is not None else infer_shapes(experiment.layers, self.input_shape)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The layers in use."""
        known = self._known
        return tuple(known.get(id(row)) or Entry.of(row) for row in self.rows if row.layer.enabled)

    @cached_property
    def positions(self) -> tuple[int, ...]:
        """For each of `entries` its place in the experiment's list, where layers that are off count too."""
        return tuple(index for index, row in enumerate(self.rows) if row.layer.enabled)

    @cached_property
    def _by_kind(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for index, entry in enumerate(self.entries):
            found.setdefault(entry.kind, []).append(index)
        return found

    def of_kind(self, *kinds: str) -> list[int]:
        """Positions in `entries` of the layers of these kinds, in order."""
        return sorted(index for kind in kinds for index in self._by_kind.get(kind, ()))

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
        return tuple(self.of_kind(*WEIGHTED))

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
