"""The window of runs alone, and opened by the main window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.gui.run_table.reader import RunReader
from dnnstudio.gui.run_table.window import RunWindow
from dnnstudio.gui.theme import Theme

from ..window_kit import let_go, open_window
from .table_kit import Shelf, Table, fill


@pytest.fixture
def table(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[Table]:
    runs = fill(tmp_path / "workspace")
    theme = Theme(qapp, "light")
    theme.apply()
    reader = RunReader(tmp_path / "workspace")
    window = RunWindow(theme, reader, lambda deed, run: True)
    window.show()
    reader.refresh()
    qtbot.waitUntil(lambda: window.arranged.total == 6)
    made = Table(window, runs)
    yield made
    window.close()
    vars(made).clear()
    for item in (window, reader, theme):
        item.deleteLater()
    let_go()


@pytest.fixture
def shelf(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[Shelf]:
    runs = fill(tmp_path / "workspace")
    with open_window(qtbot, qapp, tmp_path) as window:
        qtbot.waitUntil(lambda: window.runs.runs.rowCount() == 6)
        made = Shelf(window, runs)
        made.main.actions_["runs"].trigger()
        qtbot.waitUntil(lambda: made.window.arranged.total == 6)
        yield made
        made.opener.close_all()
        vars(made).clear()
        let_go()
