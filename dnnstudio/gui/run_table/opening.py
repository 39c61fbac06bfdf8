"""Opens the window of runs, and does what is asked for there."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.events import RunEnded
from dnnstudio.core.study.list_reading import read_listed
from dnnstudio.core.study.listing import ListedRun
from dnnstudio.core.study.sweep_record import rename_sweep
from dnnstudio.core.text import count_of
from dnnstudio.core.workspace.model_store import move_to_trash, rename, restore
from dnnstudio.core.workspace.remarks import Color, write_remarks
from dnnstudio.core.workspace.runs import RUNS, SWEEPS, comparison_runs, is_sweep, run_folders
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.reasons import UNDER_WAY
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.run_table.deeds import COLOR_DEEDS
from dnnstudio.gui.run_table.reader import RunReader
from dnnstudio.gui.run_table.window import RunWindow
from dnnstudio.gui.runs.menu import open_folder, why_ended
from dnnstudio.gui.runs.panel import RunsPanel
from dnnstudio.gui.theme import Theme

ELSEWHERE = "It is not of this workspace. Open its experiment first."
TRAINS_NOW = "It is being trained."
BELONGS = "It belongs to another row, which can be deleted as a whole."


class RunTableOpener(QObject):
    """One window of runs. What it asks of the main window goes through `open_experiment` and `go_on`."""

    def __init__(
        self,
        window: QWidget,
        controller: RunController,
        *,
        theme: Theme,
        settings: Settings,
        dialogs: Dialogs,
        actions: Actions,
        panel: RunsPanel,
        open_experiment: Callable[[Path], None],
        go_on: Callable[[Path], None],
    ) -> None:
        super().__init__(window)
        self._parent = window
        self._controller = controller
        self._theme = theme
        self._settings = settings
        self._dialogs = dialogs
        self._actions = actions
        self._panel = panel
        self._open_experiment = open_experiment
        self._go_on = go_on
        self._undo: Callable[[], None] | None = None
        self._reader: RunReader | None = None
        self.window: RunWindow | None = None
        actions.connect({"runs": self.open})
        controller.run_ended.connect(self.refresh)
        controller.activity_changed.connect(self.refresh)

    def open(self) -> None:
        """Show the window, or bring it to the front."""
        if self.window is None:
            self._reader = RunReader(self._settings.workspace, self._settings.added_runs, self)
            self.window = RunWindow(self._theme, self._reader, self._why_not, parent=self._parent)
            self.window.asked.connect(self.do)
            self.window.note_written.connect(self._write_note)
            self.window.add_requested.connect(self.add)
            self.window.export_requested.connect(self.export)
            self.window.undo_requested.connect(self.undo)
            self.window.closed.connect(self._on_closed)
        self.refresh()
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()

    def refresh(self, _: object = None) -> None:
        """Look at the folders again."""
        if self._reader is not None:
            self._reader.set_places(self._settings.workspace, self._settings.added_runs)

    def _on_closed(self) -> None:
        window, reader = self.window, self._reader
        self.window = self._reader = None
        self._undo = None
        if window is not None:
            window.deleteLater()
        if reader is not None:
            reader.deleteLater()

    def close_all(self) -> None:
        """Close the window, at exit."""
        if self.window is not None:
            self.window.close()

    # ------------------------------------------------------------------------------------------ what can be done

    def _why_not(self, deed: str, run: ListedRun) -> str:
        """What the table itself does not know: what trains, and what lies where. "" where nothing stands against it."""
        listed = "" if self._panel.lists(run.record.folder) else ELSEWHERE
        training = self._controller.training and self._controller.run_folder in run.folders
        match deed:
            case "go_on":
                return (
                    UNDER_WAY
                    if self._controller.training
                    else why_ended(run.record, self._is_member(run.record.folder))
                )
            case "show":
                return listed
            case "inspect":
                there = run.record.sweep is None or run.record.has_network
                return listed or ("" if there else "No trial of the sweep has kept a network.")
            case "rename":
                return TRAINS_NOW if training else ""
            case "delete":
                whole = all(self._can_go(folder) for folder in run.folders)
                return TRAINS_NOW if training else "" if whole else BELONGS
        return ""

    def _can_go(self, folder: Path) -> bool:
        """Whether a run can be taken away: a member of an ensemble, a sweep or a comparison belongs to it."""
        places = (self._settings.workspace / RUNS, self._settings.workspace / SWEEPS)
        return folder.parent in places or folder in self._settings.added_runs

    def _is_member(self, folder: Path) -> bool:
        return self._panel.runs.row_of(folder.parent.parent) >= 0

    def do(self, deed: str, runs: Sequence[ListedRun]) -> None:
        """Do a command on rows of the table."""
        folder = runs[0].record.folder
        deeds: dict[str, Callable[[], None]] = {
            "open": partial(self._open_experiment if is_sweep(folder) else self._open_in_front, folder),
            "show": partial(self._in_front, partial(self._panel.select, folder)),
            "inspect": partial(self._inspect, folder),
            "go_on": partial(self._go_on, folder),
            "star": partial(self._star, runs),
            **{deed.name: partial(self._paint, runs, color) for color, deed in COLOR_DEEDS.items()},
            "rename": partial(self._rename, runs[0]),
            "folder": partial(open_folder, folder),
            "delete": partial(self._delete, runs),
        }
        try:
            deeds[deed]()
        except UserError as error:
            self._tell(error)

    def _tell(self, error: UserError) -> None:
        if self.window is not None:
            self.window.tell(error.hint, lead=error.message, error=True)

    def _in_front(self, deed: Callable[[], None]) -> None:
        deed()
        self._parent.raise_()
        self._parent.activateWindow()

    def _open_in_front(self, folder: Path) -> None:
        self._in_front(partial(self._open_experiment, folder))

    def _inspect(self, folder: Path) -> None:
        self._panel.select(folder)
        self._actions["uncertainty"].trigger()

    def _star(self, runs: Sequence[ListedRun]) -> None:
        star = not all(run.remarks.star for run in runs)
        for folder in (folder for run in runs for folder in run.folders):
            write_remarks(folder, star=star)
            self._read_again(folder)

    def _paint(self, runs: Sequence[ListedRun], color: Color) -> None:
        for folder in (folder for run in runs for folder in run.folders):
            write_remarks(folder, color=color)
            self._read_again(folder)

    def _write_note(self, run: ListedRun, text: str) -> None:
        try:
            write_remarks(run.record.folder, note=text)
        except UserError as error:
            self._tell(error)
            return
        self._read_again(run.record.folder)

    def _read_again(self, folder: Path) -> None:
        if self._reader is not None:
            self._reader.read_again(folder)

    def _rename(self, run: ListedRun) -> None:
        what = "run" if run.record.sweep is None else "sweep"
        name = self._dialogs.rename(self.window or self._parent, run.record.name, what=what)
        if name is not None:
            if run.record.sweep is not None:
                rename_sweep(run.record.folder, name)
            else:
                rename(run.record.folder, name)
            self._read_again(run.record.folder)
            self._panel.read_again(run.record.folder)

    def _delete(self, runs: Sequence[ListedRun]) -> None:
        folders = tuple(folder for run in runs for folder in run.folders)
        added = self._settings.added_runs
        listed_only = [folder for folder in folders if folder in added]
        self._settings.change_added_runs(lambda listed: [folder for folder in listed if folder not in folders])
        trashed: list[Path] = []
        try:
            for folder in folders:
                if folder not in listed_only:
                    trashed.append(move_to_trash(self._settings.workspace, folder))
        finally:
            self._undo = partial(self._bring_back, tuple(trashed), tuple(listed_only))
            self._show_others()
        if self.window is not None:
            who = "It lies" if len(trashed) == 1 else "They lie"
            text = f"{who} in the trash folder of the workspace." if trashed else "The files stay where they are."
            self.window.tell(text, lead=f"{count_of(len(folders), 'run')} deleted.", undo=True)

    def _bring_back(self, trashed: Sequence[Path], listed: Sequence[Path]) -> None:
        for place in trashed:
            restore(self._settings.workspace, place)
        self._settings.change_added_runs(lambda others: [*others, *listed])
        self._show_others()

    def _show_others(self) -> None:
        self.refresh()
        self._panel.refresh()

    def undo(self) -> None:
        """Bring back what was deleted last."""
        undo, self._undo = self._undo, None
        if undo is None:
            return
        try:
            undo()
        except UserError as error:
            self._tell(error)
            return
        if self.window is not None:
            self.window.tell("The runs are where they were.", lead="Taken back.")

    # ------------------------------------------------------------------------------------------ all of them

    def add(self) -> None:
        """Ask for the folder of a run that was trained elsewhere, and list it."""
        folder = self._dialogs.run_folder(self.window or self._parent)
        if folder is None:
            return
        try:
            read_listed(folder)
        except UserError as error:
            self._tell(error)
            return
        self._list(folder)

    def list_opened(self, folder: Path) -> None:
        """List a run whose experiment was opened, if it was trained elsewhere, and select it.

        The selection stays where a run of the list was opened: its menu can be used without changing what is shown.
        """
        folder, workspace = folder.absolute(), self._settings.workspace.absolute()
        known = (*run_folders(workspace), *comparison_runs(workspace), *self._settings.added_runs)
        same = next((one for one in known if one.resolve() == folder.resolve()), None)
        if same is None and not folder.is_relative_to(workspace / SWEEPS):
            self._list(folder)
            self._panel.select(folder)
        elif same is not None and self._panel.chosen is None:
            self._panel.read_again(same)
            self._panel.select(same)

    def note_workspace(self, _: object = None) -> None:
        """A run is kept in the workspace: the next start knows where that lay."""
        self._settings.note_workspace()

    def list_moved(self, event: RunEnded) -> None:
        """List and select the run of a training that had to be kept outside of the workspace."""
        if event.result is not None and event.result.elsewhere:
            self._list(event.result.folder)
            self._panel.select(event.result.folder)

    def _list(self, folder: Path) -> None:
        self._settings.change_added_runs(lambda others: [*others, folder])
        self.refresh()
        self._panel.refresh()
        self._panel.read_again(folder)

    def export(self) -> None:
        """Ask for a file, and write every run with all of its settings to it."""
        if self._reader is None:
            return
        path = self._dialogs.save_table(self.window or self._parent, "runs")
        if path is None:
            return
        try:
            write_atomically(path, as_csv(self._reader.runs).encode())
        except UserError as error:
            self._tell(error)
        else:
            if self.window is not None:
                self.window.tell(str(path), lead="Saved.")


def as_csv(runs: Sequence[ListedRun]) -> str:
    """Every run as a line, the members of repeats too, with all settings; what a run has not got is empty."""
    flat: list[ListedRun] = []
    for run in sorted(runs, key=lambda run: (run.record.number, str(run.record.folder))):
        flat += [run, *run.members]
    paths = list(dict.fromkeys(path for run in flat for path in run.settings))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ("number", "name", "task", "status", "seed", "seeds", "figure", "val_best", "val_best_std", "val_last", "test",
         "test_std", "epochs", "seconds", "parameters", "star", "color", "note", "folder", *paths)
    )  # fmt: skip
    for run in flat:
        record = run.record
        writer.writerow(
            (
                record.number or "",
                record.name,
                run.task,
                record.status,
                run.seed,
                max(len(run.counted), 1),
                run.figure,
                *_pair(run.best),
                _pair(run.last)[0],
                *_pair(run.test),
                record.epochs_done,
                "" if record.seconds is None else record.seconds,
                "" if record.parameters is None else record.parameters,
                int(run.remarks.star),
                run.remarks.color,
                run.remarks.note,
                record.folder,
                *(run.settings.get(path, "") for path in paths),
            )
        )
    return text.getvalue()


def _pair(found: object) -> tuple[object, object]:
    mean, std = getattr(found, "mean", None), getattr(found, "std", None)
    return ("" if mean is None else mean, "" if std is None else std)
