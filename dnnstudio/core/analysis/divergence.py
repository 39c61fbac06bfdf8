"""Explains a diverged training: the step at which the loss or a weight diverged, the gradient there, and remedies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dnnstudio.core.analysis.checks.problem import Fix
from dnnstudio.core.analysis.layer_health import applicable, clip_norm, lower_rate, suited_initializers
from dnnstudio.core.experiment.record import Experiment

LOST = 1e6
"""A loss of this many times the initial one (or 1, if that is larger) counts as diverged: no training has been
observed to recover from there."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The step that diverged. `epoch` and `step` (within the epoch) count from 1.

    `loss` is that of the step: not finite, or above `LOST`; `weights` says that a weight diverged instead.
    `gradient_norm` is the global gradient norm at the last step at which it was finite, and `layer` the layer with the
    largest share of it; None and "" if there was no such step.
    """

    epoch: int
    step: int
    loss: float
    learning_rate: float
    gradient_norm: float | None = None
    layer: str = ""
    weights: bool = False


def first_lost(losses: Sequence[float] | np.ndarray, start: float) -> int | None:
    """Index of the first loss in [steps] that is not finite or above `LOST` · max(1, |start|); None if there is none.

    `start` is the initial loss of the training.
    """
    values = np.asarray(losses, dtype=np.float64)
    lost = np.flatnonzero(~(np.abs(values) <= LOST * max(1.0, abs(start))))
    return int(lost[0]) if len(lost) else None


def explain(cause: Divergence) -> str:
    """The cause and the remedies in three sentences."""
    steep = ""
    if cause.gradient_norm is not None:
        most = f", most of it in {cause.layer}" if cause.layer else ""
        steep = f" The gradient's norm there was {cause.gradient_norm:.3g}{most}."
    return (
        f"{what_happened(cause)}{steep} The last good weights are kept. Lower the learning rate, clip the gradient, or "
        "draw the first weights by the rule that suits the activation."
    )


def what_happened(cause: Divergence) -> str:
    """Which number diverged, when, and at what learning rate: one sentence."""
    where = f"in step {cause.step:,} of epoch {cause.epoch}, at a learning rate of {cause.learning_rate:.3g}"
    if cause.weights:
        return f"A weight became infinite {where}."
    if np.isfinite(cause.loss):
        return f"The loss grew to {cause.loss:.1e} {where}."
    return f"The loss became infinite {where}."


def remedies(experiment: Experiment, cause: Divergence | None = None) -> tuple[Fix, ...]:
    """One-click edits against divergence (lower rate, clipping, initialization); only those that change something.

    With its cause, the rate is lowered from where it broke off.
    """
    at = None if cause is None else cause.learning_rate
    return applicable((lower_rate(experiment, at), clip_norm(), suited_initializers(experiment)), experiment)
