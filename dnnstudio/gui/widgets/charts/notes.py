"""Where the words beside a point of a chart stand: within it, and over no other point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QPointF, QRectF, QSizeF

EDGE = 2.0
"""Pixels between the words and the chart's edge."""
CLOUD = 500
"""More dots than this are a cloud."""


def place_note(at: QPointF, words: QSizeF, beside: float, side: str, within: QRectF, dots: Sequence[QRectF]) -> QRectF:
    """The rectangle of a note's words, in pixels.

    It stands at `side` ("right" or "left") of the point `at`, `beside` pixels from it, or on the other side, below or
    above it, where the first is the place that lies `within` and covers none of the `dots`. Without such a place it is
    the first that lies within, and else the first, moved inside.
    """
    places = list(_places(at, words, beside, side))
    inside = [place for place in places if within.contains(place)]
    free = [place for place in inside if not any(place.intersects(dot) for dot in dots)]
    return next(iter(free or inside), _moved_inside(places[0], within))


def boxes_of(places: Iterable[QPointF], size: float, count: int) -> list[QRectF]:
    """The squares around `count` dots of that radius, in pixels; none of a cloud, which words cannot keep clear of."""
    if count > CLOUD:
        return []
    return [QRectF(at.x() - size, at.y() - size, 2 * size, 2 * size) for at in places]


def _places(at: QPointF, words: QSizeF, beside: float, side: str) -> Iterable[QRectF]:
    across, down = words.width(), words.height()
    right = QRectF(at.x() + beside, at.y() - down / 2, across, down)
    left = QRectF(at.x() - beside - across, at.y() - down / 2, across, down)
    yield from (right, left) if side == "right" else (left, right)
    for top in (at.y() + beside, at.y() - beside - down):
        for start in (at.x() - across / 2, at.x() - across, at.x()):
            yield QRectF(start, top, across, down)


def _moved_inside(place: QRectF, within: QRectF) -> QRectF:
    left = min(max(place.left(), within.left() + EDGE), within.right() - place.width() - EDGE)
    return QRectF(QPointF(left, place.top()), place.size())
