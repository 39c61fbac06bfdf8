"""A person's own data in a few lines: the table and what is predicted, what its reader noticed, and the way to more."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.core.experiment.data import DataSummary, Source, Table
from dnnstudio.core.text import count_of, shortened
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import ElidedLabel, IconLabel, push_button

SHOWN_NOTES = 2


class OwnDataSummary(QWidget):
    """`columns_requested` asks for the window of the table's columns."""

    columns_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("own_data")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._table = False
        self._noted = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.head = QWidget()
        row = QHBoxLayout(self.head)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.words = ElidedLabel("", Role.BODY)
        self.words.setObjectName("own_data_words")
        self.columns_button = push_button("Columns…", Role.LINK, tip="See the table and what each column is for")
        self.columns_button.setObjectName("own_data_columns")
        self.columns_button.clicked.connect(self.columns_requested)
        row.addWidget(self.words, 1)
        row.addWidget(self.columns_button)
        column.addWidget(self.head)
        self._notes: list[tuple[QWidget, ElidedLabel]] = []
        for _ in range(SHOWN_NOTES):
            line, words = QWidget(), ElidedLabel("", Role.CAPTION)
            inner = QHBoxLayout(line)
            inner.setContentsMargins(0, 0, 0, 0)
            inner.setSpacing(6)
            inner.addWidget(IconLabel(theme, "info", size=14, color="text3"))
            inner.addWidget(words, 1)
            column.addWidget(line)
            self._notes.append((line, words))

    @property
    def has_columns(self) -> bool:
        """Whether **Columns…** is there, which shows the present table."""
        return self._table

    @property
    def shows_anything(self) -> bool:
        """Whether there is a table with known columns, or a note of its reader."""
        return self._table or self._noted

    @property
    def notes(self) -> tuple[str, ...]:
        """The sentences that are shown."""
        return tuple(words.text() for line, words in self._notes if not line.isHidden())

    def show_data(self, source: Source, summary: DataSummary | None) -> None:
        """The table's file and target, and the first notes; the tooltip of the last one holds the others."""
        table = source if isinstance(source, Table) and source.columns else None
        self._table = table is not None
        self.head.setVisible(self._table)
        if table is not None:
            target = table.target_column
            name = "" if target is None else shortened(target.name, 24)
            self.words.setText(f"Predicts {name} from {count_of(len(table.features), 'column')}")
            self.words.set_hint(table.path)
        notes = summary.notes if summary is not None else ()
        self._noted = bool(notes)
        for place, (line, words) in enumerate(self._notes):
            line.setVisible(place < len(notes))
            more = len(notes) - SHOWN_NOTES
            last = place == SHOWN_NOTES - 1 and more > 0
            words.setText((notes[place] + (f" And {more} more." if last else "")) if place < len(notes) else "")
            words.set_hint("\n".join(notes[SHOWN_NOTES:]) if last else "")
