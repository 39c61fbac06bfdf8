"""The last layer of a network that learnt a standardized number: it brings answers to the target's own unit.

It is a Keras `Rescaling` without weights, so that whoever asks the network, plain Keras included, is answered in the
own unit. It is no layer of the experiment: data decide on it, as they decide on the input's shape.
"""

from __future__ import annotations

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import TargetUnit
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.targets.target_unit import NAME, is_taken
from dnnstudio.engine.backend.runtime import keras


def unit_layer(unit: TargetUnit, experiment: Experiment) -> keras.layers.Layer:
    """The layer that computes answer · std + mean. Raises `UserError` where the experiment uses its name."""
    if is_taken(experiment):
        raise UserError(
            f'A layer is called "{NAME}", which the program calls the layer that undoes the scaling of the target.',
            "Rename the layer, or set data.target_scaling to none.",
        )
    return keras.layers.Rescaling(unit.std, offset=unit.mean, name=NAME)


def has_unit(model: keras.Sequential, experiment: Experiment) -> bool:
    """Whether the last layer of the experiment's `model` undoes the scaling of the target."""
    return bool(model.layers) and model.layers[-1].name == NAME and not is_taken(experiment)


def without_unit(model: keras.Sequential, experiment: Experiment) -> keras.Sequential:
    """The network that learns standardized targets: `model` itself, or its own layers but the last."""
    if not has_unit(model, experiment):
        return model
    return keras.Sequential([keras.Input(model.input_shape[1:]), *model.layers[:-1]])
