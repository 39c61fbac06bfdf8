"""Which rows take part, and in which part: class filter, validation, test, training limit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.data import Classes, Data, FirstRows, task_class_names
from dnnstudio.core.errors import UserError
from dnnstudio.engine.data.raw import Array, Raw
from dnnstudio.engine.data.reading import plural

TEST_SEED = 20_170_825
"""Fixed: where a source has no test rows of its own, the same rows are kept for the test whatever the seed."""
TEST_SHARE = 0.2

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Parts:
    """Row numbers. Those of `test` point into the source's test rows, or into `train` where it has none."""

    train: Index
    validation: Index
    test: Index


@dataclass(frozen=True, eq=False)
class Task:
    """How labels become classes: `lookup[label]` is the class, −1 for a label that takes no part."""

    class_names: tuple[str, ...]
    binary: bool
    labels: NDArray[np.int64]
    targets: NDArray[np.int64]

    def encode(self, y: Array) -> NDArray[np.int64]:
        """The class of every label, −1 where it takes no part."""
        place = np.minimum(np.searchsorted(self.labels, y), len(self.labels) - 1)
        return np.where(self.labels[place] == y, self.targets[place], -1)


def make_task(raw: Raw, classes: Classes) -> Task | None:
    """The task that the class filter makes of the source's labels; None where a number is predicted."""
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
    # core.data makes the names; it looks labels up by position, so the kept ones are numbered first.
    positive = None if classes.positive is None else kept.index(classes.positive)
    class_names = task_class_names(Classes(positive=positive), tuple(names[label] for label in kept))
    order = np.argsort(kept)
    targets = np.asarray(kept) == classes.positive if binary else np.arange(len(kept))
    return Task(class_names, binary, np.asarray(kept, np.int64)[order], targets.astype(np.int64)[order])


def split_rows(raw: Raw, data: Data, task: Task | None, seed: int) -> Parts:
    """The rows of each part, in the order of the file.

    As in the chapter (X_train_full[5000:], then the two tasks, then the first 200): the first rows of the source
    validate, then the classes are chosen in every part, then the training rows are limited. A share is drawn from
    the rows that take part. Raises `UserError` where a part would be empty.
    """
    y = raw.train.y
    everything = np.arange(len(y), dtype=np.int64)
    if raw.test is None:
        count = math.ceil(len(y) * TEST_SHARE)
        test, rest = draw(everything, None if task is None else y, count, TEST_SEED)
        test = test[_takes_part(y[test], task)]
    else:
        test, rest = np.flatnonzero(_takes_part(raw.test.y, task)).astype(np.int64), everything
    if isinstance(data.validation, FirstRows):
        count = data.validation.count
        if count >= len(rest):
            raise UserError(
                f"data.validation.count is {count:,}, but there are {plural(len(rest), 'row')} to train and validate.",
                "Make it smaller, or validate with a share.",
            )
        validation, train = (part[_takes_part(y[part], task)] for part in (rest[:count], rest[count:]))
    else:
        rest = rest[_takes_part(y[rest], task)]
        count = max(1, round(len(rest) * data.validation.fraction))
        validation, train = draw(rest, None if task is None else y[rest], count, seed)
    for part, name in ((train, "train"), (validation, "validate"), (test, "test")):
        if len(part) == 0:
            raise UserError(f"No row is left to {name}.", "Keep more classes, or change the split.")
    return Parts(train[: data.train_limit], validation, test)


def draw(rows: Index, labels: Array | None, count: int, seed: int) -> tuple[Index, Index]:
    """`count` rows drawn with the seed, as evenly from every label as whole numbers allow, and the others; both sorted.

    Every label keeps at least one row among the others, so the drawn part may be smaller than asked for.
    """
    random = np.random.default_rng(seed)
    groups = [rows] if labels is None else [rows[labels == label] for label in np.unique(labels)]
    sizes = np.asarray([len(group) for group in groups])
    shares = sizes * count / max(1, len(rows))
    quotas = np.minimum(np.floor(shares).astype(np.int64), np.maximum(sizes - 1, 0))
    while quotas.sum() < count and (quotas < sizes - 1).any():
        # The label that lacks most of its share comes next; small labels that are full leave theirs to the others.
        lacking = np.where(quotas < sizes - 1, shares - quotas, -np.inf)
        quotas[int(np.argmax(lacking))] += 1
    drawn = [random.permutation(group)[:quota] for group, quota in zip(groups, quotas, strict=True)]
    chosen = np.sort(np.concatenate(drawn)) if drawn else rows[:0]
    return chosen, np.setdiff1d(rows, chosen, assume_unique=True)


def _takes_part(y: Array, task: Task | None) -> NDArray[np.bool_]:
    return np.ones(len(y), bool) if task is None else task.encode(y) >= 0


def _few(labels: tuple[int, ...]) -> str:
    shown = ", ".join(str(label) for label in labels[:12])
    return shown if len(labels) <= 12 else f"{shown}, … ({len(labels):,} in all)"
