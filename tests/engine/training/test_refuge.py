"""A training whose folder can no longer be written at its end is kept whole in another place."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.checksums import changed_files
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.record import EarlyStopping, Training
from dnnstudio.core.jobs.events import EpochDone, Event, Progress, RunEnded, SavingPaused, Stage
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.core.workspace.runs import read_run
from dnnstudio.engine.model_files import read_model
from dnnstudio.engine.training import refuges as places
from dnnstudio.engine.training import run_writer
from dnnstudio.engine.training.checkpoint import load_checkpoint
from dnnstudio.engine.training.refuges import refuges

Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_writer, "PATIENCE_S", 0.0)


def arrays(file: Path) -> list[np.ndarray]:
    return [array for layer in read_model(file).arrays.values() for array in layer]


def assert_same_run(folder: Path, whole: Path) -> None:
    """Epochs, last and best weights, and the state that training goes on from are those of a run without a fault."""
    figures = [[row | {"seconds": 0.0} for row in read_rows(at / "history.csv")] for at in (folder, whole)]
    assert figures[0] == figures[1]
    for name in ("model.keras", "best.keras"):
        pairs = zip(arrays(folder / name), arrays(whole / name), strict=True)
        assert all(np.array_equal(one, other) for one, other in pairs), name
    assert read_run(folder).status == read_run(whole).status
    assert changed_files(folder) == ()


def taken_away_after(recorder: Any, epoch: int) -> Callable[[Event], None]:
    """The drive with the run goes away: what it was mounted on stays, empty."""

    def look(event: Event) -> None:
        if isinstance(event, EpochDone) and event.row["epoch"] == epoch:
            drive = recorder.folder.parent
            drive.rename(drive.with_name("drive in a bag"))

    return look


@pytest.fixture
def on_a_drive(recorder: Any, tmp_path: Path) -> Any:
    (tmp_path / "drive").mkdir()
    recorder.folder = tmp_path / "drive" / "0007 run"
    return recorder


@pytest.mark.parametrize("restore", [False, True])
def test_a_drive_that_goes_away_costs_nothing(
    on_a_drive: Any, recorders: Make, experiment: Make, rows: Make, own_folders: Path, restore: bool
) -> None:
    stopping = EarlyStopping(patience=5, restore_best=restore)
    given = experiment(training=Training(epochs=4, batch_size=16, early_stopping=stopping))
    recorders("whole").train(given, rows())
    on_a_drive.on_event = taken_away_after(on_a_drive, 2)
    result = on_a_drive.train(given, rows())
    assert result.folder.is_relative_to(own_folders)
    assert result.folder.name == "0007 run"
    assert_same_run(result.folder, recorders("whole").folder)
    assert not on_a_drive.folder.parent.exists(), "nothing is put where the drive was"
    ended = on_a_drive.of(RunEnded)[-1]
    assert (ended.reason, ended.result) == ("finished", result)
    assert str(result.folder) in ended.message
    assert str(on_a_drive.folder) in result.elsewhere


def test_what_is_kept_elsewhere_goes_on_exactly(on_a_drive: Any, recorders: Make, experiment: Make, rows: Make) -> None:
    """The state between the last checkpoint and the end is there too."""
    long = experiment(training=Training(epochs=6, batch_size=16))
    recorders("whole").train(long, rows())
    on_a_drive.on_event = taken_away_after(on_a_drive, 1)
    result = on_a_drive.train(long, rows(), stop_after=4)
    assert (result.reason, read_run(result.folder).epochs_done) == ("stopped", 4)
    on_a_drive.folder, on_a_drive.on_event = result.folder, lambda event: None
    on_a_drive.train(long, rows(), resume_from=result.folder)
    assert_same_run(result.folder, recorders("whole").folder)


def test_a_write_that_fails_at_the_very_end_moves_the_run(
    recorder: Any, recorders: Make, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the one after the weights were exchanged for the best ones, which is the last but one."""
    given = experiment(training=Training(epochs=3, batch_size=16))
    recorders("whole").train(given, rows())
    save = run_writer.save_network

    def refuse_best(model: Any, path: Path, *more: Any, **options: Any) -> int:
        if path == recorder.folder / "best.keras":
            raise UserError(f"{path} cannot be written: the disk is full.")
        return save(model, path, *more, **options)

    monkeypatch.setattr(run_writer, "save_network", refuse_best)
    best_is_last = run_writer.RunFolder.best_is_last

    def refuse_copy(folder: run_writer.RunFolder) -> None:
        if folder.path == recorder.folder:
            raise UserError("best.keras cannot be written: the disk is full.")
        best_is_last(folder)

    monkeypatch.setattr(run_writer.RunFolder, "best_is_last", refuse_copy)
    result = recorder.train(given, rows())
    assert result.folder != recorder.folder
    assert_same_run(result.folder, recorders("whole").folder)


def test_a_stop_ends_the_waiting_for_the_disk(
    on_a_drive: Any, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_writer, "PATIENCE_S", 60.0)
    gone = taken_away_after(on_a_drive, 1)
    stops: list[threading.Timer] = []

    def look(event: Event) -> None:
        gone(event)
        if isinstance(event, Progress) and event.stage is Stage.SAVING:
            stops.append(threading.Timer(1.0, on_a_drive.control.stop))
            stops[-1].start()

    on_a_drive.on_event = look
    began = time.monotonic()
    result = on_a_drive.train(experiment(training=Training(epochs=1, batch_size=16)), rows())
    assert result.elsewhere
    assert [event.over for event in on_a_drive.of(SavingPaused)] == [False, True], "why it waits is said"
    assert time.monotonic() - began < 30
    stops[0].join()


