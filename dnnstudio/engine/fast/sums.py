"""Sums over a batch, and one row for all rows, as products of matrices: XLA hands these to its fast routine."""

from __future__ import annotations

from typing import Any

from dnnstudio.engine.runtime import tf


def total(weights: Any, values: Any) -> Any:
    """Σ weights · values over rows: [rows], [rows, units] → [units]."""
    return tf.linalg.matmul(weights[None], values)[0]


def spread(values: Any, rows: int) -> Any:
    """[units] → [rows, units], every row the same."""
    return tf.linalg.matmul(tf.ones((rows, 1)), values[None])
