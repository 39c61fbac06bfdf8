"""Sums over a batch and broadcasts of one row, as matrix products, for which XLA has a fast routine."""

from __future__ import annotations

from typing import Any

from dnnstudio.engine.backend.runtime import tf


def total(weights: Any, values: Any) -> Any:
    """Σ weights · values over rows: [rows], [rows, units] → [units]."""
    return tf.linalg.matmul(weights[None], values)[0]


def spread(values: Any, rows: int) -> Any:
    """Broadcast [units] → [rows, units]."""
    return tf.linalg.matmul(tf.ones((rows, 1)), values[None])
