"""The window's keys reach it from wherever the keyboard is: what Qt's own controls would do with them is not wanted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from dnnstudio.gui.base.actions import ACTIONS
from dnnstudio.gui.shell.main_window import MainWindow

from ..window_kit import open_window

PLAIN = Qt.KeyboardModifier.NoModifier
UNDO = ("undo", "redo")


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path) as made:
        yield made


def kept_by(widget: QWidget, key: str) -> bool:
    """Whether the widget says that it wants a key for itself, so that no action hears of it."""
    stroke = QKeySequence(key)[0]
    event = QKeyEvent(QEvent.Type.ShortcutOverride, stroke.key(), stroke.keyboardModifiers())
    event.ignore()
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def test_no_control_of_the_window_keeps_a_key_of_an_action(window: MainWindow) -> None:
    window.document.select([window.document.experiment.layers[-1].id])
    kept, asked = [], set()
    for tab in ("layer", *window.body.tabs.names()):
        window.body.tabs.set_current(tab)
        QApplication.processEvents()
        for widget in window.findChildren(QWidget):
            if not widget.isVisible() or not widget.isEnabled() or widget.focusPolicy() == Qt.FocusPolicy.NoFocus:
                continue
            asked.add(type(widget).__name__)
            for row in ACTIONS:
                # Without Ctrl or Alt a key is the control's: Delete deletes a letter.
                keys = [key for key in row.keys if QKeySequence(key)[0].keyboardModifiers() != PLAIN]
                kept += [f"{widget.objectName()}: {key} ({row.name})" for key in keys if kept_by(widget, key)]
    assert {"NumberField", "ComboBox", "LayerList"} <= asked
    assert not kept, "\n".join(kept)


def test_what_is_typed_is_undone_in_its_field_and_nothing_else_is_kept_there(window: MainWindow, qtbot: Any) -> None:
    window.body.tabs.set_current("training")
    field = next(one for one in window.body.tabs.findChildren(QLineEdit) if one.isVisible() and one.isEnabled())
    field.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClicks(field, "7")
    assert field.isModified()
    kept = {row.name for row in ACTIONS for key in row.keys if "Ctrl" in key and kept_by(field, key)}
    assert kept == set(UNDO)
