"""The rows that a network is sampled on: read, changed or replaced as the job says, and described for looking at."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import Event, Progress
from dnnstudio.core.jobs.requests import SampleModel
from dnnstudio.core.text import count_of
from dnnstudio.core.uncertainty.classification import as_probabilities
from dnnstudio.core.uncertainty.samples import SampledRows
from dnnstudio.core.uncertainty.shift import resized, shifted
from dnnstudio.core.uncertainty.table_rows import ColumnKind, ShownColumn, shown_columns
from dnnstudio.engine.data import StoredPart, load_part
from dnnstudio.engine.data.pictures.thumbnails import is_picture, to_pictures
from dnnstudio.engine.data.preparation import Preparation

Emit = Callable[[Event], None]


def rows_of(job: SampleModel, input_shape: tuple[int, ...] | None, control: Control, emit: Emit) -> StoredPart:
    """The requested rows, unscaled. `input_shape` is the network's, None if it is checked elsewhere. Raises
    `UserError`.
    """

    def tell(done: int, total: int, text: str) -> None:
        emit(Progress(run=job.id, done=done, total=total, text=text))

    experiment = job.experiment
    part = load_part(experiment.data, job.part, seed=experiment.seed, control=control, progress=tell)
    summary = part.summary
    if input_shape is not None and summary.input_shape != input_shape:
        raise UserError(
            f"The network reads rows of shape {input_shape}, but the data has {summary.input_shape}.",
            "Choose the data that the network was made for.",
        )
    if not len(part):
        raise UserError(f"The {job.part} part holds no rows.", "Choose another part, or another split.")
    if job.other is not None:
        other = load_part(job.other, job.part, seed=experiment.seed, control=control, progress=tell).spread(job.limit)
        part = _in_place_of(part, other)
    part = part.spread(job.limit)
    return part if job.shift is None or job.shift.is_none else _shifted(part, job)


def _in_place_of(part: StoredPart, other: StoredPart) -> StoredPart:
    """The other set's rows in the shape and units of the part's, so that the same scaler fits."""
    shape = part.x.shape[1:]
    if is_picture(shape) and is_picture(other.x.shape[1:]):
        pictures = to_pictures(other.x, other.full_scale).astype(np.float32)
        colored, wants_color = pictures.ndim == 4, len(shape) == 3 and shape[2] == 3
        if colored and not wants_color:
            pictures = pictures.mean(axis=3)
        fitted = resized(pictures, *shape[:2]) * np.float32(_scale(part) / 255)
        if wants_color and not colored:
            fitted = np.repeat(fitted[..., None], 3, axis=3)
        rows = fitted.reshape(len(fitted), *shape)
    elif other.x.shape[1:] == shape and _same_columns(part, other):
        rows = other.x
    else:
        raise UserError(
            f"Rows of shape {other.x.shape[1:]} cannot stand in for rows of shape {shape}.",
            "Choose pictures for pictures, or a table with the same columns.",
        )
    labels = np.full(len(rows), -1, np.int64)
    return StoredPart(rows, labels, part.scaler, part.summary, part.full_scale, part.columns)


def _same_columns(part: StoredPart, other: StoredPart) -> bool:
    """Whether the columns have the same meaning: a table's categories are stored as indexes into its own list."""
    if not isinstance(part.scaler, Preparation):
        return not isinstance(other.scaler, Preparation)
    if not isinstance(other.scaler, Preparation):
        return False
    words = [[column.vocabulary for column in held.columns] for held in (part.scaler, other.scaler)]
    return part.columns == other.columns and words[0] == words[1]


def _shifted(part: StoredPart, job: SampleModel) -> StoredPart:
    shape = part.x.shape[1:]
    assert job.shift is not None
    if not is_picture(shape):
        raise UserError("Only pictures can be turned, moved or blurred.", "Compare with a second data set instead.")
    moved = shifted(part.x.astype(np.float32), job.shift, scale=_scale(part), seed=job.seed)
    return StoredPart(moved, part.y, part.scaler, part.summary, part.full_scale, part.columns)


def _scale(part: StoredPart) -> float:
    """The pixel value of white."""
    return float(part.full_scale) if part.full_scale is not None else float(np.max(part.x)) or 1.0


def check_row_answers(output_shape: tuple[int | None, ...]) -> None:
    """Raises `UserError` for a network that does not answer a row by one line of outputs, such as an autoencoder."""
    if len(output_shape) != 2:
        raise UserError(
            f"This network answers with an array of shape {output_shape[1:]}, as an autoencoder does, not with classes "
            "or a number.",
            "Look at what it draws by Reconstructions.",
        )


def described(job: SampleModel, part: StoredPart, deterministic: NDArray[np.float32], control: Control) -> SampledRows:
    """The rows with what the network says of them with everything random off: [rows, classes], two columns for one
    sigmoid unit. Raises `UserError` for outputs that are no probabilities of the data's classes.
    """
    as_probabilities(deterministic)
    names = part.summary.class_names
    names += tuple(f"class {number}" for number in range(len(names), deterministic.shape[1]))
    if part.summary.classes > deterministic.shape[1]:
        raise UserError(
            f"The network tells {count_of(deterministic.shape[1], 'class')} apart, but the data has "
            f"{part.summary.classes}.",
            "Choose the data that the network was made for.",
        )
    pictures = to_pictures(part.x, part.full_scale or _scale(part)) if is_picture(part.x.shape[1:]) else None
    return SampledRows(
        labels=part.y.astype(np.int64),
        deterministic=deterministic,
        class_names=names,
        pictures=pictures,
        values=part.x.reshape(len(part), -1) if pictures is None else None,
        columns=part.columns,
        table=table_of(job, part, control) if pictures is None else (),
        title=f"{job.part} part",
    )


def table_of(job: SampleModel, part: StoredPart, control: Control) -> tuple[ShownColumn, ...]:
    """The columns of rows that are no pictures, with the training rows that give each value its place."""
    training = load_part(job.experiment.data, "train", seed=job.experiment.seed, control=control)
    stored = training.x.reshape(len(training), -1)
    if not isinstance(part.scaler, Preparation):
        return shown_columns(stored, names=part.columns)
    columns = part.scaler.columns
    return shown_columns(
        stored,
        names=[one.column.name for one in columns],
        kinds=[_kind_of(one.column.kind) for one in columns],
        words=[one.words for one in columns],
    )


def _kind_of(kind: str) -> ColumnKind:
    match kind:
        case "category" | "yes_no" | "date":
            return kind
        case _:
            return "number"
