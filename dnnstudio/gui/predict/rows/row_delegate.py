"""Draws one answer: picture, name, what is said, how probable, how doubtful, the set, and whether to ask a person."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QFont, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from dnnstudio.core.text import figure, percent
from dnnstudio.gui.predict.cases import Cases
from dnnstudio.gui.predict.names import file_of, row_of
from dnnstudio.gui.predict.rows.rows_model import PLACE_ROLE, CasePictures
from dnnstudio.gui.predict.words import answer_text, error_text, uncertainty_text
from dnnstudio.gui.theme import Theme, icons
from dnnstudio.gui.widgets import Choice, ComboBox, NumberField
from dnnstudio.gui.widgets.fitted_text import fitted

Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT, THUMBNAIL = 40, 32
BAR, MARK, CHIP = 80, 48, 22
MIDDLE = Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
KEPT_ROWS = 100
"""Rows whose painting is kept: a few screens of them."""


@dataclass(frozen=True, slots=True)
class Places:
    """Left edge and width of each part of a row; a width of 0 is left out."""

    input: tuple[int, int]
    answer: tuple[int, int]
    probability: tuple[int, int]
    uncertainty: tuple[int, int]
    set: tuple[int, int]
    mark: tuple[int, int]


def places_of(width: int, *, pictures: bool, number: bool, uncertainty: bool, sets: bool) -> Places:
    """Where the parts of a row stand. In a narrow list the bar goes first, then the set becomes narrow."""
    left = 8 + (THUMBNAIL + 12 if pictures else 0)
    room = width - left - 8
    mark = MARK + 8
    share = 0 if number else (BAR + 50 if room >= 540 else 50)
    spread = 62 if uncertainty else 0
    rest = room - mark - share - spread
    chips = max(90, int(rest * (0.4 if number else 0.46))) if sets else 0
    rest -= chips
    name = int(rest * 0.56)
    found, x = [], left
    for part in (name, rest - name, share, spread, chips, mark):
        found.append((x, part))
        x += part
    return Places(*found)


class RowDelegate(QStyledItemDelegate):
    """`corrected(place, answer)` is called when a person has chosen another answer in the row."""

    def __init__(
        self,
        theme: Theme,
        cases: Cases,
        pictures: CasePictures,
        correct: Callable[[int, str | float], None],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._cases = cases
        self._pictures = pictures
        self._correct = correct
        self._painted: OrderedDict[object, QPixmap] = OrderedDict()
        self._painted_for: object = None

    def places(self, width: int) -> Places:
        """Where the parts of a row of this width stand."""
        cases = self._cases
        return places_of(
            width,
            pictures=any(block.pictures is not None for block in cases.blocks[:1]) or cases.facts.pictures,
            number=cases.is_number,
            uncertainty=bool(cases.blocks) and cases.uncertainties is not None,
            sets=cases.promised is not None,
        )

    # ------------------------------------------------------------------------------------------ painting

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw a row as it was drawn before, unless something about it has changed.

        Qt repaints all rows whenever more come. Drawn anew, in Python beside the engine's thread, that took 13 ms.
        """
        place = index.data(PLACE_ROLE)
        if place is None:
            return
        area = QRect(option.rect)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        ratio = painter.device().devicePixelRatioF()
        shown_for = (self._cases.look, self._theme.tokens(), self._theme.font().key(), area.size().toTuple(), ratio)
        if shown_for != self._painted_for:
            self._painted_for = shown_for
            self._painted.clear()
        key = (place, selected, hovered)
        found = self._painted.get(key)
        if found is None:
            found = self._painted[key] = self._row(area, place, ratio, selected=selected, hovered=hovered)
            while len(self._painted) > KEPT_ROWS:
                self._painted.popitem(last=False)
        painter.drawPixmap(area.topLeft(), found)

    def _row(self, area: QRect, place: int, ratio: float, *, selected: bool, hovered: bool) -> QPixmap:
        picture = QPixmap(area.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_row(painter, QRect(QPoint(), area.size()), place, selected=selected, hovered=hovered)
        painter.end()
        return picture

    def _paint_row(self, painter: QPainter, area: QRect, place: int, *, selected: bool, hovered: bool) -> None:
        color = self._theme.color
        painter.setPen(QPen(color("border"), 1))
        painter.drawLine(area.left(), area.bottom(), area.right(), area.bottom())
        if selected or hovered:
            painter.setPen(QPen(color("accent_line"), 1) if selected else Qt.PenStyle.NoPen)
            painter.setBrush(color("accent_soft" if selected else "hover"))
            painter.drawRoundedRect(QRectF(area).adjusted(1.5, 0.5, -1.5, -1.5), 6, 6)
        where = self.places(area.width())
        block, row = self._cases.at(place)
        if block.errors[row]:
            self._paint_error(painter, area, where, place)
        else:
            self._paint_answer(painter, area, where, place, selected=selected)

    def _part(self, area: QRect, part: tuple[int, int]) -> QRect:
        return QRect(area.left() + part[0], area.top(), max(part[1] - 8, 0), area.height() - 1)

    def _write(
        self,
        painter: QPainter,
        area: QRect,
        text: str,
        tone: str = "text",
        *,
        size: int = 12,
        weight: QFont.Weight = QFont.Weight.Normal,
        at: Qt.AlignmentFlag = MIDDLE,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        painter.setFont(self._theme.font(size, weight))
        painter.setPen(self._theme.color(tone))
        painter.drawText(area, at, fitted(painter, text, area, mode=mode))

    def _paint_name(self, painter: QPainter, area: QRect, part: tuple[int, int], place: int, tone: str) -> None:
        """Two lines: a picture above its folder; of a table the row above its file, since the file is that of all."""
        block, row = self._cases.at(place)
        words = self._part(area, part)
        number, file = row_of(block, row), file_of(block, row)
        folder = Path(block.sources[row]).parent.name if block.sources[row] else ""
        first, second = (number.capitalize(), file) if number else (file, folder)
        upper = QRect(words.left(), words.top() + 3, words.width(), 18)
        medium, middle = QFont.Weight.Medium, Qt.TextElideMode.ElideMiddle
        self._write(painter, upper, first, tone, weight=medium, mode=middle)
        self._write(painter, upper.translated(0, 16), second, "text2", size=11, mode=middle)

    def _paint_thumbnail(self, painter: QPainter, area: QRect, place: int, *, selected: bool) -> None:
        box = QRectF(area.left() + 8, area.top() + 3.5, THUMBNAIL, THUMBNAIL)
        color = self._theme.color
        painter.setPen(QPen(color("accent" if selected else "border"), 1))
        painter.setBrush(color("inset"))
        painter.drawRoundedRect(box, 6, 6)
        side = THUMBNAIL - 6
        picture = self._pictures.small(place, side, painter.device().devicePixelRatioF())
        if picture is not None:
            size = picture.deviceIndependentSize()
            painter.drawPixmap(
                QPointF(box.center().x() - size.width() / 2, box.center().y() - size.height() / 2), picture
            )
        else:
            icons.paint(painter, box.adjusted(8, 8, -8, -8), "image", color("text3"))

    def _paint_error(self, painter: QPainter, area: QRect, where: Places, place: int) -> None:
        color = self._theme.color
        if where.input[0] > 8:
            box = QRectF(area.left() + 8, area.top() + 3.5, THUMBNAIL, THUMBNAIL)
            painter.setPen(QPen(color("strong"), 1, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, 6, 6)
            icons.paint(painter, box.adjusted(8, 8, -8, -8), "file-x", color("error_dot"))
        self._paint_name(painter, area, where.input, place, "text2")
        left = area.left() + where.answer[0]
        icons.paint(painter, QRectF(left, area.center().y() - 7, 14, 14), "warning-fill", color("error_dot"))
        words = QRect(left + 22, area.top(), area.right() - left - 30, area.height() - 1)
        self._write(painter, words, error_text(self._cases, place), "error")

    def _paint_answer(self, painter: QPainter, area: QRect, where: Places, place: int, *, selected: bool) -> None:
        cases = self._cases
        block, row = cases.at(place)
        if where.input[0] > 8:
            self._paint_thumbnail(painter, area, place, selected=selected)
        self._paint_name(painter, area, where.input, place, "text")
        corrected = place in cases.corrected
        strange, asked = bool(cases.strange[place]), bool(cases.asked[place])
        answer = self._part(area, where.answer)
        if corrected or place in cases.confirmed:
            icons.paint(
                painter,
                QRectF(answer.left(), answer.center().y() - 6, 13, 13),
                "pencil-simple" if corrected else "check-circle-fill",
                self._theme.color("good"),
            )
            answer.setLeft(answer.left() + 18)
        tone = "text2" if strange and not corrected else "text"
        self._write(painter, answer, answer_text(cases, place), tone, weight=QFont.Weight.Medium)
        if not cases.is_number:
            share = float(block.values[row].max())
            self._paint_share(painter, self._part(area, where.probability), share, selected=selected)
        uncertainties = cases.uncertainties
        if uncertainties is not None and where.uncertainty[1]:
            above = cases.threshold is not None and uncertainties[place] > cases.threshold
            text = uncertainty_text(uncertainties[place], number=cases.is_number)
            weight = QFont.Weight.DemiBold if above else QFont.Weight.Normal
            tone = "hint" if above else "text2"
            self._write(painter, self._part(area, where.uncertainty), text, tone, weight=weight, at=RIGHT)
        if where.set[1]:
            self._paint_set(painter, self._part(area, where.set).adjusted(8, 0, 0, 0), place)
        if asked:
            self._paint_mark(painter, area, where.mark)

    def _paint_share(self, painter: QPainter, area: QRect, share: float, *, selected: bool) -> None:
        if area.width() > BAR:
            track = QRectF(area.left(), area.center().y() - 3, BAR, 6)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("hover"))
            painter.drawRoundedRect(track, 3, 3)
            painter.setBrush(self._theme.color("accent_fill" if selected else "planned"))
            painter.drawRoundedRect(QRectF(track.left(), track.top(), max(6.0, BAR * share), 6), 3, 3)
        self._write(painter, area, percent(share), weight=QFont.Weight.Medium, at=RIGHT)

    def _paint_set(self, painter: QPainter, area: QRect, place: int) -> None:
        cases = self._cases
        ends = cases.interval(place)
        if ends is not None:
            self._write(painter, area, f"{figure(ends[0])} to {figure(ends[1])}", "text2")
            return
        members = cases.members(place)
        if members is None:
            return
        if not members:
            self._chip(painter, area, area.left(), "none fits: strange", dashed=True)
            return
        painter.setFont(self._theme.font(11))
        metrics, x = painter.fontMetrics(), area.left()
        for number, name in enumerate(members):
            left = len(members) - number
            more = metrics.horizontalAdvance(f"+{left}") + 18 + 6
            wide = metrics.horizontalAdvance(name) + 18
            last = number == len(members) - 1
            if number and x + wide + (0 if last else more) > area.right():
                self._chip(painter, area, x, f"+{left}")
                return
            x = self._chip(painter, area, x, name, most=area.right() - x - (0 if last else more)) + 6

    def _chip(
        self, painter: QPainter, area: QRect, x: int, text: str, *, dashed: bool = False, most: int = 10_000
    ) -> int:
        color = self._theme.color
        painter.setFont(self._theme.font(11))
        metrics = painter.fontMetrics()
        width = max(24, min(metrics.horizontalAdvance(text) + 18, most, area.right() - x + 1))
        box = QRectF(x + 0.5, area.center().y() - CHIP / 2 + 0.5, width - 1, CHIP - 1)
        painter.setPen(
            QPen(color("strong" if dashed else "border"), 1, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)
        )
        painter.setBrush(color("surface"))
        painter.drawRoundedRect(box, CHIP / 2, CHIP / 2)
        painter.setPen(color("text2" if dashed else "text"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, fitted(painter, text, box.adjusted(7, 0, -6, 0)))
        return x + width

    def _paint_mark(self, painter: QPainter, area: QRect, part: tuple[int, int]) -> None:
        color = self._theme.color
        box = QRectF(area.left() + part[0] + 4, area.center().y() - 8, MARK - 4, 16)
        painter.setPen(QPen(color("hint_line"), 1))
        painter.setBrush(color("hint_soft"))
        painter.drawRoundedRect(box, 4, 4)
        icons.paint(painter, QRectF(box.left() + 5, box.top() + 3, 10, 10), "user-fill", color("hint"))
        painter.setFont(self._theme.font(10, QFont.Weight.DemiBold))
        painter.setPen(color("hint"))
        painter.drawText(box.adjusted(18, 0, 0, 0), MIDDLE, "ASK")

    # ------------------------------------------------------------------------------------------ correcting

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor: QWidget
        if self._cases.is_number:
            editor = NumberField(self._theme, title="The right number", parent=parent)  # Qt takes it at Return
        else:
            combo = ComboBox([Choice(name, name) for name in self._cases.facts.classes], parent=parent)
            combo.chosen.connect(lambda _: self._take(editor))
            editor = combo
        editor.setObjectName("correct_editor")
        editor.setAccessibleName("The right answer")
        return editor

    def _take(self, editor: QWidget) -> None:
        self.commitData.emit(editor)
        self.closeEditor.emit(editor, QStyledItemDelegate.EndEditHint.NoHint)

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        value = index.data(Qt.ItemDataRole.EditRole)
        if isinstance(editor, ComboBox | NumberField):
            editor.set_value(value)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        value: Any = editor.value() if isinstance(editor, ComboBox | NumberField) else None
        if value is not None and value != index.data(Qt.ItemDataRole.EditRole):
            self._correct(index.data(PLACE_ROLE), float(value) if self._cases.is_number else str(value))

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        area = QRect(option.rect)
        part = self.places(area.width()).answer
        editor.setGeometry(area.left() + part[0] - 6, area.top() + 5, max(part[1], 120), 28)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(600, ROW_HEIGHT)
