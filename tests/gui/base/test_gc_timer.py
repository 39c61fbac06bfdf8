"""What a job leaves is collected after it, on the window's thread, and not while the next one runs."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from dnnstudio.gui.base.gc_timer import GarbageCollector


class Cycle:
    """Garbage that only the collector frees."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def collector(qapp: Any) -> Iterator[GarbageCollector]:
    made = GarbageCollector()
    gc.collect()
    made.start()
    yield made
    made.stop()


def left_by_a_job() -> weakref.ref[Cycle]:
    return weakref.ref(Cycle())


def test_what_a_job_leaves_is_collected_after_it(qtbot: Any, collector: GarbageCollector) -> None:
    collector.set_busy(True)
    left = left_by_a_job()
    collector.set_busy(False)
    assert collector.waiting and left() is not None
    qtbot.waitUntil(lambda: left() is None)
    assert not collector.waiting


def test_a_job_that_follows_at_once_is_not_disturbed(collector: GarbageCollector) -> None:
    collector.set_busy(True)
    left = left_by_a_job()
    collector.set_busy(False)
    collector.set_busy(True)
    assert not collector.waiting and left() is not None


def test_nothing_is_collected_without_a_job_or_after_the_stop(collector: GarbageCollector) -> None:
    collector.set_busy(False)
    assert not collector.waiting
    collector.set_busy(True)
    collector.stop()
    collector.set_busy(False)
    assert not collector.waiting


@pytest.mark.parametrize("enabled", [True, False])
def test_python_collects_afterwards_as_it_did_before(qapp: Any, *, enabled: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        made = GarbageCollector()
        made.start()
        assert not gc.isenabled()
        made.stop()
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()
