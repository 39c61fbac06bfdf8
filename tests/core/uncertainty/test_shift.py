"""Pictures that are turned, moved, blurred, noisy or resized."""

from __future__ import annotations

import numpy as np

from dnnstudio.core.uncertainty.shift import Shift, resized, shifted

PICTURES = np.random.default_rng(0).uniform(0, 255, (4, 9, 9)).astype(np.float32)


def change(**how: float) -> np.ndarray:
    return shifted(PICTURES, Shift(**how), scale=255, seed=1)


def test_nothing_asked_for_changes_nothing() -> None:
    assert np.array_equal(change(), PICTURES)


def test_a_quarter_turn_is_exact_and_counter_clockwise() -> None:
    np.testing.assert_allclose(change(rotation=90), np.rot90(PICTURES, axes=(1, 2)), atol=1e-3)


def test_moving_to_the_right_leaves_black_behind() -> None:
    moved = change(translation=2)
    np.testing.assert_allclose(moved[:, :, 2:], PICTURES[:, :, :-2], atol=1e-3)
    assert (moved[:, :, :2] == 0).all()


def test_blur_spreads_one_bright_pixel_as_a_gaussian() -> None:
    dot = np.zeros((1, 15, 15), np.float32)
    dot[0, 7, 7] = 100
    soft = shifted(dot, Shift(blur=1.0), scale=255, seed=0)[0]
    assert abs(soft.sum() - 100) < 1e-3
    weights = np.exp(-0.5 * np.arange(-3, 4) ** 2.0)
    weights /= weights.sum()
    np.testing.assert_allclose(soft[4:11, 4:11], 100 * np.outer(weights, weights), rtol=1e-4)


def test_noise_has_the_strength_that_was_asked_for_and_comes_from_the_seed() -> None:
    grey = np.full((50, 20, 20), 127.5, np.float32)
    noisy = shifted(grey, Shift(noise=0.1), scale=255, seed=3)
    assert abs(float((noisy - grey).std()) - 25.5) < 0.5
    assert np.array_equal(noisy, shifted(grey, Shift(noise=0.1), scale=255, seed=3))


def test_resizing_keeps_constants_and_straight_slopes() -> None:
    slope = np.tile(np.arange(8, dtype=np.float32), (1, 8, 1))
    larger = resized(slope, 16, 32)
    assert larger.shape == (1, 16, 32)
    inside = larger[0, 0, 2:-2]
    np.testing.assert_allclose(np.diff(inside), 0.25, atol=1e-5)
    assert np.array_equal(resized(slope, 8, 8), slope)


def test_colour_pictures_keep_their_channels_apart() -> None:
    color = np.zeros((1, 5, 5, 3), np.float32)
    color[..., 1] = 50
    out = shifted(color, Shift(rotation=10, blur=0.5), scale=255, seed=0)
    assert out[..., 0].max() == 0
    assert out[0, 2, 2, 1] > 49
