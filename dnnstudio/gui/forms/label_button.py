"""A form label that opens a menu. It wraps like the other labels, which Qt's buttons cannot."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from dnnstudio.gui.theme import Theme, icons

_CARET = 10
_GAP = 3
_FLAGS = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap


class LabelButton(QPushButton):
    """Text and a small caret, styled like a form label."""

    def __init__(self, theme: Theme, text: str, *, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._theme = theme
        self.setAutoDefault(False)
        self.setFlat(True)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def height_for(self, width: int) -> int:
        """The height of the text at a width."""
        room = QRect(0, 0, max(width - _CARET - _GAP, 8), 1000)
        return max(self._metrics().boundingRect(room, int(_FLAGS), self.text()).height(), 20)

    def sizeHint(self) -> QSize:
        width = self._metrics().horizontalAdvance(self.text()) + _CARET + _GAP
        return QSize(width, self.height_for(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        shift = 0
        if self.hasFocus():
            painter.setPen(QPen(color("accent"), 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)
            shift = 4
        painter.setFont(self._theme.font(12))
        painter.setPen(color("text" if self.underMouse() or self.isDown() else "text2"))
        room = self.rect().adjusted(0, 0, -_CARET - _GAP, 0)
        words = self._metrics().boundingRect(room, int(_FLAGS), self.text())
        painter.drawText(room.translated(shift, 0), int(_FLAGS), self.text())
        left = min(words.right() + _GAP + 1 + shift, self.width() - _CARET - shift // 2)
        caret = QRectF(left, (self.height() - _CARET) / 2 + 1, _CARET, _CARET)
        icons.paint(painter, caret, "caret-down", color("text3"))

    def _metrics(self) -> QFontMetrics:
        return QFontMetrics(self._theme.font(12))
