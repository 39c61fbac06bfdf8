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
    mean, spread = statistics.mean(ours), statistics.stdev(ours)
    told = f"{mean * 100:.1f} ± {spread * 100:.1f} %" if name == "accuracy" else f"{mean:.3f} ± {spread:.3f}"
    assert f"{told} transferred" in text.replace("\u00a0", " ")
    assert f"{mean:.4f} ± {spread:.4f} transferred" in verdict(comparison(ours, scratch, name), fractions=True)
    assert (stats.ttest_rel(ours, scratch).pvalue < 0.05) == ("beyond" not in words)


def test_a_difference_is_told_in_the_unit_of_its_figure() -> None:
    """Accuracies in percent and their difference in points, as SciPy's interval says; a loss as a number."""
    ours, scratch = [0.91, 0.93, 0.95], [0.90, 0.91, 0.94]
    low, high = stats.ttest_rel(ours, scratch).confidence_interval(0.95)
    interval = f"+1.33 points a seed (95 % interval {100 * low:+.2f} to {100 * high:+.2f})"
    assert interval in verdict(comparison(ours, scratch))
    assert f"+0.0133 a seed (95 % interval {low:+.4f} to {high:+.4f})" in verdict(
        comparison(ours, scratch), fractions=True
    )
    assert "+0.01333 a seed" in verdict(comparison(ours, scratch, "loss"))


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
    assert "+1.39 points on each of 3 seeds" in text and "helped" not in text
    assert verdict(comparison([0.9] * 3, [0.9] * 3)).endswith("no difference beyond chance.")
