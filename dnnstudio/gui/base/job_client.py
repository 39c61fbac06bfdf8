"""Client for one engine job at a time: submits it, forwards its events, reports its result, failure or cancellation."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal

from dnnstudio.core.jobs.events import Event
from dnnstudio.core.jobs.requests import Job
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.ticket import Failure, Ticket


class JobClient(QObject):
    """One job at a time; a new one cancels the job in progress.

    `reported(Event)` for the events of the job and of the trainings within it; `answered(result)`; `refused(message,
    hint)` if it failed with a user error or a bug (which the window reports itself); `cancelled` if it was stopped from
    elsewhere; `busy_changed(bool)`.
    """

    reported = Signal(object)
    answered = Signal(object)
    refused = Signal(str, str)
    cancelled = Signal()
    busy_changed = Signal(bool)

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._ticket: Ticket | None = None

    @property
    def busy(self) -> bool:
        """Whether a job is waiting or running."""
        return self._ticket is not None and not self._ticket.over

    @property
    def waiting(self) -> bool:
        """Whether the job is waiting for another one, such as a training."""
        if self._ticket is None or self._ticket.over:
            return False
        state = self._engine.state
        return not (state.phase == "busy" and state.job == self._ticket.job.id)

    def ask(self, job: Job) -> None:
        """Submit a job."""
        self.cancel()
        self._ticket = self._engine.ask(
            job,
            on_result=self._on_result,
            on_failure=self._on_failure,
            on_event=self._on_event,
            on_cancelled=self._on_cancelled,
        )
        if self.busy:  # an engine that was shut down has already cancelled it
            self.busy_changed.emit(True)

    def cancel(self) -> None:
        """Stop the job; nothing more is reported about it."""
        ticket, self._ticket = self._ticket, None
        if ticket is not None and not ticket.over:
            ticket.abandon()
            self.busy_changed.emit(False)

    def close(self) -> None:
        """Cancel, and report nothing more."""
        self.blockSignals(True)
        self.cancel()

    def _on_event(self, event: Event) -> None:
        self.reported.emit(event)

    def _on_result(self, result: Any) -> None:
        self.busy_changed.emit(False)
        self.answered.emit(result)

    def _on_failure(self, failure: Failure) -> None:
        self.busy_changed.emit(False)
        self.refused.emit(failure.message, failure.hint)

    def _on_cancelled(self) -> None:
        self.busy_changed.emit(False)
        self.cancelled.emit()
