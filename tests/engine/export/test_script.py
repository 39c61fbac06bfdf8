"""The exported script against the program: the same rows, network, optimizer, rates and stages; and it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.experiment.data import Classes, Csv, Data, Digits, FirstRows, Fraction, Idx, known_summary
from dnnstudio.core.experiment.layers import LAYER_KINDS, BatchNormalization, Dense, Dropout, Flatten, Normalization
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS, SGD, Nadam
from dnnstudio.core.experiment.recipes import list_recipes, load_recipe
from dnnstudio.core.experiment.record import EarlyStopping, Experiment, Training
from dnnstudio.core.experiment.schedules import (
    Constant,
    CosineRestarts,
    Exponential,
    OneCycle,
    Performance,
    Piecewise,
    Plan,
    Power,
    Schedule,
    Warmup,
)
from dnnstudio.core.experiment.targets.class_weights import BalancedWeights, ClassWeight, OwnWeights
from dnnstudio.core.experiment.targets.loss_choice import resolve_loss
from dnnstudio.core.experiment.transfer import Autoencoder, Reuse, Rotation, Transfer
from dnnstudio.core.export.code import option_code
from dnnstudio.core.export.rates import rate_lines
from dnnstudio.core.export.writing import to_notebook, to_script
from dnnstudio.core.planning.class_weights import class_weights_of
from dnnstudio.core.planning.stages import stages
from dnnstudio.engine.backend.builder import build
from dnnstudio.engine.backend.custom_layers import OWN_LAYERS, PACKAGE
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.reuse.pretraining import prepare

from ..backend.test_every_option import cases, config_of, plain


class Watched:
    """What a script asked of Keras, in place of hours of training."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fits: list[dict[str, Any]] = []
        self.saved: list[str] = []
        monkeypatch.setattr(keras.Sequential, "fit", lambda model, *rows, **given: self._fit(model, rows, given))
        monkeypatch.setattr(keras.Sequential, "evaluate", lambda model, *rows, **given: {"loss": 0.0})
        monkeypatch.setattr(keras.Sequential, "save", lambda model, path: self.saved.append(path))
        monkeypatch.setattr(keras.Sequential, "summary", lambda model: None)

    def _fit(self, model: Any, rows: Any, given: dict[str, Any]) -> None:
        frozen = {layer.name for layer in model.layers if not layer.trainable}
        self.fits.append(given | {"rows": rows, "frozen": frozen, "model": model, "optimizer": model.optimizer})

    def run(self, experiment: Experiment, **given: Any) -> dict[str, Any]:
        summary = known_summary(experiment.data) or load_dataset(experiment.data, seed=experiment.seed).summary
        space: dict[str, Any] = {"__name__": "script"} | given
        exec(compile(to_script(experiment, summary), "script", "exec"), space)
        return space


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    with keras.saving.CustomObjectScope({}):  # what a script registers is gone afterwards
        yield Watched(monkeypatch)
    for name, kind in OWN_LAYERS.items():
        keras.saving.register_keras_serializable(package=PACKAGE, name=name)(kind)


def digits(*layers: Any, **given: Any) -> Experiment:
    stack = layers or (Flatten(id="flat"), Dense(id="h", units=12, activation="relu"))
    output = Dense(id="output", units=10, activation="softmax")
    return Experiment(data=Data(source=Digits()), layers=(*stack, output)).replaced(**given)


def assert_same_rows(space: dict[str, Any], experiment: Experiment) -> None:
    _, dataset = prepare(experiment, load_dataset(experiment.data, seed=experiment.seed))
    for part, split in (("train", dataset.train), ("valid", dataset.validation), ("test", dataset.test)):
        assert space[f"X_{part}"].dtype == np.float32
        np.testing.assert_allclose(space[f"X_{part}"], split.x, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(space[f"y_{part}"], split.y)


def write_idx(path: Path, array: Any) -> str:
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(head + array.astype(np.uint8).tobytes())
    return str(path)


# --------------------------------------------------------------------------------------------------------- the rows


@pytest.mark.parametrize("scaling", ["none", "unit", "standardize"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"validation": FirstRows(count=200), "train_limit": 300},
        {"classes": Classes(keep=(7, 2, 5))},
        {"classes": Classes(keep=(3, 8), positive=8), "validation": Fraction(fraction=0.3)},
        {"classes": Classes(positive=1), "validation": FirstRows(count=100)},
    ],
)
def test_the_rows_are_the_program_s(watched: Watched, scaling: Any, changes: dict[str, Any]) -> None:
    experiment = digits(data=Data(source=Digits(), scaling=scaling, **changes), seed=7)
    if changes.get("classes", Classes()).positive is not None:
        experiment = experiment.replaced(layers=(Flatten(id="flat"), Dense(id="o", units=1, activation="sigmoid")))
    assert_same_rows(watched.run(experiment), experiment)


