"""Splits one data set into two tasks: the classes of task B, and its number of training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import task_class_names
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.planning.task_split import split_into_tasks
from dnnstudio.core.text import count_of, listed
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import (
    Chip,
    Choice,
    ComboBox,
    Dialog,
    FlowLayout,
    Limits,
    NumberField,
    Steps,
    label,
    push_button,
)

FEW_ROWS = 200
CHAPTER = (5, 6)


@dataclass(frozen=True, slots=True)
class Tasks:
    """The two experiments."""

    a: Experiment
    b: Experiment


class SplitDialog(Dialog):
    """The dialog; its defaults are those of Géron, chapter 11: classes 5 and 6 against the rest, class 6 positive, 200
    rows.
    """

    def __init__(
        self, theme: Theme, experiment: Experiment, names: Sequence[str], *, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("split_dialog")
        self.setWindowTitle("Split into tasks")
        self.setModal(True)
        self.setMinimumWidth(520)
        self._experiment = experiment
        self._names = tuple(names)
        self.tasks: Tasks | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label("Split into tasks", Role.DIALOG_TITLE))
        teaches = (
            "Task A learns most of the classes from many rows. Task B learns the others from a few, "
            "and can start from the layers that A has learnt. Each becomes an experiment file of the workspace."
        )
        column.addWidget(label(teaches, Role.CAPTION, wrap=True))
        column.addWidget(label("Classes of task B; the others are task A's", Role.FORM))
        column.addWidget(self._make_chips(theme))
        column.addLayout(self._make_fields(theme))
        self.outcome = label("", Role.BODY, wrap=True)
        self.outcome.setObjectName("split_outcome")
        self.problem = label("", Role.ERROR, wrap=True)
        self.problem.setObjectName("split_problem")
        column.addWidget(self.outcome)
        column.addWidget(self.problem)
        column.addStretch(1)
        column.addLayout(self._make_buttons())
        self._on_classes()

    def _make_chips(self, theme: Theme) -> QWidget:
        holder = QWidget()
        flow = FlowLayout(holder)
        self.chips: list[Chip] = []
        count = len(self._names)
        chosen = CHAPTER if count > max(CHAPTER) + 1 else (count - 2, count - 1)
        for number, name in enumerate(self._names):
            chip = Chip(theme, name, checkable=True)
            chip.setObjectName(f"task_b_{number}")
            chip.setToolTip(f"Whether {name} belongs to task B.")
            chip.setChecked(number in chosen)
            chip.clicked.connect(lambda: self._on_classes())
            self.chips.append(chip)
            flow.addWidget(chip)
        return holder

    def _make_fields(self, theme: Theme) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.positive = ComboBox()
        self.positive.setObjectName("positive_class")
        self.positive.setAccessibleName("Question of task B")
        self.positive.setToolTip("A yes-or-no question with one output, or one output a class.")
        self.positive.chosen.connect(lambda _: self._refresh())
        self.rows = NumberField(
            theme, title="The number of rows", integer=True, limits=Limits(ge=2, le=10_000_000), steps=Steps.COUNT
        )
        self.rows.setObjectName("task_b_rows")
        self.rows.setAccessibleName("Training rows of task B")
        self.rows.setToolTip("Task B learns from its first so many training rows.")
        self.rows.setFixedWidth(72)
        self.rows.set_value(FEW_ROWS)
        self.rows.committed.connect(lambda _: self._refresh())
        question, rows = label("Question", Role.FORM), label("Training rows", Role.FORM)
        question.setBuddy(self.positive)
        rows.setBuddy(self.rows)
        row.addWidget(question)
        row.addWidget(self.positive, 1)
        row.addSpacing(8)
        row.addWidget(rows)
        row.addWidget(self.rows)
        return row

    def _make_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        cancel = push_button("Cancel")
        cancel.setObjectName("cancel")
        cancel.clicked.connect(self.reject)
        self.split = push_button("Split and open task A", Role.PRIMARY)
        self.split.setObjectName("apply")
        self.split.setDefault(True)
        self.split.clicked.connect(self.accept)
        row.addWidget(cancel)
        row.addWidget(self.split)
        return row

    def _chosen(self) -> tuple[int, ...]:
        return tuple(number for number, chip in enumerate(self.chips) if chip.isChecked())

    def _on_classes(self) -> None:
        """Update the possible tasks for the chosen classes; the last class is the default positive one."""
        chosen, before = self._chosen(), self.positive.value()
        questions = [Choice(number, f"{self._names[number]}: yes or no") for number in chosen]
        self.positive.set_choices([*questions, Choice("each", "Which of them: one output a class")])
        kept = before == "each" or before in chosen
        self.positive.set_value(before if kept else chosen[-1] if chosen else "each")
        self._refresh()

    def _refresh(self) -> None:
        positive = self.positive.value()
        try:
            a, b = split_into_tasks(
                self._experiment,
                self._chosen(),
                None if positive == "each" else int(str(positive)),
                int(self.rows.value() or FEW_ROWS),
                labels=tuple(range(len(self._names))),
            )
        except UserError as error:
            self.tasks = None
            self.problem.setText(str(error))
            self.outcome.setText("")
        else:
            self.tasks = Tasks(a, b)
            self.problem.setText("")
            first, second = (task_class_names(task.data.classes, self._names) for task in (a, b))
            rows = f"the first {count_of(b.data.train_limit or 0, 'training row')}"
            asked = " or ".join(second) if len(second) == 2 else listed(second)
            self.outcome.setText(f"A: {count_of(len(first), 'class')}, all rows.  B: {asked}, {rows}.")
        self.problem.setVisible(self.tasks is None)
        self.outcome.setVisible(self.tasks is not None)
        set_reason(self.split, self.problem.text())

    @classmethod
    def ask(cls, theme: Theme, experiment: Experiment, names: Sequence[str], *, parent: QWidget | None) -> Tasks | None:
        """The two experiments; None if the dialog was cancelled."""
        dialog = cls(theme, experiment, names, parent=parent)
        accepted = dialog.exec() == Dialog.DialogCode.Accepted
        tasks = dialog.tasks
        dialog.deleteLater()
        return tasks if accepted else None
