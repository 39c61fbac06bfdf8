"""The list of answers: where to drop, which rows to show, how they are sorted, and the rows."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QItemSelection, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QPushButton,
    QTableView,
    QWidget,
)

from dnnstudio.core.text import percent
from dnnstudio.gui.predict.cases import Cases, SortKey, State
from dnnstudio.gui.predict.drop_bar import DropBar
from dnnstudio.gui.predict.rows.row_delegate import BAR, ROW_HEIGHT, Places, RowDelegate
from dnnstudio.gui.predict.rows.rows_model import CasePictures, RowsModel
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import Card, Choice, ComboBox, Segmented, label, push_button
from dnnstudio.gui.widgets.charts.copies import copies_table

STATES: tuple[tuple[State, str, str], ...] = (
    ("all", "All", "Every row"),
    ("sure", "Sure", "Rows that need no person"),
    ("ask", "Ask a person", "Rows whose doubt is above the threshold, and strange ones"),
    ("strange", "Strange", "Rows that no class fits: their set is empty"),
    ("failed", "Could not be read", "Rows without an answer, with the reason"),
)
HEADS: tuple[tuple[SortKey, str], ...] = (
    ("input", "Input"),
    ("answer", "Answer"),
    ("probability", "Probability"),
    ("uncertainty", "Doubt"),
    ("set", "Set"),
)
ANY = ""
LATER_MS = 120


class Heads(QWidget):
    """The titles over the rows. Pressing one sorts by it, pressing it again turns the order round."""

    sort_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFixedHeight(26)
        self.buttons: dict[str, QPushButton] = {}
        for key, title in HEADS:
            button = push_button(title, Role.FOLD, tip=f"Sort by {title.lower()}")
            button.setParent(self)
            button.setObjectName(f"head_{key}")
            button.clicked.connect(lambda _=False, key=key: self.sort_chosen.emit(key))
            self.buttons[key] = button

    def place(self, where: Places) -> None:
        """Put each title over its column."""
        for key, _ in HEADS:
            x, width = getattr(where, key)
            shift = 8 if key == "set" else 0
            self.buttons[key].setVisible(width > 0)
            self.buttons[key].setGeometry(x + shift, 2, max(width - 4 - shift, 0), 22)

    def show_state(self, titles: dict[str, str], by: SortKey, *, falling: bool) -> None:
        """The titles, and which one sorts."""
        for key, button in self.buttons.items():
            arrow = ("  ↓" if falling else "  ↑") if key == by and by != "input" else ""
            button.setText(titles.get(key, "") + arrow)


class RowsView(QTableView):
    """One row a case, painted by its delegate."""

    menu_requested = Signal(QPoint)
    resized = Signal()

    def __init__(self, rows: RowsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.copies = copies_table(self)
        self.setObjectName("answer_rows")
        self.setAccessibleName("Answers")
        self.setModel(rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setShowGrid(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar = self.verticalScrollBar()  # always there, so that the heads stand above their parts; empty unless needed
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        bar.rangeChanged.connect(self._show_handle)
        bar.setEnabled(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self.menu_requested)

    def _show_handle(self, low: int, high: int) -> None:
        self.verticalScrollBar().setEnabled(high > low)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.edit(self.currentIndex())
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()


class AnswerList(Card):
    """`chosen(place)` when another row is selected, −1 for none; `corrected` once a person has said what is right."""

    chosen = Signal(int)
    corrected = Signal(int)

    def __init__(self, theme: Theme, cases: Cases, pictures: CasePictures, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent=parent)
        self.setObjectName("answer_list")
        self._cases = cases
        self._by: SortKey = "input"
        self._falling = False
        self._titles: dict[str, str] = {}
        self.drop = DropBar(theme)
        self.states = Segmented(theme, [Choice(*one) for one in STATES], fill=True)
        self.states.setObjectName("answer_states")
        self.states.set_value("all")
        self.search = QLineEdit()
        self.search.setObjectName("answer_search")
        self.search.setPlaceholderText("Search names and answers")
        self.search.setAccessibleName("Search names and answers")
        self.search.setClearButtonEnabled(True)
        self.said = ComboBox()
        self.said.setObjectName("answer_said")
        self.said.setAccessibleName("Only this answer")
        self.said.setMaximumWidth(220)
        self.rows = RowsModel(cases, self)
        self.heads = Heads(theme)
        self.view = RowsView(self.rows)
        self.delegate = RowDelegate(theme, cases, pictures, self._correct, self.view)
        self.view.setItemDelegate(self.delegate)
        self.nothing = label("", Role.BODY, wrap=True)
        self.nothing.setObjectName("answer_nothing")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._later = QTimer(self, singleShot=True, interval=LATER_MS)
        self._later.timeout.connect(self.refresh)
        self._lay_out()
        self.states.chosen.connect(self.refresh)
        self.said.chosen.connect(self.refresh)
        self.search.textChanged.connect(lambda _: self._later.start())
        self.heads.sort_chosen.connect(self.sort_by)
        self.view.resized.connect(self._place_heads)
        self.view.menu_requested.connect(self._open_menu)
        self.view.selectionModel().selectionChanged.connect(self._tell_chosen)
        theme.changed.connect(self.view.viewport().update)
        self.begin()

    def _lay_out(self) -> None:
        line = QWidget()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.search, 1)
        row.addWidget(self.said)
        self._filters = line
        for widget in (self.drop, self.states, line, self.heads):
            self.add(widget)
        self.add(self.view, 1)
        self.add(self.nothing, 1)

    # ------------------------------------------------------------------------------------------ what is shown

    def begin(self) -> None:
        """Other cases, or another network: nothing is filtered, all is in the order of the inputs."""
        self.rows.show_order(np.zeros(0, np.int64))
        classes = self._cases.facts.classes
        self.said.set_choices([Choice(ANY, "Any answer"), *(Choice(name, name) for name in classes)])
        self.said.set_value(ANY)
        self.said.setVisible(bool(classes))
        self.states.set_value("all")
        self.states.button("strange").setVisible(bool(classes))
        self.search.clear()
        self._by, self._falling = "input", False
        self.refresh()

    def take(self) -> None:
        """More rows have come: the first are shown at once, others within an eighth of a second."""
        if not len(self.rows.order):
            self.refresh()
        elif not self._later.isActive():
            self._later.start()

    @property
    def state(self) -> State:
        """Which rows are shown."""
        value = self.states.value()
        return next((state for state, _, _ in STATES if state == value), "all")

    def show_state(self, state: State) -> None:
        """Show only such rows."""
        self.states.set_value(state)
        self.refresh()

    def refresh(self, _: object = None) -> None:
        """Show what the cases say now."""
        self._later.stop()
        cases, chosen = self._cases, self.place
        said = self.said.value()
        order = cases.order(
            self.state,
            words=self.search.text(),
            answer=str(said) if said else None,
            by=self._by,
            falling=self._falling,
        )
        self.rows.show_order(order)
        counts = cases.counts()
        for state, title, _ in STATES:
            self.states.button(state).setText(f"{title} {counts[state]:,}" if len(cases) else title)
        self._show_heads()
        self._show_emptiness()
        if self.place != chosen or chosen < 0:
            self._select_again(chosen)
        self.view.viewport().update()

    def _select_again(self, chosen: int) -> None:
        """Select the row that was selected, or the first where that is not shown any more."""
        if chosen >= 0 and self.rows.row_of(chosen) >= 0:
            self.select(chosen)
        elif len(self.rows.order):
            self.view.selectRow(0)
            if self.drop.choose.hasFocus():
                self.view.setFocus()
        else:
            self.chosen.emit(-1)

    def _show_emptiness(self) -> None:
        some, shown = len(self._cases) > 0, len(self.rows.order) > 0
        for widget in (self.states, self._filters):
            widget.setVisible(some)
        self.heads.setVisible(shown)
        self.view.setVisible(shown)
        self.nothing.setVisible(not shown)
        if some:
            self.nothing.setText("No row is like that.")

    def say_nothing(self, text: str) -> None:
        """What stands in the list while there are no rows."""
        self.nothing.setText(text)

    def _show_heads(self) -> None:
        cases = self._cases
        share = percent(cases.promise.coverage)
        titles: dict[str, str] = dict[str, str](HEADS) | {"set": f"Set of {share}"}
        if cases.is_number:
            titles |= {"answer": cases.facts.target or "Answer", "uncertainty": "Spread", "set": f"Interval of {share}"}
        self._titles = titles
        self._place_heads()

    def _place_heads(self) -> None:
        where = self.delegate.places(self.view.viewport().width())
        short = {"probability": "Prob."} if where.probability[1] < BAR else {}
        self.heads.show_state(self._titles | short, self._by, falling=self._falling)
        self.heads.place(where)

    # ------------------------------------------------------------------------------------------ choosing

    @property
    def place(self) -> int:
        """The selected case, −1 for none."""
        found = self.view.selectionModel().selectedRows()
        return self.rows.place(found[0].row()) if found else -1

    def select(self, place: int) -> None:
        """Select a case, if it is shown."""
        row = self.rows.row_of(place)
        if row >= 0:
            self.view.selectRow(row)

    def edit(self) -> None:
        """Open the field that corrects the selected row."""
        index = self.view.currentIndex()
        if index.isValid():
            self.view.setFocus()
            self.view.edit(index)

    def step(self, by: int) -> None:
        """Select the next row (1) or the one before (−1)."""
        row = self.rows.row_of(self.place) + by
        if 0 <= row < len(self.rows.order):
            self.view.selectRow(row)
            self.view.scrollTo(self.rows.index(row, 0))

    def sort_by(self, key: str) -> None:
        """Sort by a column; by the same one again, the other way round. Doubt begins with the greatest."""
        wanted = next(name for name, _ in HEADS if name == key)
        self._falling = not self._falling if wanted == self._by else wanted == "uncertainty"
        self._by = wanted
        self.refresh()

    def _tell_chosen(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        del selected, deselected
        self.chosen.emit(self.place)

    def _correct(self, place: int, answer: str | float) -> None:
        self._cases.correct(place, answer)
        self.rows.tell_changed(place)
        self.corrected.emit(place)

    def _open_menu(self, at: QPoint) -> None:
        index = self.view.indexAt(at)
        place = self.rows.place(index.row()) if index.isValid() else -1
        if place < 0:
            return
        menu = self.menu_for(place)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.view.viewport().mapToGlobal(at))

    def menu_for(self, place: int) -> QMenu:
        """What can be done with one row."""
        menu = QMenu(self)
        reason = "" if self._cases.answer(place) is not None else "The row is not answered yet."
        edit = menu.addAction("Correct…")
        set_reason(edit, reason)
        edit.triggered.connect(lambda: self.view.edit(self.rows.index(self.rows.row_of(place), 0)))
        right = menu.addAction("Right as it is")
        set_reason(right, reason)
        right.triggered.connect(lambda: self._confirm(place))
        menu.addAction("Remove from the list").triggered.connect(lambda: self._remove(place))
        self.view.copies.add_to(menu)
        return menu

    def _confirm(self, place: int) -> None:
        self._cases.confirm(place)
        self.rows.tell_changed(place)
        self.corrected.emit(place)

    def _remove(self, place: int) -> None:
        self._cases.remove(place)
        self.refresh()
