"""The table of runs, of the workspace and added ones: the live one on top, the best figure of each column in bold."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelection, QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.shapes import infer_shapes, totals
from dnnstudio.core.os_errors import is_folder_there
from dnnstudio.core.study.rows import member_names, read_row
from dnnstudio.core.text import share_text
from dnnstudio.core.uncertainty.figure_names import R2
from dnnstudio.core.workspace.runs import (
    RunRecord,
    comparison_runs,
    is_sweep,
    model_file,
    run_folders,
    sweep_folders,
    trained_on,
)
from dnnstudio.gui.base.run_words import TRAINING, figure
from dnnstudio.gui.base.runs_model import RunsModel
from dnnstudio.gui.runs.absence import Absence
from dnnstudio.gui.runs.menu import RunMenu, open_folder
from dnnstudio.gui.runs.table import RunsTable
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Card, MiniButton, label

if TYPE_CHECKING:
    from dnnstudio.core.jobs.events import EpochDone, RunEnded, RunStarted

PASSING = ("stopped", "unfinished", TRAINING)
"""A member that is so may be otherwise a moment later."""
SLICE_S = 0.008
"""Runs are read in slices of this duration, so that a workspace of hundreds never blocks the window."""


class RunsPanel(Card):
    """All runs of the workspace, and those that were added from elsewhere.

    `run_chosen(RunRecord)` when one is selected, `all_read` when no more come. `experiment_requested(Path)` and
    `model_requested(Path)` carry what to open, `go_on_requested(Path)` what to go on with, `sweep_requested(Path)` what
    to show, `predict_requested(Path)` what shall answer; `save_requested(Path, str)` the run whose last or best weights
    shall be saved; `eye_pressed(RunRecord)` when a run shall be drawn under the chosen one, or no longer.
    A row of several trainings unfolds into them. Folded, the panel is one line that says which run is best.
    """

    run_chosen = Signal(object)
    all_read = Signal()
    experiment_requested = Signal(object)
    model_requested = Signal(object)
    go_on_requested = Signal(object)
    sweep_requested = Signal(object)
    save_requested = Signal(object, str)
    predict_requested = Signal(object)
    eye_pressed = Signal(object)
    folded_changed = Signal(bool)
    table_requested = Signal()

    def __init__(
        self,
        theme: Theme,
        workspace: Path,
        *,
        added: Callable[[], Sequence[Path]] = tuple,
        parent: QWidget | None = None,
    ) -> None:
        """`added` gives the folders of runs elsewhere that are listed too."""
        super().__init__(theme, "Runs", icon="rows", parent=parent)
        self.setObjectName("runs_panel")
        self._workspace = workspace
        self._added = added
        self._waiting: list[Path] = []
        self._members: dict[Path, tuple[Path, str]] = {}
        """Run folder of a member → the folder of its row, and its name there."""
        self._told: Path | None = None
        """The folder of the row that was told to be chosen."""
        self._wanted: Path | None = None
        """The member that is selected once it is read."""
        self._live: RunRecord | None = None
        self._live_started = 0.0
        self.runs = RunsModel(self)
        self._note = label("bold: best on the same data", Role.CAPTION)
        self._fold = MiniButton(theme, "caret-down", "Fold the table of runs")
        self._fold.setObjectName("fold_runs")
        self._fold.clicked.connect(self.toggle_folded)
        self._all = MiniButton(theme, "arrow-square-out", "All runs in a window of their own (Ctrl+G)")
        self._all.setObjectName("all_runs")
        self._all.clicked.connect(self.table_requested)
        self.head.add(self._note)
        self.head.add(self._all)
        self.head.add(self._fold)
        self.table = self._make_table(theme)
        self.absence = Absence(workspace)
        self.add(self.table, 1)
        self.add(self.absence, 1)
        self.absence.look_due.connect(lambda: self.refresh() if self._live is None else None)
        self._reader = QTimer(self)
        self._reader.setInterval(0)
        self._reader.timeout.connect(self._read_some)
        self._folded = False
        self._show_state()

    def _make_table(self, theme: Theme) -> RunsTable:
        table = RunsTable(theme, self.runs)
        table.eye_pressed.connect(self.eye_pressed)
        table.fold_pressed.connect(lambda record: self.set_open(record.folder, not self.runs.is_open(record.folder)))
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(self._open_menu)
        table.selectionModel().selectionChanged.connect(self._tell_chosen)
        table.activated.connect(self._open_experiment_of)
        return table

    # ------------------------------------------------------------------------------------------ the workspace

    def set_workspace(self, workspace: Path) -> None:
        """Show the runs of another folder."""
        self._workspace = workspace
        self.runs.remove_all_but(())
        self.refresh()

    def refresh(self) -> None:
        """Look at the workspace again. Runs are read little by little while the window lives on."""
        self.absence.look(self._workspace)
        elsewhere = (folder for folder in self._added() if is_folder_there(folder))
        sweeps = (folder for folder in sweep_folders(self._workspace) if is_sweep(folder))
        folders = (*elsewhere, *comparison_runs(self._workspace), *sweeps, *run_folders(self._workspace))
        self.runs.remove_all_but(folders)
        known = {record.folder for record in self.runs.records}
        self._waiting = [folder for folder in folders if folder not in known]
        self._reader.start() if self._waiting else self._reader.stop()
        self._show_state()

    def stop(self) -> None:
        """Stop reading, because the window closes."""
        self._waiting.clear()
        self._reader.stop()

    def _read_some(self) -> None:
        end = time.perf_counter() + SLICE_S
        while self._waiting and time.perf_counter() < end:
            self._read(self._waiting.pop())
        if not self._waiting:
            self._reader.stop()
            self.all_read.emit()
        self._show_state()

    def _read(self, folder: Path) -> None:
        if self._live is not None and folder == self._live.folder:
            return
        try:
            record = read_row(folder)
        except UserError:
            return  # folders without a run are ignored
        if (member := self._members.get(folder)) is None:
            self.runs.put(record)
            if folder == self._told and self.chosen is None:  # its workspace is back
                self.select(folder)
            return
        parent, name = member
        self.runs.put_member(parent, replace(record, name=name))
        if folder == self._wanted:
            self._wanted = None
            self.select(folder)

    # ------------------------------------------------------------------------------------------ unfolding

    def set_open(self, folder: Path, opened: bool) -> None:
        """Unfold the row of a repeat or a sweep into its members, which are read little by little, or fold it."""
        self.runs.set_open(folder, opened)
        self._read_members(folder)

    def _read_members(self, folder: Path) -> None:
        """Read what lies behind a row, if it is unfolded: what is new, and what has not ended."""
        if not self.runs.is_open(folder):
            return
        try:
            names = member_names(folder)
        except UserError:
            return  # it is said where the run is chosen
        self._members |= {member: (folder, name) for member, name in names.items()}
        known = {member: self.runs.record(self.runs.row_of(member)) for member in names}
        fresh = [member for member, record in known.items() if record is None or record.status in PASSING]
        self._waiting = [*(one for one in self._waiting if one not in names), *reversed(fresh)]
        if self._waiting:
            self._reader.start()

    # ------------------------------------------------------------------------------------------ the live run

    def begin(self, event: RunStarted) -> None:
        """A training begins: its row is added at the top and selected."""
        experiment, folder = event.experiment, event.folder
        self._live_started = time.monotonic()
        digits = folder.name.split(" ")[0]
        before = self.runs.record(self.runs.row_of(folder)) if event.first_epoch else None
        self._live = RunRecord(
            folder=folder,
            number=int(digits) if digits.isdigit() else 0,
            name=experiment.name,
            status=TRAINING,
            epochs_done=event.first_epoch,
            epochs_planned=event.epochs,
            seconds=before.seconds if before is not None else 0.0,  # it goes on
            when=time.time(),
            run=event.run,
            trained_on=trained_on(experiment),
        )
        self.runs.put(self._live)
        self.select(folder)
        self._show_state()

    def set_parameters(self, count: int) -> None:
        """Set the parameter count of the live run's network."""
        if self._live is not None:
            self._live = replace(self._live, parameters=count)
            self.runs.put(self._live)

    def add_epoch(self, event: EpochDone) -> None:
        """The live run has a new row of history; `show_epochs` shows it."""
        if self._live is None:
            return
        row = event.row
        self._live = replace(
            self._live,
            epochs_done=int(row["epoch"]),
            val_loss=row.get("val_loss", row.get("loss")),
            val_accuracy=row.get("val_accuracy"),
            val_r2=row.get(f"val_{R2}"),
            seconds=(self._live.seconds or 0.0) + row.get("seconds", 0.0),
        )

    def show_epochs(self) -> None:
        """Show the live row as it is now: drawing it takes as long as a short epoch."""
        if self._live is not None:
            self.runs.put(self._live)
            self._show_state()

    def show_live(self, record: RunRecord) -> None:
        """Add or update the row of a repeat that is under way."""
        self._live = record
        self.runs.put(record)
        self._read_members(record.folder)
        self._show_state()

    def end_live(self) -> None:
        """The repeat has ended: show its folder's contents."""
        live, self._live = self._live, None
        if live is not None:
            self.read_again(live.folder)

    def read_again(self, folder: Path) -> None:
        """Update the row of a run whose folder has changed."""
        self._read(folder)
        self._read_members(folder)
        self._show_state()

    def end(self, event: RunEnded) -> None:
        """The live run has ended: show its folder's contents."""
        live, self._live = self._live, None
        if live is None:
            return
        try:
            record = read_row(live.folder)
        except UserError:
            record = replace(live, status=event.reason)
        self.runs.put(record)
        if event.note:  # it changed other models: their figures are older than their weights now
            for other in self.runs.records:
                self._read(other.folder)
        self._show_state()

    # ------------------------------------------------------------------------------------------ what is shown

    @property
    def folded(self) -> bool:
        return self._folded

    def toggle_folded(self) -> None:
        self.set_folded(not self._folded)

    def set_folded(self, folded: bool) -> None:
        """Show one line, or the table."""
        if folded != self._folded:
            self._folded = folded
            self._show_state()
            self.folded_changed.emit(folded)

    def select(self, folder: Path) -> None:
        """Select the run in that folder, if it is listed; the row of a member is unfolded first."""
        row = self.runs.row_of(folder)
        if row < 0 and self.lists(folder):
            self._wanted = folder
            self.set_open(_row_above(folder), True)
            return
        if row >= 0:
            self.table.selectRow(row)
            self.table.scrollTo(self.runs.index(row, 0))

    def lists(self, folder: Path) -> bool:
        """Whether the run in that folder has a row, or lies behind one."""
        return self.runs.row_of(folder) >= 0 or self.runs.row_of(_row_above(folder)) >= 0

    @property
    def chosen(self) -> RunRecord | None:
        """The selected run."""
        return self.runs.record(rows[0].row()) if (rows := self.table.selectionModel().selectedRows()) else None

    def sentence(self) -> str:
        """ "13 is training; best so far: run 12, validation 90.7 %." """
        parts = [f"{self._live.number} is training"] if self._live is not None else []
        best = self.runs.best
        if best is not None:
            figures = share_text(best.val_accuracy) if best.val_accuracy is not None else f"R² {figure(best.val_r2)}"
            parts.append(f"best so far: run {best.number}, validation {figures}")
        text = "; ".join(parts)
        return text[:1].upper() + text[1:]

    def _show_state(self) -> None:
        count = len(self.runs.records)
        self.head.set_count(f"{count:,}" if count else "")
        self.head.set_note(self.sentence() if self._folded else "")
        self._note.setVisible(not self._folded and count > 1)
        self.table.setVisible(not self._folded and count > 0)
        self.absence.setVisible(not self._folded and count == 0)
        self._fold.set_icon("caret-up" if self._folded else "caret-down")
        self._fold.set_tip("Unfold the table of runs" if self._folded else "Fold the table of runs")
        vertical = QSizePolicy.Policy.Fixed if self._folded else QSizePolicy.Policy.Expanding
        self.setSizePolicy(QSizePolicy.Policy.Preferred, vertical)

    # ------------------------------------------------------------------------------------------ what can be done

    def _tell_chosen(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        del selected, deselected
        chosen = self.chosen
        before, self._told = self._told, chosen.folder if chosen is not None else None
        if chosen is not None and self._told != before:  # Qt tells of a row that was put before the chosen one, too
            self.run_chosen.emit(chosen)

    def tell_again(self, folder: Path) -> None:
        """The run in that folder, if it is the chosen one, has something else to be shown than when it was chosen."""
        if (chosen := self.chosen) is not None and chosen.folder == folder:
            self.run_chosen.emit(chosen)

    def _open_experiment_of(self, index: QModelIndex) -> None:
        record = self.runs.record(index.row())
        if record is not None:
            (self.experiment_requested if record.sweep is None else self.sweep_requested).emit(record.folder)

    def _open_menu(self, place: QPoint) -> None:
        index = self.table.indexAt(place)
        record = self.runs.record(index.row()) if index.isValid() else self.chosen
        on_screen = self.table.viewport().mapToGlobal(place)
        if record is None:
            self.table.copies.popup(on_screen)
            return
        menu = self.menu_for(record)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(on_screen)

    def menu_for(self, record: RunRecord) -> QMenu:
        """The menu of commands on one run."""
        menu = RunMenu(record, self.runs.fold_of(record), self)
        menu.asked.connect(lambda name: self._do(name, record))
        self.table.copies.add_to(menu)
        return menu

    def _do(self, name: str, record: RunRecord) -> None:
        folder, home = record.folder, record.home
        deeds: dict[str, Callable[[], None]] = {
            "go_on_run": lambda: self.go_on_requested.emit(folder),
            "open_sweep": lambda: self.sweep_requested.emit(folder),
            "unfold_run": lambda: self.set_open(folder, not self.runs.is_open(folder)),
            "draw_run": lambda: self.eye_pressed.emit(record),
            "open_run_experiment": lambda: self.experiment_requested.emit(home),
            "predict_with_run": lambda: self.predict_requested.emit(home),
            "open_run_model": lambda: self.model_requested.emit(home),
            "use_best_weights": lambda: self.model_requested.emit(model_file(home, "best")),
            "save_run_model": lambda: self.save_requested.emit(home, "last"),
            "save_run_best": lambda: self.save_requested.emit(home, "best"),
            "open_run_folder": lambda: open_folder(folder),
        }
        deeds[name]()


def _row_above(folder: Path) -> Path:
    """The folder of the repeat or sweep that a member lies in: members/SEED, trials/NUMBER."""
    return folder.parent.parent


def count_parameters(event: RunStarted, input_shape: tuple[int, ...] | None) -> int:
    """The parameters of the network that a run trains."""
    return sum(totals(infer_shapes(event.experiment.active_layers, input_shape)))
