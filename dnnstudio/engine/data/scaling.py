"""Scaling, fitted on the training rows alone, and the one copy from stored numbers to float32."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.data import Scaling
from dnnstudio.core.errors import UserError
from dnnstudio.engine.data.raw import Array, Raw, blocks
from dnnstudio.engine.data.reading import Watch

FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class Scaler:
    """`(x - mean) / std`, and before it `fill` in the place of NaN.

    `mean` and `std` are float64 and broadcast against one row: a single number for "unit" on pictures, one a feature
    for "standardize" and for the columns of a table. For "unit", `mean` is the lowest value and `std` the range.
    """

    kind: Scaling
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    fill: NDArray[np.float64] | None = None

    def apply(self, x: Array) -> NDArray[np.float32]:
        """The rows as the network sees them."""
        out = np.empty(x.shape, np.float32)
        for block in blocks(x):
            self.apply_into(x[block], out[block])
        return out

    def apply_into(self, x: Array, out: NDArray[np.float32]) -> None:
        """As `apply`, into an array that is there already."""
        if self.fill is not None:
            x = np.where(np.isnan(x), self.fill, x)
        if x.dtype.itemsize == 1 and self.mean.ndim == 0 and self.mean == 0:
            np.divide(x, np.float32(self.std), out=out, dtype=np.float32)
        elif self.kind == "none":
            with np.errstate(over="ignore"):
                out[...] = x
        else:
            with np.errstate(over="ignore"):
                np.divide(np.subtract(x, self.mean, dtype=np.float64), self.std, out=out, casting="same_kind")

    def invert(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scaled rows back in the units of the file, for looking at them."""
        return (x * self.std + self.mean).astype(np.float32)


def fit_scaler(raw: Raw, rows: NDArray[np.int64], kind: Scaling, watch: Watch) -> Scaler:
    """The scaler of the training rows `rows` of `raw.train.x`. No division by zero: a constant feature becomes 0."""
    x = raw.train.x
    zero, one = np.float64(0.0), np.float64(1.0)
    fill = _medians(x, rows) if raw.fill else None
    if kind == "none":
        return Scaler(kind, np.asarray(zero), np.asarray(one), fill)
    if kind == "unit" and raw.full_scale is not None:
        return Scaler(kind, np.asarray(zero), np.asarray(np.float64(raw.full_scale)), fill)
    low, high = _range(x, rows, fill, watch)
    if kind == "unit":
        if x.ndim > 2:
            low, high = low.min(), high.max()
        return Scaler(kind, np.asarray(low), np.where(high > low, high - low, 1.0), fill)
    mean, std = _moments(x, rows, fill, watch)
    constant = (high == low) | ~(std > 0)
    return Scaler(kind, np.where(constant, low, mean), np.where(constant, 1.0, std), fill)


def constant_features(raw: Raw, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which features have one value in all the training rows."""
    low, high = _range(raw.train.x, rows, None, Watch())
    return np.asarray(low == high)


def gather(
    x: Array, rows: NDArray[np.int64], scaler: Scaler, watch: Watch, *, columns: tuple[str, ...] = ()
) -> NDArray[np.float32]:
    """The rows as one read-only float32 array, scaled block by block on two cores.

    Refuses values that float32 cannot hold.
    """
    out = _on_a_boundary((len(rows), *x.shape[1:]))

    def scale(block: slice) -> None:
        scaler.apply_into(take(x, rows[block]), out[block])
        if x.dtype.kind == "f" and not np.isfinite(out[block]).all():
            _, *place = (int(i) for i in np.argwhere(~np.isfinite(out[block]))[0])
            name = f'column "{columns[place[0]]}"' if columns and len(place) == 1 else "a value"
            raise UserError(
                f"After scaling, {name} is beyond {FLOAT32_MAX:.1e}, more than the network can compute with.",
                "Bring it to a smaller unit, or choose the scaling standardize.",
            )

    with ThreadPoolExecutor(2) as pool:
        pending = [(block, pool.submit(scale, block)) for block in blocks(out)]
        try:
            for block, future in pending:
                watch.tell(block.start, len(rows), "Scaling the rows")
                future.result()
        finally:
            pool.shutdown(cancel_futures=True)
    out.flags.writeable = False
    return out


def _on_a_boundary(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Room that begins at a line of the processor's cache: TensorFlow then uses it as it lies, without a copy."""
    size = 4 * math.prod(shape)
    room = np.empty(size + 64, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + size].view(np.float32).reshape(shape)


def take(x: Array, rows: NDArray[np.int64]) -> Array:
    """`x[rows]`, without a copy where the rows lie one after another."""
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows) and np.all(np.diff(rows) == 1):
        return x[int(rows[0]) : int(rows[-1]) + 1]
    return x[rows]


def _row_blocks(x: Array, rows: NDArray[np.int64], watch: Watch) -> list[NDArray[np.int64]]:
    watch.check()
    step = max(1, 2**20 // max(1, int(np.prod(x.shape[1:]))))
    return [rows[start : start + step] for start in range(0, len(rows), step)]


def _filled(x: Array, fill: NDArray[np.float64] | None) -> Array:
    return x if fill is None else np.where(np.isnan(x), fill, x)


def _range(x: Array, rows: NDArray[np.int64], fill: NDArray[np.float64] | None, watch: Watch) -> tuple[Array, Array]:
    """Lowest and highest training value of every feature, as float64."""
    lows, highs = [], []
    for block in _row_blocks(x, rows, watch):
        part = _filled(take(x, block), fill)
        lows.append(part.min(axis=0))
        highs.append(part.max(axis=0))
    low: Array = np.min(lows, axis=0).astype(np.float64)
    high: Array = np.max(highs, axis=0).astype(np.float64)
    return low, high


def _moments(
    x: Array, rows: NDArray[np.int64], fill: NDArray[np.float64] | None, watch: Watch
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (of the whole, ddof 0) of every feature, in two passes: exact for huge values too.

    Features are first divided by their own size where that would overflow, so that squares stay finite.
    """
    total = np.zeros(x.shape[1:])
    parts = _row_blocks(x, rows, watch)
    for block in parts:
        watch.check()
        total += _filled(take(x, block), fill).sum(axis=0, dtype=np.float64) / len(rows)
    squares = np.zeros(x.shape[1:])
    scale = np.zeros(x.shape[1:])
    for block in parts:
        scale = np.maximum(scale, np.abs(_filled(take(x, block), fill) - total).max(axis=0))
    scale = np.where(scale > 0, scale, 1.0)
    for block in parts:
        watch.check()
        part = (_filled(take(x, block), fill) - total) / scale
        squares += np.einsum("i...,i...->...", part, part)
    return total, np.sqrt(squares / len(rows)) * scale


def _medians(x: Array, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The median of every column's training values; 0 where a column has none."""
    part = np.asarray(take(x, rows), np.float64)
    empty = np.isnan(part).all(axis=0)
    return np.nanmedian(np.where(empty, 0.0, part), axis=0)
