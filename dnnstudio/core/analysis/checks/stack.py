"""The stack as the checks see it: enabled layers with their shapes and neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dnnstudio.core.analysis.checks.problem import Problem
from dnnstudio.core.experiment.data import DataSummary, known_summary
from dnnstudio.core.experiment.layers import Role, Shape
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import LayerShape, infer_shapes

RELU_FAMILY = frozenset(
    {"relu", "relu6", "leaky_relu", "prelu", "elu", "celu", "gelu", "silu", "mish", "hard_silu"}
)  # fmt: skip


@dataclass(slots=True, eq=False)
class Entry:
    """An enabled layer with its shapes, and everything that can be derived from it alone.

    It does not know its position, so it remains valid as long as its row is the same object, through all edits
    elsewhere.
    """

    row: LayerShape
    layer: Any
    kind: str
    role: Role
    id: str
    own_activation: str
    """The activation that this very layer applies: "" for none, "relu", "prelu"."""
    _said: dict[Callable[[Entry], Iterable[Problem]], tuple[Problem, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, row: LayerShape) -> Entry:
        layer: Any = row.layer
        return cls(row, layer, layer.kind, layer.role, str(layer.id), layer.own_activation())

    def once(self, work: Callable[[Entry], Iterable[Problem]]) -> tuple[Problem, ...]:
        """The findings of `work` for this entry, computed once. `work` may look at nothing but the entry."""
        found = self._said.get(work)
        if found is None:
            found = self._said[work] = tuple(work(self))
        return found


class Stack:
    """An experiment prepared for the checks; everything is derived once.

    `known` are earlier entries by the `id` of their rows: an entry is reused if its row is the same object.
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
        """The enabled layers."""
        known = self._known
        return tuple(known.get(id(row)) or Entry.of(row) for row in self.rows if row.layer.enabled)

    @cached_property
    def positions(self) -> tuple[int, ...]:
        """For each of `entries` its index in the experiment's list, disabled layers included."""
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

    def of_role(self, *roles: Role) -> list[int]:
        """Positions in `entries` of the layers with one of these roles, in order."""
        return self._where(lambda entry: entry.role in roles)

    @cached_property
    def dropouts(self) -> list[int]:
        """Positions in `entries` of the layers that stay active during Monte Carlo sampling."""
        return self._where(lambda entry: entry.layer.is_dropout)

    def _where(self, holds: Callable[[Entry], bool]) -> list[int]:
        """Positions of the layers whose kind satisfies the condition; it is evaluated once per kind, as a stack may be
        deep.
        """
        return self.of_kind(*(kind for kind, places in self._by_kind.items() if holds(self.entries[places[0]])))

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
        return tuple(self.of_role(Role.KERNEL))

    @cached_property
    def output(self) -> int | None:
        """Position in `entries` of the output layer: the last dense or convolutional one."""
        return self.weighted[-1] if self.weighted else None

    @cached_property
    def hidden(self) -> tuple[int, ...]:
        """Positions in `entries` of the dense and convolutional layers before the output."""
        return self.weighted[:-1]

    @cached_property
    def activations(self) -> dict[int, tuple[str, int]]:
        """For each weighted layer (position in `entries`): the activation applied to its outputs before the next
        weighted layer, and the position of the layer that applies it.

        Layers without an activation are left out.
        """
        found: dict[int, tuple[str, int]] = {}
        current: int | None = None
        for index, entry in enumerate(self.entries):
            if entry.role is Role.KERNEL:
                current = index
            name = entry.own_activation
            if current is not None and name and current not in found:
                found[current] = (name, index)
        return found

    @cached_property
    def output_activation(self) -> tuple[str, int | None]:
        """The last activation applied to the network's output ("" for none), and the position of the layer that applies
        it.
        """
        for index in range(len(self.entries) - 1, -1, -1):
            entry = self.entries[index]
            if entry.own_activation or entry.role is Role.KERNEL:
                return entry.own_activation, index
            if entry.role in (Role.NORMALIZATION, Role.SCALING):
                return "", index
        return "", None

    @property
    def train_rows(self) -> int | None:
        """The number of training rows, if known."""
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
