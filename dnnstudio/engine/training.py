"""Training a network, from the first step to the run folder that is left behind.

The steps themselves are `engine.loop`'s; here lies what goes on around them: epochs and their order of rows, the
schedule, validation, the best weights, stop and pause, a loss that is no number, checkpoints and events.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.control import Control
from dnnstudio.core.divergence import Divergence
from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.history import Row
from dnnstudio.core.jobs import EndReason, EpochDone, Progress, RunEnded, RunResult, RunStarted
from dnnstudio.core.schedules import Performance
from dnnstudio.core.stages import stages
from dnnstudio.engine.build import build, has_random_layers
from dnnstudio.engine.checkpoint import (
    Arrays,
    Checkpoint,
    Position,
    load_checkpoint,
    put_values,
    refuse_changes,
    save_checkpoint,
    values_of,
)
from dnnstudio.engine.closing import close_run, rescue
from dnnstudio.engine.loop import lines
from dnnstudio.engine.losses import objective
from dnnstudio.engine.normalization import adapt_normalizations
from dnnstudio.engine.reporting import BatchReporter, Emit
from dnnstudio.engine.run_folder import RunFolder
from dnnstudio.engine.runtime import keras
from dnnstudio.engine.stage import LiveStage
from dnnstudio.engine.surroundings import Surroundings
from dnnstudio.engine.watch import Diverged, StepWatch

if TYPE_CHECKING:
    from dnnstudio.engine.data import Dataset

CHUNK_S = 0.1
"""How long the steps between two looks at the control should take."""
CHECKPOINT_S = 10.0
"""How much work a crash may cost."""


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
    around: Surroundings | None = None,
) -> RunResult:
    """Train `model` (or a fresh network of the experiment's seed) and fill `folder`.

    With `resume_from`, a run folder, training goes on from its checkpoint exactly as if it had never stopped. It stops
    after epoch `stop_after` though more are planned. `around` is told of its course. The last event is `RunEnded`,
    whatever happens. Raises `UserError`.
    """
    around = around or Surroundings()
    given: dict[str, Any] = {"folder": folder, "run": run, "control": control, "emit": emit, "model": model}
    try:
        trainer = Trainer(experiment, dataset, **given, resume_from=resume_from, stop_after=stop_after)
        result, message = trainer.train(around)
        note = around.closed(folder)
        message = f"{message} {note}".rstrip()
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


def fresh_model(experiment: Experiment, input_shape: tuple[int, ...]) -> keras.Sequential:
    """The network with the weights that the experiment's seed gives. Raises `UserError`."""
    keras.utils.set_random_seed(experiment.seed)
    return build(experiment, input_shape)


class Trainer:
    """One training: made, run once by `train`, and dropped."""

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
        self._objective = objective(experiment, dataset.summary)
        rows = len(dataset.train.x)
        if not rows:
            raise UserError("There are no rows to train on.", "Keep fewer for validation, or keep more classes.")
        self._model = fresh_model(experiment, dataset.summary.input_shape) if model is None else model
        if resume_from is None:
            adapt_normalizations(self._model, dataset.train.x, control)
        self._batch = min(experiment.training.batch_size, rows)
        self._steps_per_epoch = -(-rows // self._batch)
        self._stages = stages(experiment, dataset.summary.input_shape)
        self._epochs = sum(stage.epochs for stage in self._stages)
        self._stop_after = stop_after
        self._at = Position()
        rule = experiment.training.early_stopping
        self._at.best.monitor = rule.monitor if rule else "val_loss"
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
            steps_total=self._steps_per_epoch * self._epochs,
        )
        self._saved_at = time.monotonic()
        self._started = time.time()

    def train(self, around: Surroundings) -> tuple[RunResult, str]:
        """Train to the end and fill the folder: the result, and in words how it ended."""
        self._folder.begin(self._experiment, self._at.history, resumed=self._resumed)
        around.begun(self._folder.path)
        self._emit(
            RunStarted(
                run=self._run,
                experiment=self._experiment,
                folder=self._folder.path,
                steps_per_epoch=self._steps_per_epoch,
                epochs=self._epochs,
                first_epoch=self._at.epoch,
                note=self._stage.note,
            )
        )
        try:
            reason, message = self._all_stages()
        except BaseException:
            rescue(self._folder, self._model, self._experiment, self._data, best=self._best, at=self._at)
            raise
        finally:
            self._stage.release()
        self._reporter.flush(self._at.epoch)
        self._emit(Progress(run=self._run, done=0, total=0, text=f"{message} Saving the run."))
        self._save_checkpoint()
        return self._finish(reason, message), message

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
            self._stage = self._begin_stage()
            self._watch = self._new_watch()

    def _begin_stage(self) -> LiveStage:
        """Compile the stage at which the training stands. Raises `UserError`."""
        self._chunk, self._traced = 1, False
        return LiveStage(
            self._stages[self._at.stage],
            self._experiment,
            self._model,
            self._objective,
            self._data.train,
            self._steps_per_epoch,
        )

    def _new_watch(self) -> StepWatch:
        """What looks at the steps of the stage at which the training stands, from its values of this moment on."""
        given = (self._stage, self._model, self._objective, self._data, self._experiment, self._at)
        return StepWatch(*given, self._steps_per_epoch, run=self._run, control=self._control, emit=self._emit)

    def _end_stage(self) -> None:
        """The weights that the stage leaves: averages where the optimizer keeps any, the best ones where wanted."""
        rule = self._experiment.training.early_stopping
        self._stage.finish()
        if self._best and rule and rule.restore_best:
            self._model.set_weights(self._best)

    def _epochs_of_stage(self) -> tuple[EndReason, str]:
        rule, at = self._experiment.training.early_stopping, self._at
        try:
            while at.stage_epoch < self._stage.epochs:
                self._control.check()
                row = self._epoch()
                if rule and at.patience.look(row, rule):
                    return "early_stopping", f"Stopped early: no better for {rule.patience} epochs."
                if (self._control.finishing or at.epoch == self._stop_after) and at.epoch < self._epochs:
                    return "stopped", f"Stopped after epoch {at.epoch}."
                if time.monotonic() - self._saved_at >= CHECKPOINT_S:
                    self._save_checkpoint()
        except Cancelled:
            return "stopped", f"Stopped in epoch {at.epoch + 1}."
        except Diverged as error:
            self.cause = error.cause
            at.begin_epoch()
            return "diverged", str(error)
        return "finished", f"Finished {at.epoch} epochs."

    def _epoch(self) -> Row:
        """One epoch, or what is left of it: its row of the history. Raises `Cancelled` and `Diverged`."""
        at = self._at
        rate = self._steps_of_epoch()
        begun = time.monotonic()
        figures = {
            "validation": self._stage.evaluator.evaluate(self._data.validation, control=self._control),
            "clean": self._stage.evaluator.evaluate(self._data.train, control=self._control)
            if self._measures_clean
            else {},
        }
        seconds = time.monotonic() - begun
        self._reporter.took(seconds, 0)
        metric, rows = self._objective.metric, len(self._data.train.x)
        row: Row = {"epoch": at.epoch + 1, "loss": at.loss_sum / rows, metric: at.metric_sum / rows}
        row |= {f"val_{name}": value for name, value in figures["validation"].items()}
        row |= {"learning_rate": rate, "seconds": round(at.seconds + seconds, 6)}
        row |= {f"clean_{name}": value for name, value in figures["clean"].items()}
        if len(self._stages) > 1:
            row["phase"] = at.stage + 1
        self._watch.check_epoch(row)
        at.history.append(row)
        at.epoch += 1
        at.stage_epoch += 1
        at.begin_epoch()
        self._watch.begin()
        if is_best := at.best.look(row):
            self._best = self._model.get_weights()
        self._look_for_plateau(row)
        self._folder.add_epoch(row)
        self._emit(EpochDone(run=self._run, row=dict(row), is_best=is_best))
        return row

    @property
    def _measures_clean(self) -> bool:
        """Whether training sees other figures than predicting, so that the training rows are measured again."""
        return has_random_layers(self._experiment)

    def _steps_of_epoch(self) -> float:
        """The steps of this epoch from where it stands; the last one's learning rate."""
        at = self._at
        order = self._order(at.epoch)
        full = len(order) // self._batch
        while at.step < self._steps_per_epoch:
            self._control.check()
            self._stage.get_ready(self._control)
            self._take_rate()
            count = min(self._chunk, full - at.step) if at.step < full else 1
            count = self._stage.limit(self._watch.limit(count))
            self._stage.expect(lines(order, self._batch, at.step + count, self._stage.together))
            self._some_steps(lines(order, self._batch, at.step, count))
        return float(self._rates(np.array([self._step_of_stage() - 1]))[0])

    def _some_steps(self, rows: NDArray[np.int32]) -> None:
        at, count = self._at, len(rows)
        first = at.epoch * self._steps_per_epoch + at.step
        steps = np.arange(self._step_of_stage(), self._step_of_stage() + count)
        rates = self._rates(steps)
        begun = time.monotonic()
        done = self._watch.run(rows, steps, rates)
        seconds = time.monotonic() - begun
        at.seconds += seconds
        at.loss_sum += float(done.losses.sum(dtype=np.float64)) * rows.shape[1]
        at.metric_sum += float(done.metrics.sum(dtype=np.float64)) * rows.shape[1]
        at.step += count
        if self._traced:
            self._reporter.took(seconds, count)
        self._traced = True
        self._reporter.add(at.epoch + 1, first, done.losses, done.metrics, rates)
        # The first call is mostly tracing; growing by at most four times a call keeps it from misleading the next.
        wanted = count * CHUNK_S / max(seconds, 1e-6)
        chunk = int(np.clip(wanted, 1, 4 * self._chunk))
        self._chunk = max(chunk - chunk % self._stage.together, min(chunk, self._stage.together))

    def _order(self, epoch: int) -> NDArray[np.int32]:
        """The rows in the order of this epoch: it depends on seed and epoch alone, so that resuming finds it again."""
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
        """A rate set while training: the schedule goes on from it, keeping its shape."""
        if (wanted := self._control.take_learning_rate()) is not None:
            self._scale_to(wanted)

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

    def _values(self) -> tuple[Arrays, Arrays]:
        """Copies of every variable of the network and of the optimizer."""
        return values_of(self._model.variables), values_of(self._stage.optimizer.variables)

    def _save_checkpoint(self) -> None:
        network, optimizer = self._values()
        save_checkpoint(
            self._folder.path,
            Checkpoint(
                position=self._at,
                network=network,
                optimizer=optimizer,
                best=self._best,
                experiment=self._experiment,
                fingerprint=self._data.fingerprint,
            ),
        )
        self._saved_at = time.monotonic()

    # ----------------------------------------------------------------------------------------- end

    def _finish(self, reason: EndReason, message: str) -> RunResult:
        """The final weights, their figures on every part, and the files."""
        at = self._at
        if reason != "diverged":
            self._end_stage()
        elif self._best and (rule := self._experiment.training.early_stopping) and rule.restore_best:
            self._model.set_weights(self._best)
        figures: dict[str, Any] = {
            "run": self._run,
            "reason": reason,
            "message": message,
            "epochs": at.epoch,
            "best_epoch": at.best.epoch,
            "health": self._watch.condition,
            "seconds": round(sum(row["seconds"] for row in at.history) + at.seconds, 3),
            "started": round(self._started, 3),
        }
        files = (self._folder, self._model, self._experiment, self._data, figures)
        metrics = close_run(*files, best=self._best, at=at, stage=self._stage)
        return RunResult(
            run=self._run,
            folder=self._folder.path,
            reason=reason,
            epochs=at.epoch,
            best_epoch=at.best.epoch,
            metrics=metrics,
        )
