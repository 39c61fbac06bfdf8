"""The top of the data window: which file, and how it is read, as chips that open a menu of what else it could be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from dnnstudio.core.jobs.proposals import Reading, TableFindings
from dnnstudio.core.text import count_of
from dnnstudio.gui.data.door.words import DECIMALS, ENCODINGS, HEADERS, SEPARATORS, THOUSANDS
from dnnstudio.gui.theme import Role, Theme, set_reason, set_role
from dnnstudio.gui.widgets import ElidedLabel, IconLabel, label, push_button, rule
from dnnstudio.gui.widgets.menus import add_head

HEIGHT = 56
NO_SHEET: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class _Way:
    """One fact of reading: its field in `Reading`, its title, what it can be, and what is shown while it is open."""

    field: str
    title: str
    titles: Mapping[Any, str]
    unknown: str


WAYS = (
    _Way("sheet", "Sheet", NO_SHEET, "sheet"),
    _Way("separator", "What separates the cells", SEPARATORS, "separator"),
    _Way("encoding", "Encoding of the text", ENCODINGS, "encoding"),
    _Way("decimal", "Decimal sign", DECIMALS, "decimal sign"),
    _Way("header", "Names of the columns", HEADERS, "first line"),
)
BESIDE = {"decimal": _Way("thousands", "How a thousand is written", THOUSANDS, "")}
"""Facts that stand in the menu of another one's chip."""
OF_TEXTS = ("separator", "encoding", "decimal", "header")
OF_SHEETS = ("sheet", "decimal", "header")


class TopBar(QFrame):
    """`reading_chosen(Reading)` carries the whole way of reading as wished; `other_requested` asks for another file."""

    reading_chosen = Signal(object)
    other_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, Role.BAR)
        self.setObjectName("door_top")
        self.setFixedHeight(HEIGHT)
        self._wished = Reading()
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 0, 16, 0)
        row.setSpacing(8)
        row.addWidget(IconLabel(theme, "database", size=18, color="accent"))
        row.addSpacing(4)
        names = QVBoxLayout()
        names.setSpacing(1)
        self._title = label("Your data", Role.DIALOG_TITLE)
        self._file = ElidedLabel("", Role.CAPTION, mode=Qt.TextElideMode.ElideMiddle)
        self._file.setMaximumWidth(220)
        names.addStretch(1)
        names.addWidget(self._title)
        names.addWidget(self._file)
        names.addStretch(1)
        row.addLayout(names)
        row.addSpacing(4)
        line = rule(upright=True)
        line.setFixedHeight(28)
        row.addWidget(line)
        row.addSpacing(4)
        self.chips = {way.field: self._make_chip(way) for way in WAYS}
        for chip in self.chips.values():
            row.addWidget(chip)
        self._size = self._plain_chip()
        row.addWidget(self._size)
        row.addStretch(1)
        self.other = push_button("Another file…", tip="Choose another file or folder")
        self.other.setObjectName("another_file")
        self.other.setIcon(theme.icon("folder-open"))
        self.other.setIconSize(QSize(14, 14))
        self.other.clicked.connect(self.other_requested)
        row.addWidget(self.other)

    def show_files(self, paths: tuple[Path, ...], *, is_table: bool) -> None:
        """Which files are open."""
        self._title.setText("Your table" if is_table else "Your data")
        self._file.setText(" and ".join(path.name for path in paths))
        self._file.set_hint("\n".join(str(path) for path in paths))

    def show_reading(self, table: TableFindings | None, wished: Reading, *, failed: bool = False) -> None:
        """How the file is read; `wished` is what the person decided of it.

        `failed`: the table could not be read, so that only the encoding and the separator can be chosen.
        """
        self._wished = wished
        fields: tuple[str, ...] = ()
        if failed:
            fields = ("separator", "encoding")
        elif table is not None:
            fields = {"text": OF_TEXTS, "sheet": OF_SHEETS, "columns": ()}[table.file]
        found = table.reading if table is not None and not failed else wished
        for way in WAYS:
            chip, value = self.chips[way.field], getattr(found, way.field)
            sheets = table.sheets if table is not None else ()
            titles = {name: name for name in sheets} if way.field == "sheet" else way.titles
            shown = way.field in fields and (way.field != "sheet" or len(sheets) > 1)
            chip.setVisible(shown)
            chip.setText(titles.get(value, way.unknown))
            chip.setAccessibleName(f"{way.title}: {chip.text()}")
            chip.menu().clear()
            self._fill(chip.menu(), way, titles, value)
            beside = BESIDE.get(way.field)
            if beside is not None:
                self._fill(chip.menu(), beside, beside.titles, getattr(found, beside.field))
        self._size.setVisible(table is not None and not failed)
        if table is not None:
            self._size.setText(f"{count_of(table.rows, 'row')} × {count_of(table.width, 'column')}")

    def _make_chip(self, way: _Way) -> QToolButton:
        chip = QToolButton()
        chip.setObjectName(f"chip_{way.field}")
        set_role(chip, Role.CHIP)
        chip.setToolTip(way.title)
        chip.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        chip.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        chip.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        chip.setMenu(QMenu(chip))
        chip.hide()
        return chip

    def _plain_chip(self) -> QLabel:
        """It only says something."""
        chip = label("", Role.CHIP)
        chip.setObjectName("chip_size")
        chip.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        chip.hide()
        return chip

    def _fill(self, menu: QMenu, way: _Way, titles: Mapping[Any, str], present: object) -> None:
        add_head(menu, way.title)
        for value, title in titles.items():
            action = menu.addAction(title)
            action.setObjectName(f"{way.field}_{value}")
            action.setCheckable(True)
            action.setChecked(value == present)
            action.triggered.connect(lambda _=False, value=value: self._choose(way.field, value))
        find_out = menu.addAction("Find it out")
        find_out.setObjectName(f"{way.field}_auto")
        wished = getattr(self._wished, way.field) is not None
        set_reason(find_out, "" if wished else "It is found out already.")
        find_out.triggered.connect(lambda: self._choose(way.field, None))

    def _choose(self, field: str, value: object) -> None:
        self.reading_chosen.emit(replace(self._wished, **{field: value}))  # type: ignore[arg-type]
