"""Phases and layer-by-layer pretraining as lists of stages; a plain training is a list of one."""

from __future__ import annotations

import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Flatten
from dnnstudio.core.experiment.optimizers import SGD, Adam
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.schedules import Power
from dnnstudio.core.experiment.transfer import Autoencoder, Phase, Transfer
from dnnstudio.core.planning.stages import planned_epochs, planned_rates, stages, with_more_epochs

BASE = Experiment(
    layers=(
        Flatten(id="flatten"),
        Dense(id="hidden_1", units=6, activation="relu"),
        BatchNormalization(id="bn"),
        Dense(id="hidden_2", units=4, activation="tanh"),
        Dense(id="output", units=3, activation="softmax"),
    ),
    optimizer=SGD(learning_rate=0.1),
    training=Training(epochs=7),
)
PHASES = (
    Phase(epochs=2, frozen=("hidden_*", "bn")),
    Phase(epochs=5, learning_rate=0.01),
    Phase(epochs=1, optimizer=Adam(learning_rate=0.3), frozen=("hidden_1",)),
)
PHASED = BASE.replaced(transfer=Transfer(source="a", phases=PHASES))


def test_a_plain_training_is_one_stage_with_nothing_frozen() -> None:
    (only,) = stages(BASE, (8, 8))
    assert (only.epochs, only.optimizer, only.frozen, only.layers) == (7, SGD(learning_rate=0.1), frozenset(), None)


def test_each_phase_has_its_frozen_layers_and_its_rate() -> None:
    first, second, third = stages(PHASED, (8, 8))
    assert first.frozen == {"hidden_1", "hidden_2", "bn"}
    assert (first.optimizer.learning_rate, second.optimizer.learning_rate) == (0.1, 0.01)
    assert (second.frozen, third.frozen) == (frozenset(), {"hidden_1"})
    assert third.optimizer == Adam(learning_rate=0.3)
    assert [stage.epochs for stage in (first, second, third)] == [2, 5, 1]


def test_a_pattern_that_fits_no_layer_is_named() -> None:
    wrong = BASE.replaced(transfer=Transfer(source="a", phases=(Phase(epochs=1, frozen=("dense_*",)),)))
    with pytest.raises(UserError, match=r'Phase 1 freezes "dense_\*", but there is no such layer'):
        stages(wrong, (8, 8))


def test_epochs_of_the_phases_take_the_place_of_the_training_s() -> None:
    assert (planned_epochs(BASE), planned_epochs(PHASED)) == (7, 8)


def test_more_epochs_go_to_the_last_phase() -> None:
    assert planned_epochs(with_more_epochs(BASE, 3)) == 10
    longer = with_more_epochs(PHASED, 3)
    assert longer.transfer is not None
    assert [phase.epochs for phase in longer.transfer.phases] == [2, 5, 4]
    assert longer.training == PHASED.training


def test_every_phase_begins_the_schedule_anew() -> None:
    phased = PHASED.replaced(schedule=Power(s=1.0))
    steps, rates = planned_rates(phased, steps_per_epoch=2)
    halves = [1 / (1 + step / 2) for step in range(10)]
    expected = [0.1 * h for h in halves[:4]] + [0.01 * h for h in halves] + [0.3 * h for h in halves[:2]]
    np.testing.assert_allclose(rates, expected)
    some, rates_there = planned_rates(phased, steps_per_epoch=2, points=5)
    assert (some[0], some[-1], len(some)) == (0, steps[-1], 5)
    np.testing.assert_allclose(rates_there, np.asarray(expected)[some])


def test_layer_by_layer_learns_one_block_and_its_mirror_at_a_time() -> None:
    greedy = BASE.replaced(pretraining=Autoencoder(until="hidden_2", greedy=True))
    first, second = stages(greedy, (8, 8))
    assert first.layers == ("flatten", "hidden_1", "bn", "decoder_1", "decoder_1_shape")
    assert first.frozen == frozenset()
    assert second.layers == (
        "flatten", "hidden_1", "bn", "hidden_2", "decoder_2", "decoder_1", "decoder_1_shape"
    )  # fmt: skip
    assert second.frozen == {"flatten", "hidden_1", "bn", "decoder_1", "decoder_1_shape"}
    assert planned_epochs(greedy) == 14