@pytest.mark.parametrize("with_test", [True, False])
def test_idx_files_are_read_as_the_program_reads_them(watched: Watched, tmp_path: Path, with_test: bool) -> None:
    random = np.random.default_rng(3)
    names = ("train_images", "train_labels", "test_images", "test_labels")
    arrays = [
        random.integers(0, 256, (60, 5, 4)),
        np.arange(60) % 3,
        random.integers(0, 256, (9, 5, 4)),
        np.arange(9) % 3,
    ]
    files = {n: write_idx(tmp_path / n, a) for n, a in zip(names, arrays, strict=True) if with_test or "train" in n}
    layers = (Flatten(id="flat"), Dense(id="o", units=3, activation="softmax"))
    experiment = Experiment(data=Data(source=Idx(**files)), layers=layers)
    assert_same_rows(watched.run(experiment), experiment)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["task_b", pytest.param("dropout", marks=pytest.mark.thorough)])
def test_fashion_mnist_is_cut_as_in_the_chapter(watched: Watched, monkeypatch: Any, name: str) -> None:
    experiment = load_recipe(name).experiment
    whole = Data.model_validate_json('{"source": {"kind": "fashion_mnist"}, "scaling": "none"}')
    whole = whole.replaced(validation=FirstRows(count=1))
    rows = load_dataset(whole, seed=0)
    full = tuple(np.concatenate([getattr(rows.validation, n), getattr(rows.train, n)]) for n in "xy")
    loaded = ((full[0].astype(np.uint8), full[1]), (rows.test.x.astype(np.uint8), rows.test.y))
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", lambda: loaded)
    assert_same_rows(watched.run(experiment), experiment)


@pytest.mark.parametrize("rule", [Autoencoder(until="h"), Rotation(until="h")])
def test_pretraining_asks_the_program_s_question(watched: Watched, rule: Any) -> None:
    experiment = digits(pretraining=rule)
    assert_same_rows(watched.run(experiment), experiment)


# ------------------------------------------------------------------------------------------ network and optimizer


@pytest.mark.parametrize(
    "kind", [kind for kind in LAYER_KINDS.values() if kind.model_fields["kind"].default != "input"]
)
def test_every_field_of_every_layer_is_in_the_code(kind: Any) -> None:
    for _, option in cases(kind):
        if option.keras_name() in OWN_LAYERS:
            continue
        made = eval(option_code(option), {"keras": keras})
        expected = config_of(option)
        expected.pop("trainable", None)
        config = plain(made.get_config())
        config.pop("trainable", None)
        assert config == expected


@pytest.mark.parametrize("kind", OPTIMIZER_KINDS.values())
def test_every_field_of_every_optimizer_is_in_the_code(kind: Any) -> None:
    for _, option in cases(kind):
        assert plain(eval(option_code(option), {"keras": keras}).get_config()) == config_of(option)


def tiny_data(*_: Any) -> Any:
    random = np.random.default_rng(0)
    train, test = random.integers(0, 256, (6000, 28, 28), np.uint8), random.integers(0, 256, (50, 28, 28), np.uint8)
    return (train, np.arange(6000) % 10), (test, np.arange(50) % 10)


@pytest.mark.parametrize("name", [recipe.name for recipe in list_recipes()])
def test_each_recipe_becomes_its_own_network(watched: Watched, monkeypatch: Any, name: str) -> None:
    experiment = load_recipe(name).experiment
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", tiny_data)
    source = build(load_recipe("task_a").experiment, (28, 28))
    monkeypatch.setattr(keras.models, "load_model", lambda path: source)
    watched.run(experiment)
    summary = known_summary(experiment.data)
    assert summary is not None
    planned = stages(experiment, summary.input_shape) if experiment.pretraining is None else ()
    model = watched.fits[-1]["model"]
    if experiment.pretraining is None:
        keras.utils.set_random_seed(experiment.seed)
        expected = build(experiment, summary.input_shape)
        assert [layer.name for layer in model.layers] == [layer.name for layer in expected.layers]
        assert [tuple(w.shape) for w in model.weights] == [tuple(w.shape) for w in expected.weights]
        if experiment.transfer is None and not any(layer.kind == "normalization" for layer in experiment.layers):
            for ours, theirs in zip(model.weights, expected.weights, strict=True):
                np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    for stage, fit in zip(planned, watched.fits, strict=bool(planned)):
        assert fit["epochs"] == stage.epochs
        own = {layer.id for layer in experiment.layers if not getattr(layer, "trainable", True)}
        assert fit["frozen"] == set(stage.frozen) | own
        assert type(fit["optimizer"]).__name__ == stage.optimizer.keras_class
    assert watched.saved == ["model.keras"]


