"""The sentence that says whether a transfer helped."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from dnnstudio.core.comparison import verdict
from dnnstudio.core.jobs import ComparisonRun, Spread, TransferComparison

Start = Literal["scratch", "transfer"]


def comparison(
    ours: tuple[float, float], scratch: tuple[float, float], seeds: int, name: str = "accuracy"
) -> TransferComparison:
    starts: tuple[Start, ...] = ("scratch", "transfer")
    runs = tuple(
        ComparisonRun(seed=seed, start=start, folder=Path(), metrics={}) for seed in range(seeds) for start in starts
    )
    summary = {
        "scratch": {"test": {name: Spread(mean=scratch[0], sd=scratch[1])}},
        "transfer": {"test": {name: Spread(mean=ours[0], sd=ours[1])}},
    }
    return TransferComparison(folder=Path(), runs=runs, summary=summary)


@pytest.mark.parametrize(
    ("ours", "scratch", "name", "words"),
    [
        ((0.9958, 0.0006), (0.9915, 0.0015), "accuracy", "transfer helped"),
        ((0.9915, 0.0015), (0.9958, 0.0006), "accuracy", "transfer did harm"),
        ((0.9915, 0.0030), (0.9958, 0.0020), "accuracy", "no difference beyond the spread"),
        ((0.2, 0.01), (0.3, 0.01), "loss", "transfer helped"),
        ((0.3, 0.01), (0.2, 0.01), "loss", "transfer did harm"),
    ],
)
def test_a_gain_counts_beyond_the_spread(
    ours: tuple[float, float], scratch: tuple[float, float], name: str, words: str
) -> None:
    text = verdict(comparison(ours, scratch, 3, name))
    assert text.endswith(f"over 3 seeds: {words}.")
    assert f"{ours[0]:.4f} ± {ours[1]:.4f} transferred" in text


def test_one_seed_decides_nothing() -> None:
    text = verdict(comparison((0.99, 0.0), (0.9, 0.0), 1))
    assert "one seed" in text and "helped" not in text and "±" not in text


def test_without_figures_nothing_is_said() -> None:
    assert verdict(TransferComparison(folder=Path(), runs=(), summary={})) == ""
