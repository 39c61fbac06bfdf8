"""All samples of one network that predicts a number, on one set of rows: frozen, as `Samples` are for classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.conformal import calibration_split
from dnnstudio.core.uncertainty.numbers import NumberPasses, NumberScores, number_scores, summarize
from dnnstudio.core.uncertainty.samples import Masks, PassKind, Samples
from dnnstudio.core.uncertainty.scores import Floats
from dnnstudio.core.uncertainty.table_rows import ShownColumn


@dataclass(frozen=True, slots=True, eq=False)
class NumberRows:
    """The sampled rows: `truth` and `deterministic` (everything random off) are float64 [rows], in the target's unit.

    `values` are the stored rows [rows, columns] of a table, described by `table`; `pictures` as in `SampledRows`.
    """

    truth: Floats
    deterministic: Floats
    pictures: NDArray[np.uint8] | None = None
    values: NDArray[Any] | None = None
    table: tuple[ShownColumn, ...] = ()
    title: str = ""
    target_mean: float = 0.0
    """Mean of the training rows' targets: what one would say without any network."""
    target_std: float = 1.0
    """Standard deviation of the training rows' targets."""

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True, eq=False)
class NumberSamples:
    """The passes so far: `predictions` is float32 [passes, rows]."""

    rows: NumberRows
    predictions: NDArray[np.float32]
    seed: int
    masks: Masks = "independent"
    kind: PassKind = "dropout"
    seconds: float = 0.0

    @property
    def passes(self) -> int:
        return len(self.predictions)

    @property
    def is_single(self) -> bool:
        """Whether this is the one prediction of a network without anything random, so that there is no spread."""
        return self.kind == "none"

    @cached_property
    def summary(self) -> NumberPasses:
        """Mean and spread over the passes of each row."""
        return summarize(self.predictions)

    @cached_property
    def scores(self) -> NumberScores:
        """The errors of the mean prediction."""
        return number_scores(self.rows.truth, self.summary.mean, self.summary.std)

    @property
    def error(self) -> Floats:
        """Predicted − true: [rows]."""
        return self.summary.mean - self.rows.truth

    @property
    def baseline(self) -> float:
        """The mean absolute error of always saying the mean of the training targets."""
        return float(np.abs(self.rows.truth - self.rows.target_mean).mean())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The contents of an .npz export: array name → array, among them all passes [passes, rows]."""
        return {
            "predictions": self.predictions,
            "mean": self.summary.mean.astype(np.float32),
            "std": self.summary.std.astype(np.float32),
            "labels": self.rows.truth,
            "deterministic": self.rows.deterministic.astype(np.float32),
            "seed": np.array(self.seed),
        }


AnySamples = Samples | NumberSamples
"""What a network says of rows: of classes, or of a number."""


def number_calibration_rows(validation: NumberSamples) -> NDArray[np.int64]:
    """The half of the validation rows that calibrates intervals, ascending, as for predictions with a coverage:
    [calibration rows].
    """
    return calibration_split(len(validation.rows), seed=validation.seed).calibration
