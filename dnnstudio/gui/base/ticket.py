"""A submitted engine job as its sender sees it: events, exactly one end, and the control flags.

Tickets live on the GUI thread, and the slots connected to them run there.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Signal

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.jobs.control import Control

if TYPE_CHECKING:  # they import numpy, which would delay the first paint
    from dnnstudio.core.jobs.events import Event
    from dnnstudio.core.jobs.requests import Job

OnEvent = Callable[[Any], object]
OnResult = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job has no result: a user error, a cancellation, or a bug (with its traceback)."""

    kind: Literal["person", "cancelled", "bug"]
    message: str = ""
    hint: str = ""
    details: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """The failure for an exception."""
        if isinstance(error, Cancelled):
            return cls("cancelled")
        if isinstance(error, UserError):
            return cls("person", error.message, error.hint)
        if isinstance(error, MemoryError):
            return cls("person", "The memory did not suffice.", "Use a smaller network, batch or data set.")
        name = type(error).__name__
        first = (str(error).strip().splitlines() or [""])[0][:300]
        return cls("bug", f"{name}: {first}" if first else name, details="".join(traceback.format_exception(error)))


OnFailure = Callable[[Failure], object]


class Ticket(QObject):
    """The result of `Engine.ask` for `job`.

    `reported(Event)` while the job runs; then exactly one of `done(result)`, `failed(Failure)` and `cancelled`. After
    that the Qt object is deleted by the event loop; `job`, `over` and `cancel` remain usable.
    """

    reported = Signal(object)
    done = Signal(object)
    failed = Signal(object)
    cancelled = Signal()

    def __init__(
        self,
        job: Job,
        parent: QObject,
        *,
        on_result: OnResult | None = None,
        on_failure: OnFailure | None = None,
        on_event: OnEvent | None = None,
        on_cancelled: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(parent)
        self.job = job
        self.control = Control()
        self._over = False
        wished = (
            (self.reported, on_event),
            (self.done, on_result),
            (self.failed, on_failure),
            (self.cancelled, on_cancelled),
        )
        self._asker = [signal.connect(slot) for signal, slot in wished if slot is not None]

    @property
    def over(self) -> bool:
        """Whether the job has ended, in any way."""
        return self._over

    def cancel(self) -> None:
        """Stop the job. A training keeps its progress and is `done`; any other job is `cancelled`."""
        self.control.stop()

    def abandon(self) -> None:
        """Stop the job without any further signal to its sender."""
        if not self._over:
            for connection in self._asker:
                QObject.disconnect(connection)
        self._asker = []
        self.cancel()

    # ------------------------------------------------------------------------------------------ for the engine

    def report(self, event: Event) -> None:
        """The job emitted an event."""
        if not self._over:
            self.reported.emit(event)

    def finish(self, result: object) -> None:
        """The job finished with this result."""
        if not self._over:
            self._over = True
            self.done.emit(result)
            self.deleteLater()

    def fail(self, failure: Failure) -> None:
        """The job failed."""
        if not self._over:
            self._over = True
            if failure.kind == "cancelled":
                self.cancelled.emit()
            else:
                self.failed.emit(failure)
            self.deleteLater()
