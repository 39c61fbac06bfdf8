"""What is saved is compiled for Keras: optimizer, schedule, loss and metric, and the optimizer where training ended."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS, SGD, Adam
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.schedules import Constant, Exponential, OneCycle, Performance, Piecewise, Power, Schedule
from dnnstudio.core.experiment.transfer import Phase, Transfer
from dnnstudio.core.workspace.training_record import TrainedWith
from dnnstudio.engine.backend.builder import build, to_keras
from dnnstudio.engine.backend.schedules import ScheduledRate
from dnnstudio.engine.model_files import contents, read_model, writing
from dnnstudio.engine.model_files.child import answer
from dnnstudio.engine.model_files.writing import arrays_of
from dnnstudio.engine.reuse.loaded_model import LiveModel, read_model_at
from dnnstudio.engine.training.checkpoint import load_checkpoint
from dnnstudio.engine.training.compile_config import compiled, optimizer_of_run
from dnnstudio.engine.training.run_writer import save_network
from tests.thorough import some

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras reads so
Make = Callable[..., Any]
TRAINED = TrainedWith(loss="sparse_categorical_crossentropy", metric="accuracy", steps_per_epoch=5)


def load(path: Path) -> Any:
    """As a notebook opens it; a warning, say of variables left out, is an error here."""
    return keras.models.load_model(path)


def save_again(live: LiveModel, run: Path, path: Path) -> Any:
    """Save a network of a run, and open the file in Keras."""
    what = (live.experiment, live.input_shape, live.trained_with)
    save_network(live.model, path, *what, optimizer_of_run(run, live.model, *what))
    return load(path)


def slots(model: Any) -> list[np.ndarray]:
    return [np.array(variable.value.numpy()) for variable in model.optimizer.variables]


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("kind", OPTIMIZER_KINDS)
def test_every_optimizer_is_there_as_it_ended(
    kind: str, recorder: Any, experiment: Make, rows: Make, tmp_path: Path
) -> None:
    is_there_as_it_ended(kind, Constant(), recorder, experiment, rows, tmp_path)


@pytest.mark.parametrize("kind", some(OPTIMIZER_KINDS, keep=("adam", "sgd")))
def test_every_optimizer_is_there_as_it_ended_on_a_schedule(
    kind: str, recorder: Any, experiment: Make, rows: Make, tmp_path: Path
) -> None:
    is_there_as_it_ended(kind, Power(s=2.0), recorder, experiment, rows, tmp_path)


def is_there_as_it_ended(
    kind: str, schedule: Schedule, recorder: Any, experiment: Make, rows: Make, tmp_path: Path
) -> None:
    data = rows()
    option = OPTIMIZER_KINDS[kind].new(learning_rate=0.02, clipnorm=1.5)
    given = experiment(optimizer=option, schedule=schedule, training=Training(epochs=3, batch_size=14))
    result = recorder.train(given, data, stop_after=2)
    model = load(recorder.folder / "model.keras")
    plain, wanted = model.optimizer.get_config(), to_keras(option).get_config()
    plain.pop("name"), wanted.pop("name")
    if schedule.kind == "power":
        assert plain.pop("learning_rate")["class_name"] == "InverseTimeDecay"
        assert float(model.optimizer.learning_rate) == pytest.approx(0.02 / (1 + 10 / 10), rel=1e-6)
        wanted.pop("learning_rate")
    assert plain == wanted
    ended = load_checkpoint(recorder.folder).optimizer
    expected = ended if schedule.kind == "constant" else [ended[0], *ended[2:]]  # there the rate is a variable
    assert int(expected[0]) == 10
    assert same(slots(model), expected)
    figures = model.evaluate(data.test.x, data.test.y, verbose=0, return_dict=True)
    assert figures["accuracy"] == pytest.approx(result.metrics["test"]["accuracy"], abs=1e-6)
    assert figures["loss"] == pytest.approx(result.metrics["test"]["loss"], rel=1e-5)
    again = save_again(read_model_at(recorder.folder), recorder.folder, tmp_path / "copy.keras")
    assert same(slots(again), slots(model))
    legacy = save_again(read_model_at(recorder.folder), recorder.folder, tmp_path / "copy.h5")
    assert legacy.optimizer.get_config() == model.optimizer.get_config()
    assert int(legacy.optimizer.iterations) == 0, "in this format Keras cannot go on"
    for opened in (model, legacy):
        opened.fit(data.train.x, data.train.y, batch_size=14, epochs=1, verbose=0)
    assert int(model.optimizer.iterations) == 15


def test_fit_goes_on_where_the_program_stopped(recorder: Any, experiment: Make, rows: Make, tmp_path: Path) -> None:
    data = rows()
    training = Training(epochs=3, batch_size=14, layer_health=False)
    given = experiment(optimizer=Adam(learning_rate=0.02), schedule=Exponential(s=2.0), training=training)
    recorder.train(given, data, stop_after=2)
    theirs = load(recorder.folder / "model.keras")
    order = np.random.default_rng([given.seed, 2]).permutation(len(data.train.x))
    theirs.fit(data.train.x[order], data.train.y[order], batch_size=14, epochs=1, shuffle=False, verbose=0)
    recorder.train(given, data, resume_from=recorder.folder)
    ours = read_model_at(recorder.folder).model
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize(
    ("task", "loss", "metric"),
    [("binary", "BinaryCrossentropy", "accuracy"), ("number", "MeanSquaredError", "mae")],
)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_loss_and_metric_are_the_task_s(
    task: str, loss: str, metric: str, suffix: str, recorder: Any, experiment: Make, rows: Make, tmp_path: Path
) -> None:
    data = rows(task)
    given = experiment(outputs=1, activation="sigmoid" if task == "binary" else None)
    result = recorder.train(given, data)
    model = save_again(read_model_at(recorder.folder), recorder.folder, tmp_path / f"m{suffix}")
    assert type(model.loss).__name__ == loss
    figures = model.evaluate(data.test.x, data.test.y, verbose=0, return_dict=True)
    assert figures == pytest.approx({name: result.metrics["test"][name] for name in ("loss", metric)}, rel=1e-5)


def test_a_schedule_that_keras_has_not_got_is_ours_by_its_name(recorder: Any, experiment: Make, rows: Make) -> None:
    schedule = OneCycle(max_rate=0.1, momentum_low=0.8, momentum_high=0.9)
    recorder.train(experiment(optimizer=SGD(), schedule=schedule), rows(), stop_after=2)
    optimizer = load(recorder.folder / "model.keras").optimizer
    assert isinstance(optimizer._learning_rate, ScheduledRate)
    assert optimizer._learning_rate.schedule == schedule
    assert optimizer.momentum == 0.9
    assert len(optimizer.variables) == 5, "four velocities and the steps"


def test_a_lowered_rate_is_the_one_that_is_written(recorder: Any, experiment: Make, rows: Make) -> None:
    rule = Performance(patience=0, factor=0.5, min_delta=100.0, monitor="loss")
    recorder.train(experiment(schedule=rule, training=Training(epochs=4, batch_size=16)), rows())
    last = load_checkpoint(recorder.folder).position.history[-1]["learning_rate"]
    assert last < 0.1
    rate = float(load(recorder.folder / "model.keras").optimizer.learning_rate)
    assert rate == pytest.approx(last / 2, rel=1e-6), "the last epoch was no better either"


@pytest.mark.parametrize("schedule", [Power(s=2.0), Piecewise(boundaries=(1.0,), rates_between=(0.1, 0.05))])
def test_a_rate_changed_by_hand_scales_the_schedule(
    schedule: Schedule, recorder: Any, experiment: Make, rows: Make
) -> None:
    given = experiment(optimizer=SGD(learning_rate=0.1), schedule=schedule, training=Training(epochs=2, batch_size=14))
    recorder.control.set_learning_rate(0.3)
    recorder.train(given, rows())
    model = load(recorder.folder / "model.keras")
    assert float(model.optimizer._learning_rate(0)) == pytest.approx(0.3, rel=1e-6)


def test_the_best_weights_have_the_last_step_s_optimizer(recorder: Any, experiment: Make, rows: Make) -> None:
    given = experiment(optimizer=SGD(learning_rate=3.0, momentum=0.5), training=Training(epochs=12, batch_size=16))
    recorder.train(given, rows())
    last, best = load(recorder.folder / "model.keras"), load(recorder.folder / "best.keras")
    assert not same(last.get_weights(), best.get_weights())
    assert same(slots(last), slots(best))


def test_after_a_phase_with_frozen_layers_the_optimizer_is_fresh(recorder: Any, experiment: Make, rows: Make) -> None:
    """It knows nothing of the frozen layers, which learn in the file; Keras says so."""
    phases = Transfer(source="x", phases=(Phase(epochs=1), Phase(epochs=2, frozen=("hidden",), learning_rate=0.007)))
    recorder.train(experiment(optimizer=Adam(), schedule=Power(s=1.0)).replaced(transfer=phases), rows())
    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer 'adam'"):
        model = load(recorder.folder / "model.keras")
    assert all(layer.trainable for layer in model.layers)
    assert int(model.optimizer.iterations) == 0
    assert float(model.optimizer.learning_rate) == pytest.approx(0.007, rel=1e-6)


def test_an_optimizer_without_finite_numbers_is_left_out(experiment: Make) -> None:
    given = experiment(optimizer=Adam())
    optimizer = to_keras(given.optimizer)
    optimizer.build(build(given, (6,)).trainable_variables)
    found = compiled(given, (6,), TRAINED, optimizer)
    assert found is not None and len(found.optimizer) == 10
    optimizer.variables[-1].assign(np.full(3, np.nan))
    found = compiled(given, (6,), TRAINED, optimizer)
    assert found is not None and found.optimizer == []


def test_a_file_too_large_to_open_here_goes_without_the_optimizer(
    experiment: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = experiment()
    model = build(given, (6,))
    optimizer = to_keras(Adam())
    optimizer.build(model.trainable_variables)
    sizes = []
    for limit in (contents.MAX_FILE, 4 * writing.MAX_JSON + 400):
        monkeypatch.setattr(writing, "MAX_FILE", limit)
        sizes.append(save_network(model, tmp_path / "m.keras", given, (6,), TRAINED, optimizer))
    assert sizes[0] > sizes[1] + 8 * model.count_params()
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert "compile_config" in json.loads(archive.read("config.json"))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_the_same_training_gives_the_same_bytes(experiment: Make, tmp_path: Path, suffix: str) -> None:
    given = experiment(schedule=OneCycle())
    model = build(given, (6,))
    for name in ("one", "two"):
        save_network(model, tmp_path / f"{name}{suffix}", given, (6,), TRAINED, to_keras(given.optimizer))
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_flipped_bit_in_what_keras_alone_reads_is_noticed(experiment: Make, tmp_path: Path, suffix: str) -> None:
    given = experiment(optimizer=Adam())
    model, optimizer = build(given, (6,)), to_keras(given.optimizer)
    optimizer.build(model.trainable_variables)
    save_network(model, tmp_path / f"m{suffix}", given, (6,), TRAINED, optimizer)
    content = (tmp_path / f"m{suffix}").read_bytes()
    assert "layers" in answer(content, "")[0]
    for bit in random.Random(suffix).sample(range(8 * len(content)), 200):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        assert "error" in answer(bytes(damaged), "")[0]


def foreign(path: Path, out: Path, compile_config: Any) -> None:
    """The file as a stranger would change it: another compile configuration, and no seal."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(out, "w") as changed:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "config.json":
                content = json.dumps(json.loads(content) | {"compile_config": compile_config}).encode()
            if name == "metadata.json":
                content = json.dumps({"keras_version": keras.__version__}).encode()
            changed.writestr(name, content)


