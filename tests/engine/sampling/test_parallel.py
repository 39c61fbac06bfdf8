"""Calls on all cores at once: in order, few at a time, and nothing is left when somebody stops listening."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.uncertainty.samples import Masks
from dnnstudio.engine.backend.runtime import keras, tf
from dnnstudio.engine.sampling import mc_dropout as sampling
from dnnstudio.engine.sampling.mc_dropout import BLOCK, Sampler
from dnnstudio.engine.sampling.parallel import CAN_GIVE_WAY, NICENESS, ParallelCalls
from dnnstudio.engine.training.compiled import one_core
from dnnstudio.engine.training.compiled.reasons import why_not


def squares(*, gives_way: bool = False) -> ParallelCalls:
    return ParallelCalls(tf.function(lambda x: x * x), (np.zeros(3, np.float32),), gives_way=gives_way)


def alive() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("side by side")]


def test_results_come_in_the_order_of_the_pieces() -> None:
    for _ in range(2):  # used again
        for piece, result in squares().map(range(50), lambda piece: (np.full(3, piece, np.float32),)):
            np.testing.assert_array_equal(result, np.full(3, piece**2))
    assert not alive()


def test_few_pieces_are_taken_ahead_and_none_after_an_end() -> None:
    taken: list[int] = []

    def pieces() -> Any:
        for piece in range(1000):
            taken.append(piece)
            yield piece

    several = squares()
    results = several.map(pieces(), lambda piece: (np.full(3, piece, np.float32),))
    next(results)
    results.close()
    assert len(taken) <= several.cores + 3
    assert not alive()


@pytest.mark.skipif(not CAN_GIVE_WAY, reason="the system knows no niceness of a single thread")
@pytest.mark.parametrize("gives_way", [False, True])
def test_beside_a_window_those_who_work_give_way_and_nobody_else(gives_way: bool) -> None:
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    expected = min(mine + NICENESS, 19) if gives_way else mine
    asked: list[int] = []
    stayed: list[int] = []

    def given(piece: int) -> tuple[Any, ...]:
        asked.append(os.getpriority(os.PRIO_PROCESS, 0))
        return (np.full(3, piece, np.float32),)

    before = one_core._threads()
    several = squares(gives_way=gives_way)
    for thread in one_core._threads() - before:
        with suppress(ProcessLookupError):  # it has ended: the one that started a pipeline
            stayed.append(os.getpriority(os.PRIO_PROCESS, thread))
    assert max(stayed) == expected  # the pipelines' own
    assert len(list(several.map(range(4), given))) == 4
    assert set(asked) == {expected}
    assert os.getpriority(os.PRIO_PROCESS, 0) == mine
    assert not alive()


def test_an_error_is_told_and_the_next_call_goes_on() -> None:
    several = squares()

    def given(piece: int) -> tuple[Any, ...]:
        if piece == 2:
            raise RuntimeError("no such piece")
        return (np.full(3, piece, np.float32),)

    with pytest.raises(RuntimeError, match="no such piece"):
        list(several.map(range(5), given))
    assert len(list(several.map([0, 1], given))) == 2
    assert not alive()


@pytest.mark.parametrize("beside_window", [False, True])
@pytest.mark.parametrize("masks", ["independent", "one_a_pass"])
@pytest.mark.parametrize("can_give_way", [True, False])
def test_passes_over_whole_and_short_blocks_are_those_of_the_layers_by_hand(
    masks: Masks, beside_window: bool, can_give_way: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two whole blocks and a short one: outputs by NumPy from the masks that the sampler drew."""
    monkeypatch.setattr(sampling, "CAN_GIVE_WAY", can_give_way)
    rows = 2 * BLOCK["independent"] + 300
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((2, 3)),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(5, activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    sampler = Sampler(model, masks=masks, beside_window=beside_window)
    x = np.random.default_rng(0).normal(size=(rows, 2, 3)).astype(np.float32)
    kernel, bias, other, end = model.get_weights()
    for number, outputs in enumerate(sampler.passes(x, 0, 2, seed=9)):
        size = BLOCK[masks]
        for index, start in enumerate(range(0, rows, size)):
            block = x[start : start + size].reshape(-1, 6)
            first, second = (np.asarray(drawn) for drawn in sampler._numbers(9, number, index, block))
            hidden = np.maximum((block * first / 0.7) @ kernel + bias, 0)
            said = (hidden * second / 0.5) @ other + end
            said = np.exp(said - said.max(axis=1, keepdims=True))
            said /= said.sum(axis=1, keepdims=True)
            np.testing.assert_allclose(outputs[start : start + size], said, atol=1e-6)


@pytest.mark.parametrize("compiled", [True, False])
def test_every_kind_of_layer_says_side_by_side_what_it_says_alone(
    compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By XLA in whole blocks, or in parts where a layer cannot be compiled; alone means by one thread, without XLA."""
    keras.utils.set_random_seed(2)
    layers = keras.layers
    convolution = [layers.Reshape((2, 3, 1)), layers.Conv2D(3, 2, activation="relu"), layers.Flatten()]
    model = keras.Sequential(
        [
            keras.Input((6,)),
            *([] if compiled else convolution),
            layers.GaussianDropout(0.2),
            layers.Dense(20, activation="selu"),
            layers.AlphaDropout(0.1),
            layers.BatchNormalization(),
            layers.PReLU(),
            layers.Dropout(0.4),
            layers.GaussianNoise(0.5),
            layers.Dense(10, activation="elu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    assert bool(why_not(model)) is not compiled
    x = np.random.default_rng(1).normal(size=(BLOCK["independent"] + 10, 6)).astype(np.float32)
    together = list(Sampler(model).passes(x, 3, 2, seed=5))
    monkeypatch.setattr(sampling, "CAN_GIVE_WAY", False)
    sampler = Sampler(model, beside_window=True)
    alone = list(sampler.passes(x, 3, 2, seed=5))
    assert sampler._parallel_calls is None
    np.testing.assert_allclose(together, alone, atol=1e-6)
    model.layers[-1].bias.assign([0.0, 5.0, 0.0])
    sampler = Sampler(model)
    before = next(sampler.passes(x, 0, 1, seed=5))
    model.layers[-1].bias.assign([5.0, 0.0, 0.0])
    after = next(sampler.passes(x, 0, 1, seed=5))
    assert before[:, 1].mean() > 0.5 > after[:, 1].mean()  # the model's weights of now, not those of compiling
