"""Short names for weights: equal numbers give equal fingerprints, and one changed bit gives another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LENGTH = 12
"""Hexadecimal digits: 48 bits of a SHA-256, enough to tell the models of a person's lifetime apart."""


def fingerprint(arrays: Iterable[NDArray[Any]]) -> str:
    """Of one layer: its arrays in Keras's order, as 32-bit numbers, with their shapes. Empty without arrays."""
    digest = hashlib.sha256()
    empty = True
    for array in arrays:
        empty = False
        digest.update(f"{array.shape}".encode())
        digest.update(np.ascontiguousarray(array, dtype="<f4").data)
    return "" if empty else digest.hexdigest()[:LENGTH]


def layer_fingerprints(arrays: Mapping[str, Sequence[NDArray[Any]]]) -> dict[str, str]:
    """Layer id → fingerprint, for the layers that have arrays."""
    return {name: fingerprint(items) for name, items in arrays.items() if items}


def model_fingerprint(layers: Mapping[str, str]) -> str:
    """Of a whole network, from its layers' fingerprints in the order of the stack; their names play no part."""
    return hashlib.sha256(" ".join(layers.values()).encode()).hexdigest()[:LENGTH] if layers else ""
