"""Numbers as a person writes, reads and steps them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnstudio.gui.widgets.inputs.numbers import Limits, Number, Steps, parse, stepped, text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (1e-7, "1e-7"),
        (0.001, "0.001"),
        (0.05, "0.05"),
        (2.5e-5, "2.5e-5"),
        (1.0, "1.0"),
        (-0.05, "-0.05"),
        (-3e-9, "-3e-9"),
        (1e6, "1000000.0"),
        (1e20, "1e20"),
        (100, "100"),
        (-1, "-1"),
    ],
)
def test_a_number_is_shown_as_short_as_it_is_exact(value: Number, text: str) -> None:
    assert text_of(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_shown_is_read_back_exactly(value: float) -> None:
    assert parse(text_of(value), integer=False) == value


@given(st.integers(-(2**70), 2**70))
def test_whole_numbers_are_read_back_exactly(value: int) -> None:
    assert parse(text_of(value), integer=True) == value


@pytest.mark.parametrize(
    ("text", "integer", "value"),
    [
        (" 1,000 ", True, 1000),
        ("1 000", True, 1000),
        ("1e3", True, 1000),
        ("−1", True, -1),
        ("0,5", False, 0.5),
        ("0,001", False, 0.001),
        ("1e-3", False, 0.001),
        (".5", False, 0.5),
        ("12,25", False, 12.25),
    ],
)
def test_usual_ways_of_writing_are_understood(text: str, integer: bool, value: Number) -> None:
    read = parse(text, integer=integer)
    assert read == value and type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "integer"),
    [("", True), ("ten", True), ("2.5", True), ("nan", False), ("inf", False), ("1e999", False), ("1,000", False),
     ("1,2,3", False), ("1.000,5", False), ("9" * 5000, True), ("--1", False)],
)  # fmt: skip
def test_what_is_no_number_or_may_mean_two_is_refused(text: str, integer: bool) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the field words it
        parse(text, integer=integer)


@pytest.mark.parametrize(
    ("limits", "integer", "sentence"),
    [
        (Limits(ge=1, le=1_000_000), True, "Units must be a whole number from 1 to 1,000,000."),
        (Limits(ge=0), True, "Units must be a whole number of at least 0."),
        (Limits(), True, "Units must be a whole number."),
        (Limits(ge=0, lt=1), False, "Units must be at least 0 and below 1."),
        (Limits(gt=0, le=1e6), False, "Units must be above 0 and at most 1,000,000."),
        (Limits(ge=0, le=1), False, "Units must be a number from 0 to 1."),
        (Limits(), False, "Units must be a number."),
    ],
)
def test_the_limits_say_what_is_expected(limits: Limits, integer: bool, sentence: str) -> None:
    assert limits.sentence("Units", integer=integer) == sentence


def _walk(start: Number, direction: int, count: int, steps: Steps, limits: Limits, **more: object) -> list[Number]:
    found = [start]
    for _ in range(count):
        found.append(stepped(found[-1], direction, steps=steps, limits=limits, **more))
    return found[1:]


def test_rates_step_by_factors() -> None:
    limits = Limits(gt=0, le=1e6)
    assert _walk(0.001, 1, 4, Steps.FACTOR, limits) == [0.002, 0.005, 0.01, 0.02]
    assert _walk(0.001, -1, 3, Steps.FACTOR, limits) == [0.0005, 0.0002, 0.0001]
    assert _walk(1e-7, -1, 2, Steps.FACTOR, limits) == [5e-8, 2e-8]
    assert stepped(0.003, 1, steps=Steps.FACTOR, limits=limits) == 0.005
    assert stepped(0.003, 1, steps=Steps.FACTOR, limits=limits, big=True) == 0.03
    assert stepped(1e6, 1, steps=Steps.FACTOR, limits=limits) == 1e6


def test_prices_step_down_to_zero_and_up_from_it() -> None:
    limits = Limits(ge=0)
    assert stepped(1e-6, -1, steps=Steps.FACTOR, limits=limits) == 0.0
    assert stepped(0.0, -1, steps=Steps.FACTOR, limits=limits) == 0.0
    assert stepped(0.0, 1, steps=Steps.FACTOR, limits=limits) == 1e-4


def test_shares_step_by_a_twentieth_and_then_towards_one() -> None:
    limits = Limits(ge=0, lt=1)
    assert _walk(0.8, 1, 6, Steps.SHARE, limits) == [0.85, 0.9, 0.95, 0.98, 0.99, 0.995]
    assert _walk(0.99, -1, 4, Steps.SHARE, limits) == [0.98, 0.95, 0.9, 0.85]
    assert stepped(0.0, -1, steps=Steps.SHARE, limits=limits) == 0.0
    assert stepped(0.02, -1, steps=Steps.SHARE, limits=limits) == 0.0


def test_counts_step_by_their_second_digit_and_double() -> None:
    limits = Limits(ge=1, le=1_000_000)
    assert _walk(98, 1, 4, Steps.COUNT, limits) == [99, 100, 110, 120]
    assert _walk(110, -1, 3, Steps.COUNT, limits) == [100, 99, 98]
    assert _walk(32, 1, 2, Steps.COUNT, limits, big=True) == [64, 128]
    assert stepped(1, -1, steps=Steps.COUNT, limits=limits) == 1
    assert stepped(600_000, 1, steps=Steps.COUNT, limits=limits, big=True) == 1_000_000


@given(
    value=st.floats(1e-9, 0.999),
    direction=st.sampled_from([1, -1]),
    steps=st.sampled_from([Steps.FACTOR, Steps.SHARE, Steps.LINEAR]),
    big=st.booleans(),
)
def test_a_step_stays_inside_and_goes_the_right_way(value: float, direction: int, steps: Steps, big: bool) -> None:
    limits = Limits(gt=0, lt=1)
    after = stepped(value, direction, steps=steps, limits=limits, big=big)
    assert limits.allow(after)
    assert (after - value) * direction >= 0
    assert len(text_of(after)) <= 16 or after == value


@given(value=st.integers(1, 10**6), direction=st.sampled_from([1, -1]), big=st.booleans())
def test_a_counted_step_always_moves_unless_at_the_end(value: int, direction: int, big: bool) -> None:
    limits = Limits(ge=1, le=10**6)
    after = stepped(value, direction, steps=Steps.COUNT, limits=limits, big=big)
    assert limits.allow(after) and isinstance(after, int)
    assert after != value or value == (10**6 if direction > 0 else 1)
