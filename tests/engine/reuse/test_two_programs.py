"""A run that another program has trained on meanwhile is reused, shown and saved as it is now."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.experiment.transfer import Phase
from dnnstudio.core.jobs.events import EpochDone, Event
from dnnstudio.core.jobs.requests import OpenModel, SaveModel
from dnnstudio.core.jobs.resume import continued
from dnnstudio.engine.model_files import read_model
from dnnstudio.engine.session import Session

from .two_tasks import FROZEN, Tasks, b_on, equal, files, live, on_disk, run


@pytest.fixture
def tasks_trained_on(tasks: Tasks) -> Tasks:
    """Task A, held in memory as another program found it, which trained it for an epoch more."""
    folder = tasks.runs / "0001 a"
    before = live(tasks.session, tasks.a.model)
    run(tasks.session, OpenModel(id="opened", path=folder))
    run(Session(), continued(folder, 1))
    assert not equal(before, on_disk(folder), "h1")
    return tasks


@pytest.mark.parametrize("by", ["path", "run id"])
def test_reused_layers_are_those_of_now(tasks_trained_on: Tasks, by: str) -> None:
    tasks, folder = tasks_trained_on, tasks_trained_on.runs / "0001 a"
    source = "0001 a" if by == "path" else tasks.a.model
    result = tasks.train_b(b_on(source, phases=(Phase(epochs=1, frozen=FROZEN),)))
    assert equal(on_disk(folder), on_disk(result.folder), *FROZEN)


def test_sharing_takes_back_nothing_that_was_learnt_meanwhile(tasks_trained_on: Tasks) -> None:
    tasks, folder = tasks_trained_on, tasks_trained_on.runs / "0001 a"
    now = on_disk(folder)
    tasks.train_b(b_on("0001 a", mode="share", phases=(Phase(epochs=1, frozen=FROZEN),)))
    assert equal(now, on_disk(folder))


def test_the_network_at_hand_is_saved_as_it_is_now(tasks_trained_on: Tasks, tmp_path: Path) -> None:
    tasks, folder = tasks_trained_on, tasks_trained_on.runs / "0001 a"
    for key in (tasks.a.model, "opened"):
        run(tasks.session, SaveModel(model=key, path=tmp_path / "saved.keras"))
        assert equal(on_disk(folder), dict(read_model(tmp_path / "saved.keras").arrays))


def test_a_run_that_is_gone_is_still_at_hand(tasks: Tasks) -> None:
    before = live(tasks.session, tasks.a.model)
    shutil.rmtree(tasks.runs / "0001 a")
    assert equal(before, live(tasks.session, tasks.a.model))


def test_a_model_file_stays_as_it_was_opened(tasks: Tasks, tmp_path: Path) -> None:
    file = tmp_path / "model.keras"
    shutil.copy(tasks.runs / "0001 a" / "model.keras", file)
    run(tasks.session, OpenModel(id="opened", path=file))
    before = live(tasks.session, "opened")
    shutil.copy(tasks.train_b(b_on("0001 a")).folder / "model.keras", file)
    assert equal(before, live(tasks.session, "opened"))


HOLD = """
import sys
from pathlib import Path
from dnnstudio.core.folder_lock import held
with held(Path(sys.argv[1]), "a training"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def trained_elsewhere(folder: Path) -> Iterator[None]:
    """Another process holds the run."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield
        other.communicate()


def test_sharing_with_a_run_that_is_being_trained_elsewhere_leaves_nothing_and_can_be_tried_again(
    tasks: Tasks,
) -> None:
    folder, given = tasks.runs / "0001 a", b_on("0001 a", mode="share")
    before = files(folder)
    with trained_elsewhere(folder), pytest.raises(UserError) as refused:
        tasks.train_b(given)
    assert refused.value.code is Code.IN_USE
    assert files(folder) == before
    assert not (tasks.runs / "0002 b").exists()
    assert tasks.train_b(given).reason == "finished"


def test_a_shared_run_that_another_program_uses_at_the_end_stays_as_it_was_and_is_said_to(tasks: Tasks) -> None:
    folder = tasks.runs / "0001 a"
    before = on_disk(folder)
    with ExitStack() as other:

        def emit(event: Event) -> None:
            if isinstance(event, EpochDone) and event.row["epoch"] == 1:
                other.enter_context(trained_elsewhere(folder))

        result = tasks.train_b(b_on("0001 a", mode="share"), emit=emit)
    note = tasks.ended.note
    assert note.startswith(f"0001 a was not updated: {folder} is in use by a training (process ")
    assert note.endswith("To update it too, train this run on when that has ended.")
    assert equal(before, on_disk(folder))
    assert not equal(before, on_disk(result.folder), *FROZEN)
    assert equal(before, live(tasks.session, tasks.a.model)), "the network in memory is what lies on the disk"

    run(tasks.session, continued(result.folder, 1))
    assert equal(on_disk(result.folder), on_disk(folder), *FROZEN)
    assert not equal(before, on_disk(folder), *FROZEN)