@pytest.mark.parametrize(
    "hostile",
    [
        {"class_name": "__lambda__", "config": {"value": ["4wAAAA==", None, None]}},
        {"optimizer": {"module": "os", "class_name": "system", "config": {"command": "touch here"}}},
        {"optimizer": "adam", "loss": {"module": "builtins", "class_name": "function", "config": "eval"}},
        "no configuration at all",
        [[[]]],
    ],
)
def test_a_stranger_s_compile_configuration_is_neither_read_nor_passed_on(
    experiment: Make, tmp_path: Path, hostile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = experiment()
    model = build(given, (6,))
    save_network(model, tmp_path / "m.keras", given, (6,), TRAINED)
    foreign(tmp_path / "m.keras", tmp_path / "foreign.keras", hostile)
    monkeypatch.chdir(tmp_path)
    live = read_model_at(tmp_path / "foreign.keras")
    assert live.trained_with is None
    assert same(live.model.get_weights(), model.get_weights())
    save_network(live.model, tmp_path / "again.keras", live.experiment, live.input_shape, live.trained_with)
    with zipfile.ZipFile(tmp_path / "again.keras") as archive:
        assert "compile_config" not in json.loads(archive.read("config.json"))
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"loss": "os.system"},
        {"metric": "eval"},
        {"steps_per_epoch": 0},
        {"steps_per_epoch": 10**30},
        {"rate_scale": 0.0},
        {"rate_scale": "1"},
        {"stage": -1},
    ],
)
def test_what_a_file_says_of_its_training_is_believed_only_where_it_is_possible(wrong: dict[str, Any]) -> None:
    stated = TRAINED.model_dump()
    assert TrainedWith.read({"trained_with": stated}) == TRAINED
    assert TrainedWith.read({"trained_with": stated | wrong}) is None
    assert TrainedWith.read({"trained_with": None}) is TrainedWith.read({}) is None


