"""What a run has told so far, as arrays that a plot can draw at once. No Qt.

The x axis of everything is epochs: step s of n steps an epoch ends at (s + 1) / n.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, RunStarted
from dnnstudio.core.planning import stages
from dnnstudio.core.planning.rates import Course
from dnnstudio.core.planning.recorded_rates import recorded_rates
from dnnstudio.core.ticks import FARTHEST, SLACK, around, ends_of, power_of, round_number
from dnnstudio.gui.plots.trace import Floats, Trace

SAMPLED = 10_000
"""So many of the batches' values say where the others lie."""
TRACE_POINTS = 800
"""So many points draw the batches of a whole plan: more would lie on each other and hide the means."""
DRAWN_POINTS = 4000
"""So many points draw any line on any screen."""
PLANNED_POINTS = 600
"""So many points draw any schedule; more would cost and show nothing."""
ROUNDING = 1e-6
"""A value that passes the limit of its axis by so little, beside the other values, is a sum that was rounded."""


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
        self.deviations: list[dict[str, float]] = []
        """Of several seeds: the standard deviations of the figures in `rows`, which are means then."""
        self._ends: tuple[float, ...] = ()
        self.changes: tuple[tuple[int, str], ...] = ()
        """After which epochs another training changed layers that this run shares with it, and that run's name."""
        self.best_epoch = 0
        self.ended = False
        self.ended_phases: tuple[int, ...] = ()
        """Epochs of the phases that are over [phases]; one that stopped early has fewer than planned."""
        self._columns: dict[str, tuple[Floats, Floats]] = {}  # of the rows so far: all is read several times a drawing
        self._recorded_of: tuple[object, ...] = ()
        self._recorded_rates: tuple[Floats, Floats] = (np.empty(0), np.empty(0))
        self.stopped_early = False
        """Whether early stopping ended it: what was planned beyond will not come."""

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

    def set_means(
        self, means: list[dict[str, float]], deviations: list[dict[str, float]], *, ends: Sequence[float]
    ) -> None:
        """Take the mean history of several seeds and its standard deviations, in place of the rows so far.

        `ends` are the last epochs of the seeds: behind the first of them a mean is of the others alone.
        """
        self.rows, self.deviations, self._ends = means, deviations, tuple(ends)
        self._columns.clear()

    @property
    def members(self) -> int:
        """Of how many seeds the rows are the mean; 0 for a single run."""
        return len(self._ends)

    def members_at(self, epoch: float) -> int:
        """Of how many of the seeds the row of that epoch is the mean; 0 for a single run."""
        return sum(end >= epoch for end in self._ends)

    def deviation(self, name: str) -> tuple[Floats, Floats]:
        """Epochs and standard deviations [epochs] of one figure over the seeds; empty for a single run."""
        return _pairs(self.deviations, name)

    def add_row(self, row: Mapping[str, float]) -> None:
        """Take one row of the history, as in history.csv. A phase that began before its time makes the plan shorter."""
        begins = bool(self.rows) and row.get("phase") != self.rows[-1].get("phase")
        self.rows.append(dict(row))
        self._columns.clear()
        if begins:
            self.ended_phases = stages.stage_lengths(self.rows)
            self.epochs = max(stages.planned_epochs(self.experiment, self.ended_phases), len(self.rows))

    def take_batches_of(self, earlier: Curves) -> None:
        """Take over the batches that the same run told before it went on: from a stop it goes on with the next one."""
        if earlier.steps_per_epoch != self.steps_per_epoch or len(self.steps):
            return
        self.steps.append(earlier.steps.values)
        self.rates.append(earlier.rates.values)
        for name, trace in earlier.batch.items():
            self.batch[name].append(trace.values)

    def column(self, name: str) -> tuple[Floats, Floats]:
        """Epochs and values of one column of the history; rows that do not have it are left out."""
        if name not in self._columns:
            self._columns[name] = _pairs(self.rows, name)
        return self._columns[name]

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

        What the run said of it; of a run that went on, what its earlier rows say, by the figure and the smallest gain
        that it watches.
        """
        if self.best_epoch or not self.rows:
            return self.best_epoch
        rule, name = self.experiment.training.early_stopping, self.best_by
        epochs, values = self.column(name)
        if self._ends:  # a mean of those alone that went on longest is not better for that
            values, epochs = (found[epochs <= min(self._ends)] for found in (values, epochs))
        least, best, lowest = rule.min_delta if rule else 0.0, 0, np.inf
        losses = -values if name.endswith("accuracy") else values
        for epoch, loss in zip(epochs.tolist(), losses.tolist(), strict=True):
            if lowest - loss > least:
                best, lowest = int(epoch), loss
        return best

    @property
    def best_by(self) -> str:
        """The column of the history by which the best epoch is chosen."""
        rule = self.experiment.training.early_stopping
        wanted = rule.monitor if rule else "val_loss"
        there = self.rows[0] if self.rows else {wanted: 0.0}
        return next((name for name in (wanted, "val_loss", "loss") if name in there), "loss")

    @property
    def x_end(self) -> int:
        """Where the axis of epochs ends: with the plan, or where early stopping ended the training."""
        return max(int(np.ceil(self.now - 1e-9)), 1) if self.stopped_early else self.epochs

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
        """Whether an accuracy was told, or is to come."""
        if not self.told:
            return not self.experiment.data.source.predicts_number
        return bool(len(self.batch["accuracy"])) or self.latest("accuracy") is not None

    def courses(self) -> list[Course]:
        """The rates of each phase, as long as it was."""
        return stages.planned_courses(
            self.experiment, self.steps_per_epoch, epochs=self.epochs, ended=self.ended_phases
        )

    def rate_curve(self) -> tuple[Floats, Floats]:
        """The learning rate that was used: that of each batch that was told, and before them the recorded ones.

        A run that goes on, or is read from its folder, has told no batches of its earlier epochs.
        """
        epochs, rates = self.column("learning_rate")
        if not len(self.rates):
            return self._recorded(epochs, rates, count=0)
        first = round(float(self.steps.values[0]) * self.steps_per_epoch) - 1
        if first <= 0:
            return self.steps.values, self.rates.values
        earlier = epochs <= self.steps.values[0] - 1e-9
        # What is known of the epoch in which the batches begin: it was stopped there, and no row says its last rate.
        known = np.append(epochs[earlier], self.steps.values[0]), np.append(rates[earlier], self.rates.values[0])
        x, y = self._recorded(*known, count=first)
        return np.concatenate((x, self.steps.values)), np.concatenate((y, self.rates.values))

    def _recorded(self, epochs: Floats, rates: Floats, *, count: int) -> tuple[Floats, Floats]:
        """The rates within epochs of which `rates` [epochs] are those at `epochs`; of the first `count` steps, if set.

        The same from one drawing to the next, so worked out once.
        """
        asked = (self.experiment, self.epochs, self.ended_phases, count, epochs.tobytes(), rates.tobytes())
        if self._recorded_of != asked:
            courses = self.courses()
            ends = np.round(epochs * self.steps_per_epoch).astype(np.int64) - 1
            steps, found = recorded_rates(courses, ends, rates, count=count, points=PLANNED_POINTS)
            self._recorded_of, self._recorded_rates = asked, ((steps + 1) / self.steps_per_epoch, found)
        return self._recorded_rates


def _pairs(rows: list[dict[str, float]], name: str) -> tuple[Floats, Floats]:
    found = [(row["epoch"], row[name]) for row in rows if name in row and np.isfinite(row[name])]
    pairs = np.array(found, dtype=np.float64).reshape(-1, 2)
    pairs.flags.writeable = False
    return pairs[:, 0], pairs[:, 1]


def planned_rates(
    experiment: Experiment, steps_per_epoch: int, epochs: int | None = None, ended: Sequence[int] = ()
) -> tuple[Floats, Floats]:
    """Epochs and learning rates of the whole plan, in at most `PLANNED_POINTS` points.

    The first phases have `ended` after so many epochs [phases].
    """
    steps_per_epoch = max(steps_per_epoch, 1)
    steps, rates = stages.planned_rates(experiment, steps_per_epoch, epochs=epochs, points=PLANNED_POINTS, ended=ended)
    return (steps + 1) / steps_per_epoch, rates


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
    passes `floor` and `ceiling` only where the values do. Of values that cannot be drawn it ends where drawing does.
    """
    floor, ceiling = kept_limits(low, high, (floor, ceiling))
    low, high = ends_of(low, high)
    inner_low = low if floor is None else max(low, floor)
    inner_high = high if ceiling is None else min(high, ceiling)
    digits, power = _tick_step(inner_low, inner_high, most)
    step = round_number(digits, power)
    first, last = around(inner_low, inner_high, step)
    ticks = [round_number(n * digits, power) for n in range(first, last + 1)]
    slack = SLACK * step
    ticks = [
        tick
        for tick in ticks
        if (floor is None or tick >= floor - slack) and (ceiling is None or tick <= ceiling + slack)
    ]
    if len(ticks) > 3 and ticks[-1] - inner_high > 0.2 * (ticks[-1] - ticks[0]):
        ticks.pop()
    return min(ticks[0], inner_low), max(ticks[-1], inner_high), ticks


