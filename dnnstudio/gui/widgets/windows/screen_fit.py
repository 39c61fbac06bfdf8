"""No window is larger than the screen: its content scrolls, while what stands at its foot stays in sight."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QMargins, QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLayout,
    QScrollArea,
    QSpacerItem,
    QVBoxLayout,
    QWidget,
)

from dnnstudio.gui.widgets.flow import FlowLayout

FOOT_SHARE = 3
"""What stands below the part that grows is kept in sight, as long as it takes less than one part in so many."""
BAR = 12
"""Room for the scroll bar beside the content, in px."""
ASIDE = QPoint(28, 28)
"""So far from another of its kind a window opens."""


class _Content(QWidget):
    """At least as large as `smallest` and as what its layout needs, which may grow."""

    def __init__(self, smallest: QSize) -> None:
        super().__init__()
        self._smallest = smallest
        self.setProperty("role", "clear")

    def minimumSizeHint(self) -> QSize:
        return super().minimumSizeHint().expandedTo(self._smallest)

    def heightForWidth(self, width: int) -> int:
        layout = self.layout()
        needed = layout.totalMinimumHeightForWidth(width) if layout is not None else 0
        return max(needed, self._smallest.height())


class Rolled(QScrollArea):
    """The content of a window that is larger than the screen."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self._content = content
        self.setObjectName("rolled")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setWidget(content)

    def sizeHint(self) -> QSize:
        return self._content.sizeHint() + QSize(BAR, BAR)


def available_area(window: QWidget) -> QRect:
    """The area of the screen that `window` is on, or will be shown on, less the frame that the system draws around
    windows; in logical pixels.
    """
    parent = window.parentWidget()
    known = window if window.isVisible() or parent is None else parent.window()
    inner, outer = known.geometry(), known.frameGeometry()
    frame = QMargins(
        max(inner.left() - outer.left(), 0),
        max(inner.top() - outer.top(), 0),
        max(outer.right() - inner.right(), 0),
        max(outer.bottom() - inner.bottom(), 0),
    )
    return known.screen().availableGeometry().marginsRemoved(frame)


def needed_size(window: QWidget, width: int) -> QSize:
    """What `window` needs at least, if it is as wide as `width`: what its layout asks for, or its own minimum."""
    layout = window.layout()
    if layout is None:
        return window.minimumSize()
    layout.activate()
    needed = layout.totalMinimumSize().expandedTo(window.minimumSize())
    if layout.hasHeightForWidth():
        needed.setHeight(max(needed.height(), layout.totalMinimumHeightForWidth(max(width, needed.width()))))
    return needed


def roll(layout: QBoxLayout, first: int, last: int | None = None, *, smallest: QSize) -> Rolled:
    """Put the items `first` … `last` (exclusive; None: that one alone) of `layout` into a scroll area in their place.
    Their content is at least as large as `smallest`. What has the keyboard keeps it, and Tab its order.
    """
    holder = layout.parentWidget()
    focused = None if holder is None else holder.window().focusWidget()
    order = [] if holder is None else _tab_order(holder.window())
    content = _Content(smallest)
    inner = QBoxLayout(layout.direction(), content)
    inner.setContentsMargins(0, 0, 0, 0)
    inner.setSpacing(layout.spacing())
    for _ in range(first, first + 1 if last is None else last):
        _move(layout, first, inner)
    area = Rolled(content)
    layout.insertWidget(first, area, 1)
    if focused is not None and content.isAncestorOf(focused):
        focused.setFocus(Qt.FocusReason.OtherFocusReason)  # another parent takes it
    for one in reversed(order[1:]):  # each before those that are there already: Qt passes over some moves to the end
        QWidget.setTabOrder(order[0], one)
    return area


def _tab_order(window: QWidget) -> list[QWidget]:
    """What Tab visits in `window`, in Qt's order."""
    found: list[QWidget] = []
    one = window.nextInFocusChain()
    while one is not None and one is not window:
        if one.focusPolicy() & Qt.FocusPolicy.TabFocus and one.window() is window:
            found.append(one)
        one = one.nextInFocusChain()
    return found


