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
from dnnstudio.core.experiment.data import TargetUnit
from dnnstudio.core.experiment.layers import Shape
from dnnstudio.core.experiment.optimizers import AnyOptimizer
from dnnstudio.core.experiment.rate_changes import RateChange
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import Constant, Plan, Schedule
from dnnstudio.core.experiment.targets.losses import LOSSES
from dnnstudio.core.planning.rates import course_of
from dnnstudio.core.planning.stages import Stage, stages
from dnnstudio.core.workspace.runs import CHECKPOINT, STATE
from dnnstudio.core.workspace.training_record import TrainedWith
from dnnstudio.engine.backend.builder import to_keras
from dnnstudio.engine.backend.objective import objective
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.backend.schedules import keras_rate
from dnnstudio.engine.model_files.contents import Compiled
from dnnstudio.engine.training.checkpoint import Position, load_checkpoint, put_values, values_of
from dnnstudio.engine.training.live_stage import first_momentum, set_trainable

if TYPE_CHECKING:
    from dnnstudio.engine.data import Dataset


def trained_with(experiment: Experiment, dataset: Dataset, at: Position) -> TrainedWith:
    """What a training that stands at `at` adds to its experiment. Raises `UserError` where the two do not fit."""
    aim = objective(experiment, dataset.summary)
    rows = len(dataset.train.x)
    return TrainedWith(
        loss=aim.loss,
        metric=aim.metric,  # type: ignore[arg-type]
        steps_per_epoch=-(-rows // min(experiment.training.batch_size, rows)),
        stage=at.stage,
        rate_scale=at.rate_scale if 0 < at.rate_scale < np.inf else 1.0,
        target_std=None if (unit := dataset.summary.target_unit) is None else unit.std,
    )


def compile_arguments(experiment: Experiment, input_shape: Shape, trained: TrainedWith) -> dict[str, Any]:
    """What `compile` is told: the optimizer of the stage that was trained last, with its schedule, loss and metric.

    A network whose target was standardized answers in the target's own unit, and so is its loss there; a weight makes
    its gradients those of the training.
    Raises `UserError` where the experiment's stages do not fit its layers.
    """
    stage, schedule, plan, start = _planned(experiment, input_shape, trained)
    option = _with_momentum(stage.optimizer, experiment.schedule, plan)
    metric = "accuracy" if trained.metric == "accuracy" else keras.metrics.MeanAbsoluteError(name="mae")
    unit = None if trained.target_std is None else TargetUnit(mean=0.0, std=trained.target_std)
    bend = {"delta": unit.std} if unit is not None and trained.loss == "huber" else {}
    weight = {} if unit is None else {"loss_weights": [1 / unit.loss_factor(trained.loss)]}
    return weight | {
        # Named, because Keras would count: adam_3, and the same network would not give the same file.
        "optimizer": to_keras(option, learning_rate=keras_rate(schedule, plan, start), name=option.kind),
        "loss": getattr(keras.losses, LOSSES[trained.loss].keras_class)(**bend),
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
    if trained.loss == "huber" and trained.target_std is not None:
        config["loss"]["config"]["delta"] = trained.target_std  # which Keras leaves out, but reads
    state = [] if optimizer is None else _state(optimizer, config["optimizer"]["config"]["learning_rate"])
    return Compiled(config, state if all(np.isfinite(array).all() for array in state) else [])


def optimizer_of_run(
    place: Path, model: keras.Sequential, experiment: Experiment, input_shape: Shape, trained: TrainedWith | None
) -> keras.optimizers.Optimizer | None:
    """The optimizer that trained a run's network, as the run's checkpoint has kept it; None where it is of no use.

    The model's layers learn or not as the experiment says afterwards.
    """
    if trained is None or not (place / CHECKPOINT / STATE).exists():
        return None
    try:
        checkpoint = load_checkpoint(place)
        stage, _, plan, _ = _planned(experiment, input_shape, trained)
        here = (experiment.active_layers, trained.stage)
        if stage.changes_network or (checkpoint.experiment.active_layers, checkpoint.position.stage) != here:
            return None
        set_trainable(model, experiment)
        optimizer = to_keras(_with_momentum(stage.optimizer, experiment.schedule, plan))
        optimizer.build(model.trainable_variables)
        put_values(optimizer.variables, checkpoint.optimizer)
    except UserError:
        return None
    return optimizer


def _planned(experiment: Experiment, input_shape: Shape, trained: TrainedWith) -> tuple[Stage, Schedule, Plan, int]:
    """The stage that was trained last, its schedule and plan with the rates of the end, and where that plan begins."""
    found = stages(experiment, input_shape)
    stage = found[min(trained.stage, len(found) - 1)]
    number, steps, scale = min(trained.stage, len(found) - 1) + 1, trained.steps_per_epoch, trained.rate_scale
    course = course_of(experiment, number, stage.optimizer.learning_rate, steps, stage.epochs)
    last = course.changes[-1] if course.changes else RateChange(at=0.0)
    if last.rate is not None:
        return stage, _number(experiment.schedule), Plan(last.rate * scale, steps, stage.epochs), 0
    scale *= last.factor
    plan = Plan(stage.optimizer.learning_rate * scale, steps, last.epochs or stage.epochs)
    return stage, experiment.schedule.scaled(scale), plan, int(course.start_step(last))


def _number(schedule: Schedule) -> Schedule:
    """A schedule that Keras takes as a number: the adaptive one stays, every other one has become constant."""
    return schedule if schedule.is_number else Constant()


def _with_momentum(optimizer: AnyOptimizer, schedule: Schedule, plan: Plan) -> AnyOptimizer:
    """The optimizer with the momentum that the schedule begins with, where it sets one."""
    momentum = first_momentum(optimizer, schedule, plan)
    return optimizer if momentum is None else optimizer.replaced(momentum=momentum)


def _state(optimizer: keras.optimizers.Optimizer, rate: Any) -> list[Any]:
    """The optimizer's variables as one has them that is made with `rate`: a schedule is no variable, a number is."""
    own = optimizer.learning_rate
    iterations, *slots = values_of(variable for variable in optimizer.variables if variable is not own)
    return [iterations, *([np.float32(rate)] if isinstance(rate, float) else []), *slots]
