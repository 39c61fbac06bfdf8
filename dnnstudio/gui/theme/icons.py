"""Icons drawn directly from the Phosphor font file that is part of qtawesome.

Only qtawesome's font is used: importing the package reads twelve fonts and adds 0.3 s to the start; reading one glyph
of one font takes a few milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPainterPath, QPixmap, QRawFont, QTransform

PaintColor = Callable[[QIcon.Mode, QIcon.State], QColor]
"""Returns an icon's present colour; called at every paint, so that icons follow the theme."""

_FONTS = {
    "ph": ("phosphor-*.ttf", "phosphor-charmap-*.json"),
    "mdi6": ("materialdesignicons6-*.ttf", "materialdesignicons6-webfont-charmap-*.json"),
}
_ALIASES = {
    # Phosphor's lock reads as a bag at 14 px.
    "lock": "mdi6.lock",
    "lock-fill": "mdi6.lock",
    "lock-open": "mdi6.lock-open-variant-outline",
    # Names of Phosphor 2 that the bundled Phosphor 1.3 lacks.
    "grid-nine": "ph.dots-nine",
    "chart-scatter": "mdi6.chart-scatter-plot",
    "wave-sine": "ph.waves",
}
_EM = 1000.0
"""Glyphs are taken at this size and scaled down, so that they are exact at every size."""
_FILL = 0.875
"""Share of the icon's box that the font's em square takes."""


def icon(name: str, color: PaintColor | QColor | str) -> QIcon:
    """An icon in one colour, or in the colour that a function returns at every paint. Raises `KeyError` for an unknown
    name.
    """
    glyph(name)
    return QIcon(_GlyphEngine(name, _color_function(color)))


def pixmap(name: str, size: int, color: QColor | str, ratio: float = 1.0) -> QPixmap:
    """The icon as a pixmap of `size` logical pixels for a screen with this device pixel ratio."""
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    paint(painter, QRectF(picture.rect()), name, QColor(color))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def paint(painter: QPainter, rect: QRectF | QRect, name: str, color: QColor | str) -> None:
    """Draw the icon centred in `rect`, as large as its shorter side allows."""
    box = QRectF(rect)
    scale = min(box.width(), box.height()) * _FILL / _EM
    center = box.center()
    shape = QTransform.fromTranslate(center.x(), center.y()).scale(scale, scale).map(glyph(name))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillPath(shape, QColor(color))
    painter.restore()


@cache
def glyph(name: str) -> QPainterPath:
    """The icon's outline in an em square of 1000 centred on the origin. Raises `KeyError` for an unknown name."""
    family, _, key = _full_name(name).partition(".")
    if family not in _FONTS or key not in _charmap(family):
        raise KeyError(f"There is no icon named {name!r}.")
    font = _font(family)
    index = font.glyphIndexesForString(chr(int(_charmap(family)[key], 16)))[0]
    path = font.pathForGlyph(index)
    advance: QPointF = font.advancesForGlyphIndexes([index])[0]
    middle = (font.ascent() - font.descent()) / 2
    path.translate(-advance.x() / 2, middle)
    return path


def _full_name(name: str) -> str:
    full = _ALIASES.get(name, name)
    return full if "." in full else f"ph.{full}"


def _color_function(color: PaintColor | QColor | str) -> PaintColor:
    if callable(color):
        return color
    fixed = QColor(color)
    return lambda mode, state: fixed


@cache
def _folder() -> Path:
    spec = find_spec("qtawesome")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("The package qtawesome, whose icon font is used, is not installed.")
    return Path(spec.origin).parent / "fonts"


@cache
def _font(family: str) -> QRawFont:
    path = next(_folder().glob(_FONTS[family][0]))
    return QRawFont(str(path), _EM)


@cache
def _charmap(family: str) -> dict[str, str]:
    path = next(_folder().glob(_FONTS[family][1]))
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found


class _GlyphEngine(QIconEngine):
    """Paints one glyph in the colour valid at the moment of painting."""

    def __init__(self, name: str, color: PaintColor) -> None:
        super().__init__()
        self._name = name
        self._color = color

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        paint(painter, rect, self._name, self._color(mode, state))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        picture = QPixmap(size)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        self.paint(painter, picture.rect(), mode, state)
        painter.end()
        return picture

    def clone(self) -> QIconEngine:
        return _GlyphEngine(self._name, self._color)
