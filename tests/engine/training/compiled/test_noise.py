"""The random numbers of the compiled path: as many are dropped as the rate says, scaled right, and all independent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.experiment.layers import Dense, Dropout, GaussianDropout, GaussianNoise, Layer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.engine.backend.builder import build, to_keras
from dnnstudio.engine.backend.objective import objective
from dnnstudio.engine.training.step_loop import StepLoop

Make = Callable[..., Any]


def losses_of_noise(layer: Layer, summary: Any, *, steps: int = 40, units: int = 5000) -> np.ndarray:
    """Each step's output of one unit that averages a layer over many ones, with the rate at zero."""
    given = Experiment(layers=(layer, Dense(id="d", units=1)), loss="mean_absolute_error")
    model = build(given, (units,))
    model.layers[1].set_weights([np.full((units, 1), 1 / units, np.float32), np.zeros(1, np.float32)])
    x, y = np.ones((1, units), np.float32), np.zeros(1, np.float32)
    loop = StepLoop(model, to_keras(given.optimizer), objective(given, summary), x, y, batch=1, compile_from=0)
    return loop.run(np.zeros((steps, 1), np.int32), np.zeros(steps)).losses


@pytest.mark.parametrize(
    ("layer", "mean", "variance"),
    [
        (Dropout(id="drop", rate=0.25), 1.0, 0.25 / 0.75),
        (Dropout(id="drop", rate=0.9), 1.0, 0.9 / 0.1),
        (GaussianDropout(id="times", rate=0.2), 1.0, 0.2 / 0.8),
        (GaussianNoise(id="plus", stddev=0.5), 1.0, 0.25),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_noise_has_the_mean_and_the_spread_of_its_formula(
    layer: Layer, mean: float, variance: float, rows: Make
) -> None:
    losses = losses_of_noise(layer, rows("number").summary)
    spread = np.sqrt(variance / 5000)
    assert losses.mean() == pytest.approx(mean, abs=5 * spread / np.sqrt(len(losses)))
    assert losses.std() == pytest.approx(spread, rel=0.5)
    # Steps are independent of each other: their sums spread as much as their number says.
    neighbours = np.corrcoef(losses[:-1], losses[1:])[0, 1]
    assert abs(neighbours) < 5 / np.sqrt(len(losses))


def test_masks_of_units_rows_and_steps_are_independent() -> None:
    from dnnstudio.engine.backend.runtime import tf
    from dnnstudio.engine.training.compiled.noise import NoiseStream

    layers = [keras.layers.Dropout(0.3, seed=5), keras.layers.Dropout(0.3, seed=5)]
    noises = [NoiseStream(layer, (8, 25), index=index) for index, layer in enumerate(layers)]
    kept = np.stack(
        [
            [np.asarray(noise.apply(tf.ones((8, 25)), step)) > 0 for step in noise.draw(300, noise.state.value)]
            for noise in noises
        ]
    )
    assert kept.mean() == pytest.approx(0.7, abs=5 * np.sqrt(0.21 / kept.size))
    # [layer, step, row, unit] → every place against every other, over the steps.
    places = kept.transpose(1, 0, 2, 3).reshape(300, -1).astype(float)
    between = np.corrcoef(places.T)[np.triu_indices(400, 1)]
    assert np.abs(between).max() < 6 / np.sqrt(300)
    steps = np.corrcoef(places)[np.triu_indices(300, 1)]
    assert np.abs(steps).max() < 6 / np.sqrt(400)
