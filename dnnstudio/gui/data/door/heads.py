"""The heads of a table's columns: name, role, kind, how the values are spread, their range, and how many are missing.

Painted by one header view, as a table may have thousands of columns. A click opens the menu of roles or kinds; with the
keyboard, Left and Right go from column to column, Return and Space open the roles, and K the kinds.
"""

from __future__ import annotations

from typing import Any, get_args

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QFont, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QHeaderView, QMenu, QWidget

from dnnstudio.core.experiment.data.sources.table import Kind, Missing, Role
from dnnstudio.core.jobs.proposals import ColumnFacts
from dnnstudio.gui.data.door.rows_model import RowsModel
from dnnstudio.gui.data.door.words import KINDS, ROLES, fillings
from dnnstudio.gui.theme import Theme, icons, set_reason
from dnnstudio.gui.widgets.fitted_text import fitted
from dnnstudio.gui.widgets.menus import add_head

HEIGHT = 164
PAD = 8
NAME, ROLE, KIND, BARS, SPAN, MISSING = 10, 30, 58, 86, 126, 142
"""Where each part begins, in pixels from the top."""
MENU = 24
BAR_HEIGHT = 36
NARROWEST, WIDEST = 110, 180
LABELS_FROM = 30
"""Bars narrower than so many pixels carry no words."""
TEXT_ON_BARS = "#121419"


