"""The dialog "Load weights": what of a file goes to which layer of the stack, and what does not fit."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QBrush, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.results import OpenedModel
from dnnstudio.core.jobs.weights import LoadWeights, MatchWeights, WeightsMatch, WeightsRow
from dnnstudio.core.workspace.runs import safe_name
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.theme import Cure, Role, Theme, set_reason
from dnnstudio.gui.widgets import Dialog, label, push_button
from dnnstudio.gui.widgets.charts.copies import copies_table

TEACHES = (
    "Arrays go to layers by their place in the file: by kind and number in a .weights.h5, in order in an .h5 file. "
    "All of them are taken, or none; the experiment stays as it is."
)
COLUMNS = ("In the file", "Its arrays", "In the stack", "Its variables", "")
SIZE = QSize(920, 560)
ROW_HEIGHT, ROOM, MOST_WIDTH = 26, 12, 220
SAVE_FIRST = "Save the experiment first: the command reads its file."


class WeightsDialog(Dialog):
    """Compares the weights in `path` with the layers of `experiment`, whose rows are those of `data`.

    `loaded(LoadWeights, OpenedModel)` once they are in a network that the engine holds. `file` is where the experiment
    is saved as it is; None where it is not.
    """

    loaded = Signal(object, object)

    def __init__(
        self,
        engine: Engine,
        theme: Theme,
        path: Path,
        experiment: Experiment,
        data: DataSummary,
        *,
        file: Path | None = None,
        save: Callable[[], Path | None] = lambda: None,
        parent: QWidget | None = None,
    ) -> None:
        """`save` saves the experiment and gives its file; None where it was not saved."""
        super().__init__(parent)
        self.setObjectName("weights_dialog")
        self.setWindowTitle("Load weights")
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.resize(SIZE)
        self._theme, self._path, self._experiment, self._data = theme, path, experiment, data
        self._file, self._save = file, save
        self._load: LoadWeights | None = None
        self.match: WeightsMatch | None = None
        self._client = JobClient(engine, self)
        self._client.answered.connect(self._on_answered)
        self._client.refused.connect(self._on_refused)
        self._client.cancelled.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label(f"Weights of {path.name}", Role.DIALOG_TITLE, wrap=True))
        column.addWidget(label(TEACHES, Role.CAPTION, wrap=True))
        self.table = self._make_table()
        column.addWidget(self.table, 1)
        self.said = label("", Role.BODY, wrap=True)
        self.said.setObjectName("weights_said")
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self.said)
        self.command = QLineEdit(self._command())
        self.command.setObjectName("weights_command")
        self.command.setAccessibleName("The command that does the same")
        self.command.setReadOnly(True)
        self.command.setVisible(False)
        column.addWidget(self.command)
        column.addLayout(self._make_foot())
        self._say("Reading the file…")
        self._client.ask(MatchWeights(path=path, experiment=experiment, input_shape=data.input_shape))

    def _make_table(self) -> QTreeWidget:
        table = QTreeWidget()
        table.setObjectName("weights_table")
        copies_table(table)
        table.setAccessibleName("The layers of the file beside those of the stack")
        table.setHeaderLabels(COLUMNS)
        table.setRootIsDecorated(False)
        table.setUniformRowHeights(True)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = table.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(4, QHeaderView.ResizeMode.ResizeToContents)
        return table

    def _make_foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.show_command = push_button("Show the command", tip="The line of a terminal that does the same.")
        self.show_command.setObjectName("show_command")
        self.show_command.setCheckable(True)
        self._show_file()
        self.show_command.toggled.connect(self.command.setVisible)
        self.copy = push_button("Copy", tip="Copy the command.")
        self.copy.setObjectName("copy_command")
        self.copy.setVisible(False)
        self.show_command.toggled.connect(self.copy.setVisible)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.command.text()))
        self.close_button = push_button("Cancel", tip="Leave everything as it is.")
        self.close_button.setObjectName("cancel")
        self.close_button.clicked.connect(self.reject)
        self.apply = push_button("Load weights", Role.PRIMARY, tip="Build this stack with the weights of the file.")
        self.apply.setObjectName("apply")
        self.apply.setDefault(True)
        set_reason(self.apply, "The file is being read.")
        self.apply.clicked.connect(self.load)
        for button in (self.show_command, self.copy):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.close_button)
        row.addWidget(self.apply)
        return row

    def _show_file(self) -> None:
        missing = SAVE_FIRST if self._file is None else ""
        set_reason(self.show_command, missing, Cure("Save…", self._save_first))

    def _save_first(self) -> None:
        """Save the experiment, and show the command that reads its file."""
        self._file = self._save()
        self._show_file()
        if self._file is not None:
            self.command.setText(self._command())
            self.show_command.setChecked(True)
            self.show_command.setFocus()

    def _command(self) -> str:
        if self._file is None:
            return ""
        out = f"{safe_name(self._experiment.name) or 'model'}.keras"
        return shlex.join(["dnnstudio", "weights", str(self._path), str(self._file), "--out", out])

    def load(self) -> None:
        """Build the stack with the weights."""
        set_reason(self.apply, "The weights are being loaded.")
        self._say("Loading the weights…")
        self._load = LoadWeights(
            path=self._path,
            experiment=self._experiment,
            input_shape=self._data.input_shape,
            target_unit=self._data.target_unit,
        )
        self._client.ask(self._load)

    def _on_answered(self, found: WeightsMatch | OpenedModel) -> None:
        if isinstance(found, OpenedModel):
            self.loaded.emit(self._load, found)
            self.accept()
            return
        self.match = found
        for row in found.rows:
            self.table.addTopLevelItem(self._item(row))
        for place in range(3):
            self.table.resizeColumnToContents(place)
            self.table.setColumnWidth(place, min(self.table.columnWidth(place) + ROOM, MOST_WIDTH))
        text = " ".join(part for part in (found.sentence, found.hint, *found.notes) if part)
        self._say(text, Role.BODY if found.fits else Role.ERROR)
        set_reason(self.apply, "" if found.fits else found.sentence)
        if found.fits:
            self.apply.setFocus()

    def _item(self, row: WeightsRow) -> QTreeWidgetItem:
        cells = (row.file_layer or "nothing", row.found_text, row.layer or "nothing", row.needed_text, row.verdict)
        item = QTreeWidgetItem(list(cells))
        item.setSizeHint(0, QSize(self.table.fontMetrics().horizontalAdvance(cells[0]) + 2 * ROOM, ROW_HEIGHT))
        item.setToolTip(2, row.kind)
        for place, text in enumerate(cells):
            if place != 2:
                item.setToolTip(place, text)
        if not row.fits:
            for place in range(len(COLUMNS)):
                item.setForeground(place, QBrush(self._theme.color("error")))
        return item

    def _on_refused(self, message: str, hint: str) -> None:
        self._say(f"{message} {hint}".strip(), Role.ERROR)

    def _say(self, text: str, role: Role = Role.BODY) -> None:
        self.said.setProperty("role", str(role))
        self.said.style().polish(self.said)
        self.said.setText(text)

    def done(self, result: int) -> None:
        """End what is under way with the dialog."""
        self._client.close()
        super().done(result)
