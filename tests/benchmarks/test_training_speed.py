"""Seconds an epoch on all of Fashion-MNIST, ours beside plain `model.fit` in the same process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dnnstudio.core.control import Control
from dnnstudio.core.edits import set_value
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.jobs import EpochDone, Event
from dnnstudio.core.recipes import load_recipe

EPOCHS = 4
"""The first one holds the tracing and is left out."""


def benchmark_experiment(recipe: str) -> Experiment:
    """The recipe on 55,000 training rows in batches of 32, all ten classes."""
    experiment = load_recipe(recipe).experiment
    output = experiment.layers[-1].id
    for path, value in (
        ("data.source", {"kind": "fashion_mnist"}),
        ("data.classes", {}),
        ("data.validation", {"kind": "first", "count": 5000}),
        (f"layers.{output}.units", 10),
        ("training", {"epochs": EPOCHS, "batch_size": 32}),
    ):
        experiment = set_value(experiment, path, value)
    return experiment


@pytest.mark.real_data
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("recipe", ["task_a", "dropout", "batch_normalization"])
def test_seconds_an_epoch(recipe: str, tmp_path: Path, measured: Callable[[str], None]) -> None:
    from dnnstudio.engine.build import build, compile_model
    from dnnstudio.engine.data import load_dataset
    from dnnstudio.engine.training import train

    experiment = benchmark_experiment(recipe)
    data = load_dataset(experiment.data, seed=experiment.seed)
    ours: list[float] = []

    def note(event: Event) -> None:
        if isinstance(event, EpochDone):
            ours.append(event.row["seconds"])

    train(experiment, data, folder=tmp_path / "run", run="benchmark", control=Control(), emit=note)

    model = build(experiment, data.summary.input_shape)
    compile_model(model, experiment, data.summary)
    plain = []
    validation = (data.validation.x, data.validation.y)
    for _ in range(3):
        began = time.perf_counter()
        model.fit(data.train.x, data.train.y, batch_size=32, validation_data=validation, verbose=0)
        plain.append(time.perf_counter() - began)
    fast, slow = statistics.median(ours[1:]), statistics.median(plain[1:])
    measured(f"{fast:.2f} s an epoch; plain fit {slow:.2f} s, {slow / fast:.1f} times as long")
    assert fast < slow
