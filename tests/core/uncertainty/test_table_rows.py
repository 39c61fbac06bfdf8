"""Table values in words, and their place among the training rows, against pandas-free counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dnnstudio.core.uncertainty import table_rows
from dnnstudio.core.uncertainty.table_rows import shown_columns

TRAINING = np.array(
    [
        [1.5, 0, 0.0, 0],
        [2.5, 1, 365.0, 2],
        [2.5, 1, 366.0, 2],
        [np.nan, 1, 400.0, np.nan],
        [9.0, 0, 500.0, 0],
    ]
)
NUMBER, SMOKES, DAY, COLOUR = shown_columns(
    TRAINING,
    names=("size", "smokes", "day", "colour"),
    kinds=("number", "yes_no", "date", "category"),
    words=((), (), (), ("red", "green", "blue")),
)


def test_values_are_shown_in_words() -> None:
    assert [NUMBER.text(2.5), SMOKES.text(1.0), SMOKES.text(0.0)] == ["2.5", "yes", "no"]
    (own,) = shown_columns(TRAINING[:, 1:2], names=("raucht",), kinds=("yes_no",), words=(("nein", "ja"),))
    assert [own.text(1.0), own.text(0.0)] == ["ja", "nein"]
    assert [DAY.text(0.0), DAY.text(365.0)] == ["1970-01-01", "1971-01-01"]
    assert [COLOUR.text(2.0), COLOUR.text(7.0), NUMBER.text(np.nan)] == ["blue", "empty", "empty"]
    assert DAY.text(1e12) == "day 1e+12"


def test_a_place_counts_smaller_rows_whole_and_equal_ones_half() -> None:
    assert NUMBER.share_below(2.5) == (1 + 2 / 2) / 4
    assert NUMBER.share_below(0.0) == 0.0 and NUMBER.share_below(10.0) == 1.0
    assert COLOUR.share_alike(2.0) == 2 / 4 and COLOUR.share_alike(1.0) == 0.0
    assert np.isnan(NUMBER.share_below(np.nan)) and np.isnan(COLOUR.share_alike(np.nan))


def test_what_no_training_row_holds_is_outside() -> None:
    assert NUMBER.is_outside(9.1) and NUMBER.is_outside(1.0) and not NUMBER.is_outside(3.0)
    assert COLOUR.is_outside(1.0) and not COLOUR.is_outside(0.0)
    assert not NUMBER.is_outside(np.nan)


def test_columns_without_names_are_numbered_and_many_rows_thinned_out_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_rows, "MOST_NUMBERS", 200)
    first, second = shown_columns(np.arange(2000.0).reshape(1000, 2))
    assert (first.name, second.name) == ("value 1", "value 2")
    assert len(first.ordered) == 100
    assert first.share_below(1000.0) == pytest.approx(0.5, abs=0.01)
