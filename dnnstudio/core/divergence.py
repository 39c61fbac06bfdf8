"""Why a training came to nothing: where the loss left all bounds, how steep it was there, and what to try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dnnstudio.core.checks.problem import Fix
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.health import applicable, clip_norm, lower_rate, suited_initializers

LOST = 1e6
"""A loss so many times that of the start (or 1, where that is less) is as good as infinite: no later step has been
seen to bring a network back from there."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The step that went wrong. `epoch` and `step` (within the epoch) count from 1.

    `loss` is that of the step: not finite, or far above all bounds; `weights` says that it was a weight instead.
    `gradient_norm` is the norm of the whole gradient at the last step that had a finite one, and `layer` the layer
    with the largest part of it; None where no step had.
    """

    epoch: int
    step: int
    loss: float
    learning_rate: float
    gradient_norm: float | None = None
    layer: str = ""
    weights: bool = False


def first_lost(losses: Sequence[float] | np.ndarray, start: float) -> int | None:
    """The first loss that is no number or beyond all bounds; `start` is what training began with. None: all well."""
    values = np.asarray(losses, dtype=np.float64)
    lost = np.flatnonzero(~(np.abs(values) <= LOST * max(1.0, abs(start))))
    return int(lost[0]) if len(lost) else None


def explain(cause: Divergence) -> str:
    """What happened and what to try, in three sentences."""
    where = f"in step {cause.step:,} of epoch {cause.epoch}, at a learning rate of {cause.learning_rate:.3g}"
    if cause.weights:
        first = f"A weight became infinite {where}."
    elif np.isfinite(cause.loss):
        first = f"The loss grew to {cause.loss:.1e} {where}."
    else:
        first = f"The loss became infinite {where}."
    steep = ""
    if cause.gradient_norm is not None:
        most = f", most of it in {cause.layer}" if cause.layer else ""
        steep = f" The gradient's norm there was {cause.gradient_norm:.3g}{most}."
    return (
        f"{first}{steep} The last good weights are kept. Lower the learning rate, clip the gradient, or draw the first "
        "weights by the rule that suits the activation."
    )


def remedies(experiment: Experiment) -> tuple[Fix, ...]:
    """One-click edits against divergence: a lower rate, clipping, initialization; only those that change something."""
    return applicable((lower_rate(experiment), clip_norm(), suited_initializers(experiment)), experiment)
