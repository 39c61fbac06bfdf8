"""The menu of a plot: smoothing, scale, displayed curves, and export."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSlider, QWidget, QWidgetAction

from dnnstudio.core.text import NBSP
from dnnstudio.gui.theme import Role, set_reason
from dnnstudio.gui.widgets import label

SMOOTHINGS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Epochs that a smoothed line looks back over, by the slider's place; from one epoch on means an epoch are smoothed
too, as they have been means over an epoch already."""
MOST_BY_ITSELF = 0.5
SHARE_BY_ITSELF = 0.02

FileKind = Literal["png", "svg", "csv"]
FILES: tuple[tuple[FileKind, str, str], ...] = (
    ("png", "Save as picture (PNG)…", "A picture twice as fine as on the screen."),
    ("svg", "Save as drawing (SVG)…", "Lines and words that can be scaled and edited."),
    ("csv", "Save the values (CSV)…", "The values of every curve, one a line, as they were measured."),
)


def usual_smoothing(epochs: float) -> float:
    """The default smoothing: a fiftieth of the plan, and never over per-epoch means."""
    wanted = min(SHARE_BY_ITSELF * epochs, MOST_BY_ITSELF)
    return max((over for over in SMOOTHINGS[1:] if over <= wanted + 1e-9), default=SMOOTHINGS[1])


class SmoothingRow(QWidget):
    """A slider with its value. `chosen` carries the number of epochs to smooth over."""

    chosen = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 12, 6)
        row.setSpacing(8)
        words = label("Smoothing", Role.SMALL)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("smoothing")
        self.slider.setAccessibleName("Smoothing")
        self.slider.setToolTip("Over how many epochs the bold line is a mean; the raw line stays under it.")
        self.slider.setRange(0, len(SMOOTHINGS) - 1)
        self.slider.setPageStep(2)
        self.slider.setFixedWidth(110)
        self._value = label("", Role.SMALL)
        self._value.setFixedWidth(self._value.fontMetrics().horizontalAdvance("0.02 epochs") + 4)
        words.setBuddy(self.slider)
        for widget in (words, self.slider, self._value):
            row.addWidget(widget)
        self.slider.valueChanged.connect(self._on_moved)
        self.set_value(SMOOTHINGS[1])

    def set_value(self, over: float) -> None:
        """Set the slider to this many epochs."""
        place = min(range(len(SMOOTHINGS)), key=lambda n: abs(SMOOTHINGS[n] - over))
        blocked = self.slider.blockSignals(True)
        self.slider.setValue(place)
        self.slider.blockSignals(blocked)
        self._say(SMOOTHINGS[place])

    def _say(self, over: float) -> None:
        unit = "epoch" if over == 1 else "epochs"
        self._value.setText("off" if not over else f"{over:g}{NBSP}{unit}")

    def _on_moved(self, place: int) -> None:
        self._say(SMOOTHINGS[place])
        self.chosen.emit(SMOOTHINGS[place])


class PlotMenu(QMenu):
    """Requests about one plot; the constructor decides which are offered."""

    smoothing_chosen = Signal(float)
    log_chosen = Signal(bool)
    clean_chosen = Signal(bool)
    file_wished = Signal(str)
    copy_wished = Signal()

    def __init__(self, parent: QWidget, *, smooths: bool, logarithmic: bool, clean: str = "") -> None:
        """`clean` is the label of the curve without dropout; "" if there is none."""
        super().__init__(parent)
        self.setObjectName("plot_menu")
        self.setToolTipsVisible(True)
        self.smoothing: SmoothingRow | None = None
        if smooths:
            self.smoothing = SmoothingRow()
            self.smoothing.chosen.connect(self.smoothing_chosen)
            action = QWidgetAction(self)
            action.setDefaultWidget(self.smoothing)
            self.addAction(action)
        self.log = self._switch("plot_log", "Logarithmic scale", "Equal ratios are equal distances.")
        self.log.toggled.connect(self.log_chosen)
        self.log.setVisible(logarithmic)
        self.clean = self._switch(
            "plot_clean", clean, "The training rows measured again after each epoch, dropout off."
        )
        self.clean.setChecked(True)
        self.clean.toggled.connect(self.clean_chosen)
        self.clean.setVisible(bool(clean))
        if smooths or logarithmic or clean:
            self.addSeparator()
        copy = QAction("Copy the picture", self)
        copy.setObjectName("plot_copy")
        copy.setToolTip("Put the plot on the clipboard, as it is shown.")
        copy.triggered.connect(self.copy_wished)
        self.addAction(copy)
        for kind, text, help in FILES:
            saving = QAction(text, self)
            saving.setObjectName(f"plot_{kind}")
            saving.setToolTip(help)
            saving.triggered.connect(lambda _=False, kind=kind: self.file_wished.emit(kind))
            self.addAction(saving)

    def _switch(self, name: str, text: str, help: str) -> QAction:
        action = QAction(text, self)
        action.setObjectName(name)
        action.setCheckable(True)
        action.setToolTip(help)
        self.addAction(action)
        return action

    def set_clean(self, shown: bool, *, known: bool) -> None:
        """Whether the curve without dropout is shown, and whether it exists."""
        blocked = self.clean.blockSignals(True)
        self.clean.setChecked(shown)
        self.clean.blockSignals(blocked)
        set_reason(self.clean, "" if known else "The run was not measured that way.")
