"""Checks of the network's size against the data, and of the training settings."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dnnstudio.core.analysis.checks.problem import Fix, Problem
from dnnstudio.core.analysis.checks.stack import Stack
from dnnstudio.core.experiment.edits import change_layers, set_value
from dnnstudio.core.experiment.optimizers import Optimizer
from dnnstudio.core.experiment.record import EarlyStopping, Experiment
from dnnstudio.core.text import count_of, listed

MANY_PARAMETERS = 20
"""Trainable parameters per training row from which on the network can memorize the rows."""
_HELD = ("kernel_regularizer", "kernel_constraint")


def check_training(stack: Stack) -> Iterator[Problem]:
    """Check parameters against rows, frozen layers, learning rate, batch size and early stopping."""
    yield from _too_many_parameters(stack)
    yield from _frozen(stack)
    yield from _rate(stack)
    yield from _batch(stack)
    yield from _early_stopping(stack)


def _too_many_parameters(stack: Stack) -> Iterator[Problem]:
    rows = stack.train_rows
    count = sum(row.trainable_count for row in stack.rows)
    if not rows or count < MANY_PARAMETERS * rows or stack.experiment.training.early_stopping is not None:
        return
    if stack.dropouts or any(getattr(entry.layer, name, None) is not None for entry in stack.entries for name in _HELD):
        return
    patience = max(1, min(10, stack.experiment.training.epochs // 2))
    yield Problem(
        "hint",
        "many_parameters",
        "layers",
        f"{count_of(count, 'parameter')} for {count_of(rows, 'training row')}, and nothing that holds them back.",
        "So many can learn the rows by heart. Early stopping, dropout, l2 or max-norm, or fewer units help.",
        Fix(
            "Stop early", partial(set_value, path="training.early_stopping", value=EarlyStopping(patience=patience))
        ),
    )  # fmt: skip


def _frozen(stack: Stack) -> Iterator[Problem]:
    weighted = [entry for entry in stack.entries if entry.layer.has_weights]
    ids = tuple(entry.id for entry in weighted if not entry.layer.trainable)
    if not ids:
        return
    everything = len(ids) == len(weighted)
    yield Problem(
        "error" if everything else "hint",
        "all_frozen" if everything else "frozen",
        ids[0],
        "Every layer is frozen, so nothing can be learnt."
        if everything
        else f"Frozen: {listed(ids)} will not learn.",
        "A frozen layer keeps its weights. That is meant for layers reused from a trained model; "
        "fresh ones would stay as they were drawn.",
        Fix("Unfreeze them", lambda e: change_layers(e, ids, trainable=True)),
        ids,
        "trainable",
    )  # fmt: skip


def _rate(stack: Stack) -> Iterator[Problem]:
    optimizer = stack.experiment.optimizer
    yield from _schedule_rates(stack)
    limit = optimizer.highest_rate
    if limit is not None and stack.experiment.schedule.uses_base_rate and optimizer.learning_rate > limit:
        usual = type(optimizer).model_fields["learning_rate"].default
        yield Problem(
            "warning",
            "high_rate",
            "optimizer.learning_rate",
            f"A learning rate of {optimizer.learning_rate:g} is very high for {optimizer.label}.",
            "Steps that long jump over every valley: the loss usually grows until it is no number any more.",
            Fix(f"Use {usual:g}", partial(set_value, path="optimizer.learning_rate", value=usual)),
        )


def _schedule_rates(stack: Stack) -> Iterator[Problem]:
    """A schedule with rates of its own whose highest lies outside of what is usual with the optimizer."""
    schedule, optimizer = stack.experiment.schedule, stack.experiment.optimizer
    if not schedule.own_rates:
        return
    height, (low, high) = max(schedule.own_rates), optimizer.usual_range
    too_high = high is not None and height > high
    if not too_high and height >= low:
        return
    between = f"above {low:g}" if high is None else f"between {low:g} and {high:g}"
    suited = schedule.suited(optimizer.replaced(learning_rate=type(optimizer).model_fields["learning_rate"].default))
    yield Problem(
        "warning",
        "high_schedule" if too_high else "low_schedule",
        "schedule",
        f"{schedule.label} up to {height:g} is {'more' if too_high else 'less'} than is usual with {optimizer.label}.",
        f"At its height it is usually {between} there. "
        + ("Longer steps jump over every valley." if too_high else "Shorter steps hardly move the weights."),
        Fix(f"Go up to {max(suited.own_rates):g}", partial(_suit, optimizer=type(optimizer))),
    )


def _suit(experiment: Experiment, *, optimizer: type[Optimizer]) -> Experiment:
    """The schedule with the rates that fit the optimizer at its usual rate."""
    usual = optimizer.model_fields["learning_rate"].default
    given = experiment.optimizer.replaced(learning_rate=usual)
    return experiment.replaced(schedule=experiment.schedule.suited(given))


def _batch(stack: Stack) -> Iterator[Problem]:
    rows, size = stack.train_rows, stack.experiment.training.batch_size
    if rows and size > rows:
        yield Problem(
            "hint",
            "large_batch",
            "training.batch_size",
            f"A batch of {size:,} is more than the {count_of(rows, 'training row')}.",
            "The network then takes a single step an epoch, over all rows at once.",
            Fix("Use 32", partial(set_value, path="training.batch_size", value=min(32, rows))),
        )


def _early_stopping(stack: Stack) -> Iterator[Problem]:
    training, summary = stack.experiment.training, stack.summary
    stopping = training.early_stopping
    if stopping is None:
        return
    if stopping.monitor == "val_accuracy" and summary is not None and not summary.class_names:
        yield Problem(
            "error",
            "no_accuracy",
            "training.early_stopping.monitor",
            "Early stopping watches the accuracy, but a number is predicted.",
            "Accuracy counts right classes; for a number there is only the loss.",
            Fix("Watch the loss", partial(set_value, path="training.early_stopping.monitor", value="val_loss")),
        )
    if training.epochs > 1 and stopping.patience >= training.epochs:
        shorter = max(1, training.epochs // 3)
        yield Problem(
            "hint",
            "long_patience",
            "training.early_stopping.patience",
            f"Early stopping waits {count_of(stopping.patience, 'epoch')}, but there are only {training.epochs}.",
            "It can never stop the training; it still ends with the best weights where that is switched on.",
            Fix(
                f"Wait {count_of(shorter, 'epoch')}",
                partial(set_value, path="training.early_stopping.patience", value=shorter),
            ),
        )
