"""Memory is counted before it is taken: from headers, from what archives unpack to, and from a network's layers.

No TensorFlow is imported: readers of data ask here too.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import psutil

from dnnstudio.core.errors import UserError
from dnnstudio.core.text import byte_size

if TYPE_CHECKING:
    from dnnstudio.engine.backend.runtime import keras

MEMORY_SHARE = 0.8
"""The share of the free memory that one data set, or one step of a training, may use."""
PACKED_BYTES = 150 * 2**20
"""What a packed file of at most `SMALL_BYTES` may need, all in all …"""
SMALL_BYTES = 2**20
UNPACKED = 1_000
"""… and what each further byte of it may: deflate packs at most 1,032 bytes into one."""
BLOCK_BYTES = 2**26
"""What the activations of one block of rows take, at most."""


def need_memory(
    needed: int, *, what: str, hint: str = "Use fewer rows, or close other programs.", packed: int | None = None
) -> None:
    """Raise `UserError` if so many bytes do not fit into the free memory, before any of it is taken.

    `packed` is the size of the file that they come out of, where it is packed: a small one that unpacks to a mountain
    is refused however much is free.
    """
    free = psutil.virtual_memory().available
    if needed > free * MEMORY_SHARE:
        raise UserError(f"{what} would need {byte_size(needed)} of memory; {byte_size(free)} are free.", hint)
    if packed is not None and needed > most_of(packed):
        raise UserError(
            f"{what} is packed into {byte_size(packed)}, and would need {byte_size(needed)} of memory: far more than "
            "real data of that size.",
            "If it is what it shall be, save it without compression.",
        )


def most_of(packed: int) -> int:
    """How many bytes of memory a packed file of so many bytes may need."""
    return PACKED_BYTES + UNPACKED * max(0, packed - SMALL_BYTES)


def step_bytes(model: keras.Sequential, batch: int, *, slots: int) -> int:
    """What a training step takes besides weights and rows: every activation of a batch until its gradient is known, the
    largest gradient twice, the gradients of the weights, and the optimizer's `slots` numbers for each.
    """
    outputs = _output_sizes(model)
    weights = sum(int(prod(variable.shape)) for variable in model.trainable_variables)
    return 4 * (batch * (sum(outputs) + 2 * max(outputs, default=0)) + weights * (1 + slots))


def _output_sizes(model: keras.Sequential) -> list[int]:
    """The numbers that each layer puts out for one row."""
    shape, sizes = model.input_shape, []
    for layer in model.layers:
        shape = layer.compute_output_shape(shape)
        sizes.append(int(prod(shape[1:])))
    return sizes


def row_bytes(model: keras.Sequential) -> int:
    """The most that one row takes on its way through a network: a layer's input, its output, and as much between."""
    outputs = _output_sizes(model)
    inputs = [int(prod(model.input_shape[1:])), *outputs]
    return 4 * max(inputs[0], *(before + 2 * after for before, after in zip(inputs, outputs, strict=False)))


def rows_at_once(model: keras.Sequential, most: int) -> int:
    """How many rows go through a network together: `most`, fewer where the layers are large.

    Raises `UserError` where not even one fits into memory.
    """
    one = row_bytes(model)
    need_memory(
        one, what="One row on its way through the network", hint="Make its layers smaller, or close other programs."
    )
    return max(1, min(most, BLOCK_BYTES // max(1, one)))
