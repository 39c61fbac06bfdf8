"""Runs independent calls of one function in parallel, each single-threaded on its own core.

A call that is itself spread over the cores waits for the slowest core at every operation, and moves data between them.

Because every core is busy, a window in the same process would wait 8 to 16 ms for a core in each event-loop iteration.
The workers therefore lower their priority, which Linux allows per thread.
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

from dnnstudio.engine.training.compiled.one_core import OneCore

MOST_CORES = 8
NICENESS = 10
"""At this niceness a thread gets a ninth of the processor time of one with the default niceness."""
CAN_GIVE_WAY = sys.platform == "linux"
"""On other systems niceness belongs to the whole process, the window included."""
Piece = TypeVar("Piece")


class ParallelCalls:
    """Parallel calls of `work` on inputs with the shapes and types of `example`, on all cores."""

    def __init__(self, work: Callable[..., Any], example: tuple[Any, ...], *, gives_way: bool = False) -> None:
        """`gives_way`: run at lower priority than other threads, if the system can (`CAN_GIVE_WAY`)."""
        self.cores = min(os.cpu_count() or 1, MOST_CORES)
        self._niceness = NICENESS if gives_way and CAN_GIVE_WAY else 0
        self._callers: SimpleQueue[OneCore] = SimpleQueue()
        for _ in range(self.cores):
            self._callers.put(OneCore(lambda _, *fed: work(*fed), (0,), example, niceness=self._niceness))

    def map(
        self, pieces: Iterable[Piece], given: Callable[[Piece], tuple[Any, ...]]
    ) -> Iterator[tuple[Piece, NDArray[Any]]]:
        """Each piece with the array `work` returns for its arguments `given`, any shape [...], in order;
        few run ahead.
        """

        def call(piece: Piece) -> NDArray[Any]:
            caller = self._callers.get()
            try:
                return caller(*given(piece)).numpy()  # type: ignore[no-any-return]
            finally:
                self._callers.put(caller)

        waiting: deque[tuple[Piece, Future[NDArray[Any]]]] = deque()
        # A thread cannot lower its niceness again, so the pool's threads raise theirs and the caller's does not.
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