def _move(layout: QBoxLayout, number: int, to: QBoxLayout) -> None:
    """Take one item out of `layout` and put it at the end of `to`."""
    stretch, item = layout.stretch(number), layout.takeAt(number)
    assert item is not None
    held: QWidget | QLayout | None = item.widget() or item.layout()
    alignment = item.alignment()
    if isinstance(item, QSpacerItem):
        to.addItem(item)
        to.setStretch(to.count() - 1, stretch)
    elif isinstance(held, QWidget):
        del item  # before it gets another, else its sizes are kept for ever
        to.addWidget(held, stretch, alignment)
    elif held is not None:
        held.setParent(None)  # else the layout that takes it says that it has a parent
        to.addLayout(held, stretch)


def foot_of(layout: QBoxLayout, room: int) -> int:
    """The number of the first item at the foot: the last item, and what stands between it and the last part that grows,
    as long as that takes no more than its share of a height of `room`.
    """
    last = layout.count() - 1
    growing = [n for n in range(last) if layout.stretch(n) > 0 or isinstance(layout.itemAt(n), QSpacerItem)]
    first = growing[-1] + 1 if growing else last
    return first if _height_from(layout, first) <= room // FOOT_SHARE else last


def _height_from(layout: QBoxLayout, first: int) -> int:
    """The height that the items from number `first` on need."""
    items = [layout.itemAt(number) for number in range(first, layout.count())]
    return sum(item.minimumSize().height() + layout.spacing() for item in items if item is not None)


def _flow_foot(layout: QVBoxLayout, width: int) -> None:
    """Let the last row break into several lines, if it is a row of buttons that is wider than `width`."""
    item = layout.itemAt(layout.count() - 1)
    row = None if item is None else item.layout()
    if not isinstance(row, QHBoxLayout) or row.minimumSize().width() <= width:
        return
    lines = FlowLayout(spacing=row.spacing())
    while (taken := row.takeAt(0)) is not None:
        widget = taken.widget()
        del taken  # as in `_move`
        if widget is not None:
            lines.addWidget(widget)
    layout.removeItem(row)
    layout.addLayout(lines)


def roll_if_needed(window: QWidget, area: QRect) -> bool:
    """Have the content of `window`, whose layout is a row or a column, scroll if it needs more than `area`; whether it
    was made to.
    """
    layout = window.layout()
    if not isinstance(layout, QBoxLayout) or layout.count() == 0 or window.findChild(Rolled) is not None:
        return False
    needed = needed_size(window, min(window.width(), area.width()))
    if needed.width() <= area.width() and needed.height() <= area.height():
        return False
    last, below = layout.count(), 0
    if isinstance(layout, QVBoxLayout) and last > 1:
        last = foot_of(layout, area.height())
        below = _height_from(layout, last)
        sides = layout.contentsMargins()
        _flow_foot(layout, area.width() - sides.left() - sides.right())
    margins, smallest = layout.contentsMargins(), window.minimumSize()
    smallest -= QSize(margins.left() + margins.right(), margins.top() + margins.bottom() + below)
    roll(layout, 0, last, smallest=smallest.expandedTo(QSize(0, 0)))
    window.resize(window.width() + BAR, window.height())
    return True


def limit(window: QWidget, area: QRect) -> None:
    """Neither the window nor its own minimum is larger than `area`."""
    window.setMinimumSize(window.minimumSize().boundedTo(area.size()))
    if window.size().boundedTo(area.size()) != window.size():
        window.resize(window.size().boundedTo(area.size()))


def bring_into(window: QWidget, area: QRect) -> None:
    """Move `window` so that it lies in `area`, by as little as it takes."""
    inner = window.geometry()
    right, bottom = area.right() - inner.width() + 1, area.bottom() - inner.height() + 1
    wanted = QPoint(max(min(inner.x(), right), area.left()), max(min(inner.y(), bottom), area.top()))
    if wanted != inner.topLeft():
        frame = window.frameGeometry().topLeft() - inner.topLeft()
        window.move(wanted + frame)


def put_beside(window: QWidget, taken: Sequence[QPoint]) -> None:
    """Move `window`, which is not shown yet, beside others of its kind that lie at `taken`: the bar with the title of
    each stays in sight. Where the corner of the screen is reached, it goes on from the other one.
    """
    area = available_area(window)
    last = area.topLeft() + QPoint(area.width() - window.width(), area.height() - window.height())
    start = max(taken, key=lambda place: place.x() + place.y()) + ASIDE
    for place in (start, area.topLeft()):
        while place.x() <= last.x() and place.y() <= last.y():
            if all((place - other).manhattanLength() >= ASIDE.x() for other in taken):
                window.move(place)
                return
            place = place + ASIDE
    window.move(start)
