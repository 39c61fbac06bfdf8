"""How a run ended, its figures as cells show them, and the colours that a person gives to runs."""

from __future__ import annotations

from dnnstudio.core.workspace.remarks import Color

TRAINING = "training"
"""Status of the live run; the others are those of `core.runs`."""

STATUS_WORDS = {
    "finished": "done",
    "early_stopping": "early stop",
    "stopped": "stopped",
    "diverged": "diverged",
    "failed": "failed",
    "unfinished": "unfinished",
    "damaged": "damaged",
    "pruned": "given up",
    TRAINING: "training",
}
STATUS_ICONS = {
    "finished": ("check-circle-fill", "good_dot"),
    "early_stopping": ("hourglass", "text2"),
    "stopped": ("stop", "text2"),
    "diverged": ("warning-fill", "error_dot"),
    "failed": ("x-circle", "error_dot"),
    "unfinished": ("question", "text3"),
    "pruned": ("hourglass", "text2"),
    TRAINING: ("spinner", "accent"),
}

COLOR_TOKENS: dict[Color, str] = {
    "green": "series_0",
    "orange": "series_1",
    "purple": "series_2",
    "amber": "series_3",
    "blue": "series_4",
}
"""As tokens of the theme."""


def figure(value: float | None) -> str:
    """ "0.351", "0.0035", "8.2e-4": short enough to be seen whole in every cell; a dash for None."""
    if value is None:
        return "–"
    size = abs(value)
    if value == 0 or 0.01 <= size < 10:
        return f"{value:.3f}"
    if 0.001 <= size < 100_000:
        return f"{value:.2g}" if size < 1 else f"{value:#.4g}".rstrip(".") if size < 1000 else f"{value:.0f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"
