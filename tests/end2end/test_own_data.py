"""The real window and the real engine: from a table that is dropped to a trained network, in a person's few clicks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractButton, QApplication
from sklearn.datasets import load_diabetes, load_iris

from dnnstudio.core.jobs.events import RunEnded
from dnnstudio.core.jobs.results import RunResult
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.theme import Theme

pytestmark = pytest.mark.display
PATIENCE_MS = 180_000


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    from dnnstudio.app import first_document

    theme = Theme(qapp, "light")
    theme.apply()
    settings = Settings(tmp_path / "settings")
    settings.workspace = tmp_path / "workspace"
    document, engine = first_document(), Engine()
    made = MainWindow(document, engine, theme, settings, dialogs=Dialogs(theme, settings))
    made.resize(1440, 900)
    with qtbot.waitExposed(made):
        made.show()
    engine.start()
    yield made
    made.close_without_asking()
    assert made.engine_ended
    for thing in (made, document, engine, theme):
        thing.deleteLater()
    vars(made).clear()


def write_iris(path: Path) -> None:
    """The table as it is found all over the web: names above, flowers as words at the end, sorted by them."""
    iris = load_iris()
    names = ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"]
    rows = [
        ",".join([*(f"{value:.1f}" for value in row), str(iris.target_names[kind])])
        for row, kind in zip(iris.data, iris.target, strict=True)
    ]
    path.write_text("\n".join([",".join(names), *rows]) + "\n")


def write_diabetes(path: Path) -> None:
    """A number to predict, as scikit-learn has it."""
    found = load_diabetes()
    rows = [",".join(map(str, [*x, y])) for x, y in zip(found.data.tolist(), found.target.tolist(), strict=True)]
    path.write_text("\n".join([",".join([*found.feature_names, "progression"]), *rows]) + "\n")


def trained_by_a_drop(qtbot: Any, window: MainWindow, path: Path, headline: str) -> RunResult:
    """Drop the table, press the one button, and wait for the end of the training."""
    ends: list[RunEnded] = []
    window.workbench.controller.run_ended.connect(ends.append)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    keys, buttons = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, data, buttons, keys))

    windows = window.workbench.door.windows
    qtbot.waitUntil(lambda: (door := windows.get("door")) is not None and door.use_button.isEnabled(), timeout=60_000)
    door = windows.get("door")
    assert door is not None
    assert door.consequences.headline.text() == headline
    button = door.findChild(QAbstractButton, "door_train")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    qtbot.waitUntil(lambda: bool(ends), timeout=PATIENCE_MS)
    result = ends[0].result
    assert result is not None
    assert result.reason in ("finished", "early_stopping")
    errors = [problem for problem in window.document.problems if problem.severity == "error"]
    assert errors == []
    assert window.document.undo_stack.count() == 1
    return result


def test_a_dropped_table_is_a_trained_network_after_one_click(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    write_iris(tmp_path / "iris.csv")
    result = trained_by_a_drop(qtbot, window, tmp_path / "iris.csv", "Predicts species from 4 inputs.")
    assert result.metrics["test"]["accuracy"] >= 0.9
    assert result.metrics["test"]["balanced_accuracy"] >= 0.9


def test_a_dropped_table_of_a_number_explains_two_fifths_of_its_variance(
    qtbot: Any, window: MainWindow, tmp_path: Path
) -> None:
    write_diabetes(tmp_path / "diabetes.csv")
    result = trained_by_a_drop(qtbot, window, tmp_path / "diabetes.csv", "Predicts progression from 10 inputs.")
    assert result.metrics["test"]["r2_score"] > 0.4
    side = window.workbench.side
    assert side.answers.has_answers
    assert side.result.text("test", "r2_score") == f"{result.metrics['test']['r2_score']:.3f}"
