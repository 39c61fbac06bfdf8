"""The table of a piecewise constant schedule: each rate and the boundary at which it begins."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from dnnstudio.core.experiment.schedules import Piecewise
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import Limits, MiniButton, NumberField, Steps, label, push_button

MOST = 100
"""Boundaries that a schedule may have."""


@dataclass(slots=True)
class Line:
    """The widgets of one piece; the first one has no boundary and cannot be removed."""

    holder: QWidget
    rate: NumberField
    problem: QLabel
    boundary: NumberField | None = None
    remove: MiniButton | None = None


class PiecewiseTable(QWidget):
    """One line per rate, in order.

    `edited` carries the changed schedule, the name of the edit and, if a number is stepped, the merge key ("rates").

    There is always one rate more than boundaries. A boundary that is not between its neighbours, or a rate that is not
    above 0, is refused below its line.
    """

    edited = Signal(object, str, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("piecewise_table")
        self.setAccessibleName("Rates and where they begin")
        self._theme = theme
        self._value = Piecewise()
        self._telling = False
        self.lines: list[Line] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(4)
        column.addLayout(self._rows)
        self.add_button = push_button("Add a rate", Role.LINK, tip="One more rate, from a later boundary on.")
        self.add_button.setObjectName("add_rate")
        self.add_button.clicked.connect(self.add)
        column.addWidget(self.add_button, 0, Qt.AlignmentFlag.AlignLeft)

    def set_value(self, value: Piecewise) -> None:
        """Show a schedule."""
        self._value = value
        while len(self.lines) > len(value.rates_between):
            self._drop_line()
        while len(self.lines) < len(value.rates_between):
            self._make_line(len(self.lines))
        unit = value.unit[:-1]
        for number, line in enumerate(self.lines):
            if not (self._telling and line.rate.editing):
                line.rate.set_value(value.rates_between[number])
            if line.boundary is not None:
                line.boundary.setAccessibleName(f"From {unit}")
                line.boundary.setToolTip(f"The {unit} from which on the rate beside it holds.")
                if not (self._telling and line.boundary.editing):
                    line.boundary.set_value(value.boundaries[number - 1])
            if line.remove is not None:
                set_reason(line.remove, "" if len(self.lines) > 2 else "A piecewise schedule has at least two rates.")
        set_reason(self.add_button, "" if len(value.boundaries) < MOST else f"{MOST + 1} rates are the most.")

    # ------------------------------------------------------------------------------------------ edits

    def add(self) -> None:
        """Append a rate of half the last one, after a boundary at the same distance as the last."""
        boundaries, rates = self._value.boundaries, self._value.rates_between
        gap = boundaries[-1] - (boundaries[-2] if len(boundaries) > 1 else 0.0)
        after = self._value.replaced(
            boundaries=(*boundaries, boundaries[-1] + gap), rates_between=(*rates, float(f"{rates[-1] / 2:.2g}"))
        )
        self._tell(after, "Add a rate")
        if self.lines[-1].boundary is not None:
            self.lines[-1].boundary.setFocus()

    def remove(self, number: int) -> None:
        """Remove the rate of that line, counted from 0, with the boundary before it."""
        boundaries, rates = list(self._value.boundaries), list(self._value.rates_between)
        del boundaries[number - 1], rates[number]
        self._tell(self._value.replaced(boundaries=tuple(boundaries), rates_between=tuple(rates)), "Remove a rate")

    def _set_rate(self, number: int, rate: float) -> None:
        rates = list(self._value.rates_between)
        rates[number] = rate
        self._tell(self._value.replaced(rates_between=tuple(rates)), "Change rates", turns="rates")

    def _set_boundary(self, number: int, at: float) -> None:
        boundaries = list(self._value.boundaries)
        low = boundaries[number - 1] if number else 0.0
        high = boundaries[number + 1] if number + 1 < len(boundaries) else None
        if at <= low or (high is not None and at >= high):
            before = f" and before {high:g}" if high is not None else ""
            field = self.lines[number + 1].boundary
            assert field is not None
            field.refuse(f"Boundaries rise: this one must lie after {low:g}{before}.")
            return
        boundaries[number] = at
        self._tell(self._value.replaced(boundaries=tuple(boundaries)), "Change boundaries", turns="boundaries")

    def _tell(self, value: Piecewise, text: str, *, turns: str = "") -> None:
        self._telling = True
        try:
            self.edited.emit(value, text, turns)
        finally:
            self._telling = False

    # ------------------------------------------------------------------------------------------ lines

    def _make_line(self, number: int) -> None:
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        problem = label("", Role.ERROR, wrap=True)
        problem.setObjectName(f"stretch_{number}_problem")
        problem.hide()
        rate = self._field("The rate", f"rate_{number}", problem)
        rate.setAccessibleName("Rate")
        rate.setToolTip("The learning rate of this stretch.")
        rate.committed.connect(lambda value, number=number: self._set_rate(number, float(value)))
        line = Line(holder, rate, problem)
        grid.addWidget(label("from", Role.FORM), 0, 0)
        if number:
            boundary = self._field("The boundary", f"boundary_{number - 1}", problem)
            boundary.committed.connect(lambda value, number=number: self._set_boundary(number - 1, float(value)))
            line.boundary = boundary
            grid.addWidget(boundary, 0, 1)
            line.remove = MiniButton(self._theme, "minus", "Take this rate away")
            line.remove.setObjectName(f"remove_rate_{number}")
            line.remove.clicked.connect(lambda _=False, number=number: self.remove(number))
        else:
            start = label("the start", Role.FORM)
            start.setMinimumWidth(48)
            grid.addWidget(start, 0, 1)
        grid.addWidget(label("rate", Role.FORM), 0, 2)
        grid.addWidget(rate, 0, 3)
        end = QHBoxLayout()
        end.setContentsMargins(0, 0, 0, 0)
        if line.remove is not None:
            end.addWidget(line.remove)
        else:
            end.addSpacing(24)
        grid.addLayout(end, 0, 4)
        grid.addWidget(problem, 1, 0, 1, 5)
        self._rows.addWidget(holder)
        self.lines.append(line)

    def _drop_line(self) -> None:
        line = self.lines.pop()
        for field in (line.rate, line.boundary):
            if field is not None:
                field.blockSignals(True)  # a field that loses the focus would commit text for a line that is gone
        self._rows.removeWidget(line.holder)
        line.holder.hide()
        line.holder.deleteLater()

    def _field(self, title: str, name: str, problem: QLabel) -> NumberField:
        field = NumberField(self._theme, title=title, limits=Limits(gt=0), steps=Steps.FACTOR)
        field.setObjectName(name)
        field.setMinimumWidth(48)

        def show(sentence: str) -> None:
            problem.setText(sentence)
            problem.setVisible(bool(sentence))

        field.problem_changed.connect(show)
        return field
