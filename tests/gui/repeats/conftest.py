"""The window of the tests of repeats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from ..window_kit import open_window, set_epochs
from .repeat_kit import Driver


@pytest.fixture
def driver(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[Driver]:
    with open_window(qtbot, qapp, tmp_path) as window:
        set_epochs(window, 3)
        window.engine.start()
        made = Driver(window)
        yield made
        vars(made).clear()  # pytest holds it longer than the test, and with it the window's plots
