"""How each curve is drawn: colour, pen, and stacking order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor, QPen

from dnnstudio.gui.theme import Tokens
from dnnstudio.gui.widgets.charts.legend import DASHES, SEVERAL, Mark
from dnnstudio.gui.widgets.charts.legend import LineStyle as Look

LineStyle = Literal[
    "epochs", "batches", "smooth", "faint", "clean", "dotted", "line", "other", "other_faint", "star", "band"
]
"""Means with a mark an epoch; the faint trace of every batch, and the smoothed one over it; epochs as they were under
their smoothed line; measured another way; not yet happened; plain; another run, and its training; a single mark; an
area without an edge, whose points go along its upper side and back along its lower one."""

WIDTHS: dict[str, float] = {
    "epochs": 2, "batches": 1, "smooth": 1, "faint": 1, "clean": 1.2, "dotted": 1.4, "line": 2,
    "other": 1.6, "other_faint": 1, "star": 1, "band": 0,
}  # fmt: skip
ALPHAS: dict[str, int] = {"batches": 70, "smooth": 255, "faint": 100, "other_faint": 120, "band": 62}
LAYERS: dict[str, int] = {
    "band": -1, "batches": 0, "faint": 1, "other_faint": 1, "other": 2, "dotted": 2, "smooth": 3, "clean": 4, "line": 5,
    "epochs": 6, "star": 8,
}  # fmt: skip
"""Stacking order: earlier runs are below the displayed one."""
OTHERS = ("other", "other_faint")
IN_LEGEND: dict[str, Look] = {"clean": "dashed", "dotted": "dotted", "star": "star", "batches": "thin"}


@dataclass(frozen=True, slots=True)
class Series:
    """One curve: its key, its legend text, its colour token and its line style."""

    key: str
    label: str
    color: str
    style: LineStyle
    number: int = 0
    """The how manieth of the curves of this style: their dashes differ where colours do not."""

    @property
    def mark(self) -> Mark:
        """The shape of its marks, which tells training and validation apart where colours do not."""
        if self.style not in ("epochs", "star"):
            return ""
        return "star" if self.style == "star" else "square" if self.color == "validation" else "round"

    @property
    def in_legend(self) -> Look:
        """How its line looks in a legend."""
        return SEVERAL[self.number % len(SEVERAL)] if self.style in OTHERS else IN_LEGEND.get(self.style, "solid")


def color_of(token: str, tokens: Tokens) -> QColor:
    """The colour of a token: "train", or "series_2" for the third of the series."""
    if token.startswith("series_"):
        return QColor(tokens.series[int(token.removeprefix("series_"))])
    return QColor(getattr(tokens, token))


def brush_for(series: Series, tokens: Tokens) -> QBrush:
    """The filling of an area."""
    color = color_of(series.color, tokens)
    color.setAlpha(ALPHAS[series.style])
    return QBrush(color)


def pen_for(series: Series, tokens: Tokens) -> QPen:
    """The pen of a curve. Widths are in pixels, independent of the axes' scales."""
    color = color_of(series.color, tokens)
    color.setAlpha(ALPHAS.get(series.style, 255))
    pen = QPen(color, WIDTHS[series.style])
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    dashes, _ = DASHES[series.in_legend]
    pen.setCapStyle(Qt.PenCapStyle.FlatCap if dashes else Qt.PenCapStyle.RoundCap)
    if dashes:
        pen.setDashPattern([length / WIDTHS[series.style] for length in dashes])
    return pen
