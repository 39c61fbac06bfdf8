"""One sentence on a schedule, and the plan for its preview. No widgets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.analysis.checks.stack import Stack
from dnnstudio.core.experiment.schedules import (
    Constant,
    CosineRestarts,
    Exponential,
    OneCycle,
    Performance,
    Piecewise,
    Plan,
    Power,
    Schedule,
    Unit,
)
from dnnstudio.core.planning.rates import Course
from dnnstudio.core.planning.stages import planned_courses
from dnnstudio.core.text import count_of
from dnnstudio.gui.base.document import Document

GUESSED_STEPS = 100
"""Steps an epoch while nobody knows how many rows there are."""
POINTS = 800
PHASES_WORDS = "The schedule begins anew in each phase; Reuse layers… sets their rates and epochs."


@dataclass(frozen=True, slots=True)
class Preview:
    """The planned learning rates: `rates` at `epochs` (whole training, from 0), and the epochs worth a label."""

    epochs: NDArray[np.float64]
    rates: NDArray[np.float64]
    ticks: tuple[float, ...]
    sentence: str


def training_rows(document: Document) -> int | None:
    """How many rows the experiment trains on, where that is known."""
    return Stack(document.experiment, document.summary, document.shapes).train_rows


def plan_of(document: Document) -> Plan:
    """The plan that the schedule is given: as in training, where the number of rows is known."""
    experiment, rows = document.experiment, training_rows(document)
    steps = -(-rows // experiment.training.batch_size) if rows else GUESSED_STEPS
    return Plan(experiment.optimizer.learning_rate, steps, experiment.training.epochs)


def whole_preview(document: Document) -> Preview:
    """What the preview draws for the document: every phase with its own rate and epochs, and recorded changes."""
    experiment, plan = document.experiment, plan_of(document)
    courses = planned_courses(experiment, plan.steps_per_epoch)
    if len(courses) == 1 and not courses[0].changes:
        return preview_of(experiment.schedule, plan)
    epochs, rates, ends, words = [], [], [0.0], []
    for number, course in enumerate(courses, start=1):
        length = course.plan.steps_per_epoch * course.plan.epochs
        special = [*corners(course.schedule, course.plan), *(course.first_step(change) for change in course.changes)]
        steps = np.linspace(0, length - 1, min(POINTS, length)).round()
        steps = np.unique(np.concatenate([steps, [s for b in special for s in (b - 1, b) if 0 <= s < length]]))
        epochs.append(ends[-1] + steps / course.plan.steps_per_epoch)
        rates.append(course.rates(steps))
        ends.append(ends[-1] + course.plan.epochs)
        words.append(f"Phase {number}, {count_of(course.plan.epochs, 'epoch')}: {_course_sentence(course)}")
    sentence = words[0].partition(": ")[2] if len(words) == 1 else " ".join([PHASES_WORDS, *words])
    return Preview(np.concatenate(epochs), np.concatenate(rates), tuple(ends), sentence)


def _course_sentence(course: Course) -> str:
    """What happens to the rate in a phase, with the changes that a run has recorded."""
    words = sentence_of(course.schedule, course.plan)
    for change in course.changes:
        where = f"from {change.unit[:-1]} {change.at:g} on"
        if change.rate is not None:
            words += f" As the run was led, {where} {change.rate:.3g}."
        elif change.factor != 1:
            words += f" As the run was led, {where} {change.factor:.3g} times that."
        elif change.start:
            words += f" As the run was led, {where} once more over {count_of(change.epochs or 0, 'epoch')}."
        elif change.epochs is None:
            words += f" As the run was led, {where} stretched over {count_of(course.plan.epochs, 'epoch')}."
    return words


def preview_of(schedule: Schedule, plan: Plan) -> Preview:
    """The curve of a schedule's preview."""
    last = plan.steps_per_epoch * plan.epochs - 1
    steps = np.unique(np.linspace(0, last, min(POINTS, last + 1)).round())
    steps = np.unique(
        np.concatenate([steps, [s for b in corners(schedule, plan) for s in (b - 1, b) if 0 <= s <= last]])
    )
    epochs = steps / plan.steps_per_epoch
    ticks = [corner / plan.steps_per_epoch for corner in corners(schedule, plan)]
    ends = (0.0, *(tick for tick in ticks if 0 < tick < plan.epochs), float(plan.epochs))
    return Preview(epochs, schedule.rates(steps, plan), ends, sentence_of(schedule, plan))


