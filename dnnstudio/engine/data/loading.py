"""Turns the experiment's `data` section into arrays: read once, filter, split, scale, cache."""

from __future__ import annotations

import hashlib
import json
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.codec import to_plain
from dnnstudio.core.experiment.data import Data, DataSummary, Fraction, TargetUnit
from dnnstudio.core.experiment.fields import field_hint
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import Part
from dnnstudio.core.jobs.results import DataPreview
from dnnstudio.core.text import byte_size, count_of, listed
from dnnstudio.engine.backend.memory import need_memory
from dnnstudio.engine.data.dataset import Dataset, Split, StoredPart
from dnnstudio.engine.data.pictures.thumbnails import thumbnails_of
from dnnstudio.engine.data.preparation import Preparation, fit_preparation
from dnnstudio.engine.data.raw import Raw
from dnnstudio.engine.data.reading import ProgressCall, Watch
from dnnstudio.engine.data.scaling import RowTransform, constant_features, fit_scaler, gather, moments, take
from dnnstudio.engine.data.sources import download_source, files_of, must_be_downloaded, read_source
from dnnstudio.engine.data.splitting import Parts, make_task, split_rows

if TYPE_CHECKING:
    from dnnstudio.engine.data.tables.consequences import Consequence

LARGEST_TARGET = 1e18
"""Squares of larger numbers, and of smaller spreads than its inverse, do not fit into 32 bits."""
STEPS = 50
"""So many different answers at least should lie within one standard deviation of the target."""
PLANS_KEPT = 16
PARTS: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Plan:
    """All decisions about the rows before they are copied to float32."""

    raw: Raw
    parts: Parts
    targets: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
    preview: DataPreview
    preparation: Preparation | None = None
    """What brings a table of several kinds of columns to the network; other sources are scaled when they are used."""


def load_dataset(
    data: Data,
    *,
    seed: int,
    control: Control | None = None,
    progress: ProgressCall | None = None,
    download: bool = False,
) -> Dataset:
    """The rows of `data`: read, filtered, split, scaled. `seed` draws the validation rows.

    `download` allows the program to download a missing data set. The source is cached until its files change; the
    arrays are shared between callers and read-only. Raises `UserError`, or `Cancelled`.
    """
    watch = Watch(control, progress)
    return _memory.dataset(_rows_alone(data), seed, watch, download)


def load_part(
    data: Data,
    part: Part,
    *,
    seed: int,
    control: Control | None = None,
    progress: ProgressCall | None = None,
) -> StoredPart:
    """One part's unscaled rows with the scaler of the training rows, for looking at single rows.

    Nothing is copied to float32 before `StoredPart.scaled`. Raises like `load_dataset`.
    """
    return _memory.part(_rows_alone(data), part, seed, Watch(control, progress))


def describe(
    data: Data,
    *,
    seed: int,
    control: Control | None = None,
    progress: ProgressCall | None = None,
    download: bool = False,
) -> DataPreview:
    """What the data panel shows: counts, classes, one picture a class. Shares its reading with `load_dataset`."""
    return _memory.plan(_rows_alone(data), seed, Watch(control, progress), download).preview


def plan_of(data: Data, *, seed: int, control: Control | None = None) -> Plan:
    """The rows, the split and the fitted preparation of `data`, before anything is copied. Shares the reading."""
    return _memory.plan(data, seed, Watch(control, None), False)


def find_consequences(data: Data, *, seed: int, control: Control | None = None) -> tuple[Consequence, ...]:
    """Warnings about a table before training on it; none for other sources. Uses the same cache."""
    from dnnstudio.engine.data.tables.consequences import consequences

    watch = Watch(control, None)
    plan = _memory.plan(data, seed, watch, False)
    if plan.preparation is None:
        return ()
    return consequences(plan.raw, plan.parts, plan.targets, plan.preview.summary, plan.preparation, watch)


def forget() -> None:
    """Clear the cache."""
    _memory.clear()


def _rows_alone(data: Data) -> Data:
    """Without what happens to rows while training: it neither makes other rows nor reads them anew."""
    return data if data.augmentation is None else data.replaced(augmentation=None)


