"""Splits a training into stages: a single one, or one per transfer phase or per block of greedy pretraining.

Every stage begins with a new optimizer and restarts the schedule, like a new `compile` and `fit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import Shape
from dnnstudio.core.experiment.optimizers import AnyOptimizer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Autoencoder, Phase
from dnnstudio.core.planning.pretraining import block_count, blocks
from dnnstudio.core.planning.rates import Course, course_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the training.

    `frozen` are the ids of otherwise trainable layers that are frozen here. `layers` are the ids of the layers in use,
    None for all of them. `optimizer` has the stage's learning rate.
    """

    epochs: int
    optimizer: AnyOptimizer
    frozen: frozenset[str] = frozenset()
    layers: tuple[str, ...] | None = None

    @property
    def changes_network(self) -> bool:
        """Whether fewer layers are trainable or in use than in the experiment itself."""
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


def stage_lengths(rows: Sequence[Mapping[str, float]]) -> tuple[int, ...]:
    """The epochs of each stage that is over in a history, whose rows name their stage where there are several.

    A stage that stopped early is shorter than its plan, and all that follows begins earlier.
    """
    numbers = [int(row.get("phase", 1)) for row in rows]
    return tuple(numbers.count(number) for number in range(1, numbers[-1])) if numbers else ()


def planned_epochs(experiment: Experiment, ended: Sequence[int] = ()) -> int:
    """The total number of epochs of all stages, of which the first have `ended` after so many [stages]."""
    epochs = [epochs for epochs, _ in _portions(experiment)]
    return sum([*ended, *epochs[len(ended) :]])


def planned_rates(
    experiment: Experiment,
    steps_per_epoch: int,
    *,
    epochs: int | None = None,
    points: int | None = None,
    ended: Sequence[int] = (),
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The optimizer steps from 0, int64 [steps], and the planned learning rate of each, float64 [steps].

    Each stage restarts the schedule; an adaptive schedule is taken as it begins. All steps, or about `points` of them
    evenly spaced. `epochs` replaces the number of epochs of a training without stages; the first stages have `ended`
    after so many [stages].
    """
    import numpy as np  # checking and showing an experiment does not need it

    courses = planned_courses(experiment, steps_per_epoch, epochs=epochs, ended=ended)
    count = sum(course.steps for course in courses)
    wanted = count if points is None else min(count, points)
    steps = np.unique(np.linspace(0, count - 1, wanted).round().astype(np.int64))
    return steps, rates_at(courses, steps)


def rates_at(courses: Sequence[Course], steps: NDArray[np.int64]) -> NDArray[np.float64]:
    """The rate of each of the rising `steps`, int64 [steps] from 0, of a training with these stages: float64 [steps].

    Steps beyond the last stage are taken as its own.
    """
    import numpy as np

    starts = np.cumsum([0, *(course.steps for course in courses)])
    ends = [*starts[1:-1], np.inf]
    inside = [steps[(steps >= start) & (steps < end)] - start for start, end in zip(starts[:-1], ends, strict=True)]
    return np.concatenate([course.rates(part) for part, course in zip(inside, courses, strict=True)])


def planned_courses(
    experiment: Experiment, steps_per_epoch: int, *, epochs: int | None = None, ended: Sequence[int] = ()
) -> list[Course]:
    """The rates of each stage, in order. `epochs` take the place of those of a training without stages.

    The first stages have `ended` after so many epochs [stages], with the rates of their plan.
    """
    portions = _portions(experiment)
    if epochs is not None and len(portions) == 1:
        portions = [(epochs, portions[0][1])]
    return [
        course_of(experiment, number + 1, optimizer.learning_rate, steps_per_epoch, length, trained)
        for number, (length, optimizer) in enumerate(portions)
        for trained in [ended[number] if number < len(ended) else None]
    ]


def _portions(experiment: Experiment) -> list[tuple[int, AnyOptimizer]]:
    """Epochs and optimizer of each stage."""
    rule = experiment.pretraining
    alone = (experiment.training.epochs, experiment.optimizer)
    if isinstance(rule, Autoencoder) and rule.greedy:
        count = max(1, block_count(experiment, rule))
        return [alone] * (count - 1) + [(alone[0] + rule.more_epochs, experiment.optimizer)]
    phases = experiment.transfer.phases if experiment.transfer is not None else ()
    return [(phase.epochs, phase_optimizer(experiment, phase)) for phase in phases] or [alone]


def with_more_epochs(experiment: Experiment, count: int) -> Experiment:
    """The experiment with `count` more epochs: those of its last stage alone, for the others are over."""
    transfer, rule = experiment.transfer, experiment.pretraining
    if isinstance(rule, Autoencoder) and rule.greedy:
        return experiment.replaced(pretraining=rule.replaced(more_epochs=rule.more_epochs + count))
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
    """The layers that a phase freezes, with patterns resolved. Raises `UserError` for a pattern that
    matches no layer.
    """
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
    """The ids that a name or a pattern (`hidden_*`, `dense_[1-3]`) matches, in order."""
    if not any(sign in pattern for sign in "*?["):  # a plain name, as most are
        return tuple(name for name in ids if name == pattern)
    return tuple(name for name in ids if fnmatchcase(name, pattern))


def _layer_by_layer(experiment: Experiment, rule: Autoencoder, input_shape: Shape) -> tuple[Stage, ...]:
    """One stage per block of the encoder: it and its mirror are trained, the blocks before it are frozen, later ones
    not yet in use.
    """
    found = blocks(experiment, rule, input_shape)
    made: list[Stage] = []
    for number in range(1, len(found) + 1):
        part, done = found[:number], found[: number - 1]
        encoder = tuple(layer.id for block in part for layer in block.encoder)
        decoder = tuple(layer.id for block in reversed(part) for layer in block.decoder)
        frozen = frozenset(layer.id for block in done for layer in (*block.encoder, *block.decoder))
        epochs = experiment.training.epochs + (rule.more_epochs if number == len(found) else 0)
        made.append(Stage(epochs, experiment.optimizer, frozen, (*encoder, *decoder)))
    return tuple(made)
