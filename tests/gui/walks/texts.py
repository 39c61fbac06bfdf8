"""Every text that a window paints, as it reaches the screen: where it lies, and what cuts it.

A paint engine that draws nothing notes each piece of text with the widget that paints it and the clip that holds then,
so that labels, cells, heads, tabs, axes and whatever a widget paints by itself are measured alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QPaintDevice, QPaintEngine, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractScrollArea,
    QApplication,
    QGraphicsView,
    QHeaderView,
    QLabel,
    QWidget,
)
from shiboken6 import getCppPointer

from dnnstudio.gui.widgets.fitted_text import WholeTexts

SLACK = 1.6
"""Pixels that a letter may stand out of what holds it: the advance of a text is wider than its ink."""


@dataclass(frozen=True)
class Painted:
    """A text, the widget that painted it, its rectangle, and what of that is left by the clip, in its coordinates."""

    text: str
    widget: QWidget
    rect: QRectF
    clip: QRectF | None


class _Noting(QPaintEngine):
    def __init__(self, note: Any) -> None:
        super().__init__(QPaintEngine.PaintEngineFeature.AllFeatures)
        self._note = note

    def begin(self, device: QPaintDevice) -> bool:
        return True

    def end(self) -> bool:
        return True

    def type(self) -> QPaintEngine.Type:
        return QPaintEngine.Type.User

    def updateState(self, state: Any) -> None: ...

    def drawPixmap(self, *_: Any) -> None: ...

    def drawImage(self, *_: Any) -> None: ...

    def drawTiledPixmap(self, *_: Any) -> None: ...

    def drawPolygon(self, *_: Any) -> None: ...

    def drawPath(self, *_: Any) -> None: ...

    def drawRects(self, *_: Any) -> None: ...

    def drawLines(self, *_: Any) -> None: ...

    def drawEllipse(self, *_: Any) -> None: ...

    def drawPoints(self, *_: Any) -> None: ...

    def drawTextItem(self, at: Any, item: Any) -> None:
        painter = self.painter()
        rect = QRectF(at.x(), at.y() - item.ascent(), item.width(), item.ascent() + item.descent())
        shift = painter.worldTransform()
        clip = shift.mapRect(painter.clipBoundingRect()) if painter.hasClipping() else None
        self._note(item.text(), shift.mapRect(rect), clip)


class _Paper(QPaintDevice):
    """As large as the window, at one device pixel a pixel."""

    def __init__(self, size: QSize, note: Any) -> None:
        super().__init__()
        self._size = size
        self._engine = _Noting(note)

    def paintEngine(self) -> QPaintEngine:
        return self._engine

    def metric(self, what: QPaintDevice.PaintDeviceMetric) -> int:
        kind = QPaintDevice.PaintDeviceMetric
        known = {
            kind.PdmWidth: self._size.width(),
            kind.PdmHeight: self._size.height(),
            kind.PdmDpiX: 96,
            kind.PdmDpiY: 96,
            kind.PdmPhysicalDpiX: 96,
            kind.PdmPhysicalDpiY: 96,
            kind.PdmDevicePixelRatio: 1,
            kind.PdmDepth: 32,
            kind.PdmNumColors: 2**24,
            kind.PdmWidthMM: self._size.width() // 4,
            kind.PdmHeightMM: self._size.height() // 4,
        }
        if what == kind.PdmDevicePixelRatioScaled:
            return 65536
        if what in (kind.PdmDevicePixelRatioF_EncodedA, kind.PdmDevicePixelRatioF_EncodedB):
            return int(np.array([1.0]).view(np.int32)[int(what.value) & 1])
        return known.get(what, 0)


class _Painting(QObject):
    """Which widget is painting. An event filter is handed wrappers that hold no longer than the call: the known ones
    are found by address.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__()
        self._known = {getCppPointer(one)[0]: one for one in [window, *window.findChildren(QWidget)]}
        self.widget: QWidget | None = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.widget = self._known.get(getCppPointer(watched)[0])
        return False


def painted_texts(window: QWidget) -> list[Painted]:
    """The texts that `window` and all within it paint."""
    found: list[Painted] = []
    painting = _Painting(window)

    def note(text: str, rect: QRectF, clip: QRectF | None) -> None:
        if painting.widget is not None and text.strip():
            found.append(Painted(text, painting.widget, rect, clip))

    paper = _Paper(window.size(), note)
    app = QApplication.instance()
    assert app is not None
    app.installEventFilter(painting)
    painter = QPainter(paper)
    try:
        window.render(painter, QPoint(0, 0))
    finally:
        painter.end()
        app.removeEventFilter(painting)
    return found


def _holders(widget: QWidget, window: QWidget) -> Iterator[tuple[QWidget, QRectF]]:
    """The widget and what it lies in, up to the window or to what scrolls it, in the widget's coordinates."""
    above: QWidget | None = widget
    while above is not None:
        yield above, QRectF(QPoint(0, 0) if above is widget else widget.mapFrom(above, QPoint(0, 0)), above.size())
        if above is window or _is_viewport(above) or _is_viewport(above.parentWidget()):
            return
        above = above.parentWidget()


