"""A bundle that is opened or dropped becomes a run of the workspace, and what its answers say is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.gui.shell.main_window import MainWindow

from ..window_kit import open_window


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path) as made:
        made.engine.start()
        yield made


def test_a_dropped_bundle_becomes_a_run(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    window.workbench.take((tmp_path / "theirs.dnnstudio",))
    qtbot.waitUntil(lambda: "It computes the same here" in window.messages.text(), timeout=20_000)
    assert window.document.experiment.name == "From elsewhere"
    assert window.document.path is not None
    folder = window.document.path.parent
    assert folder.name.endswith("theirs") and folder.parent.name == "runs"
    chosen = window.runs.chosen
    assert chosen is not None and chosen.folder == folder
    curves = window.workbench.plots.curves
    assert curves is not None and curves.name == folder.name, "what is drawn is of the run that was opened"


def test_a_bundle_of_an_ensemble_opens_the_experiment_of_its_members(
    qtbot: Any, window: MainWindow, tmp_path: Path
) -> None:
    window.workbench.files.open_path(tmp_path / "many.dnnstudio")
    qtbot.waitUntil(lambda: "It computes the same here" in window.messages.text(), timeout=20_000)
    assert window.document.experiment.name == "Theirs" and window.document.path is None


def test_a_refused_bundle_leaves_no_folder_and_says_why(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    before = window.document.experiment
    window.workbench.files.open_path(tmp_path / "changed.dnnstudio")
    qtbot.waitUntil(lambda: "changed or damaged" in window.messages.text(), timeout=20_000)
    assert window.document.experiment is before
    runs = window.workbench.controller.workspace / "runs"
    assert [item.name for item in runs.iterdir()] == []
