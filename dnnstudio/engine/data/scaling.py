"""Scaling, fitted on the training rows only, and the single copy from stored values to float32."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Scaling
from dnnstudio.engine.data.raw import Array, Raw, blocks
from dnnstudio.engine.data.reading import Watch

FLOAT32_MAX = float(np.finfo(np.float32).max)
FLOAT64_MAX = float(np.finfo(np.float64).max)


class RowTransform(Protocol):
    """Converts stored rows to network input; fitted on the training rows only."""

    def apply(self, x: Array) -> NDArray[np.float32]:
        """Stored rows [n, *stored] as network input, float32 [n, *shape]."""
        ...

    def apply_into(self, x: Array, out: NDArray[np.float32]) -> None:
        """Like `apply`, into the existing array `out` [n, *shape]."""
        ...

    def input_shape(self, stored: tuple[int, ...]) -> tuple[int, ...]:
        """The network's input shape for stored rows of shape `stored`."""
        ...

    def invert(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Network inputs [n, *shape] in the units of the source, for display."""
        ...


@dataclass(frozen=True, eq=False)
class Scaler:
    """`(x - mean) / std`, after replacing NaN by `fill`.

    `mean` and `std` are float64 and broadcast against one row: a scalar for "unit" on images, one value per feature for
    "standardize" and for table columns. For "unit", `mean` is the minimum and `std` the range. `low` and `high` are the
    ranges of a table's columns in the training rows, to say what lies outside of them; None for other rows.
    """

    kind: Scaling
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    fill: NDArray[np.float64] | None = None
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None

    def apply(self, x: Array) -> NDArray[np.float32]:
        """Stored rows [n, *shape], scaled: float32 [n, *shape]."""
        out = np.empty(x.shape, np.float32)
        for block in blocks(x):
            self.apply_into(x[block], out[block])
        return out

    def apply_into(self, x: Array, out: NDArray[np.float32]) -> None:
        """Like `apply`, into the existing array `out` [n, *shape]."""
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

    def input_shape(self, stored: tuple[int, ...]) -> tuple[int, ...]:
        """The network's input shape for stored rows of shape `stored`: the same."""
        return stored

    def invert(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scaled rows [n, *shape] in the units of the file, for display."""
        return (x * self.std + self.mean).astype(np.float32)


def fit_scaler(raw: Raw, rows: NDArray[np.int64], kind: Scaling, watch: Watch) -> Scaler:
    """Fit the scaler to the training rows `rows`, indexes [m] into `raw.train.x`. A constant feature is scaled to 0."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = _fitted(raw, rows, kind, watch)
    require_finite(found.mean, found.std, raw.columns)
    if not raw.columns or raw.train.x.ndim != 2 or not len(rows):
        return found
    low, high = ranges(raw.train.x, rows, found.fill, watch)
    return replace(found, low=low, high=high)


def require_finite(offset: NDArray[np.float64], scale: NDArray[np.float64], columns: Sequence[str]) -> None:
    """Refuse what columns, each [*shape], are scaled by where it is too large to be computed. Raises `UserError`."""
    wrong = np.flatnonzero(~(np.isfinite(offset) & np.isfinite(scale)))
    if len(wrong):
        name = f'Column "{columns[int(wrong[0])]}"' if len(columns) == np.size(offset) else "The data"
        raise UserError(
            f"{name} spans more than {FLOAT64_MAX:.1e} from its smallest to its largest number, too much to be scaled.",
            "Bring it to a larger unit, so that its numbers become smaller, or leave such rows out.",
        )


def _fitted(raw: Raw, rows: NDArray[np.int64], kind: Scaling, watch: Watch) -> Scaler:
    x = raw.train.x
    zero, one = np.float64(0.0), np.float64(1.0)
    fill = medians(x, rows) if raw.fill else None
    if kind == "none":
        return Scaler(kind, np.asarray(zero), np.asarray(one), fill)
    if kind == "unit" and raw.full_scale is not None:
        return Scaler(kind, np.asarray(zero), np.asarray(np.float64(raw.full_scale)), fill)
    low, high = ranges(x, rows, fill, watch)
    if kind == "unit":
        if x.ndim > 2:
            low, high = low.min(), high.max()
        return Scaler(kind, np.asarray(low), np.where(high > low, high - low, 1.0), fill)
    mean, std = moments(x, rows, fill, watch)
    constant = (high == low) | (std == 0)
    return Scaler(kind, np.where(constant, low, mean), np.where(constant, 1.0, std), fill)


def constant_features(raw: Raw, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which features, bool [*shape], are constant over the training rows with the indexes `rows` [m]."""
    low, high = ranges(raw.train.x, rows, None, Watch())
    return np.asarray(low == high)


def gather(
    x: Array, rows: NDArray[np.int64], scaler: RowTransform, watch: Watch, *, columns: tuple[str, ...] = ()
) -> NDArray[np.float32]:
    """The rows with the indexes `rows` [m] as one read-only float32 array [m, *shape], scaled in blocks by two threads.

    Raises `UserError` for values outside the range of float32.
    """
    out = on_a_boundary((len(rows), *scaler.input_shape(x.shape[1:])))

    def scale(block: slice) -> None:
        scaler.apply_into(take(x, rows[block]), out[block])
        if x.dtype.kind == "f" and not np.isfinite(out[block]).all():
            _, *place = (int(i) for i in np.argwhere(~np.isfinite(out[block]))[0])
            name = f'column "{columns[place[0]]}"' if columns and len(place) == 1 else "a value"
            raise UserError(
                f"After scaling, {name} is beyond {FLOAT32_MAX:.1e}, more than the network can compute with.",
                "Bring it to a larger unit, so that its numbers become smaller, or leave such rows out.",
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


def on_a_boundary(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A float32 array [*shape] aligned to a cache line, which TensorFlow can use without a copy."""
    size = 4 * math.prod(shape)
    room = np.empty(size + 64, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + size].view(np.float32).reshape(shape)


def take(x: Array, rows: NDArray[np.int64]) -> Array:
    """`x[rows]`, as a view if the indexes are contiguous: [m, *shape]."""
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows) and np.all(np.diff(rows) == 1):
        return x[int(rows[0]) : int(rows[-1]) + 1]
    return x[rows]


def _row_blocks(x: Array, rows: NDArray[np.int64], watch: Watch) -> list[NDArray[np.int64]]:
    watch.check()
    step = max(1, 2**20 // max(1, int(np.prod(x.shape[1:]))))
    return [rows[start : start + step] for start in range(0, len(rows), step)]


def _filled(x: Array, fill: NDArray[np.float64] | None) -> Array:
    return x if fill is None else np.where(np.isnan(x), fill, x)


def ranges(x: Array, rows: NDArray[np.int64], fill: NDArray[np.float64] | None, watch: Watch) -> tuple[Array, Array]:
    """Minimum and maximum of every feature over the rows with the indexes `rows` [m]: float64 [*shape] each."""
    lows, highs = [], []
    for block in _row_blocks(x, rows, watch):
        part = _filled(take(x, block), fill)
        lows.append(part.min(axis=0))
        highs.append(part.max(axis=0))
    low: Array = np.min(lows, axis=0).astype(np.float64)
    high: Array = np.max(highs, axis=0).astype(np.float64)
    return low, high


def moments(
    x: Array, rows: NDArray[np.int64], fill: NDArray[np.float64] | None, watch: Watch
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and population standard deviation (ddof 0) of every feature, float64 [*shape] each, in two passes.

    `rows` [m] are indexes into `x`. Deviations are divided by their maximum before squaring, so that huge values do not
    overflow.
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


def medians(x: Array, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The median of every feature over the rows with the indexes `rows` [m], ignoring NaN: [*shape]; 0 if
    all are NaN.
    """
    part = np.asarray(take(x, rows), np.float64)
    empty = np.isnan(part).all(axis=0)
    return np.nanmedian(np.where(empty, 0.0, part), axis=0)
