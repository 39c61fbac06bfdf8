"""The cards right of the risk curve: costs, targets, and the referred images."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from dnnstudio.core.text import count_of
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import Floats
from dnnstudio.gui.theme import Role, Theme, set_reason, set_role
from dnnstudio.gui.uncertainty.decision.state import Costs, Decision
from dnnstudio.gui.uncertainty.grid import ImageGrid, Pictures
from dnnstudio.gui.uncertainty.sentences import Words
from dnnstudio.gui.widgets import Card, Dialog, Limits, NumberField, Steps, label, push_button
from dnnstudio.gui.widgets.charts.copies import copies_table

SHOWN = 300
"""So many referred images are drawn; the list that is exported holds all of them."""


BY_VALIDATION = (
    "What the threshold costs here that is the cheapest on the validation rows, which Use cheapest takes. On these "
    "rows another may cost less; that is not known of new ones."
)


def price_text(value: float) -> str:
    """A sum with as many digits as it has, two after the point at most: 1,204, 1.5, 0.25."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


class CostCard(Card):
    """The prices, and the total cost at the present threshold."""

    changed = Signal()
    matrix_requested = Signal()

    def __init__(self, theme: Theme, costs: Costs, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, "What mistakes cost", margin=12, parent=parent)
        self.setObjectName("cost_card")
        self._costs = costs
        by_class = push_button("By class…", Role.LINK, tip="Give each kind of mistake a price of its own.")
        by_class.setObjectName("cost_by_class")
        by_class.clicked.connect(self.matrix_requested)
        self.head.add(by_class)
        form = QGridLayout()
        form.setHorizontalSpacing(8)
        form.setVerticalSpacing(6)
        rows = (
            ("wrong", "A wrong answer", "each", False),
            ("referral", "A referral", "each", False),
            ("a_day", "A person can look at", "a day", True),
        )
        self.fields: dict[str, NumberField] = {}
        for number, (name, words, unit, whole) in enumerate(rows):
            steps = Steps.COUNT if whole else Steps.FACTOR
            limits = Limits(ge=1, le=10**6) if whole else Limits(ge=0, le=1e9)
            field = NumberField(theme, title=words, integer=whole, limits=limits, steps=steps)
            field.setObjectName(f"field_{name}")
            field.setAccessibleName(f"{words}, {unit}")
            field.setFixedWidth(72)
            field.set_value(getattr(costs, name))
            field.committed.connect(lambda value, name=name: self._take(name, value))
            self.fields[name] = field
            form.addWidget(label(words, Role.FORM), number, 0)
            form.addWidget(field, number, 1)
            form.addWidget(label(unit, Role.CAPTION), number, 2)
        form.setColumnStretch(0, 1)
        self.body.addLayout(form)
        inset = QFrame()
        set_role(inset, Role.INSET)
        sums = QGridLayout(inset)
        sums.setContentsMargins(10, 8, 10, 8)
        sums.setVerticalSpacing(3)
        sums.setColumnStretch(0, 1)
        # the words wrap, since the column is no wider for long ones: a figure that is cut reads as another figure
        self._sums = [(label("", Role.CAPTION, wrap=True), label("", Role.NUMBER)) for _ in range(4)]
        for number, (words_label, figure) in enumerate(self._sums):
            figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
            sums.addWidget(words_label, number, 0)
            sums.addWidget(figure, number, 1)
        set_role(self._sums[2][0], Role.LEAD)
        for part in self._sums[3]:
            part.setToolTip(BY_VALIDATION)
        self.add(inset)

    def _take(self, name: str, value: object) -> None:
        setattr(self._costs, name, value)
        if name == "wrong":
            self._costs.matrix = None
        self.changed.emit()

    def show_costs(self, decision: Decision, samples: Samples, cheapest: tuple[int, float] | None) -> None:
        """Show the present cost, and that of the threshold that was cheapest on the validation rows."""
        found = decision.referral(samples)
        total = decision.cost(samples)
        paid = found.referred * self._costs.referral
        days = found.referred / self._costs.a_day
        lines = [
            (count_of(found.answered_wrong, "wrong answer"), price_text(total - paid)),
            (f"{count_of(found.referred, 'referral')}, {days:.1f} days", price_text(paid)),
            ("Total", price_text(total)),
            (f"Cheapest by validation: {cheapest[0]:,} referred", price_text(cheapest[1])) if cheapest else ("", ""),
        ]
        for (words, figure), (text, value) in zip(self._sums, lines, strict=True):
            words.setText(text)
            figure.setText(value)


