"""Writes the run folder of a training, each file atomically."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dnnstudio.core.atomic_files import make_folder, write_atomically
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import Shape
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.export.formats import exporter_of
from dnnstudio.core.os_errors import reason_of
from dnnstudio.core.workspace.answers import FILE as ANSWERS
from dnnstudio.core.workspace.answers import Answers, save_answers
from dnnstudio.core.workspace.history import FILE as HISTORY
from dnnstudio.core.workspace.history import Row, append_row, write_history
from dnnstudio.core.workspace.runs import BEST_MODEL, EXPERIMENT, METRICS, MODEL, is_begun
from dnnstudio.core.workspace.training_record import TrainedWith
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.data.dataset import Dataset
from dnnstudio.engine.data.kept_scaler import keep_preparation
from dnnstudio.engine.training.compile_config import compiled
from dnnstudio.engine.training.event_files import EventFiles


class RunFolder:
    """The folder of one run, created when the training begins."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._events: EventFiles | None = None

    def begin(self, experiment: Experiment, history: list[Row], *, resumed: bool, data: Dataset | None = None) -> None:
        """Make the folder with its experiment and the epochs that are there already. Raises `UserError`.

        How the rows of `data` were prepared is kept too: new rows are prepared as these were.
        """
        if is_begun(self.path) and not resumed:
            raise UserError(f"{self.path} already holds a run.", "Choose another folder, or resume that run.")
        make_folder(self.path)
        try:
            (self.path / METRICS).unlink(missing_ok=True)
            (self.path / ANSWERS).unlink(missing_ok=True)
            if not history:
                (self.path / HISTORY).unlink(missing_ok=True)
        except OSError as error:
            raise UserError(f"{self.path} cannot be written: {reason_of(error)}.", "Choose another folder.") from None
        self.save_experiment(experiment)
        self._events = EventFiles(self.path) if experiment.training.tensorboard else None
        if data is not None:
            keep_preparation(data, self.path)
        if history:
            write_history(self.path / HISTORY, history)

    def save_experiment(self, experiment: Experiment) -> None:
        """Write experiment.json: what is trained. Raises `UserError`."""
        codec.save(experiment, self.path / EXPERIMENT)

    def save_answers(self, answers: Mapping[str, Answers]) -> None:
        """Write answers.npz: true values and answers of each part. Raises `UserError`."""
        save_answers(self.path, answers)

    def add_epoch(self, row: Row) -> None:
        """Append a row to history.csv, and to the event files where they are wanted. Raises `UserError`."""
        append_row(self.path / HISTORY, row)
        if self._events is not None:
            self._events.add(row)

    def finish(self, metrics: dict[str, Any]) -> None:
        """Write metrics.json, which marks the run as finished. Raises `UserError`."""
        if self._events is not None:
            self._events.close()
        write_atomically(self.path / METRICS, (json.dumps(metrics, indent=2) + "\n").encode())

    def save_last(
        self,
        model: keras.Sequential,
        experiment: Experiment,
        input_shape: Shape,
        trained: TrainedWith,
        optimizer: keras.optimizers.Optimizer | None = None,
    ) -> None:
        """Write model.keras. Raises `UserError`."""
        save_network(model, self.path / MODEL, experiment, input_shape, trained, optimizer)

    def save_best(
        self,
        model: keras.Sequential,
        experiment: Experiment,
        input_shape: Shape,
        trained: TrainedWith,
        optimizer: keras.optimizers.Optimizer | None = None,
    ) -> None:
        """Write best.keras. Raises `UserError`."""
        save_network(model, self.path / BEST_MODEL, experiment, input_shape, trained, optimizer)

    def best_is_last(self) -> None:
        """Make best.keras a copy of model.keras. Raises `UserError`."""
        write_atomically(self.path / BEST_MODEL, (self.path / MODEL).read_bytes())


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
