"""The figures of a comparison: a row a start, mean ± standard deviation over its seeds."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from dnnstudio.core.comparison import spread_text, summarize
from dnnstudio.core.jobs import ComparisonRun
from dnnstudio.gui.theme import Theme

ROW_HEIGHT = 28
WORDS = {"source": "Source", "scratch": "From scratch", "transfer": "Transferred"}
PARTS = {"test": "Test", "validation": "Val."}
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class FiguresTable(QTreeWidget):
    """Shows the runs that are done."""

    def __init__(self, theme: Theme, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setObjectName("comparison_table")
        self.setAccessibleName("Figures from scratch and transferred")
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.show_runs(())

    def show_runs(self, runs: Sequence[ComparisonRun]) -> None:
        """Mean and spread of these."""
        summary = summarize(runs)
        columns = [
            (part, name)
            for part in PARTS
            for name in ("accuracy", "loss")
            if any(name in summary.get(start, {}).get(part, {}) for start in ("scratch", "transfer"))
        ] or [("test", "accuracy"), ("test", "loss")]
        self.clear()
        self.setColumnCount(len(columns) + 2)
        titles = (f"{PARTS[part]} {name}" for part, name in columns)
        self.setHeaderLabels(("Start", "Seeds", *titles))
        starts = [start for start in WORDS if start != "source" or start in summary]
        bold = self._theme.font(12, QFont.Weight.Medium)
        for start in starts:
            count = sum(run.start == start for run in runs)
            cells = [
                spread_text(spread, count) if (spread := summary.get(start, {}).get(part, {}).get(name)) else "–"
                for part, name in columns
            ]
            item = QTreeWidgetItem((WORDS[start], str(count), *cells))
            item.setSizeHint(0, QSize(0, ROW_HEIGHT))
            item.setFont(0, bold)
            for place in range(1, len(columns) + 2):
                item.setTextAlignment(place, RIGHT)
            self.addTopLevelItem(item)
        header = self.header()
        header.setStretchLastSection(False)
        for place in range(len(columns) + 2):
            self.headerItem().setTextAlignment(place, RIGHT if place else LEFT)
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(1, 72)
        self.setFixedHeight(header.sizeHint().height() + ROW_HEIGHT * len(starts) + 6)
