"""A repeat from the window with real processes: it is the ensemble that the members' own runs make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.workspace.ensembles import member_folder, read_ensemble, trained_members
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.gui.dialogs.seeds_dialog import SeedsAnswer

from ..gui.window_kit import open_window


def small() -> Experiment:
    digits = load_recipe("digits").experiment
    return digits.replaced(training=digits.training.replaced(epochs=2))


def test_two_seeds_are_trained_beside_the_window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> None:
    with open_window(qtbot, qapp, tmp_path, experiment=small()) as window:
        window.engine.start()
        answers: Any = window.workbench.dialogs
        answers.seeds = SeedsAnswer(2, 1)
        controller = window.workbench.controller
        window.actions_["several_seeds"].trigger()
        assert controller.activity == "repeating"
        with qtbot.waitSignal(window.workbench.repeats.measured, timeout=60_000):
            pass
        folder = controller.run_folder
        assert folder is not None
        record = read_ensemble(folder)
        assert list(trained_members(folder, record)) == list(record.seeds)
        histories = [read_rows(member_folder(folder, seed) / "history.csv") for seed in record.seeds]
        curves = window.workbench.plots.curves
        assert curves is not None and curves.members == 2
        drawn = curves.column("val_accuracy")[1]
        own = [[rows[epoch]["val_accuracy"] for rows in histories] for epoch in range(2)]
        assert drawn.tolist() == pytest.approx([sum(values) / 2 for values in own])
        assert histories[0] != histories[1]
