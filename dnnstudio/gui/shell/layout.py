"""The layout of the panels: three columns, wide or narrow.

Panels built after the first paint are inserted later: until then an empty card with their title keeps the place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.gui.runs.panel import RunsPanel
from dnnstudio.gui.theme import Theme, set_state
from dnnstudio.gui.widgets import Card, Tabs
from dnnstudio.gui.widgets.card import FIELD_HEAD

if TYPE_CHECKING:
    from dnnstudio.gui.plots.cards.rate_card import RateCard

RATE = "Learning rate"
"""The title of the card that a field may come into."""
GAP = 8
QWIDGETSIZE_MAX = 16_777_215
NARROW_WIDTH, NARROW_HEIGHT = 1280, 820
WIDE_COLUMNS = (344, 320)
NARROW_COLUMNS = (264, 272)
NARROW_RUNS = 230
"""Height of the unfolded runs in a small window, where they take the place of learning rate and result."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The panels that are laid out."""

    data: QWidget
    stack: QWidget
    inspector: QWidget
    runs: RunsPanel
    tabs: tuple[tuple[str, str, str], ...]
    """Name, title and tooltip."""
    plots: tuple[tuple[str, str], ...]
    """Name and title of the four cards in the centre, in the order of reading."""


def is_narrow(width: int, height: int) -> bool:
    """Whether a window of that size gets the narrow layout."""
    return width < NARROW_WIDTH or height < NARROW_HEIGHT


def _page() -> tuple[QWidget, QVBoxLayout]:
    """The page of a tab, with a card's margins."""
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(12, 12, 12, 12)
    return holder, column


def _empty_card(theme: Theme, title: str) -> Card:
    """What keeps the place of a plot."""
    card = Card(theme, title)
    card.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
    card.body.addStretch(1)
    card.head.setMinimumHeight(FIELD_HEAD if title == RATE else card.head.minimumHeight())
    return card


class _Share(Card):
    """A card that gets its share of a column whatever is in it: a column asks for the height of content that wraps, and
    takes that for the least height.
    """

    def hasHeightForWidth(self) -> bool:
        return False


class Body(QWidget):
    """Left data and stack, centre plots and runs, right the forms."""

    def __init__(self, theme: Theme, parts: Parts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parts = parts
        self.plots: dict[str, QWidget] = {name: _empty_card(theme, title) for name, title in parts.plots}
        self._pages: dict[str, QVBoxLayout] = {}
        self._rate: RateCard | None = None
        self._narrow: bool | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(GAP, GAP, GAP, GAP)
        row.setSpacing(GAP)
        self._left, left = self._column()
        left.addWidget(parts.data)
        left.addWidget(parts.stack, 1)
        self._centre = QWidget()
        self._grid = QGridLayout(self._centre)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GAP)
        self._right, self._right_column = self._column()
        self._inspector_card = _Share(theme)
        self._inspector_card.setObjectName("inspector_card")
        self._layer_page, self._layer_column = _page()
        self.tabs = Tabs(margin=12)
        self.tabs.add("layer", "Layer", self._layer_page, tip="The selected layers")
        for name, title, tip in parts.tabs:
            holder, self._pages[name] = _page()
            self.tabs.add(name, title, holder, tip=tip)
        self._tabs_card = _Share(theme, margin=0)
        self._tabs_card.setObjectName("tabs_card")
        self._tabs_card.add(self.tabs, 1)
        for card, stretch in ((self._inspector_card, 11), (self._tabs_card, 10)):
            card.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)  # so that nothing moves
            self._right_column.addWidget(card, stretch)
        row.addWidget(self._left)
        row.addWidget(self._centre, 1)
        row.addWidget(self._right)
        parts.runs.folded_changed.connect(self._make_room)
        self.set_narrow(False)
        self.tabs.set_current(parts.tabs[0][0])

    @staticmethod
    def _column() -> tuple[QWidget, QVBoxLayout]:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        return holder, column

    # ------------------------------------------------------------------------------------------ what comes later

    def put_plot(self, name: str, card: QWidget) -> None:
        """Replace the placeholder in the centre by the card."""
        before = self.plots[name]
        self.plots[name] = card
        self._grid.replaceWidget(before, card)
        card.setVisible(not before.isHidden())
        before.hide()
        before.deleteLater()
        self._grid.activate()  # together, so that no paint in between shows a gap

    def put_rate(self, card: RateCard) -> None:
        """Insert the card of the learning rate; it follows the layout."""
        self._rate = card
        card.set_compact(self.narrow)
        self.put_plot("rate", card)

    def put_page(self, name: str, page: QWidget) -> None:
        """Fill the page of a tab."""
        self._pages[name].addWidget(page)

    # ------------------------------------------------------------------------------------------ wide or narrow

    @property
    def columns(self) -> tuple[QWidget, QWidget, QWidget]:
        """In the order of Tab: data and layers, then their forms, then what became of them."""
        return self._left, self._right, self._centre

    @property
    def narrow(self) -> bool:
        return bool(self._narrow)

    def show_layer(self) -> None:
        """Show the layer form, if it is a tab."""
        if self.narrow:
            self.tabs.set_current("layer")

    def set_narrow(self, narrow: bool) -> None:
        """Switch between the narrow and the wide layout."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        set_state(self.tabs.bar, "narrow", narrow)
        if self._rate is not None:
            self._rate.set_compact(narrow)
        left, right = NARROW_COLUMNS if narrow else WIDE_COLUMNS
        self._left.setFixedWidth(left)
        self._right.setFixedWidth(right)
        self._place_inspector(narrow)
        self._place_plots(narrow)

    def _place_inspector(self, narrow: bool) -> None:
        inspector = self._parts.inspector
        if narrow:
            self._layer_column.addWidget(inspector)
        else:
            self._inspector_card.add(inspector, 1)
        inspector.show()
        self._inspector_card.setVisible(not narrow)
        current = self.tabs.current()
        self.tabs.set_visible("layer", narrow)
        if not narrow and current == "layer":
            self.tabs.set_current(self._parts.tabs[0][0])

    def _place_plots(self, narrow: bool) -> None:
        runs, grid = self._parts.runs, self._grid
        loss, accuracy, rate, result = self.plots.values()
        for widget in (loss, accuracy, rate, result, runs):
            grid.removeWidget(widget)
        for line in range(4):
            grid.setRowStretch(line, 0)
        if narrow:
            grid.addWidget(loss, 0, 0, 1, 2)
            grid.addWidget(accuracy, 1, 0, 1, 2)
            grid.addWidget(rate, 2, 0)
            grid.addWidget(result, 2, 1)
            grid.addWidget(runs, 3, 0, 1, 2)
            stretches = (19, 19, 15, 0)
        else:
            grid.addWidget(loss, 0, 0)
            grid.addWidget(accuracy, 0, 1)
            grid.addWidget(rate, 1, 0)
            grid.addWidget(result, 1, 1)
            grid.addWidget(runs, 2, 0, 1, 2)
            stretches = (35, 21, 19, 0)
        for line, stretch in enumerate(stretches):
            grid.setRowStretch(line, stretch)
        self._make_room()
        runs.setMaximumHeight(NARROW_RUNS if narrow else QWIDGETSIZE_MAX)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)

    def _make_room(self) -> None:
        """A small window has room for either the table of runs or learning rate and result."""
        crowded = self.narrow and not self._parts.runs.folded
        for widget in list(self.plots.values())[2:]:
            widget.setVisible(not crowded)
        if self.narrow:
            self._grid.setRowStretch(2, 0 if crowded else 15)
