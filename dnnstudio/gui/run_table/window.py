"""The window of all runs: top bar, table, detail, and the commands on what is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSplitter, QVBoxLayout, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.study.listing import ListedRun
from dnnstudio.core.study.query import check_names, parse_query
from dnnstudio.core.text import count_of
from dnnstudio.gui.base.run_words import COLOR_TOKENS
from dnnstudio.gui.base.shortcuts import RUNS, bind
from dnnstudio.gui.run_table.arranging import Arranged, Names, Wish, arrange
from dnnstudio.gui.run_table.deeds import COLOR_DEEDS, DEEDS, Deed
from dnnstudio.gui.run_table.detail import Detail
from dnnstudio.gui.run_table.model import Key, RunTree
from dnnstudio.gui.run_table.reader import RunReader
from dnnstudio.gui.run_table.top_bar import TopBar
from dnnstudio.gui.run_table.view import RunView
from dnnstudio.gui.runs.absence import AT_FIRST
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import Card, ElidedLabel, MessageBar, Window, label, push_button
from dnnstudio.gui.widgets.menus import add_head


class RunWindow(Window):
    """`asked(deed, runs)` for a command on rows; `note_written(run, text)`; `add_requested`; `export_requested`;
    `refresh_requested` when the window comes to the front; `undo_requested`; `closed`.
    """

    asked = Signal(str, object)
    note_written = Signal(object, str)
    add_requested = Signal()
    export_requested = Signal()
    undo_requested = Signal()
    closed = Signal()

    def __init__(
        self,
        theme: Theme,
        reader: RunReader,
        why_not: Callable[[str, ListedRun], str],
        *,
        parent: QWidget | None = None,
    ) -> None:
        """`why_not` says why a command cannot be done on a row, as far as only the rest of the program knows."""
        super().__init__(parent)
        self.setObjectName("run_window")
        self.setWindowTitle("Runs – dnnstudio")
        self.setMinimumSize(QSize(880, 560))
        self.resize(1440, 860)
        self._theme = theme
        self._reader = reader
        self._why_not = why_not
        self._over = False
        self.wish = Wish()
        self._names = Names()
        self.arranged = arrange((), self.wish)
        self.tree = RunTree(self)
        self.bar = TopBar(theme)
        self.view = RunView(theme, self.tree)
        self.detail = Detail(theme)
        self.messages = MessageBar(theme)
        self.messages.setObjectName("run_message")
        self.problem = label("", Role.ERROR, wrap=True)
        self.problem.setObjectName("search_problem")
        self.problem.hide()
        self.foot = label("", Role.CAPTION)
        self.foot.setObjectName("run_foot")
        self.unread = ElidedLabel("", Role.ERROR)
        self.unread.setObjectName("unread_runs")
        self.unread.hide()
        self.show_all = push_button("Show all", Role.LINK, tip="Clear the search")
        self.show_all.setObjectName("clear_search")
        self.show_all.clicked.connect(self.bar.search.clear)
        self._lay_out(theme)
        self.actions_ = self._make_actions()
        self._wire()
        self.rearrange()
        self.view.setFocus()

    def _lay_out(self, theme: Theme) -> None:
        left = Card(theme, margin=8)
        left.add(self.problem)
        left.add(self.view, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.foot)
        foot.addWidget(self.show_all)
        foot.addStretch(1)
        foot.addWidget(self.unread, 3)
        holder = QWidget()
        holder.setLayout(foot)
        foot.setContentsMargins(4, 0, 4, 0)
        left.add(holder)
        self.detail.setMinimumWidth(300)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(left)
        splitter.addWidget(self.detail)
        splitter.setStretchFactor(0, 1)
        splitter.setSizes([1080, 340])
        splitter.setChildrenCollapsible(False)
        body = QHBoxLayout()
        body.setContentsMargins(8, 8, 8, 8)
        body.addWidget(splitter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addLayout(body, 1)
        column.addWidget(self.messages)

    def _make_actions(self) -> dict[str, QAction]:
        found = {}
        for deed in (*DEEDS, *COLOR_DEEDS.values()):
            action = QAction(deed.text, self)
            action.setObjectName(f"run_{deed.name}")
            action.setToolTip(deed.help)
            if deed.keys:
                action.setShortcut(QKeySequence(deed.keys))
            action.triggered.connect(lambda _=False, name=deed.name: self.do(name))
            self.addAction(action)
            found[deed.name] = action
        return found

    def _wire(self) -> None:
        bar = self.bar
        bar.search_changed.connect(self.search)
        bar.group_changed.connect(lambda on: self._set_wish(replace(self.wish, group=on)))
        bar.only_differing_changed.connect(
            lambda on: self._set_wish(replace(self.wish, only_differing=on, settings=None))
        )
        bar.column_toggled.connect(self._toggle_column)
        bar.usual_columns_requested.connect(lambda: self._set_wish(replace(self.wish, settings=None)))
        bar.add_requested.connect(self.add_requested)
        bar.export_requested.connect(self.export_requested)
        self._reader.changed.connect(self.rearrange)
        self.view.selectionModel().selectionChanged.connect(self._on_selection)
        self.view.star_pressed.connect(lambda run: self.asked.emit("star", (run,)))
        self.view.opened.connect(lambda run: self.do("open", (run,)))
        self.view.customContextMenuRequested.connect(self._open_menu)
        self.view.header().sectionClicked.connect(self._sort_by)
        self.detail.asked.connect(self.do)
        self.detail.note_written.connect(self.note_written)
        self.messages.action_requested.connect(self.undo_requested)
        for keys, action in (
            ("Ctrl+F", bar.take_focus),
            ("Ctrl+Shift+G", bar.group.toggle),
            ("Ctrl+Shift+O", self.add_requested.emit),
            ("Ctrl+S", self.export_requested.emit),
            ("Ctrl+Z", self.undo_requested.emit),
            ("F5", self._reader.refresh),
        ):
            bind(self, RUNS, keys, action)

    # ------------------------------------------------------------------------------------------ arranging

    def search(self, text: str) -> None:
        """Show what the search line finds; a wrong one leaves the table as it is and says why."""
        try:
            query = parse_query(text)
            check_names(query, self._reader.runs)
        except UserError as error:
            self.problem.setText(f"{error.message} {error.hint}")
            self.problem.show()
            return
        self.problem.hide()
        self._set_wish(replace(self.wish, query=query))

    def _set_wish(self, wish: Wish) -> None:
        self.wish = wish
        self.rearrange()

    def _toggle_column(self, path: str, shown: bool) -> None:
        now = frozenset(column.key for column in self.tree.columns if column.setting)
        self._set_wish(replace(self.wish, settings=now | {path} if shown else now - {path}))

    def _sort_by(self, section: int) -> None:
        key = self.tree.columns[section].key
        other_way = key == self.wish.sort and self.wish.descending
        self._set_wish(replace(self.wish, sort=key, descending=not other_way))

    def rearrange(self) -> None:
        """Arrange the runs anew; what is chosen, folded and in sight stays so."""
        arranged = arrange(self._reader.runs, self.wish, self._names)
        chosen, open_, current = set(self._chosen_keys()), set(self._open_keys()), self.view.verticalScrollBar().value()
        fresh_columns = arranged.columns != self.tree.columns and _keys(arranged) != _keys(self.arranged)
        first = not self.tree.columns or fresh_columns
        self.arranged = arranged
        self.view.selectionModel().blockSignals(True)
        self.tree.show(arranged)
        if first:
            self.view.fit_columns()
        self._restore(chosen, open_)
        self.view.selectionModel().blockSignals(False)
        self.view.verticalScrollBar().setValue(current)
        order = Qt.SortOrder.DescendingOrder if self.wish.descending else Qt.SortOrder.AscendingOrder
        self.view.header().setSortIndicator(self.tree.column_of(self.wish.sort), order)
        self._show_state()
        self._show_chosen()

    def _restore(self, chosen: set[Key], open_: set[Key]) -> None:
        """Unfold every task, and what was unfolded; choose what was chosen, and is still there."""
        for index in self.tree.tasks():
            self.view.setFirstColumnSpanned(index.row(), index.parent(), True)
            self.view.setExpanded(index, True)
        selection = QItemSelection()
        last = len(self.tree.columns) - 1
        for index in self.tree.indexes() if chosen or open_ else ():
            key = self.tree.key(index)
            if key in open_:
                self.view.setExpanded(index, True)
            if key in chosen and self.tree.run(index) is not None:
                selection.select(index, index.siblingAtColumn(last))
        self.view.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def _show_state(self) -> None:
        arranged = self.arranged
        hidden = arranged.total - arranged.shown
        self.bar.show_hits(arranged.shown, arranged.total)
        shown = [column.key for column in arranged.columns if column.setting]
        self.bar.show_settings(arranged.settings, shown, arranged.differing)
        words = f"{count_of(hidden, 'run')} {'does' if hidden == 1 else 'do'} not match the search." if hidden else ""
        away = "" if arranged.total else self._reader.away
        nothing = f"The workspace cannot be read: {away}." if away else AT_FIRST
        empty = "" if arranged.total else nothing
        self.foot.setText(words or empty or _differing_words(len(arranged.differing)))
        self.show_all.setVisible(bool(hidden))
        unread = self._reader.unread
        reasons = [f"{folder.name} cannot be listed. {unread[folder]}" for folder in sorted(unread)]
        more = f" And {count_of(len(unread) - 1, 'run')} more." if len(unread) > 1 else ""
        self.unread.setText(f"{reasons[0]}{more}" if unread else "")
        self.unread.set_hint("\n".join(reasons) if more else "")
        self.unread.setVisible(bool(unread))

    # ------------------------------------------------------------------------------------------ what is chosen

    @property
    def chosen(self) -> tuple[ListedRun, ...]:
        """The chosen rows, from top to bottom."""
        rows = self.view.selectionModel().selectedRows()
        ordered = sorted(rows, key=lambda index: self.view.visualRect(index).top())
        return tuple(run for index in ordered if (run := self.tree.run(index)) is not None)

    def _chosen_keys(self) -> tuple[Key, ...]:
        return tuple(run.folders for run in self.chosen)

    def _open_keys(self) -> list[Key]:
        runs = (index for index in self.tree.indexes() if self.tree.run(index) is not None)
        return [self.tree.key(index) for index in runs if self.view.isExpanded(index)]

    def choose(self, *runs: ListedRun) -> None:
        """Choose these rows."""
        self._restore({run.folders for run in runs}, set(self._open_keys()))

    def _on_selection(self, _: object = None, __: object = None) -> None:
        self._show_chosen()

    def _show_chosen(self) -> None:
        chosen = self.chosen
        for deed in (*DEEDS, *COLOR_DEEDS.values()):
            set_reason(self.actions_[deed.name], self.why_not(deed.name, chosen))
        if len(chosen) == 1 and self.detail.typing and self.detail.shows(chosen[0]):
            self.detail.update_run(chosen[0])
            return
        self.detail.show_runs(chosen, no_inspection=self.why_not("inspect", chosen))

    # ------------------------------------------------------------------------------------------ commands

    def can(self, name: str, runs: Sequence[ListedRun]) -> bool:
        """Whether a command can be done on these rows."""
        return not self.why_not(name, runs)

    def why_not(self, name: str, runs: Sequence[ListedRun]) -> str:
        """Why a command cannot be done on these rows, or ""."""
        deed = next(deed for deed in (*DEEDS, *COLOR_DEEDS.values()) if deed.name == name)
        return deed.misfit(runs) or next((why for run in runs if (why := self._why_not(name, run))), "")

    def do(self, name: str, runs: Sequence[ListedRun] | None = None) -> None:
        """Do a command on these rows, or on those that are chosen."""
        runs = self.chosen if runs is None else tuple(runs)
        if not self.can(name, runs):
            return
        if name == "note":
            self.choose(*runs)
            self.detail.note.setFocus()
            return
        self.asked.emit(name, tuple(runs))

    def menu_for(self, runs: Sequence[ListedRun]) -> QMenu:
        """The menu of commands on these rows; its first line says which they are."""
        menu = QMenu(self)
        menu.setObjectName("run_table_menu")
        menu.setToolTipsVisible(True)
        add_head(menu, runs[0].name if len(runs) == 1 else count_of(len(runs), "row"))
        for deed in DEEDS:
            menu.addAction(self._action_for(deed, runs, menu))
            if deed.name == "star":
                colors = menu.addMenu("Colour")
                colors.setObjectName("menu_color")
                for color, one in COLOR_DEEDS.items():
                    action = self._action_for(one, runs, colors)
                    if color:
                        action.setIcon(self._theme.icon("circle-fill", COLOR_TOKENS[color]))
                    colors.addAction(action)
        self.view.copies.add_to(menu)
        return menu

    def _action_for(self, deed: Deed, runs: Sequence[ListedRun], menu: QMenu) -> QAction:
        action = QAction(deed.text, menu)
        action.setObjectName(f"menu_{deed.name}")
        action.setToolTip(deed.help)
        if deed.keys:
            action.setShortcut(QKeySequence(deed.keys))
        set_reason(action, self.why_not(deed.name, runs))
        action.triggered.connect(lambda _=False, name=deed.name: self.do(name, runs))
        return action

    def _open_menu(self, place: QPoint) -> None:
        run, chosen = self.view.run_at(place), self.chosen
        keys = {one.folders for one in chosen}
        runs = chosen if run is None or run.folders in keys else (run,)
        on_screen = self.view.viewport().mapToGlobal(place)
        if not runs:
            self.view.copies.popup(on_screen)
            return
        menu = self.menu_for(runs)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(on_screen)

    def tell(self, text: str, *, lead: str = "", error: bool = False, undo: bool = False) -> None:
        """Show a message, with a button that takes back what it says."""
        self.messages.show_message(
            text, lead=lead, severity="error" if error else "news", action="Undo" if undo else ""
        )

    # ------------------------------------------------------------------------------------------ Qt

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.bar.search.text():
            self.bar.search.clear()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._over:
            self._over = True
            self.detail.keep_note()
            self.bar.stop()
            self._reader.stop()
            self.closed.emit()
        event.accept()

    def reject(self) -> None:
        """Escape closes it as the button of the title bar does."""
        self.close()


def _keys(arranged: Arranged) -> tuple[str, ...]:
    return tuple(column.key for column in arranged.columns)


def _differing_words(count: int) -> str:
    verb = "differs" if count == 1 else "differ"
    return f"{count_of(count, 'setting')} {verb}; bold: best of its task."
