"""The bar where files are dropped, with a way to them for who cannot drag."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import ElidedLabel, IconLabel, label, push_button


class DropBar(QFrame):
    """Where files are dropped; `choose_requested` for who cannot drag. It lights up while files hang over it."""

    choose_requested = Signal()
    folder_requested = Signal()
    clear_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("drop_bar")
        self.setAccessibleName("Where files are dropped")
        self._theme = theme
        self._hot = False
        self._rows = True
        self.setFixedHeight(40)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(8)
        self.words = ElidedLabel("Drop pictures, folders or tables here", Role.LEAD)
        self.note = label("or paste copied rows (Ctrl+V)", Role.CAPTION)
        self.choose = push_button("Choose files…", Role.LINK, tip="Choose the files to answer")
        self.choose.setObjectName("choose_files")
        self.choose.clicked.connect(self.choose_requested)
        folder = push_button("Folder…", Role.LINK, tip="Choose a folder: everything below it is answered")
        folder.setObjectName("choose_folder")
        folder.clicked.connect(self.folder_requested)
        self.clear = push_button("Start afresh", Role.LINK, tip="Take everything out of the list")
        self.clear.setObjectName("clear_inputs")
        self.clear.clicked.connect(self.clear_requested)
        self.clear.hide()
        row.addWidget(IconLabel(theme, "download-simple", color="accent"))
        row.addWidget(self.words)
        row.addWidget(self.note)
        row.addStretch(1)
        row.addWidget(self.clear)
        row.addWidget(self.choose)
        row.addWidget(folder)
        theme.changed.connect(self.update)

    def show_takes(self, kinds: str, *, rows: bool) -> None:
        """What can be dropped, in words, and whether copied rows of a table can be pasted."""
        self.words.setText(f"Drop {kinds} here")
        self._rows = rows
        self._show_note()

    def show_inputs(self, count: int) -> None:
        """How many files and folders were given."""
        self.clear.setVisible(count > 0)
        self._show_note()

    def _show_note(self) -> None:
        self.note.setVisible(self._rows and self.width() > 520 and self.clear.isHidden())

    def set_hot(self, hot: bool) -> None:
        """Whether files hang over the window."""
        self._hot = hot
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        painter.setPen(QPen(color("accent" if self._hot else "strong"), 1, Qt.PenStyle.DashLine))
        painter.setBrush(color("accent_soft" if self._hot else "inset"))
        painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 8, 8)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_note()
