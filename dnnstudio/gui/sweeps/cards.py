"""What is varied: a card a field with its list or its range, and the menu that adds one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from dnnstudio.gui.sweeps.suggesting import Mode, Suggestion
from dnnstudio.gui.theme import Role, Theme, set_role
from dnnstudio.gui.widgets import Card, Choice, MiniButton, Segmented, label

MODES = (
    Choice("list", "List", "Each of these values"),
    Choice("range", "Even", "Any number between two, drawn evenly"),
    Choice("log", "Log", "Any number between two, its logarithm drawn evenly"),
)

FIRST, ANOTHER = "Vary a setting…", "Vary something else…"


class VariedCard(Card):
    """One field and its values. `changed` when something was typed or chosen; `removed` for the cross."""

    changed = Signal()
    removed = Signal()

    def __init__(self, theme: Theme, suggestion: Suggestion, parent: QWidget | None = None) -> None:
        super().__init__(theme, suggestion.title, margin=10, parent=parent)
        self.setObjectName(f"varied_{suggestion.path}")
        self.path, self.title = suggestion.path, suggestion.title
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        cross = MiniButton(theme, "x", f"Vary {suggestion.title.lower()} no longer", size=14)
        cross.setObjectName(f"remove_{suggestion.path}")
        cross.clicked.connect(self.removed)
        self.head.add(cross)
        self.add(label(suggestion.path, Role.CAPTION))
        self.mode = Segmented(theme, MODES if suggestion.number else MODES[:1])
        self.mode.setAccessibleName("List or range")
        self.mode.set_value(suggestion.mode)
        self.mode.chosen.connect(self._show_mode)
        self.mode.setVisible(suggestion.number)
        self.values = self._field("Values, with commas between", suggestion.values)
        self.low = self._field("From", suggestion.low)
        self.high = self._field("To", suggestion.high)
        self._range = QWidget()
        row = QHBoxLayout(self._range)
        row.setContentsMargins(0, 0, 0, 0)
        for words, field in (("from", self.low), ("to", self.high)):
            row.addWidget(label(words, Role.FORM))
            row.addWidget(field, 1)
        for part in (self.mode, self.values, self._range):
            self.add(part)
        self._show_mode()

    def _field(self, name: str, text: str) -> QLineEdit:
        field = QLineEdit(text)
        field.setAccessibleName(f"{self.title}: {name}")
        field.setToolTip(name)
        field.textChanged.connect(lambda _: self.changed.emit())
        return field

    def _show_mode(self, _: object = None) -> None:
        is_list = self.mode.value() == "list"
        self.values.setVisible(is_list)
        self._range.setVisible(not is_list)
        self.changed.emit()

    @property
    def is_range(self) -> bool:
        """Whether the values are drawn from a range."""
        return self.mode.value() != "list"

    @property
    def content(self) -> Suggestion:
        """All that stands in the card, for one that is made anew."""
        mode: Mode = "log" if self.mode.value() == "log" else "range" if self.is_range else "list"
        texts = self.values.text(), self.low.text(), self.high.text()
        return Suggestion(self.path, self.title, mode, *texts, number=not self.mode.isHidden())

    @property
    def text(self) -> str:
        """What is varied, as the command line writes it: "optimizer.learning_rate=log:0.001..0.1"."""
        if not self.is_range:
            return f"{self.path}={self.values.text().strip()}"
        log = "log:" if self.mode.value() == "log" else ""
        return f"{self.path}={log}{self.low.text().strip()}..{self.high.text().strip()}"


class VariedList(QWidget):
    """The cards. `changed` with any of them; `wished(path)` for a field chosen in the menu."""

    changed = Signal()
    wished = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.cards: list[VariedCard] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self.add_button = QToolButton()
        self.add_button.setObjectName("vary_more")
        self.add_button.setToolTip("Choose a field to vary. Every field's own menu has Vary… too.")
        set_role(self.add_button, Role.OUTLINE)
        self.add_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.add_button.setProperty("menu", "true")
        self.add_button.setMenu(QMenu(self.add_button))
        self._column.addWidget(self.add_button)
        self._fields: tuple[tuple[str, str], ...] = ()
        self._show_menu()

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(card.path for card in self.cards)

    def add(self, suggestion: Suggestion) -> VariedCard:
        """Add a card; a field that has one keeps it."""
        for card in self.cards:
            if card.path == suggestion.path:
                return card
        card = VariedCard(self._theme, suggestion)
        card.changed.connect(self.changed)
        card.removed.connect(lambda: self.remove(card))
        self._column.insertWidget(len(self.cards), card)
        self.cards.append(card)
        self._show_menu()
        self.changed.emit()
        return card

    def remove(self, card: VariedCard) -> None:
        """Take a card away."""
        self.cards.remove(card)
        card.hide()
        card.deleteLater()
        self._show_menu()
        self.changed.emit()

    def clear(self) -> None:
        """Take all cards away."""
        for card in tuple(self.cards):
            self.remove(card)

    def offer(self, fields: Sequence[tuple[str, str]]) -> None:
        """The fields of the menu, path and title; it lists those that have no card yet."""
        self._fields = tuple(fields)
        self._show_menu()

    def _show_menu(self) -> None:
        self.add_button.setText(ANOTHER if self.cards else FIRST)
        menu = self.add_button.menu()
        menu.clear()
        for path, title in self._fields:
            if path in self.paths:
                continue
            action = menu.addAction(title)
            action.setObjectName(f"vary_{path}")
            action.setToolTip(path)
            action.triggered.connect(lambda _=False, path=path: self.wished.emit(path))
