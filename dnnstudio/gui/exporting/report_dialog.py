"""The dialog of a report: which sections it has, what the network is not for, and how the page looks meanwhile."""

from __future__ import annotations

import shlex
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.report_figures import MeasureForReport, ReportFigures
from dnnstudio.core.workspace.runs import Weights, safe_name
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.dialogs.dialogs import with_suffix
from dnnstudio.gui.exporting.pdf import as_image, write_pdf
from dnnstudio.gui.theme import Role, set_reason
from dnnstudio.gui.widgets import Dialog, label, push_button
from dnnstudio.gui.widgets.charts.ring import FocusRing
from dnnstudio.report.gathering import gather, network_of
from dnnstudio.report.page import render
from dnnstudio.report.sections import TITLES, Report
from dnnstudio.report.writing import require_report_place, write_report

SIZE = QSize(980, 640)
ONLY_OF = {
    "trials": "Only a sweep has trials.",
    "residuals": "Only of a network that predicts a number.",
    "confusion": "Only of a network that tells classes apart, once it has answered its test rows.",
    "calibration": "Only of a network that tells classes apart, once it has answered its test rows.",
    "uncertainty": "Only of a network that tells classes apart, once it has answered its test rows.",
}
"""Why a section is grey."""
NOT_IN_IT = "The run holds nothing of this."
QUIET_MS = 200
"""The preview follows once nothing has been typed for so long."""


