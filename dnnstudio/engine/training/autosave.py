"""Keeps a training on the disk while it runs: a disk that is full, or gone, for a moment pauses that alone."""

from __future__ import annotations

import time

from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.events import SavingPaused
from dnnstudio.core.workspace.history import Row
from dnnstudio.engine.training.checkpoint import Checkpoint, save_checkpoint
from dnnstudio.engine.training.monitoring.progress import Emit
from dnnstudio.engine.training.run_writer import RunFolder


class Autosave:
    """Writes epochs, checkpoints and changes of the experiment. What cannot be written now is written with the next.

    The last good state stays on the disk meanwhile. A `SavingPaused` says when saving pauses, and when it works again.
    """

    def __init__(self, folder: RunFolder, *, run: str, emit: Emit) -> None:
        self._folder = folder
        self._run = run
        self._emit = emit
        self._lacks_rows = False
        self._lacks_checkpoint = False
        """Whether the last one could not be written: a row of a few bytes that can be says nothing of it."""
        self._unsaved: Experiment | None = None
        self._paused = self._waits = False
        self._saved_at = time.monotonic()
        folder.on_wait = self._wait

    def is_due(self, after_s: float) -> bool:
        """Whether the last checkpoint, or the last attempt, is so long ago."""
        return time.monotonic() - self._saved_at >= after_s

    def add_epoch(self, row: Row, history: list[Row]) -> None:
        """Append the row; after a pause the whole `history`, whose last row it is."""
        try:
            self._lacks_rows = self._lacks_rows or not self._folder.is_whole(len(history) - 1)
            if self._lacks_rows:
                self._folder.rewrite_history(history)
            self._folder.add_epoch(row, written=self._lacks_rows)
        except UserError as error:
            self._lacks_rows = True
            self._pause(error)
        else:
            self._lacks_rows = False
            self._go_on()

    def save_experiment(self, experiment: Experiment) -> None:
        """Write what is trained, now or with the next checkpoint."""
        self._unsaved = experiment
        try:
            self._save_unsaved()
        except UserError as error:
            self._pause(error)

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Replace the checkpoint, and write what is behind, or was there and is gone."""
        history = checkpoint.position.history
        try:
            self._save_unsaved()
            if not self._folder.is_whole(len(history)):
                self._folder.mend(checkpoint.experiment, history)
            save_checkpoint(self._folder.path, checkpoint)
            if self._lacks_rows:
                self._folder.rewrite_history(history)
            self._folder.note_history()
        except UserError as error:
            self._lacks_checkpoint = True
            self._pause(error)
        else:
            self._lacks_rows = self._lacks_checkpoint = False
            self._go_on()
        self._saved_at = time.monotonic()

    def _save_unsaved(self) -> None:
        if self._unsaved is not None:
            self._folder.save_experiment(self._unsaved)
            self._unsaved = None

    def _pause(self, error: UserError, *, over: bool = False) -> None:
        if not self._paused:
            self._paused = True
            full = error.code is Code.DISK_FULL
            self._emit(SavingPaused(run=self._run, reason=error.message, full=full, over=over))

    def _wait(self, error: UserError) -> None:
        """Say once why the end is not written yet, also where saving was paused before."""
        if not self._waits:
            self._waits, self._paused = True, False
            self._pause(error, over=True)

    def _go_on(self) -> None:
        if self._paused and self._unsaved is None and not self._lacks_rows and not self._lacks_checkpoint:
            self._paused = False
            self._emit(SavingPaused(run=self._run))
