"""Selects rows and assigns them to parts: class filter, validation, test, training limit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Classes, Data, FirstRows, task_class_names
from dnnstudio.core.text import count_of
from dnnstudio.engine.data.raw import Array, Raw
from dnnstudio.standalone.drawing import TEST_SEED, Index, draw


@dataclass(frozen=True, eq=False)
class Parts:
    """Row indexes. Those of `test` refer to the source's test rows, or to `train` if it has none."""

    train: Index
    validation: Index
    test: Index


@dataclass(frozen=True, eq=False)
class Task:
    """Maps labels to classes: `lookup[label]` is the class, −1 for an unused label."""

    class_names: tuple[str, ...]
    binary: bool
    labels: NDArray[np.int64]
    targets: NDArray[np.int64]

    def encode(self, y: Array) -> NDArray[np.int64]:
        """The class of every label [n]: int64 [n], −1 for an unused label."""
        place = np.minimum(np.searchsorted(self.labels, y), len(self.labels) - 1)
        return np.where(self.labels[place] == y, self.targets[place], -1)


def make_task(raw: Raw, classes: Classes) -> Task | None:
    """The task defined by the class filter on the source's labels; None for regression."""
    if raw.is_number:
        if classes.keep is not None or classes.positive is not None:
            raise UserError(
                "data.classes is set, but a number is predicted, so there are no classes.", "Clear the class filter."
            )
        return None
    kept = raw.labels if classes.keep is None else classes.keep
    for index, label in enumerate(kept):
        if label not in raw.labels:
            raise UserError(
                f"data.classes.keep names the label {label}; the data hold {_few(raw.labels)}.", "Take it out."
            )
        if label in kept[:index]:
            raise UserError(f"data.classes.keep names the label {label} twice.", "Name it once.")
    if classes.positive is not None and classes.positive not in kept:
        raise UserError(
            f"data.classes.positive is {classes.positive}, which is not among the kept labels {_few(kept)}.",
            "Choose one of them.",
        )
    names = dict(zip(raw.labels, raw.names, strict=True))
    binary = classes.positive is not None
    # task_class_names indexes names by position, so the kept labels are numbered first.
    positive = None if classes.positive is None else kept.index(classes.positive)
    class_names = task_class_names(Classes(positive=positive), tuple(names[label] for label in kept))
    order = np.argsort(kept)
    targets = np.asarray(kept) == classes.positive if binary else np.arange(len(kept))
    return Task(class_names, binary, np.asarray(kept, np.int64)[order], targets.astype(np.int64)[order])


def split_rows(raw: Raw, data: Data, task: Task | None, seed: int) -> Parts:
    """The rows of each part, in file order.

    As in Géron, chapter 11 (X_train_full[5000:], then the two tasks, then the first 200): the first rows of the source
    validate, then the classes are selected in every part, then the training rows are limited. A fraction is drawn from
    the selected rows. Raises `UserError` if a part would be empty.
    """
    y, parts = raw.train.y, raw.keys.parts
    everything = np.arange(len(y), dtype=np.int64)
    if raw.test is None:
        if parts is not None and (parts == 2).any():
            test, rest = everything[parts == 2], everything[parts != 2]
        else:
            # Rows that are named as validation stay so: the test is drawn from the others.
            free = everything if parts is None else everything[parts != 1]
            test, rest = _drawn(raw, free, task, math.ceil(len(free) * data.test_share), TEST_SEED)
            rest = np.setdiff1d(everything, test, assume_unique=True)
        test = test[_takes_part(y[test], task)]
    else:
        test, rest = np.flatnonzero(_takes_part(raw.test.y, task)).astype(np.int64), everything
    if parts is not None and (parts == 1).any():
        named = parts[rest] == 1
        validation, train = (part[_takes_part(y[part], task)] for part in (rest[named], rest[~named]))
    elif isinstance(data.validation, FirstRows):
        count = data.validation.count
        if count >= len(rest):
            raise UserError(
                f"data.validation.count is {count:,}, but there are {count_of(len(rest), 'row')} to train and "
                "validate.",
                "Make it smaller, or validate with a share.",
            )
        validation, train = (part[_takes_part(y[part], task)] for part in (rest[:count], rest[count:]))
    else:
        rest = rest[_takes_part(y[rest], task)]
        count = max(1, round(len(rest) * data.validation.fraction))
        validation, train = _drawn(raw, rest, task, count, seed)
    for part, name in ((train, "train"), (validation, "validate"), (test, "test")):
        if len(part) == 0:
            raise UserError(
                f"No row is left to {name}: {count_of(len(y), 'row')} in all {'is' if len(y) == 1 else 'are'} too few "
                "for this split and these classes.",
                "Add rows, keep more classes, or change the split.",
            )
    return Parts(train[: data.train_limit], validation, test)


def _drawn(raw: Raw, rows: Index, task: Task | None, count: int, seed: int) -> tuple[Index, Index]:
    """About `count` of the rows, and the others: the latest by time, whole groups, or a stratified draw."""
    keys = raw.keys
    if keys.times is not None:
        late = rows[np.argsort(keys.times[rows], kind="stable")][max(1, len(rows) - count) :]
        return np.sort(late), np.setdiff1d(rows, late, assume_unique=True)
    if keys.groups is not None:
        return draw_groups(rows, keys.groups[rows], count, seed)
    return draw(rows, None if task is None else raw.train.y[rows], count, seed)


def draw_groups(rows: Index, groups: Array, count: int, seed: int) -> tuple[Index, Index]:
    """Draw whole groups of the `rows` [m] with the seed until they contain `count` rows: these [k] and the others [m −
    k], sorted.

    `groups` [n] holds the group of every row of the source. At least one group remains. Raises `UserError` for a single
    group.
    """
    names, sizes = np.unique(groups, return_counts=True)
    if len(names) < 2:
        raise UserError("All rows that are to be split belong to one group.", "Choose another group column, or none.")
    order = np.random.default_rng(seed).permutation(len(names))
    before = np.concatenate(([0], np.cumsum(sizes[order])[:-1]))
    taken = order[: min(max(1, int(np.count_nonzero(before < count))), len(names) - 1)]
    chosen = np.isin(groups, names[taken])
    return rows[chosen], rows[~chosen]


def _takes_part(y: Array, task: Task | None) -> NDArray[np.bool_]:
    return np.ones(len(y), bool) if task is None else task.encode(y) >= 0


def _few(labels: tuple[int, ...]) -> str:
    shown = ", ".join(str(label) for label in labels[:12])
    return shown if len(labels) <= 12 else f"{shown}, … ({len(labels):,} in all)"
