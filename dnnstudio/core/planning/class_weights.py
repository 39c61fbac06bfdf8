"""The weight of each class in the loss, as a training uses it."""

from __future__ import annotations

from collections.abc import Sequence

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.targets.class_weights import BalancedWeights
from dnnstudio.core.text import listed


def balanced_weights(counts: Sequence[int]) -> tuple[float, ...]:
    """rows / (classes · rows of the class) for each class (King and Zeng, 2001), as scikit-learn computes it.

    Only classes with rows count as classes; one without rows weighs 1, which nothing is multiplied by.
    """
    classes = sum(count > 0 for count in counts)
    return tuple(sum(counts) / (classes * count) if count else 1.0 for count in counts)


def class_weights_of(experiment: Experiment, summary: DataSummary) -> tuple[float, ...] | None:
    """The weight of each class in the order of `summary.class_names`; None where all rows count alike.

    Pretraining asks a question of its own, whose classes are not weighed. Raises `UserError` where a number is
    predicted, and for a class that the data has not got.
    """
    rule = experiment.training.class_weight
    if rule is None or experiment.pretraining is not None:
        return None
    if not summary.class_names:
        raise UserError(
            "training.class_weight is set, but a number is predicted, so there are no classes to weigh.",
            "Set it to null.",
        )
    if isinstance(rule, BalancedWeights):
        return balanced_weights(summary.class_counts)
    given = {item.name: item.weight for item in rule.weights}
    unknown = [name for name in given if name not in summary.class_names]
    if unknown:
        known = listed(summary.class_names, most=6)
        raise UserError(
            f'training.class_weight names the class "{unknown[0]}"; the data has {known}.',
            "Name it as the data does, or take it out.",
        )
    return tuple(given.get(name, 1.0) for name in summary.class_names)
