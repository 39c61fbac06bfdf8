"""The training process: `python -m dnnstudio.runner.child PARENT FOLDER`; runs one task after the other, received by a
pipe.

Messages arrive on standard input, {"do": "train" or "stop", "id": …}; events and one answer per run are written to
standard output. All other output goes to standard error. The process ends when standard input closes; all its files are
written atomically, so that it may be killed at any moment.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
import threading
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.folder_lock import held
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import Event
from dnnstudio.core.jobs.requests import Places, TrainRun
from dnnstudio.core.jobs.results import RunResult
from dnnstudio.core.workspace.runs import can_go_on
from dnnstudio.runner.parent_death import end_with_parent
from dnnstudio.runner.wire import BrokenStreamError, Plain, event_to_plain, read_message, result_to_plain, write_message

NICENESS = 10
"""The processes of several trainings leave the window its turn where they have all cores; with 5 it still had to wait
for one in the worst hundredth of its turns."""


def main() -> None:
    """Train the requested tasks until standard input closes."""
    parent, folder = int(sys.argv[1]), Path(sys.argv[2])
    end_with_parent(parent)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    faulthandler.enable()
    requests, answers = _take_streams()
    os.chdir(folder)  # only now, because the folder may contain untrusted modules
    Worker(requests, answers).work()


def _take_streams() -> tuple[BinaryIO, BinaryIO]:
    """Reserve the two pipes for messages: all other output goes to standard error."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


class Worker:
    """Reads messages in a separate thread, so that a stop request is received during a training."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._requests = requests
        self._answers = answers
        self._tasks: SimpleQueue[tuple[Plain, Control]] = SimpleQueue()
        self._controls: dict[str, Control] = {}

    def work(self) -> None:
        """Train one task after the other; never returns, because the process ends with the pipe."""
        threading.Thread(target=self._listen, name="requests", daemon=True).start()
        while True:
            task, control = self._tasks.get()
            self._answer(self._done(task, control), task["id"])
            self._controls.pop(task["id"], None)

    def _listen(self) -> None:
        try:
            while (message := read_message(self._requests)) is not None:
                if message["do"] == "train":
                    control = self._controls[message["id"]] = Control()
                    self._tasks.put((message, control))
                elif message["do"] == "stop" and (known := self._controls.get(message["id"])) is not None:
                    known.stop()
        except BrokenStreamError:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)  # the parent has ended, or has no more work

    def _done(self, task: Plain, control: Control) -> Plain:
        try:
            return {"answer": "done", "result": result_to_plain(train(task, control, self._tell))}
        except Cancelled:
            return {"answer": "cancelled"}
        except UserError as error:
            return {"answer": "failed", "message": str(error), "detail": ""}
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            return {"answer": "failed", "message": said, "detail": traceback.format_exc()}

    def _tell(self, event: Event) -> None:
        self._answer(event_to_plain(event), event.run)

    def _answer(self, message: Plain, task: str) -> None:
        try:
            write_message(self._answers, message | {"id": task})
        except OSError:  # the reader has closed the pipe
            os._exit(0)


def train(task: Plain, control: Control, emit: Callable[[Event], None]) -> RunResult:
    """Run one training through the engine's session, like `dnnstudio run`. Raises `UserError` and `Cancelled`.

    Each run has its own session, so that no network of an earlier run is kept.
    """
    control.check()  # before TensorFlow is imported
    folder = Path(task["folder"])
    with held(folder, "a training", make=True):
        return _train_alone(task, folder, control, emit)


def _train_alone(task: Plain, folder: Path, control: Control, emit: Callable[[Event], None]) -> RunResult:
    from dnnstudio.engine.session import Session

    base = task["base"]
    resumes = task["resume"] and can_go_on(folder)
    job = TrainRun(
        id=task["id"],
        experiment=codec.from_plain(task["experiment"]),
        folder=folder,
        resume_from=folder if resumes else None,
        base=None if base is None else Path(base),
        places=_places(task["places"], task["experiment"]),
    )
    session = Session()
    session.warm_up()
    _leave_out_of_collections()
    result: RunResult = session.run(job, control, emit)
    result.require_in_place()
    return result


@cache
def _leave_out_of_collections() -> None:
    """What is imported stays: looking through all of it for garbage took a tenth of a short training, each time."""
    gc.collect()
    gc.freeze()


def _places(plain: Plain | None, experiment: Plain) -> Places | None:
    if plain is None:
        return None
    data, source = plain["data"], plain["source"]
    return Places(
        data=None if data is None else codec.from_plain(experiment | {"data": data}).data,
        source=None if source is None else Path(source),
    )


if __name__ == "__main__":
    main()