class _Memory:
    """Cache of the last source as stored, and of the datasets still in use.

    Float32 copies are held by weak references: they are four times as large as 8-bit images and are made again in
    milliseconds.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.clear()

    def clear(self) -> None:
        self._key: object = None
        self._raw: Raw | None = None
        self._plans: dict[tuple[Data, int], Plan] = {}
        self._scalers: dict[tuple[Data, int], RowTransform] = {}
        self._datasets: weakref.WeakValueDictionary[tuple[Data, int], Dataset] = weakref.WeakValueDictionary()

    def plan(self, data: Data, seed: int, watch: Watch, download: bool) -> Plan:
        with self._lock:
            if download and must_be_downloaded(data.source):
                download_source(data.source, watch)
            key = (data.source, _signature(files_of(data.source, watch)))
            if self._raw is None or key != self._key:
                self.clear()
                raw = read_source(data.source, watch)
                self._key, self._raw = key, raw
            if (data, seed) not in self._plans:
                plan = _make_plan(self._raw, data, seed, watch)
                while len(self._plans) >= PLANS_KEPT:
                    self._plans.pop(next(iter(self._plans)))
                self._plans[data, seed] = plan
            return self._plans[data, seed]

    def part(self, data: Data, part: Part, seed: int, watch: Watch) -> StoredPart:
        with self._lock:
            plan = self.plan(data, seed, watch, False)
            if (data, seed) not in self._scalers:
                self._scalers = {(data, seed): _transform_of(plan, data, watch)}
            raw, index = plan.raw, PARTS.index(part)
            test = raw.train if raw.test is None else raw.test
            rows = (plan.parts.train, plan.parts.validation, plan.parts.test)[index]
            return StoredPart(
                x=take(test.x if part == "test" else raw.train.x, rows),
                y=plan.targets[index],
                scaler=self._scalers[data, seed],
                summary=plan.preview.summary,
                full_scale=raw.full_scale,
                columns=raw.columns,
            )

    def dataset(self, data: Data, seed: int, watch: Watch, download: bool) -> Dataset:
        with self._lock:
            plan = self.plan(data, seed, watch, download)
            found = self._datasets.get((data, seed))
            if found is None:
                found = self._datasets[data, seed] = _make_dataset(plan, data, watch)
            return found


_memory = _Memory()


def _signature(files: tuple[Path, ...]) -> tuple[tuple[str, int, int], ...]:
    """A value that changes whenever one of the files does."""
    found = []
    for path in files:
        try:
            status = path.stat()
            found.append((str(path), status.st_size, status.st_mtime_ns))
        except OSError:
            found.append((str(path), -1, -1))
    return tuple(found)


def _transform_of(plan: Plan, data: Data, watch: Watch) -> RowTransform:
    return plan.preparation or fit_scaler(plan.raw, plan.parts.train, data.scaling, watch)


def _make_plan(raw: Raw, data: Data, seed: int, watch: Watch) -> Plan:
    task = make_task(raw, data.classes)
    parts = split_rows(raw, data, task, seed)
    test = raw.train if raw.test is None else raw.test
    labels = (raw.train.y[parts.train], raw.train.y[parts.validation], test.y[parts.test])
    targets = tuple(y.astype(np.float64) if task is None else task.encode(y) for y in labels)
    for y in targets:
        y.flags.writeable = False
    classes = 0 if task is None else len(task.class_names)
    if task is None:
        _require_numbers([np.asarray(y, np.float64) for y in targets])
    found = _unit_of(np.asarray(targets[0], np.float64), watch) if task is None else None
    unit = found if data.target_scaling == "standard" else None
    preparation = None
    if raw.stored and raw.target is not None:
        preparation = fit_preparation(
            raw.stored,
            raw.train.x,
            parts.train,
            scaling=data.scaling,
            target=raw.target,
            classes=() if task is None else task.class_names,
            unit=unit,
            watch=watch,
        )
    summary = DataSummary(
        input_shape=raw.shape if preparation is None else preparation.input_shape(raw.shape),
        class_names=() if task is None else task.class_names,
        binary=task is not None and task.binary,
        counts=(len(parts.train), len(parts.validation), len(parts.test)),
        class_counts=() if task is None else tuple(np.bincount(targets[0], minlength=classes).tolist()),
        origin=raw.origin,
        fingerprint=_fingerprint(raw, data, seed),
        notes=(*raw.notes, *_warnings(raw, data, parts), *_of_numbers(found, targets[0]), *_copies(raw, parts)),
        report=raw.report,
        target_unit=unit,
    )
    pictures = thumbnails_of(raw.train.x, parts.train, targets[0], classes, raw.full_scale)
    rows = np.concatenate([raw.train.y] if raw.test is None else [raw.train.y, raw.test.y])
    preview = DataPreview(
        summary=summary,
        thumbnails=pictures,
        labels=raw.labels,
        label_names=raw.names,
        label_counts=tuple(int((rows == label).sum()) for label in raw.labels),
    )
    return Plan(raw, parts, (targets[0], targets[1], targets[2]), preview, preparation)


def _require_numbers(targets: Sequence[NDArray[np.float64]]) -> None:
    """Refuse numbers [n] of any part whose squared errors 32 bits cannot hold. Raises `UserError`."""
    for y in targets:
        beyond = np.flatnonzero(np.abs(y) > LARGEST_TARGET)
        if len(beyond):
            number = f"{len(beyond):,} of the numbers to predict are" if len(beyond) > 1 else "A number to predict is"
            raise UserError(
                f"{number} as large as {np.abs(y[beyond]).max():.1e}; squares of errors above {LARGEST_TARGET:.0e} "
                "cannot be computed.",
                "Bring them to a larger unit, so that they become smaller, or leave such rows out.",
            )


def _of_numbers(unit: TargetUnit | None, targets: NDArray[Any]) -> tuple[str, ...]:
    """A note where the training rows' numbers to predict [n] are all the same, or 32 bits cannot tell them apart."""
    if unit is not None and targets.min() == targets.max():
        return (f"All training rows have the same number to predict, {unit.mean:.6g}: there is nothing to learn.",)
    step = 0.0 if unit is None else float(np.spacing(np.float32(abs(unit.mean))))
    if unit is None or step * STEPS <= unit.std:
        return ()
    return (
        f"The numbers to predict lie around {unit.mean:.6g} and differ by about {unit.std:.2g}, but answers there go "
        f"in steps of {step:.2g}. Subtract a constant from them first.",
    )


