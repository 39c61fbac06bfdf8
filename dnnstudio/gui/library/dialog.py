"""The library's window: the table of models, details of the selected one, and buttons for the commands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QFontMetrics, QKeyEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from dnnstudio.core.text import count_of
from dnnstudio.core.workspace.catalog import Entry
from dnnstudio.gui.base.shortcuts import LIBRARY, bind
from dnnstudio.gui.library.detail_card import DetailCard
from dnnstudio.gui.library.entries_model import COLUMNS, DATE, EntriesModel, ShownEntries
from dnnstudio.gui.library.entry_delegate import BESIDE, ROW_HEIGHT, TEXT_SIZE, EntryDelegate
from dnnstudio.gui.theme import Cure, Role, Theme, cure_of, reason_of, set_reason
from dnnstudio.gui.widgets import Card, MessageBar, MiniButton, Window, label, push_button
from dnnstudio.gui.widgets.charts.copies import Copies, table_text

DEEDS = (
    ("open", "Open", "Open the network and its experiment in the main window (Enter)", 1, "Return"),
    ("reuse", "Reuse its layers…", "Start the open experiment from layers of this model", 1, ""),
    ("clone", "Clone", "A copy with the same layers and weights, which shares nothing", 1, "Ctrl+D"),
    ("copy", "Save copy as…", "Write the network to a .keras or .h5 file of yours", 1, "Ctrl+Shift+S"),
    ("rename", "Rename…", "Give the model another name (F2)", 1, "F2"),
    ("compare", "Compare two", "Two chosen models side by side: layers, options, weights, accuracy", 2, ""),
    ("delete", "Delete", "Put the model into the trash folder of the workspace; Undo brings it back (Del)", 1, "Del"),
)
"""Name, label, tooltip, number of models it applies to, keys."""
CHOOSE = {1: "Choose one model in the table.", 2: "Choose two models in the table; hold Ctrl for the second."}
"""Why a command on so many models is grey."""
MOST_OTHERS = 30
"""So many models are offered to compare one with: the first in the table, which sorts and searches."""
NOTES = 4
"""So many sentences on what cannot be read are in sight."""
ADD, TRAIN = "Add file…", "Train"
READING = "The models are being read."
NO_MODEL = "There is no trained model in this workspace yet."
NO_MATCH = "No model mentions all of these words."
ONE_MODEL = "There is one model alone, and none to compare it with."
NOTHING = "There is no trained model in this workspace yet. Press Train in the main window, or add a file."


class _Table(QTableView):
    """The first arrow chooses the row that the keyboard came to, the first one; Qt steps over it."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        arrow = event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Home)
        current = self.currentIndex()
        if arrow and current.isValid() and not event.modifiers() and not self.selectionModel().hasSelection():
            self.selectRow(current.row())
        else:
            super().keyPressEvent(event)