@pytest.mark.filterwarnings("ignore:Skipping variable loading:UserWarning")
def test_an_opened_file_keeps_its_configuration_when_it_is_saved(experiment: Make, tmp_path: Path) -> None:
    """Also one that says more stages than there are; the optimizer's state was never read."""
    given = experiment(schedule=Power(s=2.0))
    save_network(build(given, (6,)), tmp_path / "m.keras", given, (6,), TRAINED.model_copy(update={"stage": 7}))
    live = read_model_at(tmp_path / "m.keras")
    save_network(live.model, tmp_path / "again.keras", live.experiment, live.input_shape, live.trained_with)
    rate = load(tmp_path / "again.keras").optimizer._learning_rate
    assert float(rate(10)) == pytest.approx(0.05, rel=1e-6)


def test_the_program_reads_its_compiled_files_as_before(recorder: Any, experiment: Make, rows: Make) -> None:
    given: Experiment = experiment(optimizer=Adam(), schedule=OneCycle(), training=Training(epochs=1, batch_size=16))
    result = recorder.train(given, rows())
    found = read_model(recorder.folder / "model.keras")
    assert found.experiment == given and found.notes == ()
    assert result.metrics["trained_with"] == found.state["trained_with"]
    live = read_model_at(recorder.folder)
    assert live.trained_with == TRAINED
    for name, arrays in arrays_of(live.model).items():
        assert same(arrays, found.arrays[name])
