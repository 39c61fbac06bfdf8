"""How a run ended, its figures as cells show them, and the colours that a person gives to runs."""

from __future__ import annotations

from math import isfinite

from dnnstudio.core.text import count_of, share_text
from dnnstudio.core.workspace.remarks import Color
from dnnstudio.core.workspace.runs import RunRecord

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

FIGURE_TITLES = {"accuracy": "accuracy", "mae": "MAE", "loss": "loss"}
"""Of the figures that trials and runs are compared by, within a sentence."""

COLOR_TOKENS: dict[Color, str] = {
    "green": "series_0",
    "orange": "series_1",
    "purple": "series_2",
    "amber": "series_3",
    "blue": "series_4",
}
"""As tokens of the theme."""


def figure(value: float | None) -> str:
    """ "0.351", "0.0035", "8.2e-4", "14,191": short enough to be seen whole in every cell; a dash for None.

    What is not finite is "nan" and "inf".
    """
    if value is None:
        return "–"
    if not isfinite(value):
        return f"{value}"
    size = abs(value)
    if value == 0 or 0.01 <= size < 10:
        return f"{value:.3f}"
    if 999.95 <= size < 999_999.5:
        return f"{value:,.0f}"
    if 0.001 <= size < 1000:
        return f"{value:.2g}" if size < 1 else f"{value:#.4g}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def figure_title(name: str) -> str:
    """At the head of a table: "Accuracy", "MAE", "Loss"."""
    words = FIGURE_TITLES.get(name, name)
    return f"{words[:1].upper()}{words[1:]}"


def figure_text(name: str, value: float | None) -> str:
    """A figure by its name: an accuracy in percent, any other as `figure` writes it."""
    return share_text(value) if name == "accuracy" else figure(value)


def epochs_text(record: RunRecord) -> str:
    """Epochs trained, of those planned; of a repeat, its seeds; of a sweep, its trials."""
    if (repeat := record.repeat) is not None:
        begun = "" if repeat.complete else f"{repeat.trained} / "
        return f"{begun}{count_of(len(repeat.seeds), 'seed')}"
    if (sweep := record.sweep) is not None:
        begun = "" if sweep.complete else f"{sweep.over} / "
        return f"{begun}{count_of(sweep.trials, 'trial')}"
    if record.status == "finished":
        return f"{record.epochs_done}"
    between = " / " if record.epochs_planned < 1000 else "/"  # the whole figure is to be seen
    return f"{record.epochs_done}{between}{record.epochs_planned}"
