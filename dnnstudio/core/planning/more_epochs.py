"""Epochs added at the end of a training: which learning rates they get, and what that makes of the experiment.

Only 1cycle has a length of its own: planned over more epochs, it would say other rates for those that are done. So
what was followed is recorded as changes of the rate, and the new epochs begin where the old ones ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from dnnstudio.core.experiment.rate_changes import RateChange
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import Constant, OneCycle
from dnnstudio.core.planning.rates import Course
from dnnstudio.core.planning.stages import planned_courses, planned_epochs, with_more_epochs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

USEFUL = 0.01
"""A rate below this share of the highest one moves next to nothing."""


class Way(StrEnum):
    """Which rates the added epochs get."""

    CONSTANT = "constant"
    """The last rate that still moved the weights, unchanged."""
    CYCLE = "cycle"
    """The schedule from its beginning, planned over the added epochs."""
    PLAN = "plan"
    """The schedule as if all epochs had been planned from the start; one without a length of its own goes on."""


def ways(experiment: Experiment) -> tuple[Way, ...]:
    """The ways that differ for this experiment's schedule, the usual one first."""
    schedule = experiment.schedule
    if schedule.adaptive or (isinstance(schedule, Constant) and schedule.warmup is None):
        return (Way.PLAN,)
    if isinstance(schedule, OneCycle):
        return (Way.CONSTANT, Way.CYCLE, Way.PLAN)
    return (Way.PLAN, Way.CONSTANT, Way.CYCLE)


def differing_ways(experiment: Experiment, count: int, steps_per_epoch: int) -> tuple[Way, ...]:
    """The `ways` whose `count` added epochs get rates that no way before has: what a person has to choose from."""
    kept: list[Way] = []
    seen: set[bytes] = set()
    for way in ways(experiment):
        course = planned_courses(lengthened(experiment, count, way, steps_per_epoch), steps_per_epoch)[-1]
        rates = _added(course, count)
        if (key := rates.tobytes()) not in seen:
            seen.add(key)
            kept.append(way)
    return tuple(kept)


def way_words(way: Way, experiment: Experiment) -> str:
    """What a way does, for a person to choose: "Go on at the last useful rate"."""
    if way is Way.CONSTANT:
        return "Go on at the last useful rate"
    if way is Way.CYCLE:
        return "The schedule once more over the new epochs"
    if isinstance(experiment.schedule, OneCycle):
        return "The schedule stretched over all epochs"
    held = experiment.rate_changes[-1] if experiment.rate_changes else None
    return "The schedule goes on" if held is None or held.rate is None else "The rate stays as it is"


def lengthened(experiment: Experiment, count: int, way: Way, steps_per_epoch: int) -> Experiment:
    """The experiment with `count` more epochs at its end; those of before keep their rates."""
    courses = planned_courses(experiment, steps_per_epoch)
    course, last = courses[-1], len(courses)
    before = course.change_at(course.plan.steps)
    longer = with_more_epochs(experiment, count)
    end, changes = float(course.plan.epochs), [*experiment.rate_changes]
    if isinstance(experiment.schedule, OneCycle):
        changes = [change for number, each in enumerate(courses, start=1) for change in _kept(each, number)]
    if way is Way.CONSTANT:
        rate = last_useful_rate(course)
        changes.append(RateChange(phase=last, at=end, unit="epochs", rate=rate, epochs=course.plan.epochs))
    elif way is Way.CYCLE:
        factor = before.factor if before is not None else 1.0
        begun = {"at": end, "start": end, "unit": "epochs"}
        changes.append(RateChange(phase=last, factor=factor, epochs=count, **begun))  # type: ignore[arg-type]
    elif isinstance(experiment.schedule, OneCycle):
        factor = before.factor if before is not None and before.rate is None else 1.0
        changes.append(RateChange(phase=last, at=end, unit="epochs", factor=factor))
    return longer.replaced(rate_changes=tuple(changes))


def _kept(course: Course, phase: int) -> list[RateChange]:
    """What makes a course the same when its phase has got longer: each part names the epochs it was planned over."""
    epochs = course.plan.epochs
    held = [change if change.epochs is not None else change.replaced(epochs=epochs) for change in course.changes]
    if held and course.first_step(held[0]) <= 0:
        return held
    return [RateChange(phase=phase, at=0.0, unit="epochs", epochs=epochs), *held]


def last_useful_rate(course: Course) -> float:
    """The last rate of a course that is at least a hundredth of its highest: what still moved the weights."""
    import numpy as np  # runs are listed without it

    steps = np.arange(max(course.plan.steps_per_epoch * course.plan.epochs, 1))
    rates = course.rates(steps)
    return float(rates[rates >= USEFUL * rates.max()][-1])


def added_rates(experiment: Experiment, count: int, steps_per_epoch: int) -> tuple[float, float, float]:
    """The first, highest and last rate of the last `count` epochs of an experiment's last stage."""
    rates = _added(planned_courses(experiment, steps_per_epoch)[-1], count)
    return float(rates[0]), float(rates.max()), float(rates[-1])


def _added(course: Course, count: int) -> NDArray[np.float64]:
    """The rates of the last `count` epochs: float64 [steps]."""
    import numpy as np

    end = course.plan.epochs * course.plan.steps_per_epoch
    return course.rates(np.arange(max(end - count * course.plan.steps_per_epoch, 0), end))


def rate_words(rates: tuple[float, float, float]) -> str:
    """ "a rate of 0.005", "rates from 0.005 to 5e-06", "rates from 0.005 up to 0.05 and down to 5e-06"."""
    first, highest, last = (f"{rate:.3g}" for rate in rates)
    if first == highest == last:
        return f"a rate of {first}"
    if highest in (first, last):
        return f"rates from {first} to {last}"
    return f"rates from {first} up to {highest} and down to {last}"


def added_sentence(experiment: Experiment, count: int, steps_per_epoch: int, ended: Sequence[int] = ()) -> str:
    """Which rate the last `count` epochs of an experiment get: "Epochs 11 to 20 get a rate of 0.005.".

    Its first stages have `ended` after so many epochs [stages].
    """
    last = planned_epochs(experiment, ended)
    if experiment.schedule.adaptive:
        return "The rate goes on as it stood at the end; a plateau cuts it as before."
    which = f"Epoch {last} gets" if count == 1 else f"Epochs {last - count + 1} to {last} get"
    return f"{which} {rate_words(added_rates(experiment, count, steps_per_epoch))}."
