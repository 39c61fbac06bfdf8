"""What the second plot of a run can show: the accuracy of classes, or an error of a predicted number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dnnstudio.core.text import share_text
from dnnstudio.core.uncertainty.figure_names import R2, RMSE
from dnnstudio.gui.base.run_words import figure
from dnnstudio.gui.plots.sentences import tick_numbers, tick_shares


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of the history, how its values are written, and the ends of its axis (None: open)."""

    column: str
    title: str
    help: str
    ticks: Callable[[list[float]], list[str]] = tick_numbers
    value: Callable[[float | None], str] = figure
    limits: tuple[float | None, float | None] = (0.0, None)


LOSS = Measure("loss", "Loss", "What training makes small.")
ACCURACY = Measure(
    "accuracy", "Accuracy", "The share of rows that the network gets right.", tick_shares, share_text, (0.0, 1.0)
)
OF_NUMBERS = (
    Measure("mae", "MAE", "Mean absolute error: how far off the answers are on average, in the target's own unit."),
    Measure(RMSE, "RMSE", "The root of the mean squared error: large misses count more. In the target's own unit."),
    Measure(
        R2,
        "R²",
        "The share of the target's variance that is explained: 1 is perfect, 0 no better than its mean.",
        limits=(None, 1.0),
    ),
)