def test_layers_that_keras_has_not_got_are_written_out(watched: Watched) -> None:
    experiment = digits(
        BatchNormalization(id="bn", axis=(1, 2)), Flatten(id="flat"), Dropout(id="d", rate=0.4, monte_carlo=True)
    )
    space = watched.run(experiment)
    assert [type(layer).__name__ for layer in space["model"].layers][:3] == [
        "AxesBatchNormalization",
        "Flatten",
        "MCDropout",
    ]
    assert type(space["model"].layers[0]).__module__ != "dnnstudio.engine.backend.custom_layers"
    assert space["model"].layers[0].gamma.shape == (1, 8, 8)
    x = np.ones((1, 8, 8), np.float32)
    assert len({float(space["model"](x)[0, 0]) for _ in range(8)}) > 1, "it drops while predicting"
    assert "# type:" not in to_script(experiment, known_summary(experiment.data))


def test_normalization_is_measured_on_the_training_rows(watched: Watched) -> None:
    space = watched.run(digits(Flatten(id="flat"), Normalization(id="n"), data=Data(source=Digits(), scaling="none")))
    flat = space["X_train"].reshape(len(space["X_train"]), -1)
    np.testing.assert_allclose(np.ravel(space["model"].get_layer("n").mean), flat.mean(axis=0), rtol=1e-4, atol=1e-5)


# ------------------------------------------------------------------------------------------------- rates and stages

SCHEDULES: list[Schedule] = [
    Power(s=2),
    Power(s=30, unit="steps", power=2.5),
    Exponential(s=3),
    Exponential(s=3, progress="epoch"),
    Exponential(s=50, unit="steps", progress="multiply"),
    Piecewise(boundaries=(1.5, 4), rates_between=(0.1, 0.05, 0.01)),
    Piecewise(boundaries=(10, 33), rates_between=(0.1, 0.05, 0.01), unit="steps"),
    OneCycle(max_rate=0.1),
    OneCycle(max_rate=0.1, start_rate=0.02, last_rate=1e-4, last_steps=9),
    CosineRestarts(first_period=2),
    CosineRestarts(first_period=13, unit="steps", t_mul=1.0, m_mul=0.5, alpha=0.1),
    CosineRestarts(first_period=7, unit="steps", t_mul=1.5),
    CosineRestarts(first_period=0.3, t_mul=1.0),
]


@pytest.mark.parametrize("warmup", [None, Warmup(duration=1.5, start_factor=0.2)])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.kind)
def test_every_schedule_gives_the_previewed_rates(schedule: Schedule, warmup: Warmup | None) -> None:
    schedule = schedule.replaced(warmup=warmup)
    experiment = digits(schedule=schedule)
    steps_per_epoch, epochs, initial = 11, 7, 0.03
    space: dict[str, Any] = {"keras": keras, "steps_per_epoch": steps_per_epoch}
    exec(f"import math\n{rate_lines(experiment)}", space)
    made = space["learning_rate"](initial, epochs)
    steps = np.arange(steps_per_epoch * epochs)
    rates = [float(made(keras.ops.convert_to_tensor(step, "int64"))) for step in steps]
    np.testing.assert_allclose(
        rates, schedule.rates(steps, Plan(initial, steps_per_epoch, epochs)), rtol=2e-5, atol=1e-9
    )
    assert not schedule.is_number


@pytest.mark.parametrize("duration", [1.5, 1 / 30])
def test_a_warm_up_to_a_constant_rate_is_keras_s_own(duration: float) -> None:
    schedule = Constant(warmup=Warmup(duration=duration, start_factor=0.2))
    code = rate_lines(digits(schedule=schedule))
    assert "class" not in code
    space: dict[str, Any] = {"keras": keras, "steps_per_epoch": 11}
    exec(code, space)
    made = space["learning_rate"](0.03, 4)
    rates = [float(made(keras.ops.convert_to_tensor(step, "int64"))) for step in range(44)]
    np.testing.assert_allclose(rates, schedule.rates(np.arange(44), Plan(0.03, 11, 4)), rtol=1e-6)


def test_performance_and_early_stopping_are_callbacks(watched: Watched) -> None:
    training = Training(epochs=3, early_stopping=EarlyStopping(patience=4, min_delta=0.1))
    watched.run(digits(schedule=Performance(patience=2, factor=0.3, min_lr=1e-5), training=training))
    plateau, early = watched.fits[0]["callbacks"]
    assert (plateau.factor, plateau.patience, plateau.min_lr, plateau.monitor) == (0.3, 2, 1e-5, "val_loss")
    assert (early.patience, abs(early.min_delta), early.restore_best_weights) == (4, 0.1, True)


