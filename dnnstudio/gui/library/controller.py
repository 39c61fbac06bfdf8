"""Opens the library and carries out its commands; owns the other windows that reuse trained models."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.events import Progress
from dnnstudio.core.jobs.requests import CompareModels, ListLibrary, SaveModel
from dnnstudio.core.jobs.results import Library, ModelComparison, SavedModel
from dnnstudio.core.os_errors import is_folder_there, is_there
from dnnstudio.core.workspace.catalog import Entry, run_entry
from dnnstudio.core.workspace.place import why_unread
from dnnstudio.core.workspace.runs import MODEL, comparison_runs, read_run, run_folders, safe_name
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.base.windows import Windows
from dnnstudio.gui.comparison import ComparisonOpener
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.dialogs.file_actions import FileActions
from dnnstudio.gui.library.compare_dialog import CompareDialog
from dnnstudio.gui.library.dialog import LibraryDialog
from dnnstudio.gui.library.operations import Done, Operations
from dnnstudio.gui.pretraining import PretrainingController
from dnnstudio.gui.runs.panel import RunsPanel
from dnnstudio.gui.theme import Theme

WAITING = "Waiting for the training to end; the models of files are read then."


class LibraryController(QObject):
    """`reuse_requested(Path)` carries the run folder or model file to start from; `said` the arguments of
    `MessageLine.say`.
    """

    reuse_requested = Signal(object)
    said = Signal(str, str, str, str, object)

    def __init__(
        self,
        window: QWidget,
        document: Document,
        engine: Engine,
        controller: RunController,
        files: FileActions,
        actions: Actions,
        runs: RunsPanel,
        theme: Theme,
        dialogs: Dialogs,
        settings: Settings,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._document = document
        self._engine = engine
        self._controller = controller
        self._files = files
        self._actions = actions
        self._runs = runs
        self._theme = theme
        self._dialogs = dialogs
        self._settings = settings
        self.operations = Operations(settings)
        self._undo: Done | None = None
        self._select: Path | None = None
        self._waiting: list[Path] = []
        self._early: list[Entry] = []
        self.listing = JobClient(engine, self)
        self.listing.reported.connect(self._on_progress)
        self.listing.answered.connect(self._on_listed)
        self.listing.refused.connect(self._on_refused)
        self.listing.cancelled.connect(self._on_listing_cancelled)
        self._saving = JobClient(engine, self)
        self._saving.answered.connect(self._on_saved)
        self._saving.refused.connect(self._on_refused)
        self._reader = QTimer(self)
        self._reader.setInterval(0)
        self._reader.timeout.connect(self._read_one)
        self._library = Windows[str, LibraryDialog]()
        self.comparisons = Windows[tuple[Path, Path], CompareDialog]()
        self.transfers = ComparisonOpener(window, document, controller, actions, theme, ask_join_file=dialogs.join_file)
        self.transfers.trained.connect(runs.refresh)
        self.transfers.trained.connect(self.refresh)
        self.pretraining = PretrainingController(window, document, engine, controller, actions, runs, theme)
        self.pretraining.said.connect(self.said)
        self.pretraining.failed.connect(files.tell)
        actions.connect({"library": self.open})
        controller.run_ended.connect(self.refresh)

    # ------------------------------------------------------------------------------------------ the window

    def open(self) -> None:
        """Show the library."""
        fresh = self.dialog is None
        dialog = self._library.show("library", self._make)
        if fresh:
            self.refresh()
        dialog.table.setFocus()

    @property
    def dialog(self) -> LibraryDialog | None:
        """The library's window while it is open."""
        return self._library.get("library")

    def _make(self) -> LibraryDialog:
        dialog = LibraryDialog(self._theme, parent=self._window)
        dialog.asked.connect(self._do)
        dialog.add_requested.connect(self.add_file)
        dialog.refresh_requested.connect(self.refresh)
        dialog.train_requested.connect(self._train)
        dialog.closed.connect(self._on_closed)
        dialog.messages.action_requested.connect(self.undo)
        return dialog

    def close_all(self) -> None:
        """Close every window, at exit."""
        self.transfers.close_all()
        self.pretraining.close_all()
        self.comparisons.close_all()
        self._library.close_all()

    def _on_closed(self) -> None:
        self._undo = None
        self._stop_reading()
        self.listing.cancel()

    def _train(self) -> None:
        """Train in the main window, or say why that cannot be now."""
        if (reason := self._actions.reason("train")) and self.dialog is not None:
            self.dialog.say(reason, lead="Train is not possible now.", severity="hint")
            return
        self._window.raise_()
        self._window.activateWindow()
        self._actions["train"].trigger()

    # ------------------------------------------------------------------------------------------ listing

    def refresh(self, _: object = None) -> None:
        """Read the workspace again; while the engine is busy, its runs are read here meanwhile."""
        if self.dialog is None:
            return
        self._stop_reading()
        self.listing.ask(ListLibrary(workspace=self._settings.workspace, files=tuple(self._settings.library_files)))
        self.dialog.set_away(why_unread(self._settings.workspace))
        self.dialog.set_busy("Reading the models …")
        if self._controller.training:
            self.dialog.set_busy(WAITING)
            workspace = self._settings.workspace
            folders = (*comparison_runs(workspace), *run_folders(workspace))
            self._waiting = [path for path in folders if is_there(path / MODEL)]
            self._early = []
            self._reader.start()

    def _read_one(self) -> None:
        """Read one run at a time, newest first, so that the window stays responsive."""
        if self._waiting:
            try:
                self._early.append(run_entry(self._waiting.pop()))
            except UserError:
                return  # the engine's list gives the reason
        if not self._waiting and self.dialog is not None:
            self._stop_reading()
            self._show(self._early)
            self.dialog.set_busy(WAITING)

    def _stop_reading(self) -> None:
        self._waiting = []
        self._reader.stop()

    def _on_progress(self, event: object) -> None:
        if self.dialog is not None and isinstance(event, Progress) and not self._reader.isActive():
            self.dialog.set_busy(f"Reading {event.done + 1:,} of {event.total:,} …")

    def _on_listed(self, result: Any) -> None:
        self._stop_reading()
        if self.dialog is None or not isinstance(result, Library):
            return
        self._show(result.entries)
        self.dialog.set_busy("")
        self.dialog.set_notes(result.notes)

    def _show(self, entries: Any) -> None:
        assert self.dialog is not None
        self.dialog.set_entries(entries)
        if self._select is not None:
            self.dialog.select(self._select)
            self._select = None

    def _on_listing_cancelled(self) -> None:
        if self.dialog is not None and not self._reader.isActive():
            self.dialog.set_busy("")

    def _on_refused(self, message: str, hint: str) -> None:
        if self.dialog is not None:
            self.dialog.set_busy("")
            self.dialog.say(hint, lead=message, severity="error")

    # ------------------------------------------------------------------------------------------ deeds

    def _do(self, name: str, entries: tuple[Entry, ...]) -> None:
        deeds = {
            "open": self._open,
            "reuse": lambda entry: self.reuse_requested.emit(entry.path),
            "clone": lambda entry: self._work(partial(self.operations.clone, entry)),
            "copy": self._save_copy,
            "rename": self._rename,
            "delete": self._delete,
        }
        if name == "compare":
            self.compare(*entries)
        else:
            deeds[name](entries[0])

    def _open(self, entry: Entry) -> None:
        self._window.raise_()
        self._window.activateWindow()
        if entry.kind == "run":
            self._files.open_model_of(entry.path)
        else:
            self._files.open_path(entry.path)

    def _save_copy(self, entry: Entry) -> None:
        path = self._dialogs.save_model(
            self._parent(), safe_name(entry.path.stem if entry.kind == "file" else entry.name)
        )
        if path is not None:
            self._saving.ask(SaveModel(model=entry.path, path=path))

    def _on_saved(self, result: Any) -> None:
        if self.dialog is not None and isinstance(result, SavedModel):
            self._undo = None
            self.dialog.say(str(result.path), lead="Saved a copy.", severity="good")
            self.refresh()

    def _rename(self, entry: Entry) -> None:
        before = entry.name if entry.kind == "run" else entry.path.name
        name = self._dialogs.rename(self._parent(), before)
        if name is not None and name != before:
            self._work(partial(self.operations.rename, entry, name))

    def _delete(self, entry: Entry) -> None:
        if self._controller.training and entry.path == self._controller.run_folder:
            self._on_refused("This run is being trained.", "Stop the training first.")
            return
        self._work(partial(self.operations.delete, entry))

    def _work(self, deed: Any) -> None:
        """Carry out a command on disk, report it, and read the workspace again."""
        try:
            done: Done = deed()
        except UserError as error:
            self._on_refused(error.message, error.hint)
            self._read_again()  # another program may have moved or deleted it
            return
        self._undo = done if done.undo is not None else None
        self._select = done.path
        if self.dialog is not None:
            self.dialog.say(done.text, lead=done.lead, action="Undo" if done.undo is not None else "")
        self._read_again(done.path)

    def _read_again(self, path: Path | None = None) -> None:
        self._runs.refresh()
        if path is not None and is_folder_there(path):
            self._runs.runs.put(read_run(path))
        self.refresh()

    def undo(self) -> None:
        """Undo the last deletion."""
        done, self._undo = self._undo, None
        if done is None or done.undo is None:
            return
        try:
            done.undo()
        except UserError as error:
            self._on_refused(error.message, error.hint)
            return
        if self.dialog is not None:
            self.dialog.say("It is where it was.", lead="Brought back.", severity="good")
        self._read_again()

    def add_file(self) -> None:
        """Ask for a model file outside the workspace, and list it."""
        path = self._dialogs.open_model(self._parent())
        if path is not None:
            self.operations.add(path)
            self._select = path.absolute()
            if self.dialog is not None:
                self.dialog.messages.clear()
            self.refresh()

    def _parent(self) -> QWidget:
        return self.dialog if self.dialog is not None else self._window

    # ------------------------------------------------------------------------------------------ comparing

    def compare(self, first: Entry, second: Entry) -> None:
        """Compare two models, evaluated on the first known test part of the two."""
        self.comparisons.show((first.path, second.path), lambda: self._make_comparison(first, second))

    def _make_comparison(self, first: Entry, second: Entry) -> CompareDialog:
        dialog = CompareDialog(self._theme, first, second, parent=self._window)
        client = JobClient(self._engine, dialog)
        measured = next((entry.experiment for entry in (first, second) if entry.task), self._document.experiment)
        client.reported.connect(lambda event: dialog.show_progress(getattr(event, "text", "")))
        client.answered.connect(lambda result: _show_comparison(dialog, result))
        client.refused.connect(dialog.show_failure)
        client.cancelled.connect(lambda: dialog.show_failure("The comparison was cancelled.", ""))
        dialog.closed.connect(client.close)
        client.ask(CompareModels(first=first.path, second=second.path, experiment=measured))
        if self._controller.training:
            dialog.show_progress("Waiting for the training to end")
        return dialog


def _show_comparison(dialog: CompareDialog, result: object) -> None:
    if isinstance(result, ModelComparison):
        dialog.show_result(result)
