"""How each curve of a plot is drawn: its colour, its pen, and what lies over what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from dnnstudio.gui.theme import Tokens

LineStyle = Literal["epochs", "batches", "smooth", "faint", "clean", "dotted", "line", "other", "other_faint", "star"]
"""Means with a mark an epoch; the faint trace of every batch, and the smoothed one over it; epochs as they were under
their smoothed line; measured another way; not yet happened; plain; another run, and its training; a single mark."""

DASHES: dict[str, list[float]] = {"dotted": [2, 3], "clean": [5, 4]}
WIDTHS: dict[str, float] = {
    "epochs": 2, "batches": 1, "smooth": 1, "faint": 1, "clean": 1.2, "dotted": 1.4, "line": 2,
    "other": 1.6, "other_faint": 1, "star": 1,
}  # fmt: skip
ALPHAS: dict[str, int] = {"batches": 70, "smooth": 255, "faint": 100, "other_faint": 120}
LAYERS: dict[str, int] = {
    "batches": 0, "faint": 1, "other_faint": 1, "other": 2, "dotted": 2, "smooth": 3, "clean": 4, "line": 5,
    "epochs": 6, "star": 8,
}  # fmt: skip
"""What lies over what: runs of before are under the one that is shown."""


@dataclass(frozen=True, slots=True)
class Series:
    """One curve: its key, its words in the legend, the token of its colour and how it is drawn."""

    key: str
    label: str
    color: str
    style: LineStyle


def color_of(token: str, tokens: Tokens) -> QColor:
    """The colour that a token names: "train", or "series_2" for the third of the series."""
    if token.startswith("series_"):
        return QColor(tokens.series[int(token.removeprefix("series_"))])
    return QColor(getattr(tokens, token))


def pen_for(series: Series, tokens: Tokens) -> QPen:
    """The pen of a curve. Widths are in pixels, whatever the axes' scales."""
    color = color_of(series.color, tokens)
    color.setAlpha(ALPHAS.get(series.style, 255))
    pen = QPen(color, WIDTHS[series.style])
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap if series.style in DASHES else Qt.PenCapStyle.RoundCap)
    if series.style in DASHES:
        pen.setDashPattern([length / WIDTHS[series.style] for length in DASHES[series.style]])
    return pen
