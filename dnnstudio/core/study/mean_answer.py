"""Loss and figures of the mean of several networks' outputs, in float64.

The formulas are Keras's (keras.losses), without regularization penalties, which belong to a training and not to a
prediction.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.uncertainty.figures import figures_of_classes, figures_of_numbers, losses_of_numbers

Floats = NDArray[np.float64]
Labels = NDArray[np.generic]

EPSILON = 1e-7
"""Probabilities are clipped to at least this before a logarithm, like `keras.config.epsilon()`."""


def mean_answer_figures(loss: str, labels: Labels, mean: Floats, summary: DataSummary) -> dict[str, float]:
    """The figures of outputs [rows, units] against labels [rows], as of a single network; {} without rows.

    `loss` is Keras's name of it; `summary` says whether they are numbers, or which classes.
    """
    if not len(mean):
        return {}
    if not summary.class_names:
        values, predicted = labels.astype(np.float64), mean[:, 0]
        std = 1.0 if summary.target_unit is None else summary.target_unit.std
        found = losses_of_numbers(loss, predicted - values, std=std)
        return {"loss": float(found.mean())} | figures_of_numbers(values, predicted)
    said = np.asarray(mean[:, 0] > 0.5 if mean.shape[1] == 1 else mean.argmax(axis=1), np.int64)
    known = labels.astype(np.int64)
    figures = {"loss": float(_LOSSES[loss](labels, mean).mean()), "accuracy": float(np.mean(said == known))}
    return figures | figures_of_classes(known, said, summary.class_names, majority=summary.majority)


def _sparse_crossentropy(labels: Labels, mean: Floats) -> Floats:
    chosen = mean[np.arange(len(mean)), labels.astype(np.int64)]
    return np.asarray(-np.log(np.maximum(chosen, EPSILON)))


def _binary_crossentropy(labels: Labels, mean: Floats) -> Floats:
    chosen = np.where(labels.astype(np.int64) == 1, mean[:, 0], 1 - mean[:, 0])
    return np.asarray(-np.log(np.maximum(chosen, EPSILON)))


_LOSSES: dict[str, Callable[[Labels, Floats], Floats]] = {
    "sparse_categorical_crossentropy": _sparse_crossentropy,
    "binary_crossentropy": _binary_crossentropy,
}
"""The losses of classes, by Keras's name."""