class LibraryDialog(Window):
    """A non-modal window.

    `asked(deed, entries)` for a command on the selected models; `add_requested`, `refresh_requested` and
    `train_requested`; `closed` when the window is closed.
    """

    asked = Signal(str, object)
    add_requested = Signal()
    train_requested = Signal()
    refresh_requested = Signal()
    closed = Signal()

    def __init__(self, theme: Theme, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("library_dialog")
        self.setWindowTitle("Model library")
        self.setModal(False)
        self.setMinimumSize(QSize(900, 560))
        self.resize(1240, 780)
        self._theme = theme
        self.entries = EntriesModel(self)
        self.shown = ShownEntries(self.entries, self)
        self.buttons: dict[str, QPushButton] = {}
        self._busy = self._away = ""
        self._over = False
        self.table = self._make_table(theme)
        self.detail = DetailCard(theme)
        self.messages = MessageBar(theme)
        self.messages.setObjectName("library_message")
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addLayout(self._make_top(theme))
        body = QHBoxLayout()
        body.setSpacing(8)
        self.card = Card(theme, margin=4)
        self.empty_message = label("", Role.SMALL, wrap=True)
        self.empty_message.setObjectName("library_empty")
        self.empty_message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty = QWidget()
        middle = QVBoxLayout(self.empty)
        middle.setSpacing(12)
        middle.addStretch(1)
        middle.addWidget(self.empty_message)
        middle.addWidget(self._make_ways())
        middle.addStretch(1)
        self.card.add(self.empty, 1)
        self.card.add(self.table, 1)
        self.notes = label("", Role.HINT, wrap=True)
        self.notes.setObjectName("library_notes")
        self.notes.setContentsMargins(8, 0, 8, 6)
        self.notes.hide()
        self.card.add(self.notes)
        body.addWidget(self.card, 1)
        body.addWidget(self.detail)
        column.addLayout(body, 1)
        column.addWidget(self.messages)
        column.addLayout(self._make_buttons())
        bind(self, LIBRARY, "Ctrl+F", self.search.setFocus)
        bind(self, LIBRARY, "F5", self.refresh_requested.emit)
        self._show_state()

    def _make_ways(self) -> QWidget:
        """What an empty library is filled by."""
        self.ways = QWidget()
        row = QHBoxLayout(self.ways)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addStretch(1)
        train = push_button(TRAIN, Role.PRIMARY, tip="Train the experiment of the main window")
        train.setObjectName("library_train")
        train.clicked.connect(self.train_requested)
        add = push_button(ADD, tip="List a .keras or .h5 file that lies elsewhere")
        add.setObjectName("library_add_first")
        add.clicked.connect(self.add_requested)
        row.addWidget(train)
        row.addWidget(add)
        row.addStretch(1)
        return self.ways

    def _make_top(self, theme: Theme) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.title = label("Model library", Role.DIALOG_TITLE)
        self.search = QLineEdit()
        self.search.setObjectName("library_search")
        self.search.setAccessibleName("Search the models")
        self.search.setPlaceholderText("Search: name, class, layer, fingerprint…")
        self.search.setToolTip(
            "Every word must be found in name, task, classes, layers, state or fingerprint (Ctrl+F)."
        )
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(320)
        self.search.textChanged.connect(self._search)
        self.progress = label("", Role.CAPTION)
        self.progress.setObjectName("library_progress")
        refresh = MiniButton(theme, "arrow-clockwise", "Read the workspace again (F5)")
        refresh.setObjectName("library_refresh")
        refresh.clicked.connect(self.refresh_requested)
        add = push_button(ADD, tip="List a .keras or .h5 file that lies elsewhere")
        add.setObjectName("library_add")
        add.clicked.connect(self.add_requested)
        row.addWidget(self.title)
        row.addWidget(self.progress)
        row.addStretch(1)
        row.addWidget(self.search)
        row.addWidget(refresh)
        row.addWidget(add)
        return row

    def _make_table(self, theme: Theme) -> QTableView:
        table = _Table()
        table.setObjectName("library_table")
        table.setAccessibleName("Models")
        table.setModel(self.shown)
        table.setItemDelegate(EntryDelegate(theme, self.entries.bars, table))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setFrameShape(QFrame.Shape.NoFrame)
        table.setTabKeyNavigation(False)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setFixedHeight(30)
        header.setMinimumSectionSize(60)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for number, column in enumerate(COLUMNS):
            if column.width:
                table.setColumnWidth(number, column.width)
        header.setSortIndicator(DATE, Qt.SortOrder.DescendingOrder)
        table.setSortingEnabled(True)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(self._open_menu)
        table.selectionModel().selectionChanged.connect(self._show_chosen)
        table.doubleClicked.connect(lambda _: self._ask("open"))
        return table

    def _make_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        for name, words, tip, _, keys in DEEDS:
            button = push_button(words, Role.PRIMARY if name == "open" else None, tip=tip)
            button.setObjectName(f"library_{name}")
            button.clicked.connect(lambda _=False, name=name: self._ask(name))
            if keys:
                shortcut = QShortcut(QKeySequence(keys), self.table, context=Qt.ShortcutContext.WidgetShortcut)
                shortcut.activated.connect(lambda name=name: self._ask(name))
            self.buttons[name] = button
            if name == "delete":
                row.addStretch(1)
            row.addWidget(button)
        return row

    # ------------------------------------------------------------------------------------------ what is shown

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Show these models, keeping the selection."""
        chosen = [entry.path for entry in self.chosen()]
        scrolled = self.table.verticalScrollBar().value()
        hidden = self.table.isHidden()
        self.entries.set_entries(entries)
        self._fit_columns()
        for path in chosen:
            self.select(path, only=False)
        self.table.verticalScrollBar().setValue(scrolled)
        self._show_state()
        if hidden and not self.search.text():
            self.table.setFocus()

    def chosen(self) -> tuple[Entry, ...]:
        """The selected models, from top to bottom."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return tuple(entry for row in rows if (entry := self.shown.entry(row)) is not None)

    def select(self, path: Path, *, only: bool = True) -> None:
        """Select the model at a path, if it is listed."""
        row = self.shown.row_of(path)
        if row < 0:
            return
        model, index = self.table.selectionModel(), self.shown.index(row, 0)
        kind = model.SelectionFlag.ClearAndSelect if only else model.SelectionFlag.Select
        model.setCurrentIndex(index, kind | model.SelectionFlag.Rows)
        self.table.scrollTo(index)

    def set_notes(self, notes: Sequence[str]) -> None:
        """Set the messages on unreadable models, shown below the table."""
        lines = [*notes[:NOTES], *([f"And {len(notes) - NOTES} more."] if len(notes) > NOTES else [])]
        self.notes.setText("\n".join(lines))
        self.notes.setToolTip("\n".join(notes) if len(notes) > NOTES else "")
        self.notes.setVisible(bool(notes))

    def set_away(self, reason: str) -> None:
        """Why the workspace cannot be read, in lower case without a full stop; "" where it can."""
        self._away = f"The workspace cannot be read: {reason}." if reason else ""

    def set_busy(self, text: str) -> None:
        """Set what is being read, or ""."""
        self._busy = text
        self._show_state()

    def say(self, text: str, *, lead: str = "", severity: str = "news", action: str = "") -> None:
        """Show a message in this window."""
        self.messages.show_message(text, lead=lead, severity=severity, action=action)  # type: ignore[arg-type]

    def _search(self, text: str) -> None:
        self.shown.search(text)
        self._show_state()

    def _show_state(self) -> None:
        count, shown = self.entries.rowCount(), self.shown.rowCount()
        words = count_of(count, "model") if shown == count else f"{shown:,} of {count_of(count, 'model')}"
        self.progress.setText(self._busy or (words if count else ""))
        self.empty_message.setText(NO_MATCH if count else self._busy or self._away or NOTHING)
        self.empty.setVisible(not shown)
        self.ways.setVisible(not count and not self._busy)
        self.table.setVisible(bool(shown))
        self._show_chosen()

    def _show_chosen(self, *_: object) -> None:
        chosen = self.chosen()
        for name, _words, _tip, wanted, _keys in DEEDS:
            set_reason(self.buttons[name], *(("", None) if len(chosen) == wanted else self._why_not(wanted)))
        if len(chosen) == 1:
            self.detail.show_entry(chosen[0])
        elif len(chosen) == 2:
            self.detail.show_none("Two models are chosen: Compare two puts them side by side.")
        elif chosen:
            self.detail.show_none(f"{count_of(len(chosen), 'model')} are chosen. Choose two to compare them.")
        elif self.shown.rowCount():
            self.detail.show_none("Choose a model to see it here. Its menu (right click) compares it with another one.")
        else:
            self.detail.show_none("The chosen model is shown here.")

    def _why_not(self, wanted: int) -> tuple[str, Cure | None]:
        """Why a command on so many models is grey, and what helps: there may be none to choose."""
        count, shown = self.entries.rowCount(), self.shown.rowCount()
        if not count and self._busy:
            return READING, None
        if not count:
            return self._away or NO_MODEL, Cure(ADD, self.add_requested.emit) if wanted > 1 else Cure(
                TRAIN, self.train_requested.emit
            )
        if count < wanted:
            return ONE_MODEL, Cure(ADD, self.add_requested.emit)
        if shown < wanted:
            return (CHOOSE[wanted] if shown else NO_MATCH), Cure("Show all", self.search.clear)
        words = "Choose the first" if wanted == 1 else "Choose the first two"
        return CHOOSE[wanted], Cure(words, lambda: self._choose_first(wanted))

    def _choose_first(self, count: int) -> None:
        entries = [self.shown.entry(row) for row in range(count)]
        for place, entry in enumerate(one for one in entries if one is not None):
            self.select(entry.path, only=not place)
        self.table.setFocus()

    # ------------------------------------------------------------------------------------------ what can be done

    def _ask(self, name: str) -> None:
        if self.buttons[name].isEnabled():
            self.asked.emit(name, self.chosen())

    def _open_menu(self, place: QPoint) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.table.viewport().mapToGlobal(place))

    def menu(self) -> QMenu:
        """The menu of commands for the selected models."""
        menu = QMenu(self)
        menu.setObjectName("library_menu")
        for name, words, _tip, _, _keys in DEEDS:
            if name == "delete":
                menu.addSeparator()
            action = QAction(words, menu)
            action.triggered.connect(lambda _=False, name=name: self._ask(name))
            menu.addAction(action)
            set_reason(action, reason_of(self.buttons[name]), cure_of(self.buttons[name]))
            if name == "compare" and len(self.chosen()) == 1:
                menu.addMenu(self._others_menu(self.chosen()[0], menu))
        Copies(self.table, lambda: table_text(self.table), None, menu=False).add_to(menu)
        return menu

    def _others_menu(self, chosen: Entry, parent: QMenu) -> QMenu:
        """The other models in the table, to compare the chosen one with: the mouse alone cannot choose any two."""
        menu = QMenu("Compare with", parent)
        menu.setObjectName("library_compare_with")
        entries = (self.shown.entry(row) for row in range(min(self.shown.rowCount(), MOST_OTHERS + 1)))
        for other in [entry for entry in entries if entry is not None and entry.path != chosen.path][:MOST_OTHERS]:
            action = menu.addAction(f"{other.name}: {other.task}".replace("&", "&&"))
            action.triggered.connect(lambda _=False, pair=(chosen, other): self.asked.emit("compare", pair))
        set_reason(menu.menuAction(), "There is no other model in the table." if menu.isEmpty() else "")
        return menu

    def _fit_columns(self) -> None:
        """Give each column the room of its widest text: dates and marked figures are to be seen whole."""
        metrics = QFontMetrics(self._theme.font(TEXT_SIZE))
        for number, column in enumerate(COLUMNS):
            if column.width:
                texts = (metrics.horizontalAdvance(column.text(entry)) for entry in self.entries.entries)
                self.table.setColumnWidth(number, max(column.width, max(texts, default=0) + BESIDE))

    # ------------------------------------------------------------------------------------------ Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < 1160
        self.detail.set_narrow(narrow)
        for number, column in enumerate(COLUMNS):
            self.table.setColumnHidden(number, narrow and column.wide_only)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._over:
            self._over = True
            self.closed.emit()
        event.accept()

    def reject(self) -> None:
        """Escape closes it, like the close button."""
        self.close()
