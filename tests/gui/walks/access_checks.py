"""Checks of a window: names for screen readers, keys that reach every control, and text that can be read as painted.

Names are those that Qt hands to screen readers. Painted text is read from a drawing of the window as SVG, which holds
every word with its colour, whoever painted it; its ground is the most frequent colour of the same place in a picture.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

from PySide6.QtCore import QBuffer, QIODevice, QMetaMethod, QRect, QRectF, Qt
from PySide6.QtGui import QAccessible, QColor, QFont, QFontMetricsF, QImage, QTransform
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollBar,
    QTabBar,
    QTextEdit,
    QToolButton,
    QWidget,
)

from dnnstudio.gui.plots.base import CurvePlot
from dnnstudio.gui.theme import CONTRAST
from dnnstudio.gui.widgets.charts.chart import Chart, Line

CONTROLS = (
    QAbstractButton,
    QComboBox,
    QLineEdit,
    QAbstractSpinBox,
    QAbstractItemView,
    QAbstractSlider,
    QTabBar,
    QPlainTextEdit,
    QTextEdit,
)
OWN = "dnnstudio."
OF_ANOTHER_LINE = ("band", "faint", "other_faint")
"""Areas and traces that lie around a line, which tells what they are."""


def controls(window: QWidget) -> Iterator[QWidget]:
    """What a person can operate, without the parts that Qt puts into its own widgets."""
    for widget in window.findChildren(QWidget):
        inside = widget.parentWidget()
        if not widget.isVisible() or widget.window() is not window:
            continue
        if isinstance(widget, (QHeaderView, QScrollBar)) or isinstance(inside, (QComboBox, QAbstractSpinBox, QTabBar)):
            continue
        if widget.objectName().startswith("qt_") or isinstance(inside, QAbstractItemView) or _is_a_sign(widget):
            continue
        if isinstance(widget, CONTROLS) or _is_pressed(widget):
            yield widget


def painted(window: QWidget) -> Iterator[QWidget]:
    """Pictures and plots: what paints itself, is not operated, and is larger than an icon."""
    for widget in window.findChildren(QWidget):
        small = min(widget.width(), widget.height()) < 30
        if not widget.isVisible() or small or isinstance(widget, (*CONTROLS, QLabel)):
            continue
        if is_own(widget, "paintEvent") and not isinstance(widget.parentWidget(), QAbstractScrollArea):
            yield widget


def _is_a_sign(widget: QWidget) -> bool:
    """Whether a button of the program only shows something: nobody listens to it, and it cannot be pressed."""
    if not isinstance(widget, QAbstractButton) or not is_own(widget, "paintEvent"):
        return False
    heard = widget.isSignalConnected(QMetaMethod.fromSignal(widget.clicked))
    return not heard and not widget.isCheckable() and widget.focusPolicy() == Qt.FocusPolicy.NoFocus


def _is_pressed(widget: QWidget) -> bool:
    """Whether a widget of the program answers to a press; a plot does only where somebody listens."""
    if isinstance(widget, Chart):
        return widget.isSignalConnected(QMetaMethod.fromSignal(widget.pressed))
    return is_own(widget, "mousePressEvent") and not isinstance(widget, QLabel)


def is_own(widget: QWidget, method: str) -> bool:
    """Whether a class of the program gives the widget this method."""
    found = next((cls for cls in type(widget).__mro__ if method in vars(cls)), QWidget)
    return found.__module__.startswith(OWN)


def place_of(widget: QWidget) -> str:
    """The widget and what it is in, for the one who mends it."""
    names: list[str] = []
    above: QWidget | None = widget
    while above is not None and not above.isWindow() and len(names) < 4:
        names.append(f"{type(above).__name__}({above.objectName() or above.accessibleName()})")
        above = above.parentWidget()
    return " in ".join(names)


def controls_without_name(window: QWidget) -> Iterator[str]:
    """Controls and pictures of which a screen reader says nothing."""
    for widget in (*controls(window), *painted(window)):
        interface = QAccessible.queryAccessibleInterface(widget)
        if interface is None or not interface.text(QAccessible.Text.Name).strip():
            yield place_of(widget)


def lines_told_apart_by_colour(window: QWidget) -> Iterator[str]:
    """Plots with two lines that differ by nothing but their colour."""
    for chart in window.findChildren(Chart):
        lines = {(line.color, line.style) for line in chart.items if isinstance(line, Line)}
        if chart.isVisible() and len({style for _, style in lines}) < len(lines):
            yield place_of(chart)
    for plot in window.findChildren(CurvePlot):
        drawn = [one for key, one in plot.series.items() if (points := plot.points(key)) is not None and len(points[0])]
        looks = Counter((one.style, one.mark, one.number) for one in drawn if one.style not in OF_ANOTHER_LINE)
        if plot.isVisible() and any(count > 1 for count in looks.values()):
            yield place_of(plot)


def controls_out_of_reach(window: QWidget) -> Iterator[str]:
    """Controls that neither the Tab key nor a shortcut or menu reaches."""
    for widget in controls(window):
        if widget.isEnabled() and not _reached(widget):
            yield place_of(widget)


def _reached(widget: QWidget) -> bool:
    focus: QWidget | None = widget
    while focus is not None:
        if focus.focusPolicy() & Qt.FocusPolicy.TabFocus:
            return True
        focus = focus.focusProxy()
    if not isinstance(widget, CONTROLS):  # what a press on it does, a button in it does too
        return any(_reached(button) for button in widget.findChildren(QAbstractButton))
    if isinstance(widget, QToolButton) and widget.defaultAction() is not None:
        action = widget.defaultAction()
        return bool(action.shortcuts()) or any(not isinstance(one, QToolButton) for one in action.associatedObjects())
    if isinstance(widget, QAbstractButton):
        group = widget.group()
        return not widget.shortcut().isEmpty() or (
            group is not None
            and group.exclusive()
            and any(one.focusPolicy() & Qt.FocusPolicy.TabFocus for one in group.buttons())
        )
    return False


# ------------------------------------------------------------------------------------------ text as it is painted


@dataclass(frozen=True, slots=True)
class Word:
    """A painted text, its place in the window, and its colour."""

    text: str
    box: QRect
    color: QColor


GROUP = re.compile(r'<g [^>]*?transform="matrix\(([^)]*)\)"|<text (.*?)>(.*?)</text>', re.DOTALL)
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


def painted_words(window: QWidget) -> Iterator[Word]:
    """Every text of the window."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    drawing = QSvgGenerator()
    drawing.setOutputDevice(buffer)
    drawing.setSize(window.size())
    drawing.setViewBox(QRect(0, 0, window.width(), window.height()))
    drawing.setResolution(window.logicalDpiX())
    window.render(drawing)
    transform = QTransform()
    for matrix, attributes, text in GROUP.findall(bytes(buffer.data().data()).decode()):
        if matrix:
            transform = QTransform(*(float(number) for number in matrix.split(",")))
        elif text.strip():
            yield _word(dict(ATTRIBUTE.findall(attributes)), unescape(text), transform)


