"""Putting a run folder that came from a worker in its place: judged as a file from anywhere, then moved in one step."""

from __future__ import annotations

import io
import tempfile
from dataclasses import replace
from pathlib import Path

from dnnstudio.core.atomic_files import make_folder
from dnnstudio.core.checksums import FILE as CHECKSUMS
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.os_errors import reason_of
from dnnstudio.core.study.repeat import comparable
from dnnstudio.core.workspace.runs import EXPERIMENT, METRICS, is_run, read_run
from dnnstudio.core.workspace.shared_layers import read_links, set_origin
from dnnstudio.core.workspace.sources import place_of
from dnnstudio.runner.cluster.archives import RUN, files_below, unpack
from dnnstudio.runner.cluster.letters import RUN_PREFIX
from dnnstudio.runner.tasks import RunTask


def place_run(packed: bytes, task: RunTask) -> bool:
    """Fill the task's folder with the run in an answer; False where the answer has none, and nothing is changed.

    Raises `UserError` where what came is no run of the task's experiment; the folder is then as before.
    """
    make_folder(task.folder.absolute().parent)
    try:
        with tempfile.TemporaryDirectory(
            prefix=".dnnstudio-", suffix=".run", dir=task.folder.absolute().parent
        ) as made:
            arrived = Path(made) / task.folder.name
            unpack(io.BytesIO(packed), arrived, RUN, below=RUN_PREFIX)
            if not is_run(arrived):
                return False
            _judge(arrived, task.experiment)
            _move(arrived, task.folder)
            _name_origin(task)
            return True
    except OSError as error:
        raise UserError(
            f"{task.folder} cannot be written: {reason_of(error)}.", "Make room, or choose another."
        ) from None


def _judge(folder: Path, wanted: Experiment) -> None:
    """Raises `UserError` where a record of the run cannot be read, or it is of another experiment."""
    read_run(folder)
    if comparable(codec.load(folder / EXPERIMENT), wanted) != comparable(wanted, wanted):
        raise UserError("What came from the cluster is a run of another experiment.", "Train it again.")


def _name_origin(task: RunTask) -> None:
    """The layers come from the run that the experiment names, not from its copy on the worker."""
    origin = read_links(task.folder).origin
    if origin is not None and task.experiment.transfer is not None:
        set_origin(task.folder, replace(origin, place=place_of(task.experiment.transfer, task.base)))


def _move(arrived: Path, folder: Path) -> None:
    """A new folder in one step; into one that is there, as its lock is, file by file.

    What makes it a run comes after its other files, the figures that end it last.
    """
    if not folder.exists() or not any(folder.iterdir()):
        if folder.exists():
            folder.rmdir()
        arrived.rename(folder)
        return
    names = {name for name, _ in files_below(arrived)}
    for name in (CHECKSUMS, METRICS):
        (folder / name).unlink(missing_ok=True)
    for name in sorted(names, key=lambda name: (name == METRICS, name == CHECKSUMS, name == EXPERIMENT)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (arrived / name).replace(folder / name)
    for name in REMOVED_BY_TRAINING - names:
        (folder / name).unlink(missing_ok=True)


REMOVED_BY_TRAINING = {"answers.npz", METRICS}
"""What a training deletes of the run that it goes on with."""
