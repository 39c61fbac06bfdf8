"""Load weights: what fits what is shown first, and only what fits whole becomes the network at hand."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from dnnstudio.core.jobs.requests import EvaluateModel
from dnnstudio.core.jobs.weights import LoadWeights
from dnnstudio.gui.dialogs.weights_dialog import WeightsDialog
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.theme import cure_of

from ..window_kit import open_window, submitted


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path) as made:
        made.engine.start()
        qtbot.waitUntil(lambda: made.document.summary is not None)
        yield made


def opened(qtbot: Any, window: MainWindow, path: Path) -> WeightsDialog:
    """The dialog by its action, once the file was compared."""
    window.workbench.dialogs.path = path
    window.actions_["load_weights"].trigger()
    dialog = window.findChild(WeightsDialog, "weights_dialog")
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.said.text() != "Reading the file…")
    return dialog


def test_weights_that_fit_become_the_network_and_the_experiment_stays(
    qtbot: Any, window: MainWindow, tmp_path: Path
) -> None:
    before, undo = window.document.experiment, window.document.undo_stack.count()
    dialog = opened(qtbot, window, tmp_path / "a.weights.h5")
    layers = [row.layer for row in dialog.match.rows] if dialog.match is not None else []
    items = [dialog.table.topLevelItem(place) for place in range(dialog.table.topLevelItemCount())]
    assert layers and [(item.text(2), item.text(4)) for item in items] == [(name, "fits") for name in layers]
    assert "All weights fit" in dialog.said.text() and "float16" in dialog.said.text()
    assert not dialog.show_command.isEnabled()  # the experiment has no file
    qtbot.mouseClick(dialog.apply, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(submitted(window, EvaluateModel)))
    (job,) = submitted(window, LoadWeights)
    assert (job.path, job.experiment, job.out) == (tmp_path / "a.weights.h5", before, None)
    assert window.workbench.controller.model == job.id
    assert submitted(window, EvaluateModel)[-1].model == job.id
    qtbot.waitUntil(lambda: "test rows" in window.messages.text())
    assert window.messages.text().startswith("The weights of a.weights.h5 are loaded.")
    assert window.document.experiment is before and window.document.undo_stack.count() == undo
    subject = window.workbench.uncertainty.subject()
    assert subject is not None and subject.model == job.id and "a.weights.h5" in subject.title
    assert window.actions_["save_model"].isEnabled()


def test_weights_that_do_not_fit_cannot_be_loaded(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    window.document.save(tmp_path / "my experiment.json")
    dialog = opened(qtbot, window, tmp_path / "other.h5")
    last = dialog.table.topLevelItem(dialog.table.topLevelItemCount() - 1)
    assert (last.text(1), last.text(4)) == ("2 × 3", "other shapes")
    assert not dialog.apply.isEnabled() and dialog.said.text() == "The weights do not fit the network. Choose another."
    dialog.show_command.click()
    words = shlex.split(dialog.command.text())
    assert words[:4] == ["dnnstudio", "weights", str(tmp_path / "other.h5"), str(tmp_path / "my experiment.json")]
    dialog.reject()
    assert window.workbench.controller.model is None and not submitted(window, LoadWeights)


def test_a_file_that_is_refused_says_so_in_the_dialog(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    dialog = opened(qtbot, window, tmp_path / "none.h5")
    assert "The file is damaged" in dialog.said.text() and not dialog.apply.isEnabled()
    dialog.reject()


def test_an_experiment_without_a_file_is_saved_from_beside_the_command(
    qtbot: Any, window: MainWindow, tmp_path: Path
) -> None:
    dialog = opened(qtbot, window, tmp_path / "a.weights.h5")
    cure = cure_of(dialog.show_command)
    assert cure is not None
    window.workbench.dialogs.path = None  # the person thinks better of it
    cure.deed()
    assert not dialog.show_command.isEnabled() and dialog.command.isHidden()
    window.workbench.dialogs.path = tmp_path / "mine.json"
    cure.deed()
    assert (tmp_path / "mine.json").is_file() and dialog.show_command.isEnabled()
    assert dialog.command.isVisible() and str(tmp_path / "mine.json") in dialog.command.text()
    dialog.reject()
