"""The round numbers of an axis, for any numbers."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnstudio.core.ticks import FARTHEST, around, decades, ends_of, is_drawable, round_number, told_apart

ANY = st.floats(allow_nan=True, allow_infinity=True)


@given(ANY, ANY)
def test_two_ends_are_apart_and_within_what_can_be_drawn(low: float, high: float) -> None:
    bottom, top = ends_of(low, high)
    assert top > bottom and (top - bottom) / 8 > 0 and abs(bottom) <= 2 * FARTHEST and abs(top) <= 2 * FARTHEST
    if is_drawable(low) and is_drawable(high) and low <= high:
        slack = Fraction(max(top - bottom, 1e-100)) / 10**8
        assert Fraction(bottom) - slack <= Fraction(low) and Fraction(high) <= Fraction(top) + slack


@pytest.mark.parametrize(
    ("given", "ends"),
    [
        ((0.2, 1.0), (0.2, 1.0)),
        ((4.0, 4.0), (2.0, 6.0)),
        ((-4.0, -4.0), (-6.0, -2.0)),
        ((0.0, 0.0), (-0.5, 0.5)),
        ((5e-324, 5e-324), (-0.5, 0.5)),
        ((-1e308, 1e308), (-1e100, 1e100)),
        ((float("nan"), 1.0), (0.0, 1.0)),
        ((float("-inf"), 0.0), (-1e100, 0.0)),
    ],
)
def test_a_single_value_has_room_around_it(given: tuple[float, float], ends: tuple[float, float]) -> None:
    assert ends_of(*given) == ends


@pytest.mark.parametrize(
    ("low", "high", "step", "multiples"),
    [(0.3, 0.9, 0.1, (3, 9)), (-0.25, 1.1, 0.5, (-1, 3)), (0, 1e100, 5e99, (0, 2))],
)
def test_a_range_is_enclosed_by_multiples(low: float, high: float, step: float, multiples: tuple[int, int]) -> None:
    assert around(low, high, step) == multiples


def test_a_round_number_is_exact() -> None:
    assert [round_number(n, -1) for n in (1, 2, 3)] == [0.1, 0.2, 0.3]
    assert round_number(25, -102) == 2.5e-101


@given(st.floats(5e-324, 1.7e308), st.floats(5e-324, 1.7e308))
def test_decades_lie_within_their_ends(one: float, other: float) -> None:
    low, high = sorted((one, other))
    found = decades(low, high, (1, 2, 5))
    assert found == sorted(set(found)) and all(low * 0.999 <= value <= high for value in found if value < high)


def test_values_are_written_with_as_many_digits_as_tell_them_apart() -> None:
    def write(value: float, digits: int) -> str:
        return f"{value:.{digits}f}"

    assert told_apart([0.5, 0.51], write, 1, 9) == ["0.50", "0.51"]
    assert told_apart([0.5, 0.6], write, 1, 9) == ["0.5", "0.6"]
    assert told_apart([0.5, 0.5], write, 1, 9) == ["0.5", "0.5"]
    assert told_apart([], write, 1, 9) == []
