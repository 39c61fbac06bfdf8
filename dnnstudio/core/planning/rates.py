"""The learning rate of every step of a stage: its schedule, and where the training leaves it.

One function for the training, the previews and the plots, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dnnstudio.core.experiment.rate_changes import RateChange
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import Plan, Schedule

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Course:
    """The rates of one stage. Steps are counted from the stage's first; `plan` is that of the schedule alone.

    `changes` are in the order in which they happened. `trained` are the stage's epochs where it ended before its plan.
    """

    schedule: Schedule
    plan: Plan
    changes: tuple[RateChange, ...] = ()
    trained: int | None = None

    @property
    def epochs(self) -> int:
        """The epochs of the stage: those that it was trained for where it is over, else those of its plan."""
        return self.plan.epochs if self.trained is None else self.trained

    @property
    def steps(self) -> int:
        """The steps of the stage."""
        return self.epochs * self.plan.steps_per_epoch

    def rates(self, steps: ArrayLike) -> NDArray[np.float64]:
        """The learning rate of each of `steps` [steps]: float64 [steps]."""
        import numpy as np  # an experiment is read and shown without it

        given = np.asarray(steps, dtype=np.float64)
        rates = self.schedule.rates(given, self.plan)
        for change in self.changes:
            later = given >= self.first_step(change)
            rates[later] = self._rates_of(change, given[later])
        return rates

    def momenta(self, steps: ArrayLike) -> NDArray[np.float64] | None:
        """The momentum of each of `steps` [steps] if the schedule sets it: float64 [steps]; else None."""
        import numpy as np

        given = np.asarray(steps, dtype=np.float64)
        momenta = self.schedule.momentum(given, self.plan, np)
        if momenta is None:
            return None
        for change in self.changes:
            later = given >= self.first_step(change)
            momenta[later] = self.schedule.momentum(self._since_start(change, given[later]), self.plan_of(change), np)
        return np.asarray(momenta)

    def change_at(self, step: float) -> RateChange | None:
        """The change that holds at a step; None where the rate is the plan's."""
        held = [change for change in self.changes if self.first_step(change) <= step]
        return held[-1] if held else None

    def first_step(self, change: RateChange) -> float:
        """The first step that a change holds for."""
        return self.plan.in_steps(change.at, change.unit)

    def start_step(self, change: RateChange) -> float:
        """The step at which a change's schedule begins."""
        return self.plan.in_steps(change.start, change.unit)

    def plan_of(self, change: RateChange) -> Plan:
        """What a change's schedule knows of the training."""
        return self.plan if change.epochs is None else replace(self.plan, epochs=change.epochs)

    def _since_start(self, change: RateChange, steps: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        return np.maximum(steps - self.start_step(change), 0.0)

    def _rates_of(self, change: RateChange, steps: NDArray[np.float64]) -> NDArray[np.float64]:
        if change.rate is not None:
            return steps * 0.0 + change.rate
        return self.schedule.rates(self._since_start(change, steps), self.plan_of(change)) * change.factor

    def changed_by_hand(self, phase: int, step: int, wanted: float, *, scale: float = 1.0) -> RateChange:
        """The change that makes the rate `wanted` at `step` and keeps the schedule's shape from there.

        `scale` is what the rates of the course are multiplied by anyway, as by a plateau. Where the schedule has come
        to nothing there is no shape to keep: the rate is then constant.
        """
        before = self.change_at(step)
        planned = float(self.rates([step])[0])
        given: dict[str, Any] = {"phase": phase, "at": float(step), "unit": "steps"}
        if planned <= 0 or (before is not None and before.rate is not None):
            return RateChange(**given, rate=wanted / scale)
        factor = wanted / (planned * scale)
        if before is None:
            return RateChange(**given, factor=factor)
        start = self.start_step(before)
        return RateChange(**given, factor=before.factor * factor, epochs=before.epochs, start=start)


def led_by_hand(
    experiment: Experiment, course: Course, phase: int, step: int, wanted: float, *, scale: float = 1.0
) -> tuple[Experiment, Course]:
    """The experiment and the course of a phase whose rate a person sets to `wanted` at `step`.

    Changes that were recorded for later steps of this phase no longer happen.
    """
    change = course.changed_by_hand(phase, step, wanted, scale=scale)
    kept = tuple(one for one in course.changes if course.first_step(one) < step)
    others = tuple(one for one in experiment.rate_changes if one.phase != phase)
    changes = tuple(sorted((*others, *kept, change), key=lambda one: one.phase))
    return experiment.replaced(rate_changes=changes), replace(course, changes=(*kept, change))


def course_of(
    experiment: Experiment,
    number: int,
    learning_rate: float,
    steps_per_epoch: int,
    epochs: int,
    trained: int | None = None,
) -> Course:
    """The course of stage `number`, counted from 1, which begins at the optimizer's `learning_rate`."""
    changes = tuple(change for change in experiment.rate_changes if change.phase == number)
    return Course(experiment.schedule, Plan(learning_rate, steps_per_epoch, epochs), changes, trained)


DECIDES: tuple[Callable[[Experiment], object], ...] = (
    lambda experiment: experiment.schedule,
    lambda experiment: experiment.optimizer.learning_rate,
    lambda experiment: (experiment.training.epochs, experiment.training.batch_size),
    lambda experiment: None if experiment.transfer is None else experiment.transfer.phases,
    lambda experiment: (experiment.data, experiment.pretraining),
)
"""What the recorded changes belong to: with another schedule, length or number of rows they say nothing."""


def without_stale_changes(before: Experiment, after: Experiment) -> Experiment:
    """`after`, an edit of `before`, without recorded changes of the rate that no longer fit."""
    if not after.rate_changes or after.rate_changes != before.rate_changes:
        return after
    if all(part(before) == part(after) for part in DECIDES):
        return after
    return after.replaced(rate_changes=())
