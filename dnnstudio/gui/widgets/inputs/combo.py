"""A combo box that works with values instead of positions."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPaintEvent, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from dnnstudio.gui.theme import set_state
from dnnstudio.gui.widgets.fitted_text import fitted
from dnnstudio.gui.widgets.inputs.segmented import Choice


class ComboBox(QComboBox):
    """A drop-down list, by value. The mouse wheel scrolls the surrounding form instead of changing the choice.

    `chosen` is emitted when the user chooses, not by `set_value`.
    """

    chosen = Signal(object)

    def __init__(self, choices: Sequence[Choice] = (), *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices: tuple[Choice, ...] = ()
        self._opened = False
        self.setMaxVisibleItems(14)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(4)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.activated.connect(self._on_activated)
        self.set_choices(choices)

    def choices(self) -> tuple[Choice, ...]:
        return self._choices

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """Set the choices; none is selected until `set_value`."""
        self._choices = tuple(choices)
        self.clear()
        for index, choice in enumerate(self._choices):
            self.addItem(choice.label)
            self.setItemData(index, choice.help, Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(-1)

    def value(self) -> object:
        """The selected value, or None."""
        index = self.currentIndex()
        return self._choices[index].value if index >= 0 else None

    def set_value(self, value: object, *, placeholder: str = "") -> None:
        """Select a value; one that is not in the list shows the placeholder ("mixed")."""
        self.setPlaceholderText(placeholder)
        self.setCurrentIndex(self._index(value))
        set_state(self, "mixed", bool(placeholder) and self.currentIndex() < 0)

    def choose(self, value: object) -> None:
        """Choose like a user: select and emit `chosen`. Raises `KeyError` for a value that is not in the list."""
        index = self._index(value)
        if index < 0:
            raise KeyError(value)
        self.setCurrentIndex(index)
        self.activated.emit(index)

    def set_mark(self, mark: str) -> None:
        """Set the border colour of a hint or an error ("" for none)."""
        set_state(self, "mark", mark)

    def _index(self, value: object) -> int:
        same = (index for index, choice in enumerate(self._choices) if choice.value == value)
        return next(same, -1)

    def _on_activated(self, index: int) -> None:
        self.chosen.emit(self._choices[index].value)

    def sizeHint(self) -> QSize:
        return QSize(120, super().sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)  # like QComboBox, but with an ellipsis for long texts
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        if self.currentIndex() < 0 and self.placeholderText():
            option.currentText = self.placeholderText()
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, self)
        painter.setFont(self.font())
        option.currentText = fitted(painter, option.currentText, room.adjusted(0, 0, -2, 0), self)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def showPopup(self) -> None:
        if not self._opened:  # Qt makes the list when it is given a delegate: two milliseconds for each field of a form
            self._opened = True
            self.setItemDelegate(QStyledItemDelegate(self))  # the plain one does not ask the stylesheet
        super().showPopup()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()
