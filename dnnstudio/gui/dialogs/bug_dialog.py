"""The dialog for unexpected errors: what happened, the path of the log, collapsible details."""

from __future__ import annotations

import platform
from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from dnnstudio import __version__
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Dialog, ElidedLabel, label, push_button

MAX_CHARACTERS = 200_000


class BugDialog(Dialog):
    """Further errors are added to the same dialog, so that a repeated fault does not flood the screen."""

    def __init__(self, theme: Theme, log: Path | None, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        del theme
        self.setObjectName("bug_dialog")
        self.setWindowTitle("Unexpected error")
        self.setMinimumWidth(520)
        self._count = 0
        self._text = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(10)
        column.addWidget(label("Something went wrong inside the program", Role.DIALOG_TITLE, wrap=True))
        self.summary = label("", Role.BODY, wrap=True)
        column.addWidget(self.summary)
        rest = "This is a fault of the program, not of yours. Your work is still open: save it, and go on."
        column.addWidget(label(rest, Role.SMALL, wrap=True))
        if log is not None:
            column.addWidget(ElidedLabel(f"Log: {log}", Role.CAPTION))
        self.details = QPlainTextEdit()
        self.details.setObjectName("bug_details")
        self.details.setAccessibleName("Details")
        self.details.setReadOnly(True)
        self.details.setMinimumHeight(220)
        self.details.hide()
        column.addWidget(self.details, 1)
        row = QHBoxLayout()
        self.fold = push_button("Show details")
        self.fold.setObjectName("bug_fold")
        self.fold.clicked.connect(self._toggle)
        copy = push_button("Copy")
        copy.setObjectName("bug_copy")
        copy.setToolTip("Put the details on the clipboard")
        copy.clicked.connect(self.copy)
        close = push_button("Close", Role.PRIMARY)
        close.setObjectName("bug_close")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        row.addWidget(self.fold)
        row.addWidget(copy)
        row.addStretch(1)
        row.addWidget(close)
        column.addLayout(row)

    def add(self, title: str, details: str) -> None:
        """Add an error."""
        self._count += 1
        more = f" ({self._count} errors)" if self._count > 1 else ""
        self.summary.setText(f"{title[:300]}{more}")
        self._text = f"{self._text}\n{details}"[-MAX_CHARACTERS:]
        self.details.setPlainText(self.text())

    def text(self) -> str:
        """The text that Copy copies."""
        return f"dnnstudio {__version__}, Python {platform.python_version()}, {platform.platform()}\n{self._text}"

    def copy(self) -> None:
        """Copy the details to the clipboard."""
        QGuiApplication.clipboard().setText(self.text())

    def _toggle(self) -> None:
        shown = self.details.isHidden()
        self.details.setVisible(shown)
        self.fold.setText("Hide details" if shown else "Show details")
        self.adjustSize()
