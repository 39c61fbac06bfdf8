"""Monte Carlo dropout beside the notebook's way: a hundred calls of the model in training mode, stacked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.experiment.recipes import load_recipe

PASSES = 10
"""Of the hundred that the figures are scaled to."""
IMAGES = 10_000


MEMORY = """
import numpy as np
from pathlib import Path
from tests.benchmarks.test_sampling_speed import IMAGES, network
from dnnstudio.engine.sampling.mc_dropout import Sampler
def megabytes(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024
sampler = Sampler(network())
x = np.random.default_rng(0).random((IMAGES, 28, 28), dtype=np.float32)
sampler.deterministic(x)
list(sampler.passes(x[:1000], 0, 1, seed=1))
before = megabytes("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
kept = np.empty((100, IMAGES, 10), np.float32)
for number, one in enumerate(sampler.passes(x, 0, 100, seed=1)):
    kept[number] = one
print(megabytes("VmHWM") - before)
"""


def network() -> Any:
    """The dropout recipe for ten classes, as good as untrained: weights do not change the time."""
    from dnnstudio.core.experiment.data import DataSummary
    from dnnstudio.core.experiment.edits import set_value
    from dnnstudio.engine.training.trainer import fresh_model

    experiment = load_recipe("dropout").experiment
    summary = DataSummary((28, 28), tuple(map(str, range(10))), binary=False)
    return fresh_model(set_value(experiment, f"layers.{experiment.layers[-1].id}.units", 10), summary)


@pytest.mark.timeout(1800)
def test_seconds_of_a_hundred_passes(table: Any, row: Any, turns: Callable[..., dict[str, float]]) -> None:
    from dnnstudio.engine.sampling.mc_dropout import Sampler

    model = network()
    x = np.random.default_rng(0).random((IMAGES, 28, 28), dtype=np.float32)
    apart, shared = Sampler(model), Sampler(model, masks="one_a_pass")
    ways = {
        "notebook": lambda: np.stack([model(x, training=True) for _ in range(PASSES)]),
        "independent": lambda: list(apart.passes(x, 0, PASSES, seed=1)),
        "one_a_pass": lambda: list(shared.passes(x, 0, PASSES, seed=1)),
    }
    seconds = {name: value * 100 / PASSES for name, value in turns(ways, rounds=9).items()}
    notebook = seconds["notebook"]
    title, against = "MC dropout 100 × 10,000", "np.stack of calls"
    table.add(row(f"{title}, own masks", against, seconds["independent"], notebook, at_least=2))
    table.add(row(f"{title}, one mask a pass", against, seconds["one_a_pass"], notebook, at_least=3))
    assert max(seconds["independent"], seconds["one_a_pass"]) < notebook


@pytest.mark.timeout(600)
def test_seconds_of_one_image(table: Any, row: Any, turns: Callable[..., dict[str, float]]) -> None:
    from dnnstudio.engine.sampling.mc_dropout import Sampler

    image = np.random.default_rng(0).random((28, 28), dtype=np.float32)
    sampler, repeated = Sampler(network()), np.repeat(image[None], 1000, axis=0)
    seconds = turns({"ours": lambda: list(sampler.passes(repeated, 0, 1, seed=1))}, rounds=21)["ours"]
    made = table.add(row("one image × 1,000 passes", "the clock", 1000 * seconds, 0.0, unit="ms", at_most=50))
    assert made.ours < 500


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak of a stretch of time")
@pytest.mark.timeout(600)
def test_memory_of_a_hundred_passes(table: Any, row: Any) -> None:
    """What they take beyond the network and the images, the passes themselves included."""
    done = subprocess.run([sys.executable, "-c", MEMORY], check=True, capture_output=True, text=True)
    taken = float(done.stdout.split()[-1])
    table.add(row("memory of sampling 100 × 10,000", "", taken, unit="MB", at_most=150))
    assert taken < 400
