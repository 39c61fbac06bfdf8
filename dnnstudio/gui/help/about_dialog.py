"""What the program is, its version, and the versions and licences of what it is built on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import TYPE_CHECKING, cast

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

import dnnstudio
from dnnstudio.gui.theme import Role
from dnnstudio.gui.widgets import Dialog, label, push_button
from dnnstudio.gui.widgets.charts.copies import copies_table

if TYPE_CHECKING:
    from email.message import Message

HEADS = ("Package", "Version", "Licence")
LONGEST = 60
OF_TESTS = re.compile(r"""extra *== *["']test["']""")
FONT = ("Inter (typeface)", "3.19", "OFL-1.1")


@dataclass(frozen=True, slots=True)
class Part:
    """A package that the program uses."""

    name: str
    version: str
    licence: str


def parts() -> tuple[Part, ...]:
    """What the program needs directly, as installed, and the typeface that comes with it; by name."""
    found = []
    for need in distribution("dnnstudio").requires or ():
        name = re.split(r"[ ;<>=!~\[(]", need, maxsplit=1)[0]
        if OF_TESTS.search(need):
            continue
        try:
            one = distribution(name)
        except PackageNotFoundError:  # of an extra that is not installed
            continue
        found.append(Part(one.metadata["Name"], one.version, _licence(one)))
    return tuple(sorted({*found, Part(*FONT)}, key=lambda part: part.name.casefold()))


def _licence(one: Distribution) -> str:
    """The licence as the package names it: an expression, a classifier, or the first line of its own words."""
    about = cast("Message", one.metadata)  # which it is; its protocol lacks `get`
    if expression := about.get("License-Expression"):
        return str(expression)
    named = [line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or () if line.startswith("License ::")]
    if named:
        return ", ".join(named)
    lines = (about.get("License") or "").strip().splitlines()
    return lines[0][:LONGEST] if lines else "see its package"


class AboutDialog(Dialog):
    """Name, version and licences; all of it can be copied for a report."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("about_dialog")
        self.setWindowTitle("About dnnstudio")
        self.resize(640, 520)
        self.parts = parts()
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(label(f"dnnstudio {dnnstudio.__version__}", Role.DIALOG_TITLE))
        licence = _licence(distribution("dnnstudio"))
        text = f"Deep networks by pointing and clicking, and how far to trust them. Licence: {licence}. It is built on:"
        column.addWidget(label(text, Role.BODY, wrap=True))
        column.addWidget(self._make_table(), 1)
        row = QHBoxLayout()
        copy = push_button("Copy", tip="Copy the versions, for a report")
        copy.setObjectName("copy_versions")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text()))
        close = push_button("Close", Role.PRIMARY)
        close.setObjectName("close_about")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        row.addWidget(copy)
        row.addStretch(1)
        row.addWidget(close)
        column.addLayout(row)

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(len(self.parts), len(HEADS))
        table.setTabKeyNavigation(False)  # Tab goes on to the next widget
        copies_table(table)
        table.setAccessibleName("Packages with their versions and licences")
        table.setHorizontalHeaderLabels(HEADS)
        table.verticalHeader().hide()
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        for place, part in enumerate(self.parts):
            for number, text in enumerate((part.name, part.version, part.licence)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                table.setItem(place, number, item)
        head = table.horizontalHeader()
        for number in (0, 1):
            head.setSectionResizeMode(number, QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        return table

    def text(self) -> str:
        """What is copied: a line a package."""
        lines = [f"dnnstudio {dnnstudio.__version__}", *(f"{part.name} {part.version}" for part in self.parts)]
        return "\n".join(lines)
