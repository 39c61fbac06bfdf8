"""A run that reuses layers and has to be kept in another folder: its source, its links and its promise go with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.transfer import Phase
from dnnstudio.core.jobs.resume import continued
from dnnstudio.core.workspace.shared_layers import read_links, sharers
from dnnstudio.core.workspace.sources import place_of
from dnnstudio.engine.training import run_writer

from .two_tasks import FROZEN, Tasks, b_on, equal, on_disk, run

LEARNING = (Phase(epochs=1),)


@pytest.fixture
def full(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network can be written to the folder of B."""
    monkeypatch.setattr(run_writer, "PATIENCE_S", 0.0)
    save = run_writer.save_network

    def refuse(model: Any, path: Path, *more: Any, **options: Any) -> int:
        if path.parent == tasks.runs / "0002 b":
            raise UserError(f"{path} cannot be written: the disk is full.")
        return save(model, path, *more, **options)

    monkeypatch.setattr(run_writer, "save_network", refuse)


@pytest.mark.parametrize("mode", ["clone", "share"])
def test_its_source_is_the_same_and_its_origin_is_known(tasks: Tasks, full: None, mode: str) -> None:
    result = tasks.train_b(b_on("0001 a", mode, phases=LEARNING))
    assert result.elsewhere
    experiment = codec.load(result.folder / "experiment.json")
    assert experiment.transfer is not None
    assert place_of(experiment.transfer, result.folder) == (tasks.runs / "0001 a").resolve()
    assert read_links(result.folder).origin is not None


def test_shared_layers_are_changed_in_the_other_model_too(tasks: Tasks, full: None) -> None:
    source = tasks.runs / "0001 a"
    before = on_disk(source)
    result = tasks.train_b(b_on("0001 a", "share", phases=LEARNING))
    assert not equal(before, on_disk(source), "h1")
    assert equal(on_disk(result.folder), on_disk(source), *FROZEN)
    assert [place.resolve() for place in sharers(result.folder)] == [source.resolve()]
    assert "0001 a" in result.elsewhere and result.elsewhere in tasks.ended.message

    run(tasks.session, continued(result.folder, 1))
    assert equal(on_disk(result.folder), on_disk(source), *FROZEN)
