"""The figures of a padded batch: the share of right answers never rounds above 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dnnstudio.engine.backend.runtime import tf
from dnnstudio.engine.training.compiled.forward import Batch

WIDTH = 130


@pytest.fixture(scope="module")
def share() -> Any:
    """Share of right answers among the first `rows` of `WIDTH`, as the compiled steps take it."""

    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
    def made(right: Any, rows: Any) -> Any:
        return Batch.of(WIDTH, rows).share(right)

    return made


def test_all_right_is_exactly_one_for_every_number_of_rows(share: Any) -> None:
    right = tf.ones(WIDTH)
    assert {float(share(right, tf.constant(rows))) for rows in range(1, WIDTH + 1)} == {1.0}
    assert {float(tf.reduce_mean(right[:rows])) for rows in range(1, WIDTH + 1)} == {1.0}  # a step on its own


def test_a_share_is_the_nearest_number_to_the_quotient(share: Any) -> None:
    random = np.random.default_rng(3)
    for rows in range(1, WIDTH + 1, 7):
        right = random.integers(0, 2, WIDTH).astype(np.float32)
        expected = np.float32(int(right[:rows].sum()) / rows)
        assert float(share(tf.constant(right), tf.constant(rows))) == expected
