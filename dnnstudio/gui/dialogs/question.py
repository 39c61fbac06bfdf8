"""A question with a few labelled answers, in the program's style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Dialog, IconLabel, label, push_button

LEAST_WIDTH = 84
"""Of a button, in pixels: "OK" alone would be hard to hit."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One button: its value and its label. Enter triggers the primary one, or the one that has the keyboard."""

    value: str
    words: str
    primary: bool = False


class QuestionDialog(Dialog):
    """A sentence, its consequence, and one button per answer. Escape gives the last answer."""

    def __init__(
        self, theme: Theme, title: str, text: str, answers: Sequence[Answer], *, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("question")
        self.setWindowTitle("dnnstudio")
        self.setModal(True)
        self.answer = answers[-1].value
        self.setMinimumWidth(420)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(16)
        head = QHBoxLayout()
        head.setSpacing(12)
        words = QVBoxLayout()
        words.setSpacing(6)
        words.addWidget(label(title, Role.DIALOG_TITLE, wrap=True))
        words.addWidget(label(text, Role.SMALL, wrap=True))
        head.addWidget(IconLabel(theme, "question", size=24, color="accent"), 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        column.addLayout(head)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        for answer in reversed(answers):
            button = push_button(answer.words, Role.PRIMARY if answer.primary else None)
            button.setObjectName(f"answer_{answer.value}")
            button.least_width = LEAST_WIDTH
            button.setDefault(answer.primary)
            button.clicked.connect(lambda _=False, value=answer.value: self._take(value))
            row.addWidget(button)
            if answer.primary:
                button.setFocus()
        column.addLayout(row)

    def _take(self, value: str) -> None:
        self.answer = value
        self.accept()

    @classmethod
    def ask(cls, theme: Theme, title: str, text: str, answers: Sequence[Answer], *, parent: QWidget | None) -> str:
        """The value of the chosen answer; that of the last one if the dialog was closed."""
        dialog = cls(theme, title, text, answers, parent=parent)
        dialog.exec()
        answer = dialog.answer
        dialog.deleteLater()
        return answer
