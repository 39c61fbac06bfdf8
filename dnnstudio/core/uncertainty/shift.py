"""Distribution shift for images: rotated, moved, blurred, noisy, or resized copies.

Plain numpy on float32 images [n, h, w] or [n, h, w, channels]; pixels that enter from outside are black (0).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

PictureArray = NDArray[np.float32]
ShiftKind = Literal["rotation", "noise", "blur", "translation"]


@dataclass(frozen=True, slots=True)
class Shift:
    """The changes of an image, applied in this order: rotation, translation, blur, noise."""

    rotation: float = 0.0
    """Degrees, counter-clockwise."""
    noise: float = 0.0
    """Standard deviation, as a share of the full scale."""
    blur: float = 0.0
    """Standard deviation of a Gaussian, in pixels."""
    translation: float = 0.0
    """Pixels to the right."""

    @property
    def is_none(self) -> bool:
        return self == Shift()

    def part(self, kind: ShiftKind, share: float) -> Shift:
        """Only this kind of change, at a fraction `share` of its strength."""
        return replace(Shift(), **{kind: getattr(self, kind) * share})


FULL: dict[ShiftKind, float] = {"rotation": 90.0, "noise": 0.5, "blur": 3.0, "translation": 10.0}
"""The strongest change of each kind that is offered."""


def shifted(pictures: PictureArray, shift: Shift, *, scale: float, seed: int) -> PictureArray:
    """The changed images, clipped to 0 … `scale`: float32 [n, h, w] or [n, h, w, channels], as given.

    `scale` is the largest pixel value; `seed` decides the noise.
    """
    out = pictures.astype(np.float32, copy=True)
    if shift.rotation or shift.translation:
        out = _moved(out, np.deg2rad(shift.rotation), shift.translation)
    if shift.blur > 0:
        out = _blurred(_blurred(out, shift.blur, 1), shift.blur, 2)
    if shift.noise > 0:
        drawn = np.random.default_rng(seed).standard_normal(out.shape, dtype=np.float32)
        out += drawn * np.float32(shift.noise * scale)
    return np.clip(out, 0, scale, out=out)


def resized(pictures: PictureArray, height: int, width: int) -> PictureArray:
    """The images [n, h, w] or [n, h, w, channels] at [n, height, width, …], by bilinear interpolation between pixel
    centres.
    """
    rows = (np.arange(height) + 0.5) * pictures.shape[1] / height - 0.5
    columns = (np.arange(width) + 0.5) * pictures.shape[2] / width - 0.5
    inside = np.clip(rows, 0, pictures.shape[1] - 1), np.clip(columns, 0, pictures.shape[2] - 1)
    return _read(pictures, *np.meshgrid(*inside, indexing="ij"))


def _moved(pictures: PictureArray, angle: float, right: float) -> PictureArray:
    height, width = pictures.shape[1:3]
    y, x = np.meshgrid(np.arange(height, dtype=np.float64), np.arange(width, dtype=np.float64), indexing="ij")
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    x, y = x - middle_x - right, y - middle_y
    # Source position of each target pixel; rows count downwards, so this rotates the image counter-clockwise.
    before_x = np.cos(angle) * x - np.sin(angle) * y + middle_x
    before_y = np.sin(angle) * x + np.cos(angle) * y + middle_y
    return _read(pictures, before_y, before_x)


def _read(pictures: PictureArray, y: NDArray[np.float64], x: NDArray[np.float64]) -> PictureArray:
    """The images sampled at coordinates `y` and `x` ([h, w] each) by bilinear interpolation; black outside."""
    height, width = pictures.shape[1:3]
    out = np.zeros((len(pictures), *y.shape, *pictures.shape[3:]), np.float32)
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    for down in (0, 1):
        for right in (0, 1):
            row, column = top + down, left + right
            weight = (1 - np.abs(y - row)) * (1 - np.abs(x - column))
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            weight = np.where(inside, weight, 0).astype(np.float32)
            weight = weight.reshape(*weight.shape, *[1] * (pictures.ndim - 3))
            out += pictures[:, np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)] * weight
    return out


def _blurred(pictures: PictureArray, sigma: float, axis: int) -> PictureArray:
    reach = min(int(np.ceil(3 * sigma)), pictures.shape[axis] - 1)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    weights /= weights.sum()
    padding = [(0, 0)] * pictures.ndim
    padding[axis] = (reach, reach)
    padded = np.pad(pictures, padding)
    length = pictures.shape[axis]
    out = np.zeros_like(pictures)
    for offset, weight in zip(offsets, weights, strict=True):
        start = reach + int(offset)
        out += padded[(slice(None),) * axis + (slice(start, start + length),)] * np.float32(weight)
    return out
