"""The trained networks whose layers can be reused: the workspace's runs and model files, and any other file.

Runs are read in slices between events; model files are opened by the engine on its thread.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.requests import OpenModel
from dnnstudio.core.jobs.results import OpenedModel
from dnnstudio.core.os_errors import found_in, is_folder_there, is_there
from dnnstudio.core.workspace.catalog import MODELS, SUFFIXES, run_entry
from dnnstudio.core.workspace.runs import MODEL, home_of, is_run, run_folders
from dnnstudio.core.workspace.sources import TrainedSource, from_entry, from_file
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.ticket import Failure, Ticket

SLICE_S = 0.008


class SourceReader(QObject):
    """Finds sources and reads them.

    `found(TrainedSource)` for each run of the workspace, newest first, then `listed` with its unread model files.
    `read(TrainedSource)` or `refused(Path, UserError)` for a requested file.
    """

    found = Signal(object)
    listed = Signal(object)
    read = Signal(object)
    refused = Signal(object, object)

    def __init__(self, engine: Engine, workspace: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._workspace = workspace
        self._waiting: list[Path] = []
        self._tickets: list[Ticket] = []
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._read_some)

    @property
    def busy(self) -> bool:
        """Whether a file is being read."""
        return any(not ticket.over for ticket in self._tickets)

    @property
    def searching(self) -> bool:
        """Whether the workspace is still searched."""
        return bool(self._waiting)

    def start(self) -> None:
        """Search the workspace."""
        self._waiting = [folder for folder in run_folders(self._workspace) if is_there(folder / MODEL)]
        self._timer.start()

    def close(self) -> None:
        """Stop reading; results of the engine still to come are discarded."""
        self._timer.stop()
        for ticket in self._tickets:
            ticket.abandon()
        self._tickets.clear()

    def read_place(self, place: Path) -> None:
        """Read a run folder at once, or a model file in the background; `read` or `refused` follows."""
        place = home_of(place)
        if is_folder_there(place):
            try:
                self.read.emit(self._run(place))
            except UserError as error:
                self.refused.emit(place, error)
            return
        ticket = self._engine.ask(
            OpenModel(path=place), on_result=partial(self._on_opened, place), on_failure=partial(self._on_failed, place)
        )
        self._tickets = [*(other for other in self._tickets if not other.over), ticket]

    def _run(self, folder: Path) -> TrainedSource:
        if not is_run(folder) or not is_there(folder / MODEL):
            raise UserError(f"{folder.name} holds no trained model.", "Choose a run that has trained.")
        return from_entry(run_entry(folder))

    def _read_some(self) -> None:
        end = time.perf_counter() + SLICE_S
        while self._waiting and time.perf_counter() < end:
            try:
                self.found.emit(from_entry(run_entry(self._waiting.pop())))
            except UserError:
                continue  # a damaged run is reported in the table of runs; here it is only left out
        if not self._waiting:
            self._timer.stop()
            self.listed.emit(self._files())

    def _files(self) -> tuple[Path, ...]:
        files = found_in(self._workspace / MODELS, "*")
        return tuple(
            path for path in files if path.suffix.lower() in SUFFIXES and not path.name.lower().endswith(".weights.h5")
        )

    def _on_opened(self, place: Path, opened: OpenedModel) -> None:
        self.read.emit(
            from_file(place, opened.experiment, opened.input_shape, opened.notes, has_experiment=opened.has_experiment)
        )

    def _on_failed(self, place: Path, failure: Failure) -> None:
        if failure.kind == "bug":
            self.refused.emit(place, UserError(f"{place.name} cannot be read.", "Is it a .keras or .h5 file?"))
        else:
            self.refused.emit(place, UserError(failure.message, failure.hint))
