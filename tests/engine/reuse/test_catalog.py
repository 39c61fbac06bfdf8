"""The library's list: what is read, in which order, and when it is read again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.errors import Cancelled
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import ListLibrary
from dnnstudio.core.jobs.results import Library
from dnnstudio.engine.reuse import catalog as library
from dnnstudio.engine.reuse.catalog import ModelShelf

LAYERS = (Flatten(id="flatten"), Dense(id="output", units=10, activation="softmax"))


def make_run(workspace: Path, name: str, started: float) -> Path:
    folder = workspace / "runs" / name
    folder.mkdir(parents=True)
    codec.save(Experiment(name=name[5:], layers=LAYERS), folder / "experiment.json")
    (folder / "model.keras").write_bytes(b"weights")
    (folder / "metrics.json").write_text(json.dumps({"reason": "finished", "started": started}))
    return folder


def listed(shelf: ModelShelf, workspace: Path, control: Control | None = None) -> Library:
    return shelf.list(ListLibrary(workspace=workspace), control or Control(), lambda *_: None)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the runs that were read."""
    names: list[str] = []
    entry = library.run_entry

    def counting(folder: Path) -> Any:
        names.append(folder.name)
        return entry(folder)

    monkeypatch.setattr(library, "run_entry", counting)
    return names


def test_runs_with_a_model_are_listed_newest_first(tmp_path: Path) -> None:
    make_run(tmp_path, "0001 old", 5.0)
    make_run(tmp_path, "0002 new", 9.0)
    (make_run(tmp_path, "0003 unfinished", 7.0) / "model.keras").unlink()
    assert [entry.name for entry in listed(ModelShelf(), tmp_path).entries] == ["new", "old"]


def test_what_did_not_change_is_not_read_again(tmp_path: Path, read: list[str]) -> None:
    shelf = ModelShelf()
    folders = [make_run(tmp_path, f"000{number} run", number) for number in (1, 2, 3)]
    first = listed(shelf, tmp_path)
    assert len(read) == 3
    read.clear()
    assert listed(shelf, tmp_path) == first and read == []
    codec.save(Experiment(name="renamed", layers=LAYERS), folders[1] / "experiment.json")
    os.utime(folders[1] / "experiment.json", ns=(1, 1))  # whatever the clock's grain
    assert sorted(entry.name for entry in listed(shelf, tmp_path).entries) == ["renamed", "run", "run"]
    assert read == ["0002 run"]


def test_a_run_that_cannot_be_read_is_listed_with_its_sentence(tmp_path: Path) -> None:
    make_run(tmp_path, "0001 fine", 1.0)
    (make_run(tmp_path, "0002 broken", 2.0) / "experiment.json").write_text("{")
    found = listed(ModelShelf(), tmp_path)
    assert [entry.name for entry in found.entries] == ["fine"]
    assert len(found.notes) == 1 and "0002 broken" in found.notes[0]


def test_listing_can_be_called_off(tmp_path: Path) -> None:
    make_run(tmp_path, "0001 a", 1.0)
    control = Control()
    control.stop()
    with pytest.raises(Cancelled):
        listed(ModelShelf(), tmp_path, control)
