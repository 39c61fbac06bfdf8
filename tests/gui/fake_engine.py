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

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import DataSummary, known_summary
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, Progress, RunEnded, RunStarted
from dnnstudio.core.jobs.requests import (
    Augment,
    DescribeData,
    EvaluateModel,
    Job,
    OpenModel,
    ProposeData,
    SaveModel,
    TrainRun,
)
from dnnstudio.core.jobs.results import DataPreview, EndReason, Evaluation, OpenedModel, RunResult, SavedModel
from dnnstudio.core.workspace.exports import prepared_note
from dnnstudio.gui.base.engine_thread import EngineState
from dnnstudio.gui.base.ticket import Failure, Ticket

from . import fake_cases, fake_data, fake_reuse

STEPS = 20
"""Batches of an epoch, told in two events."""


class FakeSession:
    """Every job as a generator: events are yielded, the return value is the result."""

    def play(self, job: Job, control: Control) -> Iterator[Any]:
        match job:
            case DescribeData():
                return self._describe(job)
            case ProposeData():
                return self._propose(job)
            case Augment():
                return self._augment(job)
            case TrainRun():
                return self._train(job, control)
            case OpenModel():
                return self._open(job)
            case EvaluateModel():
                return self._evaluate(job)
            case SaveModel():
                return self._save(job)
        for steps in (fake_reuse.play(job), fake_cases.play(job)):
            if steps is not None:
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

    def _augment(self, job: Augment) -> Iterator[Any]:
        yield from ()
        return fake_data.augmented_for(job)

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

    def _propose(self, job: ProposeData) -> Iterator[Any]:
        yield Progress(run=job.id, done=0, total=1, text="Reading")
        return fake_data.proposal_for(job)

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
        return SavedModel(path=job.path, bytes=7, note=prepared_note(Path(job.model)))


class FakeEngine(QObject):
    """The face of `Engine`, one step of a job each time the event loop is idle; `pause_ms` slows it down."""

    asked = Signal(object)
    state_changed = Signal(object)

    def __init__(self, *, session: FakeSession | None = None, pause_ms: int = 0, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session or FakeSession()
        self.tickets: list[Ticket] = []
        self.ticks = 0
        self._waiting: deque[Ticket] = deque()
        self._current: tuple[Ticket, Iterator[Any]] | None = None
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

    @property
    def submitted(self) -> list[Job]:
        """Every job that was asked for, in order."""
        return [ticket.job for ticket in self.tickets]

    def ask(self, job: Job, **callbacks: Any) -> Ticket:
        ticket = Ticket(job, self, **callbacks)
        self.tickets.append(ticket)
        self.asked.emit(ticket)
        if self._closed:
            ticket.cancel()
            ticket.fail(Failure("cancelled"))
        else:
            self._waiting.append(ticket)
        return ticket

    def shutdown(self, timeout_ms: int = 5000) -> bool:
        del timeout_ms
        self._closed = True
        self._timer.stop()
        if self._current is not None:
            self._current[0].cancel()
        while self._current is not None:
            self._step()
        while self._waiting:
            ticket = self._waiting.popleft()
            ticket.cancel()
            ticket.fail(Failure("cancelled"))
        self._set_state(EngineState("off"))
        return True

    def _step(self) -> None:
        self.ticks += 1
        if self._current is None:
            self._begin()
            return
        ticket, steps = self._current
        if ticket.control.paused:
            return
        try:
            if ticket.control.stopped and not isinstance(ticket.job, TrainRun):
                raise Cancelled
            ticket.report(next(steps))
        except StopIteration as end:
            self._end(ticket, end.value, None)
        except BaseException as error:
            self._end(ticket, None, Failure.of(error))

    def _begin(self) -> None:
        if not self._waiting:
            return
        ticket = self._waiting.popleft()
        if ticket.over:
            return  # a test has answered it
        self._set_state(EngineState("busy", self._state.text, ticket.job.id))
        if ticket.control.stopped:
            self._end(ticket, None, Failure("cancelled"))
            return
        self._current = (ticket, self.session.play(ticket.job, ticket.control))

    def _end(self, ticket: Ticket, result: object, failure: Failure | None) -> None:
        self._current = None
        if failure is None:
            ticket.finish(result)
        else:
            ticket.fail(failure)
        self._set_state(EngineState("ready", self._state.text))

    def _set_state(self, state: EngineState) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)
