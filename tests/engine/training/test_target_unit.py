"""A number is learnt standardized, and everybody is answered in its own unit: figures, files, plain Keras, a resume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import sklearn.metrics

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import TargetUnit
from dnnstudio.core.experiment.layers import Dense, Dropout
from dnnstudio.core.experiment.optimizers import SGD, Adam
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.weights import L1L2
from dnnstudio.core.workspace.answers import read_answers
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.engine.backend.builder import build
from dnnstudio.engine.backend.objective import objective
from dnnstudio.engine.model_files import read_weights
from dnnstudio.engine.reuse.loaded_model import read_model_at
from dnnstudio.engine.reuse.start import Source, start_model
from dnnstudio.engine.training.compile_config import optimizer_of_run
from dnnstudio.engine.training.evaluation import evaluate
from dnnstudio.engine.training.run_writer import save_network

Make = Callable[..., Any]
LOSSES = ("mean_squared_error", "mean_absolute_error", "huber")
PRICE = Dense(id="hidden", units=8, activation="relu", kernel_regularizer=L1L2(l2=0.01))
TRAINING = Training(epochs=2, batch_size=14, layer_health=False)


def in_hundreds(rows: Make) -> Any:
    """The rows of a number, in a unit of which it has about 300, and that unit."""
    data = rows("number")
    parts = [type(part)(part.x, part.y.astype(np.float64) * 40 + 300) for part in (data.train, data.validation,
                                                                                 data.test)]  # fmt: skip
    unit = TargetUnit(mean=float(parts[0].y.mean()), std=float(parts[0].y.std()))
    return replace(
        data, train=parts[0], validation=parts[1], test=parts[2], summary=replace(data.summary, target_unit=unit)
    )


def network(experiment: Make, **more: Any) -> Experiment:
    given = {"outputs": 1, "activation": None, "training": TRAINING} | more
    made: Experiment = experiment(PRICE, **given)
    return made


def close(ours: Any, theirs: Any) -> None:
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("loss", LOSSES)
def test_it_trains_as_plain_keras_on_standardized_targets(
    loss: str, recorder: Any, experiment: Make, rows: Make
) -> None:
    data = in_hundreds(rows)
    given = network(experiment, optimizer=SGD(learning_rate=0.05, momentum=0.9), loss=loss)
    recorder.train(given, data)
    unit = data.summary.target_unit
    keras.utils.set_random_seed(given.seed)
    plain = build(given, data.summary.input_shape)
    plain.compile(optimizer=keras.optimizers.SGD(0.05, momentum=0.9), loss=loss)
    standardized = ((data.train.y - unit.mean) / unit.std).astype(np.float32)
    for epoch in range(2):
        order = np.random.default_rng([given.seed, epoch]).permutation(len(data.train.x))
        plain.fit(data.train.x[order], standardized[order], batch_size=14, epochs=1, shuffle=False, verbose=0)
    ours = keras.models.load_model(recorder.folder / "model.keras")
    close(ours, plain)
    answers = plain.predict(data.test.x, verbose=0) * unit.std + unit.mean
    np.testing.assert_allclose(ours.predict(data.test.x, verbose=0), answers, rtol=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_its_figures_are_those_of_scikit_learn_in_the_own_unit(
    loss: str, recorder: Any, experiment: Make, rows: Make
) -> None:
    data = in_hundreds(rows)
    result = recorder.train(network(experiment, loss=loss), data)
    ours = keras.models.load_model(recorder.folder / "model.keras")
    for part in ("train", "validation", "test"):
        x, y = getattr(data, part).x, getattr(data, part).y
        answers = ours.predict(x, batch_size=1000, verbose=0)[:, 0].astype(np.float64)
        found, bound = result.metrics[part], {"rel": 1e-6}
        assert found["mean_absolute_error"] == found["mae"]
        assert found["mae"] == pytest.approx(sklearn.metrics.mean_absolute_error(y, answers), **bound)
        rmse = sklearn.metrics.root_mean_squared_error(y, answers)
        assert found["root_mean_squared_error"] == pytest.approx(rmse, **bound)
        assert found["r2_score"] == pytest.approx(sklearn.metrics.r2_score(y, answers), abs=1e-6)
    row = read_rows(recorder.folder / "history.csv")[-1]
    names = ("loss", "mae", "root_mean_squared_error", "r2_score")
    assert [row[f"val_{name}"] for name in names] == [result.metrics["validation"][name] for name in names]
    assert row["mae"] > 1
    kept = read_answers(recorder.folder)
    np.testing.assert_array_equal(kept["test"].values, data.test.y)
    mae = np.abs(kept["test"].residuals).mean()
    assert mae == pytest.approx(result.metrics["test"]["mae"], rel=1e-9)


def test_equal_answers_have_the_figures_of_scikit_learn_to_the_ninth_digit(experiment: Make, rows: Make) -> None:
    data, given = in_hundreds(rows), network(experiment)
    model = build(given, (6,), unit=data.summary.target_unit)
    found = evaluate(model, data.test, given, data.summary)
    answers = np.asarray(model(data.test.x), np.float64)[:, 0]
    assert found["mae"] == pytest.approx(sklearn.metrics.mean_absolute_error(data.test.y, answers), rel=1e-9)
    assert found["r2_score"] == pytest.approx(sklearn.metrics.r2_score(data.test.y, answers), abs=1e-9)
    penalty = 0.01 * float((model.get_layer("hidden").get_weights()[0] ** 2).sum())
    wanted = np.mean((data.test.y - answers) ** 2) + penalty * data.summary.target_unit.std**2
    assert found["loss"] == pytest.approx(wanted, rel=1e-6)


def test_the_training_rows_figures_are_means_over_the_steps(recorder: Any, experiment: Make, rows: Make) -> None:
    data = in_hundreds(rows)
    still = network(experiment, optimizer=SGD(learning_rate=1e-12))
    result = recorder.train(still, data)
    row = read_rows(recorder.folder / "history.csv")[0]
    for name in ("loss", "mae", "root_mean_squared_error", "r2_score"):
        assert row[name] == pytest.approx(result.metrics["train"][name], rel=1e-5, abs=1e-6)


def test_a_resumed_run_goes_on_exactly(recorders: Make, experiment: Make, rows: Make) -> None:
    whole, halves = recorders("whole"), recorders("halves")
    given = experiment(Dense(id="hidden", units=8, activation="relu"), Dropout(id="drop", rate=0.3), outputs=1,
                       activation=None, optimizer=Adam(learning_rate=0.01), training=TRAINING)  # fmt: skip
    whole.train(given, in_hundreds(rows))
    halves.train(given, in_hundreds(rows), stop_after=1)
    halves.train(given, in_hundreds(rows), resume_from=halves.folder)
    one, other = (read_rows(recorder.folder / "history.csv") for recorder in (whole, halves))
    assert [row | {"seconds": 0} for row in one] == [row | {"seconds": 0} for row in other]
    first, second = (keras.models.load_model(recorder.folder / "model.keras") for recorder in (whole, halves))
    assert all(np.array_equal(a, b) for a, b in zip(first.get_weights(), second.get_weights(), strict=True))


@pytest.mark.parametrize("loss", LOSSES)
def test_fit_of_plain_keras_goes_on_where_the_program_stopped(
    loss: str, recorder: Any, experiment: Make, rows: Make
) -> None:
    data = in_hundreds(rows)
    given = experiment(outputs=1, activation=None, optimizer=SGD(learning_rate=0.05), loss=loss, training=TRAINING)
    recorder.train(given, data, stop_after=1)
    theirs = keras.models.load_model(recorder.folder / "model.keras")
    order = np.random.default_rng([given.seed, 1]).permutation(len(data.train.x))
    theirs.fit(data.train.x[order], data.train.y[order], batch_size=14, epochs=1, shuffle=False, verbose=0)
    recorder.train(given, data, resume_from=recorder.folder)
    close(read_model_at(recorder.folder).model, theirs)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_that_is_opened_and_saved_again_is_the_same_network(
    suffix: str, recorder: Any, experiment: Make, rows: Make, tmp_path: Path
) -> None:
    data = in_hundreds(rows)
    recorder.train(network(experiment), data)
    opened = read_model_at(recorder.folder)
    assert [layer.name for layer in opened.model.layers] == ["hidden", "output", "target_unit"]
    assert [layer.id for layer in opened.experiment.layers] == ["hidden", "output"]
    path = tmp_path / f"again{suffix}"
    what = (opened.experiment, opened.input_shape, opened.trained_with)
    save_network(opened.model, path, *what, optimizer_of_run(recorder.folder, opened.model, *what))
    answers = keras.models.load_model(recorder.folder / "model.keras").predict(data.test.x, verbose=0)
    assert answers.mean() > 100
    alone = read_model_at(path)
    assert (alone.has_experiment, alone.notes, alone.experiment) == (True, (), opened.experiment)
    for model in (keras.models.load_model(path), alone.model):
        np.testing.assert_array_equal(model.predict(data.test.x, verbose=0), answers)


def test_a_file_of_weights_alone_fits_the_experiment(
    recorder: Any, experiment: Make, rows: Make, tmp_path: Path
) -> None:
    given = network(experiment)
    recorder.train(given, in_hundreds(rows))
    opened = read_model_at(recorder.folder)
    save_network(opened.model, tmp_path / "some.weights.h5", given, (6,))
    found = read_weights(tmp_path / "some.weights.h5", given, (6,)).arrays
    assert list(found) == ["hidden", "output"]
    np.testing.assert_array_equal(found["output"][0], opened.model.get_layer("output").get_weights()[0])


def test_a_clone_takes_the_layers_and_answers_in_the_unit_of_its_own_rows(
    recorder: Any, experiment: Make, rows: Make
) -> None:
    from dnnstudio.core.experiment.transfer import Reuse, Transfer

    given = network(experiment)
    recorder.train(given, in_hundreds(rows))
    source = read_model_at(recorder.folder)
    reuse = tuple(Reuse(layer=name, source=name) for name in ("hidden", "output"))
    wanted = given.replaced(transfer=Transfer(source="x", reuse=reuse))
    start = start_model(wanted, (6,), Source(source, None), unit=TargetUnit(mean=-5.0, std=2.0))
    close(start.model, source.model)
    x = rows("number").test.x
    before, after = (np.asarray(model(x)) for model in (source.model, start.model))
    unit = source.model.layers[-1]
    np.testing.assert_allclose((before - unit.offset) / unit.scale, (after + 5) / 2, atol=1e-4)


def test_a_constant_target_has_no_share_of_variance(recorder: Any, experiment: Make, rows: Make) -> None:
    data = rows("number")
    parts = (type(data.train)(part.x, np.full(len(part.x), 7.0)) for part in (data.train, data.validation, data.test))
    train, validation, test = parts
    summary = replace(data.summary, target_unit=TargetUnit(mean=7.0, std=1.0))
    result = recorder.train(
        network(experiment), replace(data, train=train, validation=validation, test=test, summary=summary)
    )
    assert "r2_score" not in result.metrics["test"] and result.reason == "finished"


def test_a_layer_of_the_same_name_is_refused(recorder: Any, experiment: Make, rows: Make) -> None:
    data = in_hundreds(rows)
    with pytest.raises(UserError, match="target_unit"):
        recorder.train(experiment(Dense(id="target_unit", units=4), outputs=1, activation=None), data)


def test_a_divergence_is_told_in_the_own_unit(recorder: Any, experiment: Make, rows: Make) -> None:
    data = in_hundreds(rows)
    training = Training(epochs=3, batch_size=70, shuffle=False)
    recorder.train(network(experiment, optimizer=SGD(learning_rate=1e6), training=training), data)
    cause, unit = recorder.events[-1].cause, data.summary.target_unit
    assert cause is not None and (cause.weights or not np.isfinite(cause.loss) or cause.loss > 1e6 * unit.std**2)


def test_the_objective_measures_numbers_only_where_one_is_predicted(experiment: Make, rows: Make) -> None:
    assert objective(network(experiment), rows("number").summary).measures_numbers
    assert not objective(experiment(), rows().summary).measures_numbers
