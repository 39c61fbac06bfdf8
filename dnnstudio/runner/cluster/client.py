"""Runs trainings on the machines of a cluster, behind the same face as `local.LocalRunner`."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.folder_lock import held
from dnnstudio.core.jobs.events import Event, RunEnded, RunStarted
from dnnstudio.core.jobs.requests import new_id
from dnnstudio.core.os_errors import reason_of
from dnnstudio.core.text import count_of
from dnnstudio.runner.cluster.extra import prepare, security_of
from dnnstudio.runner.cluster.join_file import JoinFile, refused
from dnnstudio.runner.cluster.letters import read_answer
from dnnstudio.runner.cluster.receiving import place_run
from dnnstudio.runner.cluster.sending import CHUNK, Depot, letter_of
from dnnstudio.runner.cluster.worker import about_here, stop_here, take_here, train_here
from dnnstudio.runner.local import OnEvent
from dnnstudio.runner.tasks import RunOutcome, RunTask
from dnnstudio.runner.wire import Plain, event_from_plain

if TYPE_CHECKING:
    from distributed import Future as DaskFuture

CONNECT_S = 10.0
ATTEMPTS = 3
"""How often a task is sent again after this machine has lost the cluster."""
STOP_S = 10.0
"""How long a worker may take to answer a stop; then the run goes on from what is here of it."""
_POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the workers that have joined can do: trainings at a time, and threads of each on the smallest."""

    slots: int
    threads: int


@dataclass(eq=False)
class _Work:
    """A task in progress. What changes is guarded by the runner's lock."""

    task: RunTask
    future: Future[RunOutcome] = field(default_factory=Future)
    attempt: str = ""
    worker: str = ""
    """The address of the worker that trains it; events of another one are of a past attempt."""
    begun: bool = False
    stopping: bool = False
    stopped_at: float = 0.0


