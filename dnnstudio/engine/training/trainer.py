"""Trains a network, from the first step to the finished run folder.

It adds to the steps of `step_loop`: epochs, schedule, validation, best weights, stop and pause, checkpoints and events.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.analysis.divergence import Divergence
from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import Performance
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import EpochDone, Progress, RateChanged, RunEnded, RunStarted, Stage
from dnnstudio.core.jobs.results import EndReason, RunResult
from dnnstudio.core.planning.rates import led_by_hand
from dnnstudio.core.planning.stages import stages
from dnnstudio.core.text import count_of
from dnnstudio.core.workspace.history import Row
from dnnstudio.engine.backend.adapt import adapt_normalizations
from dnnstudio.engine.backend.builder import build, has_random_layers
from dnnstudio.engine.backend.objective import training_objective
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.training.augmented_rows import TrainingRows
from dnnstudio.engine.training.autosave import Autosave
from dnnstudio.engine.training.checkpoint import (
    Arrays,
    Checkpoint,
    Position,
    load_checkpoint,
    put_values,
    refuse_changes,
    values_of,
)
from dnnstudio.engine.training.clock import Clock
from dnnstudio.engine.training.finalize import close_somewhere, rescue
from dnnstudio.engine.training.live_stage import LiveStage
from dnnstudio.engine.training.monitoring.epoch_rules import Best
from dnnstudio.engine.training.monitoring.progress import BatchReporter, Emit
from dnnstudio.engine.training.monitoring.step_figures import StepFigures, epoch_figures
from dnnstudio.engine.training.monitoring.step_monitor import Diverged, StepWatch
from dnnstudio.engine.training.observer import TrainingObserver, told_at_end
from dnnstudio.engine.training.run_writer import RunFolder
from dnnstudio.engine.training.step_loop import lines

if TYPE_CHECKING:
    from dnnstudio.engine.data import Dataset

CHUNK_S = 0.1
"""Target duration of the steps between two checks of the control flags."""
CHECKPOINT_S = 10.0
"""The longest time between two checkpoints: the work that a crash may cost."""


def train(
    experiment: Experiment,
    dataset: Dataset,
    *,
    folder: Path,
    run: str,
    control: Control,
    emit: Emit,
    model: keras.Sequential | None = None,
    resume_from: Path | None = None,
    stop_after: int | None = None,
    around: TrainingObserver | None = None,
) -> RunResult:
    """Train `model` (or a fresh network of the experiment's seed) and fill `folder`.

    With `resume_from`, a run folder, training goes on from its checkpoint exactly as if it had never stopped. It stops
    after epoch `stop_after` though more are planned. `around` is told of its course. The last event is `RunEnded`,
    whatever happens. Raises `UserError`.
    """
    around = around or TrainingObserver()
    given: dict[str, Any] = {"folder": folder, "run": run, "control": control, "emit": emit, "model": model}
    try:
        trainer = Trainer(experiment, dataset, **given, resume_from=resume_from, stop_after=stop_after)
        result, message = trainer.train(around)
        note = told_at_end(around, folder, result.folder)
        if result.elsewhere:
            result = replace(result, elsewhere=f"{result.elsewhere} {note}".rstrip())
        message = f"{message} {result.elsewhere or note}".rstrip()
    except Cancelled:
        around.failed()
        emit(RunEnded(run=run, reason="stopped", message="Stopped before the first step."))
        raise
    except BaseException as error:
        around.failed()
        emit(RunEnded(run=run, reason="failed", message=str(error)))
        raise
    emit(RunEnded(run=run, reason=result.reason, message=message, result=result, cause=trainer.cause, note=note))
    return result


def fresh_model(experiment: Experiment, summary: DataSummary, *, control: Control | None = None) -> keras.Sequential:
    """The network for this data, with the initial weights of the experiment's seed. Raises `UserError`, `Cancelled`."""
    keras.utils.set_random_seed(experiment.seed)
    return build(experiment, summary.input_shape, unit=summary.target_unit, control=control)


class Trainer:
    """One training: created, run once by `train`, and discarded."""

    def __init__(
        self,
        experiment: Experiment,
        dataset: Dataset,
        *,
        folder: Path,
        run: str,
        control: Control,
        emit: Emit,
        model: keras.Sequential | None = None,
        resume_from: Path | None = None,
        stop_after: int | None = None,
    ) -> None:
        self._experiment = experiment
        self._data = dataset
        self._folder = RunFolder(folder)
        self._run = run
        self._control = control
        self._emit = emit
        self._objective = training_objective(experiment, dataset.summary)
        rows = len(dataset.train.x)
        if not rows:
            raise UserError("There are no rows to train on.", "Keep fewer for validation, or keep more classes.")
        self._model = fresh_model(experiment, dataset.summary) if model is None else model
        if resume_from is None:
            adapt_normalizations(self._model, dataset.train.x, control)
        self._batch = min(experiment.training.batch_size, rows)
        self._steps_per_epoch = -(-rows // self._batch)
        self._rows = TrainingRows(experiment, dataset, control)
        self._figures_of_steps = StepFigures(self._objective, dataset)
        self._stages = stages(experiment, dataset.summary.input_shape)
        self._stop_after = stop_after
        self._at = Position(best=Best.of(experiment.training.early_stopping))
        self._best: Arrays = []
        self._resumed = resume_from is not None
        checkpoint = load_checkpoint(resume_from) if resume_from is not None else None
        if checkpoint is not None:
            refuse_changes(checkpoint, experiment, dataset.fingerprint, dataset.summary.input_shape)
            self._at, self._best = checkpoint.position, checkpoint.best
        self._stage = self._begin_stage()
        if checkpoint is not None:
            put_values(self._model.variables, checkpoint.network)
            put_values(self._stage.optimizer.variables, checkpoint.optimizer)
        self._watch = self._new_watch()
        self.cause: Divergence | None = None
        self._reporter = BatchReporter(
            run,
            emit,
            accuracies=self._objective.metric == "accuracy",
            steps_total=self._steps_per_epoch * self._at.epochs_of(self._stages),
        )
        self._saving = Autosave(self._folder, run=run, emit=emit)
        self._started = time.time()
        self._clock = Clock(control)

    def train(self, around: TrainingObserver) -> tuple[RunResult, str]:
        """Train to the end and fill the folder: the result, and in words how it ended."""
        self._folder.begin(self._experiment, self._at.history, resumed=self._resumed, data=self._data)
        if not self._resumed:
            self._save_checkpoint()  # from the start, a run can be resumed however the process ends
        self._folder.introduce(around, resumed=self._resumed)
        self._emit(
            RunStarted(
                run=self._run,
                experiment=self._experiment,
                folder=self._folder.path,
                steps_per_epoch=self._steps_per_epoch,
                epochs=self._at.epochs_of(self._stages),
                first_epoch=self._at.epoch,
                note=self._stage.note,
            )
        )
        try:
            reason, message = self._all_stages()
            self._emit(Progress(run=self._run, done=0, total=0, text=f"{message} Saving the run.", stage=Stage.SAVING))
        except BaseException:
            rescue(self._folder, self._model, self._experiment, self._data, best=self._best, at=self._at)
            raise
        finally:
            self._stage.release()
        self._reporter.flush(self._at.epoch)
        return (result := self._finish(reason, message)), str(result.metrics["message"])

    # ------------------------------------------------------------------------------------- epochs

    def _all_stages(self) -> tuple[EndReason, str]:
        while True:
            reason, message = self._epochs_of_stage()
            if reason not in ("finished", "early_stopping") or self._at.stage + 1 == len(self._stages):
                return reason, message
            self._end_stage()
            self._stage.release()
            afresh = self._stages[self._at.stage].layers is not None
            self._at.begin_stage(afresh=afresh)
            self._best = [] if afresh else self._best
            self._reporter.steps_total = self._steps_per_epoch * self._at.epochs_of(self._stages)
            self._stage = self._begin_stage()
            self._watch = self._new_watch()

    def _begin_stage(self) -> LiveStage:
        """Compile the stage of the present position. Raises `UserError`."""
        self._chunk, self._traced = 1, False
        return LiveStage(
            self._stages[self._at.stage],
            self._experiment,
            self._model,
            self._objective,
            self._rows.split,
            self._data.summary,
            self._steps_per_epoch,
            self._at.stage + 1,
        )

    def _new_watch(self) -> StepWatch:
        """The monitor of the present stage's steps, starting from the present values."""
        given = (self._stage, self._model, self._objective, self._data, self._experiment, self._at)
        return StepWatch(*given, self._steps_per_epoch, run=self._run, control=self._control, emit=self._emit)

    def _end_stage(self) -> None:
        """Set the stage's final weights: the moving averages if the optimizer keeps any, the best ones if requested."""
        self._stage.finish()
        if self._best and (rule := self._experiment.training.early_stopping) and rule.restore_best:
            self._model.set_weights(self._best)

    def _epochs_of_stage(self) -> tuple[EndReason, str]:
        rule, at = self._experiment.training.early_stopping, self._at
        try:
            while at.stage_epoch < self._stage.epochs:
                self._control.check()
                row = self._epoch()
                if rule and at.patience.look(row, rule):
                    return "early_stopping", f"Stopped early: no better for {count_of(rule.patience, 'epoch')}."
                more = at.epoch < at.epochs_of(self._stages)
                if more and (self._control.finishing or at.epoch == self._stop_after):
                    return "stopped", f"Stopped after epoch {at.epoch}."
                if self._saving.is_due(CHECKPOINT_S):
                    self._save_checkpoint()
        except Cancelled:
            return "stopped", f"Stopped in epoch {at.epoch + 1}."
        except Diverged as error:
            self.cause = error.cause
            self._watch.go_back()
            return "diverged", str(error)
        return "finished", f"Finished {count_of(at.epoch, 'epoch')}."

    def _epoch(self) -> Row:
        """Train one epoch, or the rest of it, and return its history row. Raises `Cancelled` and `Diverged`."""
        at = self._at
        self._clock.lap()
        rate = self._steps_of_epoch()
        begun = time.monotonic()
        figures = {
            "validation": self._stage.evaluator.evaluate(self._data.validation, control=self._control),
            "clean": {},
        }
        if self._measures_clean:
            figures["clean"] = self._stage.evaluator.evaluate(self._data.train, control=self._control)
        self._reporter.took(time.monotonic() - begun, 0)
        row: Row = {"epoch": at.epoch + 1, **self._figures_of_steps.of_epoch(at)}
        row |= {f"val_{name}": value for name, value in epoch_figures(figures["validation"])}
        row |= {"learning_rate": rate, "seconds": 0.0}
        row |= {f"clean_{name}": value for name, value in epoch_figures(figures["clean"])}
        if len(self._stages) > 1:
            row["phase"] = at.stage + 1
        self._watch.check_epoch(row)
        row["seconds"] = round(at.seconds + self._clock.lap(), 6)
        at.end_epoch(row)
        self._watch.begin()
        if is_best := at.best.look(row):
            self._best = self._model.get_weights()
        self._look_for_plateau(row)
        self._saving.add_epoch(row, at.history)
        self._emit(EpochDone(run=self._run, row=dict(row), is_best=is_best))
        return row

    @property
    def _measures_clean(self) -> bool:
        """Whether training sees other figures than predicting, so that the training rows are measured again."""
        return has_random_layers(self._experiment) or self._experiment.data.augmentation is not None

    def _steps_of_epoch(self) -> float:
        """Run this epoch's steps from the present position, and return the last one's learning rate."""
        at = self._at
        order = self._order(at.epoch)
        self._rows.begin(at.epoch)
        full = len(order) // self._batch
        while at.step < self._steps_per_epoch:
            self._control.check()
            self._stage.get_ready(self._control)
            self._take_rate()
            count = min(self._chunk, full - at.step) if at.step < full else 1
            count = self._stage.limit(self._watch.limit(count))
            self._stage.expect(lines(order, self._batch, at.step + count, self._stage.together))
            self._some_steps(lines(order, self._batch, at.step, count))
            at.seconds += self._clock.lap()
            if at.step < self._steps_per_epoch and self._saving.is_due(CHECKPOINT_S) and self._watch.is_finite:
                self._save_checkpoint()
        return float(self._rates(np.array([self._step_of_stage() - 1]))[0])

    def _some_steps(self, rows: NDArray[np.int32]) -> None:
        at, count = self._at, len(rows)
        first = at.epoch * self._steps_per_epoch + at.step
        steps = np.arange(self._step_of_stage(), self._step_of_stage() + count)
        rates = self._rates(steps)
        begun = time.monotonic()
        done = self._watch.run(rows, steps, rates)
        seconds = time.monotonic() - begun
        losses, metrics = self._figures_of_steps.add(at, done, rows.shape[1])
        at.step += count
        if self._traced:
            self._reporter.took(seconds, count)
        self._traced = True
        self._reporter.add(at.epoch + 1, first, losses, metrics, rates)
        # The first call is mostly tracing; growth is limited to a factor of four, so that its timing does not mislead.
        chunk = int(np.clip(count * CHUNK_S / max(seconds, 1e-6), 1, 4 * self._chunk))
        self._chunk = max(chunk - chunk % self._stage.together, min(chunk, self._stage.together))

    def _order(self, epoch: int) -> NDArray[np.int32]:
        """The order of the rows in this epoch: it depends only on seed and epoch, so that resuming repeats it."""
        count = len(self._data.train.x)
        if not self._experiment.training.shuffle:
            return np.arange(count, dtype=np.int32)
        return np.random.default_rng([self._experiment.seed, epoch]).permutation(count).astype(np.int32)

    # -------------------------------------------------------------------------------------- rates

    def _step_of_stage(self) -> int:
        return self._at.stage_epoch * self._steps_per_epoch + self._at.step

    def _rates(self, steps: NDArray[np.int64]) -> NDArray[np.float64]:
        return self._stage.rates(steps) * self._at.rate_scale

    def _take_rate(self) -> None:
        """A rate set while training: the schedule goes on from it, keeping its shape. The run's experiment says so."""
        at, wanted = self._at, self._control.take_learning_rate()
        if wanted is None:
            return
        self._experiment, self._stage.course = led_by_hand(
            self._experiment, self._stage.course, at.stage + 1, self._step_of_stage(), wanted, scale=at.rate_scale
        )
        self._saving.save_experiment(self._experiment)
        step = at.epoch * self._steps_per_epoch + at.step
        self._emit(RateChanged(run=self._run, experiment=self._experiment, step=step, rate=wanted))

    def _scale_to(self, wanted: float) -> None:
        planned = float(self._stage.rates(np.array([self._step_of_stage()]))[0])
        if planned > 0:
            self._at.rate_scale = wanted / planned

    def _look_for_plateau(self, row: Row) -> None:
        rule = self._experiment.schedule
        if isinstance(rule, Performance):
            wanted = self._at.plateau.look(row, rule, row["learning_rate"])
            if wanted != row["learning_rate"]:
                self._scale_to(wanted)

    # ---------------------------------------------------------------------------------- checkpoint

    def _save_checkpoint(self) -> None:
        self._saving.save_checkpoint(self._checkpoint())

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            position=self._at,
            network=values_of(self._model.variables),
            optimizer=values_of(self._stage.optimizer.variables),
            best=self._best,
            experiment=self._experiment,
            fingerprint=self._data.fingerprint,
        )

    # ----------------------------------------------------------------------------------------- end

    def _finish(self, reason: EndReason, message: str) -> RunResult:
        """The final weights, their figures on every part, and the files. Raises `UserError`."""
        at_the_end = self._checkpoint()
        self._saving.save_checkpoint(at_the_end)
        if reason != "diverged":
            self._end_stage()
        elif self._best and (rule := self._experiment.training.early_stopping) and rule.restore_best:
            self._model.set_weights(self._best)
        figures: dict[str, Any] = {"run": self._run, "reason": reason, "message": message}
        figures |= {"health": self._watch.condition, "started": round(self._started, 3)}
        files = (self._model, self._experiment, self._data, figures)
        given: dict[str, Any] = {"best": self._best, "at": self._at, "stage": self._stage, "emit": self._emit}
        given["control"] = self._control.later() if reason == "stopped" else self._control
        folder, metrics, why = close_somewhere(self._folder, *files, **given, checkpoint=at_the_end)
        about: dict[str, Any] = {"run": self._run, "folder": folder, "metrics": metrics, "elsewhere": why}
        return RunResult(**about, reason=reason, epochs=self._at.epoch, best_epoch=self._at.best.epoch)
