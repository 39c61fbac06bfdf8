"""The colour of each uncertainty score, the same in every chart."""

from __future__ import annotations

SCORE_COLORS = {"predictive_entropy": "series_4", "expected_entropy": "series_4", "mutual_information": "accent"}


def score_color(name: str) -> str:
    """The theme's colour token for the score called `name`; grey for all others."""
    return SCORE_COLORS.get(name, "text3")
