"""The figures of a training's steps and epochs, in the target's own unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.experiment.data import TargetUnit
from dnnstudio.core.uncertainty.figure_names import R2, RMSE
from dnnstudio.engine.backend.objective import Objective
from dnnstudio.engine.training.checkpoint import Position
from dnnstudio.engine.training.step_loop import StepsDone

if TYPE_CHECKING:
    from dnnstudio.engine.data import Dataset

EPOCH_FIGURES = ("loss", "accuracy", "mae", RMSE, R2)
"""What an epoch's row holds of each part; the final figures hold more."""


def epoch_figures(figures: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """Those of a part's figures that an epoch's row holds, in order."""
    return ((name, figures[name]) for name in EPOCH_FIGURES if name in figures)


class StepFigures:
    """Brings the steps' figures, which are of standardized targets, to the target's own unit and sums them up."""

    def __init__(self, objective: Objective, dataset: Dataset) -> None:
        unit = dataset.summary.target_unit or TargetUnit(mean=0.0, std=1.0)
        self._factor = unit.loss_factor(objective.loss)
        self._std = unit.std
        self._metric = objective.metric
        self._rows = len(dataset.train.x)
        self._spread = 0.0
        if objective.measures_numbers:
            self._spread = float(np.var(np.asarray(dataset.train.y, np.float64)))

    def add(self, at: Position, done: StepsDone, batch: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Add steps of `batch` rows to the sums of the epoch; their losses and metrics [steps] in the own unit."""
        losses: NDArray[np.floating] = done.losses
        metrics: NDArray[np.floating] = done.metrics
        if self._factor != 1.0 or self._std != 1.0:
            losses = done.losses.astype(np.float64) * self._factor
            metrics = done.metrics.astype(np.float64) * self._std
        at.loss_sum = _added(at.loss_sum, losses, batch)
        at.metric_sum = _added(at.metric_sum, metrics, batch)
        at.square_sum = _added(at.square_sum, done.squares, self._std**2 * batch)
        return losses, metrics

    def of_epoch(self, at: Position) -> dict[str, float]:
        """The means over the rows of the epoch that ends at `at`; of numbers also RMSE and R², of the same answers."""
        row = {"loss": at.loss_sum / self._rows, self._metric: at.metric_sum / self._rows}
        if self._spread > 0:
            mean = at.square_sum / self._rows
            row |= {RMSE: float(np.sqrt(mean)), R2: 1 - mean / self._spread}
        return row


def _added(before: float, values: NDArray[np.floating], factor: float) -> float:
    """The sum with each value times `factor`, one after the other: how many steps come at once depends on their time,
    and must not show in the last digit.
    """
    return float(np.cumsum(np.append(before, values.astype(np.float64) * factor))[-1])
