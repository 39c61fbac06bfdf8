"""Checks of the output layer against the task and the loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from dnnstudio.core.analysis.checks.problem import Fix, Problem, Severity
from dnnstudio.core.analysis.checks.stack import Entry, Stack
from dnnstudio.core.experiment.edits import add_layer, move_layers, new_layer, replace_layer, set_value
from dnnstudio.core.experiment.layers import Role, activation_label, times
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.targets.loss_choice import task_of
from dnnstudio.core.experiment.targets.losses import LOSSES, loss_of_task
from dnnstudio.core.text import count_of

ZERO_TO_ONE = frozenset({"sigmoid", "hard_sigmoid", "sparse_sigmoid"})
"""Each unit lies between 0 and 1 independently: right for a binary task, wrong for several classes."""
POSITIVE = ZERO_TO_ONE | {"exponential", "softplus", "squareplus", "sparsemax"}
"""Non-negative outputs, for which a cross-entropy is at least defined."""


def check_output(stack: Stack) -> Iterator[Problem]:
    """Check shape, units, activation and loss at the end of the stack."""
    if stack.output is None or stack.experiment.pretraining is not None:  # it adds an output of its own
        return
    yield from _dropout_at_the_end(stack)
    if stack.broken:
        return
    shape = stack.output_shape
    if shape is not None and len(shape) != 1:
        yield _not_flat(stack)
        return
    yield from _loss(stack)
    yield from _one_softmax_unit(stack)
    if stack.summary is not None:
        yield from _units_and_activation(stack)


def _not_flat(stack: Stack) -> Problem:
    """A Dense layer on an image treats each row of pixels separately; a Flatten is missing before the first
    such layer.
    """
    assert stack.output is not None and stack.output_shape is not None
    lists = [i for i in stack.weighted if stack.entries[i].kind == "dense" and _many_axes(stack.entries[i])]
    entry = stack.entries[lists[0] if lists else stack.output]
    at = stack.positions[lists[0]] if lists else None

    def flatten(experiment: Experiment) -> Experiment:
        return add_layer(experiment, new_layer(experiment, "flatten"), at)

    where = f"before {entry.id}" if at is not None else "at the end"
    return Problem(
        "error",
        "output_not_flat",
        entry.id,
        f"The network puts out {times(stack.output_shape)} numbers a row instead of one row of numbers.",
        "Dense treats every axis but the last as a list of separate rows. Flatten lays the image out as one row.",
        Fix(f"Put a Flatten {where}", flatten),
        (entry.id,),
    )


def _many_axes(entry: Entry) -> bool:
    return len(entry.row.input_shape or ()) > 1


def _loss(stack: Stack) -> Iterator[Problem]:
    """A manually chosen loss that does not suit the task."""
    loss, summary = stack.experiment.loss, stack.summary
    if loss == "auto" or summary is None:
        return
    reads_classes = LOSSES[loss].reads_class_numbers
    if not summary.class_names:
        wrong, what = LOSSES[loss].task != "number", "a number is predicted, and a cross-entropy compares classes"
    elif summary.binary:
        units = stack.output_shape[0] if stack.output_shape else 1
        wrong = reads_classes and units == 1
        what = "one unit answers yes or no, and this loss needs a unit for each class"
    else:
        wrong = not reads_classes
        classes = count_of(summary.classes, "class")
        what = f"there are {classes}, and only sparse categorical crossentropy reads class numbers"
    if wrong:
        yield Problem(
            "error",
            "loss",
            "loss",
            f"The loss {loss.replace('_', ' ')} does not suit the task.",
            f"Here {what}.",
            Fix("Let the task choose the loss", partial(set_value, path="loss", value="auto")),
        )


def _one_softmax_unit(stack: Stack) -> Iterator[Problem]:
    name, index = stack.output_activation
    if name not in ("softmax", "sparsemax", "log_softmax") or index is None or stack.output_shape != (1,):
        return
    if stack.summary is not None and stack.summary.outputs > 1:
        return  # the number of units is wrong, which another check reports
    summary = stack.summary
    better = None if summary is not None and not summary.class_names else "sigmoid"
    yield _activation_problem(
        stack,
        "error",
        "softmax_one_unit",
        f"{activation_label(name).capitalize()} over a single unit is always the same, whatever the input.",
        "It shares out one whole among the units; with one unit there is nothing to share. "
        "Sigmoid is the one for a single unit.",
        better,
    )


def _units_and_activation(stack: Stack) -> Iterator[Problem]:
    summary, experiment = stack.summary, stack.experiment
    assert summary is not None and stack.output is not None
    units = stack.output_shape[0] if stack.output_shape else None
    chosen = LOSSES.get(experiment.loss)
    two_units_for_two_classes = summary.binary and units == 2 and chosen is not None and chosen.reads_class_numbers
    wanted = 2 if two_units_for_two_classes else summary.outputs
    if units is not None and units != wanted:
        yield _wrong_units(stack, units, wanted)
        if stack.output_activation[0] in ("softmax", "sigmoid"):
            return  # the fix for the units also sets the activation
    if not summary.class_names:
        yield from _number(stack)
    elif wanted == 1:
        yield from _yes_or_no(stack)
    else:
        yield from _classes(stack)


def _wrong_units(stack: Stack, units: int, wanted: int) -> Problem:
    summary = stack.summary
    assert summary is not None and stack.output is not None
    entry = stack.entries[stack.output]
    if not summary.class_names:
        title, reason = (
            f"{entry.id} has {count_of(units, 'unit')}, but one number is predicted.",
            "One number needs one unit.",
        )
    elif summary.binary:
        title = f"{entry.id} has {count_of(units, 'unit')}, but the answer is yes or no."
        reason = "One sigmoid unit gives the probability of yes; that of no is the rest."
    else:
        title = f"{entry.id} has {count_of(units, 'unit')} for {count_of(summary.classes, 'class')}."
        reason = (
            "Labels are the numbers 0 to one less than the classes; each needs a unit of its own."
            if units < wanted
            else "The units beyond the classes never hear of an example; they only take probability away."
        )
    severity: Severity = "warning" if not summary.binary and summary.class_names and units > wanted else "error"
    at_end = stack.output_shape == entry.row.output_shape and entry.kind == "dense"
    label = f"Set {count_of(wanted, 'unit')}"

    def fix(experiment: Experiment) -> Experiment:
        changes: dict[str, object] = {"units": wanted}
        if entry.own_activation in ("softmax", "sigmoid"):
            changes["activation"] = _usual_activation(stack)
        return replace_layer(experiment, entry.id, **changes)

    return Problem(
        severity, "output_units", entry.id, title, reason, Fix(label, fix) if at_end else None, (entry.id,), "units"
    )


def _usual_activation(stack: Stack) -> str | None:
    """The usual output activation for this task."""
    summary = stack.summary
    return None if summary is None else loss_of_task(task_of(stack.experiment.data, summary)).activation


def _number(stack: Stack) -> Iterator[Problem]:
    name, _ = stack.output_activation
    if name:
        yield _activation_problem(
            stack,
            "warning",
            "output_activation",
            f"The prediction goes through {activation_label(name)} and can only reach a part of all numbers.",
            "A predicted number may lie anywhere, so the last layer is usually linear.",
            None,
        )


def _yes_or_no(stack: Stack) -> Iterator[Problem]:
    name, _ = stack.output_activation
    if name in ZERO_TO_ONE or (name == "softmax" and stack.output_shape == (1,)):
        return
    yield _activation_problem(
        stack,
        "error",
        "output_activation",
        f"The output goes through {activation_label(name)}, which is no probability."
        if name
        else "The output is a bare sum, which is no probability.",
        "The loss takes the answer for a probability between 0 and 1: that is what sigmoid gives.",
        "sigmoid",
    )


def _classes(stack: Stack) -> Iterator[Problem]:
    name, _ = stack.output_activation
    if name == "softmax":
        return
    if name in POSITIVE:
        yield _activation_problem(
            stack,
            "warning",
            "sigmoid_classes",
            f"The classes go through {activation_label(name)}, so that their shares need not add up to 1.",
            "Exactly one class is right, and softmax makes the units share one whole. "
            "Sigmoid answers each class yes or no by itself, as if several could be right.",
            "softmax",
        )
        return
    yield _activation_problem(
        stack,
        "error",
        "output_activation",
        f"The classes go through {activation_label(name)}, which gives no probabilities."
        if name
        else "The classes are bare sums, which are no probabilities.",
        "The loss takes the outputs for probabilities that add up to 1: that is what softmax gives.",
        "softmax",
    )


def _activation_problem(
    stack: Stack, severity: Severity, code: str, title: str, reason: str, better: str | None
) -> Problem:
    _, index = stack.output_activation
    entry = stack.entries[stack.output if index is None else index]  # type: ignore[index]
    label = f"Use {activation_label(better)}" if better else "Make the output linear"
    return Problem(
        severity, code, entry.id, title, reason, Fix(label, _activation_edit(entry, better)), (entry.id,), "activation"
    )


def _activation_edit(entry: Entry, better: str | None) -> Callable[[Experiment], Experiment]:
    """Edit: change the output activation, whichever layer applies it now."""

    def edit(experiment: Experiment) -> Experiment:
        if entry.role is Role.KERNEL:
            return replace_layer(experiment, entry.id, activation=better)
        if entry.role is Role.ACTIVATION:
            return replace_layer(experiment, entry.id, kind="activation", activation=better or "linear")
        return add_layer(experiment, new_layer(experiment, "activation", activation=better or "linear"))

    return edit


def _dropout_at_the_end(stack: Stack) -> Iterator[Problem]:
    assert stack.output is not None
    late = [entry for entry in stack.entries[stack.output + 1 :] if entry.layer.is_dropout]
    if not late:
        return
    ids = tuple(entry.id for entry in late)
    target = stack.positions[stack.output]
    yield Problem(
        "warning",
        "dropout_after_output",
        ids[0],
        f"{ids[0]} drops whole answers: it stands after the last layer.",
        "Dropout belongs before a layer, which then learns not to lean on any one input. "
        "After the output it only makes the loss noisy.",
        Fix("Move it before the output", partial(move_layers, ids=ids, index=target)),
        ids,
    )
