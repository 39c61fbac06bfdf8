"""Monte Carlo dropout beside the notebook's way: a hundred calls of the model in training mode, stacked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.recipes import load_recipe

PASSES = 10
"""Of the hundred that the figures are scaled to."""
IMAGES = 10_000


def network() -> Any:
    """The dropout recipe for ten classes, as good as untrained: weights do not change the time."""
    from dnnstudio.core.edits import set_value
    from dnnstudio.engine.training import fresh_model

    experiment = load_recipe("dropout").experiment
    return fresh_model(set_value(experiment, f"layers.{experiment.layers[-1].id}.units", 10), (28, 28))


@pytest.mark.timeout(1800)
def test_seconds_of_a_hundred_passes(table: Any, row: Any, turns: Callable[..., dict[str, float]]) -> None:
    from dnnstudio.engine.sampling import Sampler

    model = network()
    x = np.random.default_rng(0).random((IMAGES, 28, 28), dtype=np.float32)
    apart, shared = Sampler(model), Sampler(model, masks="one_a_pass")
    ways = {
        "notebook": lambda: np.stack([model(x, training=True) for _ in range(PASSES)]),
        "independent": lambda: list(apart.passes(x, 0, PASSES, seed=1)),
        "one_a_pass": lambda: list(shared.passes(x, 0, PASSES, seed=1)),
    }
    seconds = {name: value * 100 / PASSES for name, value in turns(ways, rounds=5).items()}
    notebook = seconds["notebook"]
    title, against = "MC dropout 100 × 10,000", "np.stack of calls"
    table.add(row(f"{title}, own masks", against, seconds["independent"], notebook, at_least=2))
    table.add(row(f"{title}, one mask a pass", against, seconds["one_a_pass"], notebook, at_least=3))
    assert max(seconds["independent"], seconds["one_a_pass"]) < notebook


@pytest.mark.timeout(600)
def test_seconds_of_one_image(table: Any, row: Any, turns: Callable[..., dict[str, float]]) -> None:
    from dnnstudio.engine.sampling import Sampler

    image = np.random.default_rng(0).random((28, 28), dtype=np.float32)
    sampler = Sampler(network())
    seconds = turns({"ours": lambda: sampler.many_of_one(image, 1000, seed=1)}, rounds=21)["ours"]
    made = table.add(row("one image × 1,000 passes", "the clock", 1000 * seconds, 0.0, unit="ms", at_most=50))
    assert made.ours < 500
