"""The card of the network that follows the data: the layers that change, and whether the person's own layers stay."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.planning.following import LayerLine
from dnnstudio.core.text import count_of
from dnnstudio.gui.theme import Role, Theme, set_role
from dnnstudio.gui.widgets import Badge, Card, Choice, ElidedLabel, IconLabel, Segmented, label
from dnnstudio.gui.widgets.windows.fit_scroll import FitScroll

CHOICES = (
    Choice("new", "New network", "A network that suits the data, with its optimizer and its epochs."),
    Choice("kept", "My layers", "The layers stay; the output follows what is predicted."),
)


class NetworkCard(Card):
    """`kept_chosen(bool)`: whether the person wants to keep their own layers."""

    kept_chosen = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Network", icon="stack", parent=parent, margin=16)
        self.setObjectName("network_card")
        self._theme = theme
        self._shown: tuple[LayerLine, ...] = ()
        self._rows: list[QWidget] = []
        self.head.add(Badge("FOLLOWS THE DATA", tone="accent"))
        self.choice = Segmented(theme, CHOICES, fill=True)
        self.choice.setObjectName("network_choice")
        self.choice.setAccessibleName("Which layers")
        self.choice.chosen.connect(lambda value: self.kept_chosen.emit(value == "kept"))
        self._inside = QWidget()
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self._note = label("", Role.CAPTION, wrap=True)
        self.add(self.choice)
        self.add(FitScroll(self._inside), 1)
        self.add(self._note)

    def show_network(self, lines: Sequence[LayerLine], *, kept: bool, can_keep: bool) -> None:
        """The layers that change; all of them where the network is new."""
        self.choice.setVisible(can_keep)
        self.choice.set_value("kept" if kept else "new")
        shown = tuple(line for line in lines if line.changed or not kept)
        self._note.setText("The layers between stay as they are." if kept and len(shown) < len(lines) else "")
        self._note.setVisible(bool(self._note.text()))
        if shown == self._shown:
            return
        self._shown = shown
        for row in self._rows:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = [_layer_row(self._theme, line) for line in shown]
        for row in self._rows:
            self._column.addWidget(row)
        self._inside.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(296, 56 + 48 * len(self._shown) + (36 if not self.choice.isHidden() else 0))


def _layer_row(theme: Theme, line: LayerLine) -> QWidget:
    card = QFrame()
    set_role(card, Role.CARD)
    card.setFixedHeight(44)
    card.setAccessibleName(
        f"{line.title}: {line.caption}, {count_of(line.parameters, 'parameter')}, output {line.width}"
    )
    row = QHBoxLayout(card)
    row.setContentsMargins(8, 4, 10, 4)
    row.setSpacing(8)
    tile = QFrame()
    set_role(tile, Role.TILE)
    tile.setFixedSize(28, 28)
    inner = QHBoxLayout(tile)
    inner.setContentsMargins(0, 0, 0, 0)
    inner.addWidget(IconLabel(theme, line.icon, size=16), 0, Qt.AlignmentFlag.AlignCenter)
    row.addWidget(tile)
    words = QVBoxLayout()
    words.setSpacing(0)
    words.addWidget(ElidedLabel(line.title, Role.NAME))
    words.addWidget(ElidedLabel(line.caption, Role.CAPTION))
    row.addLayout(words, 1)
    figures = QVBoxLayout()
    figures.setSpacing(0)
    for text, role in ((f"{line.parameters:,}", Role.NUMBER), (f"→ {line.width}", Role.CAPTION)):
        figure = label(text, role)
        figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        figures.addWidget(figure)
    row.addLayout(figures)
    return card
