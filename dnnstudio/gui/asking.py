"""What a window of its own asks of the engine: one job at a time, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from dnnstudio.core.control import Control
from dnnstudio.core.jobs import Event, Job
from dnnstudio.gui.engine_thread import Engine, Failure


class Asking(QObject):
    """Asks through `submit` and listens to the engine. A new question cancels the one that is under way.

    `reported(Event)` for the events of the job and of the trainings within it; `answered(job, result)`;
    `refused(message, hint)` when there is no result for a reason that a person can mend or that is a bug (which the
    window tells by itself); `cancelled` when it was stopped from elsewhere; `busy_changed(bool)`.
    """

    reported = Signal(object)
    answered = Signal(object, object)
    refused = Signal(str, str)
    cancelled = Signal()
    busy_changed = Signal(bool)

    def __init__(self, engine: Engine, submit: Callable[[Job], Control], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._submit = submit
        self._current: tuple[Job, Control] | None = None
        engine.reported.connect(self._on_event)
        engine.finished.connect(self._on_finished)
        engine.failed.connect(self._on_failed)

    @property
    def busy(self) -> bool:
        """Whether a job waits or is under way."""
        return self._current is not None

    @property
    def waiting(self) -> bool:
        """Whether the job waits for another one, a training for instance."""
        state = self._engine.state
        return self._current is not None and not (state.phase == "busy" and state.job == self._current[0].id)

    def ask(self, job: Job) -> None:
        """Submit a job."""
        self.cancel()
        self._current = (job, self._submit(job))
        self.busy_changed.emit(True)

    def cancel(self) -> None:
        """Have the job stopped; no answer comes any more."""
        if self._current is not None:
            self._current[1].stop()
            self._current = None
            self.busy_changed.emit(False)

    def close(self) -> None:
        """Cancel, and listen no more."""
        self._engine.reported.disconnect(self._on_event)
        self._engine.finished.disconnect(self._on_finished)
        self._engine.failed.disconnect(self._on_failed)
        self.blockSignals(True)
        self.cancel()

    def _on_event(self, event: Event) -> None:
        if self._current is not None and event.run.split("-")[0] == self._current[0].id:
            self.reported.emit(event)

    def _is_current(self, job: object) -> bool:
        return self._current is not None and job is self._current[0]

    def _on_finished(self, job: Any, result: Any) -> None:
        if self._is_current(job):
            self._current = None
            self.busy_changed.emit(False)
            self.answered.emit(job, result)

    def _on_failed(self, job: Any, failure: Failure) -> None:
        if self._is_current(job):
            self._current = None
            self.busy_changed.emit(False)
            if failure.kind == "cancelled":
                self.cancelled.emit()
            else:
                self.refused.emit(failure.message, failure.hint)
