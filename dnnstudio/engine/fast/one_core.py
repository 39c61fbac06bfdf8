"""Calling a function again and again on one core, whatever number of threads TensorFlow has.

Small steps are quicker so: a compiled step of half a millisecond has dozens of operations, and with two threads each of
them is handed to and fro, which costs a third more time than it saves, on both cores. The other core is then free for
the window. TensorFlow's number of threads is fixed for a process; a `tf.data` pipeline alone may ask for fewer, so the
calls are made by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from dnnstudio.engine.runtime import tf


class OneCore:
    """`work(*held, *fed)` on one core: `held` stays the same, `fed` is given anew at every call."""

    def __init__(self, work: Callable[..., Any], held: tuple[Any, ...], fed: tuple[NDArray[Any], ...]) -> None:
        """`fed` is an example: the shapes and types of what will be given."""
        self._fed = [tf.Variable(array, trainable=False) for array in fed]
        options = tf.data.Options()
        options.threading.max_intra_op_parallelism = 1
        options.autotune.enabled = False
        options.experimental_optimization.apply_default_optimizations = False
        # What is held goes through the pipeline: a function that captured it would keep it until the next collection.
        calls = tf.data.Dataset.from_tensors(held).repeat()
        calls = calls.map(lambda *given: work(*given, *(variable.value() for variable in self._fed)))
        self._results = iter(calls.with_options(options))

    def __call__(self, *fed: NDArray[Any]) -> Any:
        for variable, array in zip(self._fed, fed, strict=True):
            variable.assign(array)
        return next(self._results)
