"""The bundled experiments: well formed, as the chapter has them, and ready to be trained."""

from __future__ import annotations

import pytest

from dnnstudio.core.analysis.checks import find_problems
from dnnstudio.core.analysis.transformations import normalize_before_activations
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import FIRST, Recipe, list_recipes, load_recipe
from dnnstudio.core.experiment.shapes import infer_shapes
from dnnstudio.core.resources import resource_folder

HINTS = {
    "task_a": {"selu_initializer", "selu_scaling"},
    "task_b": {"selu_initializer", "selu_scaling", "many_parameters"},
    "task_b_on_a": {"selu_initializer", "selu_scaling", "many_parameters"},
    "few_labels": {"many_parameters"},
}
"""What the checks have to say about recipes that show the chapter's networks as they are."""


@pytest.mark.parametrize("recipe", list_recipes(), ids=lambda recipe: recipe.name)
def test_a_recipe_can_be_trained_and_keeps_the_advice_that_it_teaches(recipe: Recipe) -> None:
    problems = find_problems(recipe.experiment)
    assert {problem.code for problem in problems} == HINTS.get(recipe.name, set())
    assert all(problem.severity != "error" for problem in problems)


@pytest.mark.parametrize("recipe", list_recipes(), ids=lambda recipe: recipe.name)
def test_a_recipe_is_a_plain_experiment_file_as_the_program_writes_it(recipe: Recipe) -> None:
    path = resource_folder() / "recipes" / f"{recipe.name}.json"
    assert path.read_text(encoding="utf-8") == codec.to_json(recipe.experiment)
    assert recipe.experiment.name == recipe.title
    assert recipe.teaches.endswith(".") and 20 < len(recipe.teaches) < 140
    assert recipe.title[0].isupper() and not recipe.title.endswith(".")


def test_the_index_and_the_folder_hold_the_same_recipes() -> None:
    files = {path.stem for path in (resource_folder() / "recipes").glob("*.json")} - {"index"}
    assert files == {recipe.name for recipe in list_recipes()}
    assert [recipe.order for recipe in list_recipes()] == list(range(len(files)))
    assert list_recipes()[0].name == FIRST


def test_a_recipe_is_found_by_its_name_and_an_unknown_one_is_refused() -> None:
    assert load_recipe("digits").experiment.data.source.kind == "digits"
    with pytest.raises(UserError, match='There is no recipe "digit"') as caught:
        load_recipe("digit")
    assert "digits" in caught.value.hint


def test_task_a_and_b_are_the_chapters() -> None:
    """SELU 300-100-50-50-50 with SGD 1e-3, batch 32, 20 epochs, validation on the first 5,000; B on 200 images."""
    a, b = load_recipe("task_a").experiment, load_recipe("task_b").experiment
    for experiment, outputs in ((a, 8), (b, 1)):
        units = [layer.units for layer in experiment.layers if layer.kind == "dense"]
        assert units == [300, 100, 50, 50, 50, outputs]
        assert (experiment.optimizer.kind, experiment.optimizer.learning_rate) == ("sgd", 0.001)
        assert (experiment.training.epochs, experiment.training.batch_size) == (20, 32)
        assert experiment.data.validation.kind == "first" and experiment.data.validation.count == 5000
    assert a.data.classes.keep == (0, 1, 2, 3, 4, 7, 8, 9)
    assert (b.data.classes.keep, b.data.classes.positive, b.data.train_limit) == ((5, 6), 6, 200)


def test_batch_normalization_has_the_chapters_counts() -> None:
    rows = infer_shapes(load_recipe("batch_normalization").experiment.layers, (28, 28))
    assert [row.count for row in rows] == [0, 3_136, 235_500, 1_200, 30_100, 400, 1_010]
    assert sum(row.non_trainable_count for row in rows) == 2_368


def test_normalization_before_is_what_the_transformation_makes_of_a_plain_network() -> None:
    before = load_recipe("bn_before").experiment
    assert normalize_before_activations(before) == before
    assert [layer.kind for layer in before.layers[2:5]] == ["dense", "batch_normalization", "activation"]


def test_the_deep_network_has_twenty_hidden_layers() -> None:
    layers = load_recipe("deep_20").experiment.layers
    assert [layer.units for layer in layers if layer.kind == "dense"] == [100] * 20 + [10]


def test_dropout_stands_before_every_dense() -> None:
    for name, kind in (("dropout", "dropout"), ("alpha_dropout", "alpha_dropout")):
        kinds = [layer.kind for layer in load_recipe(name).experiment.layers]
        assert kinds == ["flatten", kind, "dense", kind, "dense", kind, "dense"]
        assert load_recipe(name).experiment.data.scaling == "standardize"


def test_the_default_and_the_self_normalizing_network_are_the_chapters_tables() -> None:
    """He, ELU, batch normalization (deep), early stopping, momentum, 1cycle; LeCun, SELU, alpha dropout, 1cycle."""
    default, selu = load_recipe("default_dnn").experiment, load_recipe("self_normalizing").experiment
    for experiment, initializer in ((default, "he_normal"), (selu, "lecun_normal")):
        hidden = [layer for layer in experiment.layers if layer.kind == "dense"][:-1]
        assert {layer.kernel_initializer.kind for layer in hidden} == {initializer}
        assert (experiment.optimizer.kind, experiment.optimizer.momentum, experiment.optimizer.nesterov) == (
            "sgd", 0.9, True,
        )  # fmt: skip
        assert experiment.schedule.kind == "one_cycle"
        assert experiment.training.early_stopping is not None
    kinds = [layer.kind for layer in default.layers]
    assert kinds.count("batch_normalization") == kinds.count("dense") == 4
    assert {layer.activation for layer in default.layers if layer.kind == "activation"} == {"elu"}
    assert "batch_normalization" not in [layer.kind for layer in selu.layers]
    assert "alpha_dropout" in [layer.kind for layer in selu.layers]
    assert selu.data.scaling == "standardize"


def test_every_schedule_of_the_chapter_and_nadam_have_a_recipe() -> None:
    experiments = [recipe.experiment for recipe in list_recipes()]
    assert {"constant", "exponential", "performance", "one_cycle"} <= {e.schedule.kind for e in experiments}
    assert {"sgd", "adam", "nadam"} <= {e.optimizer.kind for e in experiments}
