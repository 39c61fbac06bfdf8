"""Calls a function repeatedly on one core, whatever TensorFlow's number of threads.

This is faster for small steps: a compiled step of half a millisecond has dozens of operations, and with two threads
each of them moves between cores, which costs a third more time on both. It also leaves the other core to the window.
TensorFlow's number of threads is fixed per process; only a `tf.data` pipeline can request fewer, so the calls are made
by a pipeline.

XLA ignores the pipeline's setting: it splits larger loops into as many parts as the compiling thread may use
processors, and a step that ends in such a loop continues on the core of its last part, with all weights in the other
core's cache. Therefore the pipeline's thread is confined to one processor until it has compiled.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from dnnstudio.engine.backend.runtime import tf

TASKS = Path("/proc/self/task")


class OneCore:
    """`work(*held, *fed)` on one core: `held` stays the same, `fed` changes at every call."""

    def __init__(
        self, work: Callable[..., Any], held: tuple[Any, ...], fed: tuple[NDArray[Any], ...], *, niceness: int = 0
    ) -> None:
        """`fed` is an example with the shapes and dtypes of later arguments.

        `niceness` lowers the priority of the pipeline's thread by so much, if the system can (Linux).
        """
        self._fed = [tf.Variable(array, trainable=False) for array in fed]
        options = tf.data.Options()
        options.threading.max_intra_op_parallelism = 1
        options.threading.private_threadpool_size = 1
        options.autotune.enabled = False
        options.experimental_optimization.apply_default_optimizations = False
        # `held` passes through the pipeline: a function that captured it would keep it until the next collection.
        calls = tf.data.Dataset.from_tensors(held).repeat()
        calls = calls.map(lambda *given: work(*given, *(variable.value() for variable in self._fed)))
        self._before = _threads()
        self._results, self._confined = _confined(lambda: iter(calls.with_options(options)), niceness)

    def __call__(self, *fed: NDArray[Any]) -> Any:
        for variable, array in zip(self._fed, fed, strict=True):
            variable.assign(array)
        try:
            return next(self._results)
        finally:
            if self._confined:
                _set_free(self._confined, self._before)
                self._confined = []


def _confined(make: Callable[[], Iterator[Any]], niceness: int = 0) -> tuple[Iterator[Any], list[int]]:
    """Call `make`; the threads it starts may each use one processor and have a lower priority."""
    if not hasattr(os, "sched_setaffinity") or not TASKS.is_dir():
        return make(), []
    _start_compilers()
    made: list[Iterator[Any]] = []
    errors: list[BaseException] = []
    started: list[int] = []

    def beside() -> None:
        """Runs in a separate thread, whose processor affinity and niceness the new threads inherit."""
        os.nice(niceness)
        one = {min(os.sched_getaffinity(0))}
        os.sched_setaffinity(0, one)
        before = _threads()
        try:
            made.append(make())
        except BaseException as error:
            errors.append(error)
        for thread in _threads() - before:
            with suppress(OSError):  # the thread has ended
                if os.sched_getaffinity(thread) == one:
                    started.append(thread)

    helper = threading.Thread(target=beside, name="starting a pipeline")
    helper.start()
    helper.join()
    if errors:
        raise errors[0]
    return made[0], started


def _set_free(threads: list[int], before: set[int]) -> None:
    """Let the threads use all processors available to this one, and with them what they have started.

    A thread that a confined one starts inherits its processor, and may do so while this looks for them: it looks again
    until it finds nothing new. `before` are the threads that were there before any was confined; they are left alone.
    """
    every = os.sched_getaffinity(0)
    free: set[int] = set()
    found = set(threads)
    while found:
        for thread in found:
            with suppress(OSError):  # the thread has ended
                if os.sched_getaffinity(thread) < every:
                    os.sched_setaffinity(thread, every)
        free |= found
        found = _threads() - before - free


def _threads() -> set[int]:
    """The system's numbers of this process's threads; none where the system does not list them."""
    return {int(task.name) for task in TASKS.iterdir()} if TASKS.is_dir() else set()


@cache
def _start_compilers() -> None:
    """Make XLA start its compiler threads, once per process, from a thread that is not confined."""
    tf.function(lambda number: number + 1, jit_compile=True)(tf.zeros(()))
