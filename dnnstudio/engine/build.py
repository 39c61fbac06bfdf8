"""The experiment as a Keras model: the classes that the fields name, with the fields as their arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dnnstudio.core.data import DataSummary
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.layers import Layer, RandomLayer, Shape, WeightedLayer, times
from dnnstudio.core.losses import resolve_loss
from dnnstudio.core.options import Option
from dnnstudio.core.parts import Constraint, Initializer, Regularizer
from dnnstudio.core.shapes import infer_shapes
from dnnstudio.core.transfer import Autoencoder
from dnnstudio.engine.layers import OWN_LAYERS
from dnnstudio.engine.runtime import keras


def build(
    experiment: Experiment, input_shape: Shape, *, shared: Mapping[str, keras.layers.Layer] | None = None
) -> keras.Sequential:
    """The network, built and not compiled: Input first, then the layers in use, named by their ids.

    The first weights come from Keras's global seed: call `keras.utils.set_random_seed` before for the same ones again.
    `shared` are layers of another network that take the places of those of the same id.
    Raises `UserError` where there is no layer or one cannot follow the one before it.
    """
    check_stack(experiment, input_shape)
    model = keras.Sequential([keras.Input(input_shape)], name="network")
    for layer in stacked_layers(experiment):
        # Made even where a shared one takes its place, so that the new layers draw the same weights either way.
        made = keras_layer(layer)
        model.add((shared or {}).get(layer.id, made))
    return model


def stacked_layers(experiment: Experiment) -> tuple[Layer, ...]:
    """The layers that become Keras layers: those in use, without the statement of the input's shape."""
    return tuple(layer for layer in experiment.active_layers if layer.kind != "input")


def check_stack(experiment: Experiment, input_shape: Shape) -> Shape:
    """The network's output shape. Raises `UserError` where there is no layer or one cannot follow."""
    layers = experiment.active_layers
    if not stacked_layers(experiment):
        raise UserError("The network has no layers.", "Add a Dense layer.")
    rows = infer_shapes(layers, input_shape)
    for row in rows:
        if row.error:
            raise UserError(row.error, "Change the layer or the one before it.")
    shape = rows[-1].output_shape
    assert shape is not None, "without an error every layer has an output shape"
    return shape


def keras_layer(layer: Layer) -> keras.layers.Layer:
    """One layer of the experiment as a fresh Keras layer."""
    name = layer.keras_name()
    kind = OWN_LAYERS.get(name) or getattr(keras.layers, name)
    made = kind(name=layer.id, **_arguments(layer))
    if isinstance(layer, WeightedLayer) and not layer.trainable:
        made.trainable = False
    return made


def to_keras(value: Any, **instead: Any) -> Any:
    """An option as the Keras object it stands for; anything else unchanged. `instead` replaces arguments."""
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
    """Whether training sees other outputs than predicting because of noise or dropped units."""
    return any(isinstance(layer, RandomLayer) for layer in experiment.active_layers)


def check_task(experiment: Experiment, summary: DataSummary) -> str:
    """The loss, once the network's output is known to fit the task. Raises `UserError` where it does not."""
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
    if loss == "sparse_categorical_crossentropy":
        if not summary.classes:
            raise UserError("A number is predicted, but the loss is for classes.", "Set the loss to auto.")
        if units < summary.classes:
            raise UserError(
                f"The last layer has {units} units for {summary.classes} classes.",
                f"Give it {summary.classes} units.",
            )
        return loss
    if summary.classes and not summary.binary:
        raise UserError(
            f"The loss {loss} does not fit {summary.classes} classes.",
            "Set the loss to auto.",
        )
    if units != 1:
        raise UserError(f"The last layer has {units} units; this task needs one.", "Give it 1 unit.")
    return loss
