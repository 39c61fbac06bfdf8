"""The window's dealings with the engine: which jobs are under way, which run is live, which model is at hand.

It turns wishes (train, stop, open this model) into jobs and the engine's facts into signals that widgets show.
It draws nothing and asks nothing.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QObject, Signal

from dnnstudio.core.control import Control
from dnnstudio.core.data import Data
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.going_on import continued
from dnnstudio.core.jobs import (
    BatchesDone,
    DataPreview,
    DescribeData,
    EpochDone,
    EvaluateModel,
    Evaluation,
    FindRate,
    FoundRate,
    HealthMeasured,
    Job,
    OpenedModel,
    OpenModel,
    Progress,
    RateTested,
    RunEnded,
    RunResult,
    RunStarted,
    SavedModel,
    SaveModel,
    TrainRun,
)
from dnnstudio.core.runs import new_run_folder
from dnnstudio.gui.engine_thread import Engine, Failure

OF_A_RUN = (RunStarted, BatchesDone, EpochDone, HealthMeasured, RunEnded)
Activity = Literal["idle", "queued", "training", "paused", "stopping"]


class RunController(QObject):
    """One training at a time, reading of data that follows the edits, and models opened, saved and evaluated.

    All signals carry frozen facts. `failed(job, Failure)` is for every job but cancelled ones.
    """

    activity_changed = Signal(str)
    run_started = Signal(object)
    batches_done = Signal(object)
    epoch_done = Signal(object)
    run_ended = Signal(object)
    progressed = Signal(object)
    """A `Progress` of a job other than training, or None when it is over."""
    data_described = Signal(object, object)
    """The `DescribeData` job and its `DataPreview`."""
    model_opened = Signal(object, object)
    """The `OpenModel` job and its `OpenedModel`."""
    model_evaluated = Signal(object, object)
    model_saved = Signal(object)
    model_changed = Signal()
    health_measured = Signal(object)
    rate_tested = Signal(object)
    rate_found = Signal(object, object)
    """The `FindRate` job and its `FoundRate`."""
    failed = Signal(object, object)

    def __init__(self, engine: Engine, workspace: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self.workspace = workspace
        self._activity: Activity = "idle"
        self._training: tuple[TrainRun, Control] | None = None
        self._ended: RunEnded | None = None
        self._describing: tuple[DescribeData, Control] | None = None
        self._others: dict[str, Control] = {}
        self.model: str | None = None
        """The id of the run or opened model that Save model writes; None while there is none."""
        self.run_folder: Path | None = None
        """The folder of the newest run."""
        engine.reported.connect(self._on_event)
        engine.finished.connect(self._on_finished)
        engine.failed.connect(self._on_failed)

    # ---------------------------------------------------------------------------------------------- training

    @property
    def activity(self) -> Activity:
        return self._activity

    @property
    def training(self) -> bool:
        """Whether a training waits, runs, rests or is being stopped."""
        return self._activity != "idle"

    def is_training(self, run: str) -> bool:
        """Whether that is the id of the training that is under way."""
        return self._training is not None and self._training[0].id == run

    def train(self, experiment: Experiment, *, base: Path | None = None) -> TrainRun:
        """Train a fresh network in a new run folder. Raises `UserError`: one is under way, or the folder fails.

        `base` is where a relative source of reused layers is seen from.
        """
        if self._training is not None:
            raise UserError("A training is under way.", "Stop it first.")
        folder = new_run_folder(self.workspace, experiment.name)
        return self._train(TrainRun(experiment=experiment, folder=folder, base=base))

    def go_on(self, folder: Path, more_epochs: int | None = None) -> TrainRun:
        """Go on exactly where the run in `folder` stopped: to its planned end, or for so many more epochs.

        Raises `UserError`: one is under way, or the run cannot be read or has nothing left to do.
        """
        if self._training is not None:
            raise UserError("A training is under way.", "Stop it first.")
        return self._train(continued(folder, more_epochs))

    def _train(self, job: TrainRun) -> TrainRun:
        self._ended = None
        self._set_activity("queued")
        self._training = (job, self._engine.submit(job))
        return job

    def finish_epoch(self) -> None:
        """Stop after the epoch that is running."""
        if self._training is not None and self._activity in ("training", "paused"):
            self._set_activity("stopping")
            self._training[1].finish_epoch()

    def set_learning_rate(self, rate: float) -> None:
        """Train on with this rate; the schedule keeps its shape from there."""
        if self._training is not None:
            self._training[1].set_learning_rate(rate)

    def stop(self) -> None:
        """End the training; what was reached is kept."""
        if self._training is not None:
            self._set_activity("stopping")
            self._training[1].stop()

    def pause(self) -> None:
        if self._training is not None and self._activity == "training":
            self._set_activity("paused")
            self._training[1].pause()

    def resume(self) -> None:
        if self._training is not None and self._activity == "paused":
            self._set_activity("training")
            self._training[1].resume()

    # ------------------------------------------------------------------------------------------ learning rate

    def find_rate(self, experiment: Experiment, *, base: Path | None = None) -> FindRate:
        """Test growing learning rates on a fresh copy; `rate_tested` and `rate_found` follow. `base` as in `train`."""
        job = FindRate(experiment=experiment, base=base)
        self.submit(job)
        return job

    def cancel(self, job: Job) -> None:
        """Cancel a job other than a training."""
        if job.id in self._others:
            self._others[job.id].stop()

    # -------------------------------------------------------------------------------------------------- data

    def describe(self, data: Data, seed: int, *, download: bool = False) -> None:
        """Read the data and tell `data_described`. A later wish replaces an earlier one."""
        if self._describing is not None:
            self._describing[1].stop()
        job = DescribeData(data=data, seed=seed, download=download)
        self._describing = (job, self._engine.submit(job))

    # ------------------------------------------------------------------------------------------------ models

    def open_model(self, path: Path) -> None:
        """Read a model file or run folder; `model_opened` follows."""
        self.submit(OpenModel(path=path))

    def evaluate(self, model: str, experiment: Experiment) -> None:
        """Measure a model on the test part; `model_evaluated` follows."""
        self.submit(EvaluateModel(model=model, experiment=experiment, parts=("test",)))

    def save_model(self, path: Path) -> None:
        """Write the model at hand; `model_saved` follows. Raises `UserError` when there is none."""
        if self.model is None:
            raise UserError("There is no trained model yet.", "Press Train first.")
        self.submit(SaveModel(model=self.model, path=path))

    def cancel_others(self) -> None:
        """Cancel downloads, evaluations and the reading of models."""
        for control in self._others.values():
            control.stop()
        if self._describing is not None:
            self._describing[1].stop()

    def submit(self, job: Job) -> Control:
        """Have the engine do a job that another part of the window listens to; `cancel_others` reaches it."""
        control = self._others[job.id] = self._engine.submit(job)
        return control

    # ------------------------------------------------------------------------------- what the engine tells

    def _on_event(self, event: Any) -> None:
        if isinstance(event, OF_A_RUN) and not self.is_training(event.run):
            return  # a training within another job, which shows it by itself
        match event:
            case RunStarted():
                if self._activity == "queued":
                    self._set_activity("training")
                self.run_folder = event.folder
                self.run_started.emit(event)
            case BatchesDone():
                self.batches_done.emit(event)
            case EpochDone():
                self.epoch_done.emit(event)
            case HealthMeasured():
                self.health_measured.emit(event)
            case RateTested():
                self.rate_tested.emit(event)
            case RunEnded():
                self._ended = event
            case Progress():
                self.progressed.emit(event)

    def _on_finished(self, job: Any, result: Any) -> None:
        asked_here = self._others.pop(job.id, None) is not None
        match job:
            case DescribeData():
                self._end_describing(job)
                if isinstance(result, DataPreview):
                    self.data_described.emit(job, result)
            case TrainRun():
                self._end_training(job, result)
            case OpenModel() if isinstance(result, OpenedModel) and asked_here:  # a dialog may have asked too
                self.model = result.model
                self.model_changed.emit()
                self.model_opened.emit(job, result)
            case EvaluateModel() if isinstance(result, Evaluation):
                self.model_evaluated.emit(job, result)
            case FindRate() if isinstance(result, FoundRate):
                self.rate_found.emit(job, result)
            case SaveModel() if isinstance(result, SavedModel):
                self.model_saved.emit(result)
        self.progressed.emit(None)

    def _on_failed(self, job: Any, failure: Any) -> None:
        asked_here = self._others.pop(job.id, None) is not None
        if isinstance(job, OpenModel) and not asked_here:  # the dialog that asked says so
            self.progressed.emit(None)
            return
        if isinstance(job, DescribeData):
            self._end_describing(job)
        if self._training is not None and job is self._training[0]:
            self._fail_training(failure)
        if failure.kind != "cancelled":
            self.failed.emit(job, failure)
        self.progressed.emit(None)

    def _end_describing(self, job: DescribeData) -> None:
        if self._describing is not None and self._describing[0] is job:
            self._describing = None

    def _end_training(self, job: TrainRun, result: Any) -> None:
        self._training = None
        ended = self._ended or RunEnded(run=job.id, reason="finished", message="")
        if ended.result is None and isinstance(result, RunResult):
            ended = replace(ended, result=result)
        if isinstance(result, RunResult) and result.epochs:
            self.model = job.id
            self.model_changed.emit()
        self._set_activity("idle")
        self.run_ended.emit(ended)

    def _fail_training(self, failure: Failure) -> None:
        """No result came: the run is over all the same, and whatever it wrote lies in its folder."""
        job = self._training[0] if self._training else None
        self._training = None
        self._set_activity("idle")
        if job is not None:
            with contextlib.suppress(OSError):  # an empty folder is no run; one that holds something stays
                job.folder.rmdir()
            reason: Literal["stopped", "failed"] = "stopped" if failure.kind == "cancelled" else "failed"
            self.run_ended.emit(self._ended or RunEnded(run=job.id, reason=reason, message=failure.message))

    def _set_activity(self, activity: Activity) -> None:
        if activity != self._activity:
            self._activity = activity
            self.activity_changed.emit(activity)
