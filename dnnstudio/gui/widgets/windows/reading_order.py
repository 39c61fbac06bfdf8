"""The order in which Tab visits what is shown: as a person reads it, whenever it was made.

Qt's own chain is the order of making, so a form that is made anew for each layer would come after everything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QScrollArea, QWidget


def stops(panels: Sequence[QWidget]) -> list[QWidget]:
    """The visible widgets that Tab may come to, panel by panel and in each by lines from the top."""
    inside: dict[QWidget, list[QWidget]] = {}
    every = (one for panel in panels for one in panel.findChildren(QWidget) if one.window() is panel.window())
    for stop in filter(_is_stop, every):
        below, above = stop, stop.parentWidget()
        while above is not None and below not in panels:
            beside = inside.setdefault(above, [])
            if below in beside:
                break
            beside.append(below)
            below, above = above, above.parentWidget()
    return [stop for panel in panels for stop in _below(panel, inside)]


def step(panels: Sequence[QWidget], at: QWidget | None, *, forward: bool) -> bool:
    """Focus the stop after (or before) `at`, and scroll to it. False, if `at` is in none of the panels.

    From what is no stop any more, as a cure that has been pressed and is gone, it is the nearest one beside it.
    """
    ring = stops(panels)
    to = _beside(ring, at, forward=forward) if ring and at is not None else None
    if to is None:
        return False
    to.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
    above = to.parentWidget()
    while above is not None:
        if isinstance(above, QScrollArea):
            above.ensureWidgetVisible(to)
        above = above.parentWidget()
    return True


def _beside(ring: list[QWidget], at: QWidget, *, forward: bool) -> QWidget | None:
    above: QWidget | None = at
    while above is not None and not above.isWindow():
        if above in ring:
            return ring[(ring.index(above) + (1 if forward else -1)) % len(ring)]
        if near := [stop for stop in ring if above.isAncestorOf(stop)]:
            return _nearest(near, at, above, forward=forward)
        above = above.parentWidget()
    return None


def _nearest(near: list[QWidget], at: QWidget, above: QWidget, *, forward: bool) -> QWidget:
    """The first of `near` behind the place of `at` in `above` (or the last before it); else the one at the end."""

    here = QRect(at.mapTo(above, QPoint()), at.size())

    def behind(stop: QWidget) -> bool:
        there = QRect(stop.mapTo(above, QPoint()), stop.size())
        beside = there.top() <= here.center().y() <= there.bottom() or here.top() <= there.center().y() <= here.bottom()
        return there.x() > here.x() if beside else there.y() > here.y()

    if forward:
        return next((stop for stop in near if behind(stop)), near[-1])
    return next((stop for stop in reversed(near) if not behind(stop)), near[0])


def _is_stop(widget: QWidget) -> bool:
    may = widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.focusProxy() is None
    return bool(may) and widget.isVisible() and widget.isEnabled()


def _below(widget: QWidget, inside: dict[QWidget, list[QWidget]]) -> Iterator[QWidget]:
    if _is_stop(widget):
        yield widget
    for child in _by_lines(inside.get(widget, [])):
        yield from _below(child, inside)


def _by_lines(children: list[QWidget]) -> list[QWidget]:
    """From the top; those of one line from the left: whose middle is above the foot of the line's first."""
    lines: list[list[QWidget]] = []
    for child in sorted(children, key=lambda one: one.y()):
        if lines and child.geometry().center().y() <= lines[-1][0].geometry().bottom():
            lines[-1].append(child)
        else:
            lines.append([child])
    return [child for line in lines for child in sorted(line, key=lambda one: one.x())]
