"""The dialog "Export": for whom each format is, the command that does the same, the job, and what is said after it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog, QLabel, QRadioButton

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Data, DataSummary, Table
from dnnstudio.core.experiment.layers import AnyLayer, Dense, Dropout, Flatten, GaussianNoise
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.export.formats import EXPORTERS
from dnnstudio.core.jobs.bundles import WriteBundle
from dnnstudio.core.jobs.exports import ExportNetwork
from dnnstudio.core.jobs.requests import SaveModel
from dnnstudio.core.jobs.results import DataPreview
from dnnstudio.core.workspace.ensembles import EnsembleRecord, write_ensemble
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.base.ticket import Ticket
from dnnstudio.gui.exporting.dialog import ExportDialog
from dnnstudio.gui.predict.subjects import Network
from dnnstudio.gui.theme import Theme

from ..fake_engine import FakeEngine


@pytest.fixture
def dialog(qtbot: Any, theme: Theme, tmp_path: Path) -> Iterator[ExportDialog]:
    (tmp_path / "my run").mkdir()
    layers = (Flatten(id="flatten"), Dropout(id="drop", rate=0.3), Dense(id="output", units=10, activation="softmax"))
    codec.save(Experiment(name="Mine", layers=layers), tmp_path / "my run" / "experiment.json")
    engine = FakeEngine()
    engine.start()
    found = ExportDialog(engine, theme, Settings(), Network(tmp_path / "my run", "run 3", best=2))
    engine.asked.connect(lambda ticket: found.setProperty("asked", ticket))
    qtbot.addWidget(found)
    found.show()
    yield found
    found.close()
    engine.shutdown()
    engine.deleteLater()


def asked(dialog: ExportDialog) -> Any:
    ticket = dialog.property("asked")
    assert isinstance(ticket, Ticket)
    return ticket.job


def test_every_format_of_networks_is_offered_with_whom_it_is_for(dialog: ExportDialog) -> None:
    assert dialog.focusWidget() is dialog.findChild(QRadioButton, "format_onnx"), "the one that is chosen"
    formats = [row for row in EXPORTERS.values() if row.on_command_line]
    for row in formats:
        dialog.choose(row.name)
        assert dialog.format is row and row.audience.startswith("For ")
        assert dialog.stochastic.isEnabled() is bool(row.runtime)


@pytest.mark.parametrize("layer", [Dropout(id="drop", rate=0.0), GaussianNoise(id="noise", stddev=0.2)])
def test_dropout_is_not_offered_where_there_is_none(qtbot: Any, theme: Theme, tmp_path: Path, layer: AnyLayer) -> None:
    codec.save(Experiment(layers=(layer, Dense(id="output", units=1))), tmp_path / "experiment.json")
    engine = FakeEngine()
    found = ExportDialog(engine, theme, Settings(), Network(tmp_path, "run 3"))
    qtbot.addWidget(found)
    found.choose("onnx")
    assert not found.stochastic.isEnabled() and "none" in found.stochastic.text()
    assert "No layer of this network is dropout" in found.stochastic.toolTip()
    engine.shutdown()
    engine.deleteLater()


@pytest.mark.parametrize(
    ("kind", "grey", "why"),
    [
        ("repeat", {"keras", "h5"}, "a repeat is several"),
        ("file", {"report", "bundle"}, "a file alone"),
        ("memory", {"report", "bundle"}, "held in memory"),
    ],
)
def test_a_format_that_would_be_refused_is_grey_with_the_reason_beside_it(
    qtbot: Any, theme: Theme, tmp_path: Path, kind: str, grey: set[str], why: str
) -> None:
    layers = (Flatten(id="flatten"), Dense(id="output", units=10, activation="softmax"))
    write_ensemble(tmp_path, EnsembleRecord(experiment=Experiment(layers=layers), seeds=(1, 2), threads=1, format=1))
    models: dict[str, str | Path] = {"repeat": tmp_path, "file": tmp_path / "a.keras", "memory": "model-1"}
    model = models[kind]
    engine = FakeEngine()
    found = ExportDialog(engine, theme, Settings(), Network(model, "run 3"))
    qtbot.addWidget(found)
    buttons = {button.objectName(): button for button in found._formats.buttons()}
    assert {name for name, button in buttons.items() if not button.isEnabled()} == {f"format_{name}" for name in grey}
    assert sum(why in shown.text() for shown in found.findChildren(QLabel)) == len(grey)
    for name in grey:
        assert why in buttons[f"format_{name}"].accessibleDescription()
        found.choose(name)
        assert found.format.name == "onnx", "what is grey cannot be chosen"
    engine.shutdown()
    engine.deleteLater()


def test_the_command_does_what_the_dialog_does(dialog: ExportDialog, tmp_path: Path) -> None:
    dialog.choose("tflite")
    dialog.stochastic.setChecked(True)
    dialog.weights.set_value("best")
    dialog.show_command.click()
    assert dialog.command.isVisible()
    words = shlex.split(dialog.command.text())
    assert words[:5] == ["dnnstudio", "export", str(tmp_path / "my run"), "--to", "tflite"]
    assert words[5:] == ["--out", "run 3.tflite", "--weights", "best", "--stochastic"]
    dialog.choose("keras")
    assert not dialog.stochastic.isChecked() and "--stochastic" not in dialog.command.text()
    assert dialog.weights.isEnabled() and "--weights best" in dialog.command.text()
    for to in ("python", "report", "bundle"):
        dialog.choose(to)
        assert not dialog.weights.isEnabled() and "a bundle holds both" in dialog.weights.toolTip()
        assert dialog.chosen_weights == "last" and "--weights" not in dialog.command.text()


def test_the_job_is_asked_for_and_what_was_proven_is_said(
    dialog: ExportDialog, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *given: (str(tmp_path / "mine"), ""))
    dialog.choose("onnx")
    dialog.apply.click()
    job = asked(dialog)
    assert isinstance(job, ExportNetwork)
    assert (job.to, job.path, job.weights, job.stochastic) == ("onnx", tmp_path / "mine.onnx", "last", False)
    qtbot.waitUntil(lambda: "largest difference" in dialog.said.text(), timeout=20_000)
    assert dialog.apply.isEnabled() and dialog.close_button.text() == "Close"
    (tmp_path / "my run" / "preparation.json").write_text("{}")
    dialog.choose("h5")
    dialog.apply.click()
    assert isinstance(asked(dialog), SaveModel) and asked(dialog).path == tmp_path / "mine.h5"
    qtbot.waitUntil(lambda: dialog.said.text().startswith("Written to mine.h5"), timeout=20_000)
    assert "It reads rows prepared as in training" in dialog.said.text()


def test_the_run_s_experiment_becomes_a_script(dialog: ExportDialog, qtbot: Any, tmp_path: Path) -> None:
    for to, name in (("python", "mine.py"), ("notebook", "mine.ipynb")):
        dialog.choose(to)
        dialog.export_to(tmp_path / name)
        qtbot.waitUntil(lambda name=name: dialog.said.text() == f"Written to {name}.", timeout=20_000)
    assert "keras.layers.Dense(10" in (tmp_path / "mine.py").read_text() or "units=10" in (
        tmp_path / "mine.py"
    ).read_text(encoding="utf-8")
    assert "nbformat" in (tmp_path / "mine.ipynb").read_text(encoding="utf-8")


def test_a_script_that_needs_this_program_or_trains_one_of_several_says_so(
    qtbot: Any, theme: Theme, tmp_path: Path
) -> None:
    layers = (Flatten(id="flatten"), Dense(id="output", units=3, activation="softmax"))
    flowers = Experiment(data=Data(source=Table(path="/data/flowers.csv", target="classes")), layers=layers)
    write_ensemble(tmp_path, EnsembleRecord(experiment=flowers, seeds=(42, 43), threads=1, format=1))
    engine = FakeEngine()
    found = ExportDialog(engine, theme, Settings(), Network(tmp_path, "run 3, 2 seeds"))
    qtbot.addWidget(found)
    script = found.findChild(QRadioButton, "format_python")
    assert isinstance(script, QRadioButton) and script.toolTip().endswith("Its rows are read by dnnstudio.")
    found._script = tmp_path / "mine.py"
    summary = DataSummary((4,), ("a", "b", "c"), False, (80, 20, 25))
    found._on_answered(DataPreview(summary=summary, thumbnails=np.zeros((3, 1, 1), np.uint8)))
    assert "must be installed where it runs" in found.said.text() and "with seed 42." in found.said.text()
    found.close()
    engine.shutdown()
    engine.deleteLater()


def test_report_and_bundle_need_a_run_s_folder(dialog: ExportDialog, qtbot: Any, tmp_path: Path) -> None:
    dialog.choose("bundle")
    dialog.export_to(tmp_path / "mine.dnnstudio")
    assert isinstance(asked(dialog), WriteBundle) and asked(dialog).model == tmp_path / "my run"
    qtbot.waitUntil(lambda: dialog.said.text().startswith("Written to mine.dnnstudio"), timeout=20_000)


def test_a_refusal_is_said_and_a_stop_too(dialog: ExportDialog, qtbot: Any, tmp_path: Path) -> None:
    dialog.choose("onnx")
    dialog.export_to(tmp_path / "refused.onnx")
    qtbot.waitUntil(lambda: "computes something else" in dialog.said.text(), timeout=20_000)
    dialog._formats.buttons()[0].click()
    assert not dialog.said.text(), "a refusal is said of the format that was refused"
    dialog.choose("onnx")
    dialog.export_to(tmp_path / "mine.onnx")
    dialog.close_button.click()
    assert dialog.said.text() == "Stopped; nothing was written." and dialog.apply.isEnabled()
