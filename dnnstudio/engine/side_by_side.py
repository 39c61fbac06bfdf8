"""One function called on all cores at once, each call on one: large pieces that need nothing of each other.

A call that is spread over the cores waits at every operation for the slowest of them, and hands each one to and fro.

As they keep every core busy, a window beside them would wait for a processor, 8 to 16 ms in one turn of its loop. So
there they give way, which Linux lets a single thread do.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, TypeVar

from numpy.typing import NDArray

from dnnstudio.engine.fast.one_core import OneCore

MOST_CORES = 8
NICENESS = 10
"""A thread that is not nice gets nine times as much of a processor as one that is so nice."""
CAN_GIVE_WAY = sys.platform == "linux"
"""Elsewhere niceness is the whole process's, the window's too."""
Piece = TypeVar("Piece")


class SideBySide:
    """`work` of what is like `example`, in shapes and types, on as many cores as there are."""

    def __init__(self, work: Callable[..., Any], example: tuple[Any, ...], *, gives_way: bool = False) -> None:
        """`gives_way`: to every thread that is not as nice, where the system can (`CAN_GIVE_WAY`)."""
        self.cores = min(os.cpu_count() or 1, MOST_CORES)
        self._niceness = NICENESS if gives_way and CAN_GIVE_WAY else 0
        self._callers: SimpleQueue[OneCore] = SimpleQueue()
        for _ in range(self.cores):
            self._callers.put(OneCore(lambda _, *fed: work(*fed), (0,), example, niceness=self._niceness))

    def map(
        self, pieces: Iterable[Piece], given: Callable[[Piece], tuple[Any, ...]]
    ) -> Iterator[tuple[Piece, NDArray[Any]]]:
        """Each piece with what `work` makes of what is `given` for it, in their order; few of them at a time."""

        def call(piece: Piece) -> NDArray[Any]:
            caller = self._callers.get()
            try:
                return caller(*given(piece)).numpy()  # type: ignore[no-any-return]
            finally:
                self._callers.put(caller)

        waiting: deque[tuple[Piece, Future[NDArray[Any]]]] = deque()
        # Niceness is never taken back, so a thread of the pool has it and not the caller's.
        nice = (os.nice, (self._niceness,)) if self._niceness else (None, ())
        with ThreadPoolExecutor(self.cores, "side by side", *nice) as pool:
            try:
                for piece in pieces:
                    waiting.append((piece, pool.submit(call, piece)))
                    if len(waiting) > self.cores + 1:
                        first, done = waiting.popleft()
                        yield first, done.result()
                while waiting:
                    first, done = waiting.popleft()
                    yield first, done.result()
            finally:
                pool.shutdown(cancel_futures=True)
