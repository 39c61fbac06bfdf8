"""Rules that follow each epoch's figures: best epoch, early stopping, and lowering the rate on a plateau.

All three follow Keras's callbacks (https://keras.io/api/callbacks); their state is plain numbers, for checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass

from dnnstudio.core.experiment.record import EarlyStopping
from dnnstudio.core.experiment.schedules import Performance
from dnnstudio.core.workspace.history import Row


def watched(monitor: str, row: Row) -> str:
    """The monitored column: `monitor`, or its closest equivalent if a run has no validation rows or no accuracy."""
    return next(name for name in (monitor, "val_loss", "loss") if name in row)


def gain(name: str, value: float, best: float | None) -> float:
    """By how much `value` is better than `best`: accuracies should rise, everything else should fall."""
    if best is None:
        return float("inf")
    return value - best if name.endswith("accuracy") else best - value


@dataclass(slots=True)
class Best:
    """The best epoch so far, counted from 1; 0 before the first.

    As in Keras's EarlyStopping, an epoch is better only by a gain of more than `min_delta` over the best before it: the
    weights that are kept are those that stopping early goes back to, here and in an exported script.
    """

    monitor: str = "val_loss"
    epoch: int = 0
    value: float | None = None
    min_delta: float = 0.0

    @classmethod
    def of(cls, rule: EarlyStopping | None) -> Best:
        """None yet, of a training that stops early by this rule or not at all."""
        return cls() if rule is None else cls(rule.monitor, min_delta=rule.min_delta)

    def look(self, row: Row) -> bool:
        """Whether this epoch is the best so far."""
        name = watched(self.monitor, row)
        if gain(name, row[name], self.value) <= self.min_delta:
            return False
        self.epoch, self.value = int(row["epoch"]), row[name]
        return True


@dataclass(slots=True)
class Patience:
    """Early stopping: the number of epochs without an improvement by more than `min_delta`."""

    best: float | None = None
    wait: int = 0

    def look(self, row: Row, rule: EarlyStopping) -> bool:
        """Whether to stop after this epoch."""
        name = watched(rule.monitor, row)
        if gain(name, row[name], self.best) > rule.min_delta:
            self.best, self.wait = row[name], 0
            return False
        self.wait += 1
        return self.wait >= rule.patience


@dataclass(slots=True)
class Plateau:
    """Keras's ReduceLROnPlateau."""

    best: float | None = None
    wait: int = 0
    resting: int = 0

    def look(self, row: Row, rule: Performance, rate: float) -> float:
        """The rate of the next epoch, given this one's `rate`."""
        name = watched(rule.monitor, row)
        if self.resting > 0:
            self.resting -= 1
            self.wait = 0
        if gain(name, row[name], self.best) > rule.min_delta:
            self.best, self.wait = row[name], 0
        elif self.resting <= 0:
            self.wait += 1
            if self.wait >= rule.patience and rate > rule.min_lr:
                self.resting, self.wait = rule.cooldown, 0
                return max(rate * rule.factor, rule.min_lr)
        return rate
