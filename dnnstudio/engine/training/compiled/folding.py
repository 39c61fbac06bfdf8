"""A batch normalization that no layer with weights comes before, taken together with the dense layer behind it.

What the kernel learns from has in it what γ and β learn from: with x̂ the normalized rows and ∂ the gradient of the
dense layer's sums, ∂kernel = γ x̂ᵀ∂ + β Σ∂, ∂γ = Σ kernel ∘ x̂ᵀ∂ over units and ∂β = kernel Σ∂. The gradient of the
rows, a product as large as the layer's own and the slowest of all, is not needed. The tape is shown a `hole` added to
the sums, whose gradient is ∂; a gradient registered for it would be kept by TensorFlow for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from dnnstudio.engine.backend.runtime import keras, tf
from dnnstudio.engine.training.compiled.sums import spread, total


def folded_place(layers: Sequence[keras.layers.Layer]) -> int | None:
    """The index in `layers` of a batch normalization that can be folded."""
    for index, (layer, behind) in enumerate(pairwise(layers)):
        if layer.activity_regularizer is not None:
            return None
        if isinstance(layer, keras.layers.BatchNormalization):
            flat = layer.input_spec.ndim == 2 and layer.trainable and layer.scale and layer.center
            return index if flat and type(behind) is keras.layers.Dense and behind.trainable else None
        if layer.trainable_variables:
            return None
    return None


class Folded:
    """The two layers in one training step."""

    def __init__(self, norm: keras.layers.BatchNormalization, dense: keras.layers.Dense, batch: int) -> None:
        self._norm, self._dense = norm, dense
        self._normal: Any = None
        self.hole = tf.zeros((batch, dense.units))
        """To be watched: nothing, added to the dense layer's sums."""

    def sums(self, normal: Any) -> Any:
        """(γ x̂ + β) kernel, without the bias: [rows, units] from the normalized rows `normal`, x̂ [rows, inputs]."""
        self._normal, rows = normal, normal.shape[0]
        x = normal * spread(self._norm.gamma.value, rows) + spread(self._norm.beta.value, rows)
        return tf.stop_gradient(tf.linalg.matmul(x, self._dense.kernel.value)) + self.hole

    def gradients(self, upstream: Any) -> list[tuple[Any, Any]]:
        """γ, β and kernel with their gradients; `upstream` is the gradient of the hole, [rows, units]."""
        gamma, beta, kernel = self._norm.gamma, self._norm.beta, self._dense.kernel
        product = tf.linalg.matmul(self._normal, upstream, transpose_a=True)
        over_rows = total(tf.ones(upstream.shape[0]), upstream)
        return [
            (gamma, tf.linalg.matvec(kernel.value * product, tf.ones(upstream.shape[1]))),
            (beta, tf.linalg.matvec(kernel.value, over_rows)),
            (kernel, product * gamma.value[:, None] + beta.value[:, None] * over_rows[None]),
        ]
