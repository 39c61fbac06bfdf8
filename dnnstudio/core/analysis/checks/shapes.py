"""Errors of the stack itself: no layers, incompatible shapes, an Input layer in the wrong place."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dnnstudio.core.analysis.checks.problem import Fix, Problem
from dnnstudio.core.analysis.checks.stack import Entry, Stack
from dnnstudio.core.experiment.edits import add_layer, add_layers, move_layers, new_layer, remove_layers, replace_layer
from dnnstudio.core.experiment.layers import MAX_NETWORK_LAYERS, Role, Shape
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.weights import HeNormal
from dnnstudio.core.text import byte_size, count_of

MAX_PARAMETERS = 500_000_000
"""2 GB of weights, 8 GB with gradients and Adam's slots: the largest network that this program accepts."""


def check_shapes(stack: Stack) -> Iterator[Problem]:
    """Everything that prevents the layers from being built."""
    if not stack.entries or not any(entry.layer.has_weights for entry in stack.entries):
        yield _nothing_to_learn(stack)
    yield from _inputs(stack)
    for entry in stack.entries if stack.broken else ():
        if entry.row.error:
            yield Problem(
                "error",
                "shape",
                entry.id,
                entry.row.error,
                "Each layer must accept the shape that the one before it puts out; nothing after it can be worked out.",
                _shape_fix(entry),
                (entry.id,),
            )
    layers = [entry for entry in stack.entries if entry.kind != "input"]
    if len(layers) > MAX_NETWORK_LAYERS:
        yield Problem(
            "error",
            "too_many_layers",
            "layers",
            f"The network has {count_of(len(layers), 'layer')}; the limit is {MAX_NETWORK_LAYERS}.",
            "A model file may hold so many, so that no file takes minutes to open. Switch some of them off.",
        )
    count = sum(row.count for row in stack.rows)
    if count > MAX_PARAMETERS:
        largest = max(stack.rows, key=lambda row: row.count).layer.id
        yield Problem(
            "error",
            "too_large",
            largest,
            f"The network has {count_of(count, 'parameter')}, {byte_size(count * 4)}; the limit is {MAX_PARAMETERS:,}.",
            "Weights, gradients and the optimizer's averages must all fit into memory. Most of them are in this layer.",
            layers=(largest,),
        )


def _nothing_to_learn(stack: Stack) -> Problem:
    empty = not stack.experiment.layers
    return Problem(
        "error",
        "no_layers",
        "layers",
        "The stack is empty." if empty else "No layer in use learns anything.",
        "A network needs at least one layer with weights, as a rule a Dense layer with one unit a class.",
        Fix("Add a small network", partial(_add_network, stack)),
    )


def _add_network(stack: Stack, experiment: Experiment) -> Experiment:
    """Append a Flatten if needed, a hidden layer and a suitable output to the existing layers."""
    shape, summary = stack.output_shape, stack.summary
    if shape is not None and len(shape) > 1:
        experiment = add_layer(experiment, new_layer(experiment, "flatten"))
    hidden = new_layer(experiment, "dense", units=100, activation="relu", kernel_initializer=HeNormal())
    experiment = add_layer(experiment, hidden)
    outputs = summary.outputs if summary else 10
    activation = "softmax" if outputs > 1 else "sigmoid" if summary and summary.binary else None
    name = "output" if all(layer.id != "output" for layer in experiment.layers) else "output_2"
    return add_layers(experiment, (new_layer(experiment, "dense", id=name, units=outputs, activation=activation),))


def _inputs(stack: Stack) -> Iterator[Problem]:
    inputs = stack.of_kind("input")
    for index in inputs:
        entry = stack.entries[index]
        if index > 0:
            twice = index != inputs[0]
            yield Problem(
                "error",
                "input_place",
                entry.id,
                f"{entry.id} is a second input." if twice else f"{entry.id} is not the first layer.",
                "An input says what shape the network expects, so there is at most one, at the top.",
                Fix("Remove it", partial(remove_layers, ids=(entry.id,)))
                if twice
                else Fix("Move it to the top", partial(move_layers, ids=(entry.id,), index=0)),
                (entry.id,),
            )


def _shape_fix(entry: Entry) -> Fix | None:
    """The edit that makes the layer fit, if there is an unambiguous one."""
    shape, layer, name = entry.row.input_shape, entry.layer, entry.id
    wanted = 3 if layer.wants_images else 2 if layer.wants_series else 0
    if shape is not None and len(shape) == wanted - 1:
        return Fix("Put a Reshape with one channel before it", partial(_with_channel, before=name, shape=shape))
    remedy = None if shape is None else layer.shape_remedy(shape)
    if remedy is not None:
        return Fix(remedy.title, lambda e: replace_layer(e, name, **remedy.changes))
    return None if entry.role is Role.KERNEL else Fix("Remove the layer", partial(remove_layers, ids=(name,)))


def _with_channel(experiment: Experiment, *, before: str, shape: Shape) -> Experiment:
    index = next(i for i, layer in enumerate(experiment.layers) if layer.id == before)
    return add_layer(experiment, new_layer(experiment, "reshape", target_shape=(*shape, 1)), index)
