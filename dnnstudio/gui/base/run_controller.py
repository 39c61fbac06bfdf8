"""The window's dealings with the engine: which jobs are under way, which run is live, which model is at hand.

It turns wishes (train, stop, open this model) into jobs and the engine's facts into signals that widgets show.
It draws nothing and asks nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QObject, Signal

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.bundles import OpenBundle
from dnnstudio.core.jobs.events import (
    BatchesDone,
    EpochDone,
    HealthMeasured,
    Progress,
    RateChanged,
    RunEnded,
    RunStarted,
    SavingPaused,
)
from dnnstudio.core.jobs.requests import DescribeData, EvaluateModel, OpenModel, SaveModel, TrainRun
from dnnstudio.core.jobs.results import OpenedModel, RunResult
from dnnstudio.core.jobs.resume import continued
from dnnstudio.core.jobs.weights import LoadWeights
from dnnstudio.core.os_errors import is_folder_there
from dnnstudio.core.planning.more_epochs import Way
from dnnstudio.core.workspace.place import place_for_new, presence_of
from dnnstudio.core.workspace.runs import BEST_MODEL, MODEL, Weights, is_run, new_run_folder, safe_name
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.ticket import Failure, Ticket

Activity = Literal["idle", "queued", "training", "paused", "stopping", "repeating"]
"""What trains: nothing, the engine's one training and its states, or the processes of a repeat."""
UNDER_WAY = "A training is under way."


