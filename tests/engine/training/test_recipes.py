"""Every recipe trains: one epoch on a few rows of its own shape and task, and Keras counts what core counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.experiment.data import DataSummary, known_summary
from dnnstudio.core.experiment.recipes import Recipe, list_recipes, load_recipe
from dnnstudio.core.experiment.summary_table import summary_table
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.backend.builder import build
from dnnstudio.engine.data import Dataset, Scaler, Split, load_dataset
from dnnstudio.engine.reuse.pretraining import prepare
from dnnstudio.engine.training.trainer import train

from ..conftest import Part

RECIPES = pytest.mark.parametrize("recipe", list_recipes(), ids=lambda recipe: recipe.name)


def few_rows(summary: DataSummary, *, train_rows: int = 48, held: int = 16) -> Dataset:
    """Images that differ by class in where they are bright, scaled to 0…1, as many classes as the task has."""
    random = np.random.default_rng(11)
    classes = max(len(summary.class_names), 2)
    faces = random.uniform(size=(classes, *summary.input_shape))

    def part(count: int) -> Part:
        y = np.arange(count) % classes
        x = np.clip(faces[y] + random.normal(scale=0.1, size=(count, *summary.input_shape)), 0, 1)
        return Part(x.astype(np.float32), y.astype(np.int64))

    return Dataset(
        *(Split(rows.x, rows.y) for rows in (part(train_rows), part(held), part(held))),
        summary=summary,
        scaler=Scaler("none", np.zeros(()), np.ones(()), None),
        fingerprint="synthetic",
    )


@RECIPES
def test_a_recipe_trains_an_epoch(recipe: Recipe, tmp_path: Path) -> None:
    experiment = recipe.experiment
    summary = known_summary(experiment.data)
    assert summary is not None
    experiment = experiment.replaced(training=experiment.training.replaced(epochs=1, batch_size=16))
    epochs = 1
    if experiment.transfer is not None:  # the phases alone; tests of transfer hold what is taken over
        phases = tuple(phase.replaced(epochs=1) for phase in experiment.transfer.phases)
        experiment = experiment.replaced(transfer=experiment.transfer.replaced(phases=phases))
        epochs = max(len(phases), 1)
    rows = few_rows(summary)
    if experiment.pretraining is not None:
        experiment, rows = prepare(experiment, rows)
    events: list[Any] = []
    result = train(experiment, rows, folder=tmp_path / "run", run="r", control=Control(), emit=events.append)
    assert result.reason == "finished"
    assert result.epochs == epochs
    assert np.isfinite(list(result.metrics["validation"].values())).all()
    if recipe.experiment.pretraining is None:
        assert result.metrics["parameters"] == summary_table(recipe.experiment).count


@RECIPES
def test_keras_counts_what_the_summary_says(recipe: Recipe) -> None:
    summary = known_summary(recipe.experiment.data)
    assert summary is not None
    model, table = build(recipe.experiment, summary.input_shape), summary_table(recipe.experiment)
    trainable = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert (trainable, model.count_params()) == (table.trainable, table.count)
    made = {layer.name: layer for layer in model.layers}
    for row in table.rows:
        assert made[row.id].count_params() == row.count
        assert tuple(made[row.id].output.shape[1:]) == row.output_shape


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["default_dnn", "normalization"])
def test_on_real_images_an_epoch_of_a_few_rows_is_better_than_chance(name: str, tmp_path: Path) -> None:
    experiment = load_recipe(name).experiment
    experiment = experiment.replaced(
        data=experiment.data.replaced(train_limit=2000),
        training=experiment.training.replaced(epochs=1),
    )
    data = load_dataset(experiment.data, seed=experiment.seed)
    result = train(experiment, data, folder=tmp_path / "run", run="r", control=Control(), emit=lambda event: None)
    assert result.metrics["test"]["accuracy"] > 0.5
