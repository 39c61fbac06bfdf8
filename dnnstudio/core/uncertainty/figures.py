"""Figures of a network's answers to one part of the rows, in float64: of predicted numbers, and of told classes.

The names are those of scikit-learn (`sklearn.metrics`), whose values they equal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.accuracy import class_figures, confusion_matrix
from dnnstudio.core.uncertainty.figure_names import BALANCED, BASELINE, MAE, R2, RECALL, RMSE
from dnnstudio.core.uncertainty.numbers import number_scores

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def figures_of_numbers(values: Floats, predicted: Floats) -> dict[str, float]:
    """Mean absolute error, root of the mean squared error, and R² of predictions [rows] against true values [rows].

    Without R² where all true values are equal.
    """
    scores = number_scores(values, predicted, np.zeros(len(values)))
    found = {"mae": scores.mae, MAE: scores.mae, RMSE: scores.rmse}  # version 0.1.0 wrote mae, and readers know it
    return found | ({R2: scores.r2} if np.isfinite(scores.r2) else {})


def figures_of_classes(
    labels: Ints, predicted: Ints, names: Sequence[str], *, majority: int | None = None
) -> dict[str, float]:
    """Balanced accuracy, the majority baseline, and each class's recall, of told classes [rows] against labels [rows].

    Balanced accuracy is the mean recall of the classes that occur. The baseline is the accuracy of always answering the
    class `majority`, the most frequent one of the training rows. A class without rows has no recall.
    """
    found = class_figures(confusion_matrix(labels, predicted, len(names)))
    occurs = found.support > 0
    figures = {BALANCED: float(found.recall[occurs].mean())}
    if majority is not None:
        figures[BASELINE] = float(np.mean(labels == majority))
    return figures | {
        f"{RECALL}{names[place]}": float(found.recall[place]) for place in np.flatnonzero(occurs).tolist()
    }


def losses_of_numbers(loss: str, errors: Floats, *, std: float = 1.0) -> Floats:
    """The loss of each row, by its error [rows] in the target's own unit.

    `loss` is Keras's name. Huber's loss (Huber, 1964) is quadratic up to an error of `std`, the unit in which the
    network was trained.
    """
    size = np.abs(errors)
    match loss:
        case "mean_squared_error":
            return np.square(errors)
        case "mean_absolute_error":
            return size
        case "huber":
            return np.where(size <= std, 0.5 * size**2, std * size - 0.5 * std**2)
    raise ValueError(f"{loss} is no loss of numbers")
