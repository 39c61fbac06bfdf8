"""Seconds an epoch on all of Fashion-MNIST, ours and plain `model.fit` taking turns in one process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.experiment.edits import set_value
from dnnstudio.core.experiment.layers import Dense
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment

ROUNDS = 7
CHUNK = 128
Turns = Callable[..., dict[str, float]]


def benchmark_experiment(recipe: str) -> Experiment:
    """The recipe on 55,000 training rows in batches of 32, all ten classes."""
    experiment = load_recipe(recipe).experiment
    output = experiment.layers[-1].id
    for path, value in (
        ("data.source", {"kind": "fashion_mnist"}),
        ("data.classes", {}),
        ("data.validation", {"kind": "first", "count": 5000}),
        (f"layers.{output}.units", 10),
        ("training", {"epochs": 4, "batch_size": 32}),
    ):
        experiment = set_value(experiment, path, value)
    return experiment


class Ours:
    """A training's steps and validation, as `engine.training` calls them."""

    def __init__(self, experiment: Experiment, data: Any, *, compile_from: int | None = None) -> None:
        from dnnstudio.engine.backend.builder import to_keras
        from dnnstudio.engine.backend.objective import objective
        from dnnstudio.engine.training.evaluation import Evaluator
        from dnnstudio.engine.training.step_loop import StepLoop
        from dnnstudio.engine.training.trainer import fresh_model

        self.model = fresh_model(experiment, data.summary)
        aim = objective(experiment, data.summary)
        self._data, self._experiment = data, experiment
        self._batch = experiment.training.batch_size
        self._loop = StepLoop(
            self.model,
            to_keras(experiment.optimizer),
            aim,
            data.train.x,
            data.train.y,
            batch=self._batch,
            compile_from=compile_from,
        )
        self._evaluator = Evaluator(self.model, aim, data.summary)

    def steps(self, count: int | None = None) -> None:
        from dnnstudio.engine.training.step_loop import lines

        order = np.random.default_rng(1).permutation(len(self._data.train.x)).astype(np.int32)
        full = len(order) // self._batch
        for first in range(0, full if count is None else count, CHUNK):
            many = min(CHUNK, (full if count is None else count) - first)
            self._loop.expect(lines(order, self._batch, first + many, CHUNK))
            self._loop.run(
                lines(order, self._batch, first, many), np.full(many, self._experiment.optimizer.learning_rate)
            )
        if count is None and len(order) > full * self._batch:
            self._loop.run(order[full * self._batch :][None], np.array([self._experiment.optimizer.learning_rate]))

    def epoch(self) -> None:
        self.steps()
        self._evaluator.evaluate(self._data.validation)


def plain(experiment: Experiment, data: Any, *, jit_compile: bool | str = "auto") -> Callable[[], None]:
    """An epoch as a notebook has it: "auto" is without XLA on a machine whose only device is its processor."""
    from dnnstudio.engine.backend.builder import build
    from tests.engine.as_a_notebook import compile_model

    model = build(experiment, data.summary.input_shape)
    compile_model(model, experiment, data.summary, jit_compile=jit_compile)
    validation = (data.validation.x, data.validation.y)
    batch = experiment.training.batch_size
    return lambda: model.fit(data.train.x, data.train.y, batch_size=batch, validation_data=validation, verbose=0)


def loaded(experiment: Experiment) -> Any:
    from dnnstudio.engine.data import load_dataset

    return load_dataset(experiment.data, seed=experiment.seed)


@pytest.mark.real_data
@pytest.mark.timeout(3000)
@pytest.mark.parametrize(
    ("recipe", "title"),
    [("task_a", "SELU, SGD"), ("dropout", "dropout, Adam"), ("batch_normalization", "batch normalization, Adam")],
)
def test_seconds_an_epoch(
    recipe: str, title: str, table: Any, row: Any, turns: Turns, products: Any, measured: Callable[[str], None]
) -> None:
    experiment = benchmark_experiment(recipe)
    if title.endswith("Adam"):
        experiment = set_value(experiment, "optimizer", {"kind": "adam"})
    data = loaded(experiment)
    ours = Ours(experiment, data)
    ways = {"ours": ours.epoch, "fit": plain(experiment, data), "products": products}
    seconds = turns(ways, rounds=ROUNDS)
    made = table.add(row(f"epoch: {title}", "model.fit", seconds["ours"], seconds["fit"], at_least=4))
    measured(f"{seconds['ours']:.2f} s an epoch; plain fit {seconds['fit']:.2f} s: {made.reach}")
    if recipe == "task_a":
        kernels = [int(np.prod(v.shape)) for v in ours.model.trainable_variables if len(v.shape) == 2]
        # 6 a weight and row: forward, and back to the kernel and to the layer before.
        floor = 6 * sum(kernels) * len(data.train.x) / products.rate(seconds["products"])
        table.add(row(f"epoch: {title}", "arithmetic alone", seconds["ours"], floor, at_most=3))
    # Once only: Keras's dropout takes more than half a minute an epoch so.
    compiled = turns({"ours": ours.epoch, "fit": plain(experiment, data, jit_compile=True)}, rounds=1)
    table.add(row(f"epoch: {title}", "model.fit, jit_compile=True", compiled["ours"], compiled["fit"]))
    assert seconds["ours"] < seconds["fit"]


@pytest.mark.real_data
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("batch", [8, 32, 128, 512, 1024])
def test_seconds_an_epoch_by_batch_size(batch: int, table: Any, row: Any, turns: Turns) -> None:
    experiment = set_value(benchmark_experiment("task_a"), "training.batch_size", batch)
    data = loaded(experiment)
    ways = {"ours": Ours(experiment, data).epoch, "fit": plain(experiment, data)}
    seconds = turns(ways, rounds=1 if batch == 8 else 3)
    table.add(row(f"epoch: batches of {batch}", "model.fit", seconds["ours"], seconds["fit"]))
    assert seconds["ours"] < seconds["fit"]


@pytest.mark.real_data
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("depth", [2, 20, 50, 200])
def test_seconds_to_the_first_step_by_depth(depth: int, table: Any, row: Any) -> None:
    """Tracing and compiling are part of the wait; `fit` on one batch waits for the same."""
    stack = tuple(Dense(id=f"h{index}", units=50, activation="selu") for index in range(depth - 1))
    experiment = benchmark_experiment("task_a")
    layers = (experiment.layers[0], *stack, experiment.layers[-1])
    experiment = experiment.replaced(layers=layers)
    data = loaded(experiment)
    ours, began = Ours(experiment, data), time.perf_counter()
    ours.steps(1)
    first = time.perf_counter() - began
    from dnnstudio.engine.backend.builder import build
    from tests.engine.as_a_notebook import compile_model

    model = build(experiment, data.summary.input_shape)
    compile_model(model, experiment, data.summary)
    began = time.perf_counter()
    model.fit(data.train.x[:32], data.train.y[:32], batch_size=32, verbose=0)
    theirs = time.perf_counter() - began
    table.add(row(f"first step: {depth} layers", "model.fit", first, theirs))
    assert first < max(5 * theirs, 10)
