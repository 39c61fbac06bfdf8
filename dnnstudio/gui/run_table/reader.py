"""Reads the runs of a workspace little by little, and again those whose folders have changed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from dnnstudio.core.errors import UserError
from dnnstudio.core.os_errors import changed_at
from dnnstudio.core.study.list_reading import read_listed
from dnnstudio.core.study.listing import ListedRun
from dnnstudio.core.study.trials import RECORDS
from dnnstudio.core.workspace.ensembles import ENSEMBLE, is_ensemble, member_folder, read_ensemble
from dnnstudio.core.workspace.history import FILE as HISTORY
from dnnstudio.core.workspace.place import why_unread
from dnnstudio.core.workspace.remarks import FILE as REMARKS
from dnnstudio.core.workspace.runs import (
    EXPERIMENT,
    METRICS,
    SWEEP,
    comparison_runs,
    is_run,
    is_sweep,
    run_folders,
    sweep_folders,
)

SLICE_S = 0.008
"""As in the panel of runs: the window answers between two slices."""
FILES = (EXPERIMENT, ENSEMBLE, SWEEP, RECORDS, METRICS, HISTORY, REMARKS)
Stamp = tuple[int, ...]


def stamp_of(folder: Path) -> Stamp:
    """What changes when a run's files do; of an ensemble also when its members' do."""
    places = [folder]
    if is_ensemble(folder):
        with contextlib.suppress(UserError):
            places += [member_folder(folder, seed) for seed in read_ensemble(folder).seeds]
    return tuple(changed_at(place / name) for place in places for name in FILES)


class RunReader(QObject):
    """`changed` when the runs are others than before; while many are read, now and then."""

    changed = Signal()

    def __init__(self, workspace: Path, added: Iterable[Path] = (), parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._added = tuple(added)
        self._known: dict[Path, tuple[Stamp, ListedRun]] = {}
        self.unread: dict[Path, str] = {}
        """Why a run that is there cannot be listed, by its folder."""
        self._waiting: list[Path] = []
        self._news = False
        self._told = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._read_some)

    @property
    def runs(self) -> list[ListedRun]:
        """All runs that are read, in no order."""
        return [run for _, run in self._known.values()]

    @property
    def reading(self) -> bool:
        """Whether folders wait to be read."""
        return bool(self._waiting)

    @property
    def away(self) -> str:
        """Why the workspace cannot be read, in lower case without a full stop; "" where it can."""
        return why_unread(self._workspace)

    def set_places(self, workspace: Path, added: Iterable[Path]) -> None:
        """Read the runs of this workspace and these folders."""
        self._workspace, self._added = workspace, tuple(added)
        self.refresh()

    def refresh(self) -> None:
        """Look at all folders again."""
        sweeps = (folder for folder in sweep_folders(self._workspace) if is_sweep(folder))
        places = (*run_folders(self._workspace), *sweeps, *comparison_runs(self._workspace), *self._added)
        folders = dict.fromkeys(places)
        gone = [folder for folder in (*self._known, *self.unread) if folder not in folders]
        for folder in gone:
            self._known.pop(folder, None)
            self.unread.pop(folder, None)
        self._news = self._news or bool(gone)
        self._waiting = list(folders)
        self._timer.start()

    def read_again(self, folder: Path) -> None:
        """Read one folder at once; for a member, the row that it lies below."""
        row = folder.parent.parent
        folder = row if folder not in self._known and row in self._known else folder
        self._known.pop(folder, None)
        self._read(folder)
        self._tell()

    def stop(self) -> None:
        """Read no more: the window closes."""
        self._waiting = []
        self._timer.stop()

    def _read_some(self) -> None:
        end = time.perf_counter() + SLICE_S
        while self._waiting and time.perf_counter() < end:
            self._read(self._waiting.pop())
        if not self._waiting:
            self._timer.stop()
            self._tell()
        elif time.perf_counter() > self._told + 0.5:  # the first runs are seen while hundreds are read
            self._tell()

    def _read(self, folder: Path) -> None:
        stamp = stamp_of(folder)
        if (known := self._known.get(folder)) is not None and known[0] == stamp:
            return
        try:
            self._known[folder] = (stamp, read_listed(folder))
            self.unread.pop(folder, None)
            self._news = True
        except UserError as error:
            gone = self._known.pop(folder, None) is not None
            new = self.unread.get(folder) != str(error) and (is_run(folder) or is_ensemble(folder) or is_sweep(folder))
            if new:
                self.unread[folder] = str(error)
            self._news = self._news or gone or new

    def _tell(self) -> None:
        self._told = time.perf_counter()
        if self._news:
            self._news = False
            self.changed.emit()
