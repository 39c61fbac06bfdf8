"""The layer that brings a standardized number back to its own unit: its name, and the unit that a file tells by it."""

from __future__ import annotations

from collections.abc import Sequence

from dnnstudio.core.experiment.data import TargetUnit
from dnnstudio.core.experiment.layers import AnyLayer, Rescaling
from dnnstudio.core.experiment.record import Experiment

NAME = "target_unit"
"""Of the last layer of the network in memory and in files. It is no layer of the experiment."""


def is_taken(experiment: Experiment) -> bool:
    """Whether a layer of the experiment itself has the name."""
    return any(layer.id == NAME for layer in experiment.active_layers)


def unit_in(layers: Sequence[AnyLayer], experiment: Experiment) -> TargetUnit | None:
    """The unit that the layers of the experiment's model file end with; None where it answers as it learnt."""
    last = layers[-1] if layers else None
    if not isinstance(last, Rescaling) or last.id != NAME or is_taken(experiment):
        return None
    return TargetUnit(mean=last.offset, std=last.scale)
