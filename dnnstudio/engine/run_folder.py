"""A run on disk: what DESIGN calls a run folder, written piece by piece and each piece whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dnnstudio.core import codec
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.files import make_folder, write_atomically
from dnnstudio.core.history import FILE as HISTORY
from dnnstudio.core.history import Row, append_row, write_history
from dnnstudio.core.layers import Shape
from dnnstudio.core.runs import BEST_MODEL, EXPERIMENT, METRICS, MODEL, is_run
from dnnstudio.core.trained_with import TrainedWith
from dnnstudio.engine.compiling import compiled
from dnnstudio.engine.model_files import save_model
from dnnstudio.engine.runtime import keras


class RunFolder:
    """The folder of one run, made when the training begins."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, experiment: Experiment, history: list[Row], *, resumed: bool) -> None:
        """Make the folder with its experiment and the epochs that are there already. Raises `UserError`."""
        if is_run(self.path) and not resumed:
            raise UserError(f"{self.path} already holds a run.", "Choose another folder, or resume that run.")
        make_folder(self.path)
        try:
            (self.path / METRICS).unlink(missing_ok=True)
            if not history:
                (self.path / HISTORY).unlink(missing_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UserError(f"{self.path} cannot be written: {reason}.", "Choose another folder.") from None
        codec.save(experiment, self.path / EXPERIMENT)
        if history:
            write_history(self.path / HISTORY, history)

    def add_epoch(self, row: Row) -> None:
        """Add a row to history.csv. Raises `UserError`."""
        append_row(self.path / HISTORY, row)

    def finish(self, metrics: dict[str, Any]) -> None:
        """Write metrics.json, which makes the run a finished one. Raises `UserError`."""
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
        """Make best.keras the same as model.keras. Raises `UserError`."""
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
    """Write a model file of the kind that the suffix names; its size in bytes.

    With `trained` it is a compiled model for Keras. With `optimizer`, the one that trained it, Keras's `fit` goes on
    from a `.keras` file where the training ended; without it, and from an `.h5` file, with a fresh one from the
    schedule's first step. Raises `UserError`.
    """
    made = None
    if trained is not None and experiment is not None:
        made = compiled(experiment, input_shape, trained, optimizer)
    return save_model(
        model,
        path,
        experiment=experiment,
        input_shape=input_shape,
        state=trained.plain() if trained is not None else None,
        compiled=made,
        keep_previous=keep_previous,
    )
