"""From scratch against transferred, as figures: mean and spread over the seeds, a table, and one honest sentence."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from dnnstudio.core.jobs import ComparisonRun, Spread, TransferComparison

PARTS = ("train", "validation", "test")
STARTS = ("source", "scratch", "transfer")
Summary = dict[str, dict[str, dict[str, Spread]]]
"""Start → part → figure → mean and standard deviation over the seeds."""

FIGURES = ("accuracy", "loss")
"""What is judged, in this order: the first that both starts have."""


def summarize(runs: Sequence[ComparisonRun]) -> Summary:
    """Mean and standard deviation (of a sample) of every figure that the runs have."""
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
    """What comparison.json holds: a row a run, and the summary."""
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
    """What comparison.csv holds: a line a run."""
    rows = as_plain(runs)["runs"]
    text = io.StringIO()
    columns = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def verdict(result: TransferComparison) -> str:
    """Test figures of both starts, the seeds, and what follows: helped, did harm, or no difference beyond the spread.

    The two differ where the intervals mean ± standard deviation do not touch. One seed has no spread and decides
    nothing. Empty where not both starts were measured.
    """
    seeds = len({run.seed for run in result.runs if run.start == "transfer"})
    ours, scratch = (_test(result.summary, start) for start in ("transfer", "scratch"))
    name = next((name for name in FIGURES if name in ours and name in scratch), None)
    if name is None:
        return ""
    words = [spread_text(found[name], seeds) for found in (ours, scratch)]
    figures = f"Test {name} {words[0]} transferred against {words[1]} from scratch"
    if seeds < 2:
        return f"{figures} with one seed: train more seeds to tell this from chance."
    gain = ours[name].mean - scratch[name].mean
    if name == "loss":
        gain = -gain
    beyond = abs(gain) > ours[name].sd + scratch[name].sd
    said = "no difference beyond the spread" if not beyond else "transfer helped" if gain > 0 else "transfer did harm"
    return f"{figures} over {seeds} seeds: {said}."


def _test(summary: Mapping[str, Mapping[str, Mapping[str, Spread]]], start: str) -> Mapping[str, Spread]:
    return summary.get(start, {}).get("test", {})


def spread_text(spread: Spread, count: int) -> str:
    """0.9958 ± 0.0006; a single value has no spread."""
    return f"{spread.mean:.4f}" if count < 2 else f"{spread.mean:.4f} ± {spread.sd:.4f}"
