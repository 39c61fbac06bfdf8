"""The columns of a row that a network reads, from how its rows were prepared: what their cells may hold."""

from __future__ import annotations

import numpy as np

from dnnstudio.core.jobs.cases import InputColumn, InputKind
from dnnstudio.engine.data.preparation import Preparation, PreparedColumn
from dnnstudio.engine.data.scaling import Scaler
from dnnstudio.engine.predicting.preparing import Prepared


def columns_of(prepared: Prepared) -> tuple[InputColumn, ...]:
    """The columns of a table's row, in their order; none where rows are pictures or arrays."""
    if isinstance(prepared.transform, Preparation):
        return tuple(_column(column, prepared.transform.scaling) for column in prepared.transform.columns)
    if isinstance(prepared.transform, Scaler):
        return _plain(prepared.columns, prepared.transform)
    return ()


def _column(column: PreparedColumn, scaling: str) -> InputColumn:
    kind: InputKind = column.column.kind if column.column.kind in ("category", "yes_no", "date") else "number"
    low, high = column.low, column.high
    if kind == "number" and low is None and scaling == "unit":
        low, high = column.offset[0], column.offset[0] + column.scale[0]
    middle = column.offset[0] if kind == "number" and scaling == "standardize" else None
    if middle is None:
        middle = (low + high) / 2 if kind in ("number", "date") and low is not None and high is not None else 0.0
    if kind == "date":
        middle = float(np.floor(middle)) if low is not None else column.first_day
    if column.whole and kind == "number":
        middle = float(round(middle))
    seen = tuple(place for place, given in enumerate(column.places) if given >= 0)
    return InputColumn(
        name=column.column.name,
        kind=kind,
        low=low,
        high=high,
        whole=kind == "number" and column.whole,
        start=float(seen[0]) if kind == "category" and seen else middle,
        categories=column.words,
        seen=seen,
        may_be_empty=column.fill is not None,
    )


def _plain(names: tuple[str, ...], scaler: Scaler) -> tuple[InputColumn, ...]:
    """Columns of plain numbers, which one scaler brings to one scale."""
    if not names:
        return ()
    count = len(names)
    low, high = scaler.low, scaler.high
    if low is None and scaler.kind == "unit" and scaler.mean.ndim == 1:
        low, high = scaler.mean, scaler.mean + scaler.std
    if scaler.kind == "standardize":
        start = np.broadcast_to(scaler.mean, count)
    else:
        start = np.zeros(count) if low is None or high is None else (low + high) / 2
    return tuple(
        InputColumn(
            name=name,
            low=None if low is None else float(low[place]),
            high=None if high is None else float(high[place]),
            start=float(start[place]),
            may_be_empty=scaler.fill is not None,
        )
        for place, name in enumerate(names)
    )
