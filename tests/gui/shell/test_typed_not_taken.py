"""What is typed in a field and not yet taken counts for whatever a person does next with a key of the window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment import codec
from dnnstudio.core.jobs.requests import TrainRun
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.widgets import CommitField

from ..window_kit import begin_slow_training, open_window, submitted

CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path) as made:
        made.engine.start()
        with qtbot.waitActive(made):
            made.activateWindow()
        yield made


def typed(window: MainWindow, text: str) -> CommitField:
    """Type a number of units over the one there, and leave it at that."""
    layer = next(layer.id for layer in window.document.experiment.layers if layer.kind == "dense")
    window.document.select([layer])
    window.actions_["go_settings"].trigger()
    field = QApplication.focusWidget()
    assert isinstance(field, CommitField)
    QTest.keyClicks(field, text)
    assert field.text() == text
    return field


def units(experiment: Any) -> int:
    return next(int(layer.units) for layer in experiment.layers if layer.kind == "dense")


def test_it_is_trained(qtbot: Any, window: MainWindow) -> None:
    QTest.keyClick(typed(window, "37"), Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: bool(submitted(window, TrainRun)))
    assert units(submitted(window, TrainRun)[0].experiment) == 37


def test_it_is_saved(window: MainWindow, tmp_path: Path) -> None:
    window.workbench.dialogs.path = tmp_path / "typed.json"
    QTest.keyClick(typed(window, "38"), Qt.Key.Key_S, CONTROL)
    assert units(codec.load(tmp_path / "typed.json")) == 38
    assert not window.document.modified


def test_it_is_asked_for_before_the_window_closes_or_opens_another(window: MainWindow) -> None:
    dialogs = window.workbench.dialogs
    dialogs.unsaved_answer = "cancel"
    QTest.keyClick(typed(window, "39"), Qt.Key.Key_O, CONTROL)
    asked = len(dialogs.asked)
    assert asked and window.document.modified and units(window.document.experiment) == 39
    window.document.undo_stack.undo()
    typed(window, "40")
    window.close()
    assert window.isVisible() and len(dialogs.asked) > asked
    dialogs.unsaved_answer = "discard"


def test_what_is_no_number_stays_to_be_mended(window: MainWindow) -> None:
    before = units(window.document.experiment)
    field = typed(window, "4x")
    QTest.keyClick(field, Qt.Key.Key_S, CONTROL)
    assert (field.text(), units(window.document.experiment)) == ("4x", before) and field.problem


def test_the_key_of_the_settings_selects_what_is_there_again(window: MainWindow) -> None:
    typed(window, "41")
    assert typed(window, "42").text() == "42"


def test_the_key_of_the_settings_leads_to_the_first_field_in_sight(window: MainWindow) -> None:
    """Not to one under More, where another stands above it."""
    window.document.select([window.document.experiment.layers[-1].id])
    for layer in window.document.experiment.layers:
        window.document.select([layer.id])
        paths = window.inspector.form.paths()
        plain = [path for path in paths if not window.inspector.form.row(path).planned.advanced]
        if plain:
            window.actions_["go_settings"].trigger()
            stops = window.inspector.form.row(plain[0]).editor.stops()
            assert QApplication.focusWidget() in stops, layer.id
            assert not window.inspector.form.more_open


def test_a_pause_is_said_though_its_last_steps_are_told_later(qtbot: Any, window: MainWindow) -> None:
    begin_slow_training(qtbot, window)
    controller = window.workbench.controller
    seen: list[Any] = []
    controller.batches_done.connect(seen.append)
    qtbot.waitUntil(lambda: bool(seen))
    window.actions_["pause"].trigger()
    assert window.status.progress.text() == "Paused"
    controller.batches_done.emit(seen[-1])
    qtbot.waitUntil(lambda: not window.status._standing.isActive())
    assert window.status.progress.text() == "Paused"
    window.actions_["pause"].trigger()
    qtbot.waitUntil(lambda: window.status.progress.text().startswith("Epoch"))
