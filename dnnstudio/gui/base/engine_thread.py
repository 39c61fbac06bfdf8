"""The single thread that runs the engine: jobs go in, and each answer is delivered by the ticket of the one who asked.

Only `_Worker.run` imports `dnnstudio.engine`, so that TensorFlow is loaded on this thread after the first paint. The
worker's signals are connected only to bound methods of `Engine`: a plain function would run in the worker thread.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

from PySide6.QtCore import QObject, QThread, QTimer, Signal

from dnnstudio.core.errors import Cancelled
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.text import count_of
from dnnstudio.gui.base.ticket import Failure, OnEvent, OnFailure, OnResult, Ticket

if TYPE_CHECKING:
    from dnnstudio.core.jobs.events import Event
    from dnnstudio.core.jobs.requests import Job

STACK_BYTES = 16 * 2**20
"""macOS gives a QThread 512 KB, too little for TensorFlow's tracing."""
SHUTDOWN_MS = 5000
DRAWING_S = 0.15
"""So long at most a job waits for the window to draw what has begun."""
SWITCH_S = 0.0005
"""So long one thread of Python goes on while another waits, ten times shorter than usual. Most calls of Qt let others
run, so the window waits so long dozens of times to draw one plot while steps are traced.
"""

Phase = Literal["off", "starting", "ready", "busy", "failed"]


class SessionLike(Protocol):
    """The interface of `engine.session.Session` that this thread uses."""

    def run(self, job: Job, control: Control, emit: Callable[[Event], None]) -> object: ...

    def warm_up(self) -> object: ...


@dataclass(frozen=True, slots=True)
class EngineState:
    """The engine's state for the status line. `job` is the running job's id while the phase is "busy"."""

    phase: Phase
    text: str = ""
    job: str = ""


def _is_light(job: Job) -> bool:
    """Whether a job needs no TensorFlow."""
    from dnnstudio.core.jobs.requests import DescribeData, ListLibrary, ProposeData

    return isinstance(job, DescribeData | ListLibrary | ProposeData)


def _package_version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    for candidate in (name, f"{name}-cpu"):
        with contextlib.suppress(PackageNotFoundError):
            return version(candidate)
    return "?"


