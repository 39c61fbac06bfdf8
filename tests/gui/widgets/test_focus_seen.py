"""Where the keyboard is can be seen, on every kind of widget and on every stop of the main window."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractButton, QApplication, QCheckBox, QRadioButton, QSlider, QVBoxLayout, QWidget

from dnnstudio.core.experiment import edits
from dnnstudio.gui.help.keys_dialog import KeysDialog
from dnnstudio.gui.theme import Role, Severity, Theme
from dnnstudio.gui.widgets import AdviceCard, Toggle, push_button
from dnnstudio.gui.widgets.windows.reading_order import stops

from ..walks.keyboard import ringed, unseen
from ..window_kit import open_window

ROOT = Path(__file__).parents[3]


def test_a_cure_in_an_advice_of_any_severity_shows_the_keyboard(qtbot: Any, theme: Theme) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    column, cures = QVBoxLayout(window), []
    severities: tuple[Severity, ...] = ("news", "hint", "error", "good")
    for severity in severities:
        card = AdviceCard(theme, "A problem", fix="Mend it", severity=severity)
        column.addWidget(card)
        cures.append(card.fix_button)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    assert unseen(window, cures) == []


@pytest.mark.parametrize("name", ["light", "dark", "contrast"])
def test_a_tick_and_a_choice_show_the_keyboard_whatever_they_say(qtbot: Any, qapp: QApplication, name: Any) -> None:
    theme = Theme(qapp, name)
    theme.apply()
    window = QWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    buttons: list[QAbstractButton] = [
        QCheckBox("Off"),
        QCheckBox("On"),
        QCheckBox("Some"),
        Toggle(theme),
        Toggle(theme),
    ]
    buttons += [QRadioButton("One"), QRadioButton("Other"), push_button("Do", Role.PRIMARY), push_button("Do")]
    for button in buttons:
        button.setObjectName(button.text() or "toggle")
        column.addWidget(button)
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    slider.setMinimumHeight(22)
    column.addWidget(slider)
    for number in (1, 4, 5):
        buttons[number].setChecked(True)
    buttons[2].setTristate(True)
    buttons[2].setCheckState(Qt.CheckState.PartiallyChecked)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    assert unseen(window, [*buttons, slider]) == []
    theme.deleteLater()


def test_every_stop_of_the_main_window_shows_the_keyboard(qtbot: Any, qapp: QApplication, tmp_path: Path) -> None:
    with open_window(qtbot, qapp, tmp_path) as window:
        with qtbot.waitActive(window):
            window.activateWindow()
        every = stops((window,))
        assert window.stack.list in every and len(every) > 40
        assert unseen(window, every) == []


def test_a_list_without_a_current_card_shows_the_keyboard_itself(
    qtbot: Any, qapp: QApplication, tmp_path: Path
) -> None:
    with open_window(qtbot, qapp, tmp_path) as window:
        with qtbot.waitActive(window):
            window.activateWindow()
        cards, accent = window.stack.list, window.theme.color("accent")
        cards.setFocus()
        assert cards.property("ring") == "elsewhere", "the current card shows it"
        assert QColor(cards.grab().toImage().pixel(1, cards.height() // 2)) != accent
        cards.selectionModel().clear()
        assert ringed(cards, accent) > 2 * cards.height()
        window.stack.show_add_menu()
        menu = window.stack.add_menu
        assert menu.search.hasFocus() and ringed(menu.search, accent) > 2 * menu.search.width()
        assert ringed(menu.kinds, accent) == 0, "two rings say nothing"
        menu.hide()


def test_the_keyboard_stays_beside_what_is_gone(qtbot: Any, qapp: QApplication, tmp_path: Path) -> None:
    with open_window(qtbot, qapp, tmp_path) as window:
        with qtbot.waitActive(window):
            window.activateWindow()
        document, stack = window.document, window.stack
        stack.take_focus()
        document.push(edits.with_layers(document.experiment, ()), "Delete all")
        qtbot.waitUntil(stack.add_button.hasFocus)
        train = window.toolbar.train_button  # of another height than those beside it
        window.actions_.set_reason("train")
        train.setFocus()
        window.actions_.set_reason("train", "Not now.")
        qtbot.waitUntil(window.toolbar.train_menu_button.hasFocus)
        window.actions_.set_reason("train")
        assert train.hasFocus(), "it is given back"
        window.actions_.set_reason("train", "Not now.")
        stack.add_button.setFocus()
        window.actions_.set_reason("train")
        assert stack.add_button.hasFocus(), "but not taken from where it was put meanwhile"
        fix = stack.advice.cards[0].fix_button
        fix.setFocus()
        document.undo_stack.undo()
        qtbot.waitUntil(stack.add_button.hasFocus)


def test_no_table_keeps_tab_to_itself() -> None:
    """By Qt, Tab goes from cell to cell of a table for ever, and the keyboard never leaves it."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "dnnstudio" / "gui").rglob("*.py")]
    made = re.compile(r"\b(QTableWidget|QTableView)\((?!\))|= QTableView\(\)|\(QTable(View|Widget)\):")
    tables = [source for source in sources if made.search(source)]
    assert len(tables) >= 9
    for source in tables:
        assert source.count("setTabKeyNavigation(False)") >= len(made.findall(source))


def test_tab_leaves_the_table_of_keys(qtbot: Any, theme: Theme) -> None:
    dialog = KeysDialog()
    qtbot.addWidget(dialog)
    with qtbot.waitActive(dialog):
        dialog.show()
        dialog.activateWindow()
    dialog.table.setFocus()
    qtbot.keyClick(dialog.table, Qt.Key.Key_Tab)
    assert not dialog.table.hasFocus()
