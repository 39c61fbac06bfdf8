"""Many picture files at once, on all cores: Pillow lets go of the interpreter while it decodes.

Only the scaled pictures are held, and a bounded number of files is under way at any time.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.text import count_of
from dnnstudio.engine.backend.memory import need_memory
from dnnstudio.engine.data.pictures.decode import Pixels, decode, quiet_pillow
from dnnstudio.engine.data.reading import Watch

CHUNK = 16
"""Files a piece of work: a stop is heard between two of them."""
AHEAD = 3
"""Pieces of work that wait for each core."""
EIGHT_BITS = 255.0
SCALES = (255.0, 1_023.0, 4_095.0, 16_383.0, 65_535.0)
"""The highest values of 8, 10, 12, 14 and 16 bits."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """The pictures that could be read.

    `x` is [n, height, width] or [n, height, width, 3]: uint8, or float32 in the units of the deep files where there is
    one. `index` (int64 [n]) are the places of its rows in the list of files; `refused` are the others, with the reason.
    `deep_scale` is what white is in the deep pictures, None where there are none or where no depth fits (values below 0
    or beyond 16 bits). `deep`, `alpha` and `cut` count pictures, as `Pixels` says.
    """

    x: NDArray[Any]
    index: NDArray[np.int64]
    refused: tuple[tuple[int, str], ...]
    deep_scale: float | None = None
    deep: int = 0
    alpha: int = 0
    cut: int = 0


class _Sink:
    """Rows as they come, from any thread: each has its own place, so no lock is needed but for the first deep one."""

    def __init__(self, count: int, shape: tuple[int, ...], what: str) -> None:
        self._what, self._shape = what, (count, *shape)
        # Pages that nothing is written to take no memory.
        self.bytes = np.empty(self._shape, np.uint8)
        self.floats: NDArray[np.float32] | None = None
        self.deep = np.zeros(count, np.bool_)
        self.notes: list[Pixels | None] = [None] * count
        self.reasons: list[str] = [""] * count

    def make_room(self) -> NDArray[np.float32]:
        """Room for pictures of more than 8 bits, asked for once one has come."""
        if self.floats is None:
            need_memory(int(np.prod(self._shape)) * 8, what=self._what)
            self.floats = np.empty(self._shape, np.float32)
        return self.floats


def decode_all(files: Sequence[Path], height: int, width: int, *, color: bool, watch: Watch, what: str) -> Decoded:
    """Every file that can be read, scaled to one size. `what` names them where memory does not suffice.

    Raises `UserError` where they would not fit into memory, or `Cancelled` by the watch.
    """
    shape = (height, width, 3) if color else (height, width)
    need_memory(len(files) * int(np.prod(shape)) * 5, what=f"{what} ({count_of(len(files), 'picture')})")
    sink = _Sink(len(files), shape, what)
    workers = max(1, os.cpu_count() or 1)
    waiting: deque[tuple[int, Future[list[Pixels | str]]]] = deque()

    def work(start: int) -> list[Pixels | str]:
        results: list[Pixels | str] = []
        for path in files[start : start + CHUNK]:
            watch.check()
            try:
                results.append(decode(path, height, width, color=color))
            except UserError as error:
                results.append(error.message)
        return results

    def keep() -> None:
        start, future = waiting.popleft()
        for place, result in enumerate(future.result(), start):
            if isinstance(result, str):
                sink.reasons[place] = result
                continue
            (sink.make_room() if result.deep else sink.bytes)[place] = result.values
            sink.deep[place] = result.deep
            sink.notes[place] = Pixels(sink.bytes[:0], result.deep, result.lowest, result.highest, *_flags(result))
        watch.tell(min(start + CHUNK, len(files)), len(files), "Reading pictures")

    with quiet_pillow(), ThreadPoolExecutor(workers, thread_name_prefix="pictures") as pool:
        try:
            for start in range(0, len(files), CHUNK):
                waiting.append((start, pool.submit(work, start)))
                while len(waiting) >= AHEAD * workers:
                    keep()
            while waiting:
                keep()
        finally:
            pool.shutdown(cancel_futures=True)
    return _finished(sink)


def _flags(result: Pixels) -> tuple[bool, bool, bool]:
    return result.whole, result.alpha, result.cut


def _finished(sink: _Sink) -> Decoded:
    good = np.asarray([note is not None for note in sink.notes], np.bool_)
    index = np.flatnonzero(good).astype(np.int64)
    notes = [note for note in sink.notes if note is not None]
    refused = tuple((place, reason) for place, reason in enumerate(sink.reasons) if reason)
    deep = [note for note in notes if note.deep]
    counts = {"alpha": sum(note.alpha for note in notes), "cut": sum(note.cut for note in notes)}
    if not deep:
        return Decoded(_only(sink.bytes, index), index, refused, **counts)
    scale = scale_of(
        min(note.lowest for note in deep), max(note.highest for note in deep), whole=all(note.whole for note in deep)
    )
    floats = sink.make_room()
    for row in np.flatnonzero(good & ~sink.deep):  # white is white: 8 bits are brought to the depth of the others
        floats[row] = sink.bytes[row] * np.float32((scale or EIGHT_BITS) / EIGHT_BITS)
    return Decoded(_only(floats, index), index, refused, scale, len(deep), **counts)


def scale_of(lowest: float, highest: float, *, whole: bool) -> float | None:
    """The stored value that means white, of all deep pictures together: 1 for fractions, else the depth that fits.

    None where no depth fits: the range of the training rows is the scale then.
    """
    if lowest < 0 or highest > SCALES[-1]:
        return None
    if highest <= 1.0 and not whole:
        return 1.0
    return next(scale for scale in SCALES if highest <= scale)


def _only(x: NDArray[Any], index: NDArray[np.int64]) -> NDArray[Any]:
    """The rows of `index` moved to the front in place, a block at a time: no second copy of the pictures."""
    if len(index) == len(x):
        return x
    for start in range(0, len(index), 1_024):
        chosen = index[start : start + 1_024]
        x[start : start + len(chosen)] = x[chosen]
    return x[: len(index)]
