"""The hard sigmoid of Keras 2, computed as it was.

It is 0.2 x + 0.5 between 0 and 1 in Keras 1 and 2, x / 6 + 0.5 since Keras 3 (keras.io/api/layers/activations): the
old one of x is the new one of 1.2 x. So weights and biases right before it become 1.2 times as large.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import AnyLayer, Rescaling, Role
from dnnstudio.core.experiment.shapes import LayerShape
from dnnstudio.engine.model_files.contents import Array

STEEPER = 1.2
"""0.2 / (1 / 6)."""
_WHY = "so that the hard sigmoid of Keras 2, which rises by 0.2 and not by 1/6, answers as it did."
_ADDED_UP = ("kernel", "pointwise_kernel", "bias")
"""The arrays of a layer with a kernel that its activation's input is proportional to."""


def keep_old_slope(layers: list[AnyLayer], rows: Sequence[LayerShape], arrays: dict[str, list[Array]]) -> list[str]:
    """Change `layers` and `arrays` of a stack of Keras 2 so that Keras 3 answers alike; what was done, in sentences.

    `rows` are the shapes of `layers`, `arrays` [each its variable's shape] by the layers' ids.
    """
    scaled: list[str] = []
    added: list[str] = []
    taken = {layer.id for layer in layers}
    for row in rows:
        layer = row.layer
        if not has_hard_sigmoid(layer):
            continue
        if layer.role is Role.KERNEL:
            _scale(row, arrays)
            scaled.append(layer.id)
        else:
            name = f"{layer.id[:56]}_slope"
            while name in taken:
                name += "_"
            taken.add(name)
            layers.insert(layers.index(layer), Rescaling(id=name, scale=STEEPER))
            added.append(name)
    return _said(scaled) + ([f"{', '.join(added)} is added, {_WHY}"] if added else [])


def scale_for_old_slope(rows: Sequence[LayerShape], arrays: dict[str, list[Array]]) -> list[str]:
    """As `keep_old_slope`, `arrays` [each its variable's shape], for a stack whose layers stay as they are.

    A hard sigmoid that follows no weights of its own needs a `Rescaling` by 1.2 before it.
    Raises `UserError` where it has none.
    """
    scaled: list[str] = []
    for number, row in enumerate(rows):
        if not has_hard_sigmoid(row.layer):
            continue
        before = rows[number - 1].layer if number else None
        if row.layer.role is Role.KERNEL:
            _scale(row, arrays)
            scaled.append(row.layer.id)
        elif not (isinstance(before, Rescaling) and before.scale == STEEPER and before.offset == 0):
            raise UserError(
                f"{row.layer.id} is a hard sigmoid, which rises by 0.2 in Keras 2, as the file is, and by 1/6 here.",
                f"Put a Rescaling with scale {STEEPER} before {row.layer.id}, then load the weights again.",
            )
    return _said(scaled)


def has_hard_sigmoid(layer: AnyLayer) -> bool:
    """Whether the layer computes a hard sigmoid."""
    return getattr(layer, "activation", None) == "hard_sigmoid"


def _scale(row: LayerShape, arrays: dict[str, list[Array]]) -> None:
    own = arrays[row.layer.id]
    for place, variable in enumerate(row.variables):
        if variable.name in _ADDED_UP:
            own[place] = own[place] * np.float32(STEEPER)


def _said(scaled: list[str]) -> list[str]:
    return [f"The weights of {', '.join(scaled)} are 1.2 times as large here, {_WHY}"] if scaled else []
