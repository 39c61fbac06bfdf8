"""The phases of a training as one bar, each segment as wide as the phase is long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from dnnstudio.gui.theme import Theme

HEIGHT = 20
GAP = 2
NARROWEST = 22


@dataclass(frozen=True, slots=True)
class Stretch:
    """One phase: its epochs, its label, and whether it freezes layers."""

    epochs: int
    words: str
    frozen: bool


class PhaseBar(QWidget):
    """Frozen phases are pale, the others solid. `chosen` carries the index of the phase that was clicked, or that the
    keys Left and Right went to.
    """

    chosen = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._stretches: tuple[Stretch, ...] = ()
        self._current = -1
        self.setObjectName("phase_bar")
        self.setFixedHeight(HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def stretches(self) -> Sequence[Stretch]:
        return self._stretches

    def show_stretches(self, stretches: Sequence[Stretch], current: int) -> None:
        """Show phases; `current` is the one whose frozen layers are displayed (−1 for none)."""
        self._stretches, self._current = tuple(stretches), current
        self.setAccessibleName("; ".join(stretch.words for stretch in stretches))
        self.setToolTip(self.accessibleName())
        self.update()

    def boxes(self) -> list[QRectF]:
        """The rectangles of the phases, left to right."""
        count = len(self._stretches)
        if not count:
            return []
        room = self.width() - GAP * (count - 1)
        least = min(NARROWEST, room / count)
        spare, epochs = room - least * count, sum(stretch.epochs for stretch in self._stretches)
        found, x = [], 0.0
        for stretch in self._stretches:
            wide = least + spare * stretch.epochs / epochs
            found.append(QRectF(x, 0, wide, HEIGHT))
            x += wide + GAP
        return found

    def sizeHint(self) -> QSize:
        return QSize(200, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        painter.setFont(self._theme.font(11, QFont.Weight.DemiBold))
        for number, (stretch, box) in enumerate(zip(self._stretches, self.boxes(), strict=True)):
            painter.setPen(QPen(color("accent_line" if stretch.frozen else "accent_fill"), 1))
            painter.setBrush(color("accent_soft" if stretch.frozen else "accent_fill"))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
            painter.setPen(color("accent" if stretch.frozen else "on_accent"))
            metrics = painter.fontMetrics()
            words = next(
                (text for text in (stretch.words, f"{number + 1} · {stretch.epochs}", f"{number + 1}")
                 if metrics.horizontalAdvance(text) <= box.width() - 8),
                "",
            )  # fmt: skip
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
            if self.hasFocus() and number == max(self._current, 0):
                painter.setPen(QPen(color("text"), 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(box.adjusted(2.5, 2.5, -2.5, -2.5), 3, 3)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        number = self._current + step
        if step and 0 <= number < len(self._stretches):
            self.chosen.emit(number)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        for number, box in enumerate(self.boxes()):
            if box.contains(event.position()) and event.button() == Qt.MouseButton.LeftButton:
                self.chosen.emit(number)
