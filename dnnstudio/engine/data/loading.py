"""From the experiment's `data` to arrays: read once, filter, split, scale, and remember."""

from __future__ import annotations

import hashlib
import json
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.codec import to_plain
from dnnstudio.core.control import Control
from dnnstudio.core.data import Data, DataSummary, Fraction
from dnnstudio.core.jobs import DataPreview, Part
from dnnstudio.core.options import field_hint
from dnnstudio.engine.data import builtin
from dnnstudio.engine.data.dataset import Dataset, Split, StoredPart
from dnnstudio.engine.data.fetch import download as fetch
from dnnstudio.engine.data.pictures import thumbnails_of
from dnnstudio.engine.data.raw import Raw
from dnnstudio.engine.data.reading import ProgressCall, Watch, need_memory, size_text
from dnnstudio.engine.data.scaling import Scaler, constant_features, fit_scaler, gather, take
from dnnstudio.engine.data.sources import files_of, read_source
from dnnstudio.engine.data.splitting import Parts, make_task, split_rows

PLANS_KEPT = 16
PARTS: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Plan:
    """All that is decided about the rows before they are copied to float32."""

    raw: Raw
    parts: Parts
    targets: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
    preview: DataPreview


def load_dataset(
    data: Data,
    *,
    seed: int,
    control: Control | None = None,
    progress: ProgressCall | None = None,
    download: bool = False,
) -> Dataset:
    """The rows that `data` describes: read, filtered, split, scaled. `seed` draws the validation share.

    `download` allows the network to be used for a set that is not on this computer. What was read is remembered until
    its files change; the arrays are shared between callers and read-only. Raises `UserError`, or `Cancelled`.
    """
    watch = Watch(control, progress)
    return _memory.dataset(data, seed, watch, download)


def load_part(
    data: Data,
    part: Part,
    *,
    seed: int,
    control: Control | None = None,
    progress: ProgressCall | None = None,
) -> StoredPart:
    """One part's rows as they are stored, with the scaler of the training rows: for looking at rows, one by one.

    Nothing is copied to float32 before `StoredPart.scaled`. Raises as `load_dataset`.
    """
    return _memory.part(data, part, seed, Watch(control, progress))


def describe(
    data: Data,
    *,
    seed: int,
    control: Control | None = None,
    progress: ProgressCall | None = None,
    download: bool = False,
) -> DataPreview:
    """What the data panel shows: counts, classes, one picture a class. Shares its reading with `load_dataset`."""
    return _memory.plan(data, seed, Watch(control, progress), download).preview


def forget() -> None:
    """Let go of all remembered rows."""
    _memory.clear()


class _Memory:
    """The last source as stored, and the datasets that somebody still holds.

    Float32 copies are held weakly: they are four times as large as 8-bit pictures and made anew in milliseconds.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.clear()

    def clear(self) -> None:
        self._key: object = None
        self._raw: Raw | None = None
        self._plans: dict[tuple[Data, int], Plan] = {}
        self._scalers: dict[tuple[Data, int], Scaler] = {}
        self._datasets: weakref.WeakValueDictionary[tuple[Data, int], Dataset] = weakref.WeakValueDictionary()

    def plan(self, data: Data, seed: int, watch: Watch, download: bool) -> Plan:
        with self._lock:
            kind = data.source.model_dump()["kind"]
            if download and kind in builtin.FOLDERS and builtin.find(kind) is None:
                fetch(kind, watch.progress, watch.control)
            key = (data.source, _signature(files_of(data.source, watch)))
            if self._raw is None or key != self._key:
                self.clear()
                raw = read_source(data.source, watch)
                self._key, self._raw = key, raw
            if (data, seed) not in self._plans:
                plan = _make_plan(self._raw, data, seed)
                while len(self._plans) >= PLANS_KEPT:
                    self._plans.pop(next(iter(self._plans)))
                self._plans[data, seed] = plan
            return self._plans[data, seed]

    def part(self, data: Data, part: Part, seed: int, watch: Watch) -> StoredPart:
        with self._lock:
            plan = self.plan(data, seed, watch, False)
            if (data, seed) not in self._scalers:
                self._scalers = {(data, seed): fit_scaler(plan.raw, plan.parts.train, data.scaling, watch)}
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
    """Changes whenever one of the files does."""
    found = []
    for path in files:
        try:
            status = path.stat()
            found.append((str(path), status.st_size, status.st_mtime_ns))
        except OSError:
            found.append((str(path), -1, -1))
    return tuple(found)


def _make_plan(raw: Raw, data: Data, seed: int) -> Plan:
    task = make_task(raw, data.classes)
    parts = split_rows(raw, data, task, seed)
    test = raw.train if raw.test is None else raw.test
    labels = (raw.train.y[parts.train], raw.train.y[parts.validation], test.y[parts.test])
    targets = tuple(y.astype(np.float32) if task is None else task.encode(y) for y in labels)
    for y in targets:
        y.flags.writeable = False
    classes = 0 if task is None else len(task.class_names)
    summary = DataSummary(
        input_shape=raw.shape,
        class_names=() if task is None else task.class_names,
        binary=task is not None and task.binary,
        counts=(len(parts.train), len(parts.validation), len(parts.test)),
        class_counts=() if task is None else tuple(np.bincount(targets[0], minlength=classes).tolist()),
        origin=raw.origin,
        fingerprint=_fingerprint(raw, data, seed),
        notes=(*raw.notes, *_warnings(raw, data, parts)),
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
    return Plan(raw, parts, (targets[0], targets[1], targets[2]), preview)


def _make_dataset(plan: Plan, data: Data, watch: Watch) -> Dataset:
    raw, parts = plan.raw, plan.parts
    rows = sum(len(y) for y in plan.targets)
    size = rows * int(np.prod(raw.shape)) * 4
    need_memory(size, what=f"{rows:,} rows as 32-bit numbers ({size_text(size)})")
    scaler = fit_scaler(raw, parts.train, data.scaling, watch)
    test = raw.train if raw.test is None else raw.test
    splits = [
        Split(gather(x, index, scaler, watch, columns=raw.columns), y)
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
        thumbnails=plan.preview.thumbnails,
        scaler=scaler,
        fingerprint=plan.preview.summary.fingerprint,
    )


def _warnings(raw: Raw, data: Data, parts: Parts) -> tuple[str, ...]:
    """What a person should know of a table before training on it."""
    if not raw.columns or data.scaling == "none":
        return ()
    constant = constant_features(raw, parts.train)
    names = [f'"{name}"' for name, same in zip(raw.columns, constant, strict=True) if same]
    if not names:
        return ()
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return (f"Without any variation in the training rows: {shown}. Scaled to 0.",)


def _fingerprint(raw: Raw, data: Data, seed: int) -> str:
    """SHA-256 over the stored values and the choices; where the files lie plays no part."""
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
