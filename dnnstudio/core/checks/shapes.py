"""Errors of the stack itself: nothing in it, layers that cannot follow each other, an input in the wrong place."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dnnstudio.core.checks.problem import Fix, Problem
from dnnstudio.core.checks.stack import WEIGHTED, Entry, Stack
from dnnstudio.core.edits import add_layer, add_layers, move_layers, new_layer, remove_layers, replace_layer
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.layers import Layer, Shape, ShapeError, times
from dnnstudio.core.parts import HeNormal

MAX_PARAMETERS = 500_000_000
"""2 GB of weights, 8 GB with gradients and Adam's averages: more than this program sets out to train."""


def check_shapes(stack: Stack) -> Iterator[Problem]:
    """Everything that keeps the layers from being built."""
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
    count = sum(row.count for row in stack.rows)
    if count > MAX_PARAMETERS:
        largest = max(stack.rows, key=lambda row: row.count).layer.id
        yield Problem(
            "error",
            "too_large",
            largest,
            f"The network has {count:,} parameters, {count * 4 / 2**30:,.1f} GB; the limit is {MAX_PARAMETERS:,}.",
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
    """Flatten where it is needed, a hidden layer and a fitting output after whatever is there."""
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
    """The edit that lets the layer follow, where one is clear."""
    shape, layer, name = entry.row.input_shape, entry.layer, entry.id
    match entry.kind:
        case "input" if shape is not None:
            return Fix(f"Set its shape to {times(shape)}", lambda e: replace_layer(e, name, shape=shape))
        case "conv2d" | "max_pooling2d" | "average_pooling2d" | "global_average_pooling2d" if (
            shape is not None and len(shape) == 2
        ):
            return Fix("Put a Reshape with one channel before it", partial(_with_channel, before=name, shape=shape))
        case "conv2d" | "max_pooling2d" | "average_pooling2d" if shape is not None and len(shape) == 3:
            fits = layer.model_copy(update={"padding": "same"})
            if layer.padding == "valid" and _follows(fits, shape):
                return Fix("Pad the image", lambda e: replace_layer(e, name, padding="same"))
        case "reshape":
            return Fix("Set its target to one row", lambda e: replace_layer(e, name, target_shape=(-1,)))
        case "batch_normalization" | "normalization":
            return Fix("Use the last axis", lambda e: replace_layer(e, name, axis=-1))
        case "prelu":
            return Fix("Share no axes", lambda e: replace_layer(e, name, shared_axes=None))
    return None if entry.kind in WEIGHTED else Fix("Remove the layer", partial(remove_layers, ids=(name,)))


def _with_channel(experiment: Experiment, *, before: str, shape: Shape) -> Experiment:
    index = next(i for i, layer in enumerate(experiment.layers) if layer.id == before)
    return add_layer(experiment, new_layer(experiment, "reshape", target_shape=(*shape, 1)), index)


def _follows(layer: Layer, shape: Shape) -> bool:
    try:
        layer.output_shape(shape)
    except ShapeError:
        return False
    return True
