"""Edits that several checks offer as a fix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dnnstudio.core.analysis.checks.stack import Stack
from dnnstudio.core.experiment.edits import Edit, change_layers, replace_layer, with_layers
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.weights import GlorotUniform, HeNormal, Initializer, LecunNormal


def suited_initializer(activation: str) -> Initializer:
    """The initializer that suits an activation: LeCun for SELU, He for ReLU and its variants, Glorot otherwise."""
    if activation == "selu":
        return LecunNormal()
    return GlorotUniform() if activation in SATURATING | {"", "softmax"} else HeNormal()


SATURATING = frozenset({"sigmoid", "tanh", "hard_sigmoid", "hard_tanh", "softsign", "sparse_sigmoid"})
"""Saturating activations: flat on both sides, so that the gradient vanishes for large inputs."""


def set_initializer(ids: Iterable[str], initializer: Initializer) -> Edit:
    """Edit: set the initializer of these layers."""
    return lambda experiment: change_layers(experiment, ids, kernel_initializer=initializer)


def set_activation(stack: Stack, positions: Sequence[int], name: str) -> Edit:
    """Edit: give weighted layers (positions in `stack.entries`) another activation and the initializer that suits it.

    The activation is changed in whichever layer applies it now.
    """
    weighted = {stack.entries[index].id for index in positions}
    applied_by = {index: stack.activations.get(index, (name, index))[1] for index in positions}
    elsewhere = {stack.entries[by].id for index, by in applied_by.items() if by != index}
    own = {stack.entries[index].id for index, by in applied_by.items() if by == index}
    initializer = suited_initializer(name)

    def edit(experiment: Experiment) -> Experiment:
        for layer in experiment.layers:
            if layer.id in elsewhere:
                experiment = replace_layer(experiment, layer.id, kind="activation", activation=name)
        experiment = change_layers(experiment, own, activation=name) if own else experiment
        return change_layers(experiment, weighted, kernel_initializer=initializer)

    return edit


def drop_ids(ids: Iterable[str]) -> Edit:
    """Edit: remove layers; those already removed are ignored."""
    gone = set(ids)
    return lambda experiment: with_layers(experiment, (layer for layer in experiment.layers if layer.id not in gone))


def usual_activation(stack: Stack) -> str:
    """The most frequent activation of the hidden layers, else ReLU."""
    names = [stack.activations[index][0] for index in stack.hidden if index in stack.activations]
    named = [name for name in names if name not in ("prelu", "softmax")]
    return max(named, key=named.count) if named else "relu"
