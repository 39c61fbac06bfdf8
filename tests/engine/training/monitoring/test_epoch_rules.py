"""What looks at each epoch, held against Keras's own callbacks on the same figures."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.record import EarlyStopping, Experiment, Training
from dnnstudio.core.experiment.schedules import Performance
from dnnstudio.core.jobs.events import BatchesDone
from dnnstudio.core.workspace.history import Row, read_rows
from dnnstudio.engine.backend.runtime import keras as _configured  # noqa: F401 - sets Keras's surroundings before its use
from dnnstudio.engine.training.monitoring.epoch_rules import Best, Patience, Plateau
from dnnstudio.gui.plots.curves import Curves


class Network:
    """As much of a Keras model as its callbacks touch."""

    def __init__(self, rate: float) -> None:
        self.optimizer = keras.optimizers.SGD(learning_rate=rate)
        self.stop_training = False
        self.weights: list[np.ndarray] = []

    def get_weights(self) -> list[np.ndarray]:
        return self.weights

    def set_weights(self, weights: list[np.ndarray]) -> None:
        self.weights = weights


FIGURES = st.lists(st.sampled_from([0.9, 0.7, 0.5, 0.4999, 0.3, 0.2995, 0.1]), min_size=1, max_size=25)


def rows(values: list[float], monitor: str) -> list[Row]:
    return [{"epoch": float(n), "loss": 1.0, monitor: value} for n, value in enumerate(values, start=1)]


WARNS = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras reads its own variables so."""


@WARNS
@given(
    values=FIGURES,
    factor=st.sampled_from([0.1, 0.5, 0.9]),
    patience=st.integers(0, 4),
    min_delta=st.sampled_from([0.0, 1e-4, 1e-3, 0.05]),
    cooldown=st.integers(0, 3),
    min_lr=st.sampled_from([0.0, 0.01, 0.06]),
    monitor=st.sampled_from(["val_loss", "val_accuracy", "loss"]),
)
def test_performance_cuts_the_rate_when_keras_does(
    values: list[float],
    factor: float,
    patience: int,
    min_delta: float,
    cooldown: int,
    min_lr: float,
    monitor: Any,
) -> None:
    rule = Performance(
        factor=factor, patience=patience, min_delta=min_delta, cooldown=cooldown, min_lr=min_lr, monitor=monitor
    )
    theirs = keras.callbacks.ReduceLROnPlateau(
        monitor=monitor,
        factor=factor,
        patience=patience,
        mode="max" if monitor == "val_accuracy" else "min",
        min_delta=min_delta,
        cooldown=cooldown,
        min_lr=min_lr,
    )
    network = Network(0.1)
    theirs.set_model(network)
    theirs.on_train_begin()
    ours, rate = Plateau(), float(np.float32(0.1))
    for number, row in enumerate(rows(values, monitor)):
        theirs.on_epoch_end(number, dict(row))
        rate = ours.look(row, rule, rate)
        assert rate == pytest.approx(float(network.optimizer.learning_rate), rel=1e-6), f"after epoch {number + 1}"


@given(
    values=FIGURES,
    patience=st.integers(0, 5),
    min_delta=st.sampled_from([0.0, 1e-3, 0.05]),
    monitor=st.sampled_from(["val_loss", "val_accuracy", "loss"]),
)
def test_early_stopping_stops_when_keras_does(
    values: list[float], patience: int, min_delta: float, monitor: Any
) -> None:
    theirs = keras.callbacks.EarlyStopping(
        monitor=monitor,
        patience=patience,
        min_delta=min_delta,
        mode="max" if monitor == "val_accuracy" else "min",
        restore_best_weights=True,
    )
    network = Network(0.1)
    theirs.set_model(network)
    theirs.on_train_begin()
    rule, ours = EarlyStopping(patience=patience, min_delta=min_delta, monitor=monitor), Patience()
    for number, row in enumerate(rows(values, monitor)):
        network.weights = [np.array([float(number)])]
        theirs.on_epoch_end(number, dict(row))
        stopped = ours.look(row, rule)
        assert stopped == network.stop_training, f"after epoch {number + 1}"
        if stopped:
            return


@given(values=FIGURES, monitor=st.sampled_from(["val_loss", "val_accuracy"]))
def test_the_best_epoch_is_the_first_of_the_best(values: list[float], monitor: str) -> None:
    best = Best(monitor)
    flags = [best.look(row) for row in rows(values, monitor)]
    wanted = int(np.argmax(values) if monitor == "val_accuracy" else np.argmin(values)) + 1
    assert best.epoch == wanted and best.value == values[wanted - 1]
    assert flags[wanted - 1] and not any(flags[wanted:])


@given(
    values=FIGURES,
    min_delta=st.sampled_from([0.0, 1e-3, 0.05, 0.3]),
    monitor=st.sampled_from(["val_loss", "val_accuracy"]),
)
def test_the_best_epoch_is_the_one_that_keras_goes_back_to(values: list[float], min_delta: float, monitor: str) -> None:
    theirs = keras.callbacks.EarlyStopping(
        monitor=monitor,
        patience=100,
        min_delta=min_delta,
        mode="max" if monitor == "val_accuracy" else "min",
        restore_best_weights=True,
    )
    network = Network(0.1)
    theirs.set_model(network)
    theirs.on_train_begin()
    ours = Best(monitor, min_delta=min_delta)
    for number, row in enumerate(rows(values, monitor)):
        network.weights = [np.array([float(number + 1)])]
        theirs.on_epoch_end(number, dict(row))
        ours.look(row)
    theirs.on_train_end()
    assert network.weights == [np.array([float(ours.epoch)])]


@WARNS
def test_a_trainings_rates_are_those_of_keras_on_its_losses(recorder: Any, experiment: Any, rows: Any) -> None:
    """Steps too long at first: the validation loss goes up and down, and the rate falls several times."""
    given = experiment(
        optimizer=SGD(learning_rate=4.0),
        schedule=Performance(factor=0.5, patience=1, min_delta=0.01, cooldown=1),
        training=Training(epochs=15, batch_size=16, layer_health=False),
    )
    recorder.train(given, rows())
    theirs = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=1, min_delta=0.01, cooldown=1)
    network = Network(4.0)
    theirs.set_model(network)
    theirs.on_train_begin()
    expected: list[float] = []
    for number, row in enumerate(read_rows(recorder.folder / "history.csv")):
        expected += [float(network.optimizer.learning_rate)] * 5
        theirs.on_epoch_end(number, dict(row))
    fed = np.concatenate([event.learning_rates for event in recorder.of(BatchesDone)])
    np.testing.assert_allclose(fed, expected, rtol=1e-6)
    assert len(set(expected)) >= 3


@given(
    figures=st.lists(st.floats(0, 1), min_size=1, max_size=12),
    least=st.sampled_from([0.0, 0.05, 0.3, 9.0]),
    monitor=st.sampled_from(["val_loss", "val_accuracy", "loss"]),
)
def test_the_plots_of_a_run_that_goes_on_find_the_best_epoch_that_the_training_found(
    figures: list[float], least: float, monitor: Any
) -> None:
    """Its earlier rows alone say it; a smallest gain counts there too, or star and result named two best epochs."""
    rule = EarlyStopping(monitor=monitor, min_delta=least)
    best, curves = Best.of(rule), Curves(Experiment(training=Training(early_stopping=rule)))
    for number, value in enumerate(figures, start=1):
        row = {"epoch": float(number), "loss": value, "val_loss": value, "val_accuracy": value}
        best.look(row)
        curves.add_row(row)
    assert curves.best == best.epoch
