"""Autosave: unsaved edits are kept in a file beside the settings, and offered after an unexpected end."""

from __future__ import annotations

import threading
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.os_errors import is_there
from dnnstudio.core.workspace.runs import EXPERIMENT
from dnnstudio.gui.base.autosave_files import Unsaved, find_unsaved, forget, keep, own_file
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.dialogs import Dialogs

FOLDER = "recovery"
AFTER_MS = 1000
"""Delay between the first unwritten edit and writing."""


class Autosave(QObject):
    """Saves the document's unsaved edits. `failed` carries a `UserError`, once until writing works again.

    `said(lead, text, severity)` tells what came back, in place of what the bar said of the network before.
    """

    failed = Signal(object)
    said = Signal(str, str, str)
    _written = Signal(object)
    """The `UserError` that kept the edits from being written, or None; told from the thread that writes."""

    def __init__(self, document: Document, dialogs: Dialogs, settings_folder: Path, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._document = document
        self._dialogs = dialogs
        self.folder = settings_folder / FOLDER
        self.file = own_file(self.folder)
        self._tries = 0
        self._told = False
        self._closed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(AFTER_MS)
        self._timer.timeout.connect(self._keep_beside)
        self._writer: threading.Thread | None = None
        self._written.connect(self._on_written)
        document.experiment_changed.connect(self._on_change)
        document.modified_changed.connect(self._on_change)

    def offer(self) -> None:
        """Ask about the unsaved work of each ended program; at most one is recovered."""
        taken = False
        for unsaved in find_unsaved(self.folder):
            if taken or self._closed:
                return  # the others are offered at the next start-up
            answer = self._dialogs.recover(self._window, unsaved)
            if answer == "discard":
                forget(unsaved.file)
            elif answer == "recover":
                self._take_over(unsaved)
                taken = True

    def keep_now(self) -> None:
        """Write the unsaved edits, or delete the autosave if there are none; blocks until done."""
        self._timer.stop()
        self._wait()
        if self._document.modified:
            self._on_written(self._write(self._document.experiment, self._document.path))
        else:
            self._tries = 0
            forget(self.file)

    def _keep_beside(self) -> None:
        """The same in a thread, because a disk may take longer than a frame."""
        if not self._document.modified:
            self.keep_now()
            return
        self._wait()
        given = self._document.experiment, self._document.path
        self._writer = threading.Thread(target=lambda: self._written.emit(self._write(*given)), name="keeping edits")
        self._writer.start()

    def _write(self, experiment: Experiment, path: Path | None) -> UserError | None:
        """Write, and return the error or None."""
        try:
            keep(self.file, experiment, path, self._tries)
        except UserError as error:
            return error
        return None

    def _on_written(self, error: UserError | None) -> None:
        if error is not None and not self._told:
            hint = f"Save them soon; if the program ended now they would be lost. {error.hint}".strip()
            self.failed.emit(UserError(f"Unsaved edits cannot be kept: {error.message}", hint))
        self._told = error is not None

    def _wait(self) -> None:
        """Wait for the writing thread: two must not write the same file."""
        if self._writer is not None:
            self._writer.join()
            self._writer = None

    def close(self, *, keep_edits: bool) -> None:
        """The window closes: keep the work that the user was not asked about, else delete the autosave."""
        self._closed = True
        self._timer.stop()
        self._wait()
        if keep_edits:
            self.keep_now()
        else:
            forget(self.file)
        self._document.experiment_changed.disconnect(self._on_change)
        self._document.modified_changed.disconnect(self._on_change)

    def _take_over(self, unsaved: Unsaved) -> None:
        """Show it as unsaved edits; undo leads back to the contents of the file."""
        document = self._document
        severity, text = "news", "They are in no file yet; Save (Ctrl+S) keeps them."
        if unsaved.path is not None:
            try:
                document.new(codec.load(unsaved.path), path=unsaved.path)
                text = f"They are not saved yet; undo leads back to {_named(unsaved.path)}."
            except UserError as error:
                severity, text = "hint", f"{error.message} {text}"
        document.push(unsaved.experiment, "Recover unsaved edits")
        self.said.emit(f"The edits of {unsaved.experiment.name} are back.", text, severity)
        self._tries = unsaved.tries + 1
        self.keep_now()
        if is_there(self.file) or not document.modified:
            forget(unsaved.file)

    def _on_change(self, _: object = None) -> None:
        if not self._document.modified:
            self.keep_now()
        elif not self._timer.isActive():
            self._timer.start()


def _named(path: Path) -> str:
    """The file, or the run that it is of: all runs' are called alike."""
    return path.parent.name if path.name == EXPERIMENT else path.name
