"""A scroll area as high as its content, which scrolls only if necessary."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QWidget


class FitScroll(QScrollArea):
    """As high as its content, up to `limit`; larger content, or content with less room, is scrolled."""

    def __init__(self, content: QWidget, *, limit: int = 16_777_215, smallest: int = 60) -> None:
        super().__init__()
        self._content = content
        self._limit = limit
        self._smallest = smallest
        self._heights: dict[int, int] = {}
        """Width → height of the content. Layouts ask dozens of times before anything in it has changed."""
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        content.setProperty("role", "clear")
        content.installEventFilter(self)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def set_limit(self, limit: int) -> None:
        if limit != self._limit:
            self._limit = limit
            self.updateGeometry()

    def content_height(self, width: int | None = None) -> int:
        """The height of the content at the present width."""
        content = self._content
        width = self.viewport().width() if width is None else width
        if width not in self._heights:
            high = content.heightForWidth(width) if content.hasHeightForWidth() else -1
            high = max(high, content.minimumSizeHint().height()) if high >= 0 else content.sizeHint().height()
            self._heights[width] = high
        return self._heights[width]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._content and event.type() == QEvent.Type.LayoutRequest:
            self._heights.clear()
            self.updateGeometry()
            self._show_bar_if_needed()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._show_bar_if_needed()
        super().resizeEvent(event)

    def _show_bar_if_needed(self) -> None:
        """Decide without the bar: its width makes the content narrower and higher, so that it could be needed only
        because it is there.
        """
        fits = self.content_height(self.width()) <= self.height()
        policy = Qt.ScrollBarPolicy.ScrollBarAlwaysOff if fits else Qt.ScrollBarPolicy.ScrollBarAsNeeded
        if policy != self.verticalScrollBarPolicy():
            self.setVerticalScrollBarPolicy(policy)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return min(self.content_height(width), self._limit)

    def sizeHint(self) -> QSize:
        return QSize(self._content.sizeHint().width(), min(self.content_height(), self._limit))

    def minimumSizeHint(self) -> QSize:
        return QSize(40, min(self.content_height(), self._smallest, self._limit))
