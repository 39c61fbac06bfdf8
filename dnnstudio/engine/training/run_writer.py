"""Writes the run folder of a training, each file atomically."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dnnstudio.core.atomic_files import make_folder, sweep_leftovers, write_atomically
from dnnstudio.core.checksums import FILE as CHECKSUMS
from dnnstudio.core.checksums import note_file, write_checked
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import Shape
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.export.formats import exporter_of
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.os_errors import is_file_there, plainly_refused, reason_of
from dnnstudio.core.workspace.answers import FILE as ANSWERS
from dnnstudio.core.workspace.answers import Answers, save_answers
from dnnstudio.core.workspace.history import FILE as HISTORY
from dnnstudio.core.workspace.history import Row, append_row, write_history
from dnnstudio.core.workspace.runs import BEST_MODEL, CHECKPOINT, EXPERIMENT, METRICS, MODEL, is_begun, is_run
from dnnstudio.core.workspace.shared_layers import FILE as LINKS
from dnnstudio.core.workspace.sources import rebased
from dnnstudio.core.workspace.training_record import TrainedWith
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.data.dataset import Dataset
from dnnstudio.engine.data.kept_scaler import keep_preparation
from dnnstudio.engine.data.preparation import FILE as PREPARATION
from dnnstudio.engine.training.compile_config import compiled
from dnnstudio.engine.training.event_files import EventFiles
from dnnstudio.engine.training.observer import TrainingObserver

LEFT_S = 60.0
"""A temporary file that is so old in the folder of a run that begins was left there: no save takes as long."""
PATIENCE_S = 20.0
"""How long the end of a training waits for a disk on which nothing can be written."""
BETWEEN_S = 1.0
"""How long it waits between two tries."""


class RunFolder:
    """The folder of one run, created when the training begins."""

    def __init__(self, path: Path, *, patience_s: float | None = None, data: Dataset | None = None) -> None:
        """At the end it waits for a disk on which nothing can be written, `patience_s` long or `PATIENCE_S`.

        `data` is what is trained on, where the folder is not begun anew.
        """
        self.path = path
        self._patience_s = PATIENCE_S if patience_s is None else patience_s
        self.control: Control | None = None
        """Whose stop ends that waiting."""
        self.on_wait: Callable[[UserError], None] | None = None
        """Called when it begins, with what is refused."""
        self._events: EventFiles | None = None
        self._data = data
        self._drive: int | None = None
        """The number of the drive that the folder was made on."""

    def take_over(self, place: Path, experiment: Experiment, history: list[Row]) -> RunFolder:
        """The folder at `place` for the same run, with what makes it a run of these epochs. Raises `UserError`."""
        other = RunFolder(place, patience_s=0.0, data=self._data)
        other.mend(rebased(experiment, self.path, place), history)
        other.follow(history if self._events is not None else None)
        return other

    def follow(self, history: list[Row] | None) -> None:
        """Write event files from here on, beginning with these epochs; none for None. Raises `UserError`."""
        self._events = None if history is None else EventFiles(self.path)
        for row in history or ():
            self.add_epoch(row, written=True)

    def begin(self, experiment: Experiment, history: list[Row], *, resumed: bool, data: Dataset | None = None) -> None:
        """Make the folder with its experiment and the epochs that are there already. Raises `UserError`.

        How the rows of `data` were prepared is kept too: new rows are prepared as these were.
        """
        if is_begun(self.path) and not resumed:
            raise UserError(f"{self.path} already holds a run.", "Choose another folder, or resume that run.")
        make_folder(self.path)
        for place in (self.path, self.path / CHECKPOINT):
            sweep_leftovers(place, older_than_s=LEFT_S)  # a save that a kill interrupted; nobody else works here
        try:
            (self.path / METRICS).unlink(missing_ok=True)
            (self.path / ANSWERS).unlink(missing_ok=True)
            if not history:
                (self.path / HISTORY).unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"{self.path} cannot be written: {reason_of(error)}.", "Choose another folder.") from None
        self.save_experiment(experiment)
        self._events = EventFiles(self.path) if experiment.training.tensorboard else None
        self._data = data
        self._drive = _drive_of(self.path)
        if data is not None:
            keep_preparation(data, self.path)
        if history:
            self.rewrite_history(history)

    def introduce(self, around: TrainingObserver, *, resumed: bool) -> None:
        """Tell that the folder is there and nothing is trained yet; where that is refused, a new run leaves nothing."""
        try:
            around.begun(self.path)
        except BaseException:
            if not resumed:
                for name in (LINKS, EXPERIMENT, PREPARATION, CHECKSUMS):
                    with suppress(OSError):
                        (self.path / name).unlink(missing_ok=True)
                shutil.rmtree(self.path / CHECKPOINT, ignore_errors=True)
            raise

    def is_whole(self, epochs: int) -> bool:
        """Whether what was written so far is there, and not moved or deleted by someone meanwhile."""
        kept = self._data is None or is_file_there(self.path / PREPARATION)
        return kept and is_run(self.path) and (not epochs or is_file_there(self.path / HISTORY))

    def mend(self, experiment: Experiment, history: list[Row]) -> None:
        """Write again what makes the folder a run of these epochs.

        The folder that it lies in must be there: where that is gone, a drive is, and another must not be filled in its
        place. Raises `UserError`.
        """
        make_folder(self.path, parents=False)
        self._require_drive()
        self.save_experiment(experiment)
        if self._data is not None:
            keep_preparation(self._data, self.path)
        if history:
            self.rewrite_history(history)

    def save_experiment(self, experiment: Experiment) -> None:
        """Write experiment.json: what is trained. Raises `UserError`."""
        codec.save(experiment, self.path / EXPERIMENT, checked=True)

    def save_answers(self, answers: Mapping[str, Answers]) -> None:
        """Write answers.npz: true values and answers of each part. Raises `UserError`."""
        self._patiently(lambda: save_answers(self.path, answers))

    def add_epoch(self, row: Row, *, written: bool = False) -> None:
        """Append a row to history.csv, unless it is `written`, and to the event files where they are wanted.

        Raises `UserError`.
        """
        if not written:
            append_row(self.path / HISTORY, row)
        if self._events is not None:
            self._events.add(row)

    def rewrite_history(self, history: list[Row]) -> None:
        """Replace history.csv by these epochs. Raises `UserError`."""
        write_history(self.path / HISTORY, history)
        self.note_history()

    def note_history(self) -> None:
        """Keep a checksum of the epochs so far; epochs that follow are not covered until it is called again."""
        note_file(self.path / HISTORY)

    def finish(self, metrics: dict[str, Any]) -> None:
        """Write metrics.json, which marks the run as finished. Raises `UserError`."""
        if self._events is not None:
            self._events.close()
        self._patiently(self.note_history)
        self._patiently(lambda: write_checked(self.path / METRICS, (json.dumps(metrics, indent=2) + "\n").encode()))

    def save_last(
        self,
        model: keras.Sequential,
        experiment: Experiment,
        input_shape: Shape,
        trained: TrainedWith,
        optimizer: keras.optimizers.Optimizer | None = None,
    ) -> None:
        """Write model.keras. Raises `UserError`."""
        self._patiently(lambda: save_network(model, self.path / MODEL, experiment, input_shape, trained, optimizer))

    def save_best(
        self,
        model: keras.Sequential,
        experiment: Experiment,
        input_shape: Shape,
        trained: TrainedWith,
        optimizer: keras.optimizers.Optimizer | None = None,
    ) -> None:
        """Write best.keras. Raises `UserError`."""
        self._patiently(
            lambda: save_network(model, self.path / BEST_MODEL, experiment, input_shape, trained, optimizer)
        )

    def best_is_last(self) -> None:
        """Make best.keras a copy of model.keras. Raises `UserError`."""
        self._patiently(lambda: write_atomically(self.path / BEST_MODEL, (self.path / MODEL).read_bytes()))

    def _patiently(self, write: Callable[[], object]) -> None:
        """Write a file at the end of a training: a disk that is full for a moment must not cost its result.

        Raises `UserError` where it stays so.
        """
        until = time.monotonic() + self._patience_s
        while True:
            try:
                self._require_drive()
                with plainly_refused(self.path):
                    write()
                return
            except UserError as error:
                tried = time.monotonic()
                if self.on_wait is not None:
                    self.on_wait(error)
                while not self._hurries and time.monotonic() < min(until, tried + BETWEEN_S):
                    time.sleep(0.05)
                if self._hurries or time.monotonic() >= until:
                    raise

    def _require_drive(self) -> None:
        """Raises `UserError` where the folder is another one, under the point where its drive was mounted."""
        if self._drive is None or (now := _drive_of(self.path)) is None or now == self._drive:
            return
        with suppress(OSError):  # one that was just made here
            self.path.rmdir()
        raise UserError(f"{self.path} cannot be written: its drive is not there.", "Bring it back.")

    @property
    def _hurries(self) -> bool:
        return self.control is not None and self.control.stopped


def _drive_of(folder: Path) -> int | None:
    try:
        return folder.stat().st_dev
    except OSError:
        return None


def save_network(
    model: keras.Sequential,
    path: Path,
    experiment: Experiment | None,
    input_shape: Shape,
    trained: TrainedWith | None = None,
    optimizer: keras.optimizers.Optimizer | None = None,
    *,
    keep_previous: bool = False,
) -> int:
    """Write a model file in the format of the suffix, and return its size in bytes.

    With `trained` it is a compiled model for Keras. With `optimizer`, the one that trained it, Keras's `fit` continues
    from a `.keras` file where the training ended; without it, and from an `.h5` file, with a new optimizer from the
    schedule's first step. Raises `UserError`.
    """
    made = None
    if trained is not None and experiment is not None:
        made = compiled(experiment, input_shape, trained, optimizer)
    write = exporter_of(path, needs_weights=True).load()
    size: int = write(
        model,
        path,
        experiment=experiment,
        input_shape=input_shape,
        state=trained.plain() if trained is not None else None,
        compiled=made,
        keep_previous=keep_previous,
    )
    return size
