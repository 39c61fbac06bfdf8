"""What stands in the place of the table of runs while it is empty: what comes there, or why nothing can be read."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QWidget

from dnnstudio.core.text import shortened
from dnnstudio.core.workspace.place import presence_of, why_unusable
from dnnstudio.gui.theme import Role, set_role

LOOK_MS = 2000
AT_FIRST = "Every training becomes a run, and is listed here to compare."


class Absence(QLabel):
    """Says why the table is empty. `vanished(Path, str)` once when the workspace can no longer be read, with the
    reason; `returned` when it can be again.
    """

    vanished = Signal(object, str)
    returned = Signal()
    look_due = Signal()
    """It is time to look whether a workspace is back that is away."""

    def __init__(self, workspace: Path, parent: QWidget | None = None) -> None:
        super().__init__(AT_FIRST, parent)
        self.setObjectName("no_runs")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        set_role(self, Role.CAPTION)
        self.reason = ""
        """Why the workspace cannot be read, in lower case without a full stop; "" where it can."""
        self._workspace = workspace
        self._again = QTimer(self)
        self._again.setInterval(LOOK_MS)
        self._again.timeout.connect(self.look_due)

    def look(self, workspace: Path) -> None:
        """Whether the runs of the workspace can be listed now."""
        presence = presence_of(workspace)
        before = self.reason if workspace == self._workspace else ""
        self._workspace, self.reason = workspace, presence.look()
        self._again.start() if self.reason else self._again.stop()
        if not self.reason:
            self.setText(AT_FIRST)
            if before:
                self.returned.emit()
            return
        place = shortened(str(workspace), 80)
        self.setText(f"{place} cannot be read: {self.reason}. Its runs are listed here when it is back.")
        if not before and not (presence.is_new and why_unusable(workspace)):  # which is said at the start
            self.vanished.emit(workspace, self.reason)
