"""One phase in the table of the transfer dialog."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Signal
from PySide6.QtGui import QContextMenuEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QWidget

from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS, AnyOptimizer
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import (
    Choice,
    ComboBox,
    ElidedLabel,
    Limits,
    MiniButton,
    NumberField,
    Steps,
    label,
    push_button,
)
from dnnstudio.gui.widgets.menus import add_usual

FIRST, LAST = "It is the first phase.", "It is the last phase."
HEIGHT = 36
WIDTHS = (34, 112, 64, 88, 156)
"""Number, frozen layers, epochs, learning rate, optimizer; what trains takes the rest."""


@dataclass(frozen=True, slots=True)
class PhaseFacts:
    """The contents of a row. `rate` is the effective learning rate; `own_rate` whether the phase sets it itself."""

    number: int
    count: int
    frozen: str
    freezes: bool
    frozen_tip: str
    epochs: int
    rate: float
    own_rate: bool
    optimizer: AnyOptimizer | None
    experiment_optimizer: str
    trains: str
    trains_tip: str
    current: bool


class PhaseRow(QWidget):
    """Fields for one phase. `changed(name, value)` for epochs, learning_rate and optimizer; the others are requests, as
    `vary_requested(name)` of a field that shall be varied.
    """

    changed = Signal(str, object)
    entered = Signal()
    freeze_requested = Signal()
    settings_requested = Signal()
    vary_requested = Signal(str)
    move_requested = Signal(int)
    remove_requested = Signal()

    def __init__(self, theme: Theme, number: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._facts: PhaseFacts | None = None
        place = f"phase_{number + 1}"
        self.setObjectName(place)
        self.setFixedHeight(HEIGHT)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 0, 6, 1)
        row.setSpacing(12)
        self._number = label("", Role.BODY)
        self.frozen = push_button("", Role.FIELD)
        self.frozen.setObjectName(f"{place}_frozen")
        self.frozen.setIconSize(QSize(14, 14))
        self.frozen.clicked.connect(self.freeze_requested)
        self.epochs = NumberField(
            theme, title="The number of epochs", integer=True, limits=Limits(ge=1, le=100_000), steps=Steps.COUNT
        )
        self.epochs.setObjectName(f"{place}_epochs")
        self.epochs.committed.connect(lambda value: self.changed.emit("epochs", value))
        self.rate = NumberField(theme, title="The learning rate", limits=Limits(gt=0, le=1e6), steps=Steps.FACTOR)
        self.rate.setObjectName(f"{place}_rate")
        self.rate.committed.connect(lambda value: self.changed.emit("learning_rate", float(value)))
        self.optimizer = ComboBox()
        self.optimizer.setObjectName(f"{place}_optimizer")
        self.optimizer.chosen.connect(self._on_optimizer)
        self.trains = ElidedLabel("", Role.BODY)
        self.trains.setObjectName(f"{place}_trains")
        self.more = MiniButton(theme, "dots-three", f"More for phase {number + 1}")
        self.more.setObjectName(f"{place}_more")
        self.more.clicked.connect(self._show_menu)
        for widget, width in zip(
            (self._number, self.frozen, self.epochs, self.rate, self.optimizer), WIDTHS, strict=True
        ):
            widget.setFixedWidth(width)
            row.addWidget(widget)
        row.addWidget(self.trains, 1)
        row.addWidget(self.more)
        for widget in (self.frozen, self.epochs, self.rate, self.optimizer, self.more):
            widget.installEventFilter(self)

    def show_facts(self, facts: PhaseFacts) -> None:
        """Show the present phase."""
        self._facts = facts
        words = f"phase {facts.number + 1}"
        self._number.setText(f"{facts.number + 1}")
        self.setAccessibleName(words.capitalize())
        self.frozen.setText(facts.frozen)
        self.frozen.setIcon(
            self._theme.icon("lock" if facts.freezes else "lock-open", "accent" if facts.freezes else "text2")
        )
        self.frozen.setToolTip(facts.frozen_tip)
        self.frozen.setAccessibleName(f"Layers frozen in {words}: {facts.frozen}")
        for field, value, name in ((self.epochs, facts.epochs, "Epochs"), (self.rate, facts.rate, "Learning rate")):
            field.setAccessibleName(f"{name} of {words}")
            if field.value() != value and not field.editing:
                field.set_value(value)
        self.epochs.setToolTip("How long this phase takes.")
        whose = "its own" if facts.own_rate else "the optimizer's"
        self.rate.setToolTip(f"The learning rate of this phase, {whose}.")
        self._show_optimizer(facts, words)
        self.trains.setText(facts.trains)
        self.trains.set_hint(facts.trains_tip)
        self.update()

    def _show_optimizer(self, facts: PhaseFacts, words: str) -> None:
        choices = [Choice("", f"As before ({facts.experiment_optimizer})", "The experiment's optimizer, begun anew.")]
        choices += [Choice(kind, cls.label, cls.help) for kind, cls in OPTIMIZER_KINDS.items()]
        if tuple(choices) != self.optimizer.choices():
            self.optimizer.set_choices(choices)
        self.optimizer.set_value("" if facts.optimizer is None else facts.optimizer.kind)
        self.optimizer.setAccessibleName(f"Optimizer of {words}")
        self.optimizer.setToolTip("Each phase begins with a fresh optimizer: the experiment's, or one of its own.")

    def _on_optimizer(self, kind: object) -> None:
        self.changed.emit("optimizer", OPTIMIZER_KINDS[str(kind)].new() if kind else None)

    def _show_menu(self) -> None:
        menu = self.make_menu()
        menu.popup(self.more.mapToGlobal(QPoint(0, self.more.height() + 4)))

    def make_menu(self) -> QMenu:
        """The menu of further commands for this phase."""
        assert self._facts is not None
        facts = self._facts
        menu = QMenu(self)
        first, last = facts.number == 0, facts.number + 1 == facts.count
        for name, text, reason, deed in (
            ("freeze_phase", "Frozen layers…", "", self.freeze_requested.emit),
            (
                "plain_rate",
                "Take the optimizer's rate",
                "" if facts.own_rate else "The phase takes it already.",
                lambda: self.changed.emit("learning_rate", None),
            ),
            (
                "optimizer_settings",
                "Optimizer settings…",
                "" if facts.optimizer is not None else "The phase has the experiment's optimizer.",
                self.settings_requested.emit,
            ),
            ("vary_epochs", "Vary the epochs…", "", lambda: self.vary_requested.emit("epochs")),
            ("vary_learning_rate", "Vary the learning rate…", "", lambda: self.vary_requested.emit("learning_rate")),
            ("move_phase_up", "Move up", FIRST if first else "", lambda: self.move_requested.emit(-1)),
            ("move_phase_down", "Move down", LAST if last else "", lambda: self.move_requested.emit(1)),
            ("remove_phase", "Remove", "", self.remove_requested.emit),
        ):
            action = menu.addAction(text)
            action.setObjectName(name)
            set_reason(action, reason)
            action.triggered.connect(lambda _=False, deed=deed: deed())
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def field_menu(self, name: str) -> QMenu:
        """The menu of a field, as the fields of every form have it."""
        menu = QMenu(self)
        menu.setObjectName("field_menu")
        action = menu.addAction("Vary…")
        action.setObjectName("vary_field")
        action.setToolTip("Apply this, and train with several values of this field, to see which is best.")
        action.triggered.connect(lambda: self.vary_requested.emit(name))
        return menu

    # ------------------------------------------------------------------------------------------ Qt

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusIn:
            self.entered.emit()
        if isinstance(event, QContextMenuEvent) and watched in (self.epochs, self.rate):
            menu = self.field_menu("epochs" if watched is self.epochs else "learning_rate")
            if isinstance(watched, QLineEdit):
                add_usual(menu, watched)
            menu.aboutToHide.connect(menu.deleteLater)
            menu.popup(event.globalPos())
            return True
        return super().eventFilter(watched, event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.entered.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._facts is not None and self._facts.current and self._facts.count > 1:
            painter.fillRect(self.rect(), self._theme.color("accent_soft"))
        painter.fillRect(0, self.height() - 1, self.width(), 1, self._theme.color("border"))
