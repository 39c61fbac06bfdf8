"""The top of the window of runs: the search line, how the table is arranged, and what is done with all of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLineEdit, QMenu, QPushButton, QToolButton, QWidget

from dnnstudio.core.study.setting_words import setting_title
from dnnstudio.core.text import count_of
from dnnstudio.gui.theme import Role, Theme, set_role
from dnnstudio.gui.widgets import IconLabel, label, push_button, rule
from dnnstudio.gui.widgets.menus import add_head

TYPING_MS = 120
"""The search follows the typing after this pause."""
EXAMPLE = "val_accuracy > 90% dropout"
SEARCH_HELP = (
    "Words that a run's name, task, note, layers or settings hold, and comparisons of figures and settings: "
    'val_accuracy > 90%, learning_rate <= 0.01, optimizer = adam, seconds < 60, is:star. "Quotes" keep words together. '
    "(Ctrl+F)"
)
GROUP, GROUP_SHORT = "Group by everything but the seed", "Group seeds"
ROOMY = 1150
"""From this width on there is room for the long words."""


class TopBar(QFrame):
    """`search_changed(str)`, `group_changed(bool)`, `only_differing_changed(bool)`, `column_toggled(path, bool)`,
    `usual_columns_requested`, `add_requested`, `export_requested`.
    """

    search_changed = Signal(str)
    group_changed = Signal(bool)
    only_differing_changed = Signal(bool)
    column_toggled = Signal(str, bool)
    usual_columns_requested = Signal()
    add_requested = Signal()
    export_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, Role.BAR)
        self.setFixedHeight(52)
        self.search = QLineEdit()
        self.search.setObjectName("run_search")
        self.search.setAccessibleName("Search")
        self.search.setPlaceholderText(EXAMPLE)
        self.search.setToolTip(SEARCH_HELP)
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(150)
        self.search.setMaximumWidth(460)
        self._pause = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._pause.timeout.connect(self._search_now)
        self.search.textChanged.connect(lambda _: self._pause.start())
        self.search.returnPressed.connect(self._search_now)
        self.hits = label("", Role.CAPTION)
        self.hits.setObjectName("run_hits")
        self.group = QCheckBox(GROUP)
        self.group.setObjectName("group_runs")
        self.group.setToolTip("Runs that differ by their seed alone are one row with mean and spread. (Ctrl+Shift+G)")
        self.group.setChecked(True)
        self.group.toggled.connect(self.group_changed)
        self.differing = QCheckBox("Only what differs")
        self.differing.setObjectName("only_differing")
        self.differing.setToolTip("Columns of the settings that differ most; else of all that differ at all.")
        self.differing.setChecked(True)
        self.differing.toggled.connect(self.only_differing_changed)
        self.columns = QToolButton()
        self.columns.setObjectName("run_columns")
        self.columns.setText("Columns")
        self.columns.setToolTip("Choose the settings that have a column.")
        set_role(self.columns, Role.OUTLINE)
        self.columns.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.columns.setProperty("menu", "true")
        self.columns.setMenu(QMenu(self.columns))
        self.add = self._button(
            theme, "add_run", "Add run…", "plus", "List a run that was trained elsewhere. (Ctrl+Shift+O)"
        )
        self.add.clicked.connect(self.add_requested)
        self.export = self._button(
            theme, "export_runs", "Export…", "export", "Every run with all settings as CSV. (Ctrl+S)"
        )
        self.export.clicked.connect(self.export_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 12, 0)
        row.setSpacing(10)
        row.addWidget(IconLabel(theme, "rows", color="accent"))
        row.addWidget(label("Runs", Role.DIALOG_TITLE))
        line = rule(upright=True)
        line.setFixedHeight(24)
        row.addWidget(line)
        row.addWidget(self.search, 1)
        for widget in (self.hits, self.group, self.differing):
            row.addWidget(widget)
        row.addStretch(1)
        for button in (self.columns, self.add, self.export):
            row.addWidget(button)

    def _button(self, theme: Theme, name: str, text: str, icon: str, tip: str) -> QPushButton:
        button = push_button(text, tip=tip)
        button.setObjectName(name)
        button.setIcon(theme.icon(icon))
        button.setIconSize(QSize(14, 14))
        return button

    def _search_now(self) -> None:
        self._pause.stop()
        self.search_changed.emit(self.search.text())

    def show_hits(self, shown: int, total: int) -> None:
        """How many runs the search leaves."""
        widest = f"{total:,} of {count_of(total, 'run')}"  # what stands beside it stays in its place
        self.hits.setMinimumWidth(self.hits.fontMetrics().horizontalAdvance(widest) + 4)
        self.hits.setText(f"{shown:,} of {count_of(total, 'run')}" if shown != total else count_of(total, "run"))

    def show_settings(self, settings: Sequence[str], shown: Sequence[str], differing: Sequence[str]) -> None:
        """The menu of columns: those that differ first, then all others."""
        menu = self.columns.menu()
        menu.clear()
        usual = menu.addAction("Those that differ")
        usual.setObjectName("usual_columns")
        usual.triggered.connect(self.usual_columns_requested)
        add_head(menu, "They differ")
        for path in differing:
            self._add_column(menu, path, path in shown)
        more = menu.addMenu("All settings")
        for path in settings:
            if path not in differing:
                self._add_column(more, path, path in shown)

    def _add_column(self, menu: QMenu, path: str, shown: bool) -> None:
        action = QAction(setting_title(path), menu)
        action.setObjectName(f"column_{path}")
        action.setToolTip(path)
        action.setCheckable(True)
        action.setChecked(shown)
        action.toggled.connect(lambda on, path=path: self.column_toggled.emit(path, on))
        menu.addAction(action)

    def take_focus(self) -> None:
        """Put the keyboard on the search line."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def stop(self) -> None:
        """The window closes."""
        self._pause.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.group.setText(GROUP if event.size().width() >= ROOMY else GROUP_SHORT)
