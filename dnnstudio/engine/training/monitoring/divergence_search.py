"""Finds the step at which a training diverged, by repeating the steps since the last good weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.analysis.divergence import Divergence, first_lost
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.backend.objective import Objective
from dnnstudio.engine.backend.runtime import keras, tf
from dnnstudio.engine.training.checkpoint import Arrays, put_values, values_of
from dnnstudio.engine.training.live_stage import LiveStage
from dnnstudio.engine.training.monitoring.layer_health import gradient_norms

PIECE = 16
"""Steps between two checks of the weights."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The steps of one epoch since the last good values: the rows of each, its number in the stage, and its rate.

    `first` is the index of the first of them in the epoch, from 0; `start` the initial loss of the training.
    """

    rows: tuple[NDArray[np.int32], ...]
    steps: NDArray[np.int64]
    rates: NDArray[np.float64]
    epoch: int
    first: int
    start: float


def find_divergence(
    stage: LiveStage,
    model: keras.Sequential,
    objective: Objective,
    data: Any,
    good: tuple[Arrays, Arrays],
    stretch: Stretch,
    *,
    control: Control,
) -> Divergence | None:
    """The first step of the stretch whose loss diverged or after which a weight is not finite; None if there is none.

    `good` are the values of network and optimizer before the stretch, each array in its variable's shape [...]; both
    are left as after the step found. Raises `Cancelled`.
    """
    network, optimizer = model.variables, stage.optimizer.variables

    def put(values: tuple[Arrays, Arrays]) -> None:
        put_values(network, values[0])
        put_values(optimizer, values[1])

    def run(begin: int, end: int) -> tuple[NDArray[np.float32], bool]:
        """Run these steps: their losses, and whether all weights are finite afterwards."""
        losses = [
            stage.run(rows[None], stretch.steps[place : place + 1], stretch.rates[place : place + 1]).losses
            for place, rows in enumerate(stretch.rows[begin:end], start=begin)
        ]
        return np.concatenate(losses), all(np.isfinite(value).all() for value in values_of(network))

    put(good)
    for begin in range(0, len(stretch.rows), PIECE):
        control.check()
        end = min(begin + PIECE, len(stretch.rows))
        before = values_of(network), values_of(optimizer)
        losses, finite = run(begin, end)
        if finite and first_lost(losses, stretch.start) is None:
            continue
        put(before)
        return _within(stage, model, objective, data, stretch, (begin, end), run)
    return None


def _within(
    stage: LiveStage,
    model: keras.Sequential,
    objective: Objective,
    data: Any,
    stretch: Stretch,
    piece: tuple[int, int],
    run: Callable[[int, int], tuple[NDArray[np.float32], bool]],
) -> Divergence:
    """The step within a piece that is known to contain it, with the last finite gradient before it."""
    norm, layer = None, ""
    cause = Divergence(epoch=stretch.epoch, step=stretch.first + piece[1], loss=np.nan, learning_rate=0.0)
    for place in range(*piece):
        rows = stretch.rows[place]
        norms = gradient_norms(
            stage.network, objective, tf.gather(data.x, rows), objective.labels(np.asarray(data.y)[rows])
        )
        total = float(np.sqrt(sum(value**2 for value in norms.values())))
        if np.isfinite(total) and total > 0:
            norm, layer = total, max(norms, key=lambda name: norms[name])
        losses, finite = run(place, place + 1)
        cause = replace(
            cause,
            step=stretch.first + place + 1,
            loss=float(losses[0]),
            learning_rate=float(stretch.rates[place]),
            gradient_norm=norm,
            layer=layer,
        )
        if first_lost(losses, stretch.start) is not None:
            return cause
        if not finite:
            return replace(cause, weights=True)
    return cause