class ClusterRunner(Executor):
    """Trains tasks on the workers of a cluster, `jobs` at a time, each with `threads` TensorFlow threads.

    A task only hands the experiment to a child process of a worker; its run folder comes back when it ends. If a worker
    goes away, its run is done again elsewhere. `on_event` is called with every event of every run on a thread of the
    runner: it must be fast and must not raise.
    """

    def __init__(
        self, join: JoinFile, jobs: int | None = None, *, threads: int | None = None, on_event: OnEvent | None = None
    ) -> None:
        """`jobs` defaults to what the workers can do now and later, `threads` to those of the smallest worker.

        Raises `UserError` where the cluster does not answer or has no worker.
        """
        self._most = jobs
        self._on_event = on_event
        self._topic = f"dnnstudio-{new_id()}"
        self._waiting: deque[_Work] = deque()
        self._known: dict[str, _Work] = {}
        self._active: set[_Work] = set()
        self._closed = False
        self._lock = threading.RLock()
        self._idle = threading.Condition(self._lock)
        capacity = capacity_of(join)
        self._slots, self.threads = capacity.slots, threads or capacity.threads

        from distributed import Client

        self._client = Client(**_options(join))
        self._client.subscribe_topic(self._topic, self._hear)
        self._depot = Depot()
        self._asked: SimpleQueue[tuple[str, str] | None] = SimpleQueue()
        self._sender = threading.Thread(target=self._send, name="sending files", daemon=True)
        self._sender.start()

    @property
    def jobs(self) -> int:
        """How many trainings run at a time."""
        return max(1, self._slots if self._most is None else min(self._most, self._slots))

    def submit(self, task: RunTask, /) -> Future[RunOutcome]:  # type: ignore[override]
        """Queue a task; its future gets an outcome whatever happens, and can be cancelled while the task is queued.

        Raises `RuntimeError` after `shutdown`.
        """
        work = _Work(task)
        with self._lock:
            if self._closed:
                raise RuntimeError("the runner is shut down")
            if task.id in self._known:
                raise ValueError(f"task {task.id} was submitted already")
            self._known[task.id] = work
            self._waiting.append(work)
            self._begin_waiting()
        return work.future

    def stop(self, task: RunTask) -> None:
        """Stop a run within a second, keeping what can be resumed; its future then gets an outcome. Does not block."""
        with self._lock:
            work = self._known.get(task.id)
            if work is None or work.stopping:
                return
            work.stopping, work.stopped_at = True, time.monotonic()
            waits = work in self._waiting
            if waits:
                self._waiting.remove(work)
        if waits:
            self._finish(work, RunOutcome(task=task, reason="stopped", message="Stopped before it began."))
        else:
            threading.Thread(target=self._tell_to_stop, args=(work,), name="stopping a training", daemon=True).start()

    def stop_all(self) -> None:
        """Stop every queued or running task."""
        with self._lock:
            tasks = [work.task for work in self._known.values()]
        for task in reversed(tasks):  # queued tasks first, or they would start in place of stopped ones
            self.stop(task)

    def workers(self) -> tuple[str, ...]:
        """The addresses of the workers that are training now, one for each run."""
        with self._lock:
            return tuple(work.worker for work in self._active if work.begun)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more tasks; leave the cluster once all are done. `cancel_futures` drops queued ones."""
        with self._lock:
            closed_before, self._closed = self._closed, True
            dropped = list(self._waiting) if cancel_futures else []
            for work in dropped:
                self._waiting.remove(work)
                del self._known[work.task.id]
        for work in dropped:
            work.future.cancel()
        if closed_before:
            return
        if wait:
            self._leave()
        else:
            threading.Thread(target=self._leave, name="leaving the cluster", daemon=True).start()

    # -------------------------------------------------------------------------- in the runner's threads

    def _leave(self) -> None:
        with self._lock:
            self._idle.wait_for(lambda: not self._active and not self._waiting)
        self._asked.put(None)
        self._sender.join()
        self._client.close()
        self._depot.close()

    def _begin_waiting(self) -> None:
        """Begin queued tasks while workers are free; called with the lock."""
        while self._waiting and len(self._active) < self.jobs:
            work = self._waiting.popleft()
            if work.future.set_running_or_notify_cancel():
                self._active.add(work)
                threading.Thread(target=self._train, args=(work,), name=f"run {work.task.id}", daemon=True).start()
            else:
                del self._known[work.task.id]

    def _train(self, work: _Work) -> None:
        try:
            with held(work.task.folder, "a training", make=True):
                outcome = self._outcome(work)
        except UserError as error:
            outcome = RunOutcome(task=work.task, reason="failed", message=str(error))
        except OSError as error:
            said = f"What the training needs cannot be sent: {reason_of(error)}."
            outcome = RunOutcome(task=work.task, reason="failed", message=said)
        except Exception as error:  # what Dask says of a task that it gave up
            said = f"The cluster gave the run up: {type(error).__name__}: {error}"
            outcome = RunOutcome(task=work.task, reason="failed", message=said)
        self._finish(work, outcome)

    def _outcome(self, work: _Work) -> RunOutcome:
        for _ in range(ATTEMPTS):
            answer = self._attempted(work)
            if answer is not None:
                return answer
            if self._client.status == "closed":
                break
        message = "This machine lost the cluster. The run goes on from what is here of it."
        return RunOutcome(task=work.task, reason="failed", message=message)

    def _attempted(self, work: _Work) -> RunOutcome | None:
        """Send the task and wait for its outcome; None where the cluster was lost meanwhile."""
        task, attempt = work.task, f"{work.task.id}-{new_id()}"
        letter = letter_of(task, self._depot, attempt=attempt, topic=self._topic, threads=self.threads)
        with self._lock:
            work.attempt, work.worker, work.begun = attempt, "", False
            if work.stopping:
                return RunOutcome(task=task, reason="stopped", message="Stopped before it began.")
        sent: DaskFuture[bytes] = self._client.submit(train_here, letter.to_json(), key=attempt, pure=False)
        with self._lock:
            stopping = work.stopping
        if stopping:  # only now, when the task was sent
            self._tell_to_stop(work)
        try:
            packed = self._waited(work, sent)
        finally:
            sent.release()  # the worker forgets the answer
        if packed is None:
            return None if not work.stopping else _stopped_without_answer(task)
        answer = read_answer(packed)
        arrived = place_run(packed, task)
        result = answer.result
        if result is not None:
            if not arrived:
                raise UserError("What came from the cluster holds no run.", "Train it again.")
            result = replace(result, run=task.id, folder=task.folder)
        return RunOutcome(task=task, reason=answer.reason, message=answer.message, detail=answer.detail, result=result)

    def _waited(self, work: _Work, sent: DaskFuture[bytes]) -> bytes | None:
        """The answer; None where it was cancelled, as the cluster was lost, or does not come after a stop."""
        from concurrent.futures import CancelledError

        from distributed.client import FutureCancelledError

        while True:
            try:
                packed: bytes = sent.result(timeout=_POLL_S)
                return packed
            except TimeoutError:
                with self._lock:
                    given_up = work.stopping and time.monotonic() - work.stopped_at > STOP_S
                if given_up:
                    sent.cancel()
                    return None
                self._look_around()
            except (CancelledError, FutureCancelledError):
                self._come_back()
                return None

    def _look_around(self) -> None:
        """Workers that have joined meanwhile are used too."""
        try:
            slots = sum(self._client.nthreads().values())
        except Exception:  # the cluster is away for the moment
            return
        with self._lock:
            self._slots = slots or self._slots
            self._begin_waiting()

    def _come_back(self) -> None:
        """Wait until Dask has connected again, or has given up."""
        deadline = time.monotonic() + 2 * CONNECT_S
        while self._client.status not in ("running", "closed") and time.monotonic() < deadline:
            time.sleep(0.1)

    def _finish(self, work: _Work, outcome: RunOutcome) -> None:
        with self._lock:
            self._known.pop(work.task.id, None)
            self._active.discard(work)
        if work.future.running() or work.future.set_running_or_notify_cancel():
            work.future.set_result(outcome)
        with self._lock:
            self._begin_waiting()
            self._idle.notify_all()

    def _tell_to_stop(self, work: _Work) -> None:
        """Tell all workers: the task may be on its way to any. One that does not answer keeps nobody waiting."""
        with self._lock:
            attempt = work.attempt
        if attempt:
            self._client.run(stop_here, attempt, on_error="ignore")

    def _send(self) -> None:
        """Send the files that workers ask for, one after the other."""
        while (asked := self._asked.get()) is not None:
            worker, fingerprint = asked
            path = self._depot.path(fingerprint)
            if path is None:
                continue
            try:
                with path.open("rb") as file:
                    offset = 0
                    while (piece := file.read(CHUNK)) or not offset:
                        taken = self._client.run(take_here, fingerprint, offset, piece, workers=[worker])
                        offset += len(piece)
                        if not taken.get(worker) or not piece:
                            break
            except Exception:  # the worker is gone, or the file: the task there says so, or is done elsewhere
                continue

    # -------------------------------------------------------------------------- in Dask's thread

    def _hear(self, message: tuple[float, Plain]) -> None:
        told = message[1]
        attempt, worker = str(told["attempt"]), str(told["worker"])
        plain: Plain = json.loads(told["told"])
        with self._lock:
            work = self._known.get(attempt.split("-")[0])
            if work is None or work.attempt != attempt:
                return
            if plain.get("begun"):
                work.worker, work.begun = worker, True
            if work.worker != worker:
                return
        if "lacks" in plain:
            self._asked.put((worker, plain["lacks"]))
        elif "event" in plain and self._on_event is not None:
            self._on_event(work.task, _as_here(event_from_plain(plain), work.task))


def capacity_of(join: JoinFile) -> Capacity:
    """What the workers of the cluster can do now. Raises `UserError` where it does not answer or has none."""
    prepare()
    try:
        told = asyncio.run(_told(join))
    except OSError as error:
        raise refused(join, error) from error
    if not told:
        raise UserError("No machine has joined the cluster to train.", "On one that is to: dnnstudio worker JOIN_FILE.")
    return Capacity(sum(one["slots"] for one in told), min(one["threads"] for one in told))


async def _told(join: JoinFile) -> list[dict[str, int]]:
    """What each worker says of itself. Raises `OSError` where the cluster cannot be joined."""
    from distributed import Client

    async with Client(**_options(join), asynchronous=True) as client:
        return list((await client.run(about_here, on_error="ignore")).values())


def _options(join: JoinFile) -> dict[str, Any]:
    return {
        "address": join.address,
        "security": security_of(join.authority, join.pair),
        "timeout": CONNECT_S,
        "set_as_default": False,
        "direct_to_workers": False,
        "name": "dnnstudio",
    }


def _as_here(event: Event, task: RunTask) -> Event:
    """The event with the folder of this machine."""
    match event:
        case RunStarted():
            return replace(event, folder=task.folder)
        case RunEnded(result=result) if result is not None:
            return replace(event, result=replace(result, folder=task.folder))
    return event


def _stopped_without_answer(task: RunTask) -> RunOutcome:
    seconds = count_of(int(STOP_S), "second")
    message = f"Stopped; its worker did not answer for {seconds}, so it goes on from what is here of it."
    return RunOutcome(task=task, reason="stopped", message=message)
