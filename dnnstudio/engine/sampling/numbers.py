"""The passes of a network that predicts a number: collected as they come, in the unit that the network answers in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import Event, Progress, SamplesDone, Stage
from dnnstudio.core.jobs.requests import SampleModel
from dnnstudio.core.uncertainty.number_samples import NumberRows, NumberSamples
from dnnstudio.core.uncertainty.samples import PassKind
from dnnstudio.engine.data import StoredPart, load_part
from dnnstudio.engine.data.pictures.thumbnails import is_picture, to_pictures
from dnnstudio.engine.sampling.rows import table_of

Rows = NDArray[np.float32]
EVENT_INTERVAL_S = 0.5


class PassSource(Protocol):
    """What makes the passes: a sampler of one network, or of an ensemble's members."""

    def passes(self, x: Rows, first: int, count: int, *, seed: int, control: Control | None = None) -> Iterator[Rows]:
        """Passes `first` … `first + count − 1` over `x` [rows, *shape], each [rows, units]."""


def number_rows(job: SampleModel, part: StoredPart, outputs: NDArray[np.floating], control: Control) -> NumberRows:
    """The rows with what the network says of them with everything random off, `outputs` [rows, units].

    Its last column is the number: one unit becomes two columns where passes are made. Raises `UserError` for outputs
    that are not finite.
    """
    if not np.isfinite(outputs).all():
        raise UserError("The network's outputs are not finite numbers.", "Train it again with a lower learning rate.")
    training = load_part(job.experiment.data, "train", seed=job.experiment.seed, control=control)
    targets = np.asarray(training.y, np.float64)
    picture = is_picture(part.x.shape[1:])
    return NumberRows(
        truth=np.asarray(part.y, np.float64),
        deterministic=np.asarray(outputs[:, -1], np.float64),
        pictures=to_pictures(part.x, part.full_scale) if picture else None,
        values=None if picture else part.x.reshape(len(part), -1),
        table=() if picture else table_of(job, part, control),
        title=f"{job.part} part",
        target_mean=float(targets.mean()),
        target_std=float(targets.std()),
    )


def one_prediction(job: SampleModel, rows: NumberRows, started: float) -> NumberSamples:
    """The samples of a network in which nothing is random: its one prediction."""
    block = rows.deterministic.astype(np.float32)[None]
    return NumberSamples(rows, _sealed(block), job.seed, job.masks, "none", time.monotonic() - started)


def collect_numbers(
    job: SampleModel,
    source: PassSource,
    x: Rows,
    rows: NumberRows,
    kind: PassKind,
    control: Control,
    emit: Callable[[Event], None],
    started: float,
) -> NumberSamples:
    """Make the passes over `x` [rows, *shape], add them to earlier ones, and tell those so far twice a second."""
    earlier = job.earlier if isinstance(job.earlier, NumberSamples) else None
    before = np.empty((0, len(rows)), np.float32) if earlier is None else earlier.predictions
    spent = 0.0 if earlier is None else earlier.seconds
    first = job.first_pass if earlier is None else earlier.passes
    made: list[Rows] = []
    drawing, told = time.monotonic(), 0.0

    def so_far() -> NumberSamples:
        block = _sealed(np.concatenate([before, np.stack(made)]))
        return NumberSamples(rows, block, job.seed, job.masks, kind, spent + time.monotonic() - started)

    for one in source.passes(x, first, job.passes, seed=job.seed, control=control):
        made.append(one[:, -1])
        now = time.monotonic()
        if now - told >= EVENT_INTERVAL_S and len(made) < job.passes:
            told = now
            left = (now - drawing) / len(made) * (job.passes - len(made))
            text = f"Pass {len(made)} of {job.passes}"
            emit(Progress(run=job.id, done=len(made), total=job.passes, text=text, stage=Stage.SAMPLING))
            planned = len(before) + job.passes
            emit(SamplesDone(run=job.id, samples=so_far(), planned=planned, seconds_left=left))
    return so_far()


def check_one_output(units: int) -> None:
    """Raises `UserError` for a network with several outputs where the data has a number."""
    if units != 1:
        raise UserError(
            f"The network has {units} outputs, but the data has a number to predict, which needs one.",
            "Choose the data that the network was made for.",
        )


def _sealed(block: NDArray[np.float32]) -> NDArray[np.float32]:
    block.flags.writeable = False
    return block
