"""Runs the job `SampleModel`: reads the rows, makes the passes, and reports them as they come."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.atomic_files import reserve
from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import Event, Progress, SamplesDone, Stage
from dnnstudio.core.jobs.requests import SampleModel
from dnnstudio.core.os_errors import reason_of
from dnnstudio.core.text import byte_size
from dnnstudio.core.uncertainty.convergence import Course
from dnnstudio.core.uncertainty.number_samples import AnySamples
from dnnstudio.core.uncertainty.samples import PassKind, SampledRows, Samples
from dnnstudio.core.uncertainty.scores import Accumulator, with_both_classes
from dnnstudio.core.workspace.ensembles import is_ensemble, member_folder
from dnnstudio.core.workspace.run_rows import data_changed
from dnnstudio.core.workspace.runs import home_of
from dnnstudio.engine.backend.noise import random_layers
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.data import StoredPart, describe
from dnnstudio.engine.reuse.ensemble import Ensemble, outputs_of, rows_for
from dnnstudio.engine.sampling.ensemble import EnsembleSampler, MemberRows
from dnnstudio.engine.sampling.mc_dropout import Sampler
from dnnstudio.engine.sampling.numbers import check_one_output, collect_numbers, number_rows, one_prediction
from dnnstudio.engine.sampling.rows import check_row_answers, described, rows_of

IN_MEMORY_BYTES = 256 * 2**20
"""Passes larger than this are stored in a temporary file, which is deleted with the last reference to them."""
EVENT_INTERVAL_S = 0.5
LEAST_PASSES = 10
"""The minimum number of passes before the requested precision can end the sampling."""
SETTLED_SHARE = 0.95

Emit = Callable[[Event], None]


class SampleJobs:
    """Samples models; keeps the last compiled sampler, because the next job is usually for the same network."""

    def __init__(self, *, beside_window: bool = False) -> None:
        self._beside_window = beside_window
        self._sampler: Sampler | None = None

    def run(
        self, job: SampleModel, model: keras.Sequential, input_shape: tuple[int, ...], control: Control, emit: Emit
    ) -> AnySamples:
        """Run the job. Raises `UserError` if there is nothing to sample, and `Cancelled`."""
        started = time.monotonic()
        check_row_answers(model.output_shape)
        single = job.stochastic is False or (job.stochastic is None and not random_layers(model))
        sampler = None if single else self._sampler_of(job, model)
        part = rows_of(job, input_shape, control, emit)
        if not part.summary.classes:
            check_one_output(int(model.output_shape[-1]))
        x = part.scaled()
        if sampler is None:
            return _predicted(job, part, outputs_of(model, x, control=control), control, started)
        if not part.summary.classes:
            rows = number_rows(job, part, sampler.deterministic(x, control=control), control)
            return collect_numbers(job, sampler, x, rows, "dropout", control, emit, started)
        if not isinstance(job.earlier, Samples):
            described_rows = described(job, part, sampler.deterministic(x, control=control), control)
            passes = _Passes.empty(described_rows, job.first_pass, "dropout")
        else:
            passes = _Passes.after(job.earlier)
        return _collect(job, sampler, x, passes, control, emit, started)

    def run_ensemble(self, job: SampleModel, ensemble: Ensemble, control: Control, emit: Emit) -> AnySamples:
        """Run the job for an ensemble, whose members make the passes. Raises `UserError`, and `Cancelled`."""
        started = time.monotonic()
        part = rows_of(job, None, control, emit)
        members = [
            MemberRows(live.model, rows_for(seed, live, part, job.experiment, job.part, control))
            for seed, live in ensemble.members
        ]
        stochastic = bool(job.stochastic)
        sampler = EnsembleSampler(members, stochastic=stochastic, masks=job.masks, beside_window=self._beside_window)
        whole = replace(
            job,
            passes=len(members) * (job.passes if stochastic else 1),
            precision=job.precision if stochastic else None,
        )
        if not part.summary.classes:
            for _, live in ensemble.members:
                check_one_output(int(live.model.output_shape[-1]))
            rows = number_rows(job, part, sampler.deterministic(members[0].x, control=control), control)
            return collect_numbers(whole, sampler, members[0].x, rows, "members", control, emit, started)
        if not isinstance(job.earlier, Samples):
            described_rows = described(job, part, sampler.deterministic(members[0].x, control=control), control)
            passes = _Passes.empty(described_rows, 0, "members")
        else:
            passes = _Passes.after(job.earlier)
        return _collect(whole, sampler, members[0].x, passes, control, emit, started)

    def _sampler_of(self, job: SampleModel, model: keras.Sequential) -> Sampler:
        known = self._sampler
        if known is None or known.model is not model or known.masks != job.masks:
            known = self._sampler = Sampler(model, masks=job.masks, beside_window=self._beside_window)
        return known


def with_changed_data_said(samples: AnySamples, job: SampleModel, place: Path) -> AnySamples:
    """The samples of the network at `place`, with a title that says so where its data changed since its training.

    Rows that trained it may then be among those of any part.
    """
    home = member_folder(place, job.experiment.seed) if is_ensemble(place) else home_of(place)
    summary = describe(job.experiment.data, seed=job.experiment.seed).summary
    if not data_changed(home, summary.fingerprint):
        return samples
    title = f"{samples.rows.title} of data that changed since the training"
    if isinstance(samples, Samples):
        return replace(samples, rows=replace(samples.rows, title=title))
    return replace(samples, rows=replace(samples.rows, title=title))


@dataclass(slots=True)
class _Passes:
    """The passes so far; it grows."""

    rows: SampledRows
    blocks: tuple[NDArray[np.float32], ...]
    accumulator: Accumulator
    winners: list[NDArray[np.int16]]
    entropies: list[float]
    gaps: list[float]
    next: int
    kind: PassKind
    seconds: float = 0.0

    @classmethod
    def empty(cls, rows: SampledRows, first: int, kind: PassKind) -> _Passes:
        return cls(rows, (), Accumulator(*rows.deterministic.shape), [], [], [], first, kind)

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
            earlier.kind,
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
        scores = self.accumulator.scores()
        return Samples(self.rows, blocks, scores, course, job.seed, job.masks, self.kind, seconds)


def _predicted(
    job: SampleModel, part: StoredPart, outputs: NDArray[np.float32], control: Control, started: float
) -> AnySamples:
    """The one prediction, `outputs` [rows, units], of a network in which nothing is random, or with all of it off."""
    if not part.summary.classes:
        return one_prediction(job, number_rows(job, part, outputs, control), started)
    rows = described(job, part, np.asarray(with_both_classes(outputs), np.float32), control)
    passes = _Passes.empty(rows, 0, "none")
    passes.add(rows.deterministic)
    return passes.samples(job, _sealed(rows.deterministic[None]), time.monotonic() - started)


def _collect(
    job: SampleModel,
    sampler: Sampler | EnsembleSampler,
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
            text = f"Pass {done} of {job.passes}"
            emit(Progress(run=job.id, done=done, total=job.passes, text=text, stage=Stage.SAMPLING))
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
    """A read-only copy: data passed to other threads is never written again."""
    plain = view.view(np.ndarray)
    plain.flags.writeable = False
    return plain


def _space(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Storage for the passes: in memory, or in a temporary file if they are large."""
    size = int(np.prod(shape)) * 4
    if size <= IN_MEMORY_BYTES:
        return np.empty(shape, np.float32)
    try:
        with tempfile.TemporaryFile(prefix="dnnstudio-samples-") as file:
            reserve(file, size)
            return np.memmap(file, dtype=np.float32, mode="r+", shape=shape)
    except OSError as error:
        raise UserError(
            f"The passes need {byte_size(size)} in the folder for temporary files: {reason_of(error)}.",
            "Make room there, or sample fewer passes.",
        ) from None
