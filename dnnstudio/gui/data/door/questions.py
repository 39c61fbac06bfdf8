"""What must be asked before a file can be read, such as which of its arrays holds the labels."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from dnnstudio.core.experiment.data.questions import Question
from dnnstudio.core.jobs.proposals import Answer
from dnnstudio.gui.theme import Role
from dnnstudio.gui.widgets import Choice, ComboBox, label

WIDTH = 320


class QuestionsView(QWidget):
    """One list a question; hidden without any. `answered(field, value)` is emitted when something is chosen."""

    answered = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lists: dict[str, ComboBox] = {}
        self._shown: tuple[Question, ...] = ()
        self._holder: QWidget | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 4, 0, 8)
        self._column.setSpacing(12)
        self._column.setAlignment(Qt.AlignmentFlag.AlignTop)

    def show_questions(self, questions: Sequence[Question], answers: Sequence[Answer]) -> None:
        """Show the questions and what has been answered; an open one shows no choice."""
        if tuple(questions) != self._shown:
            self._shown = tuple(questions)
            self._make()
        self.setVisible(bool(questions))
        given = {answer.field: answer.value for answer in answers}
        for field, choices in self.lists.items():
            if field in given:
                choices.set_value(given[field])

    def _make(self) -> None:
        if self._holder is not None:
            self._column.removeWidget(self._holder)
            self._holder.hide()
            self._holder.deleteLater()
        self.lists = {}
        self._holder = QWidget()
        grid = QGridLayout(self._holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(10)
        grid.setColumnStretch(2, 1)
        for row, question in enumerate(self._shown):
            titles = question.titles or question.choices
            choices = ComboBox([Choice(*pair) for pair in zip(question.choices, titles, strict=True)])
            choices.setObjectName(f"question_{question.field}")
            choices.setAccessibleName(question.text)
            choices.setFixedWidth(WIDTH)
            choices.setPlaceholderText("Choose")
            choices.chosen.connect(lambda value, field=question.field: self.answered.emit(field, value))
            grid.addWidget(label(question.text, Role.BODY), row, 0)
            grid.addWidget(choices, row, 1)
            self.lists[question.field] = choices
        self._column.addWidget(self._holder)
