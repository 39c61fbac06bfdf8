"""Wilson's interval against SciPy and its own definition."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from dnnstudio.core.uncertainty.proportions import Share


@pytest.mark.parametrize(("hits", "total"), [(0, 1), (1, 1), (0, 20), (20, 20), (3, 7), (42, 50), (9_991, 10_000)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_the_interval_equals_scipy(hits: int, total: int, level: float) -> None:
    wanted = binomtest(hits, total).proportion_ci(confidence_level=level, method="wilson")
    assert Share(hits, total).interval(level=level) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


@given(st.integers(1, 5000), st.floats(0, 1))
def test_the_interval_lies_within_0_and_1_and_around_the_share(total: int, part: float) -> None:
    share = Share(round(part * total), total)
    low, high = share.interval()
    assert 0 <= low <= share.value <= high <= 1
    assert low < high


def test_no_rows_say_nothing() -> None:
    nothing = Share(0, 0)
    assert math.isnan(nothing.value)
    assert nothing.interval() == (0.0, 1.0)
    assert not nothing.misses(0.99)


def test_a_share_misses_a_promise_only_beyond_its_interval() -> None:
    assert Share(20, 42).misses(0.9)  # up to 0.62
    assert not Share(35, 41).misses(0.9)  # up to 0.93
    assert Share(8_500, 10_000).misses(0.9)
