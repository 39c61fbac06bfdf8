"""The one thread that runs the engine: jobs go in, frozen facts come out by signal.

Only `_Worker.run` imports `dnnstudio.engine`, so TensorFlow arrives on this thread and after the window was painted.
Connect its signals to bound methods of objects of the GUI thread only: a plain function would run in the worker.
"""

from __future__ import annotations

import contextlib
import os
import threading
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from PySide6.QtCore import QObject, QThread, Signal

from dnnstudio.core.control import Control
from dnnstudio.core.errors import Cancelled, UserError

if TYPE_CHECKING:
    from dnnstudio.core.jobs import Event, Job

STACK_BYTES = 16 * 2**20
"""macOS gives a QThread 512 KB, too little for TensorFlow's tracing."""
SHUTDOWN_MS = 5000

Phase = Literal["off", "starting", "ready", "busy", "failed"]


class SessionLike(Protocol):
    """What this thread needs of `engine.session.Session`."""

    def run(self, job: Job, control: Control, emit: Callable[[Event], None]) -> object: ...

    def warm_up(self) -> object: ...


@dataclass(frozen=True, slots=True)
class EngineState:
    """What the status line says of the engine. `job` is the running job's id while the phase is "busy"."""

    phase: Phase
    text: str = ""
    job: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job has no result: for the person, because it was cancelled, or a bug (with its traceback)."""

    kind: Literal["person", "cancelled", "bug"]
    message: str = ""
    hint: str = ""
    details: str = ""

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """The failure that an exception stands for."""
        if isinstance(error, Cancelled):
            return cls("cancelled")
        if isinstance(error, UserError):
            return cls("person", error.message, error.hint)
        if isinstance(error, MemoryError):
            return cls("person", "The memory did not suffice.", "Use a smaller network, batch or data set.")
        name = type(error).__name__
        first = (str(error).strip().splitlines() or [""])[0][:300]
        return cls("bug", f"{name}: {first}" if first else name, details="".join(traceback.format_exception(error)))


def _is_light(job: Job) -> bool:
    """Whether a job needs no TensorFlow."""
    from dnnstudio.core.jobs import DescribeData, ListLibrary

    return isinstance(job, DescribeData | ListLibrary)


def _package_version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    for candidate in (name, f"{name}-cpu"):
        with contextlib.suppress(PackageNotFoundError):
            return version(candidate)
    return "?"


def ready_text() -> str:
    """TensorFlow 2.21.0 · Keras 3.15.1 · CPU, 8 threads: what the status line says once the engine is there."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return (
        f"TensorFlow {_package_version('tensorflow')}, Keras {_package_version('keras')}"
        f" · CPU, {threads} thread{'s' if threads > 1 else ''}"
    )


class _Queue:
    """Jobs in order; before TensorFlow is there, those that do not need it come first."""

    def __init__(self) -> None:
        self._items: deque[tuple[Job, Control]] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, job: Job, control: Control) -> None:
        with self._changed:
            self._items.append((job, control))
            self._changed.notify()

    def take_light(self) -> tuple[Job, Control] | None:
        """The first waiting job that needs no TensorFlow, or None at once."""
        with self._changed:
            for item in self._items:
                if _is_light(item[0]):
                    self._items.remove(item)
                    return item
        return None

    def take(self) -> tuple[Job, Control] | None:
        """Wait for the next job; None once the queue was closed."""
        with self._changed:
            while not self._items and not self._closed:
                self._changed.wait()
            return None if self._closed else self._items.popleft()

    def close(self) -> list[tuple[Job, Control]]:
        """End the waiting; gives back the jobs that were never begun."""
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
    reported = Signal(object)
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
        if self._queue.closed:  # closed between taking the job and letting others reach its control
            control.stop()
        result: object = None
        failure = broken
        if broken is None:
            try:
                if control.stopped:
                    raise Cancelled
                result = session.run(job, control, self.reported.emit)
            except BaseException as error:
                failure = Failure.of(error)
        with self._lock:
            self._current = None
        if failure is None:
            self.finished_job.emit(job, result)
        else:
            self.failed_job.emit(job, failure)

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
        self.state.emit(idle)
        while (item := self._queue.take()) is not None:
            job, control = item
            self.state.emit(EngineState("busy", idle.text, job.id))
            self._serve(session, job, control, None if _is_light(job) else broken)
            self.state.emit(idle)

    def _refuse_all(self, failure: Failure) -> None:
        """The engine could not even be made: every job gets the reason."""
        self.state.emit(EngineState("failed", failure.message))
        while (item := self._queue.take()) is not None:
            self.failed_job.emit(item[0], failure)


class Engine(QObject):
    """Runs jobs one after the other, aside.

    `reported(Event)` while a job runs; then exactly one of `finished(job, result)` and `failed(job, Failure)`;
    `state_changed(EngineState)` for the status line. Jobs submitted before `start` wait.
    """

    reported = Signal(object)
    finished = Signal(object, object)
    failed = Signal(object, object)
    state_changed = Signal(object)

    def __init__(self, *, new_session: Callable[[], SessionLike] | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = _Queue()
        self._worker = _Worker(self._queue, new_session, self)
        self._state = EngineState("off")
        self._worker.reported.connect(self.reported)
        self._worker.finished_job.connect(self.finished)
        self._worker.failed_job.connect(self.failed)
        self._worker.state.connect(self._set_state)

    @property
    def state(self) -> EngineState:
        return self._state

    def start(self) -> None:
        """Start the thread, which imports TensorFlow once it has read the data that was asked for."""
        if not self._worker.isRunning() and not self._queue.closed:
            self._worker.start()

    def hold(self) -> None:
        """Let the thread wait before its imports, which would take half of the processor from whoever builds."""
        self._worker.may_go.clear()

    def release(self) -> None:
        """Let the thread go on to what it was started for."""
        self._worker.may_go.set()

    def submit(self, job: Job) -> Control:
        """Put a job in the queue; its levers come back at once. After `shutdown` the job is cancelled."""
        control = Control()
        if self._queue.closed:
            control.stop()
            self.failed.emit(job, Failure("cancelled"))
        else:
            self._queue.put(job, control)
        return control

    def shutdown(self, timeout_ms: int = SHUTDOWN_MS) -> bool:
        """Stop what runs, forget what waits, and wait for the thread. False when it has not ended in time.

        A running QThread must not be destroyed; after False the process has to leave by `os._exit`.
        """
        waiting = self._queue.close()
        self.release()
        self._worker.stop_current()
        for job, control in waiting:
            control.stop()
            self.failed.emit(job, Failure("cancelled"))
        ended = self._worker.wait(timeout_ms)
        self._set_state(EngineState("off"))
        return bool(ended)

    def _set_state(self, state: Any) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)
