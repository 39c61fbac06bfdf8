"""One function called on all cores at once, each call on one: large pieces that need nothing of each other.

A call that is spread over the cores waits at every operation for the slowest of them, and hands each one to and fro.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, TypeVar

from numpy.typing import NDArray

from dnnstudio.engine.fast.one_core import OneCore

MOST_CORES = 8
Piece = TypeVar("Piece")


class SideBySide:
    """`work` of what is like `example`, in shapes and types, on as many cores as there are."""

    def __init__(self, work: Callable[..., Any], example: tuple[Any, ...]) -> None:
        self.cores = min(os.cpu_count() or 1, MOST_CORES)
        self._callers: SimpleQueue[OneCore] = SimpleQueue()
        for _ in range(self.cores):
            self._callers.put(OneCore(lambda _, *fed: work(*fed), (0,), example))

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
        with ThreadPoolExecutor(self.cores, "side by side") as pool:
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