class ColumnHeads(QHeaderView):
    """`role_chosen(name, role)` and `kind_chosen(name, kind)` are what a person chose in a head's menus.

    `missing_chosen(name, missing)` says what becomes of its empty cells.
    """

    role_chosen = Signal(str, str)
    kind_chosen = Signal(str, str)
    missing_chosen = Signal(str, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._theme = theme
        self._classes: tuple[str, ...] = ()
        self._at = 0
        self._pointed: tuple[int, str] | None = None
        self._menu: QMenu | None = None
        self.setObjectName("column_heads")
        self.setAccessibleName("Columns: Return opens the roles, K the kinds")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.setMinimumSectionSize(72)
        theme.changed.connect(self.viewport().update)

    def set_classes(self, names: tuple[str, ...]) -> None:
        """The classes in their order: the target's bars have their colours."""
        self._classes = names
        self.viewport().update()

    @property
    def columns(self) -> tuple[ColumnFacts, ...]:
        model = self.model()
        return model.columns if isinstance(model, RowsModel) else ()

    @property
    def current(self) -> int:
        """The column that the keyboard is at."""
        return min(self._at, len(self.columns) - 1)

    def width_for(self, column: int) -> int:
        """The width that a head needs for its words, within bounds."""
        facts = self.columns[column]
        bold, small = QFontMetrics(self._theme.font(13, QFont.Weight.DemiBold)), QFontMetrics(self._theme.font(11))
        words = max(bold.horizontalAdvance(facts.name), small.horizontalAdvance(facts.span))
        return NARROWEST if facts.role == "ignored" else min(max(words + 2 * PAD + 4, NARROWEST), WIDEST)

    # ------------------------------------------------------------------------------------------ menus

    def role_menu(self, column: int) -> QMenu:
        """The roles of a column."""
        facts = self.columns[column]
        menu = self._new_menu("role_menu")
        for role, (title, help_text) in ROLES.items():
            action = menu.addAction(title)
            action.setObjectName(f"role_{role}")
            action.setToolTip(help_text)
            action.setCheckable(True)
            action.setChecked(role == facts.role)
            action.triggered.connect(lambda _=False, role=role: self.role_chosen.emit(facts.name, role))
        return menu

    def kind_menu(self, column: int) -> QMenu:
        """The kinds of a column."""
        facts = self.columns[column]
        menu = self._new_menu("kind_menu")
        for kind, (title, icon, help_text) in KINDS.items():
            action = menu.addAction(self._theme.icon(icon), title)
            action.setObjectName(f"kind_{kind}")
            action.setToolTip(help_text)
            set_reason(action, "" if kind != facts.kind else "The column is of this kind.")
            action.triggered.connect(lambda _=False, kind=kind: self.kind_chosen.emit(facts.name, kind))
        if facts.missing and facts.role == "feature":
            add_head(menu, "Empty cells")
            for missing, title in fillings(facts.kind):
                action = menu.addAction(title)
                action.setObjectName(f"missing_{missing}")
                action.setCheckable(True)
                action.setChecked(missing == facts.filling)
                action.triggered.connect(lambda _=False, missing=missing: self.missing_chosen.emit(facts.name, missing))
        return menu

    def _new_menu(self, name: str) -> QMenu:
        if self._menu is not None:
            self._menu.deleteLater()
        self._menu = QMenu(self)
        self._menu.setObjectName(name)
        self._menu.setToolTipsVisible(True)
        return self._menu

    def _open(self, column: int, part: str) -> None:
        menu = self.role_menu(column) if part == "role" else self.kind_menu(column)
        left = self.sectionViewportPosition(column) + PAD
        menu.popup(self.viewport().mapToGlobal(QPoint(left, (ROLE if part == "role" else KIND) + MENU)))

    def _part_at(self, place: QPoint) -> tuple[int, str] | None:
        column = self.logicalIndexAt(place)
        if column < 0:
            return None
        for part, top in (("role", ROLE), ("kind", KIND)):
            if top <= place.y() < top + MENU:
                return column, part
        return None

    # ------------------------------------------------------------------------------------------ painting

    def paintSection(self, painter: QPainter, rect: QRect, logical_index: int) -> None:
        if logical_index >= len(self.columns):
            return
        facts = self.columns[logical_index]
        color = self._theme.color
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if facts.role == "target":
            painter.fillRect(rect, color("accent_soft"))
        box = QRect(rect.left() + PAD, rect.top(), rect.width() - 2 * PAD, rect.height())
        out = facts.role == "ignored"
        name = self._theme.font(13, QFont.Weight.DemiBold)
        name.setStrikeOut(out)
        self._text(painter, QRect(box.left(), NAME - 2, box.width(), 18), facts.name, name, "text2" if out else "text")
        self._paint_role(painter, QRectF(box.left(), ROLE, box.width(), MENU), facts, logical_index)
        self._paint_kind(painter, QRectF(box.left(), KIND, box.width(), MENU), facts, logical_index)
        self._paint_bars(painter, QRectF(box.left(), BARS, box.width(), BAR_HEIGHT), facts)
        small = self._theme.font(11)
        self._text(painter, QRect(box.left(), SPAN, box.width(), 14), _span(facts), small, "text2")
        self._paint_missing(painter, QRect(box.left(), MISSING, box.width(), 14), facts)
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), color("strong"))
        if self.hasFocus() and logical_index == self.current:
            painter.setPen(QPen(color("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(rect).adjusted(1, 1, -1, -2), 6, 6)
        painter.restore()

    def _text(self, painter: QPainter, rect: QRect, text: str, font: QFont, color: str) -> None:
        painter.setFont(font)
        painter.setPen(self._theme.color(color))
        shown = fitted(painter, text, rect)
        painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)

    def _paint_role(self, painter: QPainter, rect: QRectF, facts: ColumnFacts, column: int) -> None:
        color = self._theme.color
        out, target = facts.role == "ignored", facts.role == "target"
        pointed = self._pointed == (column, "role")
        edge = QPen(color("accent_fill" if target else "strong"), 1)
        if out:
            edge.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(edge)
        painter.setBrush(color("accent_fill" if target else "hover" if pointed else "inset" if out else "surface"))
        painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        ink = "on_accent" if target else "text2" if out else "text"
        left = rect.left() + 8
        if target:
            icons.paint(painter, QRectF(left, rect.top() + 5, 14, 14), "target", color(ink))
            left += 18
        font = self._theme.font(12, QFont.Weight.Medium)
        font.setStrikeOut(out)
        room = QRect(int(left), int(rect.top()), int(rect.right() - left - 20), MENU)
        self._text(painter, room, ROLES[facts.role][0], font, ink)
        self._paint_caret(painter, rect, ink)

    def _paint_kind(self, painter: QPainter, rect: QRectF, facts: ColumnFacts, column: int) -> None:
        color = self._theme.color
        if self._pointed == (column, "kind"):
            painter.setPen(QPen(color("strong"), 1))
            painter.setBrush(color("surface"))
            painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        title, icon, _ = KINDS[facts.kind]
        icons.paint(painter, QRectF(rect.left() + 3, rect.top() + 5, 14, 14), icon, color("text2"))
        room = QRect(int(rect.left()) + 22, int(rect.top()), int(rect.width()) - 40, MENU)
        self._text(painter, room, title, self._theme.font(12), "text2")
        self._paint_caret(painter, rect, "text3")

    def _paint_caret(self, painter: QPainter, rect: QRectF, color: str) -> None:
        icons.paint(painter, QRectF(rect.right() - 18, rect.top() + 7, 10, 10), "caret-down", self._theme.color(color))

    def _paint_bars(self, painter: QPainter, rect: QRectF, facts: ColumnFacts) -> None:
        color = self._theme.color
        count, highest = len(facts.bars), max(facts.bars, default=0)
        painter.setPen(Qt.PenStyle.NoPen)
        if highest:
            gap = 2.0 if facts.labels else 1.0
            width = (rect.width() - gap * (count - 1)) / count
            for place, value in enumerate(facts.bars):
                high = max(1.0, rect.height() * value / highest) if value else 0.0
                bar = QRectF(rect.left() + place * (width + gap), rect.bottom() - high, max(1.0, width), high)
                painter.setBrush(self._bar_color(facts, place))
                painter.drawRoundedRect(bar, min(2.0, width / 3), min(2.0, width / 3))
                if facts.labels and count <= 3 and width >= LABELS_FROM and high >= 14:
                    self._paint_bar_word(painter, bar, facts.labels[place], on_color=facts.role == "target")
        painter.fillRect(QRectF(rect.left(), rect.bottom(), rect.width(), 1), color("strong"))

    def _bar_color(self, facts: ColumnFacts, place: int) -> QColor:
        if facts.role == "target" and facts.labels and facts.labels[place] in self._classes:
            return self._theme.color(class_color(self._classes.index(facts.labels[place])))
        return self._theme.color("planned", 90 if facts.role == "ignored" else 190)

    def _paint_bar_word(self, painter: QPainter, bar: QRectF, word: str, *, on_color: bool) -> None:
        font = self._theme.font(11, QFont.Weight.Medium)
        painter.setFont(font)
        painter.setPen(QColor(TEXT_ON_BARS) if on_color else self._theme.color("text"))
        if QFontMetrics(font).horizontalAdvance(word) <= bar.width() - 4:
            place = QRectF(bar.left(), bar.bottom() - 16, bar.width(), 14)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, word)
        painter.setPen(Qt.PenStyle.NoPen)

    def _paint_missing(self, painter: QPainter, rect: QRect, facts: ColumnFacts) -> None:
        if not facts.missing:
            self._text(painter, rect, "none missing", self._theme.font(11), "text2")
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("hint_dot"))
        painter.drawEllipse(QRectF(rect.left(), rect.top() + 4, 7, 7))
        font = self._theme.font(11, QFont.Weight.Medium)
        self._text(painter, rect.adjusted(13, 0, 0, 0), f"{facts.missing:,} missing", font, "hint")

    # ------------------------------------------------------------------------------------------ Qt

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), HEIGHT)

    def sectionSizeFromContents(self, logical_index: int) -> QSize:
        return QSize(self.width_for(logical_index), HEIGHT)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        part = self._part_at(event.position().toPoint())
        if part is not None and event.button() == Qt.MouseButton.LeftButton:
            self._at = part[0]
            self._open(*part)
            event.accept()
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._point_at(self._part_at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point_at(None)

    def _point_at(self, part: tuple[int, str] | None) -> None:
        if part != self._pointed:
            self._pointed = part
            self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self.columns) - 1
        moves = {
            Qt.Key.Key_Left: self._at - 1,
            Qt.Key.Key_Right: self._at + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }
        if event.key() in moves and last >= 0:
            self._go_to(min(max(moves[Qt.Key(event.key())], 0), last))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and last >= 0:
            self._open(self.current, "role")
        elif event.key() == Qt.Key.Key_K and last >= 0:
            self._open(self.current, "kind")
        else:
            super().keyPressEvent(event)

    def _go_to(self, column: int) -> None:
        self._at = column
        table: Any = self.parent()
        table.scrollTo(table.model().index(0, column) if table.model().rowCount() else QModelIndex())
        self.viewport().update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()


def class_color(place: int) -> str:
    """The colour's token of a class by its place; those beyond the fifth share one."""
    return f"series_{place}" if place < 5 else "planned"


def _span(facts: ColumnFacts) -> str:
    """The range, or for a column that is left out the reason."""
    return facts.reason if facts.role == "ignored" else facts.span


def as_role(text: str) -> Role:
    """The role of that name."""
    return next(role for role in ROLES if role == text)


def as_missing(text: str) -> Missing:
    """The way with empty cells of that name."""
    return next(missing for missing in get_args(Missing) if missing == text)


def as_kind(text: str) -> Kind:
    """The kind of that name."""
    return next(kind for kind in KINDS if kind == text)
