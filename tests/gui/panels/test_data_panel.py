"""The data panel: sources, classes, split, scaling, pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Classes, Csv, DataSummary, FashionMNIST, FirstRows, Fraction
from dnnstudio.core.experiment.layers import Dense
from dnnstudio.core.jobs.results import DataPreview
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.data.class_chips import counts_by_label, toggled
from dnnstudio.gui.data.panel import DataPanel, summary_line
from dnnstudio.gui.data.thumbnails import Thumbnails, ink
from dnnstudio.gui.data.two_classes import TwoClassDialog
from dnnstudio.gui.theme import Theme

DIGITS = DataSummary((8, 8), tuple("0123456789"), False, (1150, 287, 360), tuple(range(110, 120)), "scikit-learn", "f")


def shown(qtbot: QtBot, panel: QWidget, width: int = 320, height: int = 700) -> None:
    qtbot.addWidget(panel)
    panel.resize(width, height)
    panel.show()
    qtbot.waitExposed(panel)


def dense(document: Document, layer_id: str) -> Dense:
    layer = document.layer(layer_id)
    assert isinstance(layer, Dense)
    return layer


# -------------------------------------------------------------------------------------------------------- the data


@pytest.fixture
def data_panel(qtbot: QtBot, document: Document, theme: Theme) -> DataPanel:
    panel = DataPanel(document, theme)
    shown(qtbot, panel, 344, 420)
    return panel


def test_classes_have_chips_with_counts(data_panel: DataPanel) -> None:
    assert [chip.text() for chip in data_panel.chips.chips] == list("0123456789")
    assert [chip.count() for chip in data_panel.chips.chips] == [str(n) for n in range(110, 120)]
    assert summary_line(DIGITS) == "10 classes · 1,150 train · 287 val."


def test_a_chip_drops_a_class_and_takes_it_back(data_panel: DataPanel, document: Document) -> None:
    chips = data_panel.chips.chips
    QTest.mouseClick(chips[3], Qt.MouseButton.LeftButton)
    assert document.experiment.data.classes.keep == (0, 1, 2, 4, 5, 6, 7, 8, 9)
    assert not chips[3].isChecked()
    assert document.summary is not None
    assert document.summary.classes == 9
    QTest.mouseClick(chips[3], Qt.MouseButton.LeftButton)
    assert document.experiment.data.classes.keep is None
    assert document.summary == DIGITS


def test_a_task_of_two_classes_is_not_offered_to_become_one(data_panel: DataPanel) -> None:
    button, chips = data_panel.chips.two_classes, data_panel.chips
    chips.show_classes(("no", "yes"), Classes(), None)
    assert button.isHidden()
    chips.show_classes(("no", "yes"), Classes(positive=1), None)  # chosen, so that it can be changed again
    assert not button.isHidden()
    chips.show_classes(("a", "b", "c"), Classes(), None)
    assert not button.isHidden()


def test_two_classes_must_stay(data_panel: DataPanel, document: Document, qtbot: QtBot) -> None:
    kept = document.experiment.data.replaced(classes=Classes(keep=(2, 5)))
    document.push(document.experiment.replaced(data=kept), "Keep two")
    with qtbot.waitSignal(data_panel.failed) as caught:
        QTest.mouseClick(data_panel.chips.chips[2], Qt.MouseButton.LeftButton)
    assert "two classes" in str(caught.args[0])
    assert data_panel.chips.chips[2].isChecked()
    assert document.experiment.data.classes.keep == (2, 5)


def test_classes_keep_the_order_a_person_gave() -> None:
    assert toggled(Classes(keep=(7, 2, 5)), 9, 10).keep == (7, 2, 5, 9)
    assert toggled(Classes(keep=(2, 5, 7)), 3, 10).keep == (2, 3, 5, 7)
    assert toggled(Classes(keep=(0, 1)), 2, 3).keep is None
    assert toggled(Classes(keep=(1, 2, 3), positive=2), 2, 4) == Classes(keep=(1, 3))


def test_counts_belong_to_the_labels_of_the_source() -> None:
    pair = DataSummary((8, 8), ("5", "2"), True, class_counts=(50, 60))
    assert counts_by_label(Classes(keep=(2, 5), positive=2), pair, 10) == {2: 60, 5: 50}
    rest = DataSummary((8, 8), ("not 2", "2"), True, class_counts=(900, 60))
    assert counts_by_label(Classes(positive=2), rest, 10) == {2: 60}
    assert counts_by_label(Classes(keep=(7, 1)), DataSummary((8,), ("7", "1"), False, class_counts=(3, 4)), 9) == {
        7: 3,
        1: 4,
    }


def test_another_source_is_read_and_starts_with_all_classes(
    data_panel: DataPanel, document: Document, qtbot: QtBot
) -> None:
    first = document.experiment.data.replaced(classes=Classes(keep=(0, 1)), validation=FirstRows(count=200))
    document.push(document.experiment.replaced(data=first), "Start")
    with qtbot.waitSignal(data_panel.preview_requested):
        data_panel.source.choose("fashion_mnist")
    data = document.experiment.data
    assert isinstance(data.source, FashionMNIST)
    assert data.classes == Classes()
    assert document.undo_stack.undoText() == "Use Fashion-MNIST"
    assert data_panel.chips.chips[0].text() == "T-shirt/top"


def test_a_validation_that_would_take_everything_becomes_a_share(data_panel: DataPanel, document: Document) -> None:
    first = document.experiment.data.replaced(source=FashionMNIST(), validation=FirstRows(count=5000))
    document.push(document.experiment.replaced(data=first), "Start")
    data_panel.source.choose("digits")
    assert document.experiment.data.validation == Fraction(fraction=0.2)


def test_quick_changes_are_read_once(data_panel: DataPanel, document: Document, qtbot: QtBot) -> None:
    data_panel.request_preview()
    asked: list[int] = []
    data_panel.preview_requested.connect(lambda: asked.append(1))
    for label in (1, 2, 3):
        QTest.mouseClick(data_panel.chips.chips[label], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(asked))
    assert asked == [1]


def test_a_file_source_asks_for_its_file_before_it_is_read(
    data_panel: DataPanel, document: Document, qtbot: QtBot
) -> None:
    asked: list[int] = []
    data_panel.preview_requested.connect(lambda: asked.append(1))
    data_panel.source.choose("csv")
    data_panel.request_preview()
    assert asked == []
    assert data_panel.source_form.isVisible()
    data_panel.source_form.edited.emit("path", "/tmp/table.csv")
    assert document.experiment.data.source == Csv(path="/tmp/table.csv")
    qtbot.waitUntil(lambda: bool(asked))


def test_scaling_and_details_are_edits(data_panel: DataPanel, document: Document) -> None:
    QTest.mouseClick(data_panel.scaling.button("standardize"), Qt.MouseButton.LeftButton)
    assert document.experiment.data.scaling == "standardize"
    assert not data_panel.details.isVisible()
    data_panel.details_button.click()
    assert data_panel.details.isVisible()
    data_panel.details.edited.emit("train_limit", 200)
    assert document.experiment.data.train_limit == 200
    assert document.undo_stack.undoText() == "Change training rows"


def test_a_preview_shows_pictures_and_a_failure_its_words(
    data_panel: DataPanel, document: Document, qtbot: QtBot
) -> None:
    pictures = np.zeros((10, 8, 8), np.uint8)
    data_panel.show_preview(DataPreview(summary=DIGITS, thumbnails=pictures))
    assert data_panel.thumbnails.isVisible()
    data_panel.set_failure(UserError("Fashion-MNIST is not on this computer.", "Download it."), can_download=True)
    assert data_panel.news.isVisible()
    with qtbot.waitSignal(data_panel.download_requested):
        QTest.mouseClick(data_panel.news.fix_button, Qt.MouseButton.LeftButton)
    data_panel.show_preview(DataPreview(summary=DIGITS))
    assert not data_panel.news.isVisible()
    assert not data_panel.thumbnails.isVisible()


def test_a_narrow_panel_says_it_in_one_line(data_panel: DataPanel) -> None:
    assert not data_panel.line.isVisible()
    data_panel.resize(264, 420)
    QApplication.processEvents()
    assert data_panel.line.isVisible()
    assert not data_panel.chip_area.isVisible()
    data_panel.details_button.click()
    assert data_panel.chip_area.isVisible()
    assert data_panel.details.isVisible()


def test_the_two_class_dialog_gives_the_task_it_describes(qtbot: QtBot, theme: Theme) -> None:
    names = ("T-shirt", "Trouser", "Sandal", "Shirt")
    dialog = TwoClassDialog(theme, names, Classes())
    shown(qtbot, dialog)
    dialog.positive.choose(2)
    dialog.negative.choose(3)
    assert dialog.chosen() == Classes(keep=(2, 3), positive=2)
    assert "near 1 means Sandal, near 0 means Shirt" in dialog.explanation.text()
    dialog.negative.choose(2)
    assert dialog.chosen() is None
    assert not dialog.accept_button.isEnabled()
    dialog.against_rest.setChecked(True)
    assert dialog.chosen() == Classes(positive=2)
    assert not dialog.all_apart.isVisible()
    again = TwoClassDialog(theme, names, Classes(keep=(2, 3), positive=3))
    shown(qtbot, again)
    assert again.chosen() == Classes(keep=(2, 3), positive=3)
    again.all_apart.setChecked(True)
    assert again.chosen() == Classes(keep=(2, 3))


def test_grey_pictures_are_drawn_as_ink(qtbot: QtBot, theme: Theme) -> None:
    image = ink(np.array([[0, 255]], np.uint8), "#F5F6F9", "#1A1D26")
    assert image.pixelColor(0, 0).name().upper() == "#F5F6F9"
    assert image.pixelColor(1, 0).name().upper() == "#1A1D26"
    colored = ink(np.array([[[10, 20, 30]]], np.uint8), "#FFFFFF", "#000000")
    assert colored.pixelColor(0, 0).getRgb()[:3] == (10, 20, 30)
    strip = Thumbnails(theme)
    shown(qtbot, strip, 320, 32)
    strip.set_pictures(np.zeros((10, 8, 8), np.uint8), tuple("0123456789"))
    assert len(strip.places()) == 9
    assert strip.places()[-1].right() < 320
