"""The figures of a mean answer against Keras's own losses and by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.study.mean_answer import mean_answer_figures

RANDOM = np.random.default_rng(3)


def summary(*names: str) -> DataSummary:
    return DataSummary((2,), names, binary=len(names) == 2)


def test_classes_are_scored_as_keras_and_scikit_learn_do() -> None:
    logits = RANDOM.normal(size=(50, 4))
    mean = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = RANDOM.integers(0, 4, 50)
    found = mean_answer_figures("sparse_categorical_crossentropy", labels, mean, summary("a", "b", "c", "d"))
    assert found["loss"] == pytest.approx(np.mean([-np.log(mean[i, labels[i]]) for i in range(50)]), abs=1e-12)
    assert found["loss"] == pytest.approx(float(keras.losses.SparseCategoricalCrossentropy()(labels, mean)), abs=1e-6)
    assert found["accuracy"] == np.mean([mean[i].argmax() == labels[i] for i in range(50)])


def test_two_classes_of_one_unit() -> None:
    mean, labels = RANDOM.random((40, 1)), RANDOM.integers(0, 2, 40)
    found = mean_answer_figures("binary_crossentropy", labels, mean, summary("no", "yes"))
    assert found["loss"] == pytest.approx(float(keras.losses.BinaryCrossentropy()(labels[:, None], mean)), abs=1e-6)
    assert found["accuracy"] == np.mean([(mean[i, 0] > 0.5) == bool(labels[i]) for i in range(40)])


@pytest.mark.parametrize(
    ("loss", "reference"),
    [
        ("mean_squared_error", keras.losses.MeanSquaredError),
        ("mean_absolute_error", keras.losses.MeanAbsoluteError),
        ("huber", keras.losses.Huber),
    ],
)
def test_numbers_are_scored_as_keras_does(loss: str, reference: type) -> None:
    mean, labels = RANDOM.normal(size=(30, 1)) * 2, RANDOM.normal(size=30).astype(np.float32)
    found = mean_answer_figures(loss, labels, mean, summary())
    assert found["loss"] == pytest.approx(float(reference()(labels[:, None], mean)), rel=1e-5)
    assert found["mae"] == pytest.approx(np.mean(np.abs(mean[:, 0] - labels)), abs=1e-12)


def test_a_certain_and_wrong_answer_costs_a_finite_loss() -> None:
    given = ("sparse_categorical_crossentropy", np.array([1]), np.array([[1.0, 0.0]]))
    found = mean_answer_figures(*given, summary("a", "b"))
    assert found == {"loss": pytest.approx(-np.log(1e-7)), "accuracy": 0, "balanced_accuracy": 0, "recall:b": 0}
    assert mean_answer_figures("huber", np.empty(0), np.empty((0, 1)), summary()) == {}
