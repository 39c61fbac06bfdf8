"""Text that a widget paints by itself: what does not fit ends in "…", and a tooltip there tells the whole."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractItemView, QAbstractScrollArea, QHeaderView, QToolTip, QWidget

RIGHT = Qt.TextElideMode.ElideRight


def fitted(
    painter: QPainter, text: str, area: QRect | QRectF, on: QWidget | None = None, mode: Qt.TextElideMode = RIGHT
) -> str:
    """`text` as it fits the width of `area` in the painter's font. What is elided is told in full by a tooltip over
    `area` of the widget that is painted: `on`, or its viewport if it is a view; None: the painter's own.
    """
    shown = painter.fontMetrics().elidedText(text, mode, max(int(area.width()), 0))
    if shown != text:
        tell_whole(painter, text, area, on)
    return shown


def tell_whole(painter: QPainter, text: str, area: QRect | QRectF, on: QWidget | None = None) -> None:
    """A tooltip over `area` tells `text`, until the widget that is painted paints that place again."""
    widget = on.viewport() if isinstance(on, QAbstractScrollArea) else on or painter.device()
    if isinstance(widget, QWidget):
        tips = widget.findChild(WholeTexts, options=Qt.FindChildOption.FindDirectChildrenOnly) or WholeTexts(widget)
        tips.note(painter.worldTransform().mapRect(QRectF(area)).toAlignedRect(), text)


class WholeTexts(QObject):
    """The elided texts of one widget by place; shows them above the tooltip that the place has anyway."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._texts: list[tuple[QRect, str]] = []
        widget.installEventFilter(self)

    def note(self, area: QRect, text: str) -> None:
        self._texts.append((area, text))

    def at(self, place: QPoint) -> str:
        """The whole text at `place`; "" where nothing is elided."""
        return next((text for area, text in reversed(self._texts) if area.contains(place)), "")

    def _tip_at(self, place: QPoint) -> str:
        view = self._widget.parentWidget()
        if isinstance(view, QAbstractItemView) and not isinstance(view, QHeaderView):
            return str(view.indexAt(place).data(Qt.ItemDataRole.ToolTipRole) or "")
        return self._widget.toolTip()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            again = event.rect()
            self._texts = [(area, text) for area, text in self._texts if not area.intersects(again)]
        elif isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            whole, also = self.at(event.pos()), self._tip_at(event.pos())
            if whole:
                told = also if whole in also else "\n".join(part for part in (whole, also) if part)
                QToolTip.showText(event.globalPos(), told, self._widget)
                return True
        return super().eventFilter(watched, event)
