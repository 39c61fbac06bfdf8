"""A dialog that asks for one line of text."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from dnnstudio.gui.theme import Role, set_reason
from dnnstudio.gui.widgets import Dialog, label, push_button


class TextDialog(Dialog):
    """A title, a line edit, and a button labelled with the action."""

    def __init__(self, title: str, text: str, deed: str, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("text_dialog")
        self.setWindowTitle(title)
        self.setModal(True)
        self.setMinimumWidth(400)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label(title, Role.DIALOG_TITLE))
        self.line = QLineEdit(text)
        self.line.setObjectName("field_text")
        self.line.setAccessibleName(title)
        self.line.setMaxLength(200)
        self.line.selectAll()
        self.line.textChanged.connect(self._check)
        column.addWidget(self.line)
        row = QHBoxLayout()
        row.addStretch(1)
        cancel = push_button("Cancel")
        cancel.setObjectName("cancel")
        cancel.clicked.connect(self.reject)
        self.apply = push_button(deed, Role.PRIMARY)
        self.apply.setObjectName("apply")
        self.apply.setDefault(True)
        self.apply.clicked.connect(self.accept)
        row.addWidget(cancel)
        row.addWidget(self.apply)
        column.addLayout(row)
        self._check()

    def _check(self) -> None:
        set_reason(self.apply, "" if self.line.text().strip() else "The name is empty.")

    @classmethod
    def ask(cls, title: str, text: str, deed: str, *, parent: QWidget | None) -> str | None:
        """The text without surrounding spaces, or None if the dialog was cancelled."""
        dialog = cls(title, text, deed, parent=parent)
        accepted = dialog.exec() == Dialog.DialogCode.Accepted
        value = dialog.line.text().strip()
        dialog.deleteLater()
        return value if accepted and value else None
