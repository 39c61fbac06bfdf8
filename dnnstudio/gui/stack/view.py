"""The layer card: head, list, add button, and totals."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QMenu, QSizePolicy, QWidget

from dnnstudio.core.analysis.checks import Problem
from dnnstudio.core.experiment.edits import with_layers
from dnnstudio.core.experiment.layers import WeightedLayer
from dnnstudio.core.experiment.shapes import infer_shapes, totals
from dnnstudio.core.planning.phases import held
from dnnstudio.core.planning.pretraining import trained_experiment
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.stack_commands import StackCommands
from dnnstudio.gui.stack.added_list import AddedList
from dnnstudio.gui.stack.list_view import LayerList
from dnnstudio.gui.stack.ring import ring_at_current
from dnnstudio.gui.stack.rows import Identity
from dnnstudio.gui.stack.start_line import StartLine
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import Card, MiniButton, label, push_button, rule
from dnnstudio.gui.widgets.advice_list import AdviceList
from dnnstudio.gui.widgets.windows.fit_scroll import FitScroll

if TYPE_CHECKING:
    from dnnstudio.core.experiment.summary_table import SummaryTable
    from dnnstudio.gui.stack.add_menu import AddMenu

NO_LAYERS = "The network has no layers yet."
LIST_FRAME = 2
"""The stylesheet's list border, which is hidden here: each card shows the focus itself."""
SMALLEST_LIST = 100
SMALLEST_ADVICE = 46
"""Minimum height of the advice, which is scrolled rather than clipped if there is little room."""
ERROR_ADVICE = 104
"""The same where an error keeps the network from being trained: its title and its fix are in sight."""
ALWAYS = 225
"""Height of what is always there: margins, head, the smallest list, the totals, and what lies between them."""
LINE = 38
"""Height of the line over the cards and of the button under them, with the gap."""
LOW = 380
"""A card that is lower gives its room to the cards: the head's plus stands for the button underneath."""


def _concerns_the_stack(problem: Problem) -> bool:
    """What is said of the stack as a whole, and all that keeps the network from being trained, wherever it lies."""
    return problem.place == "layers" or problem.severity == "error"


