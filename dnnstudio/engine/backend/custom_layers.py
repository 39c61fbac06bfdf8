"""Layers that Keras lacks, under the names used in experiments.

Dropout that stays active during prediction samples from the network's predictive distribution (Gal and Ghahramani,
2016); such a class is derived from each dropout layer of the experiment. All classes are registered under "dnnstudio",
so that a saved network can name them and an exported script can define them.
"""

from __future__ import annotations

from typing import Any

from dnnstudio.core.experiment.layers import LAYER_KINDS, DropoutLayer
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.standalone.layers import PACKAGE, AdaptedNormalization, AxesBatchNormalization


def always_on(kind: Any, name: str) -> Any:
    """A subclass of the Keras layer `kind`, called `name`, whose noise is active during prediction too."""

    def call(self: Any, inputs: Any, training: bool | None = False) -> Any:
        del training
        return kind.call(self, inputs, training=True)

    text = f"`keras.layers.{kind.__name__}` that is random while predicting too."
    made = type(name, (kind,), {"__module__": __name__, "__doc__": text, "call": call})
    return keras.saving.register_keras_serializable(package=PACKAGE)(made)


OWN_LAYERS: dict[str, Any] = {kind.__name__: kind for kind in (AdaptedNormalization, AxesBatchNormalization)} | {
    kind.monte_carlo_class: always_on(getattr(keras.layers, kind.keras_class), kind.monte_carlo_class)
    for kind in LAYER_KINDS.values()
    if issubclass(kind, DropoutLayer)
}
"""Class name in the experiment → class, for what Keras does not have."""

__all__ = ["OWN_LAYERS", "PACKAGE", "AdaptedNormalization", "AxesBatchNormalization", "always_on"]
