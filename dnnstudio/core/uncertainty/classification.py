"""Judges any classifier from its probabilities alone, with or without stochastic passes.

A network without dropout gives one row of probabilities per case. It is treated as a single pass: everything that works
on many passes works on it too, except the scores that compare passes with each other (see `Score.of_single_pass`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.text import count_of
from dnnstudio.core.uncertainty.accuracy import ClassFigures, Ints, class_figures, confident_errors, confusion_matrix
from dnnstudio.core.uncertainty.proportions import Share
from dnnstudio.core.uncertainty.scores import Floats, Scores, score, with_both_classes

LARGEST_GAP = 1e-3
"""How far the sum of a row may be from 1: half precision is coarse."""
SMALLEST_OUTPUT = -1e-4
"""How far below 0 rounding may bring a probability."""


def as_probabilities(outputs: ArrayLike) -> Floats:
    """Outputs of a classifier as float64 [rows, classes].

    A single sigmoid unit, [rows] or [rows, 1], holds the probability of the second class and becomes two columns.
    Raises `UserError` for outputs that are not probabilities (logits, a predicted number).
    """
    given = np.asarray(outputs, dtype=np.float64)
    if given.ndim == 1:
        given = given[:, None]
    if given.ndim != 2 or given.shape[1] < 1:
        raise UserError(
            f"The outputs have the shape {given.shape}; they must be [rows, classes].",
            "Give one row of probabilities for each case.",
        )
    if not np.isfinite(given).all():
        raise UserError("The network's outputs are not finite numbers.", "Train it again with a lower learning rate.")
    check_between_0_and_1(given)
    both = np.asarray(with_both_classes(given), dtype=np.float64)
    if np.abs(both.sum(axis=1) - 1).max(initial=0.0) > LARGEST_GAP:
        raise _no_probabilities("a row of them does not add up to 1")
    return both


def check_between_0_and_1(outputs: NDArray[np.floating]) -> None:
    """Raises `UserError` for outputs [rows, units] that are no probabilities, whether of one class or of each by
    itself: bare sums (logits) would be measured by a loss that takes them for probabilities.
    """
    if outputs.min(initial=0.0) < SMALLEST_OUTPUT or outputs.max(initial=0.0) > 1 + LARGEST_GAP:
        raise _no_probabilities("they do not lie between 0 and 1")


def _no_probabilities(problem: str) -> UserError:
    return UserError(
        f"The network's outputs are no probabilities: {problem}.",
        "Give the last layer the activation softmax, or sigmoid for two classes.",
    )


def as_labels(labels: ArrayLike, *, rows: int, classes: int) -> Ints:
    """Labels as int64 [rows], each from 0 to `classes` − 1; anything else raises `UserError`."""
    given = np.asarray(labels)
    if given.shape == (rows, 1):
        given = given[:, 0]
    if given.shape != (rows,):
        raise UserError(
            f"There are {count_of(rows, 'row')} of probabilities, but the labels have the shape {given.shape}.",
            "Give one label for each row.",
        )
    with np.errstate(invalid="ignore"):  # NaN casts to some other integer, so the comparison refuses it
        whole = given.astype(np.int64)
    if (whole != given).any():
        raise UserError("Some labels are not whole numbers.", "Label the classes 0, 1, 2 and so on.")
    if rows and (whole.min() < 0 or whole.max() >= classes):
        raise UserError(
            f"The labels go from {whole.min()} to {whole.max()}, but the network tells "
            f"{count_of(classes, 'class')} apart; "
            f"labels must lie between 0 and {classes - 1}.",
            "Choose the data that the network was made for.",
        )
    return whole


def majority_baseline(labels: Ints, *, training_labels: Ints | None = None) -> Share:
    """How often the most frequent class of the training rows (of these rows, if none are given) is correct here.

    Both arguments are int64 [rows]. Ties go to the lowest class, as in scikit-learn's `DummyClassifier`.
    """
    counts = np.bincount(labels if training_labels is None else training_labels)
    return Share(int((labels == counts.argmax()).sum()) if len(counts) else 0, len(labels))


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """A classifier's figures on labelled rows, made by `judge`.

    `scores` is that of a single pass: its `mean` [rows, classes] holds the probabilities, its `winner` the predicted
    classes, and its uncertainties (of `scores_of_single_pass`) are the input of the decision and calibration functions.
    """

    labels: Ints
    scores: Scores
    confusion: Ints
    """[classes, classes]: rows are labels, columns answers."""
    figures: ClassFigures
    baseline: Share
    """The accuracy of always predicting the most frequent class."""

    @property
    def probabilities(self) -> Floats:
        """The classifier's probabilities: float64 [rows, classes]."""
        return self.scores.mean

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether the most probable class (the first of equal ones) is the label: [rows]."""
        return np.asarray(self.scores.winner == self.labels)

    @property
    def accuracy(self) -> Share:
        """The share of rows that are classified correctly."""
        return Share(int(np.trace(self.confusion)), len(self.labels))

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall over the classes that occur as labels; 1 / (their number) for a constant prediction."""
        labelled = self.figures.support > 0
        return float(self.figures.recall[labelled].mean()) if labelled.any() else float("nan")

    @property
    def macro_precision(self) -> float:
        return self._macro(self.figures.precision)

    @property
    def macro_recall(self) -> float:
        return self._macro(self.figures.recall)

    @property
    def macro_f1(self) -> float:
        return self._macro(self.figures.f1)

    def errors(self, count: int | None = None) -> Ints:
        """Indexes [errors] of the misclassified rows, most confident first; at most `count` of them."""
        return confident_errors(1.0 - self.scores.max_probability, self.correct)[:count]

    def _macro(self, values: Floats) -> float:
        """The unweighted mean over the classes that occur as label or prediction; an undefined figure counts 0.

        This is scikit-learn's `average="macro", zero_division=0`.
        """
        occurs = self.confusion.sum(axis=0) + self.confusion.sum(axis=1) > 0
        return float(np.nan_to_num(values[occurs], nan=0.0).mean()) if occurs.any() else float("nan")


def judge(outputs: ArrayLike, labels: ArrayLike, *, training_labels: Ints | None = None) -> Judgement:
    """Judge outputs [rows, classes], or [rows] or [rows, 1] of one sigmoid unit, by the labels [rows].

    Raises `UserError` for outputs that are no probabilities, for labels that do not fit them, and for no rows.
    """
    probabilities = as_probabilities(outputs)
    rows, classes = probabilities.shape
    checked = as_labels(labels, rows=rows, classes=classes)
    if not rows:
        raise UserError(
            "There are no rows to judge the network by.", "Choose a part of the data that has labelled rows."
        )
    scores = score(probabilities[None])
    confusion = confusion_matrix(checked, scores.winner, classes)
    baseline = majority_baseline(checked, training_labels=training_labels)
    return Judgement(checked, scores, confusion, class_figures(confusion), baseline)
