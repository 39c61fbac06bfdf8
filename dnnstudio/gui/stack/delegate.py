"""Paints the cards of the stack. Sizes follow the visual language; colours come from the theme's tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPixmap, QRegularExpressionValidator
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from dnnstudio.gui.base.stack_commands import NAME_PATTERN
from dnnstudio.gui.stack.rows import BadgeText, LayerRow
from dnnstudio.gui.theme import icons
from dnnstudio.gui.theme.theme import Theme
from dnnstudio.gui.widgets.fitted_text import fitted, tell_whole

CARD = 44
CARD_WITH_PROBLEM = 64
PROBLEM_LINE = 14
"""What each further line of an error takes."""
MOST_LINES = 4
GAP = 4
OPEN_GAP = 18
PADDING = 12
TILE = 28
TEXT_LEFT = PADDING + TILE + 11
CONNECTOR_X = PADDING + TILE / 2
MOST_GROUNDS = 64
NARROW_BELOW = 280
"""Cards narrower than this show a badge's icon instead of its word."""


def card_height(lines: int) -> int:
    """The height of a card whose problem takes so many lines."""
    return CARD_WITH_PROBLEM + (lines - 1) * PROBLEM_LINE if lines else CARD


_SIZES = tuple(
    tuple(QSize(100, card_height(lines) + gap) for gap in (GAP, OPEN_GAP))
    for lines in range(MOST_LINES + 1)
)  # fmt: skip


class Cards(Protocol):
    """The cards to paint, and one byte for each: how many lines its problem takes."""

    @property
    def rows(self) -> Sequence[LayerRow]: ...

    @property
    def heights(self) -> bytes: ...


