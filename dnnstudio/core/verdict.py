"""Whether a transfer helped, as one honest sentence: the gain is set against the spread over the seeds."""

from __future__ import annotations

from collections.abc import Mapping

from dnnstudio.core.jobs import Spread, TransferComparison

FIGURES = ("accuracy", "loss")
"""What is judged, in this order: the first that both starts have."""


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
