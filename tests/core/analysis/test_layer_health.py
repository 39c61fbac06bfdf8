"""The verdict on a network's health, its thresholds and its cures."""

from __future__ import annotations

import numpy as np
import pytest

from dnnstudio.core.analysis.divergence import Divergence, explain, first_lost, remedies
from dnnstudio.core.analysis.layer_health import LayerHealth, Verdict, cures, histogram_of, judge
from dnnstudio.core.experiment.layers import Activation, BatchNormalization, Dense
from dnnstudio.core.experiment.optimizers import SGD, Adam
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import OneCycle, Piecewise
from dnnstudio.core.experiment.weights import GlorotUniform, HeNormal, RandomNormal


def layer(name: str, **figures: float) -> LayerHealth:
    usual = {"gradient_norm": 0.1, "gradient_rms": 0.01, "std": 1.0}
    return LayerHealth(id=name, **(usual | figures))


def test_layers_within_a_factor_of_ten_are_healthy() -> None:
    verdict = judge([layer("a", gradient_rms=0.001), layer("b", gradient_rms=0.01), LayerHealth(id="flatten", std=1.0)])
    assert verdict.condition == "healthy"
    assert verdict.layers == ()


@pytest.mark.parametrize(("weaker", "condition"), [(1.1e-3, "healthy"), (0.9e-3, "vanishing")])
def test_vanishing_is_a_thousandth_of_the_strongest(weaker: float, condition: str) -> None:
    verdict = judge([layer("low", gradient_rms=weaker), layer("high", gradient_rms=1.0)])
    assert verdict.condition == condition
    assert verdict.layers == (("low",) if condition == "vanishing" else ())


def test_a_frozen_layer_does_not_vanish() -> None:
    frozen = LayerHealth(id="frozen", std=1.0, frozen=True)
    assert judge([frozen, layer("a"), layer("b")]).condition == "healthy"


@pytest.mark.parametrize(("share", "condition"), [(0.49, "healthy"), (0.5, "dead")])
def test_dead_is_half_of_the_units(share: float, condition: str) -> None:
    assert judge([layer("a", dead=share), layer("b")]).condition == condition


@pytest.mark.parametrize(("share", "condition"), [(0.49, "healthy"), (0.5, "saturated")])
def test_saturated_is_half_of_the_outputs(share: float, condition: str) -> None:
    assert judge([layer("a", saturated=share), layer("b")]).condition == condition


@pytest.mark.parametrize(
    "figures",
    [{"gradient_norm": 2e3}, {"std": 2e4}, {"gradient_norm": float("nan")}, {"std": float("inf")}],
)
def test_exploding_comes_before_everything_else(figures: dict[str, float]) -> None:
    verdict = judge([layer("a", dead=1.0, saturated=1.0), layer("b", **figures)])
    assert verdict.condition == "exploding"
    assert verdict.layers == ("b",)


def stack(activation: str, **options: object) -> Experiment:
    hidden = [Dense(id=f"dense_{n}", units=8, activation=activation, **options) for n in (1, 2)]
    return Experiment(layers=(*hidden, Dense(id="output", units=3, activation="softmax")))


@pytest.mark.parametrize("condition", ["vanishing", "saturated"])
def test_the_cure_of_saturation_is_elu_with_he_and_then_normalization(condition: str) -> None:
    given = stack("sigmoid", kernel_initializer=RandomNormal(stddev=1.0))
    first, second = cures(Verdict(condition), given)
    after = first.apply(given).layers
    assert [(one.activation, one.kernel_initializer) for one in after[:2]] == [("elu", HeNormal())] * 2
    assert after[2] == given.layers[2]
    assert sum(isinstance(one, BatchNormalization) for one in second.apply(given).layers) == 2


def test_a_network_that_has_the_cure_already_is_offered_only_the_other() -> None:
    given = stack("elu", kernel_initializer=HeNormal())
    assert [fix.label for fix in cures(Verdict("vanishing"), given)] == ["Add batch normalization"]


