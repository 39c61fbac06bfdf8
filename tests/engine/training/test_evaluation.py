"""Evaluation: Keras's own figures, whatever the blocks, and a model that is unchanged by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.errors import Cancelled
from dnnstudio.core.experiment.layers import ActivityRegularization, BatchNormalization, Dense, Dropout
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.weights import L1L2
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.backend.builder import build
from dnnstudio.engine.training import evaluation
from dnnstudio.engine.training.evaluation import evaluate

from ..as_a_notebook import compile_model


def made(experiment: Experiment, summary: Any) -> Any:
    model = build(experiment, summary.input_shape)
    compile_model(model, experiment, summary)
    return model


@pytest.mark.parametrize("task", ["classes", "binary", "number"])
def test_figures_equal_keras_s_evaluate(
    task: str, experiment: Callable[..., Experiment], rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "BLOCK", 7)
    data = rows(task)
    given = experiment(
        BatchNormalization(id="bn"),
        Dropout(id="drop", rate=0.5),
        Dense(id="hidden", units=8, activation="relu", kernel_regularizer=L1L2(l1=0.01, l2=0.01)),
        outputs=3 if task == "classes" else 1,
        activation={"classes": "softmax", "binary": "sigmoid", "number": None}[task],
    )
    model = made(given, data.summary)
    ours = evaluate(model, data.train, given, data.summary)
    theirs = model.evaluate(data.train.x, data.train.y, verbose=0, return_dict=True)
    assert ours.keys() > theirs.keys()
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, rel=1e-5)


def test_a_price_on_activities_counts_once_a_row(
    experiment: Callable[..., Experiment], rows: Callable[..., Any]
) -> None:
    data = rows()
    given = experiment(Dense(id="hidden", units=8), ActivityRegularization(id="price", l2=0.01))
    model = made(given, data.summary)
    ours = evaluate(model, data.train, given, data.summary)
    assert model.losses == []
    theirs = model.evaluate(data.train.x, data.train.y, batch_size=14, verbose=0, return_dict=True)
    assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-5)


def test_looking_changes_no_variable(experiment: Callable[..., Experiment], rows: Callable[..., Any]) -> None:
    data = rows()
    given = experiment(BatchNormalization(id="bn"), Dropout(id="drop", rate=0.5))
    model = made(given, data.summary)
    before = [variable.numpy().copy() for variable in model.variables]
    first, second = (evaluate(model, data.train, given, data.summary) for _ in range(2))
    assert first == second
    assert all(np.array_equal(one, two.numpy()) for one, two in zip(before, model.variables, strict=True))


def test_no_rows_have_no_figures(experiment: Callable[..., Experiment], rows: Callable[..., Any]) -> None:
    data = rows()
    empty = type(data.test)(data.test.x[:0], data.test.y[:0])
    assert evaluate(made(experiment(), data.summary), empty, experiment(), data.summary) == {}


def test_evaluation_can_be_cancelled(experiment: Callable[..., Experiment], rows: Callable[..., Any]) -> None:
    data, control = rows(), Control()
    control.stop()
    with pytest.raises(Cancelled):
        evaluate(made(experiment(), data.summary), data.test, experiment(), data.summary, control=control)
