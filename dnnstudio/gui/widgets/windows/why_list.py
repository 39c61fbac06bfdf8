"""All that is grey in a window, with its reasons: for who has the keyboard alone, and cannot press what is grey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QComboBox,
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from dnnstudio.core.text import count_of, listed
from dnnstudio.gui.base.shortcuts import EVERY_WINDOW, WHY, bind
from dnnstudio.gui.theme import Cure, Role, cure_of, reason_of, set_role, set_state
from dnnstudio.gui.widgets.buttons import push_button
from dnnstudio.gui.widgets.labels import label
from dnnstudio.gui.widgets.windows import screen_fit
from dnnstudio.gui.widgets.windows.why import that_helps

WIDTH, ROWS_HIGH, ROOM = 440, 320, 8
"""Pixels: the list's width, the most of its height, and what is around the words of a row."""
CONTROLS = (QAbstractButton, QComboBox, QAbstractSlider, QLineEdit)
NAMED = 3
"""So many parts of a panel are named where it has no name of its own."""
NOTHING = "Nothing in this window is grey."


@dataclass(frozen=True, slots=True)
class Grey:
    """What is grey for one reason, by its names, and what helps."""

    names: tuple[str, ...]
    reason: str
    cure: Cure | None


def grey_in(window: QWidget) -> tuple[Grey, ...]:
    """What is grey in `window` for a reason, as one reads it; what is so for the same reason is one."""
    found: dict[tuple[str, str], Grey] = {}
    seen = [one for one in window.findChildren(QWidget) if one.isVisible() and one.window() is window]
    for one in sorted((one for one in seen if not one.isEnabled()), key=lambda one: _place(one, window)):
        what = one.defaultAction() if isinstance(one, QToolButton) and not reason_of(one) else one
        if what is None or not reason_of(what):
            continue
        cure = that_helps(cure_of(what), window)
        key = reason_of(what), cure.text if cure is not None else ""
        names = found[key].names if key in found else ()
        found[key] = Grey(tuple(dict.fromkeys((*names, _name(one)))), key[0], cure)
    return tuple(found.values())


class WhyList(QFrame):
    """A popup with a row for each reason: Up and Down choose one, Return presses what helps there, Esc closes it."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window, Qt.WindowType.Popup)
        self._window = window
        self.grey = grey_in(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("why_list")
        set_role(self, Role.MESSAGE)
        set_state(self, "severity", "hint")
        number = sum(len(one.names) for one in self.grey)
        words = f"{count_of(number, 'control')} grey, and why" if self.grey else NOTHING
        self.title = label(words, Role.LEAD, parent=self)
        self.setAccessibleName(self.title.text())
        self.rows = QListWidget(self)
        self.rows.setObjectName("why_rows")
        self.rows.setAccessibleName(self.title.text())
        self.rows.setWordWrap(True)
        self.rows.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rows.setFixedWidth(WIDTH)
        self.rows.setViewportMargins(ROOM // 2, 0, ROOM // 2, 0)
        self.rows.setVisible(bool(self.grey))
        self.cure = push_button("", Role.FIX, parent=self)
        self.cure.setObjectName("why_cure")
        self.cure.clicked.connect(self._help)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(8)
        for part in (self.title, self.rows, self.cure):
            column.addWidget(part)
        self._fill()
        self.rows.currentRowChanged.connect(self._show_cure)
        self.rows.setCurrentRow(0)
        self._show_cure()
        window.installEventFilter(self)

    def _fill(self) -> None:
        room = WIDTH - 3 * ROOM - self.style().pixelMetric(self.style().PixelMetric.PM_ScrollBarExtent)
        height = 0
        for one in self.grey:
            text = f"{' · '.join(one.names)}\n{one.reason}"
            item = QListWidgetItem(text, self.rows)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{', '.join(one.names)}. {one.reason}")
            flags = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft
            words = self.rows.fontMetrics().boundingRect(0, 0, room, 10_000, flags, text)
            item.setSizeHint(QSize(room, words.height() + 2 * ROOM))
            height += item.sizeHint().height()
        self.rows.setFixedHeight(min(height + 2 * self.rows.frameWidth() + 4, ROWS_HIGH))

    @property
    def chosen(self) -> Grey | None:
        """What is chosen in the list."""
        at = self.rows.currentRow()
        return self.grey[at] if 0 <= at < len(self.grey) else None

    def _show_cure(self, _: int = 0) -> None:
        cure = self.chosen.cure if self.chosen is not None else None
        self.cure.setText(cure.text if cure is not None else "")
        room = self.cure.sizePolicy()
        room.setRetainSizeWhenHidden(any(one.cure is not None for one in self.grey))  # nothing moves from row to row
        self.cure.setSizePolicy(room)
        self.cure.setVisible(cure is not None)

    def _help(self) -> None:
        cure = self.chosen.cure if self.chosen is not None else None
        self.close()
        if cure is not None:
            cure.deed()

    def open(self) -> None:
        """Show it over the middle of its window, within the screen, with the keyboard in the list."""
        self.adjustSize()
        area = screen_fit.available_area(self._window)
        middle = self._window.mapToGlobal(QPoint(self._window.width() // 2, self._window.height() // 4))
        left = min(middle.x() - self.width() // 2, area.right() + 1 - self.width())
        top = min(middle.y(), area.bottom() + 1 - self.height())
        self.move(max(left, area.left()), max(top, area.top()))
        self.show()
        (self.rows if self.grey else self).setFocus(Qt.FocusReason.PopupFocusReason)

    # ------------------------------------------------------------------------------------------ Qt

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """It goes with its window."""
        if event.type() in (QEvent.Type.Hide, QEvent.Type.Close):
            self.close()
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not self.cure.isHidden():
                self.cure.click()
            event.accept()
        else:
            super().keyPressEvent(event)


def show_why(window: QWidget) -> WhyList:
    """Show what is grey in `window`, and why."""
    there = WhyList(window)
    there.open()
    return there


def bind_why(window: QWidget) -> None:
    """Have the key of the table show what is grey in `window`."""
    bind(window, EVERY_WINDOW, WHY, lambda: show_why(window))


def _place(one: QWidget, window: QWidget) -> tuple[int, int]:
    place = one.mapTo(window, QPoint())
    return place.y(), place.x()


def _name(one: QWidget) -> str:
    """What a person calls it: the words on it, or its name for screen readers; else those of its parts."""
    text = one.text().replace("&", "") if isinstance(one, QAbstractButton) else ""
    if name := text.strip() or one.accessibleName():
        return name
    parts = tuple(dict.fromkeys(_names_within(one)))
    if parts:
        return listed(parts, most=NAMED)
    return next((line for line in one.toolTip().split("\n") if line), type(one).__name__)


def _names_within(panel: QWidget) -> Iterator[str]:
    for part in panel.findChildren(QWidget):
        if isinstance(part, CONTROLS) and part.isVisible() and not isinstance(part.parentWidget(), QAbstractScrollArea):
            text = part.text().replace("&", "") if isinstance(part, QAbstractButton) else ""
            if name := text.strip() or part.accessibleName():
                yield name
