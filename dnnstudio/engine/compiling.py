"""How a network was compiled, as Keras keeps it in a file: the optimizer with its schedule, the loss and the metric.

The program trains by `engine.loop` and needs no compiled model; a notebook that opens a file goes on with one at once.
What a compiled model cannot carry is left to callbacks: the performance schedule (`ReduceLROnPlateau`) is written as
the rate that it had come to, and a momentum that 1cycle changes as the one of its two ends.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.layers import Shape
from dnnstudio.core.optimizers import AnyOptimizer
from dnnstudio.core.runs import CHECKPOINT
from dnnstudio.core.schedules import Plan, Schedule
from dnnstudio.core.stages import Stage, stages
from dnnstudio.core.trained_with import TrainedWith
from dnnstudio.engine.build import to_keras
from dnnstudio.engine.checkpoint import FILE, Position, load_checkpoint, put_values, values_of
from dnnstudio.engine.losses import objective
from dnnstudio.engine.model_files.contents import Compiled
from dnnstudio.engine.runtime import keras
from dnnstudio.engine.schedules import keras_rate
from dnnstudio.engine.stage import first_momentum, set_trainable

if TYPE_CHECKING:
    from dnnstudio.engine.data import Dataset

LOSS_OBJECTS = {
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    "binary_crossentropy": "BinaryCrossentropy",
    "mean_squared_error": "MeanSquaredError",
    "mean_absolute_error": "MeanAbsoluteError",
    "huber": "Huber",
}
"""Loss in the experiment → Keras class: by its name alone Keras does not find some of them again in an `.h5` file."""


def trained_with(experiment: Experiment, dataset: Dataset, at: Position) -> TrainedWith:
    """What a training that stands at `at` adds to its experiment. Raises `UserError` where the two do not fit."""
    aim = objective(experiment, dataset.summary)
    rows = len(dataset.train.x)
    return TrainedWith(
        loss=aim.loss,  # type: ignore[arg-type]  # never "auto"
        metric=aim.metric,  # type: ignore[arg-type]
        steps_per_epoch=-(-rows // min(experiment.training.batch_size, rows)),
        stage=at.stage,
        rate_scale=at.rate_scale if 0 < at.rate_scale < np.inf else 1.0,
    )


def compile_arguments(experiment: Experiment, input_shape: Shape, trained: TrainedWith) -> dict[str, Any]:
    """What `compile` is told: the optimizer of the stage that was trained last, with its schedule, loss and metric.

    Raises `UserError` where the experiment's stages do not fit its layers.
    """
    stage, schedule, plan = _planned(experiment, input_shape, trained)
    option = _with_momentum(stage.optimizer, schedule, plan)
    metric = "accuracy" if trained.metric == "accuracy" else keras.metrics.MeanAbsoluteError(name="mae")
    return {
        # Named, because Keras would count: adam_3, and the same network would not give the same file.
        "optimizer": to_keras(option, learning_rate=keras_rate(schedule, plan), name=option.kind),
        "loss": getattr(keras.losses, LOSS_OBJECTS[trained.loss])(),
        "metrics": [metric],
    }


def compiled(
    experiment: Experiment,
    input_shape: Shape,
    trained: TrainedWith,
    optimizer: keras.optimizers.Optimizer | None = None,
) -> Compiled | None:
    """The arguments of `compile` as JSON, with the state of the `optimizer` that trained the network where it is known.

    A state with NaN or infinity in it, of a training that diverged, is left out. None where the experiment's stages do
    not fit its layers.
    """
    try:
        arguments = compile_arguments(experiment, input_shape, trained)
    except UserError:
        return None
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(arguments)))
    state = [] if optimizer is None else _state(optimizer, config["optimizer"]["config"]["learning_rate"])
    return Compiled(config, state if all(np.isfinite(array).all() for array in state) else [])


def optimizer_of_run(
    place: Path, model: keras.Sequential, experiment: Experiment, input_shape: Shape, trained: TrainedWith | None
) -> keras.optimizers.Optimizer | None:
    """The optimizer that trained a run's network, as the run's checkpoint has kept it; None where it is of no use.

    The model's layers learn or not as the experiment says afterwards.
    """
    if trained is None or not (place / CHECKPOINT / FILE).exists():
        return None
    try:
        checkpoint = load_checkpoint(place)
        stage, schedule, plan = _planned(experiment, input_shape, trained)
        here = (experiment.active_layers, trained.stage)
        if stage.changes_network or (checkpoint.experiment.active_layers, checkpoint.position.stage) != here:
            return None
        set_trainable(model, experiment)
        optimizer = to_keras(_with_momentum(stage.optimizer, schedule, plan))
        optimizer.build(model.trainable_variables)
        put_values(optimizer.variables, checkpoint.optimizer)
    except UserError:
        return None
    return optimizer


def _planned(experiment: Experiment, input_shape: Shape, trained: TrainedWith) -> tuple[Stage, Schedule, Plan]:
    """The stage that was trained last, and its schedule and plan with the rates of the end."""
    found = stages(experiment, input_shape)
    stage = found[min(trained.stage, len(found) - 1)]
    rate = stage.optimizer.learning_rate * trained.rate_scale
    return stage, experiment.schedule.scaled(trained.rate_scale), Plan(rate, trained.steps_per_epoch, stage.epochs)


def _with_momentum(optimizer: AnyOptimizer, schedule: Schedule, plan: Plan) -> AnyOptimizer:
    """The optimizer with the momentum that the schedule begins with, where it sets one."""
    momentum = first_momentum(optimizer, schedule, plan)
    return optimizer if momentum is None else optimizer.replaced(momentum=momentum)


def _state(optimizer: keras.optimizers.Optimizer, rate: Any) -> list[Any]:
    """The optimizer's variables as one has them that is made with `rate`: a schedule is no variable, a number is."""
    own = optimizer.learning_rate
    iterations, *slots = values_of(variable for variable in optimizer.variables if variable is not own)
    return [iterations, *([np.float32(rate)] if isinstance(rate, float) else []), *slots]
