"""The dialog "Export": for whom each format is, the file that is written, and what its own runtime made of it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import AnyLayer, DropoutLayer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.export.formats import EXPORTERS, Exporter, exporter_of
from dnnstudio.core.export.writing import NEEDS_THIS
from dnnstudio.core.jobs.bundles import WriteBundle
from dnnstudio.core.jobs.events import Event, Progress
from dnnstudio.core.jobs.exports import ExportedFile, ExportNetwork
from dnnstudio.core.jobs.requests import DescribeData, Job, SaveModel
from dnnstudio.core.jobs.results import DataPreview, SavedModel
from dnnstudio.core.os_errors import is_folder_there
from dnnstudio.core.text import byte_size, unbroken
from dnnstudio.core.workspace.ensembles import is_ensemble, read_ensemble
from dnnstudio.core.workspace.runs import EXPERIMENT, Weights, is_run, safe_name
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.dialogs.dialogs import with_suffix
from dnnstudio.gui.exporting.command import command_of
from dnnstudio.gui.exporting.report_dialog import ReportDialog
from dnnstudio.gui.predict.subjects import Network, weights_of
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import Choice, Dialog, Segmented, label, push_button

TEACHES = (
    "The trained network for another program. Its ONNX, LiteRT and SavedModel files are run once on up to 100 real "
    "rows, and kept only where they compute the same."
)
REPORT = "report"
"""The format that has a dialog of its own."""
IN_MEMORY = "It is made of a run's folder; this network is held in memory."
FILE_ALONE = "It is made of a run's folder; this network is a file alone."
SEVERAL = "This file holds one network, and a repeat is several: choose one of its runs for it."
ROWS_BY_THIS = "Its rows are read by dnnstudio."
READS_BY_THIS = "It reads its rows by dnnstudio, which must be installed where it runs."
NO_WEIGHTS = "A script has no weights, a report is of those that the run ended with, and a bundle holds both."
STOCHASTIC, NONE_HERE = "With dropout active", "of which this network has none"
NO_DROPOUT = "No layer of this network is dropout with a rate above 0, so each run of the file would say the same."
NOT_RUN = "Only ONNX, LiteRT and SavedModel files can keep dropout active."
STOCHASTIC_HELP = "Each run of the file is then another opinion, as in Monte Carlo sampling; many have a spread."


class ExportDialog(Dialog):
    """Exports `network`, which has a place on the disk or is held by the engine."""

    def __init__(
        self, engine: Engine, theme: Theme, settings: Settings, network: Network, *, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("export_dialog")
        self.setWindowTitle("Export")
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setMinimumWidth(800)
        self._engine, self._settings, self._network = engine, settings, network
        self._experiment = _experiment_of(network)
        self._script: Path | None = None
        self._client = JobClient(engine, self)
        self._client.reported.connect(self._on_event)
        self._client.answered.connect(self._on_answered)
        self._client.refused.connect(self._on_refused)
        self._client.cancelled.connect(lambda: self._say("Stopped; nothing was written."))
        self._client.busy_changed.connect(self._show_busy)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label(f"Export {network.title}", Role.DIALOG_TITLE, wrap=True))
        column.addWidget(label(TEACHES, Role.CAPTION, wrap=True))
        self._formats = QButtonGroup(self)
        column.addLayout(self._make_formats())
        self.weights = Segmented(theme, [Choice(value, title) for value, title in weights_of(network)])
        self.weights.set_value("last")
        self.weights.setVisible(network.best is not None)
        self.weights.chosen.connect(self._refresh)
        column.addWidget(self.weights, 0, Qt.AlignmentFlag.AlignLeft)
        self.stochastic = QCheckBox(STOCHASTIC)
        self.stochastic.setObjectName("field_stochastic")
        self.stochastic.toggled.connect(self._refresh)
        column.addWidget(self.stochastic)
        self.command = QLineEdit()
        self.command.setObjectName("export_command")
        self.command.setAccessibleName("The command that does the same")
        self.command.setReadOnly(True)
        self.command.setVisible(False)
        column.addWidget(self.command)
        self.said = label("", Role.BODY, wrap=True)
        self.said.setObjectName("export_said")
        self.said.setMinimumHeight(3 * self.said.fontMetrics().lineSpacing())
        self.said.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self.said)
        column.addStretch(1)
        column.addLayout(self._make_foot())
        self._refresh()
        if (chosen := self._formats.checkedButton()) is not None:
            chosen.setFocus()  # else the keyboard is at the first format, which is not chosen

    def _make_formats(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        there = self._experiment is not None  # the script is of the experiment
        rows = [row for row in EXPORTERS.values() if row.on_command_line and (row.needs_weights or there)]
        for place, row in enumerate(rows):
            ending = f" ({row.suffix})" if row.suffix else " (a folder)"
            button = QRadioButton(f"{row.title}{ending}")
            button.setObjectName(f"format_{row.name}")
            refusal, audience = self._refusal(row), self._audience(row)
            button.setToolTip(audience)
            set_reason(button, refusal)
            button.setAccessibleDescription(refusal or audience)
            button.setMinimumHeight(button.fontMetrics().height() + 4)  # below it the circle is cut
            button.setChecked(row.name == "onnx")
            self._formats.addButton(button, place)
            grid.addWidget(button, place, 0)
            grid.addWidget(label(refusal or audience, Role.CAPTION), place, 1)
        self._rows = rows
        self._formats.idClicked.connect(self._on_format)
        return grid

    def _audience(self, row: Exporter) -> str:
        """For whom a format is; a script says whether it needs this program."""
        experiment = self._experiment
        by_this = not row.needs_weights and experiment is not None and not experiment.data.source.in_plain_keras
        return f"{row.audience} {ROWS_BY_THIS}" if by_this else row.audience

    def _refusal(self, row: Exporter) -> str:
        """Why the network cannot be written in this format; empty where it can."""
        folder = self._network.model
        if row.of_run and not isinstance(folder, Path):
            return IN_MEMORY
        if row.of_run and not is_folder_there(Path(folder)):
            return FILE_ALONE
        one_network = row.needs_weights and not row.of_run and not row.runtime
        return SEVERAL if one_network and isinstance(folder, Path) and is_ensemble(folder) else ""

    def _make_foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.show_command = push_button("Show the command", tip="The line of a terminal that does the same.")
        self.show_command.setObjectName("show_command")
        self.show_command.setCheckable(True)
        set_reason(self.show_command, "" if isinstance(self._network.model, Path) else IN_MEMORY)
        self.show_command.toggled.connect(self.command.setVisible)
        self.show_command.toggled.connect(self._refresh)
        self.copy = push_button("Copy", tip="Copy the command.")
        self.copy.setObjectName("copy_command")
        self.copy.setVisible(False)
        self.show_command.toggled.connect(self.copy.setVisible)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.command.text()))
        self.close_button = push_button("Close")
        self.close_button.setObjectName("cancel")
        self.close_button.clicked.connect(self._stop_or_close)
        self.apply = push_button("Export…", Role.PRIMARY)
        self.apply.setObjectName("apply")
        self.apply.setDefault(True)
        self.apply.clicked.connect(self._ask_and_export)
        for button in (self.show_command, self.copy):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.close_button)
        row.addWidget(self.apply)
        return row

    @property
    def format(self) -> Exporter:
        """The chosen format."""
        return self._rows[self._formats.checkedId()]

    @property
    def chosen_weights(self) -> Weights:
        """The chosen weights; the last ones where the format asks for none."""
        return "best" if self._asks_for_weights and self.weights.value() == "best" else "last"

    @property
    def _asks_for_weights(self) -> bool:
        return self.format.needs_weights and not self.format.of_run

    def choose(self, name: str) -> None:
        """Choose a format by its name."""
        for place, row in enumerate(self._rows):
            if row.name == name and self._formats.button(place).isEnabled():
                self._formats.button(place).setChecked(True)
        self._refresh()

    def _on_format(self, _: int) -> None:
        if self.said.property("role") == Role.ERROR:
            self._say("")  # it was said of another format
        self._refresh()

    def _refresh(self, _: object = None) -> None:
        without = "" if self.format.runtime else NOT_RUN
        if self._experiment is not None and not any(_is_dropped(layer) for layer in self._experiment.active_layers):
            without = NO_DROPOUT
        set_reason(self.weights, "" if self._asks_for_weights else NO_WEIGHTS)
        set_reason(self.stochastic, without)
        self.stochastic.setText(f"{STOCHASTIC}, {NONE_HERE}" if without == NO_DROPOUT else STOCHASTIC)
        if without:
            self.stochastic.setChecked(False)
        if isinstance(self._network.model, Path):
            self.command.setText(
                command_of(
                    self._network.model,
                    self.format.name,
                    self._suggestion(),
                    weights=self.chosen_weights,
                    stochastic=self.stochastic.isChecked(),
                )
            )
            self.command.setCursorPosition(0)

    def _suggestion(self) -> str:
        name = safe_name(self._network.title) or "network"
        return f"{name}{self.format.suffix or ' SavedModel'}"

    def _ask_and_export(self) -> None:
        row = self.format
        if row.name == REPORT:
            self._open_report()
            return
        start = self._settings.start_folder() / self._suggestion()
        chosen = row.filter if row.suffix else ""
        name, _ = QFileDialog.getSaveFileName(self, f"Export as {row.title}", str(start), chosen)
        if name:
            path = Path(with_suffix(name, row.suffix) if row.suffix else name)
            self._settings.last_folder = path.parent
            self.export_to(path)

    def _open_report(self) -> None:
        assert isinstance(self._network.model, Path)  # else its format is grey
        self.report = ReportDialog(
            self._engine, self._settings, self._network.model, weights=self.chosen_weights, parent=self
        )
        self.report.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.report.open()

    def export_to(self, path: Path) -> None:
        """Write the chosen format to `path`."""
        self._say("The engine is at something else; it writes as soon as that has ended." if self._waits() else "")
        self._client.ask(self._job(path))

    def _waits(self) -> bool:
        return self._client.waiting

    def _job(self, path: Path) -> Job:
        model, weights = self._network.model, self.chosen_weights
        self._script = None
        if not self.format.needs_weights and self._experiment is not None:
            self._script = path
            return DescribeData(data=self._experiment.data, seed=self._experiment.seed)
        if self.format.of_run and isinstance(model, Path):
            return WriteBundle(model=model, path=path)
        if not self.format.runtime:
            return SaveModel(model=model, path=path, weights=weights)
        return ExportNetwork(
            model=model, path=path, to=self.format.name, weights=weights, stochastic=self.stochastic.isChecked()
        )

    def _say(self, text: str, role: Role = Role.BODY) -> None:
        self.said.setProperty("role", str(role))
        self.said.style().polish(self.said)
        self.said.setText(text)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Progress):
            self._say(f"{event.text}…")

    def _on_answered(self, done: ExportedFile | SavedModel | DataPreview) -> None:
        if isinstance(done, DataPreview):
            self._write_script(done)
            return
        written = f"Written to {done.path.name} ({unbroken(byte_size(done.bytes))})."
        self._say(" ".join([written, *self._notes(done)]), Role.BODY)

    def _notes(self, done: ExportedFile | SavedModel) -> tuple[str, ...]:
        """What a person should know of the written file."""
        if isinstance(done, ExportedFile):
            return done.sentences
        return (done.note,) if done.note else ()

    def _write_script(self, data: DataPreview) -> None:
        """The script or notebook, which is written from the experiment and the shape of its data."""
        path = self._script
        assert path is not None and self._experiment is not None
        try:
            text: str = exporter_of(path, needs_weights=False).load()(self._experiment, data.summary)
            write_atomically(path, text.encode())
        except UserError as error:
            self._on_refused(error.message, error.hint)
            return
        said = [f"Written to {path.name}."]
        if NEEDS_THIS in text:
            said.append(READS_BY_THIS)
        if isinstance(self._network.model, Path) and is_ensemble(self._network.model):
            said.append(f"It trains one of the networks, with seed {self._experiment.seed}.")
        self._say(" ".join(said))

    def _on_refused(self, message: str, hint: str) -> None:
        self._say(f"{message} {hint}".strip(), Role.ERROR)

    def _show_busy(self, busy: bool) -> None:
        set_reason(self.apply, "A file is being written." if busy else "")
        self.close_button.setText("Stop" if busy else "Close")

    def _stop_or_close(self) -> None:
        if self._client.busy:
            self._client.cancel()
            self._say("Stopped; nothing was written.")
        else:
            self.reject()

    def done(self, result: int) -> None:
        """End what is under way with the dialog."""
        self._client.close()
        super().done(result)


def _is_dropped(layer: AnyLayer) -> bool:
    return isinstance(layer, DropoutLayer) and getattr(layer, "rate", 1.0) > 0


def _experiment_of(network: Network) -> Experiment | None:
    """What a run or an ensemble trained; None for a file alone, and where it cannot be read."""
    folder = network.model
    if not isinstance(folder, Path):
        return None
    try:
        if is_ensemble(folder):
            return read_ensemble(folder).experiment
        return codec.load(folder / EXPERIMENT) if is_run(folder) else None
    except UserError:
        return None
