"""Numbers, sizes, times and names in words: every expectation is written by hand."""

from __future__ import annotations

import time

import pytest

from dnnstudio.core.text import (
    breakable,
    byte_size,
    count_of,
    date_text,
    duration,
    figure,
    listed,
    moment_text,
    percent,
    plural,
    printable,
    share_text,
    shortened,
    small,
    unbroken,
    within_words,
)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1_000, "1.0 kB"), (12_345, "12.3 kB"),
        (999_949, "999.9 kB"), (999_950, "1.0 MB"), (1_000_000, "1.0 MB"), (1_048_576, "1.0 MB"),
        (268_435_456, "268.4 MB"), (2_500_000_000, "2.5 GB"), (5_000_000_000_000, "5,000.0 GB"),
    ],
)  # fmt: skip
def test_sizes_are_decimal(count: int, words: str) -> None:
    assert byte_size(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"), (-3, "0 s"), (0, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (95, "1 min 35 s"),
        (3_599, "59 min 59 s"), (3_600, "1 h 0 min"), (3_725, "1 h 2 min"), (90_000, "25 h 0 min"),
    ],
)  # fmt: skip
def test_durations_have_at_most_two_units(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("noun", "many"),
    [("row", "rows"), ("class", "classes"), ("pass", "passes"), ("entry", "entries"), ("array", "arrays"),
     ("empty cell", "empty cells"), ("box", "boxes"), ("batch", "batches"), ("axis", "axes"), ("epoch", "epochs"),
     ("branch", "branches")],
)  # fmt: skip
def test_plurals(noun: str, many: str) -> None:
    assert plural(noun) == many


def test_counts_have_separators_and_the_right_number() -> None:
    assert [count_of(number, "row") for number in (0, 1, 2, 1437)] == ["0 rows", "1 row", "2 rows", "1,437 rows"]


def test_shares_are_per_cent_with_a_space_that_does_not_break() -> None:
    assert percent(0.766) == "77\u00a0%"
    assert percent(0.7666, 2) == "76.66\u00a0%"
    assert [share_text(None), share_text(0.875)] == ["–", "87.5\u00a0%"]
    assert unbroken("3 min 20 s") == "3\u00a0min\u00a020\u00a0s"


def test_long_lists_end_in_how_many_are_left_out() -> None:
    names = ("a", "b", "c", "d", "e")
    assert [listed(names[:number]) for number in range(6)] == [
        "", "a", "a and b", "a, b and c", "a, b and 2 more", "a, b and 3 more",
    ]  # fmt: skip
    assert listed(names, most=4) == "a, b, c and 2 more"


def test_dates_have_one_form() -> None:
    when = time.mktime((2026, 11, 22, 9, 5, 0, 0, 0, -1))
    assert date_text(when) == "22 Nov 2026, 9:05"
    assert date_text(0) == "–"
    assert moment_text(when, when + 60) == "at 9:05"
    assert moment_text(when, when + 3 * 86_400) == "on 22 Nov 2026 at 9:05"


def test_text_out_of_a_file_is_made_harmless() -> None:
    assert printable("a\x1b[31m\u202eb\n") == "a�[31m�b�"
    assert [shortened("abcdef", 6), shortened("abcdefg", 6)] == ["abcdef", "abcde…"]


@pytest.mark.parametrize(
    ("value", "signed", "text"),
    [
        (-31_894.2, True, "-31,894"),
        (2556.3, False, "2,556"),
        (2556.3, True, "+2,556"),
        (0.041236, False, "0.04124"),
        (17.526, True, "+17.53"),
        (0.0, False, "0"),
        (float("nan"), False, "nan"),
        (3.2e12, False, "3.2e+12"),
    ],
)
def test_a_figure_has_four_digits_that_count_and_separated_thousands(value: float, signed: bool, text: str) -> None:
    assert figure(value, signed=signed) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.1e-7, "1.1e-7"), (1e-7, "1e-7"), (0.0, "0"), (0.0763, "0.076"), (2.5e-5, "2.5e-5"), (float("inf"), "inf")],
)
def test_a_small_difference_is_written_as_fields_write_it(value: float, text: str) -> None:
    assert small(value) == text


@pytest.mark.parametrize(
    ("title", "inside"),
    [("Clip norm", "clip norm"), ("Rate", "rate"), ("L2", "L2"), ("Monte Carlo", "Monte Carlo"), ("A b", "a b")],
)
def test_a_title_within_words_begins_small_unless_it_is_a_name(title: str, inside: str) -> None:
    assert within_words(title) == inside


def test_a_long_name_that_no_line_can_break_is_cut_in_its_middle() -> None:
    name = "a" * 100 + "b" * 100
    assert breakable(f"Opened {name} at last.") == f"Opened {'a' * 40}…{'b' * 39} at last."
    assert breakable("/home/" + "folder/" * 40) == "/home/" + "folder/" * 40, "a line breaks behind a slash"
    assert breakable("x" * 80) == "x" * 80
