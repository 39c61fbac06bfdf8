"""What a run has told so far, as arrays that a plot can draw at once. No Qt.

The x axis of everything is epochs: step s of n steps an epoch ends at (s + 1) / n.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core import stages
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.jobs import BatchesDone, EpochDone, RunStarted

Floats = NDArray[np.float64]
SAMPLED = 10_000
"""So many of the batches' values say where the others lie."""
TRACE_POINTS = 800
"""So many points draw the batches of a whole plan: more would lie on each other and hide the means."""
DRAWN_POINTS = 4000
"""So many points draw any line on any screen."""
PLANNED_POINTS = 600
"""So many points draw any schedule; more would cost and show nothing."""


class Trace:
    """An array that grows at its end in constant time a value."""

    def __init__(self) -> None:
        self._values: Floats = np.empty(1024)
        self._count = 0

    def append(self, values: Any) -> None:
        """Add numbers at the end."""
        added = np.asarray(values, dtype=np.float64).ravel()
        wanted = self._count + len(added)
        if wanted > len(self._values):
            grown = np.empty(max(wanted, 2 * len(self._values)))
            grown[: self._count] = self._values[: self._count]
            self._values = grown
        self._values[self._count : wanted] = added
        self._count = wanted

    def __len__(self) -> int:
        return self._count

    @property
    def values(self) -> Floats:
        """The numbers so far: a view, not a copy."""
        return self._values[: self._count]