class CardDelegate(QStyledItemDelegate):
    """Paints one card and the gap below it. `gap_is_open(row)` says whether that gap shows the plus."""

    def __init__(
        self, theme: Theme, layers: Cards, gap_is_open: Callable[[int], bool], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._layers = layers
        self._theme = theme
        self._gap_is_open = gap_is_open
        self._pixmaps: dict[tuple[str, str, int, float], QPixmap] = {}
        self._grounds: dict[tuple[object, ...], QPixmap] = {}
        self._fonts: dict[tuple[int, int], QFont] = {}
        self._lines: dict[tuple[str, int], int] = {}
        theme.changed.connect(self._forget)

    def _forget(self) -> None:
        self._pixmaps.clear()
        self._grounds.clear()
        self._fonts.clear()
        self._lines.clear()

    # ------------------------------------------------------------------------------------------------- sizes

    def problem_lines(self, row: LayerRow, width: int) -> int:
        """How many lines the row's problem takes on a card of that width: an error is told in full, a hint in one."""
        return min(self._wrapped(row.problem_line, _problem_room(width)), MOST_LINES) if row.severity == "error" else 1

    def _wrapped(self, text: str, width: int) -> int:
        """How many lines `text` takes in so many pixels."""
        found = self._lines.get((text, width))
        if found is None:
            metrics = QFontMetrics(self._theme.font(11, QFont.Weight.Medium))
            taken = metrics.boundingRect(QRect(0, 0, width, 10_000), Qt.TextFlag.TextWordWrap, text).height()
            found = self._lines[text, width] = max(round(taken / metrics.lineSpacing()), 1)
        return found

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        # Called for every card at each layout, so nothing is allocated here.
        number = index.row()
        return _SIZES[self._layers.heights[number]][self._gap_is_open(number)]

    # ---------------------------------------------------------------------------------------------- painting

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row = self._layers.rows[index.row()]
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        widget: QWidget = option.widget
        card = QRect(area.left(), area.top(), area.width(), card_height(self._layers.heights[index.row()]))
        selected = bool(state & QStyle.StateFlag.State_Selected)
        focused = bool(state & QStyle.StateFlag.State_HasFocus) and widget.hasFocus()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_gap(painter, area, card, index)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        painter.drawPixmap(card.topLeft(), self._ground(painter, card.size(), row, selected, hovered, focused))
        right = self._paint_numbers(painter, card, row, widget)
        self._paint_words(painter, card, row, right, widget)
        painter.restore()

    def _paint_gap(
        self, painter: QPainter, area: QRect, card: QRect, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colors = self._theme.tokens()
        if self._gap_is_open(index.row()):
            paint_insertion(painter, area.left(), area.right(), card.bottom() + 1 + OPEN_GAP / 2, self._theme)
        elif index.row() + 1 < len(self._layers.rows):
            painter.setPen(QPen(QColor(colors.strong), 1.5))
            x = area.left() + CONNECTOR_X
            painter.drawLine(QPointF(x, card.bottom() + 1), QPointF(x, area.bottom() + 1))

    def _ground(
        self, painter: QPainter, size: QSize, row: LayerRow, selected: bool, hovered: bool, focused: bool
    ) -> QPixmap:
        """The card's background as a cached pixmap shared by equal cards: rounded corners are slow to paint."""
        ratio = painter.device().devicePixelRatio() if painter.device() else 1.0
        key = (size.width(), size.height(), ratio, row.icon, row.is_used, row.added, selected, hovered, focused)
        if key not in self._grounds:
            if len(self._grounds) >= MOST_GROUNDS:  # the panel is being resized
                self._grounds.clear()
            picture = QPixmap(size * ratio)
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            brush = QPainter(picture)
            brush.setRenderHint(QPainter.RenderHint.Antialiasing)
            card = QRect(QPoint(0, 0), size)
            self._paint_frame(brush, card, row, selected, hovered, focused)
            self._paint_tile(brush, card, row, selected)
            brush.end()
            self._grounds[key] = picture
        return self._grounds[key]

    def _paint_frame(
        self, painter: QPainter, card: QRect, row: LayerRow, selected: bool, hovered: bool, focused: bool
    ) -> None:
        colors = self._theme.tokens()
        off = not row.is_used
        fill = colors.accent_soft if selected else colors.inset if off or hovered else colors.surface
        edge = QPen(QColor(colors.accent if selected else colors.strong if off or hovered else colors.border), 1)
        if off or row.added:
            edge.setDashPattern([3, 2])
        painter.setPen(edge)
        painter.setBrush(QColor(fill))
        painter.drawRoundedRect(QRectF(card).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        if focused:
            painter.setPen(QPen(QColor(colors.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(card).adjusted(1, 1, -1, -1), 7, 7)

    def _paint_tile(self, painter: QPainter, card: QRect, row: LayerRow, selected: bool) -> None:
        colors = self._theme.tokens()
        tile = QRect(card.left() + PADDING, card.top() + (CARD - TILE) // 2, TILE, TILE)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.accent_fill if selected else colors.inset))
        painter.drawRoundedRect(tile, 6, 6)
        color = colors.on_accent if selected else colors.text2 if row.is_used else colors.text3
        self._paint_icon(painter, row.icon, color, QPointF(tile.center()) + QPointF(0.5, 0.5), 16)

    def _paint_numbers(self, painter: QPainter, card: QRect, row: LayerRow, widget: QWidget) -> int:
        """Paint the parameter count above the output shape, right-aligned; returns the right limit for the text."""
        colors = self._theme.tokens()
        count_font, output_font = self._font(widget, 12, 500), self._font(widget, 11, 400)
        right = card.right() + 1 - PADDING
        count, output = row.parameters, row.output
        width = max(QFontMetrics(count_font).horizontalAdvance(count), _width(output_font, output))
        quiet = row.shape.count == 0
        _text(painter, count_font, colors.text2 if quiet else colors.text, card, right - width, width, 15, count, True)
        broken = row.shape.error != ""
        _text(painter, output_font, colors.error if broken else colors.text2, card, right - width, width, 30, output,
              True)  # fmt: skip
        return right - width - 8

    def _paint_words(self, painter: QPainter, card: QRect, row: LayerRow, right: int, widget: QWidget) -> None:
        colors = self._theme.tokens()
        name_font, caption_font = self._font(widget, 13, 500), self._font(widget, 11, 400)
        left = card.left() + TEXT_LEFT
        narrow = card.width() < NARROW_BELOW
        extras = sum(self._badge_width(badge, narrow, widget) + 7 for badge in row.badges) + (20 if row.frozen else 0)
        name = QFontMetrics(name_font).elidedText(
            row.layer.id, Qt.TextElideMode.ElideRight, max(right - left - extras, 40)
        )
        name_color = colors.text if row.is_used else colors.text3
        _text(painter, name_font, name_color, card, left, right - left, 15, name)
        if name != row.layer.id:
            tell_whole(painter, row.layer.id, QRect(left, card.top() + 5, right - left, 20), widget)
        x = left + _width(name_font, name) + 7
        if row.frozen:
            self._paint_icon(painter, "lock", colors.text2, QPointF(x + 7, card.top() + 15), 14)
            x += 20
        for badge in row.badges:
            x = self._paint_badge(painter, badge, x, card.top() + 15, narrow, widget) + 7
        caption = shorten(row.caption, QFontMetrics(caption_font), right - left)
        if caption != row.caption:
            tell_whole(painter, row.caption, QRect(left, card.top() + 20, right - left, 20), widget)
        _text(painter, caption_font, colors.text2, card, left, right - left, 30, caption)
        if row.problems:
            dot, words = self._problem_colors(row.severity)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(dot))
            painter.drawEllipse(QPointF(left + 3.5, card.top() + 49), 3.5, 3.5)
            painter.setFont(self._font(widget, 11, 500))
            painter.setPen(QColor(words))
            room = QRect(left + 13, card.top() + 42, _problem_room(card.width()), card.bottom() - card.top() - 46)
            if room.height() < 2 * PROBLEM_LINE:
                painter.drawText(room, Qt.AlignmentFlag.AlignTop, fitted(painter, row.problem_line, room, widget))
            else:
                painter.drawText(room, Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap, row.problem_line)
                if self._wrapped(row.problem_line, room.width()) > MOST_LINES:
                    tell_whole(painter, row.problem_line, room, widget)

    def _problem_colors(self, severity: str) -> tuple[str, str]:
        colors = self._theme.tokens()
        return (colors.error_dot, colors.error) if severity == "error" else (colors.hint_dot, colors.hint)

    def _badge_width(self, badge: BadgeText, narrow: bool, widget: QWidget) -> int:
        words = _width(self._font(widget, 10, 600), badge.word)
        return 14 if narrow and len(badge.word) > 2 else words + 10

    def _paint_badge(
        self, painter: QPainter, badge: BadgeText, x: int, middle: int, narrow: bool, widget: QWidget
    ) -> int:
        """Paint the badge at `x` and return its right edge. On a narrow card, long words are replaced by their icon."""
        colors = self._theme.tokens()
        width = self._badge_width(badge, narrow, widget)
        text, fill, edge = {
            "neutral": (colors.text2, colors.inset, colors.border),
            "accent": (colors.accent, colors.accent_soft, colors.accent_line),
            "hint": (colors.hint, colors.hint_soft, colors.hint_line),
        }[badge.tone]
        if narrow and len(badge.word) > 2:
            self._paint_icon(painter, badge.icon, text, QPointF(x + 7, middle), 14)
            return x + width
        frame = QRectF(x + 0.5, middle - 7.5, width - 1, 15)
        painter.setPen(QPen(QColor(edge), 1))
        painter.setBrush(QColor(fill))
        painter.drawRoundedRect(frame, 4, 4)
        painter.setPen(QColor(text))
        painter.setFont(self._font(widget, 10, 600))
        painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, badge.word)
        return x + width

    def _paint_icon(self, painter: QPainter, name: str, color: str, centre: QPointF, size: int) -> None:
        ratio = painter.device().devicePixelRatio() if painter.device() else 1.0
        key = (name, color, size, ratio)
        if key not in self._pixmaps:
            self._pixmaps[key] = icons.pixmap(name, size, color, ratio)
        painter.drawPixmap(QPointF(centre.x() - size / 2, centre.y() - size / 2), self._pixmaps[key])

    def _font(self, widget: QWidget, size: int, weight: int) -> QFont:
        if (size, weight) not in self._fonts:
            font = QFont(widget.font())
            font.setPixelSize(size)
            font.setWeight(QFont.Weight(weight))
            self._fonts[size, weight] = font
        return self._fonts[size, weight]

    # ---------------------------------------------------------------------------------------------- renaming

    def createEditor(
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QWidget:
        editor = QLineEdit(parent)
        editor.setObjectName("layer_name_editor")
        editor.setAccessibleName(f"New name of {index.data()}")
        editor.setToolTip("A letter, then letters, digits, _ and -.")
        editor.setValidator(QRegularExpressionValidator(NAME_PATTERN, editor))
        return editor

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        area: QRect = option.rect
        editor.setGeometry(area.left() + TEXT_LEFT - 9, area.top() + 7, area.width() - TEXT_LEFT - 3, 30)


def paint_insertion(painter: QPainter, left: float, right: float, y: float, theme: Theme) -> None:
    """The open gap: an accent line with a round plus in its middle."""
    colors = theme.tokens()
    middle = (left + right + 1) / 2
    painter.setPen(QPen(QColor(colors.accent), 2))
    painter.drawLine(QPointF(left + 7, y), QPointF(middle - 11, y))
    painter.drawLine(QPointF(middle + 11, y), QPointF(right - 6, y))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colors.accent_fill))
    painter.drawEllipse(QPointF(middle, y), 8, 8)
    painter.setPen(QPen(QColor(colors.on_accent), 1.5))
    painter.drawLine(QPointF(middle - 3.5, y), QPointF(middle + 3.5, y))
    painter.drawLine(QPointF(middle, y - 3.5), QPointF(middle, y + 3.5))


def paint_drop_line(painter: QPainter, left: float, right: float, y: float, theme: Theme) -> None:
    """The drop position of dragged layers: a line with a ring at its start."""
    color = QColor(theme.tokens().accent)
    painter.setPen(QPen(color, 2))
    painter.setBrush(QColor(theme.tokens().surface))
    painter.drawLine(QPointF(left + 8, y), QPointF(right, y))
    painter.drawEllipse(QPointF(left + 4.5, y), 3.5, 3.5)


def shorten(caption: str, metrics: QFontMetrics, width: int) -> str:
    """The caption without its last parts if they do not fit, then elided."""
    parts = caption.split(" · ")
    while len(parts) > 1 and metrics.horizontalAdvance(" · ".join(parts)) > width:
        parts.pop()
    return metrics.elidedText(" · ".join(parts), Qt.TextElideMode.ElideRight, max(width, 0))


def _width(font: QFont, text: str) -> int:
    return QFontMetrics(font).horizontalAdvance(text)


def _problem_room(width: int) -> int:
    """How wide the problem's line may be on a card of that width."""
    return max(width - 1 - PADDING - TEXT_LEFT - 13, 40)


def _text(
    painter: QPainter,
    font: QFont,
    color: str,
    card: QRect,
    left: int,
    width: int,
    middle: int,
    text: str,
    to_the_right: bool = False,
) -> None:
    """One line of text whose middle is `middle` pixels below the card's top."""
    painter.setFont(font)
    painter.setPen(QColor(color))
    side = Qt.AlignmentFlag.AlignRight if to_the_right else Qt.AlignmentFlag.AlignLeft
    painter.drawText(QRect(left, card.top() + middle - 10, width, 20), side | Qt.AlignmentFlag.AlignVCenter, text)