class ReportDialog(Dialog):
    """A report on the run, repeat or sweep in `folder`. The network is asked in the engine meanwhile."""

    def __init__(
        self, engine: Engine, settings: Settings, folder: Path, *, weights: Weights, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("report_dialog")
        self.setWindowTitle("Report")
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.resize(SIZE)
        self._settings, self._folder = settings, folder
        self._figures: ReportFigures | None = None
        self._report: Report | None = None
        self._client = JobClient(engine, self)
        self._client.answered.connect(self._on_figures)
        self._client.refused.connect(lambda message, hint: self._say(f"{message} {hint}".strip(), Role.ERROR))
        self._quiet = QTimer(self)
        self._quiet.setSingleShot(True)
        self._quiet.setInterval(QUIET_MS)
        self._quiet.timeout.connect(self.refresh)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 16, 16, 16)
        whole.setSpacing(16)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addLayout(self._make_side())
        self.preview = QTextBrowser()
        self.preview.setObjectName("report_preview")
        self.preview.setAccessibleName("The report as it will be")
        self.preview.setOpenLinks(False)
        FocusRing(self.preview)
        row.addWidget(self.preview, 1)
        whole.addLayout(row, 1)
        whole.addWidget(self.command)  # below both, for it is long
        whole.addLayout(self._make_foot())
        self.refresh()
        self._ask(weights)

    def _make_side(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(label("Report", Role.DIALOG_TITLE))
        self.ticks: dict[str, QCheckBox] = {}
        for name, title in TITLES.items():
            tick = QCheckBox(title)
            tick.setObjectName(f"section_{name}")
            tick.setChecked(True)
            tick.toggled.connect(self._quiet.start)
            self.ticks[name] = tick
            column.addWidget(tick)
        column.addWidget(label("What the network is not for", Role.FORM))
        self.limits = QPlainTextEdit()
        self.limits.setObjectName("field_limits")
        self.limits.setAccessibleName("What the network is not for")
        self.limits.setPlaceholderText("Trained on adults only; no use for children.")
        self.limits.setTabChangesFocus(True)
        self.limits.setFixedSize(280, 72)
        self.limits.textChanged.connect(self._quiet.start)
        column.addWidget(self.limits)
        self.command = QLineEdit()
        self.command.setObjectName("report_command")
        self.command.setAccessibleName("The command that does the same")
        self.command.setReadOnly(True)
        self.command.setVisible(False)
        self.said = label("", Role.CAPTION, wrap=True)
        self.said.setObjectName("report_said")
        self.said.setFixedWidth(280)
        column.addWidget(self.said)
        column.addStretch(1)
        return column

    def _make_foot(self) -> QHBoxLayout:
        self.show_command = push_button("Show the command", tip="The line of a terminal that does the same.")
        self.show_command.setObjectName("show_command")
        self.show_command.setCheckable(True)
        self.show_command.setAutoDefault(False)
        self.show_command.toggled.connect(self.command.setVisible)
        self.copy = push_button("Copy", tip="Copy the command.")
        self.copy.setObjectName("copy_command")
        self.copy.setVisible(False)
        self.show_command.toggled.connect(self.copy.setVisible)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.command.text()))
        foot = QHBoxLayout()
        foot.setSpacing(8)
        close = push_button("Close")
        close.setObjectName("cancel")
        close.clicked.connect(self.reject)
        self.apply = push_button("Save…", Role.PRIMARY)
        self.apply.setObjectName("apply")
        self.apply.setDefault(True)
        self.apply.clicked.connect(self._ask_and_save)
        foot.addWidget(self.show_command)
        foot.addWidget(self.copy)
        foot.addStretch(1)
        foot.addWidget(close)
        foot.addWidget(self.apply)
        return foot

    def _ask(self, weights: Weights) -> None:
        try:
            self._client.ask(MeasureForReport(model=network_of(self._folder), weights=weights))
        except UserError as error:
            self._say(str(error), Role.ERROR)
            return
        if self._client.busy:
            self._say("The network is asked about its test rows…")

    @property
    def without(self) -> list[str]:
        """The sections that are left out."""
        return [name for name, tick in self.ticks.items() if not tick.isChecked()]

    def refresh(self) -> None:
        """Show the report as it would be saved now."""
        try:
            self._report = gather(self._folder, limits=self.limits.toPlainText(), figures=self._figures)
        except UserError as error:
            self._report = None
            self._say(str(error), Role.ERROR)
        set_reason(self.apply, "" if self._report is not None else self.said.text())
        if self._report is None:
            return
        there = {section.name for section in self._report.sections}
        for name, tick in self.ticks.items():
            set_reason(tick, "" if name in there else ONLY_OF.get(name, NOT_IN_IT))
        place = self.preview.verticalScrollBar().value()
        self.preview.setHtml(render(self._report, without=self.without, draw=as_image))
        self.preview.verticalScrollBar().setValue(place)
        words = ["dnnstudio", "export", str(self._folder), "--to", "report", "--out", "report.html"]
        if self.limits.toPlainText().strip():
            words += ["--limits", self.limits.toPlainText().strip()]
        for name in self.without:
            words += ["--without", name]
        self.command.setText(shlex.join(words))
        self.command.setCursorPosition(0)

    def _on_figures(self, figures: ReportFigures) -> None:
        self._figures = figures
        self._say("")
        self.refresh()

    def _say(self, text: str, role: Role = Role.CAPTION) -> None:
        self.said.setProperty("role", str(role))
        self.said.style().polish(self.said)
        self.said.setText(text)

    def _ask_and_save(self) -> None:
        start = self._settings.start_folder() / f"{safe_name(self._folder.name)} report.html"
        filters = "Page (*.html);;PDF (*.pdf)"
        name, chosen = QFileDialog.getSaveFileName(self, "Save the report", str(start), filters)
        if name:
            path = Path(with_suffix(name, ".pdf" if "pdf" in chosen else ".html", (".html", ".pdf")))
            self._settings.last_folder = path.parent
            self.save_to(path)

    def save_to(self, path: Path) -> None:
        """Write the report as its name says, a page or a PDF."""
        self.refresh()
        if self._report is None:
            return
        write = write_pdf if path.suffix.lower() == ".pdf" else write_report
        try:
            require_report_place(path)
            write(self._report, path, without=self.without)
        except UserError as error:
            self._say(str(error), Role.ERROR)
            return
        self._say(f"Written to {path.name}.")

    def done(self, result: int) -> None:
        """End what is under way with the dialog."""
        self._client.close()
        super().done(result)
