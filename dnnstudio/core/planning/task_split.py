"""Splits one data set into two tasks: task A with most classes and many rows, task B with a few classes and
few rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Classes, Data, FirstRows
from dnnstudio.core.experiment.layers import Activation, AnyLayer, Dense, WeightedLayer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.text import count_of

VALIDATION_ROWS = 5000


def split_into_tasks(
    experiment: Experiment,
    second: Sequence[int] = (5, 6),
    positive: int | None = 6,
    train_limit: int | None = 200,
    *,
    labels: Sequence[int] | None = None,
) -> tuple[Experiment, Experiment]:
    """Task A (all labels but `second`) and task B (only `second`, few rows), each with its own output layer.

    As in Géron, chapter 11: the first 5,000 rows validate, then the classes are selected in every part, then task B
    keeps its first `train_limit` training rows. `positive` makes task B binary; None keeps one unit per class. `labels`
    are the data's, if they are not known before reading. If the data has too few rows for that rule, the experiment's
    own split stays. Raises `UserError` for labels that cannot be split like that.
    """
    source = experiment.data.source
    known = tuple(labels) if labels is not None else tuple(range(len(source.class_names)))
    if not known:
        raise UserError("The classes of this data are not known yet.", "Read the data first.")
    first, chosen = tuple(label for label in known if label not in second), tuple(second)
    if strange := [label for label in chosen if label not in known]:
        raise UserError(f"There is no class {strange[0]} in this data.", f"Its classes are {_listed(known)}.")
    if len(first) < 2 or len(chosen) < 2:
        raise UserError(
            f"That leaves {count_of(len(first), 'class')} for task A and {len(chosen)} for task B; each "
            "needs two or more.",
            "Choose other classes for task B.",
        )
    if positive is not None and positive not in chosen:
        raise UserError(f"Class {positive} is not in task B, so it cannot be its positive one.", "Choose one that is.")
    data = experiment.data
    if source.rows is not None and source.rows[0] > 2 * VALIDATION_ROWS:
        data = data.replaced(validation=FirstRows(count=VALIDATION_ROWS))
    a = _task(experiment, data.replaced(classes=Classes(keep=first), train_limit=None), len(first), "softmax", "A")
    b_data = data.replaced(classes=Classes(keep=chosen, positive=positive), train_limit=train_limit)
    outputs = len(chosen) if positive is None else 1
    b = _task(experiment, b_data, outputs, "softmax" if positive is None else "sigmoid", "B")
    return a, b


def _task(experiment: Experiment, data: Data, units: int, activation: str, letter: str) -> Experiment:
    """The experiment for one of the tasks: its data, its output, and no settings that belong to another network."""
    return experiment.replaced(
        name=f"{experiment.name[:180]}, task {letter}",
        data=data,
        layers=with_output(experiment.layers, units, activation),
        loss="auto",
        transfer=None,
        pretraining=None,
    )


def with_output(layers: Sequence[AnyLayer], units: int, activation: str) -> tuple[AnyLayer, ...]:
    """The stack with another number of outputs: its last layer with weights, if that is a Dense, is changed."""
    weighted = [index for index, layer in enumerate(layers) if isinstance(layer, WeightedLayer) and layer.enabled]
    if not weighted or not isinstance(last := layers[weighted[-1]], Dense):
        raise UserError("The stack does not end in a Dense layer.", "Add one as the output.")
    if any(isinstance(layer, Activation) for layer in layers[weighted[-1] + 1 :]):
        raise UserError(
            "An activation of its own follows the output layer.", "Set the activation in the output layer instead."
        )
    output = last.replaced(units=units, activation=activation)
    return (*layers[: weighted[-1]], output, *layers[weighted[-1] + 1 :])


def _listed(labels: Sequence[int]) -> str:
    return ", ".join(str(label) for label in labels)
