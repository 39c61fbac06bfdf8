"""The best weights are kept however a run ends: stopped, diverged, failed in the middle, or its process killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Data
from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import EarlyStopping, Experiment, Training
from dnnstudio.core.export.rates import callback_lines
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, Event
from dnnstudio.core.jobs.requests import OpenModel, TrainRun
from dnnstudio.core.workspace.figures import measured
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.core.workspace.runs import read_run
from dnnstudio.engine.reuse.loaded_model import read_model_at
from dnnstudio.engine.session import Session
from dnnstudio.engine.training import trainer as training
from dnnstudio.engine.training.checkpoint import load_checkpoint
from dnnstudio.engine.training.monitoring import progress
from dnnstudio.engine.training.monitoring.step_monitor import StepWatch
from dnnstudio.engine.training.trainer import fresh_model

Make = Callable[..., Any]


class Watcher:
    """Trains at a rate too high, so that the best epoch is not the last, and keeps the weights of every epoch."""

    def __init__(self, recorder: Any, given: Experiment, data: Any) -> None:
        self.recorder, self.given, self.data = recorder, given, data
        self.model = fresh_model(given, data.summary)
        self.kept: list[list[np.ndarray]] = []
        self.losses: list[float] = []
        recorder.on_event = self.look
        self.then: Callable[[EpochDone], None] = lambda event: None

    def look(self, event: Event) -> None:
        if isinstance(event, EpochDone):
            self.kept.append(self.model.get_weights())
            self.losses.append(event.row["val_loss"])
            self.then(event)

    @property
    def best(self) -> list[np.ndarray]:
        return self.kept[int(np.argmin(self.losses))]

    def train(self) -> Any:
        return self.recorder.train(self.given, self.data, model=self.model)

    def best_file(self) -> list[np.ndarray]:
        weights: list[np.ndarray] = read_model_at(self.recorder.folder / "best.keras").model.get_weights()
        return weights


@pytest.fixture
def watcher(recorder: Any, experiment: Make, rows: Make) -> Watcher:
    given = experiment(
        optimizer=SGD(learning_rate=3.0), training=Training(epochs=30, batch_size=16, layer_health=False)
    )
    return Watcher(recorder, given, rows())


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_stopped(watcher: Watcher) -> None:
    def stop(event: EpochDone) -> None:
        if not event.is_best and event.row["epoch"] > 3:
            watcher.recorder.control.stop()

    watcher.then = stop
    result = watcher.train()
    assert result.reason == "stopped" and result.best_epoch == int(np.argmin(watcher.losses)) + 1
    assert same(watcher.best_file(), watcher.best)
    assert not same(watcher.best, watcher.model.get_weights()), "the last weights are not the best"


def test_diverged(watcher: Watcher) -> None:
    def explode(event: EpochDone) -> None:
        if event.row["epoch"] == 4:
            watcher.recorder.control.set_learning_rate(1e6)

    watcher.then = explode
    result = watcher.train()
    assert result.reason == "diverged" and result.best_epoch
    assert same(watcher.best_file(), watcher.best)


@pytest.mark.parametrize("restore", [True, False])
def test_early_stopping_ends_with_the_best_where_it_shall(
    recorder: Any, experiment: Make, rows: Make, restore: bool
) -> None:
    rule = EarlyStopping(patience=2, restore_best=restore)
    given = experiment(
        optimizer=SGD(learning_rate=3.0), training=Training(epochs=60, batch_size=16, early_stopping=rule)
    )
    watcher = Watcher(recorder, given, rows())
    result = watcher.train()
    assert result.reason == "early_stopping"
    assert same(watcher.best_file(), watcher.best)
    assert same(watcher.model.get_weights(), watcher.best if restore else watcher.kept[-1])
    assert not same(watcher.best, watcher.kept[-1])


def test_failed_in_the_middle(watcher: Watcher) -> None:
    class BrokenError(RuntimeError):
        pass

    def break_down(event: EpochDone) -> None:
        if not event.is_best and event.row["epoch"] > 3:
            raise BrokenError("the disk is gone")

    watcher.then = break_down
    with pytest.raises(BrokenError):
        watcher.train()
    assert watcher.recorder.events[-1].reason == "failed"
    assert same(watcher.best_file(), watcher.best)


def test_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed leaves a checkpoint and no model file; the checkpoint's best weights are opened."""
    monkeypatch.setattr(training, "CHECKPOINT_S", 0.0)

    class Killed(BaseException):
        pass

    given = load_recipe("digits").experiment
    given = given.replaced(
        data=given.data.replaced(train_limit=200),
        optimizer=SGD(learning_rate=0.5),
        training=Training(epochs=30, batch_size=32, layer_health=False),
    )
    saves: list[bool] = []
    seen: list[float] = []

    def kill(event: Event) -> None:
        if isinstance(event, EpochDone):
            seen.append(event.row["val_loss"])
            saves.append(event.is_best)
            if len(saves) > 3 and not saves[-1] and not saves[-2]:
                raise Killed

    monkeypatch.setattr(training, "rescue", lambda *given, **more: None)  # nothing runs after a kill
    job = TrainRun(experiment=given, folder=tmp_path / "0001 run")
    session = Session()
    with pytest.raises(Killed):
        session.run(job, Control(), kill)
    assert not (job.folder / "model.keras").exists() and read_run(job.folder).status == "unfinished"
    best = load_checkpoint(job.folder).best
    opened = Session()
    result = opened.run(OpenModel(path=job.folder), Control(), lambda event: None)
    assert same(opened.model(result.model).model.get_weights(), best)
    assert any(f"best epoch {int(np.argmin(seen[:-1])) + 1}" in note for note in result.notes)
    assert isinstance(result.experiment.data, Data)


