"""The sentence that says whether a transfer helped."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Literal

import pytest
from scipy import stats

from dnnstudio.core.jobs.results import ComparisonRun, TransferComparison
from dnnstudio.core.jobs.seed_comparison import verdict

Start = Literal["scratch", "transfer"]


def comparison(ours: list[float], scratch: list[float], name: str = "accuracy") -> TransferComparison:
    pairs: list[tuple[Start, list[float]]] = [("scratch", scratch), ("transfer", ours)]
    runs = tuple(
        ComparisonRun(seed=seed, start=start, folder=Path(), metrics={"test": {name: value}})
        for start, values in pairs
        for seed, value in enumerate(values)
    )
    return TransferComparison(folder=Path(), runs=runs, summary={})


@pytest.mark.parametrize(
    ("ours", "scratch", "name", "words"),
    [
        ([0.91, 0.92, 0.93], [0.81, 0.83, 0.82], "accuracy", "transfer helped"),
        ([0.81, 0.83, 0.82], [0.91, 0.92, 0.93], "accuracy", "transfer did harm"),
        ([0.91, 0.80, 0.93], [0.90, 0.85, 0.82], "accuracy", "no difference beyond chance"),
        ([0.2, 0.21, 0.22], [0.3, 0.32, 0.31], "loss", "transfer helped"),
        ([0.3, 0.32, 0.31], [0.2, 0.21, 0.22], "loss", "transfer did harm"),
    ],
)
def test_a_gain_counts_beyond_chance(ours: list[float], scratch: list[float], name: str, words: str) -> None:
    """SciPy's paired t test says the same of each."""
    text = verdict(comparison(ours, scratch, name))
    assert text.endswith(f": {words}.")
    assert f"{statistics.mean(ours):.4f} ± {statistics.stdev(ours):.4f} transferred" in text
    assert (stats.ttest_rel(ours, scratch).pvalue < 0.05) == ("beyond" not in words)


def test_wide_apart_seeds_need_more_than_means_that_do_not_touch() -> None:
    """Each mean lies beyond both standard deviations, and yet three pairs do not tell it from chance."""
    text = verdict(comparison([0.90, 0.91, 0.99], [0.80, 0.90, 0.79]))
    assert text.endswith("no difference beyond chance.")


@pytest.mark.parametrize(("count", "words"), [(1, "one seed, which proves nothing"), (2, "two seeds, which prove")])
def test_one_or_two_seeds_prove_nothing(count: int, words: str) -> None:
    text = verdict(comparison([0.99, 0.98][:count], [0.5, 0.51][:count]))
    assert words in text and "helped" not in text and ("±" in text) is (count == 2)


def test_without_figures_nothing_is_said() -> None:
    assert verdict(TransferComparison(folder=Path(), runs=(), summary={})) == ""


def test_the_same_gain_on_every_seed_has_no_spread_to_judge_by() -> None:
    text = verdict(comparison([1.0, 1.0, 1.0], [71 / 72] * 3))
    assert "+0.0139 on each of 3 seeds" in text and "helped" not in text
    assert verdict(comparison([0.9] * 3, [0.9] * 3)).endswith("no difference beyond chance.")
