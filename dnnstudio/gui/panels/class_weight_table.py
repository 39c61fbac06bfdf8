"""The table of a person's own class weights: each class with its training rows and how much each of them counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.targets.class_weights import ClassWeight, OwnWeights
from dnnstudio.core.planning.class_weights import balanced_weights
from dnnstudio.core.text import count_of
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import ElidedLabel, Limits, NumberField, Steps, label, push_button

MOST = 30
"""Classes with a line of their own; more are set in the experiment's file."""
DIGITS = 4
"""Significant digits of the weights that are filled in."""


@dataclass(frozen=True, slots=True)
class Line:
    """The widgets of one class."""

    holder: QWidget
    weight: NumberField


class ClassWeightTable(QWidget):
    """One line a class. `edited` carries the changed weights, the name of the edit, and the key of edits that merge."""

    edited = Signal(object, str, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("class_weight_table")
        self.setAccessibleName("Weight of each class")
        self._theme = theme
        self._value = OwnWeights()
        self._names: tuple[str, ...] = ()
        self._counts: tuple[int, ...] = ()
        self.lines: list[Line] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(4)
        column.addLayout(self._rows)
        self.note = label("", Role.CAPTION, wrap=True)
        column.addWidget(self.note)
        self.fill = push_button("Fill in balanced weights", Role.LINK, tip="Rows / (classes · rows of the class).")
        self.fill.setObjectName("fill_balanced")
        self.fill.clicked.connect(self.fill_balanced)
        column.addWidget(self.fill, 0, Qt.AlignmentFlag.AlignLeft)

    def show_weights(self, value: OwnWeights, summary: DataSummary | None) -> None:
        """Show the weights of the data's classes."""
        self._value = value
        names = () if summary is None else summary.class_names
        counts = () if summary is None else summary.class_counts
        if (names, counts) != (self._names, self._counts):
            self._names, self._counts = names, counts
            self._make_lines(names[:MOST], counts)
        known = {item.name: item.weight for item in value.weights}
        for name, line in zip(names, self.lines, strict=False):
            if not line.weight.editing:
                line.weight.set_value(known.get(name, 1.0))
        self.note.setText(
            "The classes are known when the data has been read."
            if not names
            else f"{count_of(len(names) - MOST, 'more class')} in the experiment's file."
            if len(names) > MOST
            else ""
        )
        self.note.setVisible(bool(self.note.text()))
        self.fill.setVisible(bool(counts))

    def fill_balanced(self) -> None:
        """Give each class its balanced weight, to start from."""
        found = balanced_weights(self._counts)
        weights = dict(zip(self._names, (float(f"{weight:.{DIGITS}g}") for weight in found), strict=True))
        self._tell(weights, "Fill in balanced weights", "")

    def _set(self, name: str, weight: float) -> None:
        self._tell({item.name: item.weight for item in self._value.weights} | {name: weight}, "Change class weights",
                   "class_weights")  # fmt: skip

    def _tell(self, weights: dict[str, float], text: str, key: str) -> None:
        inorder = [name for name in self._names if name in weights]
        inorder += [name for name in weights if name not in self._names]
        kept = tuple(ClassWeight(name=name, weight=weights[name]) for name in inorder if weights[name] != 1.0)
        self.edited.emit(self._value.replaced(weights=kept), text, key)

    def _make_lines(self, names: Sequence[str], counts: Sequence[int]) -> None:
        for line in self.lines:
            line.weight.blockSignals(True)  # a field that loses the focus would commit text for a line that is gone
            self._rows.removeWidget(line.holder)
            line.holder.hide()
            line.holder.deleteLater()
        self.lines = []
        for place, name in enumerate(names):
            holder = QWidget()
            grid = QGridLayout(holder)
            grid.setContentsMargins(0, 0, 0, 0)
            grid.setHorizontalSpacing(8)
            grid.setColumnStretch(0, 1)
            rows = f" · {count_of(counts[place], 'row')}" if place < len(counts) else ""
            title = ElidedLabel(f"{name}{rows}", Role.FORM)
            weight = NumberField(
                self._theme, title=f"The weight of {name}", limits=Limits(ge=0, le=1e6), steps=Steps.FACTOR
            )
            weight.setObjectName(f"class_weight_{place}")
            weight.setAccessibleName(f"Weight of {name}")
            weight.setToolTip(f"How much each training row of {name} counts in the loss.")
            weight.setFixedWidth(90)
            weight.committed.connect(lambda value, name=name: self._set(name, float(value)))
            problem = label("", Role.ERROR, wrap=True)
            problem.hide()
            weight.problem_changed.connect(problem.setText)
            weight.problem_changed.connect(lambda words, problem=problem: problem.setVisible(bool(words)))
            grid.addWidget(title, 0, 0)
            grid.addWidget(weight, 0, 1)
            grid.addWidget(problem, 1, 0, 1, 2)
            self._rows.addWidget(holder)
            self.lines.append(Line(holder, weight))
