"""Help within the program: every key in one list, versions, the first steps, and the offer to go on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from dnnstudio.core.analysis.checks import find_problems
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.gui.base.actions import ACTIONS
from dnnstudio.gui.base.shortcuts import BOUND, RUNS, UNCERTAINTY, bind
from dnnstudio.gui.help.about_dialog import AboutDialog
from dnnstudio.gui.help.first_minutes import first_minutes
from dnnstudio.gui.help.keys_dialog import KeysDialog
from dnnstudio.gui.help.keys_list import LAYERS, MAIN, key_rows
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.stack.commands_table import KEYS

from ..window_kit import open_window

ROOT = Path(__file__).parents[3]


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path) as made:
        made.engine.start()
        qtbot.waitUntil(lambda: made.document.summary is not None)
        yield made


# ------------------------------------------------------------------------------------------------ keys


def test_the_list_holds_every_key() -> None:
    listed = {(row.place, key) for row in key_rows() for key in row.keys.split(", ")}
    for action in ACTIONS:
        assert all((MAIN, key.replace("Insert", "Ins")) in listed for key in action.keys)
    assert {(row.place, key) for row in BOUND for key in row.keys if row.place in (RUNS, UNCERTAINTY)} <= listed


def test_a_key_has_one_meaning_where_it_works() -> None:
    seen: dict[str, str] = {}
    for name, keys in [(row.name, row.keys) for row in ACTIONS] + [(name, keys) for name, (_, keys) in KEYS.items()]:
        for key in keys:
            assert seen.setdefault(key, name) in (name, "paste_data") or (key, name) == ("Insert", "add_layer"), key
    places = {(row.place, key) for row in BOUND for key in row.keys}
    assert len(places) == sum(len(row.keys) for row in BOUND)


def test_no_window_sets_a_key_that_is_not_listed(qtbot: Any) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    with pytest.raises(KeyError, match="not listed"):
        bind(widget, RUNS, "Ctrl+Alt+F12", lambda: None)
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "dnnstudio" / "gui").rglob("*.py"))
    assert sum(len(re.findall(r"\bQShortcut\(", source)) for source in sources) == 2  # `bind`, and the library's table


def test_typed_letters_search_the_keys(qtbot: Any) -> None:
    dialog = KeysDialog()
    qtbot.addWidget(dialog)
    dialog.search.setText("freeze")
    shown = [row for row in range(dialog.table.rowCount()) if not dialog.table.isRowHidden(row)]
    texts = [dialog.table.item(row, 2) for row in shown]
    assert [item.text() for item in texts if item is not None] == ["Freeze or unfreeze"]
    assert dialog.table.item(shown[0], 0).text() == LAYERS
    dialog.search.setText("no such key")
    assert dialog.count.text().startswith("0 of ")


def test_help_opens_by_its_menu_and_keys_once_each(qtbot: Any, window: MainWindow) -> None:
    for name, kind in (("keys", "keys_dialog"), ("about", "about_dialog"), ("first_minutes", "first_minutes")):
        for _ in range(2):
            window.actions_[name].trigger()
        found = [one for one in window.findChildren(QWidget, kind) if one.isVisible()]
        assert len(found) == (1 if name != "first_minutes" else len(found)) and found[0].isWindow()
    menu = window.toolbar.help_button.menu()
    assert [action.text() for action in menu.actions()][-1] == "About dnnstudio…"


def test_the_key_for_the_keys_leads_to_their_search_also_the_second_time(qtbot: Any, window: MainWindow) -> None:
    for _ in range(2):
        window.actions_["keys"].trigger()
        dialog = next(one for one in window.findChildren(KeysDialog) if one.isVisible())
        assert dialog.focusWidget() is dialog.search
        dialog.table.setFocus()


# ------------------------------------------------------------------------------------------------ about, first steps


def test_about_names_versions_and_licences_of_what_is_installed(qtbot: Any) -> None:
    dialog = AboutDialog()
    qtbot.addWidget(dialog)
    found = {part.name.casefold().replace("_", "-"): part for part in dialog.parts}
    assert found["keras"].version == version("keras")
    assert "LGPL" in found["pyside6-essentials"].licence
    assert all(part.licence and part.version for part in dialog.parts)
    assert "pytest" not in found
    dialog.findChild(QWidget, "copy_versions").click()
    assert f"keras {version('keras')}" in QGuiApplication.clipboard().text()


def test_the_first_five_minutes_are_the_readmes() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    part = readme.split("## The first five minutes\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if not line.strip().startswith("![")]
    assert re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() == first_minutes().strip()


# ------------------------------------------------------------------------------------------------ new, going on


def test_an_empty_network_keeps_the_data_and_trains_as_it_is(window: MainWindow) -> None:
    window.actions_["new_empty"].trigger()
    experiment, summary = window.document.experiment, window.document.summary
    assert [layer.kind for layer in experiment.layers] == ["flatten", "dense"]
    assert experiment.data == load_recipe("digits").experiment.data
    assert not [problem for problem in find_problems(experiment, summary) if problem.severity == "error"]
    assert "Add layers" in window.messages.text()


def test_the_last_file_is_offered_at_the_start(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    opened: list[Path] = []
    folder = tmp_path / "0007 Wine"
    window.messages.say_last(folder / "experiment.json", lambda: opened.append(folder))
    assert window.messages.text() == "Go on where you were? 0007 Wine was open last."
    window.messages.bar.action_requested.emit()
    assert opened == [folder]
