"""More epochs, going on, another rate in flight, and the test that finds one: what becomes of a person's wishes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Training
from dnnstudio.core.experiment.schedules import Constant, OneCycle
from dnnstudio.core.jobs.events import RateTested
from dnnstudio.core.jobs.requests import FindRate, TrainRun
from dnnstudio.core.jobs.results import FoundRate
from dnnstudio.core.jobs.resume import Offer
from dnnstudio.core.planning.more_epochs import Way
from dnnstudio.core.workspace.history import write_history
from dnnstudio.gui.base.ticket import Failure, Ticket
from dnnstudio.gui.dialogs.count_dialog import CountDialog
from dnnstudio.gui.shell.main_window import MainWindow

from ..window_kit import begin_slow_training, open_window, submitted


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


@pytest.mark.parametrize(("number", "stop_after", "planned"), [(2, 6, 20), (1, None, 21)])
def test_one_epoch_within_the_plan_stops_after_it_and_beyond_makes_the_plan_longer(
    window: MainWindow, number: int, stop_after: int | None, planned: int
) -> None:
    choose(window, number)
    window.actions_["one_epoch"].trigger()
    (job,) = submitted(window, TrainRun)
    assert (job.stop_after, job.experiment.training.epochs) == (stop_after, planned)


def test_more_epochs_asks_how_many(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = choose(window, 1)
    monkeypatch.setattr(window.workbench.dialogs, "more_epochs", lambda parent, name, offers: None)
    window.actions_["more_epochs"].trigger()
    assert submitted(window, TrainRun) == []
    monkeypatch.setattr(window.workbench.dialogs, "more_epochs", lambda parent, name, offers: (5, Way.PLAN))
    window.actions_["more_epochs"].trigger()
    (job,) = submitted(window, TrainRun)
    assert (job.resume_from, job.experiment.training.epochs) == (folder, 25)


def test_a_run_without_its_checkpoint_is_named(window: MainWindow) -> None:
    folder = choose(window, 2)
    (folder / "checkpoint").rmdir()
    caught: list[object] = []
    window.workbench.training_actions.failed.connect(caught.append)
    window.workbench.training_actions.go_on(folder)
    assert "no checkpoint" in str(caught[0])


def test_another_rate_reaches_the_training_that_is_under_way(qtbot: Any, window: MainWindow) -> None:
    field = window.workbench.plots.rate.field
    assert not field.isVisible()
    window.engine.start()
    begin_slow_training(qtbot, window)
    assert field.isVisible() and window.workbench.controller._training is not None
    control = window.workbench.controller._training.control
    for text, wanted in (("-1", None), ("0", None), ("0.25", 0.25)):
        field.setText(text)
        field.setModified(True)
        field.commit()
        assert control.take_learning_rate() == wanted
        assert bool(field.problem) == (wanted is None)
    window.actions_["finish_epoch"].trigger()
    assert control.finishing
    qtbot.waitUntil(lambda: window.workbench.controller.activity == "idle")
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


def last_ticket(window: MainWindow) -> Ticket:
    """Of the job that was asked for last; the engine of these tests is not started and answers nothing."""
    ticket: Ticket = window.engine.tickets[-1]
    return ticket


def test_a_found_rate_is_used_in_one_click_and_one_step(qtbot: Any, window: MainWindow) -> None:
    window.actions_["find_rate"].trigger()
    (job,) = submitted(window, FindRate)
    assert job.experiment == window.document.experiment and job.model is None
    dialog = window.workbench.training_actions.dialog
    assert dialog is not None
    last_ticket(window).report(
        RateTested(run=job.id, rates=np.array([1e-6, 2e-6]), losses=np.array([2.0, 1.9]), total=500)
    )
    assert "2e-6" in dialog.headline.text()
    last_ticket(window).finish(found())
    assert "About 0.001" in dialog.headline.text() and dialog.rate == 0.001
    assert [mark.isVisible() for mark in dialog.plot.marks] == [True, True]
    assert [mark.label.format for mark in dialog.plot.marks] == ["lowest / 10", "steepest"]
    dialog.steepest.click()
    assert dialog.rate == 0.0021
    before = window.document.undo_stack.count()
    dialog.one_cycle.click()
    assert window.document.experiment.schedule == OneCycle(max_rate=0.0021)
    window.actions_["undo"].trigger()
    assert window.document.experiment.schedule != OneCycle(max_rate=0.0021)
    window.actions_["redo"].trigger()
    assert window.document.undo_stack.count() == before + 1
    assert window.workbench.training_actions.dialog is None, "it closes"
    window.actions_["find_rate"].trigger()
    again = window.workbench.training_actions.dialog
    assert again is not None
    last_ticket(window).finish(found())
    again.constant.click()
    assert window.document.experiment.optimizer.learning_rate == 0.001
    assert window.document.experiment.schedule == Constant()


def test_each_button_of_the_finder_uses_what_suits_it(qtbot: Any, window: MainWindow) -> None:
    """The lowest loss lies at 0.0104: a tenth of it as a constant rate, half of it as a maximum."""
    window.actions_["find_rate"].trigger()
    last_ticket(window).finish(found())
    dialog = window.workbench.training_actions.dialog
    assert dialog is not None
    assert (dialog.constant.text(), dialog.one_cycle.text()) == (
        "Use 0.001 as constant", "Use 0.005 as the maximum of 1cycle",
    )  # fmt: skip
    assert "lowest" in dialog.constant.toolTip() and "lowest" in dialog.one_cycle.toolTip()
    dialog.field.setFocus()
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert window.document.experiment.schedule == OneCycle(max_rate=0.005)
    assert window.workbench.training_actions.dialog is None


def test_a_tenth_of_the_lowest_brings_back_what_the_headline_proposes(window: MainWindow) -> None:
    window.actions_["find_rate"].trigger()
    last_ticket(window).finish(found())
    dialog = window.workbench.training_actions.dialog
    assert dialog is not None
    proposed = (dialog.constant.text(), dialog.one_cycle.text())
    dialog.steepest.click()
    assert dialog.one_cycle.text() != proposed[1]
    dialog.lowest.click()
    assert (dialog.constant.text(), dialog.one_cycle.text()) == proposed


def test_the_dialog_of_more_epochs_says_their_rates_and_return_is_its_button(qtbot: Any, window: MainWindow) -> None:
    theme = window.workbench.dialogs.theme

    def offers(count: int) -> tuple[Offer, ...]:
        return tuple(Offer(way, f"By {way.value}", f"{way.value} for {count}") for way in Way)

    dialog = CountDialog(theme, "Run", offers, parent=window)
    dialog.show()
    assert dialog.way is Way.CONSTANT and dialog.sentence.text() == "constant for 10"
    assert [dialog.buttons[way].text() for way in Way] == ["By constant", "By cycle", "By plan"]
    dialog.buttons[Way.CYCLE].click()
    assert dialog.sentence.text() == "cycle for 10"
    dialog.count.selectAll()
    qtbot.keyClicks(dialog.count, "3")
    qtbot.keyClick(dialog.count, Qt.Key.Key_Return)
    assert dialog.result() == QDialog.DialogCode.Accepted
    assert (dialog.way, dialog.sentence.text()) == (Way.CYCLE, "cycle for 3")
    dialog.deleteLater()


@pytest.mark.parametrize(
    ("button", "rate"), [("constant", 0.001), ("one_cycle", 0.005), ("lowest", 0.001), ("steepest", 0.0021)]
)
def test_each_button_sets_its_own_rate_and_the_key_of_undo_takes_it_back(
    qtbot: Any, window: MainWindow, button: str, rate: float
) -> None:
    """By hand: a tenth of the rate with the lowest loss, 0.01, as constant; half of it as the highest of 1cycle."""
    before = window.document.experiment
    window.actions_["find_rate"].trigger()
    last_ticket(window).finish(found())
    dialog = window.workbench.training_actions.dialog
    assert dialog is not None
    if button in ("lowest", "steepest"):
        getattr(dialog, button).click()
        dialog.constant.click()
    else:
        getattr(dialog, button).click()
    after = window.document.experiment
    used = after.schedule.max_rate if isinstance(after.schedule, OneCycle) else after.optimizer.learning_rate
    assert used == pytest.approx(rate) and isinstance(after.schedule, OneCycle) is (button == "one_cycle")
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert window.document.experiment == before


def test_a_rate_that_is_typed_is_the_person_s_own_though_it_was_proposed(qtbot: Any, window: MainWindow) -> None:
    """Return in the field means the button, and the button means what the field says once it was typed."""
    window.actions_["find_rate"].trigger()
    last_ticket(window).finish(found())
    dialog = window.workbench.training_actions.dialog
    assert dialog is not None
    dialog.field.setFocus()
    dialog.field.selectAll()
    qtbot.keyClicks(dialog.field, "0.001")
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert window.document.experiment.schedule == OneCycle(max_rate=0.001)


def test_a_test_that_found_nothing_or_failed_says_so_and_can_be_done_again(window: MainWindow) -> None:
    window.actions_["find_rate"].trigger()
    dialog = window.workbench.training_actions.dialog
    assert dialog is not None
    last_ticket(window).finish(found(steepest=None, tenth_of_lowest=None))
    assert "never fell" in dialog.headline.text()
    assert not dialog.one_cycle.isEnabled() and not dialog.constant.isEnabled()
    dialog.again.click()
    last_ticket(window).fail(Failure("person", "There are no rows to train on.", "Keep more classes."))
    assert dialog.headline.text() == "There are no rows to train on. Keep more classes."
    dialog.again.click()
    last_ticket(window).fail(Failure("cancelled"))  # by the status line
    assert dialog.headline.text() == "The test was stopped." and dialog.again.isEnabled()
    dialog.again.click()
    dialog.reject()
    assert window.workbench.training_actions.dialog is None
    assert last_ticket(window).control.stopped
