"""Decides whether a stack can use the compiled path, and from which step on it pays."""

from __future__ import annotations

from dnnstudio.engine.backend.layer_types import kind_of_layer
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.training.compiled.noise import active_noise

_ALSO_CARRIED = (keras.layers.ReLU, keras.layers.Softmax)
"""Keras layers that no kind builds but that are compiled too."""
COMPILE_COST = 2000
"""The cost of compiling, in eager steps. Measured on stacks of 2, 10, 50 and 200 layers, both grow alike:
from a second and half a millisecond for two layers to nine seconds and six milliseconds for 200."""


def why_not(model: keras.Sequential) -> str:
    """Why this network cannot use the compiled path, as a sentence for the user; empty if it can."""
    for layer in model.layers:
        if not _is_carried(layer):
            return f"Trains step by step: {layer.name} ({type(layer).__name__}) cannot be compiled."
        if isinstance(layer, keras.layers.BatchNormalization) and layer.axis not in (-1, layer.input_spec.ndim - 1):
            return f"Trains step by step: {layer.name} normalizes along axis {layer.axis}, which cannot be compiled."
        if isinstance(layer.activity_regularizer, keras.regularizers.OrthogonalRegularizer):
            return (
                f"Trains step by step: {layer.name} has an orthogonal penalty on activities, which cannot be compiled."
            )
        if active_noise(layer) is not None and getattr(layer, "noise_shape", None) is not None:
            return f"Trains step by step: {layer.name} shares its mask along an axis, which cannot be compiled."
    return ""


def _is_carried(layer: keras.layers.Layer) -> bool:
    kind = kind_of_layer(layer)
    return type(layer) in _ALSO_CARRIED if kind is None else kind.compiled


def pays_from(*, steps_an_epoch: int) -> int:
    """The step of the run from which the compiled path is used.

    Immediately if an epoch is long compared with compiling; otherwise after as many eager steps as compiling costs, so
    that a short training never waits for it and a long one never takes more than twice the possible time. It depends on
    nothing that resuming or adding epochs would change, so that these stay exact.
    """
    return 0 if steps_an_epoch >= COMPILE_COST / 2 else COMPILE_COST
