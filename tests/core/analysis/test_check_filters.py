"""Convolutions: constraints that hold whole filters, and what a row of plain numbers needs before them."""

from __future__ import annotations

from dnnstudio.core.analysis.checks import find_problems
from dnnstudio.core.experiment.data import Csv, Data, DataSummary
from dnnstudio.core.experiment.layers import (
    Conv1D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalMaxPooling1D,
    Reshape,
    SeparableConv2D,
)
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.weights import MaxNorm


def test_a_row_of_plain_numbers_is_offered_the_reshape_that_a_series_needs() -> None:
    layers = (
        Conv1D(id="look", filters=4, kernel_size=3, activation="relu"),
        GlobalMaxPooling1D(id="most"),
        Dense(id="output", units=1),
    )
    experiment = Experiment(layers=layers, data=Data(source=Csv(path="a")))
    summary = DataSummary(input_shape=(24,), class_names=(), binary=False)
    (problem,) = [one for one in find_problems(experiment, summary) if one.severity == "error" and one.place == "look"]
    assert "look needs a series of steps × channels, but gets 24" in problem.title + problem.reason
    assert problem.fix is not None and problem.fix.label == "Put a Reshape with one channel before it"
    mended = problem.fix.apply(experiment)
    assert mended.layers[0].kind == "reshape" and vars(mended.layers[0])["target_shape"] == (24, 1)
    assert not [one for one in find_problems(mended, summary) if one.place == "look" and one.severity == "error"]


def test_each_kernel_of_a_separable_convolution_is_held_by_whole_filters() -> None:
    limit = MaxNorm(axis=0)
    layers = (
        Reshape(id="image", target_shape=(8, 8, 1)),
        DepthwiseConv2D(id="first", kernel_size=(3, 3), kernel_constraint=limit),
        SeparableConv2D(
            id="second", filters=4, kernel_size=(3, 3), depthwise_constraint=limit, kernel_constraint=limit
        ),
        Flatten(id="flat"),
        Dense(id="output", units=10, activation="softmax"),
    )
    experiment = Experiment(layers=layers)
    found = [problem for problem in find_problems(experiment) if problem.code == "constraint_axis"]
    assert [(one.place, one.field) for one in found] == [
        ("first", "kernel_constraint"),
        ("second", "depthwise_constraint"),
        ("second", "kernel_constraint"),
    ]
    assert len({one.title for one in found}) == 3
    for problem in found:
        assert problem.fix is not None
        experiment = problem.fix.apply(experiment)
    held = {layer.id: layer for layer in experiment.layers}
    first, second = held["first"], held["second"]
    assert isinstance(first, DepthwiseConv2D) and isinstance(second, SeparableConv2D)
    assert first.kernel_constraint == second.depthwise_constraint == MaxNorm(axis=(0, 1))
    assert second.kernel_constraint == MaxNorm(axis=(0, 1, 2))
    assert not [problem for problem in find_problems(experiment) if problem.code == "constraint_axis"]
