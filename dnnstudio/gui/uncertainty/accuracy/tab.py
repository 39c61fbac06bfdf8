"""The Accuracy tab: three kinds of prediction, which classes are confused, and the images worth inspecting."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QScrollArea,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from dnnstudio.core.uncertainty.accuracy import class_figures, confident_errors, confusion_matrix, uncertain_hits
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.uncertainty.accuracy.confusion import ConfusionMatrix
from dnnstudio.gui.uncertainty.accuracy.sentences import accuracy_sentences
from dnnstudio.gui.uncertainty.distribution.tab import clear_scroll
from dnnstudio.gui.uncertainty.grid import ImageGrid, Pictures
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.uncertainty.sentences import is_off_apart, row_noun
from dnnstudio.gui.widgets import Card, Choice, Segmented, label
from dnnstudio.gui.widgets.charts.copies import copies_table

SHOWN = 200
COLUMNS = ("Class", "Prec.", "Recall", "F1", "Rows")
ROOMY = 760
"""From this width on, the names of classes get more room."""
WIDTHS = (58, 60, 58, 66)
"""Of all columns but the first, which takes the rest for the names."""


class AccuracyTab(QWidget):
    """`cell_opened(label, said)` for a cell of the matrix; `image_chosen(row)` for an image."""

    cell_opened = Signal(int, int)
    image_chosen = Signal(int)

    def __init__(
        self, theme: Theme, inspection: Inspection, pictures: Pictures, *, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("accuracy_tab")
        self._theme = theme
        self._inspection = inspection
        self.title = label("", Role.HEADLINE, wrap=True)
        self.title.setObjectName("accuracy_headline")
        self.second = label("", Role.BODY, wrap=True)
        head = Card(theme, margin=16)
        head.add(self.title)
        head.add(self.second)
        self.matrix = ConfusionMatrix(theme)
        self.matrix.opened.connect(self.cell_opened)
        self.answer = Segmented(
            theme,
            (
                Choice("mean", "Mean"),
                Choice("vote", "Vote"),
                Choice("off", "Dropout off", "One answer with nothing dropped"),
            ),
        )
        self.answer.setObjectName("accuracy_answer")
        words = inspection.words
        words.say(self.answer.button("mean").setToolTip, "The class whose mean over {answers} is highest")
        words.say(self.answer.button("vote").setToolTip, "The class that most {answers} put first")
        self.answer.set_value("mean")
        self.answer.chosen.connect(self.refresh)
        card = Card(theme, "Labelled and said", margin=16)
        card.head.keep_title()
        card.head.add(self.answer)
        area = QScrollArea()  # with a hundred classes the cells need more room than there is
        area.setObjectName("matrix_scroll")
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.matrix.setProperty("role", "clear")
        area.setWidget(self.matrix)
        card.add(area, 1)
        self.teaches = label("", Role.CAPTION, wrap=True)
        card.add(self.teaches)
        middle = QVBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(head)
        middle.addWidget(card, 1)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._make_table())
        column.addWidget(self._make_images(pictures), 1)
        area = clear_scroll(side, "accuracy_side")
        self._area = area
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 8, 0, 0)
        row.setSpacing(8)
        row.addLayout(middle, 1)
        row.addWidget(area)
        inspection.samples_changed.connect(self.refresh)

    def _make_table(self) -> Card:
        card = Card(self._theme, "Class by class", note="in per cent", margin=12)
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setTabKeyNavigation(False)  # Tab goes on to the next widget
        self.table.setObjectName("class_table")
        copies_table(self.table)
        self.table.setAccessibleName("Precision, recall and F1 of each class")
        for column, title in enumerate(COLUMNS):
            head = QTableWidgetItem(title)
            side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            head.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            self.table.setHorizontalHeaderItem(column, head)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(24)
        self.table.setShowGrid(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names that begin alike stay apart
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.table.horizontalHeader()
        header.setMinimumSectionSize(40)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(1, len(COLUMNS)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self.table.setColumnWidth(column, WIDTHS[column - 1])
        header.setHighlightSections(False)
        self.table.setSortingEnabled(True)
        card.add(self.table)
        return card

    def _make_images(self, pictures: Pictures) -> Card:
        card = Card(self._theme, "Worth a look", margin=12)
        self.which = Segmented(
            self._theme,
            (
                Choice("errors", "Sure and wrong", "Wrong answers, the surest first"),
                Choice("hits", "Unsure and right", "Right answers, the least sure first"),
            ),
            fill=True,
        )
        self.which.setObjectName("worth_a_look")
        self.which.set_value("errors")
        self.which.chosen.connect(self.refresh)
        self.grid = ImageGrid(self._theme, pictures, name="worth_grid")
        self._inspection.words.say(self.grid.setAccessibleName, "{Rows} worth a look")
        self.grid.setMinimumHeight(176)
        self.grid.setToolTip("The figure is the predictive entropy, in nats.")
        self.grid.clicked.connect(lambda index: self.image_chosen.emit(self.grid.images.row_of(index.row())))
        self.grid.activated.connect(lambda index: self.image_chosen.emit(self.grid.images.row_of(index.row())))
        self.nothing = label("", Role.CAPTION, wrap=True)
        self.nothing.setObjectName("worth_nothing")
        self.nothing.hide()
        card.add(self.which)
        card.add(self.nothing)
        card.add(self.grid, 1)
        card.body.addStretch(0)
        return card

    def refresh(self, _: object = None) -> None:
        samples = self._inspection.samples
        if samples is None or not self.isVisible():
            return
        labels, scores = samples.rows.labels, samples.scores
        off = samples.rows.deterministic.argmax(axis=1)
        answers = {"mean": scores.winner, "vote": scores.vote, "off": off}
        confusion = confusion_matrix(labels, scores.winner, scores.classes)
        first, second = accuracy_sentences(samples, confusion)
        self.title.setText(first)
        self.second.setText(second)
        self.teaches.setText(f"Rows are labels, columns what was said. Press a cell to see its {row_noun(samples)}s.")
        self.answer.setVisible(not samples.is_single)
        apart = is_off_apart(samples)
        self.answer.button("off").setVisible(apart)
        if samples.is_single or (self.answer.value() == "off" and not apart):
            self.answer.set_value("mean")
        said = answers[str(self.answer.value())]
        confusion = confusion_matrix(labels, said, scores.classes)
        self.matrix.set_counts(confusion, samples.rows.class_names)
        self._fill_table(samples, confusion)
        errors = self.which.value() == "errors"
        rows = (confident_errors if errors else uncertain_hits)(scores.predictive_entropy, samples.correct)[:SHOWN]
        self.grid.images.show(samples, rows, scores.predictive_entropy)
        self.nothing.setText(f"No {row_noun(samples)} was answered {'wrongly' if errors else 'rightly'}.")
        self.nothing.setVisible(not len(rows))
        self.grid.setVisible(bool(len(rows)))

    def _fill_table(self, samples: Samples, confusion: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> None:
        figures, names = class_figures(confusion), samples.rows.class_names
        self.table.setSortingEnabled(False)
        self.table.setRowCount(len(names))
        for number, name in enumerate(names):
            values = (figures.precision[number], figures.recall[number], figures.f1[number])
            texts = [name, *("–" if np.isnan(value) else f"{value * 100:.1f}" for value in values)]
            texts.append(f"{figures.support[number]:,}")
            keys = [name, *(-1.0 if np.isnan(value) else float(value) for value in values), figures.support[number]]
            for column, (text, key) in enumerate(zip(texts, keys, strict=True)):
                item = _Cell(text, key if column else name)
                item.setToolTip(name if column == 0 else "")
                side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
                item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(number, column, item)
        self.table.setSortingEnabled(True)
        self.table.setFixedHeight(min(len(names), 10) * 24 + 34)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._area.setFixedWidth(364 if self.width() >= ROOMY else 336)  # the matrix needs it more

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()


class _Cell(QTableWidgetItem):
    """A table item sorted by its value instead of its text."""

    def __init__(self, text: str, key: object) -> None:
        super().__init__(text)
        self._key = key

    def __lt__(self, other: QTableWidgetItem) -> bool:
        return bool(self._key < other._key) if isinstance(other, _Cell) else super().__lt__(other)  # type: ignore[operator]
