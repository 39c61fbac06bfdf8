"""What is worth knowing of the data: a sentence, its reason, and at most one link that changes it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.core.jobs.proposals import Note
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import IconLabel, label, push_button

SHORT = 60
"""Longer warnings are not set in bold, which would be a wall of letters."""


class NoteRow(QWidget):
    """One note. `acted` is emitted when its link is pressed."""

    acted = Signal()

    def __init__(self, theme: Theme, note: Note, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("note")
        self.setAccessibleName(f"{note.text} {note.detail}".strip())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        hint = note.severity == "hint"
        icon = IconLabel(theme, "warning-fill" if hint else "info", size=14, color="hint_dot" if hint else "text3")
        row.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(label(note.text, Role.LEAD if hint and len(note.text) <= SHORT else Role.BODY, wrap=True))
        if note.detail:
            words.addWidget(label(note.detail, Role.CAPTION, wrap=True))
        row.addLayout(words, 1)
        if note.action:
            self.link = push_button(note.action, Role.LINK)
            self.link.setObjectName("note_action")
            self.link.setAccessibleName(f"{note.action}: {note.text}")
            self.link.clicked.connect(self.acted)
            row.addWidget(self.link, 0, Qt.AlignmentFlag.AlignTop)


class NoteList(QWidget):
    """All notes under each other. `note_chosen(Note)` is emitted when a note's link is pressed."""

    note_chosen = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: tuple[Note, ...] = ()
        self._rows: list[NoteRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)

    def set_notes(self, notes: Sequence[Note]) -> None:
        """Show other notes."""
        if tuple(notes) == self._shown:
            return
        self._shown = tuple(notes)
        for row in self._rows:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = []
        for note in notes:
            row = NoteRow(self._theme, note)
            row.acted.connect(lambda note=note: self.note_chosen.emit(note))
            self._column.addWidget(row)
            self._rows.append(row)
