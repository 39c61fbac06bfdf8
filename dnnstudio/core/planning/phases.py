"""The phases of a transfer: which layers each freezes and trains, and the edits of the phase table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dnnstudio.core.experiment.layers import AnyLayer, Shape, WeightedLayer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import infer_shapes, totals
from dnnstudio.core.experiment.transfer import Phase
from dnnstudio.core.planning.stages import matching
from dnnstudio.core.text import count_of, listed


def frozen_in(experiment: Experiment, number: int) -> frozenset[str]:
    """The layers frozen in phase `number` (from 0); names and patterns that match no layer are ignored."""
    phases = experiment.transfer.phases if experiment.transfer is not None else ()
    if not 0 <= number < len(phases):
        return frozenset()
    ids = [layer.id for layer in experiment.layers]
    return frozenset(name for pattern in phases[number].frozen for name in matching(pattern, ids))


def known_phases(experiment: Experiment) -> tuple[Phase, ...]:
    """The phases without names and patterns that match no layer."""
    phases = experiment.transfer.phases if experiment.transfer is not None else ()
    ids = [layer.id for layer in experiment.layers]
    return tuple(
        phase.replaced(frozen=tuple(entry for entry in phase.frozen if matching(entry, ids))) for phase in phases
    )


def with_frozen(experiment: Experiment, number: int, layers: Iterable[str], frozen: bool) -> Experiment:
    """Freeze or unfreeze these layers in phase `number`; a pattern is replaced by the names it matches."""
    assert experiment.transfer is not None
    entries, wanted = list(experiment.transfer.phases[number].frozen), set(layers)
    ids = [layer.id for layer in experiment.layers]
    if frozen:
        already = frozen_in(experiment, number)
        entries += [name for name in ids if name in wanted and name not in already]
    else:
        left: list[str] = []
        for entry in entries:
            fitting = matching(entry, ids)
            left += [name for name in fitting if name not in wanted] if wanted & set(fitting) else [entry]
        entries = list(dict.fromkeys(left))
    return change_phase(experiment, number, frozen=tuple(entries))


def change_phase(experiment: Experiment, number: int, **changes: Any) -> Experiment:
    """Change fields of phase `number`."""
    assert experiment.transfer is not None
    phases = list(experiment.transfer.phases)
    phases[number] = phases[number].replaced(**changes)
    return with_phases(experiment, phases)


def with_phases(experiment: Experiment, phases: Sequence[Phase]) -> Experiment:
    """The experiment with other phases."""
    assert experiment.transfer is not None
    return experiment.replaced(transfer=experiment.transfer.replaced(phases=tuple(phases)))


def with_phase_added(experiment: Experiment) -> Experiment:
    """Append a phase in which nothing is frozen."""
    assert experiment.transfer is not None
    phases = experiment.transfer.phases
    more = phases[-1].replaced(frozen=()) if phases else Phase(epochs=experiment.training.epochs)
    return with_phases(experiment, (*phases, more))


def with_phase_moved(experiment: Experiment, number: int, by: int) -> Experiment:
    """Move a phase one place earlier (−1) or later (1)."""
    assert experiment.transfer is not None
    phases = list(experiment.transfer.phases)
    phases.insert(number + by, phases.pop(number))
    return with_phases(experiment, phases)


@dataclass(frozen=True, slots=True)
class Learning:
    """The trained part of a phase: how many of all parameters, and which layers."""

    trainable: int
    total: int
    layers: tuple[str, ...]

    @property
    def sentence(self) -> str:
        if not self.trainable:
            return "nothing: every layer is frozen"
        if self.trainable == self.total:
            return f"all {count_of(self.total, 'parameter')}"
        return f"{self.trainable:,} of {count_of(self.total, 'parameter')}: {listed(self.layers)}"


def learning(experiment: Experiment, input_shape: Shape, number: int) -> Learning:
    """The trained layers of phase `number` (from 0), or of the whole training if there are no phases."""
    frozen = frozen_in(experiment, number)
    rows = infer_shapes([held(layer, frozen) for layer in experiment.active_layers], input_shape)
    trainable, rest = totals(rows)
    return Learning(trainable, trainable + rest, tuple(row.layer.id for row in rows if row.trainable_count))


def held(layer: AnyLayer, frozen: frozenset[str]) -> AnyLayer:
    """The layer as it is in a phase that freezes these layers."""
    if layer.id in frozen and isinstance(layer, WeightedLayer) and layer.trainable:
        return layer.model_copy(update={"trainable": False})
    return layer


def phases_that_change(experiment: Experiment, layer: str) -> tuple[int, ...]:
    """The phases, counted from 1, in which a layer is trained."""
    phases = experiment.transfer.phases if experiment.transfer is not None else ()
    return tuple(number + 1 for number in range(len(phases)) if layer not in frozen_in(experiment, number))
