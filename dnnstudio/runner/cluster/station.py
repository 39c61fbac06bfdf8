"""A worker's trainings: each task is handed to a child process as on the client's own machine, and watched.

Nothing of Dask is needed here; `worker` brings letters and takes answers.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from dnnstudio.core.atomic_files import make_folder
from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Data
from dnnstudio.core.jobs.events import Event
from dnnstudio.core.jobs.requests import Places
from dnnstudio.runner.cluster.letters import Answer, Letter, Parcel, answer_of, answer_to_bytes
from dnnstudio.runner.cluster.store import Store
from dnnstudio.runner.local import LocalRunner
from dnnstudio.runner.tasks import RunOutcome, RunTask
from dnnstudio.runner.wire import Plain, event_to_plain

Tell = Callable[[Plain], None]
"""Tells the client {"event": …} or {"lacks": …}; may be called in any thread."""
_POLL_S = 0.05
STOPPED = Answer(reason="stopped", message="Stopped before the first step.")


class Station:
    """The trainings of one worker process, `slots` at a time, in a folder of its own below `folder`."""

    def __init__(self, folder: Path, *, slots: int) -> None:
        """Raises `UserError` where the folder cannot be used."""
        self.slots = slots
        self.store = Store(folder / "data")
        self._runs = folder / "runs" / f"{os.getpid()}-{os.urandom(4).hex()}"
        _sweep(folder / "runs")
        make_folder(self._runs)
        self._runners: dict[int, LocalRunner] = {}
        self._busy: dict[int, int] = {}
        """Threads → how many tasks use the runner now."""
        self._running: dict[str, tuple[LocalRunner, RunTask]] = {}
        self._tells: dict[str, Tell] = {}
        self._unwanted: set[str] = set()
        """Attempts that are to be stopped, also those that begin only later."""
        self._closed = False
        self._lock = threading.Lock()

    def train(self, letter: Letter, tell: Tell) -> bytes:
        """Train a task and give its answer with the run folder. What goes wrong is an answer too."""
        folder = self._runs / letter.attempt
        try:
            return answer_to_bytes(self._trained(letter, folder, tell), folder)
        except UserError as error:
            return answer_to_bytes(Answer(reason="failed", message=str(error)), self._runs / "none")
        except OSError as error:
            said = f"The worker could not read or write: {error}."
            return answer_to_bytes(Answer(reason="failed", message=said), self._runs / "none")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def stop(self, attempt: str) -> None:
        """Stop an attempt within a second; its answer has what can be resumed. Does not block."""
        with self._lock:
            self._unwanted.add(attempt)
            running = self._running.get(attempt)
        if running is not None:
            running[0].stop(running[1])

    def close(self) -> None:
        """Stop all trainings, end the processes, and delete the folder of the runs."""
        with self._lock:
            runners = list(self._runners.values())
            self._closed = True
        for runner in runners:
            runner.stop_all()
        for runner in runners:
            runner.shutdown()
        with self._lock:
            self._runners.clear()
        shutil.rmtree(self._runs, ignore_errors=True)

    def process_ids(self) -> tuple[int, ...]:
        """The ids of the processes that are training now."""
        with self._lock:
            runners = list(self._runners.values())
        return tuple(number for runner in runners for number in runner.process_ids())

    def _trained(self, letter: Letter, folder: Path, tell: Tell) -> Answer:
        try:
            task, names = self._task(letter, folder, tell)
            with self._runner(letter.threads) as runner:
                future = self._begun(letter, task, runner, tell)
                try:
                    outcome = future.result()
                finally:
                    with self._lock:
                        self._running.pop(letter.attempt, None)
                        self._tells.pop(task.id, None)
        except Cancelled:
            return STOPPED
        answer = answer_of(outcome)
        return replace(answer, message=_renamed(answer.message, names), detail=_renamed(answer.detail, names))

    def _is_wanted(self, letter: Letter) -> bool:
        return not self._closed and letter.attempt not in self._unwanted

    def _begun(self, letter: Letter, task: RunTask, runner: LocalRunner, tell: Tell) -> Future[RunOutcome]:
        """Give the task to the runner, once an earlier attempt at it has ended here. Raises `Cancelled`."""
        while self._is_wanted(letter):
            with self._lock:
                if task.id not in self._tells:
                    self._tells[task.id] = tell
                    future = runner.submit(task)
                    self._running[letter.attempt] = (runner, task)
                    break
            time.sleep(_POLL_S)
        else:
            raise Cancelled
        if not self._is_wanted(letter):
            runner.stop(task)
        return future

    def _task(self, letter: Letter, folder: Path, tell: Tell) -> tuple[RunTask, dict[str, str]]:
        """The task as it is trained here, and what its paths here are called on the client's machine."""

        def got(parcel: Parcel) -> Path:
            ask = {"lacks": parcel.fingerprint, "size": parcel.size}
            return self.store.get(parcel, lambda _: tell(ask), lambda: self._is_wanted(letter))

        experiment = codec.from_plain(letter.experiment)
        places = {name: got(parcel) for name, parcel in letter.data.items()}
        source = experiment.data.source
        data: Data | None = None
        names = {str(place): str(getattr(source, name)) for name, place in places.items()}
        if places:
            here = source.replaced(**{name: str(place) for name, place in places.items()})
            data = experiment.data.replaced(source=here)
        taken = None if letter.source is None else got(letter.source)
        if taken is not None and experiment.transfer is not None:
            names[str(taken)] = experiment.transfer.source
        if letter.resume is not None:
            shutil.copytree(got(letter.resume), folder)
            self.store.forget(letter.resume)
        task = RunTask(
            id=letter.id,
            experiment=experiment,
            folder=folder,
            resume=letter.resume is not None,
            places=Places(data=data, source=taken),
        )
        return task, names

    @contextmanager
    def _runner(self, threads: int) -> Iterator[LocalRunner]:
        """The runner whose processes have so many threads; those of others end, once they have nothing to do."""
        with self._lock:
            if threads not in self._runners:
                self._runners[threads] = LocalRunner(self.slots, threads=threads, on_event=self._hear)
            self._busy[threads] = self._busy.get(threads, 0) + 1
            runner = self._runners[threads]
            for other in [number for number in self._runners if not self._busy.get(number)]:
                self._runners.pop(other).shutdown(wait=False)
        try:
            yield runner
        finally:
            with self._lock:
                self._busy[threads] -= 1

    def _hear(self, task: RunTask, event: Event) -> None:
        tell = self._tells.get(task.id)
        if tell is not None:
            tell(event_to_plain(event))


def _renamed(text: str, names: dict[str, str]) -> str:
    for here, there in names.items():
        text = text.replace(here, there)
    return text


def _sweep(runs: Path) -> None:
    """Delete the folders of workers that ended without doing so: those whose process is gone."""
    for path in runs.glob("*-*"):
        number = path.name.split("-")[0]
        with contextlib.suppress(OSError):
            if number.isdigit() and not psutil.pid_exists(int(number)):
                shutil.rmtree(path)
