"""The learning-rate test: a copy of the network is trained while the rate grows; nothing else is touched.

What the curve says is `core.rate_finding`'s.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from dnnstudio.core.control import Control
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.jobs import FindRate, FoundRate, RateTested
from dnnstudio.core.rate_finding import explosion, growing_rates, smoothed, suggest
from dnnstudio.core.stages import stages
from dnnstudio.engine.build import build
from dnnstudio.engine.checkpoint import put_values, values_of
from dnnstudio.engine.losses import objective
from dnnstudio.engine.reporting import INTERVAL_S, Emit
from dnnstudio.engine.runtime import keras
from dnnstudio.engine.stage import LiveStage

if TYPE_CHECKING:
    from dnnstudio.engine.data import Dataset

CHUNK = 10
"""Steps between two looks at the control and at the loss."""


def find_rate(
    job: FindRate,
    experiment: Experiment,
    dataset: Dataset,
    model: keras.Sequential,
    *,
    control: Control,
    emit: Emit,
) -> FoundRate:
    """Train a copy of `model` as the experiment's first epochs would, but at the job's growing rates.

    The model, its optimizer and all random states are the same bits afterwards. Raises `UserError` and `Cancelled`.
    """
    if not 0 < job.lowest < job.highest:
        raise UserError("The test's lowest rate must be above 0 and below its highest.", "Test from 1e-6 to 10.")
    if job.steps < 20:
        raise UserError(f"A test of {job.steps} steps shows nothing.", "Take 100 or more.")
    rows = len(dataset.train.x)
    if not rows:
        raise UserError("There are no rows to train on.", "Keep fewer for validation, or keep more classes.")
    rates = growing_rates(job.lowest, job.highest, job.steps)
    with untouched_random_state():
        copy = copy_of(model, experiment, dataset.summary.input_shape)
        batch = min(experiment.training.batch_size, rows)
        stage = LiveStage(
            stages(experiment, dataset.summary.input_shape)[0],
            experiment,
            copy,
            objective(experiment, dataset.summary),
            dataset.train,
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
    """The loss of each step, up to where it exploded, and whether it did."""
    losses = np.empty(0)
    told, last = 0, time.monotonic()
    while len(losses) < len(rates):
        control.check()
        stage.get_ready(control)
        count = stage.limit(min(CHUNK, len(rates) - len(losses)))
        rows = np.stack([next(batches) for _ in range(count)])
        # Step 0 throughout: a momentum that the schedule sets stays that of its beginning.
        done = stage.run(rows, np.zeros(count, np.int64), rates[len(losses) : len(losses) + count])
        losses = np.concatenate([losses, done.losses.astype(np.float64)])
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
    """Whole batches, epoch after epoch, in the order in which a training sees the rows."""
    epoch = 0
    while True:
        order = np.arange(rows)
        if experiment.training.shuffle:
            order = np.random.default_rng([experiment.seed, epoch]).permutation(rows)
        whole = order[: rows // batch * batch].astype(np.int32).reshape(-1, batch)
        yield from whole
        epoch += 1


def copy_of(model: keras.Sequential, experiment: Experiment, input_shape: tuple[int, ...]) -> keras.Sequential:
    """A network of the same layers, values and seed states that shares nothing with `model`."""
    copy = build(experiment, input_shape)
    put_values(copy.variables, values_of(model.variables))
    return copy


@contextmanager
def untouched_random_state() -> Iterator[None]:
    """Afterwards every generator that Keras draws from is where it was: Python's, NumPy's, TensorFlow's, Keras's."""
    # Not above: TensorFlow must not come before `engine.runtime` has set its surroundings.
    from tensorflow.python.eager.context import context

    tf_state = context()
    python, numpy = random.getstate(), np.random.get_state()
    # TensorFlow has no public way to read them.
    seed, operations = tf_state._seed, None if tf_state._rng is None else tf_state._rng.getstate()
    shared = keras.src.backend.common.global_state.get_global_attribute("global_seed_generator")
    drawn = None if shared is None else shared.state.numpy()
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        tf_state._seed = seed
        if operations is not None:
            tf_state._rng.setstate(operations)
        keras.src.backend.common.global_state.set_global_attribute("global_seed_generator", shared)
        if shared is not None:
            shared.state.assign(drawn)
