"""Gives a trained network the dropout that many different passes need, and lets it train on from its weights."""

from __future__ import annotations

from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.edits import add_layer, new_layer
from dnnstudio.core.experiment.layers import Layer, WeightedLayer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Reuse, Transfer

RATE = 0.2
"""Small enough that a trained network keeps most of its accuracy, large enough that its passes differ."""


def with_dropout(experiment: Experiment, *, source: Path | None, rate: float = RATE) -> Experiment:
    """The experiment with a Dropout layer before its last layer with weights.

    With the run folder or model file `source`, every layer starts from its trained weights, as a clone. Raises
    `UserError` for a network without weights.
    """
    layers = experiment.layers
    weighted = [place for place, layer in enumerate(layers) if isinstance(layer, WeightedLayer) and layer.enabled]
    if not weighted:
        raise UserError("The network has no layer with weights.", "Add a Dense layer, and train it.")
    dropout = new_layer(experiment, "dropout", rate=rate)
    made = add_layer(experiment, dropout, weighted[-1])
    if source is None:
        return made
    reuse = tuple(Reuse(layer=one.id, source=one.id) for one in experiment.active_layers if _may_have_weights(one))
    return made.replaced(transfer=Transfer(source=str(source), reuse=reuse), pretraining=None)


def _may_have_weights(layer: Layer) -> bool:
    return type(layer).variables is not Layer.variables
