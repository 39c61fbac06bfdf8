"""The learning-rate range test: its curve while it runs, its suggestions, and applying them with one click."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.analysis.lr_range_test import cycle_maximum, rounded, with_constant, with_one_cycle
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.optimizers import Optimizer
from dnnstudio.core.jobs.events import RateTested
from dnnstudio.core.jobs.results import FoundRate
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.plots.rate_plot import RatePlot
from dnnstudio.gui.plots.sentences import short_number
from dnnstudio.gui.theme import Role, Theme, set_help, set_reason
from dnnstudio.gui.widgets import Card, Dialog, Limits, NumberField, Steps, label, push_button

TEACHES = (
    "A copy of the network trains while the rate grows from step to step. A good rate lies where the loss still falls "
    "steeply, well before it climbs; drag the line to choose another."
)


class RateDialog(Dialog):
    """Follows one test. Each application is one undo step; `test_requested` to repeat the test."""

    test_requested = Signal()
    failed = Signal(object)

    def __init__(self, theme: Theme, document: Document, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rate_dialog")
        self.setWindowTitle("Find learning rate")
        self.setMinimumSize(640, 480)
        self.resize(760, 560)
        self._document = document
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        self.headline = label("Find the learning rate", Role.HEADLINE, wrap=True)
        self.headline.setObjectName("rate_headline")
        column.addWidget(self.headline)
        column.addWidget(label(TEACHES, Role.CAPTION, wrap=True))
        self.plot = RatePlot(theme)
        self.plot.rate_chosen.connect(self._on_dragged)
        card = Card(theme)
        card.add(self.plot, 1)
        column.addWidget(card, 1)
        column.addLayout(self._suggestion_row(theme))
        column.addLayout(self._button_row())
        self._set_rate(None)

    def _suggestion_row(self, theme: Theme) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        words = label("Rate", Role.FORM)
        self.field = NumberField(theme, title="The rate", limits=Limits(gt=0, le=1e6), steps=Steps.FACTOR, arrows=True)
        self.field.setObjectName("chosen_rate")
        self.field.setAccessibleName("Chosen learning rate")
        self.field.setToolTip("The rate to use: type it, take a suggestion, or drag the line in the plot.")
        self.field.setFixedWidth(104)
        self.field.committed.connect(self._on_typed)
        self.field.textEdited.connect(self._on_edited)
        words.setBuddy(self.field)
        self.lowest = push_button("", tip="A tenth of the rate at which the loss is lowest: the usual choice.")
        self.lowest.setObjectName("use_tenth_of_lowest")
        self.lowest.clicked.connect(self._propose)
        self.steepest = push_button("", tip="The rate at which the loss falls fastest.")
        self.steepest.setObjectName("use_steepest")
        self.steepest.clicked.connect(lambda: self._choose(self._steep))
        self._tenth: float | None = None
        self._steep: float | None = None
        self._own = False
        """Whether the person chose the rate; else each button uses the proposal that suits it."""
        for widget in (words, self.field, self.lowest, self.steepest):
            row.addWidget(widget)
        row.addStretch(1)
        return row

    def _button_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.again = push_button("Test again", tip="Do the test once more with the experiment as it is now.")
        self.again.setObjectName("test_again")
        self.again.clicked.connect(self.test_requested)
        self.constant = push_button("Use as constant")
        self.constant.setObjectName("use_constant")
        self.constant.clicked.connect(self._use_constant)
        self.one_cycle = push_button("Use as the maximum of 1cycle", Role.PRIMARY)
        self.one_cycle.setObjectName("use_one_cycle")
        self.one_cycle.clicked.connect(self._use_one_cycle)
        self.field.entered.connect(self.one_cycle.click)
        self.close_button = close = push_button("Close")
        close.setObjectName("close")
        close.clicked.connect(self.reject)
        row.addWidget(self.again)
        row.addStretch(1)
        for widget in (close, self.constant, self.one_cycle):
            row.addWidget(widget)
        return row

    # ------------------------------------------------------------------------------------------ the test

    def begin(self, *, waiting: bool = False) -> None:
        """A test is running."""
        self.plot.clear()
        self._tenth = self._steep = None
        self._own = False
        self._set_rate(None)
        set_reason(self.again, "The test is under way.")
        self.close_button.setFocus(Qt.FocusReason.OtherFocusReason)
        self.headline.setText("Waiting for the training to end" if waiting else "Testing rates …")

    def add(self, event: RateTested) -> None:
        """Add steps of the test."""
        self.plot.add(event.rates, event.losses)
        self.headline.setText(f"Testing rates: {short_number(float(event.rates[-1]))}")

    def show_found(self, found: FoundRate) -> None:
        """The test has finished."""
        set_reason(self.again)
        self._tenth = None if found.tenth_of_lowest is None else rounded(found.tenth_of_lowest)
        self._steep = None if found.steepest is None else rounded(found.steepest)
        self.plot.show_found(found)
        self.headline.setText(sentence_of(found, self._document.experiment.optimizer))
        self._propose()
        if self.focusWidget() in (None, self.close_button) and self.field.isEnabled():
            self.field.setFocus(Qt.FocusReason.OtherFocusReason)  # Return takes the rate

    def show_failure(self, message: str, hint: str) -> None:
        """The test has failed."""
        set_reason(self.again)
        self.headline.setText(f"{message} {hint}".strip() or "The test was stopped.")

    # ------------------------------------------------------------------------------------------ the choice

    @property
    def rate(self) -> float | None:
        """The chosen rate."""
        value = self.field.value()
        return None if value is None else float(value)

    @property
    def constant_rate(self) -> float | None:
        """What "Use as constant" sets: the person's rate, else a tenth of the rate at which the loss is lowest."""
        return self.rate if self._own else self._tenth

    @property
    def maximum_rate(self) -> float | None:
        """What "Use as the maximum of 1cycle" sets: the person's rate, else half of the one with the lowest loss."""
        if self._own or self._tenth is None:
            return self.rate
        return cycle_maximum(self._tenth, self._document.experiment.optimizer)

    def _choose(self, rate: float | None) -> None:
        self._own = rate is not None
        self._set_rate(rate)

    def _propose(self) -> None:
        """What was proposed at first: each button its own rate, as the headline says."""
        self._own = False
        self._set_rate(self._tenth)

    def _set_rate(self, rate: float | None) -> None:
        self.field.set_value(rate)
        set_reason(self.field, "" if rate is not None or self._tenth is not None else "No rate is found yet.")
        self._show_choice()

    def _show_choice(self) -> None:
        rate = self.rate
        self.plot.set_choice(rate)
        mine = "the rate that you chose"
        for button, value, words, why in (
            (
                self.constant,
                self.constant_rate,
                "Use {} as constant",
                "a tenth of the rate at which the loss is lowest: safe from the first step to the last",
            ),
            (
                self.one_cycle,
                self.maximum_rate,
                "Use {} as the maximum of 1cycle",
                "half of the rate at which the loss is lowest, for the cycle is there for a moment only, "
                f"and no more than is usual with {self._document.experiment.optimizer.label}",
            ),
        ):
            button.setText(words.format(short_number(value) if value is not None and rate is not None else "it"))
            set_help(button, f"{(mine if self._own else why).capitalize()}. Ctrl+Z takes it back.")
            set_reason(button, "" if rate is not None and value is not None else "No rate is chosen yet.")
        for button, value, words in (
            (self.lowest, self._tenth, "Lowest / 10"),
            (self.steepest, self._steep, "Steepest"),
        ):
            button.setVisible(value is not None)
            button.setText(f"{words}: {short_number(value)}" if value is not None else "")

    def _on_typed(self, value: object) -> None:
        self._own = isinstance(value, int | float)
        self._show_choice()

    def _on_edited(self, _: str) -> None:
        """A rate that is typed is meant, also where it is the proposed one."""
        if self.rate is not None:
            self._own = True
            self._show_choice()

    def _on_dragged(self, rate: float) -> None:
        self._choose(rounded(rate))

    def _use_one_cycle(self) -> None:
        if (rate := self.maximum_rate) is not None:
            self._use(lambda: with_one_cycle(self._document.experiment, rate), f"Use {rate:g} as 1cycle's maximum")

    def _use_constant(self) -> None:
        if (rate := self.constant_rate) is not None:
            self._use(lambda: with_constant(self._document.experiment, rate), f"Use the rate {rate:g}")

    def _use(self, edit: object, text: str) -> None:
        assert callable(edit)
        try:
            self._document.push(edit(), text)
        except (UserError, ValueError) as error:
            self.failed.emit(error if isinstance(error, UserError) else UserError(str(error), "Choose another rate."))
            return
        self.accept()

    # ------------------------------------------------------------------------------------------ Qt

    def closeEvent(self, event: QCloseEvent) -> None:
        event.accept()
        self.done(Dialog.DialogCode.Rejected)

    def keyPressEvent(self, event: object) -> None:
        if getattr(event, "key", lambda: None)() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return  # the field handles it
        super().keyPressEvent(event)  # type: ignore[arg-type]


def sentence_of(found: FoundRate, optimizer: Optimizer) -> str:
    """The result of the test with its figures."""
    if found.tenth_of_lowest is None or found.steepest is None:
        return "The loss never fell clearly, so there is no rate to suggest."
    rate = rounded(found.tenth_of_lowest)
    end = (
        f"the loss exploded at {short_number(rounded(float(found.rates[-1])))}"
        if found.exploded
        else f"the loss had not exploded at {short_number(rounded(float(found.rates[-1])))}"
    )
    highest = short_number(cycle_maximum(rate, optimizer))
    return f"About {short_number(rate)} is a good constant rate, about {highest} a maximum for 1cycle; {end}."
