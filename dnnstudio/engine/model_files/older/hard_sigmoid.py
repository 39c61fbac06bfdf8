"""The hard sigmoid of Keras 2, computed as it was.

It is 0.2 x + 0.5 between 0 and 1 in Keras 1 and 2, x / 6 + 0.5 since Keras 3 (keras.io/api/layers/activations): the
old one of x is the new one of 1.2 x. So weights and biases right before it become 1.2 times as large.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dnnstudio.core.experiment.layers import AnyLayer, Rescaling, Role
from dnnstudio.core.experiment.shapes import LayerShape
from dnnstudio.engine.model_files.contents import Array

STEEPER = 1.2
"""0.2 / (1 / 6)."""
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
        if getattr(layer, "activation", None) != "hard_sigmoid":
            continue
        if layer.role is Role.KERNEL:
            for place, variable in enumerate(row.variables):
                if variable.name in _ADDED_UP:
                    arrays[layer.id][place] = arrays[layer.id][place] * np.float32(STEEPER)
            scaled.append(layer.id)
        else:
            name = f"{layer.id[:56]}_slope"
            while name in taken:
                name += "_"
            taken.add(name)
            layers.insert(layers.index(layer), Rescaling(id=name, scale=STEEPER))
            added.append(name)
    why = "so that the hard sigmoid of Keras 2, which rises by 0.2 and not by 1/6, answers as it did."
    said = [f"The weights of {', '.join(scaled)} are 1.2 times as large here, {why}"] if scaled else []
    return said + ([f"{', '.join(added)} is added, {why}"] if added else [])
