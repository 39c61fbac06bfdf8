"""A disk that is full for a moment, or for good, while a network trains."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.checksums import changed_files
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.record import Training
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, Event, RunEnded, SavingPaused
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.core.workspace.runs import is_run, read_run
from dnnstudio.engine.model_files import read_model
from dnnstudio.engine.training import finalize, run_writer, trainer
from dnnstudio.engine.training.checkpoint import load_checkpoint

Make = Callable[..., Any]


class Disk:
    """Refuses writing below a folder while it is full, or at the n-th time."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self.refused_at = 0
        self.only = ""
        """What alone is too large for the room that is left: paths with this part."""
        self.writes = 0
        self._folder = folder
        opening, path_open = os.open, Path.open

        def open_number(path: Any, flags: int, *given: Any, **more: Any) -> int:
            if flags & (os.O_WRONLY | os.O_RDWR):
                self._look(Path(path))
            return opening(path, flags, *given, **more)

        def open_file(path: Path, mode: str = "r", *given: Any, **more: Any) -> Any:
            if set(mode) & set("wax+"):
                self._look(path)
            return path_open(path, mode, *given, **more)

        monkeypatch.setattr(os, "open", open_number)
        monkeypatch.setattr(Path, "open", open_file)

    def _look(self, path: Path) -> None:
        if path.is_relative_to(self._folder):
            self.writes += 1
            if (self.full and self.only in str(path)) or self.writes == self.refused_at:
                raise OSError(errno.ENOSPC, "full", str(path))