def test_what_is_read_for_a_copy_may_be_gone_too(
    on_a_drive: Any, recorders: Make, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best weights are the last ones: their file is a copy of the other, which is gone when it is made."""
    given = experiment(training=Training(epochs=1, batch_size=16))
    recorders("whole").train(given, rows())
    best_is_last = run_writer.RunFolder.best_is_last

    def away(folder: run_writer.RunFolder) -> None:
        if folder.path == on_a_drive.folder:
            drive = folder.path.parent
            drive.rename(drive.with_name("drive in a bag"))
        best_is_last(folder)

    monkeypatch.setattr(run_writer.RunFolder, "best_is_last", away)
    result = on_a_drive.train(given, rows())
    assert_same_run(result.folder, recorders("whole").folder)
    assert load_checkpoint(result.folder).position.epoch == 1, "also where the last checkpoint was still written"


def test_a_stop_while_the_end_waits_keeps_the_figures_that_are_measured(
    on_a_drive: Any, recorders: Make, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_writer, "PATIENCE_S", 60.0)
    given = experiment(training=Training(epochs=1, batch_size=16))
    whole = recorders("whole").train(given, rows())
    gone = taken_away_after(on_a_drive, 1)

    def look(event: Event) -> None:
        gone(event)
        if isinstance(event, SavingPaused) and event.over:
            on_a_drive.control.stop()

    on_a_drive.on_event = look
    result = on_a_drive.train(given, rows())
    for part in ("train", "validation", "test"):
        assert result.metrics[part] == whole.metrics[part]
    assert "Stopped before" not in result.metrics["message"]
    said = on_a_drive.of(SavingPaused)[-1].sentence
    assert "The training goes on" not in said


def test_a_folder_on_another_drive_than_it_was_made_on_is_not_filled(
    on_a_drive: Any, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of the run lay directly under the point where the drive was mounted."""
    number = run_writer._drive_of
    away: list[Event] = []

    def look(event: Event) -> None:
        if isinstance(event, EpochDone) and event.row["epoch"] == 1:
            on_a_drive.folder.rename(on_a_drive.folder.with_name("on the drive"))
            away.append(event)

    monkeypatch.setattr(run_writer, "_drive_of", lambda folder: 99 if away and folder.exists() else number(folder))
    on_a_drive.on_event = look
    # What it is kept in has a number of its own, which does not change.
    result = on_a_drive.train(experiment(training=Training(epochs=3, batch_size=16)), rows())
    assert result.elsewhere
    assert not on_a_drive.folder.exists()


def test_event_files_go_with_the_run(on_a_drive: Any, experiment: Make, rows: Make) -> None:
    given = experiment(training=Training(epochs=3, batch_size=16, tensorboard=True))
    on_a_drive.on_event = taken_away_after(on_a_drive, 2)
    result = on_a_drive.train(given, rows())
    assert len(list((result.folder / "tensorboard").rglob("events.*"))) == 2


def test_what_does_not_outlast_the_computer_is_said(
    on_a_drive: Any, experiment: Make, rows: Make, own_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_folders / ".data").touch()
    monkeypatch.setattr(places.tempfile, "gettempdir", lambda: str(tmp_path))
    on_a_drive.on_event = taken_away_after(on_a_drive, 1)
    result = on_a_drive.train(experiment(training=Training(epochs=1, batch_size=16)), rows())
    assert result.folder.is_relative_to(tmp_path)
    assert "until this computer is turned off" in result.elsewhere


# ------------------------------------------------------------------------------------------------ the places


def test_refuges_are_private_and_new_each_time(own_folders: Path) -> None:
    twice = refuges(Path("runs/0003 digits")), refuges(Path("runs/0003 digits"))
    first, second = (next(found)[0] for found in twice)
    assert first.is_relative_to(own_folders)
    assert (first.name, second.name) == ("0003 digits", "0003 digits 2")
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (first.parent, first)} == {0o700}


def test_a_place_that_cannot_be_used_is_passed_over(
    own_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_folders / ".data").touch()  # a file in its place
    monkeypatch.setattr(places.tempfile, "gettempdir", lambda: str(tmp_path))
    assert next(refuges(Path("run")))[0].is_relative_to(tmp_path)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="Windows has no owners by number")
def test_a_folder_of_somebody_else_among_the_temporary_ones_is_not_trusted(
    own_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_folders / ".data").touch()
    monkeypatch.setattr(places.tempfile, "gettempdir", lambda: str(tmp_path))
    theirs = next(refuges(Path("run")))[0].parent
    stranger = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: stranger)
    theirs.rename(tmp_path / f"dnnstudio-{places.REFUGE}-{stranger}")
    assert not any(folder.is_relative_to(tmp_path) for folder, _ in refuges(Path("run")))


def test_a_refuge_in_which_nothing_was_put_is_removed() -> None:
    for folder, _ in refuges(Path("run")):
        assert folder.is_dir()
    assert not folder.exists()


def test_members_and_trials_are_called_by_what_they_belong_to() -> None:
    found = [next(refuges(Path("runs/0003 wine") / kind / "42"))[0].name for kind in ("members", "trials")]
    assert found == ["0003 wine 42", "0003 wine 42"]
