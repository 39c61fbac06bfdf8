"""More epochs, going on, another rate in flight, and the test that finds one: what becomes of a person's wishes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.core import codec
from dnnstudio.core.experiment import Training
from dnnstudio.core.history import write_history
from dnnstudio.core.jobs import FindRate, FoundRate, RateTested, TrainRun
from dnnstudio.core.recipes import load_recipe
from dnnstudio.core.schedules import Constant, OneCycle
from dnnstudio.gui.engine_thread import Failure
from dnnstudio.gui.main_window import MainWindow

from .window_kit import begin_slow_training, open_window, submitted


def make_run(workspace: Path, number: int, *, done: int, planned: int = 20, reason: str = "stopped") -> Path:
    """A run folder with a checkpoint; `reason` "" is a run that was cut off."""
    folder = workspace / "runs" / f"{number:04} digits"
    (folder / "checkpoint").mkdir(parents=True)
    experiment = load_recipe("digits").experiment.replaced(schedule=OneCycle(), training=Training(epochs=planned))
    codec.save(experiment, folder / "experiment.json")
    rows = [{"epoch": n, "loss": 0.1, "val_loss": 0.2, "seconds": 1.0} for n in range(1, done + 1)]
    write_history(folder / "history.csv", rows)
    if reason:
        (folder / "metrics.json").write_text(json.dumps({"reason": reason, "run": f"id {number}"}))
    return folder


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    workspace = tmp_path / "workspace"
    make_run(workspace, 1, done=20, reason="finished")
    make_run(workspace, 2, done=5)
    make_run(workspace, 3, done=5, reason="")
    make_run(workspace, 4, done=2, reason="diverged")
    with open_window(qtbot, qapp, tmp_path) as opened:
        qtbot.waitUntil(lambda: opened.runs.runs.rowCount() == 4)
        yield opened


def choose(window: MainWindow, number: int) -> Path:
    window.runs.table.selectRow(4 - number)
    record = window.runs.chosen
    assert record is not None and record.number == number
    return record.folder


def enabled(window: MainWindow) -> set[str]:
    return {name for name in ("one_epoch", "more_epochs", "go_on") if window.actions_[name].isEnabled()}


@pytest.mark.parametrize(
    ("number", "can"),
    [(1, {"one_epoch", "more_epochs"}), (2, {"one_epoch", "more_epochs", "go_on"}),
     (3, {"one_epoch", "more_epochs", "go_on"}), (4, set())],
)  # fmt: skip
def test_what_can_be_done_follows_the_chosen_run(window: MainWindow, number: int, can: set[str]) -> None:
    assert enabled(window) == set()
    choose(window, number)
    assert enabled(window) == can


@pytest.mark.parametrize("number", [2, 3])
def test_a_run_of_an_earlier_day_goes_on_from_its_checkpoint(window: MainWindow, number: int) -> None:
    """Stopped, or cut off with the program: the job is that of the folder, and nothing of the open experiment."""
    folder = choose(window, number)
    window.actions_["go_on"].trigger()
    (job,) = submitted(window, TrainRun)
    assert (job.folder, job.resume_from, job.stop_after) == (folder, folder, None)
    assert job.experiment == codec.load(folder / "experiment.json")


def test_one_epoch_within_the_plan_stops_after_it_and_beyond_makes_the_plan_longer(window: MainWindow) -> None:
    said: list[str] = []
    window.lab.said.connect(lambda lead, text: said.append(text))
    choose(window, 2)
    window.actions_["one_epoch"].trigger()
    (job,) = submitted(window, TrainRun)
    assert (job.stop_after, job.experiment.training.epochs) == (6, 20)


def test_more_epochs_asks_how_many(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = choose(window, 1)
    monkeypatch.setattr(window.dialogs, "more_epochs", lambda parent, name: None)
    window.actions_["more_epochs"].trigger()
    assert submitted(window, TrainRun) == []
    monkeypatch.setattr(window.dialogs, "more_epochs", lambda parent, name: 5)
    window.actions_["more_epochs"].trigger()
    (job,) = submitted(window, TrainRun)
    assert (job.resume_from, job.experiment.training.epochs) == (folder, 25)


def test_a_run_without_its_checkpoint_is_named(window: MainWindow) -> None:
    folder = choose(window, 2)
    (folder / "checkpoint").rmdir()
    caught: list[object] = []
    window.lab.failed.connect(caught.append)
    window.lab.go_on(folder)
    assert "no checkpoint" in str(caught[0])


def test_another_rate_reaches_the_training_that_is_under_way(qtbot: Any, window: MainWindow) -> None:
    field = window.plots.rate.field
    assert not field.isVisible()
    window.engine.start()
    begin_slow_training(qtbot, window)
    assert field.isVisible() and window.controller._training is not None
    control = window.controller._training[1]
    for text, wanted in (("-1", None), ("0", None), ("0.25", 0.25)):
        field.setText(text)
        field.setModified(True)
        field.commit()
        assert control.take_learning_rate() == wanted
        assert bool(field.problem) == (wanted is None)
    window.actions_["finish_epoch"].trigger()
    assert control.finishing
    qtbot.waitUntil(lambda: window.controller.activity == "idle")
    assert not field.isVisible()


# ------------------------------------------------------------------------------------------------ finding a rate


def found(**changes: Any) -> FoundRate:
    rates = np.geomspace(1e-6, 1.0, 100)
    losses = 2 - 1.5 * np.exp(-((np.log10(rates) + 2) ** 2))
    values: dict[str, Any] = {
        "rates": rates, "losses": losses, "smoothed": losses, "steepest": 0.0021, "tenth_of_lowest": 0.00104,
        "exploded": True,
    }  # fmt: skip
    return FoundRate(**(values | changes))


def test_a_found_rate_is_used_in_one_click_and_one_step(qtbot: Any, window: MainWindow) -> None:
    window.actions_["find_rate"].trigger()
    (job,) = submitted(window, FindRate)
    assert job.experiment == window.document.experiment and job.model is None
    dialog = window.lab.dialog
    assert dialog is not None
    window.controller.rate_tested.emit(
        RateTested(run=job.id, rates=np.array([1e-6, 2e-6]), losses=np.array([2.0, 1.9]), total=500)
    )
    assert "2e-6" in dialog.headline.text()
    window.controller.rate_found.emit(job, found())
    assert "about 0.001" in dialog.headline.text() and dialog.rate == 0.001
    assert [mark.isVisible() for mark in dialog.plot.marks] == [True, True]
    assert [mark.label.format for mark in dialog.plot.marks] == ["lowest / 10", "steepest"]
    dialog.steepest.click()
    assert dialog.rate == 0.0021
    before = window.document.undo_stack.count()
    dialog.one_cycle.click()
    assert window.document.experiment.schedule == OneCycle(max_rate=0.0021)
    assert window.document.undo_stack.count() == before + 1
    assert window.lab.dialog is None, "it closes"
    window.actions_["find_rate"].trigger()
    again = window.lab.dialog
    assert again is not None
    window.controller.rate_found.emit(submitted(window, FindRate)[-1], found())
    again.constant.click()
    assert window.document.experiment.optimizer.learning_rate == 0.001
    assert window.document.experiment.schedule == Constant()


def test_a_test_that_found_nothing_or_failed_says_so_and_can_be_done_again(window: MainWindow) -> None:
    window.actions_["find_rate"].trigger()
    dialog = window.lab.dialog
    assert dialog is not None
    window.controller.rate_found.emit(submitted(window, FindRate)[0], found(steepest=None, tenth_of_lowest=None))
    assert "never fell" in dialog.headline.text()
    assert not dialog.one_cycle.isEnabled() and not dialog.constant.isEnabled()
    dialog.again.click()
    job = submitted(window, FindRate)[-1]
    window.controller.failed.emit(job, Failure("person", "There are no rows to train on.", "Keep more classes."))
    assert dialog.headline.text() == "There are no rows to train on. Keep more classes."
    dialog.reject()
    assert window.lab.dialog is None
