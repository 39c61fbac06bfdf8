"""The best weights are kept however a run ends: stopped, diverged, failed in the middle, or its process killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.control import Control
from dnnstudio.core.data import Data
from dnnstudio.core.experiment import EarlyStopping, Experiment, Training
from dnnstudio.core.jobs import EpochDone, Event, OpenModel, TrainRun
from dnnstudio.core.optimizers import SGD
from dnnstudio.core.recipes import load_recipe
from dnnstudio.core.runs import read_run
from dnnstudio.engine import training
from dnnstudio.engine.checkpoint import load_checkpoint
from dnnstudio.engine.live_model import read_model_at
from dnnstudio.engine.session import Session
from dnnstudio.engine.training import fresh_model

Make = Callable[..., Any]


class Watcher:
    """Trains at a rate too high, so that the best epoch is not the last, and keeps the weights of every epoch."""

    def __init__(self, recorder: Any, given: Experiment, data: Any) -> None:
        self.recorder, self.given, self.data = recorder, given, data
        self.model = fresh_model(given, data.summary.input_shape)
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
