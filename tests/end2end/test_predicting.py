"""The real window and the real engine: an own photo, dropped after the first training, and a table of new rows."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget
from sklearn.datasets import load_digits, load_iris

from dnnstudio.core.experiment.edits import set_value
from dnnstudio.core.jobs.events import RunEnded
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.predict.window import PredictWindow
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.theme import Theme

pytestmark = pytest.mark.display
PATIENCE_MS = 180_000


class Predicting(Dialogs):
    """Answers what dropped files are for."""

    wanted = "predict"

    def predict_or_data(self, parent: QWidget, name: str, paths: Sequence[Path]) -> Any:
        return self.wanted


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    from dnnstudio.app import first_document

    theme = Theme(qapp, "light")
    theme.apply()
    settings = Settings(tmp_path / "settings")
    settings.workspace = tmp_path / "workspace"
    document, engine = first_document(), Engine()
    made = MainWindow(document, engine, theme, settings, dialogs=Predicting(theme, settings))
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


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    keys, buttons = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, data, buttons, keys))


def train(qtbot: Any, window: MainWindow, epochs: int) -> None:
    ends: list[RunEnded] = []
    window.workbench.controller.run_ended.connect(ends.append)
    experiment = set_value(window.document.experiment, "training.epochs", epochs)
    window.document.push(experiment, "Change epochs")
    button = window.findChild(QAbstractButton, "train_button")
    assert button is not None
    qtbot.waitUntil(button.isEnabled, timeout=PATIENCE_MS)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(ends), timeout=PATIENCE_MS)
    assert ends[0].reason == "finished"


def answered(qtbot: Any, window: MainWindow, rows: int) -> PredictWindow:
    """The window of new cases, once all is answered and a coverage can be promised."""
    windows = window.workbench.predict.windows
    qtbot.waitUntil(lambda: windows.get("predict") is not None, timeout=PATIENCE_MS)
    predict = windows.get("predict")
    assert predict is not None
    ready = lambda: len(predict.cases) == rows and predict.cases.calibration is not None  # noqa: E731
    qtbot.waitUntil(ready, timeout=PATIENCE_MS)
    return predict


def test_an_own_photo_gets_an_answer_and_its_doubt(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    qtbot.waitUntil(lambda: window.engine.state.phase == "ready", timeout=PATIENCE_MS)
    train(qtbot, window, 5)
    digits = load_digits()
    photo = Image.fromarray((digits.images[0] * 15).astype(np.uint8)).resize((640, 480)).convert("RGB")
    photo.save(tmp_path / "my zero.jpg")
    drop(window, tmp_path / "my zero.jpg")
    predict = answered(qtbot, window, 1)
    assert predict.cases.answer(0) == "0"
    headline = predict.findChild(QLabel, "case_headline")
    assert headline is not None and headline.text().startswith("0, ")
    uncertainties = predict.cases.uncertainties
    assert uncertainties is not None and 0 <= uncertainties[0] < 0.5
    assert "1 picture of another size, scaled to 8 × 8 pixels: my zero.jpg (640 × 480)" in predict.messages.message()


def test_fifty_new_rows_come_back_with_answers_and_whom_to_ask(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    iris = load_iris()
    order = np.random.default_rng(0).permutation(150)
    names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    for name, rows, last in (("known.csv", order[:100], ["species"]), ("new.csv", order[100:], [])):
        lines = [",".join([*names, *last])]
        for row in rows:
            kind = [str(iris.target_names[iris.target[row]])] if last else []
            lines.append(",".join([*(f"{value:.1f}" for value in iris.data[row]), *kind]))
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    drop(window, tmp_path / "known.csv")
    door_of = window.workbench.door.windows
    qtbot.waitUntil(lambda: (door := door_of.get("door")) is not None and door.use_button.isEnabled(), timeout=60_000)
    door = door_of.get("door")
    assert door is not None
    qtbot.mouseClick(door.use_button, Qt.MouseButton.LeftButton)
    train(qtbot, window, 12)
    drop(window, tmp_path / "new.csv")
    predict = answered(qtbot, window, 50)
    predict.cases.correct(3, "setosa")
    predict.keeping.save_to(tmp_path / "answers.csv")
    qtbot.waitUntil((tmp_path / "answers.csv").exists, timeout=PATIENCE_MS)
    with (tmp_path / "answers.csv").open(encoding="utf-8", newline="") as file:
        saved = list(csv.DictReader(file))
    assert len(saved) == 50
    assert [int(row["row"]) for row in saved] == list(range(1, 51))
    assert {row["prediction"] for row in saved} <= {str(name) for name in iris.target_names}
    assert [row["ask_a_person"] for row in saved] == ["yes" if asked else "no" for asked in predict.cases.asked]
    assert [place for place, row in enumerate(saved) if row["corrected"]] == [3]
    right = [
        row["prediction"] == iris.target_names[iris.target[number]]
        for row, number in zip(saved, order[100:], strict=True)
    ]
    assert np.mean(right) > 0.6
