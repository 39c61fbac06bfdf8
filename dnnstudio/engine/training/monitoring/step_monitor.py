"""Monitors the steps of a stage: detects a non-finite or exploding loss and measures layer health at intervals."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.analysis.divergence import Divergence, explain, first_lost
from dnnstudio.core.analysis.layer_health import judge
from dnnstudio.core.errors import Cancelled
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.workspace.history import Row
from dnnstudio.engine.backend.objective import Objective
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.data.dataset import taught_rows
from dnnstudio.engine.training.checkpoint import Arrays, Position, put_values, values_of
from dnnstudio.engine.training.live_stage import LiveStage
from dnnstudio.engine.training.monitoring.divergence_search import Stretch, find_divergence
from dnnstudio.engine.training.monitoring.layer_health import HealthProbe
from dnnstudio.engine.training.monitoring.progress import Emit
from dnnstudio.engine.training.step_loop import StepsDone

if TYPE_CHECKING:
    from dnnstudio.engine.data import Dataset


class Diverged(Exception):  # noqa: N818 - an outcome of training, not an error of the program
    """The loss or a weight is no longer finite; the message is shown to the user."""

    def __init__(self, cause: Divergence) -> None:
        super().__init__(explain(cause))
        self.cause = cause


class StepWatch:
    """Runs and monitors the steps of one stage. `at` is the training's own position, which is only read."""

    def __init__(
        self,
        stage: LiveStage,
        model: keras.Sequential,
        objective: Objective,
        data: Dataset,
        experiment: Experiment,
        at: Position,
        steps_per_epoch: int,
        *,
        run: str,
        control: Control,
        emit: Emit,
    ) -> None:
        self._stage, self._model, self._objective, self._taught = stage, model, objective, taught_rows(data)
        self._at, self._control = at, control
        self._probe: HealthProbe | None = None
        if experiment.training.layer_health:
            self._probe = HealthProbe(
                stage.network,
                objective,
                self._taught,
                run=run,
                emit=emit,
                steps_per_epoch=steps_per_epoch,
                control=control,
            )
        self._start = float(at.history[0]["loss"]) / stage.loss_factor if at.history else None
        self._good = self._values()
        self.begin()

    def begin(self) -> None:
        """Mark the present values as good: a later search for a divergence starts here."""
        self._first = self._at.step
        self._sums = self._at.sums
        self._rows: list[NDArray[np.int32]] = []
        self._steps: list[NDArray[np.int64]] = []
        self._rates: list[NDArray[np.float64]] = []

    def limit(self, count: int) -> int:
        """Limit the number of steps of the next call."""
        return count if self._probe is None else self._probe.limit(self._at.epoch, self._at.step, count)

    def run(self, rows: NDArray[np.int32], steps: NDArray[np.int64], rates: NDArray[np.float64]) -> StepsDone:
        """One step for each line of `rows`, int32 [steps, batch], with its number and rate [steps].

        Raises `Diverged`; the values are then the last good ones.
        """
        epoch, step = self._at.epoch, self._at.step
        if self._probe is not None:
            self._probe.before(epoch, step)
        self._rows.extend(rows)
        self._steps.append(steps)
        self._rates.append(rates)
        done = self._stage.run(rows, steps, rates)
        self._start = float(done.losses[0]) if self._start is None else self._start
        lost = first_lost(done.losses, self._start)
        if lost is not None:
            raise Diverged(
                self._find(
                    step + lost, float(done.losses[lost]) * self._stage.loss_factor, float(rates[lost]), weights=False
                )
            )
        if self._probe is not None:
            self._probe.after(epoch, step + len(rows) - 1)
        return done

    def check_epoch(self, row: Row) -> None:
        """Called when an epoch is trained and measured: marks its values as good. Raises `Diverged` if one is not
        finite.
        """
        values = self._values()
        if not all(np.isfinite(value).all() for value in values[0]) or not np.isfinite(list(row.values())).all():
            raise Diverged(self._find(self._at.step - 1, row["loss"], row["learning_rate"], weights=True))
        self._good = values

    @property
    def is_finite(self) -> bool:
        """Whether every value is a finite number now: a checkpoint of others would replace a good one."""
        return all(np.isfinite(value).all() for values in self._values() for value in values)

    def go_back(self) -> None:
        """Put the position where the good values are of: the start of the epoch, or a step within where it began."""
        self._at.step, self._at.sums = self._first, self._sums

    @property
    def condition(self) -> str:
        """The network's condition at the last measurement ("healthy", "vanishing" …), or ""."""
        return judge(self._probe.latest).condition if self._probe is not None and self._probe.latest else ""

    def _values(self) -> tuple[Arrays, Arrays]:
        return values_of(self._model.variables), values_of(self._stage.optimizer.variables)

    def _find(self, step: int, loss: float, rate: float, *, weights: bool) -> Divergence:
        """The cause with the gradient before it, or only what is known without a search if the user stops it."""
        found: Divergence | None = None
        if self._start is not None:
            stretch = Stretch(
                tuple(self._rows),
                np.concatenate(self._steps),
                np.concatenate(self._rates),
                self._at.epoch + 1,
                self._first,
                self._start,
            )
            try:
                found = find_divergence(
                    self._stage,
                    self._model,
                    self._objective,
                    self._taught,
                    self._good,
                    stretch,
                    control=self._control,
                )
            except Cancelled:
                found = None
        put_values(self._model.variables, self._good[0])
        put_values(self._stage.optimizer.variables, self._good[1])
        if found is not None:
            return replace(found, loss=found.loss * self._stage.loss_factor)
        return Divergence(epoch=self._at.epoch + 1, step=step + 1, loss=loss, learning_rate=rate, weights=weights)
