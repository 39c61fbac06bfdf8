"""The job `SampleModel`: the rows, the passes over them, and what is told of them as they come."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.control import Control
from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs import Event, Progress, SampleModel, SamplesDone
from dnnstudio.core.uncertainty.convergence import Course
from dnnstudio.core.uncertainty.samples import SampledRows, Samples
from dnnstudio.core.uncertainty.scores import Accumulator
from dnnstudio.core.uncertainty.shift import resized, shifted
from dnnstudio.engine.data import StoredPart, load_part
from dnnstudio.engine.data.pictures import is_picture, to_pictures
from dnnstudio.engine.runtime import keras
from dnnstudio.engine.sampling import Sampler

IN_MEMORY_BYTES = 256 * 2**20
"""Passes larger than this lie in a temporary file, which is gone when nobody holds them any more."""
EVENT_INTERVAL_S = 0.5
LEAST_PASSES = 10
"""So many passes at least before the precision that was asked for can end the sampling."""
SETTLED_SHARE = 0.95

Emit = Callable[[Event], None]


class SampleJobs:
    """Samples models; keeps the last compiled sampler, because the next job mostly asks for the same network."""

    def __init__(self, *, beside_window: bool = False) -> None:
        self._beside_window = beside_window
        self._sampler: Sampler | None = None

    def run(
        self, job: SampleModel, model: keras.Sequential, input_shape: tuple[int, ...], control: Control, emit: Emit
    ) -> Samples:
        """Raises `UserError` where there is nothing to sample, and `Cancelled`."""
        started = time.monotonic()
        sampler = self._sampler_of(job, model)
        part = _rows_of(job, input_shape, control, emit)
        x = part.scaled()
        if job.earlier is None:
            rows = _described(job, part, sampler.deterministic(x, control=control))
            passes = _Passes.empty(rows, job.first_pass)
        else:
            passes = _Passes.after(job.earlier)
        return _collect(job, sampler, x, passes, control, emit, started)

    def _sampler_of(self, job: SampleModel, model: keras.Sequential) -> Sampler:
        known = self._sampler
        if known is None or known.model is not model or known.masks != job.masks:
            known = self._sampler = Sampler(model, masks=job.masks, beside_window=self._beside_window)
        return known


@dataclass(slots=True)
class _Passes:
    """What was sampled so far, still growing."""

    rows: SampledRows
    blocks: tuple[NDArray[np.float32], ...]
    accumulator: Accumulator
    winners: list[NDArray[np.int16]]
    entropies: list[float]
    gaps: list[float]
    next: int
    seconds: float

    @classmethod
    def empty(cls, rows: SampledRows, first: int) -> _Passes:
        return cls(rows, (), Accumulator(*rows.deterministic.shape), [], [], [], first, 0.0)

    @classmethod
    def after(cls, earlier: Samples) -> _Passes:
        course = earlier.course
        return cls(
            earlier.rows,
            earlier.blocks,
            Accumulator.after(earlier.scores),
            list(course.winners),
            course.mean_entropy.tolist(),
            course.mean_mutual_information.tolist(),
            earlier.passes,
            earlier.seconds,
        )

    def add(self, one: NDArray[np.float32]) -> None:
        self.accumulator.add(one[None])
        winners, predictive, gap = self.accumulator.means()
        self.winners.append(winners)
        self.entropies.append(predictive)
        self.gaps.append(gap)

    def samples(self, job: SampleModel, new: NDArray[np.float32], seconds: float) -> Samples:
        course = Course(np.stack(self.winners), np.array(self.entropies), np.array(self.gaps))
        blocks = (*self.blocks, new)
        seconds += self.seconds
        return Samples(self.rows, blocks, self.accumulator.scores(), course, job.seed, job.masks, seconds)


def _collect(
    job: SampleModel,
    sampler: Sampler,
    x: NDArray[np.float32],
    passes: _Passes,
    control: Control,
    emit: Emit,
    started: float,
) -> Samples:
    space = _space((job.passes, *passes.rows.deterministic.shape))
    before, drawing, told = passes.accumulator.passes, time.monotonic(), 0.0
    done = 0
    for one in sampler.passes(x, passes.next, job.passes, seed=job.seed, control=control):
        space[done] = one
        passes.add(one)
        done += 1
        now = time.monotonic()
        last = done == job.passes or _settled(job, passes.accumulator)
        if now - told >= EVENT_INTERVAL_S and not last:
            told = now
            left = (now - drawing) / done * (job.passes - done)
            emit(Progress(run=job.id, done=done, total=job.passes, text=f"Pass {done} of {job.passes}"))
            sofar = passes.samples(job, _sealed(space[:done]), now - started)
            emit(SamplesDone(run=job.id, samples=sofar, planned=before + job.passes, seconds_left=left))
        if last:
            break
    return passes.samples(job, _sealed(space[:done]), time.monotonic() - started)


def _settled(job: SampleModel, accumulator: Accumulator) -> bool:
    if job.precision is None or accumulator.passes < LEAST_PASSES:
        return False
    errors = np.sort(accumulator.standard_errors())
    return bool(errors[ceil(SETTLED_SHARE * len(errors)) - 1] <= job.precision)


def _sealed(view: NDArray[np.float32]) -> NDArray[np.float32]:
    """Plain and read-only: what is told to other threads is never written again."""
    plain = view.view(np.ndarray)
    plain.flags.writeable = False
    return plain


def _space(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Room for the passes: in memory, or in a temporary file where they are large."""
    size = int(np.prod(shape)) * 4
    if size <= IN_MEMORY_BYTES:
        return np.empty(shape, np.float32)
    try:
        with tempfile.TemporaryFile(prefix="dnnstudio-samples-") as file:
            file.truncate(size)
            return np.memmap(file, dtype=np.float32, mode="r+", shape=shape)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(
            f"The passes need {size / 2**20:,.0f} MB in the folder for temporary files: {reason}.",
            "Make room there, or sample fewer passes.",
        ) from None


