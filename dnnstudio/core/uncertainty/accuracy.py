"""Right and wrong: confusion, per-class figures, and the images worth a look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.scores import Floats

Ints = NDArray[np.int64]


def confusion_matrix(labels: Ints, predicted: Ints, classes: int) -> Ints:
    """Rows are labels, columns what was said: [classes, classes]."""
    flat = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One entry a class; not a number where nothing was said or nothing was labelled."""

    precision: Floats
    recall: Floats
    f1: Floats
    support: Ints


def class_figures(confusion: Ints) -> ClassFigures:
    """Precision, recall and F1 of each class from the confusion matrix."""
    right = np.diag(confusion).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = right / confusion.sum(axis=0)
        recall = right / confusion.sum(axis=1)
        f1 = 2 * right / (confusion.sum(axis=0) + confusion.sum(axis=1))
    return ClassFigures(precision, recall, f1, confusion.sum(axis=1))


def confident_errors(doubt: Floats, correct: NDArray[np.bool_]) -> Ints:
    """Wrongly classified images, the surest first."""
    wrong = np.flatnonzero(~correct)
    return wrong[np.argsort(doubt[wrong], kind="stable")]


def doubtful_hits(doubt: Floats, correct: NDArray[np.bool_]) -> Ints:
    """Rightly classified images, the least sure first."""
    right = np.flatnonzero(correct)
    return right[np.argsort(-doubt[right], kind="stable")]


def nearest_in_doubt(scores: Floats, image: int, count: int) -> Ints:
    """The images whose scores ([images, scores]) are nearest to those of `image`, each score by its spread."""
    spread = scores.std(axis=0)
    distance = np.linalg.norm((scores - scores[image]) / np.where(spread > 0, spread, 1.0), axis=1)
    distance[image] = np.inf
    return np.argsort(distance, kind="stable")[: min(count, len(distance) - 1)]
