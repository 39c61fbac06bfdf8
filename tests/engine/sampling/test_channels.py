"""Spatial dropout: wherever the program draws by itself, whole channels are dropped, as Keras drops them."""

from __future__ import annotations

import numpy as np
import pytest

from dnnstudio.core.experiment.layers import Conv2D, Dense, Flatten, SpatialDropout2D
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.uncertainty.samples import Masks
from dnnstudio.engine.backend.builder import build
from dnnstudio.engine.backend.runtime import keras, tf
from dnnstudio.engine.sampling.mc_dropout import Sampler
from dnnstudio.engine.training.compiled.noise import NoiseStream

ROWS, SHAPE = 60, (4, 4, 6)
ONES = np.ones((ROWS, *SHAPE), np.float32)


def drawn_by(who: str) -> np.ndarray:
    """Images of ones [draws, places, channels] behind a dropout of half of the channels."""
    model = build(Experiment(layers=(SpatialDropout2D(id="drop", rate=0.5), Flatten(id="flat"))), SHAPE)
    if who == "sampler":
        drawn = np.stack(list(Sampler(model).passes(ONES, 0, 2, seed=1)))
    elif who == "compiled steps":
        stream = NoiseStream(model.layers[0], ONES.shape, index=0)
        numbers = stream.draw(2, stream.state.value)
        drawn = np.stack([np.asarray(stream.apply(tf.constant(ONES), one)) for one in numbers])
    else:
        keras.utils.set_random_seed(1)
        layer = keras.layers.SpatialDropout2D(0.5)
        drawn = np.stack([np.asarray(layer(ONES, training=True)) for _ in range(2)])
    return drawn.reshape(2 * ROWS, 16, 6)


@pytest.mark.parametrize("who", ["sampler", "compiled steps", "keras"])
def test_whole_channels_are_dropped_and_the_others_doubled(who: str) -> None:
    drawn = drawn_by(who)
    assert set(drawn.ravel().tolist()) == {0.0, 2.0}
    assert (drawn == drawn[:, :1]).all()
    assert drawn[:, 0].mean() / 2 == pytest.approx(0.5, abs=0.1)  # four standard deviations of 720 draws are 0.075
    assert len({row.tobytes() for row in drawn[:, 0].astype(np.int8)}) > 30, "each row has a mask of its own"


@pytest.mark.parametrize("masks", ["independent", "one_a_pass"])
def test_passes_behind_a_convolution_have_the_mean_of_the_plain_prediction(masks: Masks) -> None:
    keras.utils.set_random_seed(1)
    layers = (
        Conv2D(id="look", filters=6, kernel_size=(3, 3)),
        SpatialDropout2D(id="drop", rate=0.3, monte_carlo=True),
        Flatten(id="flat"),
        Dense(id="answer", units=2),
    )
    model = build(Experiment(layers=layers), SHAPE)
    x = np.random.default_rng(1).random((5, *SHAPE)).astype(np.float32)
    sampler = Sampler(model, masks=masks)
    passes = np.stack(list(sampler.passes(x, 0, 400, seed=3)))
    error = passes.std(0, ddof=1) / 20
    assert (np.abs(passes.mean(0) - sampler.deterministic(x)) < 5 * error).all()
    assert (error > 0).all()
