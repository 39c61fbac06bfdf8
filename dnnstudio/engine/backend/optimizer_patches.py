"""Temporarily replaces parts of a Keras optimizer: the momentum of the step, the way it assigns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dnnstudio.engine.backend.runtime import keras, tf


class StepMomentum:
    """A momentum that changes at every step, where a Keras optimizer expects a constant."""

    def __init__(self, value: tf.Tensor) -> None:
        self._value = value

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> tf.Tensor:
        return tf.cast(self._value, dtype or tf.float32, name=name)

    def __ne__(self, other: object) -> bool:
        """Optimizers compare momentum with 0 once, while being traced: this one is never 0."""
        return True

    __hash__ = None  # type: ignore[assignment]

    def __gt__(self, other: float) -> bool:
        return True

    def __sub__(self, other: float) -> tf.Tensor:
        return self._value - other

    def __mul__(self, other: Any) -> tf.Tensor:
        return self._value * other


@contextmanager
def exchanged(optimizer: keras.optimizers.Optimizer, **parts: Any) -> Iterator[None]:
    """Context in which some attributes and methods of the optimizer are replaced, and restored afterwards."""
    before = {name: vars(optimizer)[name] for name in parts if name in vars(optimizer)}
    try:
        for name, value in parts.items():
            setattr(optimizer, name, value)
        yield
    finally:
        for name in parts:
            delattr(optimizer, name)
        for name, value in before.items():
            setattr(optimizer, name, value)
