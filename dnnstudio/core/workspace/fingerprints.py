"""Fingerprints of weights: equal weights have equal fingerprints, and a single changed bit gives another one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LENGTH = 12
"""Hexadecimal digits: 48 bits of a SHA-256, enough to distinguish all models a person will ever train."""


def fingerprint(arrays: Iterable[NDArray[Any]]) -> str:
    """Fingerprint of one layer: its arrays (any shapes [...]) in Keras's order, as little-endian float32; "" without
    arrays.
    """
    digest = hashlib.sha256()
    empty = True
    for array in arrays:
        empty = False
        digest.update(f"{array.shape}".encode())
        digest.update(np.ascontiguousarray(array, dtype="<f4").data)
    return "" if empty else digest.hexdigest()[:LENGTH]


def layer_fingerprints(arrays: Mapping[str, Sequence[NDArray[Any]]]) -> dict[str, str]:
    """Layer id → fingerprint, for the layers with arrays; each layer has its arrays (any shapes [...]) in Keras's
    order.
    """
    return {name: fingerprint(items) for name, items in arrays.items() if items}


def model_fingerprint(layers: Mapping[str, str]) -> str:
    """Fingerprint of a whole network from its layers' fingerprints in stack order; layer names play no part."""
    return hashlib.sha256(" ".join(layers.values()).encode()).hexdigest()[:LENGTH] if layers else ""
