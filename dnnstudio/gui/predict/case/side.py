"""The right of the prediction window: the chosen row, or a row to play with where rows are a table's."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from dnnstudio.core.jobs.cases import Answering, NetworkFacts
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.predict.case.case_card import CaseCard
from dnnstudio.gui.predict.case.passes_card import PassesCard
from dnnstudio.gui.predict.case.what_if import WhatIf, stored_values
from dnnstudio.gui.predict.cases import Cases
from dnnstudio.gui.predict.rows.rows_model import CasePictures
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import Choice, Segmented, label

PAGES = (
    Choice("case", "The chosen row", "What the network says of the row that is selected"),
    Choice("what_if", "What if", "Type a row, or move its values, and watch the answer"),
)

NO_ROW, NO_VALUES = "No row is chosen.", "The chosen row has no values that are kept."
NOTHING = "Here stands what the network says of the row that is chosen at the left: its answer, how sure it is of it, \
and what else it may be."


class Side(QWidget):
    """`corrected(place)`, `step_requested` and `edit_requested` are the case card's."""

    corrected = Signal(int)
    step_requested = Signal(int)
    edit_requested = Signal()

    def __init__(
        self, theme: Theme, cases: Cases, pictures: CasePictures, client: JobClient, *, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._cases, self._place = cases, -1
        self.case = CaseCard(theme, cases, pictures)
        self.passes = PassesCard(theme, cases)
        self.what_if = WhatIf(theme, client)
        self.switch = Segmented(theme, PAGES, fill=True)
        self.switch.setObjectName("predict_side")
        self.switch.set_value("case")
        here = QWidget()
        inner = QVBoxLayout(here)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(8)
        inner.addWidget(self.case, 0, Qt.AlignmentFlag.AlignTop)  # a row without an answer has no card below
        inner.addWidget(self.passes, 1)
        self.nothing = label(NOTHING, Role.DIM, wrap=True)
        self.nothing.setObjectName("predict_no_case")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setContentsMargins(48, 0, 48, 0)
        inner.addWidget(self.nothing, 1)
        self.pages = QStackedWidget()
        self.pages.addWidget(here)
        self.pages.addWidget(self.what_if)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.switch)
        column.addWidget(self.pages, 1)
        self.switch.hide()
        self.switch.chosen.connect(self.show_page)
        self.case.corrected.connect(self.corrected)
        self.case.step_requested.connect(self.step_requested)
        self.case.edit_requested.connect(self.edit_requested)
        self.what_if.take.clicked.connect(self.take_row)

    def show_page(self, name: object) -> None:
        """Show the chosen row, or the row to play with."""
        self.switch.set_value(name)
        self.pages.setCurrentIndex(1 if name == "what_if" else 0)

    def show_network(self, by: Answering, facts: NetworkFacts) -> None:
        """Another network, or asked in another way."""
        table = bool(facts.columns)
        self.switch.setVisible(table)
        if not table:
            self.show_page("case")
        else:
            self.what_if.show_network(by, facts)

    def show_place(self, place: int, number: int, total: int) -> None:
        """Show a case, the `number`-th of `total` that are listed; −1 for none."""
        self._place = place
        there = 0 <= place < len(self._cases)
        self.case.setVisible(there)
        self.nothing.setVisible(not there)
        self.passes.setVisible(there and self._cases.answer(place) is not None)
        if there:
            self.case.show_place(place, number, total)
            self.passes.show_place(place)
        values = there and bool(stored_values(*self._cases.at(place)))
        set_reason(self.what_if.take, "" if values else NO_VALUES if there else NO_ROW)

    def take_row(self) -> None:
        """Begin to play with the values of the chosen row."""
        values = stored_values(*self._cases.at(self._place)) if self._place >= 0 else []
        if values:
            self.what_if.set_values(values)
