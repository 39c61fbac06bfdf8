"""The foot of the prediction window: how far it is, and what can be done with the answers."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from dnnstudio.core.text import count_of, duration
from dnnstudio.gui.theme import Cure, Role, Theme, set_reason, set_role
from dnnstudio.gui.widgets import ElidedLabel, IconLabel, ProgressBar, label, push_button

HEIGHT = 56
FORMATS = ((".csv", "CSV"), (".parquet", "Parquet"), (".json", "JSON"))


class Foot(QFrame):
    """`save_requested(suffix)` asks for a file of the answers."""

    rows_requested = Signal()
    save_requested = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, Role.STATUS)
        self.setFixedHeight(HEIGHT)
        self.icon = IconLabel(theme, "check-circle-fill", size=14)
        self.lead = label("", Role.LEAD)
        self.lead.setObjectName("predict_state")
        self.words = ElidedLabel("", Role.SMALL)
        self.words.setObjectName("predict_words")
        self.bar = ProgressBar()
        self.bar.setObjectName("predict_progress")
        self.bar.setAccessibleName("Answering")
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 0)
        self.bar.setFixedWidth(120)
        self.stop = push_button("Stop", tip="End the answering; what has come stays")
        self.stop.setObjectName("predict_stop")
        self.copy = push_button("Copy into folders by answer…", tip="A copy of each picture in a folder of its answer")
        self.copy.setObjectName("predict_copy")
        self.copy.setIcon(theme.icon("folder-open", "text"))
        self.more = QToolButton()
        self.more.setObjectName("predict_formats")
        self.more.setText("Other formats")
        self.more.setAccessibleName("Save as another kind of file")
        set_role(self.more, Role.OUTLINE)
        self.more.setProperty("menu", "true")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.more)
        for suffix, title in FORMATS[1:]:
            action = menu.addAction(f"Save as {title}…")
            action.setObjectName(f"predict_save_{suffix[1:]}")
            action.triggered.connect(lambda _=False, suffix=suffix: self.save_requested.emit(suffix))
        self.more.setMenu(menu)
        self.save = push_button("Save as CSV…", Role.PRIMARY, tip="All rows with their answers, in the order given")
        self.save.setObjectName("predict_save")
        self.save.setIcon(theme.icon("download-simple", "on_accent"))
        self.save.clicked.connect(lambda: self.save_requested.emit(".csv"))
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 0, 16, 0)
        row.setSpacing(8)
        for widget in (self.icon, self.lead, self.bar):
            row.addWidget(widget)
        row.addWidget(self.words, 1)
        for button in (self.stop, self.copy, self.more, self.save):
            row.addWidget(button)

    def show_state(
        self,
        *,
        count: int,
        words: str,
        seconds: float | None,
        busy: bool,
        waiting: bool,
        calibrating: bool,
        pictures: bool,
    ) -> None:
        """How many rows there are, and what is under way."""
        self.bar.setVisible(busy)
        self.stop.setVisible(busy)
        reason = "The rows are being answered." if busy else "" if count else "There is no answer yet."
        cure = Cure("Stop", self.stop.click) if busy else Cure("Choose files…", self.rows_requested.emit)
        for button in (self.save, self.more, self.copy):
            set_reason(button, reason, cure)
        self.copy.setVisible(pictures)
        self.icon.setVisible(bool(count) or busy)
        self.icon.set_icon("hourglass" if busy else "check-circle-fill", "text3" if busy else "good_dot")
        if busy:
            self.lead.setText("Waiting for the engine." if waiting else f"{count:,} so far")
        elif not count:
            self.lead.setText("Nothing to answer yet.")
        else:
            there = "" if seconds is None else " in under a second" if seconds < 0.5 else f" in {duration(seconds)}"
            self.lead.setText(f"{count_of(count, 'row')}{there}")
        self.words.setText(f"{words}; the coverage is being calibrated" if calibrating and words else words)