@pytest.fixture
def disk(recorder: Any, monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setattr(trainer, "CHECKPOINT_S", 0.0)
    monkeypatch.setattr(run_writer, "PATIENCE_S", 0.0)
    monkeypatch.setattr(finalize, "refuges", lambda name: iter(()))  # every other disk is full too
    return Disk(recorder.folder, monkeypatch)


def epochs(folder: Path) -> list[int]:
    return [int(row["epoch"]) for row in read_rows(folder / "history.csv")]


def figures(folder: Path) -> list[dict[str, float]]:
    return [row | {"seconds": 0.0} for row in read_rows(folder / "history.csv")]


def weights(folder: Path) -> list[np.ndarray]:
    return [array for arrays in read_model(folder / "model.keras").arrays.values() for array in arrays]


def test_a_disk_that_is_full_for_a_moment_costs_nothing(
    recorder: Any, recorders: Make, experiment: Make, rows: Make, disk: Disk
) -> None:
    given = experiment(training=Training(epochs=5, batch_size=16))
    recorders("whole").train(given, rows())

    def look(event: Event) -> None:
        if isinstance(event, EpochDone):
            disk.full = event.row["epoch"] in (1, 2)

    recorder.on_event = look
    result = recorder.train(given, rows())
    assert result.reason == "finished"
    said = recorder.of(SavingPaused)
    assert [bool(event.reason) for event in said] == [True, False]
    assert "the disk is full" in said[0].sentence
    whole = recorders("whole").folder
    assert figures(recorder.folder) == figures(whole)
    assert all(np.array_equal(a, b) for a, b in zip(weights(recorder.folder), weights(whole), strict=True))
    assert changed_files(recorder.folder) == ()


def test_it_is_said_that_nothing_is_missing_only_once_the_checkpoint_is_written(
    recorder: Any, experiment: Make, rows: Make, disk: Disk
) -> None:
    """There is room for a row of the history, and none for the network."""
    checkpoints: list[int] = []

    def look(event: Event) -> None:
        if isinstance(event, EpochDone):
            disk.full = 1 <= event.row["epoch"] <= 3
        if isinstance(event, SavingPaused) and not event.reason:
            assert epochs(recorder.folder)[-1] - load_checkpoint(recorder.folder).position.epoch <= 1
            checkpoints.append(load_checkpoint(recorder.folder).position.epoch)

    disk.only = "checkpoint"
    recorder.on_event = look
    recorder.train(experiment(training=Training(epochs=6, batch_size=16)), rows())
    assert [bool(event.reason) for event in recorder.of(SavingPaused)] == [True, False]
    assert len(checkpoints) == 1 and checkpoints[0] >= 4


def test_a_disk_that_stays_full_leaves_a_run_that_goes_on(
    recorder: Any, recorders: Make, experiment: Make, rows: Make, disk: Disk
) -> None:
    given = experiment(training=Training(epochs=5, batch_size=16))
    recorders("whole").train(given, rows())

    def look(event: Event) -> None:
        disk.full = disk.full or (isinstance(event, EpochDone) and event.row["epoch"] == 3)

    recorder.on_event = look
    with pytest.raises(UserError, match="the disk is full"):
        recorder.train(given, rows())
    assert recorder.of(EpochDone)[-1].row["epoch"] == 5, "it is trained to its end"
    assert recorder.of(RunEnded)[-1].reason == "failed"
    assert (read_run(recorder.folder).status, epochs(recorder.folder)) == ("unfinished", [1, 2, 3])
    assert load_checkpoint(recorder.folder).position.epoch >= 2
    recorder.on_event = lambda event: None
    disk.full = False
    recorder.train(given, rows(), resume_from=recorder.folder)
    whole = recorders("whole").folder
    assert figures(recorder.folder) == figures(whole)
    assert all(np.array_equal(a, b) for a, b in zip(weights(recorder.folder), weights(whole), strict=True))


@pytest.mark.parametrize("taken", ["moved", "experiment.json", "history.csv", "preparation.json"])
def test_a_folder_that_is_taken_away_is_made_again(recorder: Any, experiment: Make, rows: Make, taken: str) -> None:
    """Someone moves or empties the folder of a run in the middle of it: what is trained is a whole run all the same."""

    def look(event: Event) -> None:
        if isinstance(event, EpochDone) and event.row["epoch"] == 3:
            if taken == "moved":
                recorder.folder.rename(recorder.folder.with_name("elsewhere"))
            else:
                (recorder.folder / taken).unlink()

    recorder.on_event = look
    recorder.train(experiment(training=Training(epochs=5, batch_size=16)), rows())
    assert (read_run(recorder.folder).status, epochs(recorder.folder)) == ("finished", [1, 2, 3, 4, 5])
    assert changed_files(recorder.folder) == ()
    assert (recorder.folder / "preparation.json").exists()


def test_whichever_write_fails_the_run_can_be_read(recorder: Any, experiment: Make, rows: Make, disk: Disk) -> None:
    given, data = experiment(training=Training(epochs=2, batch_size=40)), rows()
    number, ends = 0, []
    while disk.writes >= disk.refused_at:
        number += 1
        shutil.rmtree(recorder.folder, ignore_errors=True)
        disk.writes, disk.refused_at = 0, number
        try:
            ends.append(recorder.train(given, data).reason)
        except UserError as error:
            assert "the disk is full" in str(error)
            ends.append("refused")
        if is_run(recorder.folder):
            record = read_run(recorder.folder)
            assert not record.changed
            assert ends[-1] == "refused" or (record.status, record.epochs_done) == ("finished", 2)
    assert number > 15
    assert ends[-1] == "finished"
    assert ends.count("finished") > 5


def test_a_checkpoint_within_an_epoch_goes_on_exactly(
    recorder: Any, recorders: Make, experiment: Make, rows: Make, tmp_path: Path, disk: Disk
) -> None:
    data = rows(train=4000)
    given = experiment(training=Training(epochs=1, batch_size=4))
    copy = tmp_path / "copy"

    def look(event: Event) -> None:  # as a process that is killed leaves it
        if isinstance(event, BatchesDone) and event.steps[-1] > 200 and not copy.exists():
            shutil.copytree(recorder.folder, copy)

    recorder.on_event = look
    recorder.train(given, data)
    assert 0 < load_checkpoint(copy).position.step < 1000
    assert read_run(copy).status == "unfinished"
    recorders("copy").train(given, data, resume_from=copy)
    assert all(np.array_equal(a, b) for a, b in zip(weights(copy), weights(recorder.folder), strict=True))
    assert figures(copy) == figures(recorder.folder)
