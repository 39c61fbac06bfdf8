"""Builds the Keras model of an experiment: each record names its Keras class, and its fields are the arguments."""

from __future__ import annotations

from collections.abc import Mapping
from functools import wraps
from typing import Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import DataSummary, TargetUnit
from dnnstudio.core.experiment.fields import Option
from dnnstudio.core.experiment.layers import Layer, RandomLayer, Shape, WeightedLayer, times
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import infer_shapes
from dnnstudio.core.experiment.targets.loss_choice import resolve_loss
from dnnstudio.core.experiment.targets.losses import LOSSES, LossName
from dnnstudio.core.experiment.transfer import Autoencoder
from dnnstudio.core.experiment.weights import Constraint, Initializer, Regularizer
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.text import count_of
from dnnstudio.engine.backend.layer_types import keras_class
from dnnstudio.engine.backend.memory import need_memory
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.backend.target_unit import unit_layer


def build(
    experiment: Experiment,
    input_shape: Shape,
    *,
    shared: Mapping[str, keras.layers.Layer] | None = None,
    unit: TargetUnit | None = None,
    control: Control | None = None,
) -> keras.Sequential:
    """The network, built but not compiled: Input first, then the enabled layers, named by their ids.

    Initial weights depend on Keras's global seed: call `keras.utils.set_random_seed` first to reproduce them. `shared`
    are layers of another network that replace those of the same id. `unit` adds a last layer that brings answers to the
    target's own unit. Raises `UserError` if there is no layer or one cannot follow the one before it, and `Cancelled`
    between two layers.
    """
    check_stack(experiment, input_shape)
    layers = [keras.Input(input_shape)]
    for layer in stacked_layers(experiment):
        # Made even if a shared layer replaces it, so that the new layers draw the same initial weights either way.
        made = (shared or {}).get(layer.id, keras_layer(layer))
        if control is not None and not made.built:
            _look_first(made, control)
        layers.append(made)
    if unit is not None:
        layers.append(unit_layer(unit, experiment))
    return keras.Sequential(layers, name="network")  # at once: each `add` would connect all of them anew


def _look_first(layer: keras.layers.Layer, control: Control) -> None:
    """Look for a stop before the layer's weights are made: those of 200 layers take a second."""
    build = layer.build

    @wraps(build)  # Keras asks which shapes it takes
    def build_unless_stopped(*shapes: Any, **named: Any) -> None:
        layer.build = build
        control.check()
        build(*shapes, **named)

    layer.build = build_unless_stopped


def stacked_layers(experiment: Experiment) -> tuple[Layer, ...]:
    """The layers that become Keras layers: the enabled ones except Input."""
    return tuple(layer for layer in experiment.active_layers if layer.kind != "input")


def check_stack(experiment: Experiment, input_shape: Shape) -> Shape:
    """The network's output shape. Raises `UserError` if there is no layer, one cannot follow, or the weights do not fit
    into memory.
    """
    layers = experiment.active_layers
    if not stacked_layers(experiment):
        raise UserError("The network has no layers.", "Add a Dense layer.")
    rows = infer_shapes(layers, input_shape)
    for row in rows:
        if row.error:
            raise UserError(row.error, "Change the layer or the one before it.")
    needed = 4 * sum(row.trainable_count + row.non_trainable_count for row in rows)
    need_memory(needed, what="The network", hint="Make its layers smaller, or close other programs.")
    shape = rows[-1].output_shape
    assert shape is not None, "without an error every layer has an output shape"
    return shape


def keras_layer(layer: Layer) -> keras.layers.Layer:
    """A new Keras layer for one layer of the experiment."""
    made = keras_class(layer.keras_name())(name=layer.id, **_arguments(layer))
    if isinstance(layer, WeightedLayer) and not layer.trainable:
        made.trainable = False
    return made


def to_keras(value: Any, **instead: Any) -> Any:
    """The Keras object of an option; other values unchanged. `instead` replaces arguments."""
    if not isinstance(value, Option):
        return value
    return getattr(_module(value), value.keras_class)(**(_arguments(value) | instead))


def _arguments(value: Option) -> dict[str, Any]:
    return {name: to_keras(argument) for name, argument in value.keras_arguments().items()}


def _module(value: Option) -> Any:
    match value:
        case Initializer():
            return keras.initializers
        case Regularizer():
            return keras.regularizers
        case Constraint():
            return keras.constraints
    return keras.optimizers


def has_random_layers(experiment: Experiment) -> bool:
    """Whether training outputs differ from predictions because of noise or dropout."""
    return any(isinstance(layer, RandomLayer) for layer in experiment.active_layers)


def check_task(experiment: Experiment, summary: DataSummary) -> LossName:
    """The loss, after checking that the network's output fits the task. Raises `UserError` if it does not."""
    output = check_stack(experiment, summary.input_shape)
    loss = resolve_loss(experiment, summary)
    if isinstance(experiment.pretraining, Autoencoder):
        if output != summary.input_shape:
            raise UserError(
                f"The network draws {times(output)}, but the rows are {times(summary.input_shape)}.",
                "Let pretraining build the decoder.",
            )
        return loss
    if len(output) != 1:
        raise UserError(
            f"The network puts out {times(output)} numbers a row; the loss needs one row of numbers.",
            "Put a Flatten before the last layer.",
        )
    units = output[0]
    if LOSSES[loss].reads_class_numbers:
        if not summary.classes:
            raise UserError("A number is predicted, but the loss is for classes.", "Set the loss to auto.")
        if units < summary.classes:
            raise UserError(
                f"The last layer has {count_of(units, 'unit')} for {count_of(summary.classes, 'class')}.",
                f"Give it {count_of(summary.classes, 'unit')}.",
            )
        return loss
    if summary.classes and not summary.binary:
        raise UserError(
            f"The loss {loss} does not fit {count_of(summary.classes, 'class')}.",
            "Set the loss to auto.",
        )
    if units != 1:
        raise UserError(f"The last layer has {count_of(units, 'unit')}; this task needs one.", "Give it 1 unit.")
    return loss
