"""Correct and incorrect predictions: confusion matrix, per-class figures, and the images worth inspecting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.scores import Floats

Ints = NDArray[np.int64]


def confusion_matrix(labels: Ints, predicted: Ints, classes: int) -> Ints:
    """Counts int64 [classes, classes] from labels [images] and predicted classes [images]: row = label, column =
    prediction.
    """
    flat = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One entry per class; NaN where the class was never predicted (precision) or never occurs as a label (recall)."""

    precision: Floats
    recall: Floats
    f1: Floats
    support: Ints


def class_figures(confusion: Ints) -> ClassFigures:
    """Precision, recall and F1 of each class, from a confusion matrix [classes, classes] as `confusion_matrix` makes
    it.
    """
    right = np.diag(confusion).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = right / confusion.sum(axis=0)
        recall = right / confusion.sum(axis=1)
        f1 = 2 * right / (confusion.sum(axis=0) + confusion.sum(axis=1))
    return ClassFigures(precision, recall, f1, confusion.sum(axis=1))


def confident_errors(uncertainty: Floats, correct: NDArray[np.bool_]) -> Ints:
    """Indexes of the misclassified images, most certain first; `doubt` (the uncertainty score) and `correct` are
    [images].
    """
    wrong = np.flatnonzero(~correct)
    return wrong[np.argsort(uncertainty[wrong], kind="stable")]


def uncertain_hits(uncertainty: Floats, correct: NDArray[np.bool_]) -> Ints:
    """Indexes of the correctly classified images, least certain first; `doubt` (the uncertainty score) and `correct`
    are [images].
    """
    right = np.flatnonzero(correct)
    return right[np.argsort(-uncertainty[right], kind="stable")]


def nearest_in_uncertainty(scores: Floats, image: int, count: int) -> Ints:
    """Indexes of the `count` images whose scores are nearest to those of `image`.

    `scores` is [images, scores]. The distance is Euclidean, with each score divided by its standard deviation.
    """
    spread = scores.std(axis=0)
    distance = np.linalg.norm((scores - scores[image]) / np.where(spread > 0, spread, 1.0), axis=1)
    distance[image] = np.inf
    return np.argsort(distance, kind="stable")[: min(count, len(distance) - 1)]
