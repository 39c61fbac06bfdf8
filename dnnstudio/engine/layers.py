"""Dropout that stays on when predicting: every prediction is then one of many opinions (Gal and Ghahramani, 2016).

The classes are registered under "dnnstudio", so that a saved network names them and an exported script can import them.
"""

from __future__ import annotations

from typing import Any

from dnnstudio.engine.runtime import keras

PACKAGE = "dnnstudio"


@keras.saving.register_keras_serializable(package=PACKAGE)
class MCDropout(keras.layers.Dropout):  # type: ignore[misc]
    """`keras.layers.Dropout` that drops units while predicting too."""

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        del training
        return super().call(inputs, training=True)


@keras.saving.register_keras_serializable(package=PACKAGE)
class MCAlphaDropout(keras.layers.AlphaDropout):  # type: ignore[misc]
    """`keras.layers.AlphaDropout` that drops units while predicting too."""

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        del training
        return super().call(inputs, training=True)


@keras.saving.register_keras_serializable(package=PACKAGE)
class MCGaussianDropout(keras.layers.GaussianDropout):  # type: ignore[misc]
    """`keras.layers.GaussianDropout` that multiplies by noise while predicting too."""

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        del training
        return super().call(inputs, training=True)


OWN_LAYERS: dict[str, type] = {kind.__name__: kind for kind in (MCDropout, MCAlphaDropout, MCGaussianDropout)}
"""Class name in the experiment → class, for what Keras does not have."""
