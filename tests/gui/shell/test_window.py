"""The main window with the fake engine: what a person can do, and what is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QToolButton

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec, edits
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.requests import DescribeData, TrainRun
from dnnstudio.core.workspace.history import write_history
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.widgets.windows import screen_fit

from ..fake_engine import FakeEngine, FakeSession
from ..window_kit import begin_slow_training, click, open_window, set_epochs, submitted, train_to_the_end


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path) as made:
        made.engine.start()
        yield made


# ------------------------------------------------------------------------------------------------ first start


def test_the_first_start_shows_a_working_experiment_and_reads_its_data(qtbot: Any, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: window.document.summary is not None and window.document.summary.counts is not None)
    assert window.document.experiment == load_recipe("digits").experiment
    assert submitted(window, DescribeData)[0].download is False
    assert window.actions_["train"].isEnabled()
    assert window.toolbar.train_button.text() == "Train"


def test_train_pressed_before_the_engine_is_there_waits_and_then_runs(
    qtbot: Any, qapp: QApplication, tmp_path: Path
) -> None:
    with open_window(qtbot, qapp, tmp_path) as window:
        set_epochs(window, 2)
        click(qtbot, window, "train_button")
        assert window.workbench.controller.activity == "queued"
        assert window.toolbar.train_button.text() == "Waiting"
        window.engine.start()
        qtbot.waitUntil(lambda: window.workbench.controller.activity == "idle")
        assert window.workbench.plots.curves is not None
        assert len(window.workbench.plots.curves.rows) == 2


# ------------------------------------------------------------------------------------------------ training


def test_a_training_is_drawn_listed_and_its_result_said(qtbot: Any, window: MainWindow) -> None:
    train_to_the_end(qtbot, window)
    curves = window.workbench.plots.curves
    assert curves is not None
    plot = window.workbench.plots.loss.plot
    qtbot.waitUntil(lambda: len((plot.points("loss") or [()])[0]) == 3)
    x, y = plot.points("loss") or ((), ())
    assert list(x) == [1, 2, 3]
    assert list(y) == pytest.approx([1.0, 2 / 3, 0.5])
    assert window.workbench.result.text("test", "accuracy") == "96.1\u00a0%"
    assert "96.1\u00a0%" in window.messages.text()
    assert "Training done." in window.messages.text()
    assert window.runs.runs.rowCount() == 1
    assert window.messages.bar.action.text() == "Open run folder"
    folder = submitted(window, TrainRun)[0].folder
    assert folder.parent.parent.name == "workspace"


def test_stop_ends_the_training_and_keeps_what_was_reached(qtbot: Any, window: MainWindow) -> None:
    begin_slow_training(qtbot, window)
    click(qtbot, window, "stop_button")
    qtbot.waitUntil(lambda: window.workbench.controller.activity == "idle")
    assert "Training stopped." in window.messages.text()
    assert window.workbench.controller.model is not None
    assert window.actions_["train"].isEnabled()
    assert not window.actions_["stop"].isEnabled()


def test_pause_holds_the_training_and_continue_goes_on(qtbot: Any, window: MainWindow) -> None:
    begin_slow_training(qtbot, window)
    click(qtbot, window, "pause_button")
    assert window.workbench.controller.activity == "paused"
    assert window.actions_["pause"].text() == "Continue"
    assert window.workbench.plots.curves is not None
    held = window.workbench.plots.curves.now
    ticks = window.engine.ticks
    qtbot.waitUntil(lambda: window.engine.ticks > ticks + 10)
    assert window.workbench.plots.curves.now == held
    click(qtbot, window, "pause_button")
    qtbot.waitUntil(lambda: window.workbench.plots.curves is not None and window.workbench.plots.curves.now > held)
    assert window.actions_["pause"].text() == "Pause"


def test_only_one_training_at_a_time(qtbot: Any, window: MainWindow) -> None:
    begin_slow_training(qtbot, window)
    assert not window.actions_["train"].isEnabled()
    window.workbench.transfer.train()
    assert "under way" in window.messages.text()
    assert len(submitted(window, TrainRun)) == 1


def test_edits_while_training_change_the_document_and_not_the_run(qtbot: Any, window: MainWindow) -> None:
    begin_slow_training(qtbot, window)
    window.document.push(edits.remove_layers(window.document.experiment, ["dense_1"]), "Delete dense_1")
    window.actions_["undo"].trigger()
    window.actions_["redo"].trigger()
    assert window.workbench.plots.curves is not None
    assert "dense_1" in [layer.id for layer in window.workbench.plots.curves.experiment.layers]


def test_an_experiment_with_an_error_cannot_be_trained_and_says_why(window: MainWindow) -> None:
    ids = [layer.id for layer in window.document.experiment.layers]
    window.document.push(edits.remove_layers(window.document.experiment, ids), "Delete all")
    assert not window.actions_["train"].isEnabled()
    assert not window.toolbar.train_button.isEnabled()
    assert window.document.problems[0].title in window.actions_["train"].toolTip()


def test_a_training_that_fails_says_why_and_leaves_no_empty_run(qtbot: Any, qapp: QApplication, tmp_path: Path) -> None:
    class Fails(FakeSession):
        def _train(self, job: TrainRun, control: Any) -> Any:
            raise UserError("The data files are gone.", "Put them back.")
            yield

    with open_window(qtbot, qapp, tmp_path, engine=FakeEngine(session=Fails())) as window:
        window.engine.start()
        window.workbench.transfer.train()
        qtbot.waitUntil(lambda: window.workbench.controller.activity == "idle")
        assert "The data files are gone. Put them back." in window.messages.text()
        assert list((tmp_path / "workspace" / "runs").iterdir()) == []


def test_a_bug_in_the_engine_is_handed_on_with_its_traceback(qtbot: Any, qapp: QApplication, tmp_path: Path) -> None:
    class Breaks(FakeSession):
        def _train(self, job: TrainRun, control: Any) -> Any:
            raise ZeroDivisionError("by zero")
            yield

    bugs: list[tuple[str, str]] = []
    engine = FakeEngine(session=Breaks())
    with open_window(
        qtbot, qapp, tmp_path, engine=engine, on_bug=lambda title, details: bugs.append((title, details))
    ) as window:
        window.engine.start()
        window.workbench.transfer.train()
        qtbot.waitUntil(lambda: bool(bugs))
        assert bugs[0][0] == "ZeroDivisionError: by zero"
        assert "Traceback" in bugs[0][1]
        assert window.workbench.controller.activity == "idle"


# ------------------------------------------------------------------------------------------------ data


def test_another_source_is_read_again(qtbot: Any, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: len(submitted(window, DescribeData)) == 1)
    window.document.push(edits.set_value(window.document.experiment, "data.scaling", "standardize"), "Scaling")
    qtbot.waitUntil(lambda: len(submitted(window, DescribeData)) == 2)
    assert submitted(window, DescribeData)[1].data.scaling == "standardize"


# ------------------------------------------------------------------------------------------------ runs


def test_choosing_another_workspace_lists_its_runs(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    train_to_the_end(qtbot, window)
    window.workbench.dialogs.path = tmp_path / "elsewhere"
    window.actions_["workspace"].trigger()
    assert window.runs.runs.rowCount() == 0
    train_to_the_end(qtbot, window, epochs=1)
    assert submitted(window, TrainRun)[-1].folder.parent.parent == tmp_path / "elsewhere"


def test_a_stored_run_is_drawn_when_it_is_chosen(qtbot: Any, window: MainWindow) -> None:
    train_to_the_end(qtbot, window, epochs=3)
    folder = submitted(window, TrainRun)[0].folder.parent / "0099 old"
    folder.mkdir()
    codec.save(load_recipe("dropout").experiment, folder / "experiment.json")
    write_history(folder / "history.csv", [{"epoch": 1.0, "loss": 9.0, "val_loss": 8.0}])
    window.runs.refresh()
    qtbot.waitUntil(lambda: window.runs.runs.row_of(folder) >= 0)
    window.runs.select(folder)
    assert list((window.workbench.plots.loss.plot.points("loss") or ((), ()))[1]) == [9.0]
    assert window.workbench.plots.curves is not None
    assert window.workbench.plots.curves.experiment == load_recipe("dropout").experiment


def test_the_menu_of_a_run_opens_its_experiment(qtbot: Any, window: MainWindow) -> None:
    train_to_the_end(qtbot, window, epochs=3)
    folder = submitted(window, TrainRun)[0].folder
    codec.save(load_recipe("dropout").experiment, folder / "experiment.json")
    window.runs.experiment_requested.emit(folder)
    assert window.workbench.dialogs.asked == ["unsaved"]
    assert window.document.experiment == load_recipe("dropout").experiment


# ------------------------------------------------------------------------------------------------ closing


def test_closing_in_mid_training_asks_and_goes_on_when_told_so(qtbot: Any, window: MainWindow) -> None:
    begin_slow_training(qtbot, window)
    window.workbench.dialogs.stop = False
    window.close()
    assert window.workbench.dialogs.asked[-1] == "stop_training"
    assert window.isVisible()
    assert window.workbench.controller.activity == "training"


def test_closing_in_mid_training_stops_it_and_keeps_the_run(qtbot: Any, window: MainWindow) -> None:
    begin_slow_training(qtbot, window)
    window.close()
    assert not window.isVisible()
    assert window.engine_ended
    assert window.workbench.controller.activity == "idle"
    assert submitted(window, TrainRun)[0].folder.is_dir()


def test_the_button_that_says_that_it_closes_is_the_last_question(qtbot: Any, window: MainWindow) -> None:
    begin_slow_training(qtbot, window)
    set_epochs(window, 9)
    window.workbench.dialogs.asked.clear()
    window.close()
    assert window.workbench.dialogs.asked == ["unsaved", "stop_training"]
    assert not window.isVisible()


def test_closing_with_unsaved_changes_can_be_called_off(window: MainWindow) -> None:
    set_epochs(window, 9)
    window.workbench.dialogs.unsaved_answer = "cancel"
    window.close()
    assert window.isVisible()


# ------------------------------------------------------------------------------------------------ the look of it


@pytest.mark.parametrize("size", [(1440, 900), (1280, 820), (1024, 700)])
def test_nothing_is_cut_off(qtbot: Any, qapp: QApplication, tmp_path: Path, size: tuple[int, int]) -> None:
    with open_window(qtbot, qapp, tmp_path, size=size) as window:
        window.document.select([window.document.experiment.layers[1].id])
        window.messages.say_welcome()
        QApplication.processEvents()
        assert (window.width(), window.height()) == size, "the panels ask for more room than there is"
        parts = (
            window.data,
            window.stack,
            window.inspector,
            window.workbench.plots.loss,
            window.workbench.plots.accuracy,
        )
        parts += (  # type: ignore[assignment]
            window.workbench.plots.rate,
            window.workbench.result,
            window.runs,
            window.messages,
            window.status,
            window.toolbar,
        )
        for part in parts:
            corner = part.mapTo(window, QPoint(part.width(), part.height()))
            assert part.isVisible(), part.objectName()
            assert corner.x() <= size[0] and corner.y() <= size[1], part.objectName()
            assert part.width() >= part.minimumSizeHint().width() or part.minimumSizeHint().width() <= 0


def test_a_narrow_window_takes_the_words_off_the_buttons_and_folds_the_runs(
    qtbot: Any, qapp: QApplication, tmp_path: Path
) -> None:
    with open_window(qtbot, qapp, tmp_path, size=(1024, 700)) as window:
        assert window.body.narrow
        assert window.runs.folded
        button = window.findChild(QToolButton, "stop_button")
        assert button.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly
        assert "layer" in window.body.tabs.names()
        window.document.select([window.document.experiment.layers[1].id])
        assert window.body.tabs.current() == "layer"
        window.resize(1440, 900)
        qtbot.waitUntil(lambda: not window.body.narrow)
        assert window.inspector.isVisible()
        assert window.body.tabs.current() == "optimizer"


def test_every_control_can_be_named_and_taught(window: MainWindow) -> None:
    nameless, silent = [], []
    for kind in (QAbstractButton, QComboBox, QLineEdit):
        for control in window.findChildren(kind):
            if not control.isVisible() or control.parentWidget() is None:
                continue
            if control.objectName().startswith(("qt_", "ScrollLeft", "ScrollRight")):
                continue
            named = control.accessibleName() or getattr(control, "text", str)()
            if not named and not isinstance(control.parentWidget(), QComboBox):
                nameless.append(f"{type(control).__name__} {control.objectName()}")
    for action in window.actions_:
        if not action.toolTip() or not action.objectName():
            silent.append(action.text())
    assert nameless == []
    assert silent == []


def test_no_two_actions_share_a_key(window: MainWindow) -> None:
    keys = [key.toString() for action in window.actions_ for key in action.shortcuts()]
    assert len(keys) == len(set(keys))


def test_the_theme_can_be_switched_while_a_run_is_shown(qtbot: Any, window: MainWindow) -> None:
    train_to_the_end(qtbot, window)
    window.actions_["theme"].trigger()
    assert window.theme.tokens().dark
    assert window.settings.theme == "dark"
    window.grab()
    window.actions_["theme"].trigger()
    assert window.settings.theme == window.theme.tokens().name == "contrast"
    assert window.toolbar.theme_button.accessibleName() == "The system's theme"
    window.grab()
    window.actions_["theme"].trigger()
    assert window.settings.theme == window.theme.choice == "system"
    window.actions_["theme"].trigger()
    assert window.settings.theme in ("light", "dark")


def test_the_first_window_fits_the_screen_once_its_frame_is_known(
    qtbot: Any, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X11 tells the frame after the window is shown; the line at the foot was below the edge of the screen."""
    within = QRect(1, 20, 1398, 855)

    def area(window: MainWindow) -> QRect:
        return within if window.isActiveWindow() else QRect(0, 0, 1400, 880)

    monkeypatch.setattr(screen_fit, "available_area", area)
    with open_window(qtbot, qapp, tmp_path) as window:
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        qtbot.waitUntil(lambda: window.size() == within.size())
        window.resize(1399, 860)  # as a person wishes: it is fitted once
        other = QLineEdit()
        qtbot.addWidget(other)
        with qtbot.waitActive(other):
            other.show()
            other.activateWindow()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        assert window.width() == 1399


@pytest.mark.parametrize("size", [(720, 430), (1440, 900)])
def test_the_keyboard_begins_at_the_first_button(
    qtbot: Any, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    """Where the panels scroll it began at the button that closes the message."""
    monkeypatch.setattr(screen_fit, "available_area", lambda window: QRect(0, 0, *size))
    with open_window(qtbot, qapp, tmp_path) as window:
        window.messages.say_welcome()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        assert window.focusWidget() is window.toolbar.new_button
        assert window.focusNextPrevChild(True)
        assert window.focusWidget() is window.toolbar.open_button
