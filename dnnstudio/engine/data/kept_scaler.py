"""The scaling of pictures, arrays and plain tables as a run keeps it, so that new rows are scaled alike.

A table with columns of several kinds keeps a `Preparation` in the same file, `preparation.json`; `kind` tells them
apart. Runs of version 0.1.0 have no such file: there the scaling is fitted again on their data.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError, model_validator

from dnnstudio.core.atomic_files import read_bounded
from dnnstudio.core.checksums import write_checked
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Scaling
from dnnstudio.core.experiment.fields import Option
from dnnstudio.core.experiment.refusals import explain
from dnnstudio.core.text import count_of
from dnnstudio.engine.data.dataset import Dataset
from dnnstudio.engine.data.pictures.ground import LOOKED_AT, ground_of
from dnnstudio.engine.data.pictures.thumbnails import is_picture
from dnnstudio.engine.data.preparation import FILE, KeptUnit, Preparation
from dnnstudio.engine.data.scaling import Scaler

MAX_BYTES = 128 * 2**20
"""Standardized colour pictures of 512 × 512 pixels have 786,432 means and as many deviations, of 20 digits each."""


class KeptArray(Option):
    """Numbers of a shape, in C order; a single number has the empty shape."""

    shape: tuple[int, ...]
    values: tuple[float, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.values) != prod(self.shape):
            raise ValueError(f"{len(self.values)} values do not fill the shape {self.shape}")
        return self

    @classmethod
    def of(cls, array: NDArray[Any]) -> Self:
        """The record of an array [*shape]."""
        return cls(shape=array.shape, values=tuple(np.asarray(array, np.float64).ravel().tolist()))

    def array(self) -> NDArray[np.float64]:
        """The array that was kept, float64 [*shape]."""
        return np.asarray(self.values, np.float64).reshape(self.shape)


class KeptScaler(Option):
    """A `Scaler`, the shape of the rows that it scales, and what their values and the answers are called.

    `full_scale` is the stored value of white (255 for 8-bit pictures), None where that is not known. `columns` are the
    features of a table, in their order, and `low` and `high` their ranges in the training rows. `classes` is empty
    where a number is predicted. `ground` says which share of white the edges of the training pictures have, see
    `pictures.ground`.
    """

    format: Literal[1] = 1
    kind: Literal["scaler"] = "scaler"
    scaling: Scaling
    shape: tuple[int, ...]
    mean: KeptArray
    std: KeptArray
    fill: KeptArray | None = None
    full_scale: float | None = None
    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    target_unit: KeptUnit | None = None
    low: KeptArray | None = None
    high: KeptArray | None = None
    ground: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for kept in (self.mean, self.std, self.fill, self.low, self.high):
            if kept is not None and kept.shape not in ((), self.shape):
                raise ValueError(f"numbers of the shape {kept.shape} do not scale rows of the shape {self.shape}")
        if not all(self.std.values):
            raise ValueError("std holds a 0, by which nothing can be divided")
        if self.columns and self.shape != (len(self.columns),):
            raise ValueError(f"{count_of(len(self.columns), 'column')} do not fit rows of the shape {self.shape}")
        return self

    def scaler(self) -> Scaler:
        """The scaler that was kept, every number to the last bit."""
        fill, low, high = (None if kept is None else kept.array() for kept in (self.fill, self.low, self.high))
        return Scaler(self.scaling, self.mean.array(), self.std.array(), fill, low, high)


def keep_preparation(dataset: Dataset, folder: Path) -> None:
    """Write into a run's folder how its rows were prepared. Raises `UserError`."""
    scaler = dataset.scaler
    kept: Preparation | KeptScaler
    if isinstance(scaler, Preparation):
        kept = scaler
    elif isinstance(scaler, Scaler):
        kept = KeptScaler(
            scaling=scaler.kind,
            shape=dataset.stored_shape,
            mean=KeptArray.of(scaler.mean),
            std=KeptArray.of(scaler.std),
            fill=_kept(scaler.fill),
            full_scale=dataset.full_scale,
            columns=dataset.columns,
            classes=dataset.summary.class_names,
            target_unit=KeptUnit.of(dataset.summary.target_unit),
            low=_kept(scaler.low),
            high=_kept(scaler.high),
            ground=_ground(dataset, scaler),
        )
    else:
        raise TypeError(f"{type(scaler).__name__} has no form in which a run keeps it")
    write_checked(folder / FILE, (codec.pretty(codec.to_plain(kept)) + "\n").encode())


def _ground(dataset: Dataset, scaler: Scaler) -> tuple[float, float] | None:
    x = dataset.train.x
    if dataset.full_scale is None or not is_picture(x.shape[1:]):
        return None
    return ground_of(scaler.invert(x[:: max(1, len(x) // LOOKED_AT)]), dataset.full_scale)


def _kept(array: NDArray[np.float64] | None) -> KeptArray | None:
    return None if array is None else KeptArray.of(array)


def read_preparation(folder: Path) -> Preparation | KeptScaler | None:
    """How a run's rows were prepared; None where the run keeps no word of it. Raises `UserError` for a damaged file."""
    path = folder / FILE
    if not path.exists():
        return None
    text = read_bounded(path, MAX_BYTES, what="a preparation")
    plain = codec.decode(text, name=path.name)
    kind = plain.get("kind") if isinstance(plain, dict) else None
    kinds: dict[str, type[Preparation] | type[KeptScaler]] = {"table": Preparation, "scaler": KeptScaler}
    kept = kinds.get(str(kind))
    if kept is None:
        raise UserError(f"{path} holds no preparation that this version reads.", "Copy it from the run, or update.")
    try:
        return kept.model_validate_json(text)
    except ValidationError as error:
        raise UserError(f"{path}: {explain(error, kept)}") from None