def corners(schedule: Schedule, plan: Plan) -> tuple[int, ...]:
    """The steps at which something changes, rising."""
    found: list[float] = []
    start = 0
    if schedule.warmup is not None:
        start = max(1, round(plan.in_steps(schedule.warmup.duration, schedule.warmup.unit)))
        found.append(start)
        plan = Plan(plan.learning_rate, plan.steps_per_epoch, plan.epochs, start)
    match schedule:
        case OneCycle():
            half, _ = schedule.stretches(plan)
            found += [start + half, start + 2 * half]
        case Piecewise():
            found += [start + plan.in_steps(boundary, schedule.unit) for boundary in schedule.boundaries]
        case CosineRestarts():
            period, at = plan.in_steps(schedule.first_period, schedule.unit), float(start)
            while len(found) < 8 and (at := at + period) < plan.steps + start:
                found.append(at)
                period *= schedule.t_mul
    return tuple(sorted({int(np.ceil(step)) for step in found}))


def sentence_of(schedule: Schedule, plan: Plan) -> str:
    """The effect of the schedule with its figures, in one sentence."""
    sentence = _sentence(schedule, plan)
    if schedule.warmup is None:
        return sentence
    rise = length(schedule.warmup.duration, schedule.warmup.unit)
    return f"Rises for {rise} first. {sentence}"


def _sentence(schedule: Schedule, plan: Plan) -> str:
    rate = f"{plan.learning_rate:g}"
    match schedule:
        case Constant():
            return f"{rate} from the first step to the last."
        case Power():
            lost = "half" if schedule.power == 1 else f"1 / {2**schedule.power:.3g}"
            return f"Falls from {rate} to {lost} after {length(schedule.s, schedule.unit)}, then more and more slowly."
        case Exponential():
            share = "a tenth" if schedule.decay_rate == 0.1 else f"{schedule.decay_rate:.3g} of it"
            jumps = "" if schedule.progress == "step" else ", in one jump an epoch"
            return f"Falls from {rate} to {share} every {length(schedule.s, schedule.unit)}{jumps}."
        case Piecewise():
            parts = [
                f"{value:g} up to {schedule.unit[:-1]} {boundary:g}"
                for value, boundary in zip(schedule.rates_between, schedule.boundaries, strict=False)
            ]
            return f"{', '.join(parts)}, then {schedule.rates_between[-1]:g}."
        case Performance():
            epochs = length(schedule.patience, "epochs")
            cut = f"times {schedule.factor:g} whenever {epochs} bring no gain"
            return f"Starts at {rate}; {cut}. When that happens shows only in training."
        case OneCycle():
            return _one_cycle(schedule, plan)
        case CosineRestarts():
            first = length(schedule.first_period, schedule.unit)
            longer = f", each time {schedule.t_mul:g} times as long" if schedule.t_mul != 1 else ""
            return f"Down from {rate} in {first}, then up at once and down again{longer}."
    first_rate, last_rate = schedule.rates([0, max(plan.steps_per_epoch * plan.epochs - 1, 0)], plan)
    return f"From {first_rate:.3g} to {last_rate:.3g}."


def _one_cycle(schedule: OneCycle, plan: Plan) -> str:
    half, _ = schedule.stretches(plan)
    up, rest = half / plan.steps_per_epoch, (plan.steps - 2 * half) / plan.steps_per_epoch
    if plan.epochs < 4:
        return f"Up for {count_of(half, 'step')}, down for {half:,}, then {plan.steps - 2 * half:,} to almost zero."
    return f"Up for {_epochs(up)}, down for {_round(up)}, then {_round(rest)} to almost zero."


def _epochs(count: float) -> str:
    words = _round(count)
    return f"{words} epoch" if words == "1" else f"{words} epochs"


def length(duration: float, unit: Unit) -> str:
    """10 epochs, 1 epoch, 500 steps."""
    return f"{duration:,g} {unit[:-1] if duration == 1 else unit}"


def _round(epochs: float) -> str:
    return f"{epochs:.1f}".removesuffix(".0") if epochs < 10 else f"{epochs:.0f}"
