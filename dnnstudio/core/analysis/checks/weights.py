"""Checks of initializers, regularizers and constraints against the activation and the shape of their variable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dnnstudio.core.analysis.checks.cures import suited_initializer
from dnnstudio.core.analysis.checks.problem import Fix, Problem
from dnnstudio.core.analysis.checks.stack import RELU_FAMILY, Entry, Stack
from dnnstudio.core.experiment.edits import change_layers, replace_layer
from dnnstudio.core.experiment.layers import Layer, Variable
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.weights import (
    Constant,
    HeNormal,
    HeUniform,
    Identity,
    Ones,
    Orthogonal,
    OrthogonalRegularizer,
    VarianceScaling,
    Zeros,
)
from dnnstudio.core.text import count_of, listed

PARTS = ("initializer", "regularizer", "constraint")
SAME = (Zeros, Ones, Constant)


def check_weights(stack: Stack) -> Iterator[Problem]:
    """Check for kernels initialized to a constant, ReLU without He initialization, and axes that do not fit
    a variable.
    """
    yield from _all_alike(stack)
    yield from _relu_without_he(stack)
    for entry in stack.entries:
        if entry.row.variables:
            yield from entry.once(_misfits)


def is_he(initializer: object) -> bool:
    """Whether it is He initialization, by its name or as variance scaling of 2 over the inputs or the average."""
    if isinstance(initializer, VarianceScaling):
        return initializer.scale == 2.0 and initializer.mode in ("fan_in", "fan_avg")
    return isinstance(initializer, HeNormal | HeUniform)


def _all_alike(stack: Stack) -> Iterator[Problem]:
    alike = [index for index in stack.weighted if isinstance(stack.entries[index].layer.kernel_initializer, SAME)]
    if not alike:
        return
    ids = stack.ids(alike)
    kinds = {stack.entries[index].id: suited_initializer(stack.activations.get(index, ("", 0))[0]) for index in alike}

    def fix(experiment: Experiment) -> Experiment:
        for name, initializer in kinds.items():
            experiment = replace_layer(experiment, name, kernel_initializer=initializer)
        return experiment

    yield Problem(
        "warning",
        "kernel_alike",
        ids[0],
        f"All weights of {listed(ids)} start from the same number.",
        "Units that start alike get the same gradient and stay alike for ever: the layer is as good as one unit.",
        Fix("Draw the weights at random", fix),
        ids,
        "kernel_initializer",
    )


def _relu_without_he(stack: Stack) -> Iterator[Problem]:
    wrong: list[int] = []
    for index in stack.hidden:
        name, _ = stack.activations.get(index, ("", 0))
        initializer = stack.entries[index].layer.kernel_initializer
        if name in RELU_FAMILY and not is_he(initializer) and not isinstance(initializer, (*SAME, Orthogonal)):
            wrong.append(index)
    if wrong:
        ids = stack.ids(wrong)
        yield Problem(
            "hint",
            "relu_initializer",
            ids[0],
            f"ReLU or a relative without He initialization: {listed(ids)}.",
            "ReLU lets about half of the signal through; He draws weights of twice the variance to make up for it, "
            "so that the signal does not fade in a deep stack.",
            Fix("Use He normal", lambda e: change_layers(e, ids, kernel_initializer=HeNormal())),
            ids,
            "kernel_initializer",
        )


def _misfits(entry: Entry) -> Iterator[Problem]:
    """Parts that Keras would refuse when building the layer, or whose axis is meaningless for the variable."""
    layer = entry.layer
    for variable in entry.row.variables:
        rank = len(variable.shape)
        initializer_field, regularizer_field, constraint_field = _PARTS[type(layer), variable.name]
        initializer = getattr(layer, initializer_field) if initializer_field else None
        if (isinstance(initializer, Identity) and rank != 2) or (isinstance(initializer, Orthogonal) and rank < 2):
            needs = "exactly two axes" if isinstance(initializer, Identity) else "at least two axes"
            plain = type(layer).model_fields[initializer_field].default
            yield _misfit(
                entry,
                initializer_field,
                f"{entry.id}: {initializer.label.lower()} needs {needs}, but the {variable.name} has {rank}.",
                "It draws a matrix, and can fill nothing else.",
                plain,
            )
        regularizer = getattr(layer, regularizer_field) if regularizer_field else None
        if isinstance(regularizer, OrthogonalRegularizer) and rank != 2:
            yield _misfit(
                entry,
                regularizer_field,
                f"{entry.id}: the orthogonal regularizer needs two axes, but the {variable.name} has {rank}.",
                "It compares the rows or columns of a matrix with each other.",
                None,
            )
        if constraint_field and getattr(layer, constraint_field) is not None:
            yield from _constraint_axis(entry, variable, constraint_field)


class _Parts(dict[tuple[type[Layer], str], tuple[str, str, str]]):
    """Kind and variable → the fields of its initializer, regularizer and constraint; "" for one that does not exist."""

    def __missing__(self, key: tuple[type[Layer], str]) -> tuple[str, str, str]:
        kind, name = key
        fields = (kind.part_of(name, part) for part in PARTS)
        initializer, regularizer, constraint = (field if field in kind.model_fields else "" for field in fields)
        self[key] = (initializer, regularizer, constraint)
        return self[key]


_PARTS = _Parts()


def _constraint_axis(entry: Entry, variable: Variable, field: str) -> Iterator[Problem]:
    name, rank = variable.name, len(variable.shape)
    constraint = getattr(entry.layer, field)
    axis = getattr(constraint, "axis", None)
    if axis is None:
        return
    axes = (axis,) if isinstance(axis, int) else axis
    whole = 0 if rank <= 2 else variable.filter_axes or tuple(range(rank - 1))
    better = constraint.model_copy(update={"axis": whole})
    if any(not -rank <= one < rank for one in axes) or len({one % rank for one in axes}) < len(axes):
        yield _misfit(
            entry,
            field,
            f"{entry.id}: the constraint looks along axis {axis}, which the {name} has not got (or twice).",
            f"The {name} has {count_of(rank, 'axis')}, counted from 0.",
            better,
            "Use each unit's incoming weights",
        )
    elif axis == 0 and (rank == 4 or (rank == 3 and name == "kernel")):
        which = "" if name == "kernel" else f" of the {name.replace('_', ' ')}"
        lie = "steps and channels" if rank == 3 else "height, width and channels"
        lie = "height and width" if variable.filter_axes else lie
        yield Problem(
            "hint",
            "constraint_axis",
            entry.id,
            f"{entry.id}: the constraint{which} holds single columns of a filter, not whole filters.",
            f"A filter's weights lie along {lie}: axis {whole}. Axis 0 alone suits Dense.",
            Fix("Hold whole filters", lambda e: replace_layer(e, entry.id, **{field: better})),
            (entry.id,),
            field,
        )


def _misfit(entry: Entry, field: str, title: str, reason: str, instead: Any, label: str = "") -> Problem:
    words = label or ("Take it off" if instead is None else f"Use {instead.label}")
    return Problem(
        "error",
        "part_misfit",
        entry.id,
        title,
        reason,
        Fix(words, lambda e: replace_layer(e, entry.id, **{field: instead})),
        (entry.id,),
        field,
    )
