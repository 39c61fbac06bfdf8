"""A run that another program has trained on meanwhile is reused, shown and saved as it is now."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dnnstudio.core.experiment.transfer import Phase
from dnnstudio.core.jobs.requests import OpenModel, SaveModel
from dnnstudio.core.jobs.resume import continued
from dnnstudio.engine.model_files import read_model
from dnnstudio.engine.session import Session

from .two_tasks import FROZEN, Tasks, b_on, equal, live, on_disk, run


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
