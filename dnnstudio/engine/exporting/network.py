"""What is written into a file of another format: one network, or the members of an ensemble, from rows to answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.engine.backend.layer_types import kind_of_layer
from dnnstudio.engine.backend.noise import noise_of
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.data.preparation import Preparation
from dnnstudio.engine.data.scaling import RowTransform, Scaler
from dnnstudio.engine.predicting.preparing import Prepared

INPUT = "rows"
OUTPUT = "answers"
"""The names of the one input and the one output of every file."""

Rows = NDArray[Any]
Runner = Callable[[Rows], NDArray[np.float32]]
"""Runs a written file: rows as it reads them [n, *shape] → answers float32 [n, units]."""


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One network, and how its rows are prepared; None where the file is to read prepared rows."""

    model: keras.Sequential
    transform: RowTransform | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ExportedNetwork:
    """The members whose mean is the answer. `shape` is that of a row as the file reads it, `dtype` its type.

    With `stochastic` dropout is active, so that every run of the file is another opinion. `classes` are the names of
    the answers, in their order; empty where a number is predicted. `columns` are those of a table's row.
    """

    members: tuple[Member, ...]
    shape: tuple[int, ...]
    dtype: type[np.floating[Any]] = np.float32
    stochastic: bool = False
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def carries_preparation(self) -> bool:
        """Whether the file prepares the rows itself."""
        return self.members[0].transform is not None

    def without_preparation(self) -> ExportedNetwork:
        """The same network for a file that reads prepared rows. Raises `UserError` where the members differ in them."""
        transforms = [member.transform for member in self.members]
        if len(self.members) > 1 and transforms[0] is not None:
            raise UserError(
                "Each network of the ensemble prepares its rows in its own way, which this format cannot hold.",
                "Export one of its runs, or choose another format.",
            )
        members = tuple(Member(member.model) for member in self.members)
        shape = tuple(int(size) for size in self.members[0].model.input_shape[1:])
        names = getattr(transforms[0], "inputs", self.columns)
        return replace(self, members=members, shape=shape, dtype=np.float32, columns=tuple(names))


def exported(members: tuple[tuple[Any, Prepared | None], ...], *, stochastic: bool) -> ExportedNetwork:
    """The network of `members`, each a Keras model and how its rows are prepared (None where nothing says so).

    Raises `UserError` where dropout shall be active and there is none.
    """
    if stochastic:
        for model, _ in members:
            if not any(is_dropped(layer) for layer in model.layers):
                raise UserError(
                    "This network has no dropout to keep active.",
                    "Export it without --stochastic.",
                )
    first = members[0][1]
    shape = tuple(int(size) for size in members[0][0].input_shape[1:]) if first is None else first.shape
    return ExportedNetwork(
        members=tuple(Member(model, None if prepared is None else prepared.transform) for model, prepared in members),
        shape=shape,
        dtype=np.float64 if first is not None and len(shape) == 1 else np.float32,
        stochastic=stochastic,
        classes=() if first is None else first.classes,
        columns=_columns(first),
    )


def _columns(prepared: Prepared | None) -> tuple[str, ...]:
    if prepared is None:
        return ()
    if prepared.table is not None:
        return tuple(column.column.name for column in prepared.table.columns)
    return prepared.columns


CARRIED = ("number", "yes_no", "category")
"""The kinds of columns that a file prepares itself; a date is no plain number."""


def can_prepare(network: ExportedNetwork) -> bool:
    """Whether a format that computes in 64-bit numbers can prepare the rows as the network's runs did."""
    for member in network.members:
        transform = member.transform
        if isinstance(transform, Preparation):
            if any(column.column.kind not in CARRIED for column in transform.columns):
                return False
        elif not isinstance(transform, Scaler):
            return False
    return True


def layer_kind(layer: Any) -> str:
    """The name of a layer's class as Keras calls it, also for the program's own classes that stand in for it."""
    kind = kind_of_layer(layer)
    return type(layer).__name__ if kind is None else kind.keras_class


def is_dropped(layer: Any) -> bool:
    """Whether the layer is a dropout with a rate above zero, which is what a stochastic file keeps active."""
    noise = noise_of(layer)
    return noise is not None and noise.is_dropout and layer.rate > 0