# ------------------------------------------------------------------------------------------------- the rows


def _rows_of(job: SampleModel, input_shape: tuple[int, ...], control: Control, emit: Emit) -> StoredPart:
    def tell(done: int, total: int, text: str) -> None:
        emit(Progress(run=job.id, done=done, total=total, text=text))

    experiment = job.experiment
    part = load_part(experiment.data, job.part, seed=experiment.seed, control=control, progress=tell)
    summary = part.summary
    if not summary.classes:
        raise UserError(
            "This network predicts a number, not classes.",
            "Uncertainty is shown for classifiers: choose data with classes.",
        )
    if summary.input_shape != input_shape:
        raise UserError(
            f"The network reads rows of shape {input_shape}, but the data has {summary.input_shape}.",
            "Choose the data that the network was made for.",
        )
    if not len(part):
        raise UserError(f"The {job.part} part holds no rows.", "Choose another part, or another split.")
    if job.other is not None:
        other = load_part(job.other, job.part, seed=experiment.seed, control=control, progress=tell).spread(job.limit)
        part = _in_place_of(part, other)
    part = part.spread(job.limit)
    return part if job.shift is None or job.shift.is_none else _shifted(part, job)


def _in_place_of(part: StoredPart, other: StoredPart) -> StoredPart:
    """The other set's rows in the shape and the units of the part's, so that the same scaler fits."""
    shape = part.x.shape[1:]
    if is_picture(shape) and is_picture(other.x.shape[1:]):
        pictures = to_pictures(other.x, other.full_scale).astype(np.float32)
        colored, wants_color = pictures.ndim == 4, len(shape) == 3 and shape[2] == 3
        if colored and not wants_color:
            pictures = pictures.mean(axis=3)
        fitted = resized(pictures, *shape[:2]) * np.float32(_scale(part) / 255)
        if wants_color and not colored:
            fitted = np.repeat(fitted[..., None], 3, axis=3)
        rows = fitted.reshape(len(fitted), *shape)
    elif other.x.shape[1:] == shape:
        rows = other.x
    else:
        raise UserError(
            f"Rows of shape {other.x.shape[1:]} cannot stand in for rows of shape {shape}.",
            "Choose pictures for pictures, or a table with the same columns.",
        )
    labels = np.full(len(rows), -1, np.int64)
    return StoredPart(rows, labels, part.scaler, part.summary, part.full_scale, part.columns)


def _shifted(part: StoredPart, job: SampleModel) -> StoredPart:
    shape = part.x.shape[1:]
    assert job.shift is not None
    if not is_picture(shape):
        raise UserError("Only pictures can be turned, moved or blurred.", "Compare with a second data set instead.")
    moved = shifted(part.x.astype(np.float32), job.shift, scale=_scale(part), seed=job.seed)
    return StoredPart(moved, part.y, part.scaler, part.summary, part.full_scale, part.columns)


def _scale(part: StoredPart) -> float:
    """The value of white."""
    return float(part.full_scale) if part.full_scale is not None else float(np.max(part.x)) or 1.0


def _described(job: SampleModel, part: StoredPart, deterministic: NDArray[np.float32]) -> SampledRows:
    sums = deterministic.sum(axis=1)
    if not np.isfinite(deterministic).all():
        raise UserError("The network's outputs are not finite numbers.", "Train it again with a lower learning rate.")
    if deterministic.shape[1] < 2 or deterministic.min() < -1e-4 or np.abs(sums - 1).max() > 1e-3:
        raise UserError(
            "The network's outputs are no probabilities: a row of them does not add up to 1.",
            "Give the last layer the activation softmax, or sigmoid for two classes.",
        )
    names = part.summary.class_names
    names += tuple(f"class {number}" for number in range(len(names), deterministic.shape[1]))
    if part.summary.classes > deterministic.shape[1]:
        raise UserError(
            f"The network tells {deterministic.shape[1]} classes apart, but the data has {part.summary.classes}.",
            "Choose the data that the network was made for.",
        )
    pictures = to_pictures(part.x, part.full_scale or _scale(part)) if is_picture(part.x.shape[1:]) else None
    return SampledRows(
        labels=part.y.astype(np.int64),
        deterministic=deterministic,
        class_names=names,
        pictures=pictures,
        values=part.x.reshape(len(part), -1) if pictures is None else None,
        columns=part.columns,
        title=f"{job.part} part",
    )