def kept_limits(
    low: float, high: float, limits: tuple[float | None, float | None]
) -> tuple[float | None, float | None]:
    """Those of the limits of an axis that values from `low` to `high` do not pass by more than rounding.

    A loss ends at 0, but for a cosine similarity or a likelihood, which may lie below.
    """
    floor, ceiling = limits
    span = min(high, FARTHEST) - max(low, -FARTHEST)
    if floor is not None and low < floor - ROUNDING * max(abs(floor), span):
        floor = None
    if ceiling is not None and high > ceiling + ROUNDING * max(abs(ceiling), span):
        ceiling = None
    return floor, ceiling


def _tick_step(low: float, high: float, most: int) -> tuple[int, int]:
    """1, 2, 2.5 or 5 times a power of ten: what encloses the range most closely in three to `most` ticks.

    As a whole number and a power of ten: (25, -2) for 0.25.
    """
    power = power_of((high - low) / (most - 1)) - 1
    best, least = 200, np.inf
    for digits in (10, 20, 25, 50, 100):
        step = round_number(digits, power)
        first, last = around(low, high, step)
        unused = (last - first) * step - (high - low)
        if 2 <= last - first <= most - 1 and unused < least - SLACK * step:
            best, least = digits, unused
    return best, power


def bounds(values: Floats, *, robust: bool) -> tuple[float, float] | None:
    """Lowest and highest value that can be drawn, or None; `robust` leaves out single outliers among many."""
    if robust and len(values) > SAMPLED:
        values = values[:: len(values) // SAMPLED]
    finite = values[np.abs(values) <= FARTHEST]
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