class TargetCard(Card):
    """A maximum error rate or a minimum coverage; each selects its threshold on the validation rows."""

    risk_requested = Signal(float)
    coverage_requested = Signal(float)

    def __init__(self, theme: Theme, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, "What is aimed at", margin=12, parent=parent)
        self.setObjectName("target_card")
        form = QGridLayout()
        form.setHorizontalSpacing(6)
        form.setVerticalSpacing(4)
        self.fields: dict[str, NumberField] = {}
        self.outcomes = {name: label("", Role.CAPTION, wrap=True) for name in ("risk", "coverage")}
        self.buttons = {}
        for number, (name, words, start) in enumerate(
            (("risk", "Err at most", 5), ("coverage", "Answer at least", 90))
        ):
            field = NumberField(theme, title=words, limits=Limits(ge=0, le=100), steps=Steps.LINEAR, step_size=1)
            field.setObjectName(f"field_{name}")
            field.setAccessibleName(f"{words}, per cent")
            field.setFixedWidth(52)
            field.set_value(float(start))
            self.fields[name] = field
            use = push_button("Use", Role.FIELD, tip="Find the threshold on the validation rows, and use it.")
            use.setObjectName(f"use_{name}")
            use.clicked.connect(lambda _=False, name=name: self._use(name))
            self.buttons[name] = use
            form.addWidget(label(words, Role.FORM), 2 * number, 0)
            form.addWidget(field, 2 * number, 1)
            form.addWidget(label("%", Role.CAPTION), 2 * number, 2)
            form.addWidget(use, 2 * number, 3)
            form.addWidget(self.outcomes[name], 2 * number + 1, 0, 1, 4)
        form.setColumnStretch(0, 1)
        self.body.addLayout(form)

    def share(self, name: str) -> float:
        value = self.fields[name].value()
        return 0.0 if value is None else float(value) / 100

    def _use(self, name: str) -> None:
        self.fields[name].commit()
        signal = self.risk_requested if name == "risk" else self.coverage_requested
        signal.emit(self.share(name))


class ReferralCard(Card):
    """The referred images, those nearest to the threshold first."""

    image_chosen = Signal(int)
    export_requested = Signal()

    def __init__(self, theme: Theme, pictures: Pictures, words: Words, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, "To a person", note="nearest the line first", margin=12, parent=parent)
        self.setObjectName("referral_card")
        self.grid = ImageGrid(theme, pictures, name="referral_grid")
        words.say(self.grid.setAccessibleName, "{Rows} that go to a person")
        self.grid.setMinimumHeight(92)
        self.grid.clicked.connect(lambda index: self.image_chosen.emit(self.grid.images.row_of(index.row())))
        self.grid.activated.connect(lambda index: self.image_chosen.emit(self.grid.images.row_of(index.row())))
        self.nobody = label("Nobody is referred at this threshold.", Role.CAPTION)
        self.export = push_button("Export list…")
        words.say(self.export.setToolTip, "A line for each {row}, with every score (CSV).")
        self.export.setObjectName("export_referrals")
        self.export.setIcon(theme.icon("download-simple"))
        self.export.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.export.clicked.connect(self.export_requested)
        self.add(self.nobody)
        self.add(self.export)  # above the pictures: on a small screen what stands below them is scrolled away
        self.add(self.grid, 1)

    def show_referred(self, decision: Decision, samples: Samples) -> None:
        rows = decision.referred(samples)
        self.grid.images.show(samples, rows[:SHOWN], samples.scores.uncertainty(decision.score))
        self.head.set_count(f"{len(rows):,}")
        self.nobody.setVisible(not len(rows))
        self.grid.setVisible(bool(len(rows)))
        set_reason(self.export, "" if len(rows) else self.nobody.text())


class CostMatrixDialog(Dialog):
    """A price for each kind of mistake: rows are labels, columns predictions."""

    def __init__(self, names: tuple[str, ...], prices: Floats, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("cost_matrix")
        self.setWindowTitle("What each mistake costs")
        self.resize(720, 460)
        self.prices: Floats | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(label("What each mistake costs", Role.DIALOG_TITLE))
        column.addWidget(label("Rows are labels, columns what is said. Right answers cost nothing.", Role.CAPTION))
        self.table = QTableWidget(len(names), len(names))
        self.table.setTabKeyNavigation(False)  # Tab goes on to the next widget
        self.table.setObjectName("cost_table")
        self.table.setAccessibleName("What each mistake costs")
        copies_table(self.table)
        self.table.setHorizontalHeaderLabels(list(names))
        self.table.setVerticalHeaderLabels(list(names))
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for row in range(len(names)):
            for said in range(len(names)):
                item = QTableWidgetItem("0" if row == said else f"{prices[row, said]:g}")
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                if row == said:
                    item.setFlags(Qt.ItemFlag.ItemIsSelectable)
                self.table.setItem(row, said, item)
        self.problem = label("", Role.ERROR, wrap=True)
        column.addWidget(self.table, 1)
        column.addWidget(self.problem)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        cancel = push_button("Cancel")
        cancel.setObjectName("cancel")
        cancel.clicked.connect(self.reject)
        apply = push_button("Apply", Role.PRIMARY)
        apply.setObjectName("apply")
        apply.clicked.connect(self._apply)
        buttons.addWidget(cancel)
        buttons.addWidget(apply)
        column.addLayout(buttons)

    def _apply(self) -> None:
        size = self.table.rowCount()
        prices = np.zeros((size, size))
        for row in range(size):
            for said in range(size):
                item = self.table.item(row, said)
                text = item.text() if item is not None else ""
                try:
                    prices[row, said] = float(text)
                except ValueError:
                    prices[row, said] = np.nan
                if not np.isfinite(prices[row, said]) or prices[row, said] < 0:
                    self.problem.setText(f'"{text}" is no price; it must be a number of at least 0.')
                    self.table.setCurrentCell(row, said)
                    return
        self.prices = prices
        self.accept()
