"""The summary table of a network: one row per layer with shape and parameters, variables with their roles,
and memory.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from dnnstudio.core.experiment.data import known_summary
from dnnstudio.core.experiment.layers import Layer, Shape, Variable, times
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import LayerShape, infer_shapes
from dnnstudio.core.text import byte_size

BYTES = 4
"""Bytes of a float32."""


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One layer. `output_shape` is None if it cannot be inferred; `error` then says why."""

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

    `weight_bytes` is the minimum size of the model file; `activation_bytes` the activations of one row;
    `training_bytes` the weights, gradients, optimizer slots and the activations of one batch.
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

    `input_shape` defaults to the built-in data's, or that of an Input layer. `rows` are the inferred shapes if the
    caller has them already. For layers alone, `training_bytes` assumes plain SGD and batches of 32.
    """
    experiment = network if isinstance(network, Experiment) else None
    layers = network.layers if isinstance(network, Experiment) else network
    if input_shape is None and experiment is not None:
        known = known_summary(experiment.data)
        input_shape = known.input_shape if known is not None else None
    shapes = tuple(rows) if rows is not None else infer_shapes(layers, input_shape)
    table = tuple(_row(shape) for shape in shapes)
    trainable, fixed = sum(row.trainable for row in table), sum(row.non_trainable for row in table)
    # An Input that is not the first layer does not define the network's input shape.
    start = next((shape.input_shape for shape in shapes if shape.layer.enabled), input_shape)
    through = prod(start) if start is not None else 0
    through += sum(prod(row.output_shape) for row in table if row.enabled and row.output_shape is not None)
    batch = experiment.training.batch_size if experiment is not None else 32
    slots = experiment.optimizer.slots() + experiment.optimizer.use_ema if experiment is not None else 0
    return SummaryTable(
        table,
        start,
        trainable,
        fixed,
        weight_bytes=BYTES * (trainable + fixed),
        activation_bytes=BYTES * through,
        # The backward pass keeps every activation and needs a gradient of the same size.
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


def format_table(table: SummaryTable, *, variables: bool = True) -> str:
    """The table as plain text, as printed by `dnnstudio summary`.

    `variables` lists each array with its role, for layers with non-trainable parameters.
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
        f"Weights {byte_size(table.weight_bytes)}; one row on its way through "
        f"{byte_size(table.activation_bytes)}; about {byte_size(table.training_bytes)} while training."
    )


def csv_table(table: SummaryTable) -> str:
    """The table as CSV: one line per layer, followed by one line per array, and the totals.

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
