"""What a training consists of: one stage, or one for each phase of a transfer or each layer of greedy pretraining.

Every stage begins with a new optimizer and its schedule starts anew, as after a new `compile` and `fit`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import TYPE_CHECKING

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.layers import Shape
from dnnstudio.core.optimizers import AnyOptimizer
from dnnstudio.core.pretraining import block_count, blocks
from dnnstudio.core.schedules import Plan
from dnnstudio.core.transfer import Autoencoder, Phase

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of the training.

    `frozen` are the ids of the layers that learn otherwise but not here. `layers` are the ids of the layers that take
    part, None for all of them. `optimizer` carries the stage's learning rate.
    """

    epochs: int
    optimizer: AnyOptimizer
    frozen: frozenset[str] = frozenset()
    layers: tuple[str, ...] | None = None

    @property
    def changes_network(self) -> bool:
        """Whether less of the network learns or takes part than the experiment itself says."""
        return bool(self.frozen) or self.layers is not None


def stages(experiment: Experiment, input_shape: Shape) -> tuple[Stage, ...]:
    """The stages of the experiment's training, in order; there is at least one. Raises `UserError`."""
    rule = experiment.pretraining
    if isinstance(rule, Autoencoder) and rule.greedy:
        return _layer_by_layer(experiment, rule, input_shape)
    if experiment.transfer is None or not experiment.transfer.phases:
        return (Stage(experiment.training.epochs, experiment.optimizer),)
    return tuple(
        Stage(phase.epochs, phase_optimizer(experiment, phase), frozen_ids(experiment, phase, number))
        for number, phase in enumerate(experiment.transfer.phases, start=1)
    )


def planned_epochs(experiment: Experiment) -> int:
    """The epochs of all stages together."""
    return sum(epochs for epochs, _ in _portions(experiment))


def planned_rates(
    experiment: Experiment, steps_per_epoch: int, *, epochs: int | None = None, points: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Steps from 0, and the learning rate of each as far as it is known beforehand; a stage begins the schedule anew.

    All steps, or `points` of them spread evenly. `epochs` take the place of those of a training without stages.
    """
    import numpy as np  # an experiment is checked and shown without it

    portions = _portions(experiment)
    if epochs is not None and len(portions) == 1:
        portions = [(epochs, portions[0][1])]
    plans = [Plan(optimizer.learning_rate, steps_per_epoch, length) for length, optimizer in portions]
    starts = np.cumsum([0, *(length * steps_per_epoch for length, _ in portions)])
    wanted = int(starts[-1]) if points is None else min(int(starts[-1]), points)
    steps = np.unique(np.linspace(0, starts[-1] - 1, wanted).round().astype(np.int64))
    inside = [steps[(steps >= start) & (steps < end)] - start for start, end in pairwise(starts)]
    rates = [experiment.schedule.rates(part, plan) for part, plan in zip(inside, plans, strict=True)]
    return steps, np.concatenate(rates)


def _portions(experiment: Experiment) -> list[tuple[int, AnyOptimizer]]:
    """Epochs and optimizer of every stage."""
    rule = experiment.pretraining
    alone = (experiment.training.epochs, experiment.optimizer)
    if isinstance(rule, Autoencoder) and rule.greedy:
        return [alone] * max(1, block_count(experiment, rule))
    phases = experiment.transfer.phases if experiment.transfer is not None else ()
    return [(phase.epochs, phase_optimizer(experiment, phase)) for phase in phases] or [alone]


def with_more_epochs(experiment: Experiment, count: int) -> Experiment:
    """The experiment with `count` more epochs at its end: in the last phase where there are phases."""
    transfer = experiment.transfer
    if transfer is None or not transfer.phases:
        longer = experiment.training.replaced(epochs=experiment.training.epochs + count)
        return experiment.replaced(training=longer)
    *first, last = transfer.phases
    last = last.replaced(epochs=last.epochs + count)
    return experiment.replaced(transfer=transfer.replaced(phases=(*first, last)))


def phase_optimizer(experiment: Experiment, phase: Phase) -> AnyOptimizer:
    """The optimizer of a phase: its own or the experiment's, at the phase's learning rate if it has one."""
    optimizer = phase.optimizer or experiment.optimizer
    return optimizer if phase.learning_rate is None else optimizer.replaced(learning_rate=phase.learning_rate)


def frozen_ids(experiment: Experiment, phase: Phase, number: int) -> frozenset[str]:
    """The layers that a phase freezes, its patterns looked up. Raises `UserError` for one that fits no layer."""
    ids = [layer.id for layer in experiment.layers]
    found: set[str] = set()
    for pattern in phase.frozen:
        fitting = matching(pattern, ids)
        if not fitting:
            raise UserError(
                f'Phase {number} freezes "{pattern}", but there is no such layer.',
                f"The layers are {', '.join(ids)}.",
            )
        found.update(fitting)
    return frozenset(found)


def matching(pattern: str, ids: Iterable[str]) -> tuple[str, ...]:
    """The ids that a name or a pattern (`hidden_*`, `dense_[1-3]`) fits, in their order."""
    if not any(sign in pattern for sign in "*?["):  # a plain name, as most are
        return tuple(name for name in ids if name == pattern)
    return tuple(name for name in ids if fnmatchcase(name, pattern))


def _layer_by_layer(experiment: Experiment, rule: Autoencoder, input_shape: Shape) -> tuple[Stage, ...]:
    """One stage a block of the encoder: it and its mirror learn, the ones around it are frozen, deeper ones wait."""
    found = blocks(experiment, rule, input_shape)
    made: list[Stage] = []
    for number in range(1, len(found) + 1):
        part, done = found[:number], found[: number - 1]
        encoder = tuple(layer.id for block in part for layer in block.encoder)
        decoder = tuple(layer.id for block in reversed(part) for layer in block.decoder)
        frozen = frozenset(layer.id for block in done for layer in (*block.encoder, *block.decoder))
        made.append(Stage(experiment.training.epochs, experiment.optimizer, frozen, (*encoder, *decoder)))
    return tuple(made)
