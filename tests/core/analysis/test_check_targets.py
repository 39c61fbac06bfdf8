"""Advice on what is learnt: the unit of a number, rates that fit its loss, and classes of unequal size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dnnstudio.core.analysis.checks import find_problems
from dnnstudio.core.experiment.data import Data, DataSummary
from dnnstudio.core.experiment.optimizers import SGD, Adam
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.targets.class_weights import BalancedWeights, ClassWeight, OwnWeights

from .test_checks import BINARY, FLAT, NUMBER, ONE, OUT, TEN, hidden, mended, only, stack

UNSCALED = Data(scaling="standardize")
CASES: list[tuple[str, str, Experiment, DataSummary | None, str]] = [
    ("unscaled_target", "hint", stack(hidden(), ONE, data=UNSCALED), NUMBER, "data.target_scaling"),
    ("unscaled_target", "hint", stack(hidden(), ONE, data=UNSCALED, optimizer=Adam()), NUMBER,
     "data.target_scaling"),
    ("high_rate_of_squares", "warning", stack(hidden(), ONE, optimizer=SGD(learning_rate=0.2)), NUMBER,
     "optimizer.learning_rate"),
    ("class_weights", "error", stack(hidden(), ONE, training=Training(class_weight=BalancedWeights())), NUMBER,
     "training.class_weight"),
    ("class_weights", "error", stack(FLAT, hidden(), OUT, training=Training(
        class_weight=OwnWeights(weights=(ClassWeight(name="ten", weight=2.0),)))), TEN, "training.class_weight"),
    ("unequal_classes", "hint", stack(FLAT, hidden(), ONE.replaced(activation="sigmoid")),
     replace(BINARY, class_counts=(300, 100)), "training.class_weight"),
    ("unequal_classes", "hint", stack(FLAT, hidden(), OUT), replace(TEN, class_counts=(30, 10, *[20] * 8)),
     "training.class_weight"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "severity", "experiment", "summary", "place"), CASES)
def test_the_advice_is_given_alone_and_its_fix_clears_it(
    code: str, severity: str, experiment: Experiment, summary: DataSummary | None, place: str
) -> None:
    problem = only(experiment, summary)
    assert (problem.code, problem.severity, problem.place) == (code, severity, place)
    mended(experiment, code, summary)


def test_classes_of_nearly_the_same_size_and_weighed_ones_are_left_alone() -> None:
    near = replace(BINARY, class_counts=(299, 100))
    far = replace(BINARY, class_counts=(300, 100))
    given = stack(FLAT, hidden(), ONE.replaced(activation="sigmoid"))
    assert find_problems(given, near) == ()
    assert find_problems(given.replaced(training=Training(class_weight=BalancedWeights())), far) == ()


@pytest.mark.parametrize("optimizer", [Adam(learning_rate=0.02), SGD(learning_rate=0.05),
                                       SGD(learning_rate=0.2, clipnorm=1.0)])  # fmt: skip
def test_rates_that_fit_a_squared_error_are_left_alone(optimizer: SGD | Adam) -> None:
    assert find_problems(stack(hidden(), ONE, optimizer=optimizer), NUMBER) == ()
    bounded = stack(hidden(), ONE, optimizer=SGD(learning_rate=0.2), loss="huber")
    assert find_problems(bounded, NUMBER) == ()
