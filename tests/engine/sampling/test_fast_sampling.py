"""Sampling where it takes short cuts: masks folded into kernels and dropped units left out change nothing."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.experiment.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    GaussianDropout,
    Layer,
    LeakyReLU,
    PReLU,
)
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.engine.backend.builder import build
from dnnstudio.engine.sampling.mc_dropout import Sampler

OUT = Dense(id="output", units=3, activation="softmax")
STACKS: dict[str, tuple[Layer, ...]] = {
    "everything folds": (
        Dropout(id="d0", rate=0.2),
        Dense(id="h1", units=20, activation="elu"),
        Dropout(id="d1", rate=0.5),
        Dense(id="h2", units=10, activation="relu", use_bias=False),
        Dropout(id="d2", rate=0.3, monte_carlo=True),
        OUT,
    ),
    "activations between": (
        Dense(id="h1", units=20),
        Activation(id="a", activation="selu"),
        LeakyReLU(id="leaky"),
        Dropout(id="d1", rate=0.5),
        OUT,
    ),
    "whole rows between": (
        Dropout(id="d0", rate=0.2),
        Dense(id="h1", units=20, activation="softmax"),
        Dropout(id="d1", rate=0.5),
        Dense(id="h2", units=10),
        BatchNormalization(id="bn"),
        Dropout(id="d2", rate=0.5),
        Dense(id="h3", units=10),
        PReLU(id="prelu"),
        Dropout(id="d3", rate=0.5),
        OUT,
    ),
    "no dense behind": (
        Dense(id="h1", units=20, activation="tanh"),
        Dropout(id="d1", rate=0.5),
        Dropout(id="d2", rate=0.5),
        GaussianDropout(id="noise", rate=0.2),
        OUT,
        Dropout(id="d3", rate=0.1),
    ),
}


def by_hand(sampler: Sampler, x: np.ndarray, number: int, seed: int) -> np.ndarray:
    """The pass with every layer computed whole, and the masks put on top."""
    drawn = dict(zip(sampler._random, sampler._numbers(seed, number, 0, x), strict=True))
    for layer in sampler.model.layers:
        if layer not in drawn:
            x = layer(x, training=False)
        elif isinstance(layer, keras.layers.GaussianDropout):
            x = x * (1 + drawn[layer].numpy() * 0.5)  # √(0.2 / 0.8)
        else:
            x = x * drawn[layer].numpy() / (1 - layer.rate)
    return np.asarray(x)


@pytest.mark.parametrize("masks", ["independent", "one_a_pass"])
@pytest.mark.parametrize("name", STACKS)
def test_a_pass_is_what_the_layers_give_with_its_masks(name: str, masks: Any) -> None:
    keras.utils.set_random_seed(3)
    sampler = Sampler(build(Experiment(layers=STACKS[name]), (6,)), masks=masks)
    x = np.random.default_rng(1).standard_normal((40, 6)).astype(np.float32)
    for number, got in enumerate(sampler.passes(x, 0, 4, seed=7)):
        np.testing.assert_allclose(got, by_hand(sampler, x, number, 7), rtol=1e-5, atol=1e-6)


def test_a_unit_stays_where_its_sixteen_bits_reach_the_rate() -> None:
    """The masks drawn again by hand from the stream of (seed, pass, block, layer)."""
    sampler = Sampler(build(Experiment(layers=STACKS["everything folds"]), (6,)))
    x = np.zeros((40, 6), np.float32)
    for place, (layer, mask) in enumerate(zip(sampler._random, sampler._numbers(7, 3, 1, x), strict=True)):
        source = np.random.SFC64(np.random.SeedSequence([7, 3, 1 + 2, place]))
        size = int(np.prod(mask.shape))
        bits = source.random_raw(-(-size // 4)).view(np.uint16)[:size].reshape(mask.shape)
        np.testing.assert_array_equal(mask, bits >= round(layer.rate * 65536))


def test_a_rate_that_drops_nearly_everything_still_gives_a_row() -> None:
    keras.utils.set_random_seed(3)
    stack = (Dense(id="h", units=2, activation="relu"), Dropout(id="d", rate=0.99), OUT)
    sampler = Sampler(build(Experiment(layers=stack), (6,)), masks="one_a_pass")
    passes = np.stack(list(sampler.passes(np.ones((5, 6), np.float32), 0, 10, seed=1)))
    np.testing.assert_allclose(passes.sum(axis=-1), 1, rtol=1e-5)