def test_an_activation_of_its_own_is_cured_there() -> None:
    given = Experiment(
        layers=(
            Dense(id="dense", units=8),
            Activation(id="curve", activation="relu"),
            Dense(id="output", units=3, activation="softmax"),
        )
    )
    after = cures(Verdict("dead"), given)[0].apply(given).layers
    assert (after[0].kernel_initializer, after[1].activation) == (HeNormal(), "elu")


def test_explosion_is_cured_by_clipping_a_lower_rate_and_initialization() -> None:
    given = stack("relu", kernel_initializer=RandomNormal(stddev=1.0)).replaced(optimizer=SGD(learning_rate=0.5))
    clip, lower, draw = cures(Verdict("exploding"), given)
    assert clip.apply(given).optimizer == SGD(learning_rate=0.5, clipnorm=1.0)
    assert lower.apply(given).optimizer == SGD(learning_rate=0.01)
    assert draw.apply(given).layers[0].kernel_initializer == HeNormal()
    assert draw.apply(given).layers[2].kernel_initializer == GlorotUniform()


def test_a_clipping_that_is_there_stays_alone() -> None:
    given = stack("relu", kernel_initializer=HeNormal()).replaced(optimizer=Adam(global_clipnorm=0.5))
    assert [fix.label for fix in cures(Verdict("exploding"), given)] == ["Lower the rate to 0.0001"]


def test_cures_are_edits_of_what_is_open_now() -> None:
    """A fix made for one state of the document keeps what was edited since."""
    given = stack("sigmoid").replaced(optimizer=SGD(learning_rate=1.0))
    later = given.replaced(name="edited since")
    for fix in (*cures(Verdict("exploding"), given), *cures(Verdict("vanishing"), given)):
        assert fix.apply(later).name == "edited since"


def test_remedies_follow_the_schedule() -> None:
    cycle = stack("relu", kernel_initializer=HeNormal()).replaced(schedule=OneCycle(max_rate=5.0, start_rate=1.0))
    assert remedies(cycle)[0].apply(cycle).schedule == OneCycle(max_rate=0.5)
    table = cycle.replaced(schedule=Piecewise(boundaries=(1.0,), rates_between=(5.0, 0.3)))
    assert remedies(table)[0].apply(table).schedule == Piecewise(boundaries=(1.0,), rates_between=(0.5, 0.03))


def test_the_first_lost_loss() -> None:
    assert first_lost([1.0, 2.0, float("nan"), 1.0], 1.0) == 2
    assert first_lost([1.0, -float("inf")], 1.0) == 1
    assert first_lost([1.0, 0.9e6, 1.1e6], 1.0) == 2
    assert first_lost([1.1e6], 100.0) is None
    assert first_lost([0.1], 1e-9) is None


def test_the_explanation_names_step_rate_gradient_and_what_to_try() -> None:
    cause = Divergence(3, 12, float("nan"), 100.0, gradient_norm=7.1e8, layer="dense_2")
    text = explain(cause)
    for words in (
        "infinite",
        "step 12 of epoch 3",
        "rate of 100",
        "7.1e+08",
        "dense_2",
        "Lower the learning rate",
        "clip",
    ):
        assert words in text
    assert "grew to 2.0e+16" in explain(Divergence(1, 1, 2e16, 1.0))
    assert explain(Divergence(1, 1, 0.3, 1.0, weights=True)).startswith("A weight became infinite")


def test_a_histogram_counts_everything_finite() -> None:
    counts, low, high = histogram_of(np.array([0.0, 0.5, 1.0, np.nan, np.inf], np.float32), bins=4)
    assert (counts, low, high) == ((1, 0, 1, 1), 0.0, 1.0)
    assert histogram_of(np.full(5, 2.0)) == ((5,), 2.0, 2.0)
    assert histogram_of(np.array([np.nan])) == ((), 0.0, 0.0)