def _word(given: dict[str, str], text: str, transform: QTransform) -> Word:
    font = QFont(given["font-family"])
    font.setPixelSize(max(1, round(float(given["font-size"]))))
    font.setWeight(QFont.Weight(int(given["font-weight"])))
    metrics = QFontMetricsF(font)
    box = QRectF(float(given["x"]), float(given["y"]) - metrics.ascent(), metrics.horizontalAdvance(text), 0)
    box.setHeight(metrics.height())
    color = QColor(given["fill"])
    color.setAlphaF(float(given["fill-opacity"]))
    return Word(text.strip(), transform.mapRect(box).toAlignedRect(), color)


def faint_text(window: QWidget) -> Iterator[str]:
    """Text of what can be used whose contrast is below WCAG's: 4.5:1, or 7:1 in the high-contrast theme."""
    least = 7.0 if QApplication.palette().window().color() == QColor(CONTRAST.bg) else 4.5
    picture = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    picture = picture.scaled(window.size()) if picture.size() != window.size() else picture
    seen: set[tuple[str, str, str]] = set()
    for word in painted_words(window):
        at = window.childAt(word.box.center())
        if at is None or not at.isEnabled() or isinstance(at, QScrollBar):
            continue  # a scroll bar has no text: what it lies over is scrolled away
        if isinstance(at, QPushButton) and word.text not in at.text():
            continue  # so does a button over what is scrolled away: its text is another
        ground, colors = _colors(picture, word.box)
        color = _over(word.color, ground)
        if min((_apart(one, color) for one in colors), default=255) > 60:
            continue  # it is painted, and then covered or cut off
        ratio = contrast(color, ground)
        if ratio < least - 0.05 and (key := (color.name(), ground.name(), place_of(at))) not in seen:
            seen.add(key)
            yield f'"{word.text}" {color.name()} on {ground.name()} is {ratio:.2f}:1, {place_of(at)}'


def _colors(picture: QImage, box: QRect) -> tuple[QColor, list[QColor]]:
    """The most frequent colour of a place, and all of them."""
    box = box.intersected(QRect(0, 0, picture.width(), picture.height()))
    counted = Counter(picture.pixel(x, y) for x in range(box.left(), box.right() + 1) for y in _rows(box))
    if not counted:
        return QColor(), []
    return QColor(counted.most_common(1)[0][0]), [QColor(one) for one in counted]


def _rows(box: QRect) -> range:
    return range(box.top(), box.bottom() + 1)


def _over(color: QColor, ground: QColor) -> QColor:
    """A colour that lets some of its ground through."""
    share = color.alphaF()
    mixed = [
        round(share * one + (1 - share) * other)
        for one, other in zip(color.getRgb()[:3], ground.getRgb()[:3], strict=True)
    ]
    return QColor(*mixed)


def _apart(one: QColor, other: QColor) -> int:
    return max(abs(one.red() - other.red()), abs(one.green() - other.green()), abs(one.blue() - other.blue()))


def contrast(one: QColor, other: QColor) -> float:
    """WCAG 2.2's contrast of two colours, 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: QColor) -> float:
    channels = [value / 255 for value in (color.red(), color.green(), color.blue())]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
