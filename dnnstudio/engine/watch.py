"""What looks at every step of a training: whether it has left all bounds, and now and then how each layer is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.control import Control
from dnnstudio.core.divergence import Divergence, explain, first_lost
from dnnstudio.core.errors import Cancelled
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.health import judge
from dnnstudio.core.history import Row
from dnnstudio.engine.checkpoint import Arrays, Position, put_values, values_of
from dnnstudio.engine.diverging import Stretch, find_divergence
from dnnstudio.engine.health import HealthProbe
from dnnstudio.engine.loop import StepsDone
from dnnstudio.engine.losses import Objective
from dnnstudio.engine.reporting import Emit
from dnnstudio.engine.runtime import keras
from dnnstudio.engine.stage import LiveStage

if TYPE_CHECKING:
    from dnnstudio.engine.data import Dataset


class Diverged(Exception):  # noqa: N818 - an outcome of training, not an error of the program
    """The loss or a weight is no longer a finite number; the text is a sentence for the person."""

    def __init__(self, cause: Divergence) -> None:
        super().__init__(explain(cause))
        self.cause = cause


class StepWatch:
    """Runs the steps of one stage and watches them. `at` is the training's own position, read only."""

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
        self._stage, self._model, self._objective, self._data = stage, model, objective, data
        self._at, self._control = at, control
        self._probe: HealthProbe | None = None
        if experiment.training.layer_health:
            self._probe = HealthProbe(
                stage.network, objective, data.train, run=run, emit=emit, steps_per_epoch=steps_per_epoch
            )
        self._start = float(at.history[0]["loss"]) if at.history else None
        self._good = self._values()
        self.begin()

    def begin(self) -> None:
        """The steps to come follow on the good values; those so far are done with."""
        self._first = self._at.step
        self._rows: list[NDArray[np.int32]] = []
        self._steps: list[NDArray[np.int64]] = []
        self._rates: list[NDArray[np.float64]] = []

    def limit(self, count: int) -> int:
        """At most so many steps now."""
        return count if self._probe is None else self._probe.limit(self._at.epoch, self._at.step, count)

    def run(self, rows: NDArray[np.int32], steps: NDArray[np.int64], rates: NDArray[np.float64]) -> StepsDone:
        """One step for each line of `rows`. Raises `Diverged`; the values are then the last good ones."""
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
            raise Diverged(self._find(step + lost, float(done.losses[lost]), float(rates[lost]), weights=False))
        if self._probe is not None:
            self._probe.after(epoch, step + len(rows) - 1)
        return done

    def check_epoch(self, row: Row) -> None:
        """An epoch's steps are done and measured: its values are good. Raises `Diverged` where one is no number."""
        values = self._values()
        if not all(np.isfinite(value).all() for value in values[0]) or not np.isfinite(list(row.values())).all():
            raise Diverged(self._find(self._at.step - 1, row["loss"], row["learning_rate"], weights=True))
        self._good = values

    @property
    def condition(self) -> str:
        """The network's health when it was last measured ("healthy", "vanishing" …), or ""."""
        return judge(self._probe.latest).condition if self._probe is not None and self._probe.latest else ""

    def _values(self) -> tuple[Arrays, Arrays]:
        return values_of(self._model.variables), values_of(self._stage.optimizer.variables)

    def _find(self, step: int, loss: float, rate: float, *, weights: bool) -> Divergence:
        """The cause, with the gradient that led there; what is known at once where the person does not wait for it."""
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
                    self._data.train,
                    self._good,
                    stretch,
                    control=self._control,
                )
            except Cancelled:
                found = None
        put_values(self._model.variables, self._good[0])
        put_values(self._stage.optimizer.variables, self._good[1])
        return found or Divergence(
            epoch=self._at.epoch + 1, step=step + 1, loss=loss, learning_rate=rate, weights=weights
        )