def test_greedy_pretraining_has_a_stage_a_layer(watched: Watched) -> None:
    layers = (Flatten(id="flat"), Dense(id="a", units=20), Dense(id="b", units=8))
    watched.run(digits(*layers, pretraining=Autoencoder(until="b", greedy=True)))
    first, second = watched.fits
    assert {layer.name for layer in first["model"].layers} == {"flat", "a", "decoder_1", "decoder_1_shape"}
    assert {"a", "decoder_1"} <= second["frozen"]
    assert second["model"].get_layer("b").trainable


def test_a_shared_layer_is_the_source_s_own(watched: Watched, monkeypatch: Any) -> None:
    source = build(digits(), (8, 8))
    monkeypatch.setattr(keras.models, "load_model", lambda path: source)
    reuse = (Reuse(layer="h", source="h", mode="share"),)
    space = watched.run(digits(transfer=Transfer(source="runs/0001 a", reuse=reuse)))
    assert space["model"].get_layer("h") is source.get_layer("h")
    assert space["model"].get_layer("output") is not source.get_layer("output")


# ------------------------------------------------------------------------------------------------------- as a file


def test_the_script_runs_without_this_program_and_learns(tmp_path: Path) -> None:
    experiment = digits(
        training=Training(epochs=6), optimizer=SGD(learning_rate=0.1, momentum=0.9), schedule=Power(s=9)
    )
    summary = known_summary(experiment.data)
    assert summary is not None
    script = to_script(experiment, summary)
    assert "dnnstudio" not in script.split('"""', 2)[2]
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-I", "script.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False, env=clean,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = eval(done.stdout.strip().splitlines()[-1])
    assert figures["accuracy"] > 0.9
    assert (tmp_path / "model.keras").exists()


def test_a_notebook_holds_the_same_code_in_cells() -> None:
    experiment = load_recipe("one_cycle").experiment
    summary = known_summary(experiment.data)
    assert summary is not None
    notebook = json.loads(to_notebook(experiment, summary))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    codes = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    script = to_script(experiment, summary)
    assert all(code in script for code in codes)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])


def test_a_name_cannot_end_the_docstring() -> None:
    experiment = digits(name='a """ \\ name', optimizer=Nadam())
    summary = known_summary(experiment.data)
    assert summary is not None
    compile(to_script(experiment, summary), "script", "exec")


def test_a_weighed_script_weighs_as_the_program(watched: Watched) -> None:
    own = OwnWeights(weights=(ClassWeight(name="3", weight=2.5),))
    for rule in (BalancedWeights(), own):
        given = Experiment(
            data=Data(classes=Classes(keep=(3, 5)), train_limit=60),
            layers=(Flatten(id="flat"), Dense(id="out", units=2, activation="softmax")),
            training=Training(epochs=1, class_weight=rule),
        )
        watched.run(given)
        summary = load_dataset(given.data, seed=given.seed).summary
        wanted = class_weights_of(given, summary)
        assert wanted is not None
        assert watched.fits[-1]["class_weight"] == pytest.approx(dict(enumerate(wanted)))


@pytest.mark.parametrize("loss", ["auto", "mean_absolute_error", "huber"])
def test_a_script_of_a_number_answers_in_its_unit(watched: Watched, tmp_path: Path, loss: Any) -> None:
    random = np.random.default_rng(4)
    x = random.normal(size=(60, 3))
    table = np.column_stack([x, x @ [30.0, -20.0, 5.0] + 400])
    np.savetxt(tmp_path / "t.csv", table, delimiter=",", header="a,b,c,y", comments="")
    given = Experiment(
        data=Data(source=Csv(path=str(tmp_path / "t.csv"), target="number"), scaling="standardize",
                  target_scaling="standard"),
        layers=(Dense(id="out", units=1),),
        loss=loss,
        training=Training(epochs=1, early_stopping=EarlyStopping(patience=3, min_delta=0.5)),
    )  # fmt: skip
    space = watched.run(given)
    unit = load_dataset(given.data, seed=given.seed).summary.target_unit
    assert unit is not None
    model = watched.fits[-1]["model"]
    assert (model.layers[-1].name, model.layers[-1].scale) == ("target_unit", pytest.approx(unit.std))
    assert model.layers[-1].offset == pytest.approx(unit.mean)
    factor = unit.loss_factor(resolve_loss(given, None))
    assert space["loss_weight"] == pytest.approx(1 / factor)
    assert watched.fits[-1]["callbacks"][0].min_delta == pytest.approx(0.5 / factor)
    found = model.compute_loss(x=None, y=np.full((1, 1), 400.0), y_pred=np.full((1, 1), 400.0 + 2 * unit.std))
    assert float(found) == pytest.approx({"auto": 4.0, "mean_absolute_error": 2.0, "huber": 1.5}[loss], rel=1e-5)
