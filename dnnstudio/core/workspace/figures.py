"""What a run's figures were measured on: which weights, and whether those are still the weights of its model.

A figure without that says nothing: an early stop puts the best weights back, and a training of another run changes
the layers that it shares with this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.text import count_of

KEY = "weights_epoch"
"""Key in metrics.json: the epoch whose weights the final figures were measured with, and model.keras holds."""
STEPS_KEY = "weights_steps"
"""Key in metrics.json: so many steps of the next epoch those weights have learnt too, stopped within it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The weights behind a run's final figures. `epoch` counts from 1; 0 is before the first, or not known.

    `steps` are those of the next epoch that the training had taken when it was stopped within it.
    `changed_by` names the runs whose trainings changed shared layers since: the figures are older than the weights.
    """

    epoch: int
    is_best: bool
    changed_by: tuple[str, ...] = ()
    steps: int = 0

    @property
    def outdated(self) -> bool:
        """Whether the model's weights are no longer those that were measured."""
        return bool(self.changed_by)

    @property
    def weights(self) -> str:
        """In words: "best weights, of epoch 7", "last weights, of epoch 10", "last weights, 9 steps into epoch 11"."""
        if self.steps:
            return f"last weights, {self.moment}"
        if not self.epoch:
            return "weights of the end"
        return f"{'best' if self.is_best else 'last'} weights, of epoch {self.epoch}"

    @property
    def moment(self) -> str:
        """When in the training the weights were these: "epoch 10", "9 steps into epoch 11"; "" where not known."""
        if self.steps:
            return f"{count_of(self.steps, 'step')} into epoch {self.epoch + 1}"
        return f"epoch {self.epoch}" if self.epoch else ""

    @property
    def sentence(self) -> str:
        """The whole of it: "Measured with the last weights, of epoch 10, before 0003 B changed shared layers."."""
        since = f", before {' and '.join(self.changed_by)} changed shared layers" if self.changed_by else ""
        return f"Measured with the {self.weights}{since}."


def measured(metrics: Mapping[str, Any], experiment: Experiment) -> Measured:
    """What metrics.json says of its figures; runs of 0.1.0 say it by their experiment and best epoch."""
    epochs, best = (_count(metrics.get(name)) for name in ("epochs", "best_epoch"))
    epoch = _count(metrics.get(KEY)) or (best if restores_best(experiment) and best else epochs)
    changes = metrics.get("changed_by")
    names = [item.get("by") for item in changes if isinstance(item, dict)] if isinstance(changes, list) else []
    steps = _count(metrics.get(STEPS_KEY))
    is_best = bool(epoch) and epoch == best and not steps
    return Measured(epoch, is_best, tuple(dict.fromkeys(str(name) for name in names if name)), steps)


def restores_best(experiment: Experiment) -> bool:
    """Whether a training of this experiment ends with the weights of its best epoch."""
    rule = experiment.training.early_stopping
    return rule is not None and rule.restore_best


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
