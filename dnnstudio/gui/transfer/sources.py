"""The trained networks that layers can be taken from: the workspace's runs and model files, and any other file.

Runs are read in slices between the window's events; model files are opened by the engine, on its thread.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs import OpenedModel, OpenModel
from dnnstudio.core.library import MODELS, SUFFIXES, run_entry
from dnnstudio.core.runs import MODEL, home_of, is_run, run_folders
from dnnstudio.core.trained_source import TrainedSource, from_entry, from_file
from dnnstudio.gui.engine_thread import Engine

SLICE_S = 0.008


class SourceReader(QObject):
    """Finds sources and reads them.

    `found(TrainedSource)` for each run of the workspace, newest first, then `listed` with the model files that lie
    there unread. `read(TrainedSource)` or `refused(Path, UserError)` for a file that was asked for.
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
        self._jobs: dict[str, Path] = {}
        self._controls: list[Any] = []
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._read_some)
        engine.finished.connect(self._on_finished)
        engine.failed.connect(self._on_failed)

    @property
    def busy(self) -> bool:
        """Whether a file is being read."""
        return bool(self._jobs)

    def start(self) -> None:
        """Look at the workspace."""
        self._waiting = [folder for folder in run_folders(self._workspace) if (folder / MODEL).exists()]
        self._timer.start()

    def close(self) -> None:
        """Read no more; what the engine still reads is forgotten."""
        self._timer.stop()
        for control in self._controls:
            control.stop()
        self._jobs.clear()
        self._engine.finished.disconnect(self._on_finished)
        self._engine.failed.disconnect(self._on_failed)

    def read_place(self, place: Path) -> None:
        """Read a run folder at once, or a model file aside; `read` or `refused` follows."""
        place = home_of(place)
        if place.is_dir():
            try:
                self.read.emit(self._run(place))
            except UserError as error:
                self.refused.emit(place, error)
            return
        job = OpenModel(path=place)
        self._jobs[job.id] = place
        self._controls.append(self._engine.submit(job))

    def _run(self, folder: Path) -> TrainedSource:
        if not is_run(folder) or not (folder / MODEL).exists():
            raise UserError(f"{folder.name} holds no trained model.", "Choose a run that has trained.")
        return from_entry(run_entry(folder))

    def _read_some(self) -> None:
        end = time.perf_counter() + SLICE_S
        while self._waiting and time.perf_counter() < end:
            try:
                self.found.emit(from_entry(run_entry(self._waiting.pop())))
            except UserError:
                continue  # a damaged run is named in the table of runs; here it only cannot be chosen
        if not self._waiting:
            self._timer.stop()
            self.listed.emit(self._files())

    def _files(self) -> tuple[Path, ...]:
        try:
            files = sorted((self._workspace / MODELS).iterdir())
        except OSError:
            return ()
        return tuple(
            path for path in files if path.suffix.lower() in SUFFIXES and not path.name.lower().endswith(".weights.h5")
        )

    def _on_finished(self, job: Any, result: Any) -> None:
        place = self._jobs.pop(job.id, None)
        if place is not None and isinstance(result, OpenedModel):
            self.read.emit(
                from_file(
                    place, result.experiment, result.input_shape, result.notes, has_experiment=result.has_experiment
                )
            )

    def _on_failed(self, job: Any, failure: Any) -> None:
        place = self._jobs.pop(job.id, None)
        if place is None or failure.kind == "cancelled":
            return
        if failure.kind == "bug":
            self.refused.emit(place, UserError(f"{place.name} cannot be read.", "Is it a .keras or .h5 file?"))
        else:
            self.refused.emit(place, UserError(failure.message, failure.hint))
