"""Calls on all cores at once: in order, few at a time, and nothing is left when somebody stops listening."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.uncertainty.samples import Masks
from dnnstudio.engine.runtime import keras, tf
from dnnstudio.engine.sampling import BLOCK, Sampler
from dnnstudio.engine.side_by_side import SideBySide


def squares() -> SideBySide:
    return SideBySide(tf.function(lambda x: x * x), (np.zeros(3, np.float32),))


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


@pytest.mark.parametrize(
    ("masks", "beside_window"), [("independent", False), ("independent", True), ("one_a_pass", False)]
)
def test_passes_over_whole_and_short_blocks_are_those_of_the_layers_by_hand(masks: Masks, beside_window: bool) -> None:
    """Two whole blocks and a short one: outputs by NumPy from the masks that the sampler drew."""
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
