"""The confusion matrix as a painted grid with hover, keyboard navigation, and cells that can be opened."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from dnnstudio.gui.theme import CONTRAST, Theme
from dnnstudio.gui.widgets.fitted_text import fitted

LEFT, TOP, RIGHT = 84.0, 72.0, 28.0
"""Room for the names; those on top lean over to the right."""


DARK_INK, LIGHT_INK = QColor("#1A1D26"), QColor("#FFFFFF")
NEEDED, NEEDED_HIGH = 4.6, 7.1
"""The contrast that a number must have, in the usual themes and in that of high contrast: 4.5 and 7 as painted."""


def readable_ink(tone: QColor, ground: QColor) -> tuple[QColor, float]:
    """The text colour with more contrast on `tone` painted over `ground`, as Qt blends them in sRGB; and that contrast,
    from 1 to 21.
    """
    share = tone.alphaF()
    pairs = ((tone.redF(), ground.redF()), (tone.greenF(), ground.greenF()), (tone.blueF(), ground.blueF()))
    mixed = QColor.fromRgbF(*(share * above + (1 - share) * below for above, below in pairs))
    return max(((ink, contrast(ink, mixed)) for ink in (DARK_INK, LIGHT_INK)), key=lambda found: found[1])


def contrast(one: QColor, other: QColor) -> float:
    """The contrast of two colours, from 1 to 21: (L1 + 0.05) / (L2 + 0.05) of their relative luminances (WCAG 2.2)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: QColor) -> float:
    parts = (color.redF(), color.greenF(), color.blueF())
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


class ConfusionMatrix(QWidget):
    """Rows are labels, columns predictions. `opened(label, said)` on a click or Return on a cell."""

    opened = Signal(int, int)

    def __init__(self, theme: Theme, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("confusion_matrix")
        self.setAccessibleName("Confusion matrix: rows are labels, columns what was said")
        self._theme = theme
        self.counts: NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._names: tuple[str, ...] = ()
        self._cell = (0, 0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)

    def set_counts(self, counts: NDArray[np.int64], names: tuple[str, ...]) -> None:
        self.counts, self._names = counts, names
        self._cell = (min(self._cell[0], len(names) - 1), min(self._cell[1], len(names) - 1))
        side = max(len(names) * 14, 160)
        self.setMinimumSize(round(LEFT) + side, round(TOP) + side)
        self.update()

    def cell_rect(self, row: int, column: int) -> QRectF:
        """The rectangle of a cell."""
        count = max(len(self._names), 1)
        width, height = (self.width() - LEFT - RIGHT) / count, (self.height() - TOP - 2) / count
        return QRectF(LEFT + column * width, TOP + row * height, width, height)

    def _cell_at(self, x: float, y: float) -> tuple[int, int] | None:
        count = len(self._names)
        if not count or x < LEFT or y < TOP:
            return None
        first = self.cell_rect(0, 0)
        column, row = int((x - LEFT) / first.width()), int((y - TOP) / first.height())
        return (row, column) if row < count and column < count else None

    # ------------------------------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color, count = self._theme.color, len(self._names)
        painter.setFont(self._theme.font(11))
        sums = np.maximum(self.counts.sum(axis=1, keepdims=True), 1)
        shares = self.counts / sums
        for row in range(count):
            self._paint_names(painter, row)
            for column in range(count):
                box = self.cell_rect(row, column).adjusted(1, 1, -1, -1)
                share = float(shares[row, column])
                tone = color("right" if row == column else "wrong")
                # Rare mistakes must be visible beside thousands of correct predictions.
                tone.setAlpha(round(235 * min(1.0, share ** (1.0 if row == column else 0.5))))
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color("inset"))
                painter.drawRoundedRect(box, 3, 3)
                painter.setBrush(tone)
                painter.drawRoundedRect(box, 3, 3)
                number = int(self.counts[row, column])
                if number and box.width() > 22 and box.height() > 13:
                    self._paint_number(painter, box, f"{number:,}" if box.width() > 34 else f"{number}", tone)
        if count and self.hasFocus():
            painter.setPen(QPen(color("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.cell_rect(*self._cell).adjusted(1, 1, -1, -1), 4, 4)

    def _paint_number(self, painter: QPainter, box: QRectF, text: str, tone: QColor) -> None:
        """The number in a colour that can be read on the cell; on a plate where its tint is too near to both inks."""
        color = self._theme.color
        ink, found = readable_ink(tone, color("inset"))
        if found < (NEEDED_HIGH if self._theme.tokens().name == CONTRAST.name else NEEDED):
            wide = painter.fontMetrics().horizontalAdvance(text) + 6
            plate = QRectF(box.center().x() - wide / 2, box.center().y() - 7, wide, 14).intersected(box)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color("surface"))
            painter.drawRoundedRect(plate, 3, 3)
            ink = color("text")
        painter.setPen(ink)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_names(self, painter: QPainter, number: int) -> None:
        painter.setPen(self._theme.color("text2"))
        metrics = painter.fontMetrics()
        box = self.cell_rect(number, 0)
        if box.height() >= 11:
            left = QRectF(0, box.top(), LEFT - 8, box.height())
            name = fitted(painter, self._names[number], left)
            painter.drawText(left, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, name)
        box = self.cell_rect(0, number)
        if max(map(metrics.horizontalAdvance, self._names)) <= box.width() - 4:
            above = QRectF(box.left(), 0, box.width(), TOP - 6)
            place = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
            painter.drawText(above, place, self._names[number])
        elif box.width() >= 12:
            painter.save()
            painter.translate(box.center().x() + 4, TOP - 6)
            painter.rotate(-50)
            painter.drawText(0, 0, fitted(painter, self._names[number], QRectF(0, -12, 82, 16)))
            painter.restore()

    # ------------------------------------------------------------------------------------------ Qt

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self._cell_at(event.position().x(), event.position().y())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self._cell = cell
            self.update()
            self.opened.emit(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        last = len(self._names) - 1
        key = Qt.Key(event.key())
        if key in moves and last >= 0:
            down, right = moves[key]
            self._cell = (min(max(self._cell[0] + down, 0), last), min(max(self._cell[1] + right, 0), last))
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and last >= 0:
            self.opened.emit(*self._cell)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            cell = self._cell_at(event.pos().x(), event.pos().y())
            if cell is not None:
                row, column = cell
                words = f"labelled {self._names[row]}, said {self._names[column]}: {self.counts[row, column]:,}"
                QToolTip.showText(event.globalPos(), words, self)
                return True
        return super().event(event)
