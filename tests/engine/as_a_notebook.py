"""The experiment's network as a notebook compiles it: what the program's own steps are held against."""

from __future__ import annotations

from typing import Any

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.workspace.training_record import TrainedWith
from dnnstudio.engine.backend.objective import objective
from dnnstudio.engine.training.compile_config import compile_arguments


def compile_model(
    model: Any,
    experiment: Experiment,
    summary: DataSummary,
    *,
    steps_per_epoch: int = 1,
    jit_compile: bool | str = "auto",
) -> None:
    """Compile as a saved file says. "auto" is Keras's own choice: without XLA where there is no other device."""
    aim = objective(experiment, summary)
    trained = TrainedWith(loss=aim.loss, metric=aim.metric, steps_per_epoch=steps_per_epoch)
    model.compile(**compile_arguments(experiment, summary.input_shape, trained), jit_compile=jit_compile)
