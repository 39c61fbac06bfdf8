"""The learning-rate range test: trains a copy of the network with a growing rate; nothing else is changed.

`core.analysis.lr_range_test` evaluates the curve.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from dnnstudio.core.analysis.lr_range_test import explosion, growing_rates, smoothed, suggest
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import RateTested
from dnnstudio.core.jobs.requests import FindRate
from dnnstudio.core.jobs.results import FoundRate
from dnnstudio.core.planning.stages import stages
from dnnstudio.core.text import count_of
from dnnstudio.engine.backend.builder import build
from dnnstudio.engine.backend.keras_internals import untouched_random_state
from dnnstudio.engine.backend.objective import training_objective
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.data.dataset import taught_rows
from dnnstudio.engine.training.checkpoint import put_values, values_of
from dnnstudio.engine.training.live_stage import LiveStage
from dnnstudio.engine.training.monitoring.progress import INTERVAL_S, Emit

if TYPE_CHECKING:
    from dnnstudio.engine.data import Dataset

CHUNK = 10
"""Steps between two checks of the control flags and the loss."""


def find_rate(
    job: FindRate,
    experiment: Experiment,
    dataset: Dataset,
    model: keras.Sequential,
    *,
    control: Control,
    emit: Emit,
) -> FoundRate:
    """Train a copy of `model` like the experiment's first epochs, but with the job's growing rates.

    The model, its optimizer and all random states are unchanged afterwards, bit for bit. Raises `UserError` and
    `Cancelled`.
    """
    if not 0 < job.lowest < job.highest:
        raise UserError("The test's lowest rate must be above 0 and below its highest.", "Test from 1e-6 to 10.")
    if job.steps < 20:
        raise UserError(f"A test of {count_of(job.steps, 'step')} shows nothing.", "Take 100 or more.")
    rows = len(dataset.train.x)
    if not rows:
        raise UserError("There are no rows to train on.", "Keep fewer for validation, or keep more classes.")
    rates = growing_rates(job.lowest, job.highest, job.steps)
    with untouched_random_state():
        copy = copy_of(model, experiment, dataset.summary)
        batch = min(experiment.training.batch_size, rows)
        stage = LiveStage(
            stages(experiment, dataset.summary.input_shape)[0],
            experiment,
            copy,
            training_objective(experiment, dataset.summary),
            taught_rows(dataset),
            dataset.summary,
            -(-rows // batch),
        )
        try:
            losses, exploded = _train(job, stage, _batches(experiment, rows, batch), rates, control, emit)
        finally:
            stage.release()
    tested = rates[: len(losses)]
    smooth = smoothed(losses, job.steps)
    found = suggest(tested, smooth)
    return FoundRate(
        rates=tested,
        losses=losses,
        smoothed=smooth,
        steepest=found.steepest,
        tenth_of_lowest=found.tenth_of_lowest,
        exploded=exploded,
    )


def _train(
    job: FindRate,
    stage: LiveStage,
    batches: Iterator[np.ndarray],
    rates: np.ndarray,
    control: Control,
    emit: Emit,
) -> tuple[np.ndarray, bool]:
    """The loss of each step until it exploded, and whether it did."""
    losses = np.empty(0)
    factor = np.float64(stage.loss_factor)
    told, last = 0, time.monotonic()
    while len(losses) < len(rates):
        control.check()
        stage.get_ready(control)
        count = stage.limit(min(CHUNK, len(rates) - len(losses)))
        rows = np.stack([next(batches) for _ in range(count)])
        # Always step 0: a scheduled momentum keeps its initial value.
        done = stage.run(rows, np.zeros(count, np.int64), rates[len(losses) : len(losses) + count])
        losses = np.concatenate([losses, done.losses * factor])
        end = explosion(losses)
        if end is not None:
            losses = losses[: end + 1] if np.isfinite(losses[end]) else losses[:end]
        if end is not None or len(losses) == len(rates) or time.monotonic() - last >= INTERVAL_S:
            emit(RateTested(run=job.id, rates=rates[told : len(losses)], losses=losses[told:], total=len(rates)))
            told, last = len(losses), time.monotonic()
        if end is not None:
            return losses, True
    return losses, False


def _batches(experiment: Experiment, rows: int, batch: int) -> Iterator[np.ndarray]:
    """Full batches, epoch after epoch, in the order in which a training sees the rows."""
    epoch = 0
    while True:
        order = np.arange(rows)
        if experiment.training.shuffle:
            order = np.random.default_rng([experiment.seed, epoch]).permutation(rows)
        whole = order[: rows // batch * batch].astype(np.int32).reshape(-1, batch)
        yield from whole
        epoch += 1


def copy_of(model: keras.Sequential, experiment: Experiment, summary: DataSummary) -> keras.Sequential:
    """A network with the same layers, values and seed states that shares nothing with `model`."""
    copy = build(experiment, summary.input_shape, unit=summary.target_unit)
    put_values(copy.variables, values_of(model.variables))
    return copy
