"""An engine without Keras: the same face as `gui.engine_thread.Engine`, with invented figures, on the GUI thread.

`FakeSession` plays the jobs as generators, so that the window's event loop runs between two steps. The contract test
in `test_engine_thread.py` holds both engines to the same behaviour.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from dnnstudio.core.control import Control
from dnnstudio.core.data import DataSummary, known_summary
from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.jobs import (
    BatchesDone,
    DataPreview,
    DescribeData,
    EndReason,
    EpochDone,
    EvaluateModel,
    Evaluation,
    Job,
    OpenedModel,
    OpenModel,
    Progress,
    RunEnded,
    RunResult,
    RunStarted,
    SavedModel,
    SaveModel,
    TrainRun,
)
from dnnstudio.core.layers import Dense, Flatten
from dnnstudio.gui.engine_thread import EngineState, Failure

from . import fake_reuse

STEPS = 20
"""Batches of an epoch, told in two events."""


class FakeSession:
    """Every job as a generator: events are yielded, the return value is the result."""

    def play(self, job: Job, control: Control) -> Iterator[Any]:
        match job:
            case DescribeData():
                return self._describe(job)
            case TrainRun():
                return self._train(job, control)
            case OpenModel():
                return self._open(job)
            case EvaluateModel():
                return self._evaluate(job)
            case SaveModel():
                return self._save(job)
        if (steps := fake_reuse.play(job, control)) is not None:
            return steps
        raise UserError(f"The fake engine does not know {type(job).__name__}.")

    def run(self, job: Job, control: Control, emit: Any) -> object:
        """All at once, as the real session does on its thread."""
        steps = self.play(job, control)
        while True:
            try:
                emit(next(steps))
            except StopIteration as end:
                return end.value

    def warm_up(self) -> None:
        """Nothing to import."""

    def _describe(self, job: DescribeData) -> Iterator[Any]:
        yield Progress(run=job.id, done=1, total=2, text="reading")
        known = known_summary(job.data)
        if known is None:
            raise UserError("The file does not exist.", "Choose another one.")
        summary = DataSummary(
            input_shape=known.input_shape,
            class_names=known.class_names,
            binary=known.binary,
            counts=(1150, 287, 360),
            class_counts=tuple(115 for _ in known.class_names),
            origin="invented",
        )
        ramp = np.linspace(0, 255, int(np.prod(known.input_shape)), dtype=np.uint8).reshape(known.input_shape)
        return DataPreview(summary=summary, thumbnails=np.stack([ramp] * known.classes))

    def _train(self, job: TrainRun, control: Control) -> Iterator[Any]:
        training = job.experiment.training
        job.folder.mkdir(parents=True, exist_ok=True)
        yield RunStarted(
            run=job.id,
            experiment=job.experiment,
            folder=job.folder,
            steps_per_epoch=STEPS,
            epochs=training.epochs,
        )
        done, reason = 0, "finished"
        for epoch in range(1, training.epochs + 1):
            for half in range(2):
                if control.stopped:
                    reason = "stopped"
                    break
                yield self._batches(job, epoch, half, training.epochs)
            if reason == "stopped":
                break
            done = epoch
            yield EpochDone(run=job.id, row=self.row(epoch), is_best=True)
            if control.finishing:
                reason = "stopped"
                break
        result = self._result(job, done, "stopped" if reason == "stopped" else "finished")
        message = "Stopped." if reason == "stopped" else "Finished."
        yield RunEnded(run=job.id, reason=result.reason, message=message, result=result)
        return result

    def _batches(self, job: TrainRun, epoch: int, half: int, epochs: int) -> BatchesDone:
        steps = np.arange(STEPS // 2, dtype=np.int64) + (epoch - 1) * STEPS + half * STEPS // 2
        losses = (2.0 / (1 + steps / STEPS)).astype(np.float32)
        return BatchesDone(
            run=job.id,
            epoch=epoch,
            steps=steps,
            losses=losses,
            accuracies=(1 - losses / 3).astype(np.float32),
            learning_rates=np.full(len(steps), job.experiment.optimizer.learning_rate),
            seconds_left=float(epochs - epoch),
        )

    def row(self, epoch: int) -> dict[str, float]:
        """One row of the history, as in history.csv."""
        loss = 2.0 / (1 + epoch)
        return {
            "epoch": float(epoch),
            "loss": loss,
            "accuracy": 1 - loss / 3,
            "val_loss": loss * 1.1,
            "val_accuracy": 1 - loss / 2.5,
            "learning_rate": 0.01,
            "seconds": 0.1,
        }

    def _result(self, job: TrainRun, epochs: int, reason: EndReason) -> RunResult:
        part = {"loss": 0.1, "accuracy": 0.961}
        return RunResult(
            run=job.id,
            folder=job.folder,
            reason=reason,
            epochs=epochs,
            best_epoch=epochs,
            metrics={"train": part, "validation": part, "test": part} if epochs else {},
        )

    def _open(self, job: OpenModel) -> Iterator[Any]:
        yield Progress(run=job.id, done=0, total=0, text="reading the model")
        if not job.path.exists():
            raise UserError(f"{job.path} does not exist.", "Check the path.")
        if b"not a model" in job.path.read_bytes():
            raise UserError(f"{job.path.name} is not a model file.", "Choose a .keras or .h5 file.")
        layers = (
            Flatten(id="flatten"),
            Dense(id="hidden", units=7, activation="relu"),
            Dense(id="output", units=10, activation="softmax"),
        )
        return OpenedModel(
            model=job.id,
            experiment=Experiment(name=job.path.stem, layers=layers),
            input_shape=(8, 8),
            has_experiment=True,
        )

    def _evaluate(self, job: EvaluateModel) -> Iterator[Any]:
        yield Progress(run=job.id, done=1, total=len(job.parts), text="evaluating")
        return Evaluation(parts={part: {"loss": 0.1, "accuracy": 0.961} for part in job.parts})

    def _save(self, job: SaveModel) -> Iterator[Any]:
        yield Progress(run=job.id, done=0, total=1, text="saving")
        Path(job.path).write_bytes(b"a model")
        return SavedModel(path=job.path, bytes=7)


class FakeEngine(QObject):
    """The face of `Engine`, one step of a job each time the event loop is idle; `pause_ms` slows it down."""

    reported = Signal(object)
    finished = Signal(object, object)
    failed = Signal(object, object)
    state_changed = Signal(object)

    def __init__(self, *, session: FakeSession | None = None, pause_ms: int = 0, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session or FakeSession()
        self.submitted: list[Job] = []
        self.ticks = 0
        self._waiting: deque[tuple[Job, Control]] = deque()
        self._current: tuple[Job, Control, Iterator[Any]] | None = None
        self._state = EngineState("off")
        self._closed = False
        self._timer = QTimer(self)
        self._timer.setInterval(pause_ms)
        self._timer.timeout.connect(self._step)

    @property
    def state(self) -> EngineState:
        return self._state

    def start(self) -> None:
        if not self._closed and self._state.phase == "off":
            self._set_state(EngineState("starting", "Engine starting"))
            self._set_state(EngineState("ready", "TensorFlow 2.21.0, Keras 3.15.1 · CPU, 8 threads"))
            self._timer.start()

    def submit(self, job: Job) -> Control:
        control = Control()
        self.submitted.append(job)
        if self._closed:
            control.stop()
            self.failed.emit(job, Failure("cancelled"))
        else:
            self._waiting.append((job, control))
        return control

    def shutdown(self, timeout_ms: int = 5000) -> bool:
        del timeout_ms
        self._closed = True
        self._timer.stop()
        if self._current is not None:
            self._current[1].stop()
        while self._current is not None:
            self._step()
        while self._waiting:
            job, control = self._waiting.popleft()
            control.stop()
            self.failed.emit(job, Failure("cancelled"))
        self._set_state(EngineState("off"))
        return True

    def _step(self) -> None:
        self.ticks += 1
        if self._current is None:
            self._begin()
            return
        job, control, steps = self._current
        if control.paused:
            return
        try:
            if control.stopped and not isinstance(job, TrainRun):
                raise Cancelled
            self.reported.emit(next(steps))
        except StopIteration as end:
            self._end(job, end.value, None)
        except BaseException as error:
            self._end(job, None, Failure.of(error))

    def _begin(self) -> None:
        if not self._waiting:
            return
        job, control = self._waiting.popleft()
        self._set_state(EngineState("busy", self._state.text, job.id))
        if control.stopped:
            self._end(job, None, Failure("cancelled"))
            return
        self._current = (job, control, self.session.play(job, control))

    def _end(self, job: Job, result: object, failure: Failure | None) -> None:
        self._current = None
        if failure is None:
            self.finished.emit(job, result)
        else:
            self.failed.emit(job, failure)
        self._set_state(EngineState("ready", self._state.text))

    def _set_state(self, state: EngineState) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)
