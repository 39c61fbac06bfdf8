"""Runs trainings on this machine, several at a time, each in a child process that is reused for the next."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as FutureTimeoutError

from dnnstudio.core.experiment import codec
from dnnstudio.core.jobs.events import Event
from dnnstudio.core.jobs.requests import Places
from dnnstudio.runner.capacity import default_jobs, threads_each
from dnnstudio.runner.process import TrainingProcess
from dnnstudio.runner.tasks import RunOutcome, RunTask
from dnnstudio.runner.wire import Plain, event_from_plain, result_from_plain

STOP_S = 0.5
"""How long a training may take to stop and save by itself before its process is terminated …"""
END_S = 0.2
"""… and how long that may take before it is killed: a stop is completed within a second."""

OnEvent = Callable[[RunTask, Event], None]


class _Work:
    """A task in progress. `process` is set while one trains it, `stopping` once it is to end. Guarded by the lock."""

    def __init__(self, task: RunTask) -> None:
        self.task = task
        self.future: Future[RunOutcome] = Future()
        self.process: TrainingProcess | None = None
        self.stopping = False


class LocalRunner(Executor):
    """Trains tasks in `jobs` child processes, each with `threads` TensorFlow threads.

    A process is started for the first task that needs it, and kept, so that it imports TensorFlow only once. If it
    dies, the run fails with the reason and the process is replaced. All end with this process. `on_event` is called
    with every event of every run on a thread of the runner: it must be fast and must not raise.
    """

    def __init__(self, jobs: int | None = None, *, threads: int | None = None, on_event: OnEvent | None = None) -> None:
        """`jobs` defaults to what processors and memory allow, `threads` to the processors divided by the jobs."""
        if (jobs is not None and jobs < 1) or (threads is not None and threads < 1):
            raise ValueError(f"jobs and threads must be at least 1, but are {jobs} and {threads}")
        self._jobs = jobs or default_jobs()
        self.threads = threads or threads_each(self.jobs)
        self._on_event = on_event
        self._waiting: deque[_Work] = deque()
        self._known: dict[str, _Work] = {}
        self._closed = False
        self._changed = threading.Condition()
        self._workers = [
            threading.Thread(target=self._serve, name=f"training {number}", daemon=True)
            for number in range(1, self.jobs + 1)
        ]
        for worker in self._workers:
            worker.start()

    @property
    def jobs(self) -> int:
        """How many trainings run at a time."""
        return self._jobs

    def submit(self, task: RunTask, /) -> Future[RunOutcome]:  # type: ignore[override]
        """Queue a task. It is data, not a function: only experiments are sent to other processes.

        The future gets an outcome whatever happens to the run; it can be cancelled while the task is queued. Raises
        `RuntimeError` after `shutdown`.
        """
        work = _Work(task)
        with self._changed:
            if self._closed:
                raise RuntimeError("the runner is shut down")
            if task.id in self._known:
                raise ValueError(f"task {task.id} was submitted already")
            self._known[task.id] = work
            self._waiting.append(work)
            self._changed.notify()
        return work.future

    def stop(self, task: RunTask) -> None:
        """Stop a run within a second, keeping what can be resumed; its future then gets an outcome. Does not block.

        A training that cannot stop and save in time, for example while XLA compiles, loses the steps since its last
        checkpoint.
        """
        with self._changed:
            work = self._known.get(task.id)
            if work is None or work.stopping:
                return
            work.stopping = True
            waits = work in self._waiting
            if waits:
                self._waiting.remove(work)
            process = work.process
        if waits:
            self._finish(work, RunOutcome(task=task, reason="stopped", message="Stopped before it began."))
            return
        if process is not None:
            process.send({"do": "stop", "id": task.id})
        threading.Thread(target=self._enforce, args=(work,), name="stopping a training", daemon=True).start()

    def stop_all(self) -> None:
        """Stop every queued or running task."""
        with self._changed:
            tasks = [work.task for work in self._known.values()]
        for task in reversed(tasks):  # queued tasks first, or they would start in place of stopped ones
            self.stop(task)

    def process_ids(self) -> tuple[int, ...]:
        """The ids of the processes that are training now."""
        with self._changed:
            return tuple(work.process.pid for work in self._known.values() if work.process is not None)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more tasks; end the processes once all are done. `cancel_futures` drops queued ones."""
        with self._changed:
            self._closed = True
            dropped = list(self._waiting) if cancel_futures else []
            for work in dropped:
                self._waiting.remove(work)
                del self._known[work.task.id]
            self._changed.notify_all()
        for work in dropped:
            work.future.cancel()
        if wait:
            for worker in self._workers:
                worker.join()

    # -------------------------------------------------------------------------- in the runner's threads

    def _serve(self) -> None:
        """Train one task after the other in a process owned by this thread."""
        process: TrainingProcess | None = None
        try:
            while (work := self._next()) is not None:
                process = self._train(work, process)
        finally:
            if process is not None:
                process.close()

    def _next(self) -> _Work | None:
        with self._changed:
            while True:
                while self._waiting:
                    work = self._waiting.popleft()
                    if work.future.set_running_or_notify_cancel():
                        return work
                    del self._known[work.task.id]
                if self._closed:
                    return None
                self._changed.wait()

    def _train(self, work: _Work, process: TrainingProcess | None) -> TrainingProcess | None:
        """Train one task; returns the process if it can be reused."""
        try:
            process = self._begun(work, process)
            outcome = self._outcome(work, process)
        except Exception as error:  # no process could be started, or `on_event` failed
            outcome = RunOutcome(task=work.task, reason="failed", message=f"{type(error).__name__}: {error}")
            if process is not None:
                process.kill()
        with self._changed:
            work.process = None  # from here on a late stop does not affect the process
            usable = process is not None and process.is_alive
        self._finish(work, outcome)
        if process is not None and not usable:
            process.close()
        return process if usable else None

    def _begun(self, work: _Work, process: TrainingProcess | None) -> TrainingProcess:
        """A process that has received the task: the given one, or a new one if that has died."""
        message = _as_message(work.task)
        if process is not None and not process.begin(message):
            process.close()
            process = None
        if process is None:
            process = TrainingProcess(self.threads)
            process.begin(message)
        with self._changed:
            work.process, stopping = process, work.stopping
        if stopping:  # it was stopped before its process was started
            process.send({"do": "stop", "id": work.task.id})
        return process

    def _outcome(self, work: _Work, process: TrainingProcess) -> RunOutcome:
        """Forward the run's events until its answer or the end of the process."""
        task = work.task
        while (message := process.receive()) is not None:
            if message.pop("id") != task.id:
                continue
            match message.get("answer"):
                case None:
                    if self._on_event is not None:
                        self._on_event(task, event_from_plain(message))
                case "done":
                    result = result_from_plain(message["result"])
                    return RunOutcome(
                        task=task, reason=result.reason, message=str(result.metrics.get("message", "")), result=result
                    )
                case "cancelled":
                    return RunOutcome(task=task, reason="stopped", message="Stopped before the first step.")
                case _:
                    return RunOutcome(task=task, reason="failed", message=message["message"], detail=message["detail"])
        why, said = process.reason(), process.last_words()
        if work.stopping:
            return RunOutcome(task=task, reason="stopped", message="Stopped; it goes on from its last checkpoint.")
        return RunOutcome(task=task, reason="failed", message=why, detail=said)

    def _finish(self, work: _Work, outcome: RunOutcome) -> None:
        """Set the outcome of a task that has begun, or that is stopped while queued."""
        with self._changed:
            self._known.pop(work.task.id, None)
        if work.future.running() or work.future.set_running_or_notify_cancel():
            work.future.set_result(outcome)

    def _enforce(self, work: _Work) -> None:
        """Terminate the process of a stopping run after its grace period, even if it is only just starting."""
        patience, end = STOP_S, TrainingProcess.terminate
        while True:
            try:
                work.future.exception(patience)
                return
            except FutureTimeoutError:
                with self._changed:
                    if work.process is not None:
                        end(work.process)
                        end = TrainingProcess.kill
                patience = END_S


def _places_as_plain(places: Places) -> Plain:
    return {
        "data": None if places.data is None else codec.to_plain(places.data),
        "source": None if places.source is None else str(places.source),
    }


def _as_message(task: RunTask) -> Plain:
    return {
        "do": "train",
        "id": task.id,
        "experiment": codec.to_plain(task.experiment),
        "folder": str(task.folder.absolute()),
        "resume": task.resume,
        "base": None if task.base is None else str(task.base.absolute()),
        "places": None if task.places is None else _places_as_plain(task.places),
    }