def _is_viewport(widget: QWidget | None) -> bool:
    view = None if widget is None else widget.parentWidget()
    return isinstance(view, QAbstractScrollArea) and view.viewport() is widget


def _scrolled(widget: QWidget) -> bool:
    """Whether `widget` is what a person sees of a larger content."""
    return _is_viewport(widget) and not isinstance(widget.parentWidget(), QGraphicsView)


def _elided_without_word(one: Painted) -> bool:
    """Whether a text is elided and nothing tells the whole."""
    if not one.text.endswith("…"):
        return False
    view = one.widget.parentWidget()
    if isinstance(view, QAbstractItemView) and view.viewport() is one.widget:
        if isinstance(view, QHeaderView):
            return False
        index = view.indexAt(one.rect.center().toPoint())
        if index.data(Qt.ItemDataRole.DisplayRole) == one.text or index.data(Qt.ItemDataRole.ToolTipRole):
            return False
    tips = one.widget.findChild(WholeTexts, options=Qt.FindChildOption.FindDirectChildrenOnly)
    if tips is not None and tips.at(one.rect.center().toPoint()):
        return False
    own = [
        getattr(holder, name)()
        for holder in (one.widget, view)
        for name in ("text", "currentText", "placeholderText", "toPlainText")
        if hasattr(holder, name)
    ]
    return not any(one.text in text for text in own) and not one.widget.toolTip()


def cut_texts(window: QWidget) -> Iterator[str]:
    """Texts that are cut without … or elided without a tooltip.

    Of a label that wraps, lines without room are not painted at all.
    """
    for label in window.findChildren(QLabel):
        if label.isVisible() and label.wordWrap() and label.height() + SLACK < label.heightForWidth(label.width()):
            needed = label.heightForWidth(label.width())
            yield f"{label.text()!r} wraps to {needed} px and has {label.height()}"
    for one in painted_texts(window):
        what = f"{one.text!r} in {type(one.widget).__name__} {one.widget.objectName()!r}"
        if _elided_without_word(one):
            yield f"{what} is elided, and nothing tells the whole"
        if one.clip is not None and not _holds(_less_scrolling(one), one.rect):
            yield f"{what} at {_short(one.rect)} is cut by {_short(one.clip)}"
            continue
        if _scrolled(one.widget):
            continue
        for above, place in _holders(one.widget, window):
            if not _holds(place, one.rect):
                holder = f"{type(above).__name__} {above.objectName()!r}"
                yield f"{what} at {_short(one.rect)} stands out of {holder} {_short(place)}"
                break


def texts_on_each_other(window: QWidget) -> Iterator[str]:
    """Two texts that one widget paints in the same place. What is painted twice alike is one."""
    painted: dict[QWidget, dict[tuple[str, float, float], QRectF]] = {}
    for one in painted_texts(window):
        rect = one.rect if one.clip is None else one.rect.intersected(one.clip)
        high = one.rect.height() / 4
        letters = rect.intersected(one.rect.adjusted(0, high, 0, -high))
        painted.setdefault(one.widget, {})[one.text, round(rect.x()), round(rect.y())] = letters
    for widget, found in painted.items():
        for (first, place), (second, other) in combinations(found.items(), 2):
            both = place.intersected(other)
            if min(both.width(), both.height()) > SLACK:
                yield f"{first[0]!r} and {second[0]!r} in {type(widget).__name__} {widget.objectName()!r}"


def _less_scrolling(one: Painted) -> QRectF:
    """The clip of a text, without the edges over which a person can scroll: of its own view and of those around."""
    assert one.clip is not None
    clip, far = QRectF(one.clip), 1e6
    around: QWidget | None = one.widget
    while around is not None and around is not one.widget.window():
        if _scrolled(around):
            seen = QRectF(one.widget.mapFrom(around, QPoint(0, 0)), around.size())
            if clip.left() <= seen.left() + 1:
                clip.setLeft(-far)
            if clip.top() <= seen.top() + 1:
                clip.setTop(-far)
            if clip.right() >= seen.right() - 1:
                clip.setRight(far)
            if clip.bottom() >= seen.bottom() - 1:
                clip.setBottom(far)
        around = around.parentWidget()
    return clip


def _holds(place: QRectF, rect: QRectF) -> bool:
    """Whether `rect` is in `place`. Its height counts by the letters, which a line's height exceeds."""
    high = rect.height() / 4
    return place.adjusted(-SLACK, -SLACK, SLACK, SLACK).contains(rect.adjusted(0, high, 0, -high))


def _short(rect: QRectF) -> str:
    return f"({rect.x():.0f}, {rect.y():.0f}, {rect.width():.0f} × {rect.height():.0f})"
