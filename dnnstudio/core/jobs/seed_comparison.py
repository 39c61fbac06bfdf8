"""Transfer against training from scratch: mean and standard deviation over the seeds, a table, and a one-sentence
verdict.
"""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Sequence
from typing import Any

from dnnstudio.core.jobs.results import ComparisonRun, Spread, TransferComparison
from dnnstudio.core.study.repeat_comparison import (
    ALIKE,
    HIGHER_IS_BETTER,
    compare_repeats,
    difference_text,
    interval_text,
    side_text,
)
from dnnstudio.core.text import count_of, listed

PARTS = ("train", "validation", "test")
STARTS = ("source", "scratch", "transfer")
Summary = dict[str, dict[str, dict[str, Spread]]]
"""Start → part → figure → mean and standard deviation over the seeds."""

ENOUGH = 3
"""Fewer seeds prove nothing."""


def summarize(runs: Sequence[ComparisonRun]) -> Summary:
    """Mean and sample standard deviation of every figure that the runs have."""
    table: Summary = {}
    for start in STARTS:
        found = [run.metrics for run in runs if run.start == start]
        for part in PARTS:
            for name in found[0].get(part, {}) if found else ():
                values = [metrics[part][name] for metrics in found]
                sd = statistics.stdev(values) if len(values) > 1 else 0.0
                spread = Spread(mean=statistics.fmean(values), sd=sd)
                table.setdefault(start, {}).setdefault(part, {})[name] = spread
    return table


def as_plain(runs: Sequence[ComparisonRun]) -> dict[str, Any]:
    """Contents of comparison.json: one row per run, and the summary."""
    rows = [
        {"seed": run.seed, "start": run.start, "folder": run.folder.name}
        | {f"{part}_{name}": value for part in PARTS for name, value in run.metrics.get(part, {}).items()}
        for run in runs
    ]
    summary = {
        start: {
            part: {name: {"mean": spread.mean, "sd": spread.sd} for name, spread in figures.items()}
            for part, figures in parts.items()
        }
        for start, parts in summarize(runs).items()
    }
    return {"runs": rows, "summary": summary}


def as_csv(runs: Sequence[ComparisonRun]) -> str:
    """Contents of comparison.csv: one line per run."""
    rows = as_plain(runs)["runs"]
    text = io.StringIO()
    columns = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def verdict(result: TransferComparison, *, fractions: bool = False) -> str:
    """Test figures of both starts, the seeds, what follows, and which seeds diverged; empty without figures of both.

    Accuracies are in percent, as in the window; with `fractions` they are as the commands print them.
    """
    said = _comparison_words(result, fractions=fractions)
    return f"{said} {_diverged_words(result.runs)}".rstrip() if said else ""


def _diverged_words(runs: Sequence[ComparisonRun]) -> str:
    """Which trainings diverged: their figures are of the weights before that, which says little of the start."""
    words: list[str] = []
    for start, name in (("source", "of the source"), ("scratch", "from scratch"), ("transfer", "transferred")):
        seeds = [run.seed for run in runs if run.start == start and run.metrics.get("reason") == "diverged"]
        if seeds:
            words.append(f"{'Seed' if len(seeds) == 1 else 'Seeds'} {listed([str(seed) for seed in seeds])} {name}")
    return f"{'; '.join(words)} diverged: measured with the last good weights." if words else ""


def _comparison_words(result: TransferComparison, *, fractions: bool) -> str:
    """Test figures of both starts, the seeds, and what follows: helped, did harm, or no difference beyond chance.

    The trainings are paired by seed, which both start from; the difference counts where the 95 % interval of its mean
    leaves out 0 (Student's t). One or two seeds have next to no spread and prove nothing. Empty where not both starts
    were measured.
    """
    ours, scratch = (
        {run.seed: run.metrics for run in result.runs if run.start == start} for start in ("transfer", "scratch")
    )
    found = compare_repeats(ours, scratch)
    if found is None:
        return ""
    count = len(found.seeds)
    words = [side_text(found.figure, side, fractions=fractions) for side in (found.first, found.second)]
    figures = f"Test {found.figure} {words[0]} transferred against {words[1]} from scratch"
    if count < ENOUGH or found.low is None or found.high is None:
        number = "one seed, which proves" if count < 2 else "two seeds, which prove"
        return f"{figures} with {number} nothing: train {ENOUGH} or more to tell this from chance."
    mean = difference_text(found.figure, found.mean, fractions=fractions)
    if found.mean and not found.has_spread:
        return f"{figures}, {mean} on each of {count_of(count, 'seed')}, {ALIKE}: train more seeds."
    paired = f"{mean} a seed ({interval_text(found, fractions=fractions)})"
    if not found.beyond_chance:
        return f"{figures} over {count_of(count, 'seed')}, {paired}: no difference beyond chance."
    helped = (found.mean > 0) == (found.figure in HIGHER_IS_BETTER)
    return f"{figures} over {count_of(count, 'seed')}, {paired}: transfer {'helped' if helped else 'did harm'}."
