"""Checks of what is learnt from the labels: numbers in large units, classes of very unequal size, and their weights."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dnnstudio.core.analysis.checks.problem import Fix, Problem
from dnnstudio.core.analysis.checks.stack import Stack
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.edits import set_value
from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.targets.class_weights import BalancedWeights
from dnnstudio.core.experiment.targets.loss_choice import resolve_loss, task_of
from dnnstudio.core.experiment.targets.losses import LOSSES
from dnnstudio.core.planning.class_weights import class_weights_of
from dnnstudio.core.text import count_of, percent

UNEQUAL = 3.0
"""From so many rows of the largest class for one of the smallest on, class weights are advised."""
HIGHEST_OF_SQUARES = 0.05
"""The highest usual rate of plain gradient descent on a squared error: its gradient grows with the error, without the
bound that a cross-entropy's has."""


def check_targets(stack: Stack) -> Iterator[Problem]:
    """Check the scaling of a number, the rate that fits its loss, and the weights of classes."""
    if stack.experiment.pretraining is not None:  # it asks a question of its own
        return
    yield from _weights(stack)
    if task_of(stack.experiment.data, stack.summary) == "number":
        yield from _unscaled_number(stack)
        yield from _rate_of_squares(stack)
    else:
        yield from _unequal_classes(stack)


def _unscaled_number(stack: Stack) -> Iterator[Problem]:
    optimizer = stack.experiment.optimizer
    if stack.experiment.data.target_scaling != "none":
        return
    reason = (
        "Its gradients grow with the unit of the number: hundreds let a usual rate diverge."
        if isinstance(optimizer, SGD)
        else f"{optimizer.label} moves a weight by about the learning rate a step, whatever the gradient: "
        "to answer in hundreds takes it many thousand steps."
    )
    yield Problem(
        "hint",
        "unscaled_target",
        "data.target_scaling",
        "The number to predict is learnt in the unit in which it is stored.",
        f"{reason} Standardized, a usual rate fits any unit; figures and answers stay in the number's own.",
        Fix("Standardize it", partial(set_value, path="data.target_scaling", value="standard")),
    )


def _rate_of_squares(stack: Stack) -> Iterator[Problem]:
    experiment = stack.experiment
    optimizer, loss = experiment.optimizer, resolve_loss(experiment, stack.summary)
    clipped = isinstance(optimizer, SGD) and any(
        value is not None for value in (optimizer.clipnorm, optimizer.clipvalue, optimizer.global_clipnorm)
    )
    if not isinstance(optimizer, SGD) or clipped or loss != "mean_squared_error":
        return
    limit = optimizer.highest_rate
    rate = optimizer.learning_rate
    if not experiment.schedule.uses_base_rate or rate <= HIGHEST_OF_SQUARES or (limit is not None and rate > limit):
        return
    yield Problem(
        "warning",
        "high_rate_of_squares",
        "optimizer.learning_rate",
        f"A learning rate of {rate:g} is high for {optimizer.label} on a {LOSSES[loss].caption}.",
        "The gradient of a squared error grows with the error, so that one bad batch can throw the weights far off. "
        "Huber's loss bounds it.",
        Fix("Use 0.01", partial(set_value, path="optimizer.learning_rate", value=0.01)),
    )


def _weights(stack: Stack) -> Iterator[Problem]:
    """Class weights that the data cannot have."""
    if stack.summary is None or stack.experiment.training.class_weight is None:
        return
    try:
        class_weights_of(stack.experiment, stack.summary)
    except UserError as error:
        yield Problem(
            "error",
            "class_weights",
            "training.class_weight",
            error.message,
            error.hint,
            Fix("Weigh all rows alike", partial(set_value, path="training.class_weight", value=None)),
        )


def _unequal_classes(stack: Stack) -> Iterator[Problem]:
    summary = stack.summary
    if summary is None or stack.experiment.training.class_weight is not None:
        return
    counts = [count for count in summary.class_counts if count]
    if len(counts) < 2 or max(counts) < UNEQUAL * min(counts):
        return
    largest = summary.class_names[summary.class_counts.index(max(counts))]
    smallest = summary.class_names[summary.class_counts.index(min(counts))]
    yield Problem(
        "hint",
        "unequal_classes",
        "training.class_weight",
        f'"{largest}" has {count_of(max(counts), "training row")}, "{smallest}" only {min(counts):,}.',
        f'Always answering "{largest}" would be right in {percent(max(counts) / sum(counts))} of them, so accuracy '
        "says little about the rare classes. Balanced weights let every class count alike; look at the balanced "
        "accuracy.",
        Fix("Balance the classes", partial(set_value, path="training.class_weight", value=BalancedWeights())),
    )
