"""Calls on one core: what XLA compiles for them is not cut into parts, and no thread is left confined."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np
import pytest

from dnnstudio.engine.backend.runtime import tf
from dnnstudio.engine.training.compiled import one_core
from dnnstudio.engine.training.compiled.one_core import OneCore

LARGE = np.zeros((1024, 1024), np.float32)
"""Four megabytes: what XLA cuts into parts where it may."""


def doubled(_: Any, numbers: tf.Tensor) -> Any:
    return tf.function(lambda x: tf.exp(x) * 2, jit_compile=True, autograph=False)(numbers)


def test_what_is_held_and_fed_is_worked_on() -> None:
    call = OneCore(lambda held, fed: held + fed, (3,), (np.int32(0),))
    assert [int(call(np.int32(number))) for number in (1, 5)] == [4, 8]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not let a thread choose processors")
def test_threads_are_confined_until_the_first_call_and_free_afterwards() -> None:
    every = os.sched_getaffinity(0)
    call = OneCore(doubled, (0,), (LARGE,))
    confined = list(call._confined)
    assert confined
    assert {len(os.sched_getaffinity(thread)) for thread in confined} == {1}
    np.testing.assert_array_equal(call(LARGE).numpy(), np.full_like(LARGE, 2))
    assert call._confined == []
    for thread in one_core._threads():
        assert os.sched_getaffinity(thread) == every


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not let a thread choose processors")
def test_a_first_call_that_fails_leaves_no_thread_confined() -> None:
    def fails(_: Any, number: tf.Tensor) -> Any:
        with tf.control_dependencies([tf.debugging.assert_positive(number)]):
            return tf.identity(number)

    call = OneCore(fails, (0,), (np.int32(1),))
    with pytest.raises(tf.errors.InvalidArgumentError):
        call(np.int32(-1))
    assert call._confined == []
    for thread in one_core._threads():
        assert os.sched_getaffinity(thread) == os.sched_getaffinity(0)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not let a thread choose processors")
def test_threads_that_a_confined_thread_starts_are_set_free_with_it() -> None:
    """TensorFlow may start threads during the first call: they inherit the one processor of the thread that calls."""
    before = one_core._threads()
    ready, end = threading.Barrier(3), threading.Event()

    def child() -> None:
        ready.wait()
        end.wait()

    def parent() -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        inherits = threading.Thread(target=child)
        inherits.start()
        ready.wait()
        end.wait()
        inherits.join()

    confined = threading.Thread(target=parent)
    confined.start()
    try:
        ready.wait()
        assert confined.native_id is not None
        one_core._set_free([confined.native_id], before)
        for thread in one_core._threads() - before:
            assert os.sched_getaffinity(thread) == os.sched_getaffinity(0)
    finally:
        end.set()
        confined.join()


def test_an_error_while_it_is_made_is_told() -> None:
    def fails() -> Any:
        raise ValueError("no pipeline")

    with pytest.raises(ValueError, match="no pipeline"):
        one_core._confined(fails)


def test_a_system_without_a_choice_of_processors_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    call = OneCore(doubled, (0,), (LARGE,))
    assert call._confined == []
    assert float(call(LARGE)[0, 0]) == 2