def test_run_script_and_plain_keras_end_with_the_same_weights(recorder: Any, experiment: Make, rows: Make) -> None:
    """Gains that are too small do not count: the best epoch is not the one with the lowest loss."""
    rule = EarlyStopping(patience=3, min_delta=0.05)
    given = experiment(
        optimizer=SGD(learning_rate=0.3),
        training=Training(epochs=40, batch_size=16, shuffle=False, early_stopping=rule, layer_health=False),
    )
    data = rows()
    result = recorder.train(given, data)
    losses = [event.row["val_loss"] for event in recorder.of(EpochDone)]
    assert result.reason == "early_stopping" and result.best_epoch < int(np.argmin(losses)) + 1

    def fitted(*callbacks: Any) -> list[np.ndarray]:
        model = fresh_model(given, data.summary)
        model.compile(optimizer=keras.optimizers.SGD(0.3), loss="sparse_categorical_crossentropy")
        held = (data.validation.x, data.validation.y)
        model.fit(
            data.train.x,
            data.train.y,
            epochs=40,
            batch_size=16,
            shuffle=False,
            validation_data=held,
            callbacks=callbacks,
            verbose=0,
        )
        return model.get_weights()

    (code,) = callback_lines(given)
    script = fitted(eval(code, {"keras": keras}))
    plain = fitted(keras.callbacks.EarlyStopping(patience=3, min_delta=0.05, restore_best_weights=True))
    for name in ("model.keras", "best.keras"):
        ours = read_model_at(recorder.folder / name).model.get_weights()
        for one, two, three in zip(ours, script, plain, strict=True):
            np.testing.assert_allclose(one, two, rtol=0, atol=1e-5)
            np.testing.assert_array_equal(two, three)


@pytest.mark.parametrize("restore", [True, False])
def test_a_stop_within_an_epoch_says_so_of_its_figures(
    recorder: Any, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch, restore: bool
) -> None:
    """The rows of the history are of whole epochs: the final weights have learnt more, or are put back to the best."""
    monkeypatch.setattr(StepWatch, "limit", lambda watch, count: 1)
    monkeypatch.setattr(progress, "INTERVAL_S", 0.0)
    steps = 0

    def stop(event: Event) -> None:
        nonlocal steps
        if isinstance(event, BatchesDone):
            steps += len(event.steps)
            if steps == 2 * 4 + 3:  # 4 steps an epoch
                recorder.control.stop()

    recorder.on_event = stop
    rule = EarlyStopping(patience=50) if restore else None
    data = rows()
    length = Training(epochs=60, batch_size=-(-len(data.train.x) // 4), early_stopping=rule)
    result = recorder.train(experiment(training=length), data)
    of = measured(result.metrics, codec.load(recorder.folder / "experiment.json"))
    if restore:
        assert (of.epoch, of.steps, of.is_best) == (result.best_epoch, 0, True)
    else:
        assert (of.epoch, of.steps, of.is_best) == (2, 3, False)
        assert of.weights == "last weights, 3 steps into epoch 3"
    loss = keras.models.load_model(recorder.folder / "model.keras").evaluate(
        data.validation.x, data.validation.y, verbose=0, return_dict=True
    )["loss"]
    assert result.metrics["validation"]["loss"] == pytest.approx(loss, rel=1e-5)
    row = read_rows(recorder.folder / "history.csv")[of.epoch - 1]
    assert (row["val_loss"] == pytest.approx(loss, rel=1e-6)) is restore


def test_a_divergence_after_a_stop_in_mid_epoch_names_the_steps_of_its_last_good_weights(
    recorders: Any, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped two steps into epoch 2, gone on with at a rate that explodes: those two steps are kept, and said."""
    monkeypatch.setattr(StepWatch, "limit", lambda watch, count: 1)
    monkeypatch.setattr(progress, "INTERVAL_S", 0.0)
    given, data = experiment(outputs=1, activation=None, optimizer=SGD(learning_rate=0.01)), rows("number")
    first = recorders("run")

    def stop(event: Event) -> None:
        if isinstance(event, BatchesDone) and int(event.steps[-1]) == 6:  # five steps an epoch
            first.control.stop()

    first.on_event = stop
    stopped = first.train(given, data)
    assert (stopped.metrics["weights_epoch"], stopped.metrics["weights_steps"]) == (1, 2)
    kept = load_checkpoint(first.folder)
    again = recorders("run")
    again.control.set_learning_rate(1e9)
    ended = again.train(given, data, resume_from=first.folder)
    assert ended.reason == "diverged"
    assert (ended.metrics["weights_epoch"], ended.metrics["weights_steps"]) == (1, 2)
    assert ended.metrics["fingerprint"] == stopped.metrics["fingerprint"]
    after = load_checkpoint(first.folder)
    assert same(after.network, kept.network)
    assert (after.position.step, after.position.sums[:2]) == (kept.position.step, kept.position.sums[:2])
