"""Choosing another layer changes what the form shows, and moves nothing: over the layers of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment.edits import new_layer
from dnnstudio.core.experiment.layers import LAYER_KINDS, Dense, Flatten
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.gui.shell.main_window import MainWindow

from ..window_kit import open_window


def places(window: MainWindow) -> dict[str, QRect]:
    """Where the cards of the right side, the tabs and the plots are."""
    parts: dict[str, QWidget] = {
        "tabs": window.body.tabs.bar,
        "pages": window.body.tabs.pages,
        "stack": window.stack,
        "data": window.data,
        "runs": window.runs,
        **window.body.plots,
    }
    return {name: QRect(part.mapTo(window, QPoint(0, 0)), part.size()) for name, part in parts.items()}


@pytest.mark.parametrize("size", [(1440, 900), pytest.param((1024, 700), marks=pytest.mark.thorough)])
def test_another_layer_moves_nothing(qtbot: QtBot, qapp: QApplication, tmp_path: Path, size: tuple[int, int]) -> None:
    digits = load_recipe("digits").experiment
    probes = tuple(new_layer(digits, kind, id=f"probe_{number}") for number, kind in enumerate(LAYER_KINDS))
    layers = (Flatten(id="flatten"), *probes, Dense(id="output", units=10, activation="softmax"))
    experiment = digits.replaced(layers=layers)
    with open_window(qtbot, qapp, tmp_path, size=size, experiment=experiment) as window:
        window.document.select([layers[0].id])
        seen: list[dict[str, QRect]] = []

        def settled() -> bool:
            seen.append(places(window))
            return len(seen) > 1 and seen[-1] == seen[-2]

        qtbot.waitUntil(settled)
        before = places(window)
        for layer in layers:
            window.document.select([layer.id])
            QApplication.processEvents()
            assert places(window) == before, f"{layer.kind} moves something"