class LayerStackView(Card):
    """The layer stack of `document`.

    `failed` carries a `UserError` for the message bar; `summary_requested` asks for the table of all layers,
    `settings_requested` for the form of the selected ones, `transfer_requested` for the dialog of reused layers.
    """

    failed = Signal(object)
    settings_requested = Signal()
    summary_requested = Signal()
    transfer_requested = Signal()

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Layers", icon="stack", parent=parent)
        self.setObjectName("layer_stack")
        self._document = document
        self._theme = theme
        self._index = 0
        self._held: frozenset[str] = frozenset()
        self.list = LayerList(document, theme)
        ring_at_current(self.list)
        self.list.failed.connect(self.failed)
        self.list.settings_requested.connect(self.settings_requested)
        self.list.add_requested.connect(self.show_add_menu)
        self._make_head()
        self._make_body()
        document.experiment_changed.connect(self._refresh)
        document.summary_changed.connect(self._refresh)
        self._refresh()

    @cached_property
    def add_menu(self) -> AddMenu:
        """The menu of layers, created when first opened."""
        from dnnstudio.gui.stack.add_menu import AddMenu

        menu = AddMenu(self._theme, self)
        menu.chosen.connect(self._add)
        return menu

    @property
    def commands(self) -> StackCommands:
        """The edits of the stack, for other menus."""
        return self.list.commands

    def take_focus(self) -> None:
        """Focus the cards, with one of them selected; the add button if there are none."""
        layers = self._document.experiment.layers
        if not layers:
            self.add_button.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return
        if not self._document.selection:
            self._document.select([layers[0].id])
        self.list.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def set_identities(self, identities: Mapping[str, Identity]) -> None:
        """Set the origin of the layers' weights, by id: badges, fingerprints and tooltips."""
        self.list.layers.set_identities(identities)

    def set_start(self, words: str, tip: str = "", *, reused: bool = True) -> None:
        """Set the text on what the network starts from or is pretrained with; "" hides the line.

        `reused` says that it is of reused layers, which the button of the line lets choose.
        """
        self.start.show_words(words, tip, can_edit=reused)
        self._fit_height()

    def set_phase(self, held: frozenset[str], words: str) -> None:
        """Show which layers the current phase freezes, and count accordingly; `words` name it ("phase 1 of 2")."""
        self._held = held
        self.list.layers.set_held(held)
        self.trainable_name.setText(f"Trainable in {words}" if words else "Trainable")
        self._refresh()

    def summary_table(self) -> SummaryTable:
        """The table of all layers, frozen as in the phase being trained."""
        from dnnstudio.core.experiment.summary_table import summary_table

        document, shape = self._document, self._document.summary.input_shape if self._document.summary else None
        experiment = trained_experiment(document.experiment, shape)
        if experiment is not document.experiment:  # pretraining puts other layers in the place of those above
            return summary_table(experiment, shape)
        if not self._held:
            return summary_table(experiment, shape, rows=document.shapes)
        return summary_table(with_layers(experiment, (held(layer, self._held) for layer in experiment.layers)), shape)

    def show_add_menu(self, index: int | None = None, position: QPoint | None = None) -> None:
        """Open the menu of layers; the chosen one is inserted at `index`; without one, after the selected layer and
        before the output.
        """
        self._index = self.commands.insertion_index() if index is None else index
        below = self.add_mini.mapToGlobal(QPoint(0, self.add_mini.height() + 4))
        self.add_menu.popup(position or below)

    def _make_head(self) -> None:
        self.add_mini = MiniButton(self._theme, "plus", "Add a layer after the chosen one, before the output (Insert)")
        self.add_mini.setObjectName("add_layer_mini")
        self.add_mini.clicked.connect(lambda: self.show_add_menu())
        self.more = MiniButton(self._theme, "dots-three", "More that can be done with layers")
        self.more.setObjectName("stack_menu")
        self.more.clicked.connect(self._show_menu)
        self.head.add(self.add_mini)
        self.head.add(self.more)

    def _make_body(self) -> None:
        self.start = StartLine(self._theme)
        self.start.edit_requested.connect(self.transfer_requested)
        self._frame = _Frame(self.list)
        self.added = AddedList(self._document, self._theme)
        self.added.changed.connect(self._fit_height)
        self.empty_message = label("Add a layer, paste some, or start from a recipe.", Role.CAPTION, wrap=True)
        self.advice = AdviceList(self._document, self._theme, _concerns_the_stack, foldable=True)
        self.advice.failed.connect(self.failed)
        self._advice_area = FitScroll(self.advice, smallest=SMALLEST_ADVICE)
        self.add_button = push_button("Add layer", Role.ADD, tip="Add a layer after the chosen one, before the output")
        self.add_button.setObjectName("add_layer_button")
        self.add_button.setIcon(self._theme.icon("plus"))
        self.add_button.setIconSize(QSize(14, 14))
        self.add_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.add_button.clicked.connect(self._add_by_button)
        self.trainable = label("", Role.NUMBER)
        self.trainable.setObjectName("trainable_total")
        self.non_trainable = label("", Role.NUMBER)
        self.non_trainable.setObjectName("non_trainable_total")
        totals = QGridLayout()
        totals.setContentsMargins(0, 0, 0, 0)
        totals.setVerticalSpacing(2)
        for line, (text, number, help) in enumerate(
            (
                ("Trainable", self.trainable, "Numbers that training changes."),
                ("Non-trainable", self.non_trainable, "Frozen weights and batch normalization's moving averages."),
            )
        ):
            name = label(text, Role.SMALL)
            for part in (name, number):
                part.setToolTip(help)
            number.setAccessibleName(f"{text} parameters")
            totals.addWidget(name, line, 0)
            totals.addWidget(number, line, 1, Qt.AlignmentFlag.AlignRight)
            if number is self.trainable:
                self.trainable_name = name
        self.body.setSpacing(8)
        self.add(self.start)
        self.add(self.empty_message)
        self.add(self._frame, 1000)
        self.add(self.added)
        self.add(self._advice_area)
        self.add(self.add_button)
        self.body.addStretch(1)
        self.add(rule())
        self.body.addLayout(totals)

    def _refresh(self, _: object = None) -> None:
        count = len(self._document.experiment.layers)
        self.head.set_count(f"{count:,}" if count else "")
        self.empty_message.setVisible(count == 0)
        self._frame.setVisible(count > 0)
        self.advice.refresh()
        self._advice_area.setVisible(bool(self.advice.problems))
        self.added.refresh()
        self._fit_height()
        trainable, non_trainable = self._trained_counts()
        kept = sum(row.trainable_count for row in self._document.shapes if row.layer.id in self._held)
        trainable, non_trainable = trainable - kept, non_trainable + kept
        self.trainable.setText(f"{trainable:,}")
        self.non_trainable.setText(f"{non_trainable:,}")

    def _trained_counts(self) -> tuple[int, int]:
        """Trainable and other parameters of what is trained: with the mirrored layers of an autoencoder."""
        document = self._document
        shape = document.summary.input_shape if document.summary is not None else None
        trained = trained_experiment(document.experiment, shape)
        if trained is document.experiment:
            return document.parameter_counts
        return totals(infer_shapes(trained.active_layers, shape))

    def _fit_height(self) -> None:
        """Where the card is low and has more to say than its layers, the button to add gives way."""
        starts = bool(self.start.words.text())
        adds = self.height() >= LOW or not (self.advice.problems or starts)
        self.add_button.setVisible(adds)
        room = self.height() - ALWAYS - LINE * (starts + adds)
        if self.added.count:
            self.added.set_room(max(room // 2, room + SMALLEST_LIST - self.list.content_height()))
            room -= self.added.height()
        errors = bool(self.advice.problems) and self.advice.problems[0].severity == "error"
        self._advice_area.set_limit(max(ERROR_ADVICE if errors else SMALLEST_ADVICE, room))

    def _add(self, kind: str) -> None:
        self.list.attempt(lambda: self.commands.add(kind, self._index))
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def _add_by_button(self) -> None:
        corner = self.add_button.mapToGlobal(QPoint(0, 0))
        self.show_add_menu(position=corner - QPoint(0, self.add_menu.height() + 4))

    def _show_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setObjectName("stack_menu_popup")
        self.fill_menu(menu)
        menu.popup(self.more.mapToGlobal(QPoint(0, self.more.height() + 4)))

    def fill_menu(self, menu: QMenu) -> None:
        """Put everything that the stack can do into `menu`: an Edit menu of the window may do the same."""
        layers = self._document.experiment.layers
        everything = menu.addAction("Select all layers", self.list.selectAll)
        set_reason(everything, "" if layers else NO_LAYERS)
        hidden = menu.addAction("Select the hidden layers that learn", self._select_hidden)
        learns = any(isinstance(layer, WeightedLayer) for layer in layers[:-1])
        set_reason(hidden, "" if learns else "The network has no hidden layer with weights.")
        table = menu.addAction("Summary table…", self.summary_requested.emit)
        table.setObjectName("summary_table_action")
        table.setToolTip("Every layer with its shape, parameters and arrays (Ctrl+I).")
        set_reason(table, "" if layers else NO_LAYERS)
        menu.addSeparator()
        self.list.fill_menu(menu)

    def _select_hidden(self) -> None:
        units = [
            layer.id for layer in self._document.experiment.active_layers if "kernel_initializer" in _fields(layer)
        ]
        self._document.select(units[:-1])

    # ------------------------------------------------------------------------------------------ Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_height()


class _Frame(QWidget):
    """Holds the list so that its stylesheet edge lies outside, and is never higher than the cards need."""

    def __init__(self, content: LayerList) -> None:
        super().__init__()
        self._content = content
        content.setParent(self)
        self.setMinimumHeight(min(SMALLEST_LIST, content.content_height()))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        content.content_height_changed.connect(self._fit)
        self._fit(content.content_height())

    def _fit(self, height: int) -> None:
        self.setMinimumHeight(min(SMALLEST_LIST, height))
        self.setMaximumHeight(max(height, 1))

    def sizeHint(self) -> QSize:
        return QSize(200, self._content.content_height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        edge = LIST_FRAME
        self._content.setGeometry(self.rect().adjusted(-edge, -edge, edge, edge))


def _fields(layer: object) -> Mapping[str, object]:
    return type(layer).model_fields  # type: ignore[attr-defined, no-any-return]
