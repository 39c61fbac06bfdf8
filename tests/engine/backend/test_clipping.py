"""What the form says of clipping is what Keras does, and averaged weights come when the form says."""

from __future__ import annotations

import numpy as np
import pytest

from dnnstudio.core.experiment.gradient_clipping import EXAMPLE, clipped_by_norm, clipped_by_value
from dnnstudio.engine.backend.runtime import keras


def steps(gradients: list[np.ndarray], **clipping: float) -> list[np.ndarray]:
    """What one step of SGD at a rate of 1 takes away from weights of 0: the gradient as Keras clipped it."""
    variables = [keras.Variable(np.zeros_like(gradient)) for gradient in gradients]
    optimizer = keras.optimizers.SGD(learning_rate=1.0, **clipping)
    optimizer.apply([keras.ops.convert_to_tensor(gradient) for gradient in gradients], variables)
    return [-variable.numpy() for variable in variables]


def test_keras_clips_the_chapters_gradient_as_the_picture_says() -> None:
    gradient = np.array(EXAMPLE, np.float32)
    for name, clip in (("clipvalue", clipped_by_value), ("clipnorm", clipped_by_norm)):
        for limit in (1.0, 2.5, 1000.0):
            np.testing.assert_allclose(steps([gradient], **{name: limit})[0], clip(gradient, limit), rtol=1e-5)
    np.testing.assert_allclose(steps([gradient], global_clipnorm=1.0)[0], [0.00899964, 0.9999595], rtol=1e-5)


def test_by_norm_each_variable_is_shortened_and_globally_all_by_one_factor() -> None:
    gradients = [np.array([3.0, 4.0], np.float32), np.array([0.3, 0.4], np.float32)]
    np.testing.assert_allclose(steps(gradients, clipnorm=1.0), [[0.6, 0.8], [0.3, 0.4]], rtol=1e-5)
    factor = 1 / np.hypot(5.0, 0.5)
    np.testing.assert_allclose(steps(gradients, global_clipnorm=1.0), [g * factor for g in gradients], rtol=1e-5)


@pytest.mark.parametrize("every", [None, 3])
def test_the_average_takes_the_place_of_the_weights_when_the_form_says(every: int | None) -> None:
    variable = keras.Variable(np.zeros(1, np.float32))
    optimizer = keras.optimizers.SGD(learning_rate=1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=every)
    optimizer.build([variable])
    weight = average = 0.0
    for step in range(1, 5):
        optimizer.apply([keras.ops.convert_to_tensor(np.array([-1.0], np.float32))], [variable])
        weight += 1.0
        average = weight if step == 1 else 0.5 * average + 0.5 * weight
        if every and step % every == 0:
            weight = average
        assert float(variable.numpy()[0]) == pytest.approx(weight), f"after step {step}"
    optimizer.finalize_variable_values([variable])
    assert float(variable.numpy()[0]) == pytest.approx(average)