def _unit_of(targets: NDArray[np.float64], watch: Watch) -> TargetUnit:
    """Mean and population standard deviation of the training targets [n]; 1 where they are all equal."""
    rows = np.arange(len(targets), dtype=np.int64)
    mean, std = moments(targets[:, None], rows, None, watch)
    varies = targets.min() < targets.max() and std[0] > 0
    if varies and std[0] < 1 / LARGEST_TARGET:
        raise UserError(
            f"The numbers to predict differ by {std[0]:.1e} only, and squares of such errors cannot be computed.",
            "Bring them to a smaller unit, so that they become larger.",
        )
    return TargetUnit(mean=float(mean[0]), std=float(std[0]) if varies else 1.0)


def _make_dataset(plan: Plan, data: Data, watch: Watch) -> Dataset:
    raw, parts = plan.raw, plan.parts
    rows = sum(len(y) for y in plan.targets)
    size = rows * int(np.prod(plan.preview.summary.input_shape)) * 4
    need_memory(size, what=f"{count_of(rows, 'row')} as 32-bit numbers ({byte_size(size)})")
    scaler = _transform_of(plan, data, watch)
    names = raw.columns if plan.preparation is None else plan.preparation.inputs
    test = raw.train if raw.test is None else raw.test
    splits = [
        Split(gather(x, index, scaler, watch, columns=names), y)
        for x, index, y in zip(
            (raw.train.x, raw.train.x, test.x),
            (parts.train, parts.validation, parts.test),
            plan.targets,
            strict=True,
        )
    ]
    watch.tell(rows, rows, "Data ready")
    return Dataset(
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        summary=plan.preview.summary,
        scaler=scaler,
        fingerprint=plan.preview.summary.fingerprint,
        stored_shape=raw.shape,
        full_scale=raw.full_scale,
        columns=raw.columns,
    )


def _warnings(raw: Raw, data: Data, parts: Parts) -> tuple[str, ...]:
    """Warnings about a table before training on it."""
    if not raw.columns or raw.stored or data.scaling == "none":
        return ()
    constant = constant_features(raw, parts.train)
    names = [f'"{name}"' for name, same in zip(raw.columns, constant, strict=True) if same]
    if not names:
        return ()
    return (f"Without any variation in the training rows: {listed(names, most=6)}. Scaled to 0.",)


def _copies(raw: Raw, parts: Parts) -> tuple[str, ...]:
    """A note on pictures of a folder that stand, pixel by pixel, both in training and where they judge it."""
    if raw.report is None:
        return ()
    seen = {hash(raw.train.x[row].tobytes()) for row in parts.train}
    notes = []
    test = raw.train if raw.test is None else raw.test
    for x, rows, name in ((raw.train.x, parts.validation, "validation"), (test.x, parts.test, "test")):
        copies = sum(hash(x[row].tobytes()) in seen for row in rows)
        if copies:
            notes.append(
                f"{copies:,} of {count_of(len(rows), f'{name} picture')} {'stands' if copies == 1 else 'stand'} among "
                "the training pictures too: what the network remembers is taken for what it understood."
            )
    return tuple(notes)


def _fingerprint(raw: Raw, data: Data, seed: int) -> str:
    """SHA-256 of the stored values and the settings; file paths play no part."""
    choices = to_plain(data)
    fields = type(data.source).model_fields
    choices["source"] = {
        name: value
        for name, value in choices["source"].items()
        if field_hint(fields[name], "widget") not in ("file", "folder")
    }
    if isinstance(data.validation, Fraction):
        choices["seed"] = seed
    return hashlib.sha256((raw.digest + json.dumps(choices, sort_keys=True)).encode()).hexdigest()
