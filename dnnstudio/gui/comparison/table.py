"""The figures of a comparison: a row a start, mean ± standard deviation over its seeds, and each seed below it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.results import ComparisonRun
from dnnstudio.core.jobs.results import Spread as StartSpread
from dnnstudio.core.jobs.seed_comparison import summarize
from dnnstudio.core.study.repeat_record import spread_words
from dnnstudio.core.workspace.figures import measured
from dnnstudio.core.workspace.runs import Spread
from dnnstudio.gui.base.run_words import figure_text
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.charts.copies import copies_table

ROW_HEIGHT = 28
BESIDE = 24
"""What a text of the first column needs beside itself."""
MOST_ROWS = 8
"""Shown at once; further ones by scrolling."""
WORDS = {"source": "Source", "scratch": "From scratch", "transfer": "Transferred"}
PARTS = {"test": "Test", "validation": "Val."}
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class FiguresTable(QTreeWidget):
    """Shows the finished runs."""

    def __init__(self, theme: Theme, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        copies_table(self)
        self._theme = theme
        self.setObjectName("comparison_table")
        self.setAccessibleName("Figures from scratch and transferred")
        self.setRootIsDecorated(True)
        self.setUniformRowHeights(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.show_runs(())

    def show_runs(self, runs: Sequence[ComparisonRun]) -> None:
        """Show mean and standard deviation of these runs."""
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
        metrics = QFontMetrics(bold)

        def width(text: str) -> int:
            return metrics.horizontalAdvance(text) + BESIDE

        for start in starts:
            count = sum(run.start == start for run in runs)
            cells = [_cell(name, summary.get(start, {}).get(part, {}).get(name), count) for part, name in columns]
            item = QTreeWidgetItem((WORDS[start], str(count), *cells))
            item.setSizeHint(0, QSize(width(item.text(0)), ROW_HEIGHT))
            item.setFont(0, bold)
            for place in range(1, len(columns) + 2):
                item.setTextAlignment(place, RIGHT)
            self.addTopLevelItem(item)
            for run in (run for run in runs if run.start == start):
                texts = [figure_text(name, run.metrics.get(part, {}).get(name)) for part, name in columns]
                of = measured(run.metrics, Experiment())
                diverged = "diverged" if run.metrics.get("reason") == "diverged" else ""
                name = " · ".join(part for part in (f"Seed {run.seed}", diverged, of.moment) if part)
                seed = QTreeWidgetItem((name, "", *texts))
                seed.setSizeHint(0, QSize(width(seed.text(0)), ROW_HEIGHT))
                for place in range(1, len(columns) + 2):
                    seed.setTextAlignment(place, RIGHT)
                for place in range(len(columns) + 2):
                    seed.setToolTip(place, of.sentence)
                item.addChild(seed)
            item.setExpanded(True)
        header = self.header()
        header.setStretchLastSection(False)
        for place in range(len(columns) + 2):
            self.headerItem().setTextAlignment(place, RIGHT if place else LEFT)
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)  # it says which weights
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(1, 72)
        rows = min(len(starts) + len(runs), MOST_ROWS)
        self.setFixedHeight(header.sizeHint().height() + ROW_HEIGHT * rows + 6)


def _cell(name: str, found: StartSpread | None, count: int) -> str:
    """ "91.3 ± 0.2 %"; of a single seed there is no spread."""
    known = Spread(found.mean, found.sd if count > 1 else None, count) if found is not None else None
    return spread_words(known, counted=False, share=name == "accuracy")
