"""Asking for a number of epochs."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Limits, NumberField, Steps, label, push_button


class CountDialog(QDialog):
    """How many epochs more."""

    def __init__(self, theme: Theme, name: str, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("count_dialog")
        self.setWindowTitle("More epochs")
        self.setModal(True)
        self.setMinimumWidth(360)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label("More epochs", Role.DIALOG_TITLE))
        column.addWidget(label(f"{name} goes on exactly from where it stopped.", Role.CAPTION, wrap=True))
        line = QHBoxLayout()
        words = label("Epochs", Role.FORM)
        self.count = NumberField(
            theme, title="The number of epochs", integer=True, limits=Limits(ge=1, le=100_000), steps=Steps.COUNT,
            arrows=True,
        )  # fmt: skip
        self.count.setObjectName("field_count")
        self.count.setAccessibleName("Epochs")
        self.count.set_value(10)
        words.setBuddy(self.count)
        line.addWidget(words)
        line.addWidget(self.count, 1)
        column.addLayout(line)
        self.problem = label("", Role.ERROR, wrap=True)
        self.count.problem_changed.connect(self.problem.setText)
        column.addWidget(self.problem)
        row = QHBoxLayout()
        row.addStretch(1)
        cancel = push_button("Cancel")
        cancel.setObjectName("cancel")
        cancel.clicked.connect(self.reject)
        train = push_button("Train", Role.PRIMARY)
        train.setObjectName("apply")
        train.setDefault(True)
        train.clicked.connect(self._accept_if_fine)
        row.addWidget(cancel)
        row.addWidget(train)
        column.addLayout(row)
        self.count.selectAll()

    def _accept_if_fine(self) -> None:
        self.count.commit()
        if not self.count.problem and self.count.value() is not None:
            self.accept()

    @classmethod
    def ask(cls, theme: Theme, name: str, *, parent: QWidget | None) -> int | None:
        """The number of epochs, or None when the person thought better of it."""
        dialog = cls(theme, name, parent=parent)
        accepted = dialog.exec() == QDialog.DialogCode.Accepted
        value = dialog.count.value()
        dialog.deleteLater()
        return int(value) if accepted and value is not None else None
