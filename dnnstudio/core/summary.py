"""The table of a network: a row a layer with its shape and parameters, the variables with their roles, and memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from dnnstudio.core.data import known_summary
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.layers import Layer, Shape, Variable, times
from dnnstudio.core.shapes import LayerShape, infer_shapes

BYTES = 4
"""Bytes of a float32."""
SLOTS = {
    "sgd": 0,
    "adagrad": 1,
    "adadelta": 2,
    "rmsprop": 1,
    "adam": 2,
    "adamw": 2,
    "adamax": 2,
    "nadam": 2,
    "lion": 1,
    "muon": 2,
}
"""Optimizer → the arrays of a weight's size that it keeps for each weight."""


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One layer. `output_shape` is None where it cannot be worked out; `error` then says why."""

    id: str
    label: str
    caption: str
    output_shape: Shape | None
    trainable: int
    non_trainable: int
    variables: tuple[Variable, ...]
    enabled: bool
    frozen: bool
    error: str = ""

    @property
    def count(self) -> int:
        return self.trainable + self.non_trainable


@dataclass(frozen=True, slots=True)
class SummaryTable:
    """All rows with their totals. Memory is in bytes, for float32.

    `weight_bytes` is what the model file holds at least; `activation_bytes` what one row of data needs on its way
    through; `training_bytes` weights, gradients, the optimizer's averages and one batch on its way.
    """

    rows: tuple[SummaryRow, ...]
    input_shape: Shape | None
    trainable: int
    non_trainable: int
    weight_bytes: int
    activation_bytes: int
    training_bytes: int

    @property
    def count(self) -> int:
        return self.trainable + self.non_trainable


def summary_table(
    network: Experiment | Sequence[Layer],
    input_shape: Shape | None = None,
    *,
    rows: Sequence[LayerShape] | None = None,
) -> SummaryTable:
    """The table of an experiment or of its layers.

    Without `input_shape` it is the built-in data's, or that of an Input layer. `rows` are the shapes where they have
    been worked out already. For layers alone `training_bytes` takes plain SGD and batches of 32.
    """
    experiment = network if isinstance(network, Experiment) else None
    layers = network.layers if isinstance(network, Experiment) else network
    if input_shape is None and experiment is not None:
        known = known_summary(experiment.data)
        input_shape = known.input_shape if known is not None else None
    shapes = tuple(rows) if rows is not None else infer_shapes(layers, input_shape)
    table = tuple(_row(shape) for shape in shapes)
    trainable, fixed = sum(row.trainable for row in table), sum(row.non_trainable for row in table)
    # An Input that is not the first does not say what the layers before it are given.
    start = next((shape.input_shape for shape in shapes if shape.layer.enabled), input_shape)
    through = prod(start) if start is not None else 0
    through += sum(prod(row.output_shape) for row in table if row.enabled and row.output_shape is not None)
    batch = experiment.training.batch_size if experiment is not None else 32
    slots = _slots(experiment) if experiment is not None else 0
    return SummaryTable(
        table,
        start,
        trainable,
        fixed,
        weight_bytes=BYTES * (trainable + fixed),
        activation_bytes=BYTES * through,
        # Each output is kept for the way back, where its gradient needs the same again.
        training_bytes=BYTES * (trainable * (2 + slots) + fixed + 2 * batch * through),
    )


def _row(shape: LayerShape) -> SummaryRow:
    layer = shape.layer
    return SummaryRow(
        layer.id,
        type(layer).label,
        layer.caption(shape.input_shape),
        shape.output_shape,
        shape.trainable_count,
        shape.non_trainable_count,
        shape.variables,
        layer.enabled,
        layer.has_weights and not getattr(layer, "trainable", True),
        shape.error,
    )


def _slots(experiment: Experiment) -> int:
    optimizer = experiment.optimizer
    momentum = optimizer.kind in ("sgd", "rmsprop") and getattr(optimizer, "momentum", 0.0) > 0
    centered = bool(getattr(optimizer, "centered", False))
    amsgrad = bool(getattr(optimizer, "amsgrad", False))
    return SLOTS.get(optimizer.kind, 2) + momentum + centered + amsgrad + bool(optimizer.use_ema)


def size_in_words(count: int) -> str:
    """Bytes as a person reads them: 512 bytes, 1.0 kB, 3.2 MB."""
    if count < 1000:
        return f"{count} bytes"
    for unit, size in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if count < 999.95 * size or unit == "GB":
            return f"{count / size:,.1f} {unit}"
    raise AssertionError


def format_table(table: SummaryTable, *, variables: bool = True) -> str:
    """The table as lines of plain text, as `dnnstudio summary` prints it.

    `variables` adds, for layers with parameters that training does not change, each array with its role.
    """
    lines = [("Layer", "Kind", "Output", "Parameters", "Trainable", "Non-trainable")]
    notes: dict[int, str] = {}
    for row in table.rows:
        shape = "off" if not row.enabled else "?" if row.output_shape is None else times(row.output_shape)
        kind = row.label + (" (frozen)" if row.frozen else "")
        lines.append((row.id, kind, shape, f"{row.count:,}", f"{row.trainable:,}", f"{row.non_trainable:,}"))
        if variables and row.non_trainable and not row.frozen:
            for variable in row.variables:
                notes[len(lines)] = variable.role
                lines.append(_variable_line(variable))
    lines.append(("Total", "", "", f"{table.count:,}", f"{table.trainable:,}", f"{table.non_trainable:,}"))
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    rule = "─" * (sum(widths) + 2 * 5)
    text = [f"{_joined(line, widths)}  {notes.get(index, '')}".rstrip() for index, line in enumerate(lines)]
    text = [text[0], rule, *text[1:-1], rule, text[-1]]
    errors = [row.error for row in table.rows if row.error]
    return "\n".join([*text, "", *errors, memory_in_words(table)])


def memory_in_words(table: SummaryTable) -> str:
    """The sentence on memory under the table."""
    return (
        f"Weights {size_in_words(table.weight_bytes)}; one row on its way through "
        f"{size_in_words(table.activation_bytes)}; about {size_in_words(table.training_bytes)} while training."
    )


def csv_table(table: SummaryTable) -> str:
    """The table for a spreadsheet: a line a layer, after it a line for each of its arrays, and the totals.

    Shapes are written 28x28; numbers have no thousands separators.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("layer", "kind", "array", "role", "shape", "parameters", "trainable", "non_trainable"))
    for row in table.rows:
        shape = "off" if not row.enabled else "" if row.output_shape is None else _plain_shape(row.output_shape)
        lines.writerow((row.id, row.label, "", row.error, shape, row.count, row.trainable, row.non_trainable))
        for item in row.variables:
            learnt, fixed = (item.count, 0) if item.trainable else (0, item.count)
            lines.writerow((row.id, row.label, item.name, item.role, _plain_shape(item.shape), "", learnt, fixed))
    lines.writerow(("total", "", "", "", "", table.count, table.trainable, table.non_trainable))
    return text.getvalue()


def _plain_shape(shape: Shape) -> str:
    return "x".join(str(n) for n in shape) or "1"


def _variable_line(variable: Variable) -> tuple[str, str, str, str, str, str]:
    trained, fixed = (f"{variable.count:,}", "") if variable.trainable else ("", f"{variable.count:,}")
    return (f"  {variable.name}", "", "", "", trained, fixed)


def _joined(line: Sequence[str], widths: Sequence[int]) -> str:
    padded = zip(line, widths, strict=True)
    return "  ".join(
        cell.ljust(width) if column < 3 else cell.rjust(width) for column, (cell, width) in enumerate(padded)
    )
