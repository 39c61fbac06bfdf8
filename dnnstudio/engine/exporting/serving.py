"""The network as one TensorFlow function, from rows to answers, for the formats that TensorFlow writes."""

from __future__ import annotations

from typing import Any

import numpy as np

from dnnstudio.engine.backend.noise import Noise, noise_of
from dnnstudio.engine.backend.runtime import tf
from dnnstudio.engine.data.preparation import Preparation, PreparedColumn
from dnnstudio.engine.data.scaling import RowTransform, Scaler
from dnnstudio.engine.exporting.network import INPUT, OUTPUT, ExportedNetwork, is_dropped


def signature(network: ExportedNetwork) -> Any:
    """What the function reads: any number of rows."""
    return tf.TensorSpec((None, *network.shape), tf.as_dtype(network.dtype), name=INPUT)


def answering(network: ExportedNetwork) -> Any:
    """The function: rows [n, *shape] → {"answers": [n, units]}."""

    def answer(rows: Any) -> dict[str, Any]:
        answers = []
        for member in network.members:
            x = rows if member.transform is None else tf.cast(_prepared(member.transform, rows), tf.float32)
            for layer in member.model.layers:
                x = _through(layer, x, stochastic=network.stochastic)
            answers.append(x)
        return {OUTPUT: answers[0] if len(answers) == 1 else tf.add_n(answers) / len(answers)}

    return answer


def _through(layer: Any, x: Any, *, stochastic: bool) -> Any:
    noise = noise_of(layer)
    if noise is None:
        return layer(x, training=False)
    return _dropped(layer, noise, x) if stochastic and is_dropped(layer) else x


def _dropped(layer: Any, noise: Noise, x: Any) -> Any:
    shape = tf.concat([tf.shape(x)[:1], tf.constant(noise.mask_shape(x.shape[1:]), tf.int32)], axis=0)
    numbers = tf.random.normal(shape) if noise.normal else tf.random.uniform(shape) >= layer.rate
    return noise.apply(layer, x, numbers)


def _prepared(transform: RowTransform, rows: Any) -> Any:
    if isinstance(transform, Preparation):
        parts = [_of_column(column, rows[:, place : place + 1]) for place, column in enumerate(transform.columns)]
        return tf.concat(parts, axis=1)
    assert isinstance(transform, Scaler)
    if transform.fill is not None:
        rows = tf.where(tf.math.is_nan(rows), tf.constant(transform.fill, rows.dtype), rows)
    if transform.kind == "none":
        return rows
    return (rows - tf.constant(transform.mean, rows.dtype)) / tf.constant(transform.std, rows.dtype)


def _of_column(column: PreparedColumn, stored: Any) -> Any:
    """The inputs of one column of stored values: [n, 1] → [n, inputs]."""
    empty = tf.math.is_nan(stored)
    found = stored if column.fill is None else tf.where(empty, tf.constant(column.fill, stored.dtype), stored)
    if column.column.kind == "number":
        found = (found - column.offset[0]) / column.scale[0]
    if column.column.kind == "category":
        count = max((place + 1 for place in column.places), default=0)
        table = np.zeros((len(column.vocabulary) + 1, count))
        for index, place in enumerate(column.places):
            if place >= 0:
                table[index, place] = 1.0
        last = len(column.vocabulary)
        index = tf.cast(tf.where(tf.math.is_nan(found), tf.constant(-1, found.dtype), found), tf.int64)[:, 0]
        index = tf.where((index < 0) | (index > last), tf.constant(last, tf.int64), index)
        found = tf.gather(tf.constant(table, stored.dtype), index)
    return tf.concat([found, tf.cast(empty, found.dtype)], axis=1) if column.column.indicator else found
