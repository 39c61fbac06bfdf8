"""The dialog of a report: ticks, limits and what was measured show in the preview, and it is saved."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.workspace.history import write_history
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.exporting.report_dialog import ReportDialog
from dnnstudio.gui.theme import Theme

from ..fake_engine import FakeEngine


@pytest.fixture
def dialog(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[ReportDialog]:
    folder = tmp_path / "run"
    folder.mkdir()
    layers = (Flatten(id="flatten"), Dense(id="output", units=10, activation="softmax"))
    codec.save(Experiment(name="Mine", layers=layers), folder / "experiment.json")
    write_history(folder / "history.csv", [{"epoch": 1, "loss": 0.5, "val_loss": 0.6, "learning_rate": 0.1}])
    (folder / "metrics.json").write_text(json.dumps({"reason": "finished", "test": {"loss": 0.25, "accuracy": 0.9}}))
    Theme(qapp).apply("light")
    engine = FakeEngine()
    engine.start()
    found = ReportDialog(engine, Settings(), folder, weights="last")
    qtbot.addWidget(found)
    found.show()
    yield found
    found.close()
    engine.shutdown()
    engine.deleteLater()


def test_the_preview_follows_ticks_limits_and_what_was_measured(dialog: ReportDialog, qtbot: Any) -> None:
    shown = dialog.preview.toPlainText
    assert "Mine" in shown() and "90.0" in shown()
    qtbot.waitUntil(lambda: "Confusion" in shown(), timeout=20_000)
    dialog.ticks["network"].click()
    dialog.limits.setPlainText("Not for cheques.")
    qtbot.waitUntil(lambda: "Not for cheques." in shown() and "Parameters" not in shown(), timeout=20_000)
    assert "Dense" not in shown()
    dialog.show_command.click()
    dialog.copy.click()
    assert dialog.command.isVisible() and QApplication.clipboard().text() == dialog.command.text()
    words = shlex.split(dialog.command.text())
    assert words[-4:] == ["--limits", "Not for cheques.", "--without", "network"]
    assert dialog.ticks["residuals"].toolTip() == "Not now: Only of a network that predicts a number."
    assert not dialog.ticks["confusion"].toolTip()
    assert not dialog.ticks["residuals"].isEnabled() and dialog.ticks["confusion"].isEnabled()


def test_return_on_a_tick_saves_and_leaves_the_tick(
    dialog: ReportDialog, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "a.html"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(place), "Page (*.html)"))
    qtbot.keyClick(dialog.ticks["task"], Qt.Key.Key_Return)
    assert place.exists() and dialog.ticks["task"].isChecked()


def test_it_is_saved_as_a_page_and_as_a_pdf(dialog: ReportDialog, tmp_path: Path) -> None:
    dialog.ticks["network"].click()
    for name, begins in (("a.html", b"<!DOCTYPE html>"), ("a.pdf", b"%PDF-")):
        dialog.save_to(tmp_path / name)
        assert dialog.said.text() == f"Written to {name}."
        assert (tmp_path / name).read_bytes().startswith(begins)
    assert b'id="network"' not in (tmp_path / "a.html").read_bytes()
    dialog.save_to(tmp_path / "gone" / "a.html")
    assert "does not exist" in dialog.said.text()
