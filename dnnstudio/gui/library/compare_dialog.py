"""Two models side by side: layers, differing options, and figures on the same rows."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QBrush, QCloseEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QSizePolicy,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from dnnstudio.core.jobs.results import ModelComparison
from dnnstudio.core.text import count_of
from dnnstudio.core.workspace.catalog import Entry, LayerComparison, OptionDifference
from dnnstudio.gui.library.sentences import figure_name, figure_text, value_text
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Card, Window, label, push_button
from dnnstudio.gui.widgets.charts.copies import copies_table

ROW_HEIGHT = 24
MOST_FIGURES = 6
"""Rows of figures in sight; the recalls of further classes are scrolled to."""


class CompareDialog(Window):
    """Shows one comparison: `show_result` or `show_failure` ends it. `closed` when the window is closed."""

    closed = Signal()

    def __init__(self, theme: Theme, first: Entry, second: Entry, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compare_dialog")
        self.setWindowTitle("Compare two models")
        self.setMinimumSize(QSize(720, 580))
        self.resize(960, 700)
        self._theme = theme
        self._names = (first.name, second.name) if first.name != second.name else (first.path.name, second.path.name)
        self._over = False
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        self.headline = label("Reading both models …", Role.HEADLINE, wrap=True)
        self.headline.setObjectName("compare_headline")
        self.note = label("", Role.SMALL, wrap=True)
        self.note.setObjectName("compare_note")
        column.addWidget(self.headline)
        column.addWidget(self.note)
        self.figures = self._tree("compare_figures", "Figures on the same test rows", ("Test part", *self._names))
        self.layers = self._tree("compare_layers", "Layers side by side", (*self._names, "Weights", "What differs"))
        self.options = self._tree("compare_options", "Options that differ", ("Option", *self._names))
        self.cards: dict[str, Card] = {}
        for tree, title, icon, stretch in (
            (self.figures, "On the same test part", "target", 0),
            (self.layers, "Layers", "stack", 3),
            (self.options, "Other options that differ", "sliders-horizontal", 2),
        ):
            card = Card(theme, title, icon=icon)
            card.add(tree, 1)
            if not stretch:
                card.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
            card.hide()
            self.cards[tree.objectName()] = card
            column.addWidget(card, stretch)
        self._spacer = QWidget()
        column.addWidget(self._spacer, 1)
        row = QHBoxLayout()
        row.addStretch(1)
        close = push_button("Close", Role.PRIMARY)
        close.setObjectName("compare_close")
        close.clicked.connect(self.close)
        row.addWidget(close)
        column.addLayout(row)

    def _tree(self, name: str, title: str, headers: tuple[str, ...]) -> QTreeWidget:
        tree = QTreeWidget()
        tree.setObjectName(name)
        copies_table(tree)
        tree.setAccessibleName(title)
        tree.setHeaderLabels(headers)
        tree.setRootIsDecorated(False)
        tree.setUniformRowHeights(True)
        tree.setFrameShape(QFrame.Shape.NoFrame)
        tree.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = tree.header()
        header.setStretchLastSection(False)
        for place in range(len(headers)):
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)
        if name == "compare_layers":
            header.setSectionResizeMode(2, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(2, 84)
        return tree

    # ------------------------------------------------------------------------------------------ what is shown

    def show_progress(self, text: str) -> None:
        """Show what is being done."""
        self.headline.setText(f"{text.rstrip('.')} …" if text else "Reading both models …")

    def show_failure(self, message: str, hint: str) -> None:
        """Show why there is no result."""
        self.headline.setText(message)
        self.note.setText(hint)

    def show_result(self, result: ModelComparison) -> None:
        """Show both models side by side."""
        self._spacer.hide()
        self.headline.setText(headline_of(result))
        self.note.setText(result.note)
        self.note.setVisible(bool(result.note))
        self._fill_figures(result)
        self.layers.addTopLevelItems([self._layer_row(row) for row in result.layers])
        self.cards["compare_layers"].show()
        self.options.addTopLevelItems([_option_row(item) for item in result.options])
        self.cards["compare_options"].setVisible(bool(result.options))
        self.cards["compare_options"].head.set_count(f"{len(result.options):,}")

    def _fill_figures(self, result: ModelComparison) -> None:
        if result.figures is None:
            return
        first, second = result.figures
        for name in dict.fromkeys((*first, *second)):
            row = QTreeWidgetItem((figure_name(name), *(figure_text(name, part.get(name)) for part in (first, second))))
            row.setSizeHint(0, QSize(0, ROW_HEIGHT))
            self.figures.addTopLevelItem(row)
        count = min(self.figures.topLevelItemCount(), MOST_FIGURES)  # the layers want room too
        self.figures.setFixedHeight(self.figures.header().sizeHint().height() + ROW_HEIGHT * count + 6)
        self.cards["compare_figures"].show()

    def _layer_row(self, row: LayerComparison) -> QTreeWidgetItem:
        same = {None: "", True: "equal", False: "differ"}[row.same_weights]
        item = QTreeWidgetItem((row.first or "–", row.second or "–", same, difference_text(row)))
        if row.same_weights is not None:
            item.setForeground(2, QBrush(self._theme.color("good" if row.same_weights else "hint")))
        item.setSizeHint(0, QSize(0, ROW_HEIGHT))
        for place in range(4):
            item.setToolTip(place, "\n".join(_lines(row)))
        return item

    # ------------------------------------------------------------------------------------------ Qt

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._over:
            self._over = True
            self.closed.emit()
        event.accept()

    def reject(self) -> None:
        """Escape closes it, like the close button."""
        self.close()


def headline_of(result: ModelComparison) -> str:
    """The conclusion of the comparison in a sentence."""
    paired = [row for row in result.layers if row.first is not None and row.second is not None]
    if result.same_weights:
        return "All weights are equal, number for number."
    weighted = [row for row in paired if row.same_weights is not None]
    equal = sum(bool(row.same_weights) for row in weighted)
    alone = len(result.layers) - len(paired)
    text = "The same kinds of layers"
    if alone:
        text = f"{count_of(len(paired), 'layer')} in both, {alone} in only one of them"
    if not weighted:
        return f"{text}."
    return f"{text}; {f'{equal} of {len(weighted)} have equal weights' if equal else 'no weights are equal'}."


def difference_text(row: LayerComparison) -> str:
    """ "units 30 / 20, activation relu / elu"; differing names are visible anyway."""
    if row.first is None or row.second is None:
        return "only in one of them"  # its name says in which
    return ", ".join(_lines(row))


def _lines(row: LayerComparison) -> list[str]:
    return [
        f"{item.path.replace('_', ' ')} {value_text(item.first)} / {value_text(item.second)}"
        for item in row.differences
        if item.path != "id"
    ]


def _option_row(item: OptionDifference) -> QTreeWidgetItem:
    row = QTreeWidgetItem(
        (item.path.replace("_", " ").replace(".", " › "), value_text(item.first), value_text(item.second))
    )
    row.setSizeHint(0, QSize(0, ROW_HEIGHT))
    for place in range(3):
        row.setToolTip(place, row.text(place))
    return row
