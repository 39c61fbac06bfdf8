"""Asking for a number of epochs, and at which learning rates they are trained."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from dnnstudio.core.jobs.resume import Offer
from dnnstudio.core.planning.more_epochs import Way
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Dialog, Limits, NumberField, Steps, label, push_button


class CountDialog(Dialog):
    """How many epochs more, and at which rates: a choice wherever they are beyond the schedule's plan."""

    def __init__(
        self, theme: Theme, name: str, offers: Callable[[int], tuple[Offer, ...]], *, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("count_dialog")
        self.setWindowTitle("More epochs")
        self.setModal(True)
        self.setMinimumWidth(360)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label("More epochs", Role.DIALOG_TITLE))
        words = f"{name} goes on from where its weights and its optimizer stand, at the rates below."
        column.addWidget(label(words, Role.CAPTION, wrap=True))
        line = QHBoxLayout()
        title = label("Epochs", Role.FORM)
        self.count = NumberField(
            theme, title="The number of epochs", integer=True, limits=Limits(ge=1, le=100_000), steps=Steps.COUNT,
            arrows=True,
        )  # fmt: skip
        self.count.setObjectName("field_count")
        self.count.setAccessibleName("Epochs")
        self.count.set_value(10)
        title.setBuddy(self.count)
        line.addWidget(title)
        line.addWidget(self.count, 1)
        column.addLayout(line)
        self.problem = label("", Role.ERROR, wrap=True)
        self.count.problem_changed.connect(self.problem.setText)
        column.addWidget(self.problem)
        self._offers = offers
        self.ways = QButtonGroup(self)
        self.buttons: dict[Way, QRadioButton] = {}
        for way in Way:
            button = QRadioButton()
            button.setObjectName(f"way_{way.value}")
            self.ways.addButton(button)
            self.buttons[way] = button
            column.addWidget(button)
        self.sentence = label("", Role.CAPTION, wrap=True)
        self.sentence.setObjectName("added_rates")
        column.addWidget(self.sentence)
        self.ways.buttonClicked.connect(self._show_sentence)
        self.count.committed.connect(self._show_offers)
        row = QHBoxLayout()
        row.addStretch(1)
        cancel = push_button("Cancel")
        cancel.setObjectName("cancel")
        cancel.clicked.connect(self.reject)
        train = push_button("Train", Role.PRIMARY)
        train.setObjectName("apply")
        train.setDefault(True)
        train.clicked.connect(self._accept_if_fine)
        self.count.entered.connect(self._accept_if_fine)
        row.addWidget(cancel)
        row.addWidget(train)
        column.addLayout(row)
        self.count.selectAll()
        self._show_offers()

    @property
    def way(self) -> Way:
        """The chosen way."""
        return next((way for way, button in self.buttons.items() if button.isChecked()), Way.PLAN)

    def _show_offers(self, _: object = None) -> None:
        """What can be chosen for the number that stands there; the choice stays where it is still there."""
        count = self.count.value()
        if self.count.problem or count is None:
            return
        offers = self._offers(int(count))
        self._sentences = {offer.way: offer.sentence for offer in offers}
        for offer in offers:
            self.buttons[offer.way].setText(offer.words)
        chosen = self.way if any(button.isChecked() for button in self.buttons.values()) else None
        if chosen not in self._sentences:
            chosen = next(iter(self._sentences))
        for way, button in self.buttons.items():
            button.setVisible(way in self._sentences and len(self._sentences) > 1)
            button.setChecked(way is chosen)
        self._show_sentence()

    def _show_sentence(self, _: object = None) -> None:
        self.sentence.setText(self._sentences[self.way])

    def _accept_if_fine(self) -> None:
        self.count.commit()
        if not self.count.problem and self.count.value() is not None:
            self.accept()

    @classmethod
    def ask(
        cls, theme: Theme, name: str, offers: Callable[[int], tuple[Offer, ...]], *, parent: QWidget | None
    ) -> tuple[int, Way] | None:
        """The number of epochs and their way, or None when the person thought better of it."""
        dialog = cls(theme, name, offers, parent=parent)
        accepted = dialog.exec() == Dialog.DialogCode.Accepted
        value, way = dialog.count.value(), dialog.way
        dialog.deleteLater()
        return (int(value), way) if accepted and value is not None else None
