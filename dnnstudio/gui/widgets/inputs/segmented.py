"""The segmented control: a choice of two or three options, all visible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from dnnstudio.gui.theme import Role, Theme, set_role


@dataclass(frozen=True, slots=True)
class Choice:
    """One option: its value, its label, and a sentence about it."""

    value: object
    label: str
    help: str = ""
    icon: str = ""


class Segmented(QFrame):
    """A choice of a few options. `chosen` is emitted when the user chooses, not by `set_value`.

    Tab reaches the selected segment; the arrow keys move from there.
    """

    chosen = Signal(object)

    def __init__(self, theme: Theme, choices: Sequence[Choice], *, fill: bool = False, parent: QWidget | None = None):
        super().__init__(parent)
        set_role(self, Role.SEGMENTED)
        self._choices = tuple(choices)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(2)
        for index, choice in enumerate(self._choices):
            button = QToolButton()
            set_role(button, Role.SEGMENT)
            button.setText(choice.label)
            button.setToolTip(choice.help)
            button.setAccessibleName(choice.label)
            button.setObjectName(f"segment_{choice.value}")
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setSizePolicy(
                QSizePolicy.Policy.Expanding if fill else QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed
            )
            if choice.icon:
                button.setIcon(theme.icon(choice.icon, on="accent"))
                button.setIconSize(QSize(14, 14))
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            self._group.addButton(button, index)
            row.addWidget(button)
        self.setFixedHeight(28)
        self.setSizePolicy(
            QSizePolicy.Policy.Expanding if fill else QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed
        )
        self._group.idToggled.connect(self._on_toggled)
        self._showing = False

    def choices(self) -> tuple[Choice, ...]:
        return self._choices

    def value(self) -> object:
        """The selected value, or None (differing values)."""
        index = self._group.checkedId()
        return self._choices[index].value if index >= 0 else None

    def set_value(self, value: object) -> None:
        """Select a value; one that is not among the options leaves all unselected."""
        self._showing = True
        found = [index for index, choice in enumerate(self._choices) if choice.value == value]
        if found:
            self._group.button(found[0]).setChecked(True)
        else:
            self._group.setExclusive(False)
            for button in self._group.buttons():
                button.setChecked(False)
            self._group.setExclusive(True)
        self._showing = False
        self._let_tab_reach_one()

    def button(self, value: object) -> QToolButton:
        """The segment of a value. Raises `KeyError`."""
        for index, choice in enumerate(self._choices):
            if choice.value == value:
                found = self._group.button(index)
                assert isinstance(found, QToolButton)
                return found
        raise KeyError(value)

    def _let_tab_reach_one(self) -> None:
        """Make Tab stop only at the selected segment, as Qt does by itself once one has had the focus."""
        stop = max(self._group.checkedId(), 0)
        for index, button in enumerate(self._group.buttons()):
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus if index == stop else Qt.FocusPolicy.ClickFocus)

    def _on_toggled(self, index: int, checked: bool) -> None:
        if checked:
            self._let_tab_reach_one()
        if checked and not self._showing:
            self.chosen.emit(self._choices[index].value)
