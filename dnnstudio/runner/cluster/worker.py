"""`dnnstudio worker`: a machine that joins a cluster and trains what it is sent, until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dnnstudio.core.errors import UserError
from dnnstudio.core.text import count_of
from dnnstudio.runner.capacity import threads_each
from dnnstudio.runner.cluster.extra import prepare, security_of
from dnnstudio.runner.cluster.join_file import JoinFile, refused
from dnnstudio.runner.cluster.letters import Letter
from dnnstudio.runner.cluster.station import Station
from dnnstudio.runner.wire import Plain

if TYPE_CHECKING:
    from distributed import Worker

REJOIN_S = 60.0
"""How long a worker tries to come back after it has lost the cluster."""
_STATION = "dnnstudio_station"
"""The attribute of Dask's worker that holds the station."""

Say = Callable[[str], None]


def work(join: JoinFile, folder: Path, *, slots: int, say: Say) -> None:
    """Join and train until SIGINT or SIGTERM, the end of the cluster, or that of the join file.

    `say` is told, in sentences, what happens. Raises `UserError` where the cluster cannot be reached, and after it was
    lost for a minute.
    """
    prepare()
    asyncio.run(_work(join, folder, slots=slots, say=say))


async def _work(join: JoinFile, folder: Path, *, slots: int, say: Say) -> None:
    ended = stop_wish()
    since, joined = time.monotonic(), False
    while not ended.is_set():
        station = Station(folder, slots=slots)
        try:
            worker = await _joined(join, station, folder)
        except (TimeoutError, OSError, ValueError, RuntimeError) as error:
            await asyncio.to_thread(station.close)
            if not joined:
                raise refused(join, error) from error
            if time.monotonic() - since > REJOIN_S:
                raise UserError("The cluster was lost, and does not answer any more.") from error
            await _either(ended.wait(), asyncio.sleep(1.0))
            continue
        joined = True
        say(f"Joined the cluster at {join.address}, {count_of(slots, 'training')} at a time. Ctrl+C leaves it.")
        await _either(ended.wait(), worker.finished(), asyncio.sleep(max(0.0, join.expires - time.time())))
        over = ended.is_set() or time.time() >= join.expires
        # The worker leaves first: what its trainings answer while they are ended counts for nothing.
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await worker.close(timeout=5, executor_wait=False, reason="dnnstudio-worker-leaves")
        await asyncio.to_thread(station.close)
        if over:
            return
        since = time.monotonic()
        say("The cluster was lost; this machine tries to come back for a minute.")


async def _joined(join: JoinFile, station: Station, folder: Path) -> Worker:
    """A worker of Dask that has joined."""
    from distributed import Worker, WorkerPlugin
    from distributed.utils import get_ip

    class Listening(Worker):
        """A worker without a web server, which would listen on a port that asks for no certificate."""

        def start_http_server(self, *arguments: Any, **options: Any) -> None:
            del arguments, options

    class Released(WorkerPlugin):
        """Stops a training that nobody waits for any more: Dask itself lets it run on (distributed#3681)."""

        def transition(self, key: Any, start: str, finish: str, **options: Any) -> None:
            if start == "executing" and finish in ("cancelled", "released", "forgotten"):
                station.stop(str(key))

    there = urlsplit(join.address)
    worker = Listening(
        join.address,
        host=await asyncio.to_thread(get_ip, there.hostname, there.port),  # only where the cluster reaches it
        nthreads=station.slots,
        name=f"{platform.node()}-{os.getpid()}-{os.urandom(2).hex()}",
        security=security_of(join.authority, join.pair),
        memory_limit=0,
        local_directory=str(folder / "dask"),
        dashboard=False,
        death_timeout=10,
        plugins=(Released(),),
    )
    setattr(worker, _STATION, station)
    started: Worker = await worker
    return started


def stop_wish() -> asyncio.Event:
    """An event that is set by the first SIGINT or SIGTERM; the second one ends the program at once."""
    wish, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop(number: int, frame: object) -> None:
        del frame
        loop.call_soon_threadsafe(wish.set)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return wish


async def _either(*things: Any) -> None:
    """Wait for the first of them, and drop the others."""
    tasks = [asyncio.ensure_future(thing) for thing in things]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


# ------------------------------------------------------------------------ what Dask calls on a worker, by these names


def train_here(text: str) -> bytes:
    """The task of a client: train a letter and give its answer."""
    from distributed import get_worker

    worker = get_worker()
    letter = Letter.from_json(text)

    def tell(plain: Plain) -> None:
        about = {"attempt": letter.attempt, "worker": worker.address}
        worker.log_event(letter.topic, about | {"told": json.dumps(plain)})

    tell({"begun": True})
    answer: bytes = getattr(worker, _STATION).train(letter, tell)
    return answer


def stop_here(attempt: str, dask_worker: Worker) -> None:
    """Stop an attempt if it is or comes here."""
    getattr(dask_worker, _STATION).stop(attempt)


async def take_here(fingerprint: str, offset: int, piece: bytes, dask_worker: Worker) -> bool:
    """Take a piece of a file that a task here waits for."""
    store = getattr(dask_worker, _STATION).store
    return bool(await asyncio.to_thread(store.take, fingerprint, offset, piece))


def about_here(dask_worker: Worker) -> dict[str, int]:
    """How many trainings this worker runs at a time, and with how many threads each uses it wholly."""
    slots = getattr(dask_worker, _STATION).slots
    return {"slots": slots, "threads": threads_each(slots)}
