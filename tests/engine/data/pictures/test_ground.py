"""Which pictures are dark on light where the training pictures are light on dark, and the reverse."""

from __future__ import annotations

import numpy as np
import pytest

from dnnstudio.engine.data.pictures.ground import edges, ground_of, is_reversed

WHITE = 255.0


def strokes(count: int, *, ground: int, ink: int) -> np.ndarray:
    """Pictures with a square of ink in the middle."""
    found = np.full((count, 8, 8), ground, np.uint8)
    found[:, 2:6, 3:5] = ink
    return found


def test_edges_are_the_mean_of_the_outermost_pixels() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3)).astype(np.float32)
    mask = np.ones((6, 7), bool)
    mask[1:-1, 1:-1] = False
    edge, inside = edges(pictures, WHITE)
    np.testing.assert_allclose(edge, [one[mask].mean(dtype=float) / WHITE for one in pictures], rtol=1e-12)
    np.testing.assert_allclose(inside, [one[~mask].mean(dtype=float) / WHITE for one in pictures], rtol=1e-12)


@pytest.mark.parametrize("dark", [True, False])
def test_only_the_reverse_of_the_training_pictures_is_told(dark: bool) -> None:
    own, other = (strokes(20, ground=g, ink=i) for g, i in ((10, 240), (245, 20))[:: 1 if dark else -1])
    ground = ground_of(own, WHITE)
    assert ground is not None
    assert is_reversed(other[0], WHITE, ground)
    assert not is_reversed(own[0], WHITE, ground)
    assert not is_reversed(np.full((8, 8), 128, np.uint8), WHITE, ground)


def test_training_pictures_without_a_common_ground_tell_nothing() -> None:
    mixed = np.concatenate([strokes(10, ground=0, ink=255), strokes(10, ground=255, ink=0)])
    ground = ground_of(mixed, WHITE)
    assert ground is not None
    assert not any(is_reversed(picture, WHITE, ground) for picture in mixed)


@pytest.mark.parametrize(
    ("x", "white"),
    [
        (np.zeros((4, 5)), WHITE),
        (np.zeros((4, 8, 8)), None),
        (np.zeros((4, 2, 8)), WHITE),
        (np.zeros((0, 8, 8)), WHITE),
    ],
)
def test_rows_without_edges_or_white_have_no_ground(x: np.ndarray, white: float | None) -> None:
    assert ground_of(x, white) is None
