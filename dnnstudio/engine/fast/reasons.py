"""Whether a stack can go the fast way, and from which step on it pays."""

from __future__ import annotations

from dnnstudio.engine.fast.noise import is_random
from dnnstudio.engine.layers import OWN_LAYERS
from dnnstudio.engine.runtime import keras

CARRIED = (
    "Dense",
    "Flatten",
    "Reshape",
    "Activation",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "ReLU",
    "Softmax",
    "BatchNormalization",
    "Rescaling",
    "Dropout",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "ActivityRegularization",
    *OWN_LAYERS,
)
"""Keras classes that have a fast way. XLA's convolutions and poolings are slower than TensorFlow's."""
PRICE = 2000
"""What compiling costs, in steps of the plain loop. Measured on stacks of 2, 10, 50 and 200 layers, both grow alike:
from a second and half a millisecond for two layers to nine seconds and six milliseconds for 200."""


def why_not(model: keras.Sequential) -> str:
    """Why this network cannot go the fast way, in a sentence for the person; empty where it can."""
    for layer in model.layers:
        kind = type(layer).__name__
        if kind not in CARRIED:
            return f"Trains step by step: {layer.name} ({kind}) has no fast way."
        if isinstance(layer, keras.layers.BatchNormalization) and layer.axis not in (-1, layer.input_spec.ndim - 1):
            return f"Trains step by step: {layer.name} normalizes along axis {layer.axis}, which has no fast way."
        if isinstance(layer.activity_regularizer, keras.regularizers.OrthogonalRegularizer):
            return f"Trains step by step: {layer.name} has an orthogonal price on activities, which has no fast way."
        if is_random(layer) and getattr(layer, "noise_shape", None) is not None:
            return f"Trains step by step: {layer.name} shares its mask along an axis, which has no fast way."
    return ""


def pays_from(*, steps_an_epoch: int) -> int:
    """The step of the run from which on the fast way is taken.

    At once where an epoch is long against compiling; otherwise after as many plain steps as compiling costs, so that a
    short training never waits for it and a long one never takes twice as long as it could. It depends on nothing that
    resuming or adding epochs would change, so that these stay exact.
    """
    return 0 if steps_an_epoch >= PRICE / 2 else PRICE
