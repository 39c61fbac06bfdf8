"""The validation curves of one row or two: a mean line with its band, the second row dashed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.os_errors import is_there
from dnnstudio.core.study.listing import ListedRun
from dnnstudio.core.study.repeat_record import mean_rows
from dnnstudio.core.workspace.history import FILE as HISTORY
from dnnstudio.core.workspace.history import Row, read_rows
from dnnstudio.gui.plots.base import CurvePlot
from dnnstudio.gui.plots.curves import kept_limits
from dnnstudio.gui.plots.sentences import tick_numbers, tick_shares
from dnnstudio.gui.plots.series import Series
from dnnstudio.gui.plots.trace import Floats
from dnnstudio.gui.theme import Theme

HEIGHT = 220
SERIES = (
    Series("band_0", "", "validation", "band"),
    Series("band_1", "", "planned", "band"),
    Series("line_0", "first", "validation", "line"),
    Series("line_1", "second", "planned", "clean"),
)


def histories_of(run: ListedRun) -> list[list[Row]]:
    """The histories of the runs behind a row; a damaged or missing one is left out."""
    found = []
    for one in run.counted or (run,):
        try:
            if is_there(place := one.record.folder / HISTORY):
                found.append(read_rows(place))
        except UserError:
            continue
    return found


def column(rows: Sequence[Row], name: str) -> tuple[Floats, Floats]:
    """Epochs and values [epochs] of one figure."""
    pairs = np.array([(row["epoch"], row[name]) for row in rows if name in row], dtype=np.float64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


class RunCurves(QWidget):
    """Draws the figure by which the rows are judged. Rows of two tasks are never drawn into the same axes."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(HEIGHT)
        self._theme = theme
        self.plots: dict[bool, CurvePlot] = {}
        """Made when a row first needs them: they take as long as all the rest of the window."""
        self._of_shares = True
        QVBoxLayout(self).setContentsMargins(0, 0, 0, 0)

    @property
    def plot(self) -> CurvePlot:
        """The plot of shares, or of other figures, whichever the rows have."""
        made = self.plots.get(self._of_shares)
        return made or self._make(self._of_shares)

    def _make(self, of_shares: bool) -> CurvePlot:
        words = tick_shares if of_shares else tick_numbers
        made = CurvePlot(self._theme, SERIES, format_ticks=words, limits=(0.0, 1.0 if of_shares else None))
        made.setAccessibleName("Validation curves of the chosen runs")
        layout = self.layout()
        assert layout is not None
        layout.addWidget(made)
        self.plots[of_shares] = made
        return made

    def show_runs(self, runs: Sequence[ListedRun]) -> None:
        """Draw these rows; a second one of another task is left out."""
        first = runs[0]
        drawn = [run for run in runs if run.task == first.task and run.figure == first.figure]
        self._of_shares = first.figure == "accuracy"
        self.plot.clear()
        for plot in self.plots.values():
            plot.setVisible(plot is self.plot)
        end = 1.0
        with self.plot.together():
            for number, run in enumerate(drawn):
                end = max(end, self._draw(number, run))
        self.plot.set_x_end(end)
        self.plot.set_message("" if self.plot.points("line_0") is not None else "No epoch was trained to its end.")

    def _draw(self, number: int, run: ListedRun) -> float:
        means, deviations = mean_rows(histories_of(run))
        name = f"val_{run.figure}"
        x, y = column(means, name)
        if not len(x):
            x, y = column(means, run.figure)
            name = run.figure
        if not len(x):
            return 1.0
        self.plot.set_curve(f"line_{number}", x, y)
        epochs, spread = column(deviations, name)
        if len(epochs) > 1:
            middle = y[np.isin(x, epochs)]
            highest = 1.0 if run.figure == "accuracy" else None
            limits = kept_limits(float(y.min()), float(y.max()), (0.0, highest))
            low, high = (np.clip(middle + side * spread, *limits) for side in (-1, 1))
            self.plot.set_curve(
                f"band_{number}", np.concatenate((epochs, epochs[::-1])), np.concatenate((high, low[::-1]))
            )
        return float(x[-1])