def ready_text() -> str:
    """ "TensorFlow 2.21.0 · Keras 3.15.1 · CPU, 8 threads": the status line once the engine is ready."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return (
        f"TensorFlow {_package_version('tensorflow')}, Keras {_package_version('keras')}"
        f" · CPU, {count_of(threads, 'thread')}"
    )


class _Queue:
    """Jobs in order; before TensorFlow is loaded, those that do not need it come first."""

    def __init__(self) -> None:
        self._items: deque[tuple[Job, Control]] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, job: Job, control: Control) -> None:
        with self._changed:
            self._items.append((job, control))
            self._changed.notify()

    def take_light(self) -> tuple[Job, Control] | None:
        """The first waiting job that needs no TensorFlow; None if there is none."""
        with self._changed:
            for item in self._items:
                if _is_light(item[0]):
                    self._items.remove(item)
                    return item
        return None

    def take(self) -> tuple[Job, Control] | None:
        """Wait for the next job; None once the queue is closed."""
        with self._changed:
            while not self._items and not self._closed:
                self._changed.wait()
            return None if self._closed else self._items.popleft()

    def close(self) -> list[tuple[Job, Control]]:
        """Wake the waiting thread, and return the jobs that were never started."""
        with self._changed:
            self._closed = True
            left = list(self._items)
            self._items.clear()
            self._changed.notify_all()
        return left

    @property
    def closed(self) -> bool:
        with self._changed:
            return self._closed


class _Worker(QThread):
    """Serves the queue. A job is identified by its `Control`, which is unique to one request."""

    reported = Signal(object, object)
    finished_job = Signal(object, object)
    failed_job = Signal(object, object)
    state = Signal(object)

    def __init__(self, queue: _Queue, new_session: Callable[[], SessionLike] | None, parent: QObject) -> None:
        super().__init__(parent)
        self.setStackSize(STACK_BYTES)
        self._queue = queue
        self._new_session = new_session
        self.may_go = threading.Event()
        self.may_go.set()
        self.drawn = threading.Event()
        self._current: Control | None = None
        self._lock = threading.Lock()

    def stop_current(self) -> None:
        with self._lock:
            if self._current is not None:
                self._current.stop()

    def _serve(self, session: SessionLike, job: Job, control: Control, broken: Failure | None) -> None:
        """Run one job; whatever happens, exactly one terminal signal follows."""
        with self._lock:
            self._current = control
        if self._queue.closed:  # closed between taking the job and publishing its control
            control.stop()
        result: object = None
        failure = broken
        if broken is None:
            try:
                if control.stopped:
                    raise Cancelled
                result = session.run(job, control, partial(self._report, control))
            except BaseException as error:
                failure = Failure.of(error)
        with self._lock:
            self._current = None
        if failure is None:
            self.finished_job.emit(control, result)
        else:
            self.failed_job.emit(control, failure)

    def _report(self, control: Control, event: Event) -> None:
        """Pass an event on. Where the window has much to draw then, the job lets it."""
        self.drawn.clear()
        self.reported.emit(control, event)
        if event.redraws:
            self._let_draw(control)

    def _let_draw(self, control: Control) -> None:
        """Wait while the window draws: both at once, each waiting for the other's turn in Python, it would be away for
        twice as long.
        """
        until = time.monotonic() + DRAWING_S
        while not control.stopped and time.monotonic() < until and not self.drawn.wait(0.01):
            pass

    def _warm_up(self, session: SessionLike) -> Failure | None:
        try:
            session.warm_up()
        except BaseException as error:
            return Failure.of(error)
        return None

    # ------------------------------------------------------------------------------------------ Qt

    def run(self) -> None:
        self.state.emit(EngineState("starting", "Engine starting"))
        self.may_go.wait()
        if self._queue.closed:
            return
        try:
            if self._new_session is None:
                from dnnstudio.engine.session import Session

                session: SessionLike = Session(beside_window=True)
            else:
                session = self._new_session()
        except BaseException as error:
            self._refuse_all(Failure.of(error))
            return
        while (light := self._queue.take_light()) is not None:
            self._serve(session, *light, broken=None)
        if self._queue.closed:
            return
        broken = self._warm_up(session)
        idle = EngineState("failed", broken.message) if broken else EngineState("ready", ready_text())
        # Not while modules are imported on several threads: PySide makes its classes when they are first looked at.
        sys.setswitchinterval(SWITCH_S)
        self.state.emit(idle)
        while (item := self._queue.take()) is not None:
            job, control = item
            self.drawn.clear()
            self.state.emit(EngineState("busy", idle.text, job.id))
            self._let_draw(control)
            self._serve(session, job, control, None if _is_light(job) else broken)
            self.state.emit(idle)

    def _refuse_all(self, failure: Failure) -> None:
        """The engine could not be created: every job fails with the reason."""
        self.state.emit(EngineState("failed", failure.message))
        while (item := self._queue.take()) is not None:
            self.failed_job.emit(item[1], failure)


class Engine(QObject):
    """Runs jobs one after the other in the background; `ask` returns a `Ticket` that delivers the answer.

    `asked(Ticket)` is emitted before a job is queued, for observers of all jobs; `state_changed(EngineState)` is for
    the status line. Jobs submitted before `start` wait.
    """

    asked = Signal(object)
    state_changed = Signal(object)

    def __init__(self, *, new_session: Callable[[], SessionLike] | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = _Queue()
        self._tickets: dict[Control, Ticket] = {}
        self._worker = _Worker(self._queue, new_session, self)
        self._state = EngineState("off")
        self._worker.reported.connect(self._on_reported)
        self._worker.finished_job.connect(self._on_finished)
        self._worker.failed_job.connect(self._on_failed)
        self._worker.state.connect(self._set_state)

    @property
    def state(self) -> EngineState:
        return self._state

    def start(self) -> None:
        """Start the thread, which imports TensorFlow after reading data that was already requested."""
        if not self._worker.isRunning() and not self._queue.closed:
            self._worker.start()

    def hold(self) -> None:
        """Delay the thread's imports, which would slow the construction of the window by half."""
        self._worker.may_go.clear()

    def release(self) -> None:
        """Let the held thread continue."""
        self._worker.may_go.set()

    def ask(
        self,
        job: Job,
        *,
        on_result: OnResult | None = None,
        on_failure: OnFailure | None = None,
        on_event: OnEvent | None = None,
        on_cancelled: Callable[[], object] | None = None,
    ) -> Ticket:
        """Submit a job.

        The callbacks run on the GUI thread: `on_event(Event)` while the job runs, and then exactly one of
        `on_result(result)`, `on_failure(Failure)` and `on_cancelled()`. After `shutdown` the job is cancelled before
        this returns.
        """
        ticket = Ticket(
            job, self, on_result=on_result, on_failure=on_failure, on_event=on_event, on_cancelled=on_cancelled
        )
        self.asked.emit(ticket)
        if self._queue.closed:
            ticket.cancel()
            ticket.fail(Failure("cancelled"))
        else:
            self._tickets[ticket.control] = ticket
            self._queue.put(job, ticket.control)
        return ticket

    def shutdown(self, timeout_ms: int = SHUTDOWN_MS) -> bool:
        """Stop the running job, discard the waiting ones, and wait for the thread. False if it has not ended in time.

        A running QThread must not be destroyed; after False the process has to exit by `os._exit`.
        """
        waiting = self._queue.close()
        self.release()
        self._worker.stop_current()
        for _, control in waiting:
            control.stop()
            self._on_failed(control, Failure("cancelled"))
        ended = self._worker.wait(timeout_ms)
        self._set_state(EngineState("off"))
        return bool(ended)

    def _on_reported(self, control: Any, event: Any) -> None:
        if (ticket := self._tickets.get(control)) is not None:
            ticket.report(event)
        if event.redraws:
            QTimer.singleShot(0, self._worker.drawn.set)  # a timer's turn comes after what is painted

    def _on_finished(self, control: Any, result: Any) -> None:
        if (ticket := self._tickets.pop(control, None)) is not None:
            ticket.finish(result)

    def _on_failed(self, control: Any, failure: Any) -> None:
        if (ticket := self._tickets.pop(control, None)) is not None:
            ticket.fail(failure)

    def _set_state(self, state: Any) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)
        if state.phase == "busy":
            QTimer.singleShot(0, self._worker.drawn.set)