class RunController(QObject):
    """One training at a time, reading of data that follows the edits, and models opened, saved and evaluated.

    All signals carry frozen facts. `failed(job, Failure)` is for every job of the engine but cancelled ones and models
    that a dialog has asked for; `progressed` is for every job.
    """

    activity_changed = Signal(str)
    run_started = Signal(object)
    batches_done = Signal(object)
    epoch_done = Signal(object)
    rate_changed = Signal(object)
    saving_paused = Signal(object)
    run_ended = Signal(object)
    progressed = Signal(object)
    """A `Progress` of a job, or None when one is over."""
    data_described = Signal(object, object)
    """The `DescribeData` job and its `DataPreview`."""
    model_opened = Signal(object, object)
    """The `OpenModel` job and its `OpenedModel`."""
    weights_loaded = Signal(object, object)
    """The `LoadWeights` job and its `OpenedModel`."""
    model_evaluated = Signal(object, object)
    model_saved = Signal(object)
    bundle_opened = Signal(object, object)
    """The `OpenBundle` job and its `OpenedBundle`."""
    model_changed = Signal()
    health_measured = Signal(object)
    failed = Signal(object, object)

    def __init__(self, engine: Engine, workspace: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self.workspace = workspace
        self._activity: Activity = "idle"
        self._training: Ticket | None = None
        self._stop_repeat: Callable[[], None] | None = None
        self._ended: RunEnded | None = None
        self._describing: Ticket | None = None
        self._others: list[Ticket] = []
        self.model: str | None = None
        """The id of the run or opened model that Save model writes; None while there is none."""
        self.model_name = ""
        self.model_experiment: Experiment | None = None
        """By what that network was trained; None where an opened file says only what it is made of."""
        self.run_folder: Path | None = None
        """The folder of the newest run."""
        engine.asked.connect(self.watch)

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
        return self._training is not None and self._training.job.id == run

    def train(self, experiment: Experiment, *, base: Path | None = None) -> TrainRun:
        """Train a fresh network in a new run folder. Raises `UserError`: one is under way, or the folder fails.

        `base` is where a relative source of reused layers is seen from.
        """
        if self.training:
            raise UserError(UNDER_WAY, "Stop it first.")
        folder = new_run_folder(place_for_new(self.workspace), experiment.name)
        return self._train(TrainRun(experiment=experiment, folder=folder, base=base))

    def go_on(self, folder: Path, more_epochs: int | None = None, *, way: Way | None = None) -> TrainRun:
        """Go on exactly where the run in `folder` stopped: to its planned end, or for so many more epochs.

        `way` says at which rates, where they are beyond the plan. Raises `UserError`: one is under way, or the run
        cannot be read or has nothing left to do.
        """
        if self.training:
            raise UserError(UNDER_WAY, "Stop it first.")
        return self._train(continued(folder, more_epochs, way=way))

    def _train(self, job: TrainRun) -> TrainRun:
        self._ended = None
        self._set_activity("queued")
        ticket = self._engine.ask(
            job,
            on_event=self._on_run_event,
            on_result=partial(self._end_training, job),
            on_failure=partial(self._fail_training, job),
            on_cancelled=partial(self._fail_training, job, Failure("cancelled")),
        )
        self._training = None if ticket.over else ticket
        return job

    def finish_epoch(self) -> None:
        """Stop after the epoch that is running."""
        if self._training is not None and self._activity in ("training", "paused"):
            self._set_activity("stopping")
            self._training.control.finish_epoch()

    def set_learning_rate(self, rate: float) -> None:
        """Train on with this rate; the schedule keeps its shape from there."""
        if self._training is not None:
            self._training.control.set_learning_rate(rate)

    def stop(self) -> None:
        """End the training; what was reached is kept."""
        if self._stop_repeat is not None:
            self._set_activity("stopping")
            self._stop_repeat()
        elif self._training is not None:
            self._set_activity("stopping")
            self._training.cancel()

    def begin_repeat(self, folder: Path, stop: Callable[[], None]) -> None:
        """Processes train the ensemble in `folder` from here on; `stop` ends them. Raises `UserError`: one trains."""
        if self.training:
            raise UserError(UNDER_WAY, "Stop it first.")
        self._stop_repeat = stop
        self.run_folder = folder
        self._set_activity("repeating")

    def end_repeat(self) -> None:
        """The repeat is over."""
        self._stop_repeat = None
        self._set_activity("idle")

    def pause(self) -> None:
        if self._training is not None and self._activity == "training":
            self._set_activity("paused")
            self._training.control.pause()

    def pause_or_resume(self) -> None:
        """Rest between two steps, or go on."""
        if self._activity == "paused":
            self.resume()
        else:
            self.pause()

    def resume(self) -> None:
        if self._training is not None and self._activity == "paused":
            self._set_activity("training")
            self._training.control.resume()

    # -------------------------------------------------------------------------------------------------- data

    def describe(self, data: Data, seed: int, *, download: bool = False) -> None:
        """Read the data and tell `data_described`. A later wish replaces an earlier one."""
        if self._describing is not None:
            self._describing.abandon()
        job = DescribeData(data=data, seed=seed, download=download)
        self._describing = self._engine.ask(job, on_result=partial(self.data_described.emit, job))

    # ------------------------------------------------------------------------------------------------ models

    def open_model(self, path: Path) -> None:
        """Read a model file or run folder; `model_opened` follows."""
        job = OpenModel(path=path)
        self._engine.ask(job, on_result=partial(self._on_opened, job), on_failure=partial(self.failed.emit, job))

    def open_bundle(self, path: Path) -> None:
        """Put the run of a bundle among those of the workspace; `bundle_opened` follows. Raises `UserError`."""
        folder = new_run_folder(place_for_new(self.workspace), safe_name(path.stem) or "bundle")
        job = OpenBundle(path=path, folder=folder)

        def leave_nothing() -> None:
            with contextlib.suppress(OSError):
                job.folder.rmdir()

        def on_failure(failure: Failure) -> None:
            leave_nothing()
            self.failed.emit(job, failure)

        self._engine.ask(
            job,
            on_result=partial(self.bundle_opened.emit, job),
            on_failure=on_failure,
            on_cancelled=leave_nothing,
        )

    def evaluate(self, model: str, experiment: Experiment) -> None:
        """Measure a model on the test part; `model_evaluated` follows."""
        job = EvaluateModel(model=model, experiment=experiment, parts=("test",))
        self._engine.ask(job, on_result=partial(self.model_evaluated.emit, job))

    def save_run(self, folder: Path, path: Path, weights: Weights) -> None:
        """Write the last or best weights of a stored run; `model_saved` follows."""
        self._engine.ask(SaveModel(model=folder, path=path, weights=weights), on_result=self.model_saved.emit)

    def save_model(self, path: Path) -> None:
        """Write the model at hand; `model_saved` follows. Raises `UserError` when there is none."""
        if self.model is None:
            raise UserError("There is no trained model yet.", "Press Train first.")
        self._engine.ask(SaveModel(model=self.model, path=path), on_result=self.model_saved.emit)

    def cancel_others(self) -> None:
        """Cancel every job but the training: downloads, evaluations, the reading of models, what windows asked for."""
        for ticket in self._others:
            ticket.cancel()

    # ------------------------------------------------------------------------------- what the engine tells

    def watch(self, ticket: Ticket) -> None:
        """Follow a job of whoever asked for it: how far it is, and that it failed."""
        if not isinstance(ticket.job, TrainRun):
            self._others = [*(other for other in self._others if not other.over), ticket]
        ticket.reported.connect(self._on_any_event)
        if not isinstance(ticket.job, OpenModel):  # whoever asked for a model says so
            ticket.failed.connect(partial(self.failed.emit, ticket.job))
        for end in (ticket.done, ticket.failed, ticket.cancelled):
            end.connect(self._on_any_end)

    def _on_any_event(self, event: Any) -> None:
        if isinstance(event, Progress):
            self.progressed.emit(event)

    def _on_any_end(self, _: object = None) -> None:
        self.progressed.emit(None)

    def _on_run_event(self, event: Any) -> None:
        match event:
            case RunStarted():
                if self._activity == "queued":
                    self._set_activity("training")
                self.run_folder = event.folder
                presence_of(self.workspace).look()  # the first run has made it: from now on it can be missed
                self.run_started.emit(event)
            case BatchesDone():
                self.batches_done.emit(event)
            case EpochDone():
                self.epoch_done.emit(event)
            case RateChanged():
                self.rate_changed.emit(event)
            case SavingPaused():
                self.saving_paused.emit(event)
            case HealthMeasured():
                self.health_measured.emit(event)
            case RunEnded():
                self._ended = event

    def _on_opened(self, job: OpenModel, opened: OpenedModel) -> None:
        self.model, self.model_name = opened.model, _name_of(job.path)
        self.model_experiment = opened.experiment if opened.has_experiment else None
        self.model_changed.emit()
        self.model_opened.emit(job, opened)

    def take_weights(self, job: LoadWeights, opened: OpenedModel) -> None:
        """The network with the weights of a file is the one at hand; `weights_loaded` follows."""
        self.model, self.model_name = opened.model, f"{job.experiment.name}, weights of {job.path.name}"
        self.model_experiment = None  # its rows are those of the experiment that took them
        self.model_changed.emit()
        self.weights_loaded.emit(job, opened)

    def _end_training(self, job: TrainRun, result: RunResult) -> None:
        self._training = None
        ended = self._ended or RunEnded(run=job.id, reason="finished", message="")
        if ended.result is None:
            ended = replace(ended, result=result)
        if result.elsewhere:
            self.run_folder = result.folder
        if result.epochs:
            self.model, self.model_name = job.id, _name_of(result.folder)
            self.model_experiment = job.experiment
            self.model_changed.emit()
        self._set_activity("idle")
        self.run_ended.emit(ended)

    def _fail_training(self, job: TrainRun, failure: Failure) -> None:
        """There is no result: the run has ended nevertheless, and its files are in its folder."""
        self._training = None
        self._set_activity("idle")
        with contextlib.suppress(OSError):  # an empty folder is no run; one that holds something stays
            job.folder.rmdir()
        reason: Literal["stopped", "failed"] = "stopped" if failure.kind == "cancelled" else "failed"
        self.run_ended.emit(self._ended or RunEnded(run=job.id, reason=reason, message=failure.message))

    def _set_activity(self, activity: Activity) -> None:
        if activity != self._activity:
            self._activity = activity
            self.activity_changed.emit(activity)


def _name_of(path: Path) -> str:
    """What the network of a run folder or model file is called: a run's best weights by the run and "best"."""
    if path.name in (MODEL, BEST_MODEL) and is_run(path.parent):
        return f"{path.parent.name} best" if path.name == BEST_MODEL else path.parent.name
    return path.name if is_folder_there(path) else path.stem