class Curves:
    """One run: a value a batch, and a row an epoch."""

    def __init__(self, experiment: Experiment, *, run: str = "", steps_per_epoch: int = 0, epochs: int = 0) -> None:
        self.run = run
        self.name = ""
        """Number and name of the run, for tables; "" while nobody said."""
        self.experiment = experiment
        self.steps_per_epoch = max(steps_per_epoch, 1)
        self.epochs = max(epochs, 1)
        self.steps = Trace()
        self.batch: dict[str, Trace] = {"loss": Trace(), "accuracy": Trace()}
        self.rates = Trace()
        self.rows: list[dict[str, float]] = []
        self.best_epoch = 0
        self.ended = False

    @classmethod
    def of(cls, event: RunStarted) -> Curves:
        """The empty curves of a run that begins."""
        made = cls(event.experiment, run=event.run, steps_per_epoch=event.steps_per_epoch, epochs=event.epochs)
        made.name = event.folder.name
        return made

    def add_batches(self, event: BatchesDone) -> None:
        """Take the batches that an event tells of."""
        self.steps.append((event.steps + 1) / self.steps_per_epoch)
        self.batch["loss"].append(event.losses)
        if len(event.accuracies) == len(event.steps):
            self.batch["accuracy"].append(event.accuracies)
        self.rates.append(event.learning_rates)

    def add_epoch(self, event: EpochDone) -> None:
        """Take one row of the history."""
        self.add_row(event.row)
        if event.is_best:
            self.best_epoch = int(event.row["epoch"])

    def add_row(self, row: Mapping[str, float]) -> None:
        """Take one row of the history, as in history.csv."""
        self.rows.append(dict(row))

    def column(self, name: str) -> tuple[Floats, Floats]:
        """Epochs and values of one column of the history; rows that do not have it are left out."""
        found = [(row["epoch"], row[name]) for row in self.rows if name in row and np.isfinite(row[name])]
        pairs = np.array(found, dtype=np.float64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def trace(self, name: str) -> tuple[Floats, Floats]:
        """The batches' values as a line: means of as many neighbours as keep a whole plan within `TRACE_POINTS`.

        How many depends on the plan alone, so that nothing that was drawn changes when more comes.
        """
        values = self.batch[name].values
        each = max(1, self.steps_per_epoch * self.epochs // TRACE_POINTS)
        count = min(len(values), len(self.steps)) // each
        ends = self.steps.values[: count * each].reshape(count, each)[:, -1]
        return ends, values[: count * each].reshape(count, each).mean(axis=1)

    def latest(self, name: str) -> float | None:
        """The last value of a column of the history, or None."""
        _, values = self.column(name)
        return float(values[-1]) if len(values) else None

    def batch_at(self, name: str, epoch: float) -> tuple[int, float] | None:
        """The step, counted from 1 over the whole run, that was under way at `epoch`, and its own value; or None."""
        values, ends = self.batch[name].values, self.steps.values
        place = int(np.searchsorted(ends, epoch - 1e-9))
        if place >= min(len(values), len(ends)):
            return None
        return round(float(ends[place]) * self.steps_per_epoch), float(values[place])

    @property
    def best(self) -> int:
        """The best epoch so far, counted from 1; 0 before the first.

        What the run said of it; of a run that went on, what its earlier rows say, by the figure that it watches.
        """
        if self.best_epoch or not self.rows:
            return self.best_epoch
        rule = self.experiment.training.early_stopping
        wanted = rule.monitor if rule else "val_loss"
        name = next((name for name in (wanted, "val_loss", "loss") if name in self.rows[0]), "loss")
        epochs, values = self.column(name)
        if not len(values):
            return 0
        return int(epochs[np.argmax(values) if name.endswith("accuracy") else np.argmin(values)])

    @property
    def now(self) -> float:
        """How far the run is, in epochs."""
        batches = float(self.steps.values[-1]) if len(self.steps) else 0.0
        return max(batches, self.rows[-1]["epoch"] if self.rows else 0.0)

    @property
    def epoch(self) -> int:
        """The epoch that is running, counted from 1."""
        return min(int(self.now) + 1, self.epochs)

    @property
    def told(self) -> bool:
        """Whether there is anything to draw."""
        return bool(self.rows or len(self.steps))

    @property
    def classifies(self) -> bool:
        """Whether an accuracy was told, or nothing yet."""
        return bool(len(self.batch["accuracy"])) or not len(self.steps) or self.latest("accuracy") is not None

    def rate_curve(self) -> tuple[Floats, Floats]:
        """The learning rate that was used, batch by batch, or epoch by epoch for a run read from its folder."""
        if len(self.rates):
            return self.steps.values, self.rates.values
        return self.column("learning_rate")


def planned_rates(experiment: Experiment, steps_per_epoch: int, epochs: int | None = None) -> tuple[Floats, Floats]:
    """Epochs and learning rates of the whole plan, in at most `PLANNED_POINTS` points."""
    steps_per_epoch = max(steps_per_epoch, 1)
    steps, rates = stages.planned_rates(experiment, steps_per_epoch, epochs=epochs, points=PLANNED_POINTS)
    return (steps + 1) / steps_per_epoch, rates


def smoothed(x: Floats, y: Floats, over: float) -> Floats:
    """The values as means that look back: what lies `over` epochs behind counts 1/e as much as the latest.

    Each mean is of what came before it alone, so nothing that was drawn changes when more comes. The first ones are
    means of few, not pulled towards zero; values that are not finite are passed over. `x` rises, in epochs.
    """
    return _means(x, y, over, 0, 0.0, 0.0)[0]


def _means(x: Floats, y: Floats, over: float, start: int, total: float, weight: float) -> tuple[Floats, float, float]:
    """The means from place `start` on, after a sum `total` of `weight`; and the sum and weight at the end."""
    steps = np.diff(x[max(start - 1, 0) :], prepend=x[:1] if start == 0 else ())
    kept = np.exp(-steps / over) if over > 0 else np.zeros(len(x) - start)
    result = np.full(len(y) - start, np.nan)
    for place, (value, share) in enumerate(zip(y[start:].tolist(), kept.tolist(), strict=True)):
        total, weight = total * share, weight * share
        if isfinite(value):
            total, weight = total + value, weight + 1.0
        if weight:
            result[place] = total / weight
    return result, total, weight


class Smoothing:
    """`smoothed` of a curve that grows: only what has come since the last time is worked out."""

    def __init__(self) -> None:
        self._of: tuple[Floats, Floats, float] = (np.empty(0), np.empty(0), 0.0)
        self._result: Floats = np.empty(0)
        self._total = self._weight = 0.0

    def __call__(self, x: Floats, y: Floats, over: float) -> Floats:
        """The same as `smoothed(x, y, over)`."""
        before_x, before_y, before_over = self._of
        known = len(before_x)
        grows = known > 0 and over == before_over and len(x) >= known
        if not grows or not same_points((before_x, before_y), (x[:known], y[:known])):
            known, self._total, self._weight, self._result = 0, 0.0, 0.0, np.empty(0)
        added, self._total, self._weight = _means(x, y, over, known, self._total, self._weight)
        self._of, self._result = (x.copy(), y.copy(), over), np.concatenate((self._result, added))
        return self._result


def fewer(x: Floats, y: Floats, most: int = DRAWN_POINTS) -> tuple[Floats, Floats]:
    """A line that looks the same with at most about `most` points: of neighbours the lowest and the highest value.

    Nothing is averaged, so that no single value is lost; what is as short as that comes back as it is.
    """
    each = -(-2 * len(x) // most)
    if each <= 2:
        return x, y
    count = len(x) // each
    groups = np.where(np.isfinite(y), y, np.inf)[: count * each].reshape(count, each)
    lowest = groups.argmin(axis=1)
    highest = np.where(np.isinf(groups), -np.inf, groups).argmax(axis=1)
    places = np.sort(np.stack((lowest, highest), axis=1), axis=1) + np.arange(count)[:, None] * each
    kept = np.concatenate(([0], places.ravel(), np.arange(count * each, len(x))))
    return x[kept], y[kept]


def same_points(one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> bool:
    """Whether two curves are the same: most do not change from one drawing to the next."""
    return all(len(a) == len(b) and np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True))


def round_range(
    low: float, high: float, floor: float | None = None, ceiling: float | None = None, *, most: int = 5
) -> tuple[float, float, list[float]]:
    """Bottom and top of an axis for values from `low` to `high`, and three to `most` round numbers on it.

    The range begins and ends at a round number unless that would leave a fifth of the axis empty at the top, and
    never passes `floor` and `ceiling`.
    """
    span = high - low
    if span <= 0:
        span = abs(high) or 1.0
        low, high = low - span / 2, high + span / 2
        low = low if floor is None else max(low, floor)
        high = high if ceiling is None else min(high, ceiling)
    step = _tick_step(low, high, most)
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    ticks = [float(np.round(n * step, 12)) for n in np.arange(first, last + 1)]
    ticks = [
        tick
        for tick in ticks
        if (floor is None or tick >= floor - 1e-12) and (ceiling is None or tick <= ceiling + 1e-12)
    ]
    if len(ticks) > 3 and ticks[-1] - high > 0.2 * (ticks[-1] - ticks[0]):
        ticks.pop()
    return min(ticks[0], low), max(ticks[-1], high), ticks


def _tick_step(low: float, high: float, most: int) -> float:
    """1, 2, 2.5 or 5 times a power of ten: what encloses the range most closely in three to `most` ticks."""
    magnitude = float(10.0 ** np.floor(np.log10((high - low) / (most - 1))))
    best, least = 20 * magnitude, np.inf
    for factor in (1.0, 2.0, 2.5, 5.0, 10.0):
        step = factor * magnitude
        first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
        unused = (last - first) * step - (high - low)
        if 2 <= last - first <= most - 1 and unused < least - 1e-9 * step:
            best, least = step, unused
    return best


def bounds(values: Floats, *, robust: bool) -> tuple[float, float] | None:
    """Lowest and highest finite value; `robust` leaves out single outliers among many. None when nothing is finite."""
    if robust and len(values) > SAMPLED:
        values = values[:: len(values) // SAMPLED]
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    if robust and len(finite) > 200:
        return _share_of(finite, 0.002), _share_of(finite, 0.998)
    return float(finite.min()), float(finite.max())


def _share_of(values: Floats, share: float) -> float:
    """The value below which that share of them lies, between two neighbours in proportion.

    The same as numpy's quantile, which takes ten times as long to say so of a few hundred.
    """
    place = share * (len(values) - 1)
    first = int(place)
    low, high = np.partition(values, (first, min(first + 1, len(values) - 1)))[[first, min(first + 1, len(values) - 1)]]
    return float(low + (high - low) * (place - first))


def round_step(raw: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, … that is at least `raw`."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if step * factor >= raw - 1e-9:
                return step * factor
        step *= 10
