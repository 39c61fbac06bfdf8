"""Calling a function again and again on one core, whatever number of threads TensorFlow has.

Small steps are quicker so: a compiled step of half a millisecond has dozens of operations, and with two threads each of
them is handed to and fro, which costs a third more time than it saves, on both cores. The other core is then free for
the window. TensorFlow's number of threads is fixed for a process; a `tf.data` pipeline alone may ask for fewer, so the
calls are made by one.

XLA does not ask the pipeline: it cuts the larger loops into as many parts as the thread that compiles may use
processors, and a step that ends in such a loop goes on wherever its last part was done, with all weights in the other
core's cache. So the pipeline's thread may use one processor until it has compiled.
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

from dnnstudio.engine.runtime import tf

TASKS = Path("/proc/self/task")


class OneCore:
    """`work(*held, *fed)` on one core: `held` stays the same, `fed` is given anew at every call."""

    def __init__(
        self, work: Callable[..., Any], held: tuple[Any, ...], fed: tuple[NDArray[Any], ...], *, niceness: int = 0
    ) -> None:
        """`fed` is an example: the shapes and types of what will be given. `niceness`: by so much the pipeline's thread
        is nicer than the caller's, where the system can (Linux).
        """
        self._fed = [tf.Variable(array, trainable=False) for array in fed]
        options = tf.data.Options()
        options.threading.max_intra_op_parallelism = 1
        options.threading.private_threadpool_size = 1
        options.autotune.enabled = False
        options.experimental_optimization.apply_default_optimizations = False
        # What is held goes through the pipeline: a function that captured it would keep it until the next collection.
        calls = tf.data.Dataset.from_tensors(held).repeat()
        calls = calls.map(lambda *given: work(*given, *(variable.value() for variable in self._fed)))
        self._results, self._confined = _confined(lambda: iter(calls.with_options(options)), niceness)

    def __call__(self, *fed: NDArray[Any]) -> Any:
        for variable, array in zip(self._fed, fed, strict=True):
            variable.assign(array)
        try:
            return next(self._results)
        finally:
            if self._confined:
                _set_free(self._confined)
                self._confined = []


def _confined(make: Callable[[], Iterator[Any]], niceness: int = 0) -> tuple[Iterator[Any], list[int]]:
    """What `make` makes, and the threads that it starts, each of which may use one processor and is so much nicer."""
    if not hasattr(os, "sched_setaffinity") or not TASKS.is_dir():
        return make(), []
    _start_compilers()
    made: list[Iterator[Any]] = []
    errors: list[BaseException] = []
    started: list[int] = []

    def beside() -> None:
        """In a thread of its own, whose processor and niceness the threads that it starts inherit."""
        os.nice(niceness)
        one = {min(os.sched_getaffinity(0))}
        os.sched_setaffinity(0, one)
        before = _threads()
        try:
            made.append(make())
        except BaseException as error:
            errors.append(error)
        for thread in _threads() - before:
            with suppress(OSError):  # it has ended
                if os.sched_getaffinity(thread) == one:
                    started.append(thread)

    helper = threading.Thread(target=beside, name="starting a pipeline")
    helper.start()
    helper.join()
    if errors:
        raise errors[0]
    return made[0], started


def _set_free(threads: list[int]) -> None:
    """Let the threads use all processors that this one may."""
    for thread in threads:
        with suppress(OSError):
            os.sched_setaffinity(thread, os.sched_getaffinity(0))


def _threads() -> set[int]:
    return {int(task.name) for task in TASKS.iterdir()}


@cache
def _start_compilers() -> None:
    """Let XLA start the threads that it compiles with, once in a process: not from one that is confined."""
    tf.function(lambda number: number + 1, jit_compile=True)(tf.zeros(()))
