"""Going on with a run gives what an uninterrupted one gives, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Dropout
from dnnstudio.core.experiment.optimizers import SGD, Adam, Nadam
from dnnstudio.core.experiment.record import EarlyStopping, Experiment, Training
from dnnstudio.core.experiment.schedules import Performance, Power
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import BatchesDone, Event, RunStarted
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.engine.training import evaluation
from dnnstudio.engine.training.checkpoint import load_checkpoint
from dnnstudio.engine.training.trainer import fresh_model

Make = Callable[..., Any]


def stack() -> tuple[Any, ...]:
    return BatchNormalization(id="bn"), Dense(id="hidden", units=8, activation="elu"), Dropout(id="drop", rate=0.3)


CHANGES: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": SGD(learning_rate=0.1, momentum=0.9, nesterov=True), "schedule": Power(s=2)},
    "adam": {"optimizer": Adam(learning_rate=0.01, use_ema=True)},
    "nadam": {
        "optimizer": Nadam(learning_rate=0.05),
        "schedule": Performance(factor=0.5, patience=1, min_delta=0.5, monitor="loss"),
    },
}


def trained(recorder: Any, experiment: Experiment, data: Any, **more: Any) -> tuple[Any, list[np.ndarray]]:
    model = fresh_model(experiment, data.summary)
    return recorder.train(experiment, data, model=model, **more), model.get_weights()


def history(recorder: Any) -> list[dict[str, float]]:
    return [row | {"seconds": 0.0} for row in read_rows(recorder.folder / "history.csv")]


@pytest.mark.parametrize("name", CHANGES)
def test_two_and_three_epochs_are_five(name: str, recorders: Make, experiment: Make, rows: Make) -> None:
    whole, first, second = recorders("whole"), recorders("first"), recorders("second")
    given = experiment(*stack(), training=Training(epochs=5, batch_size=16), **CHANGES[name])
    _, expected = trained(whole, given, rows())
    trained(first, given.replaced(training=Training(epochs=2, batch_size=16)), rows())
    result, got = trained(second, given, rows(), resume_from=first.folder)
    assert all(np.array_equal(a, b) for a, b in zip(expected, got, strict=True))
    assert history(second) == history(whole)
    assert (result.reason, result.epochs) == ("finished", 5)
    started = second.events[0]
    assert isinstance(started, RunStarted)
    assert started.first_epoch == 2
    assert np.concatenate([event.steps for event in second.of(BatchesDone)])[0] == 10


def test_a_run_stopped_within_an_epoch_goes_on_in_its_folder(recorders: Make, experiment: Make, rows: Make) -> None:
    whole, stopped = recorders("whole"), recorders("stopped")
    data = rows(train=40_000)  # so many that the second epoch is told of while it lasts
    given = experiment(*stack(), optimizer=Adam(learning_rate=0.01), training=Training(epochs=2, batch_size=4))
    _, expected = trained(whole, given, data)

    def look(event: Event) -> None:
        if isinstance(event, BatchesDone) and event.steps[-1] > 10_000:
            stopped.control.stop()

    stopped.on_event = look
    trained(stopped, given, data)
    position = load_checkpoint(stopped.folder).position
    assert 0 < position.step < 10_000
    assert len(history(stopped)) == position.epoch == 1
    stopped.control, stopped.on_event = type(stopped.control)(), lambda event: None
    _, got = trained(stopped, given, data, resume_from=stopped.folder)
    assert all(np.array_equal(a, b) for a, b in zip(expected, got, strict=True))
    assert history(stopped) == history(whole)


class StopAt(Control):
    """Stops by itself at the n-th look at it."""

    def __init__(self, look: int) -> None:
        super().__init__()
        self._left = look

    def check(self) -> None:
        self._left -= 1
        if not self._left:
            self.stop()
        super().check()


@pytest.mark.parametrize("look", [3, 5, 7, 9, 11])
def test_a_run_stopped_at_any_look_goes_on_exactly(
    look: int, recorders: Make, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With blocks of five rows every part of an epoch has looks of its own, validation too."""
    monkeypatch.setattr(evaluation, "BLOCK", 5)
    whole, stopped = recorders("whole"), recorders("stopped")
    given = experiment(optimizer=Adam(learning_rate=0.05), training=Training(epochs=2, batch_size=16))
    _, expected = trained(whole, given, rows())
    stopped.control = StopAt(look)
    result, _ = trained(stopped, given, rows())
    assert result.reason == "stopped"
    stopped.control = Control()
    _, got = trained(stopped, given, rows(), resume_from=stopped.folder)
    assert all(np.array_equal(a, b) for a, b in zip(expected, got, strict=True))
    assert history(stopped) == history(whole)


def test_early_stopping_counts_on(recorders: Make, experiment: Make, rows: Make) -> None:
    rule = EarlyStopping(patience=3)
    given = experiment(
        optimizer=SGD(learning_rate=3.0), training=Training(epochs=60, batch_size=16, early_stopping=rule)
    )
    whole, first, second = recorders("whole"), recorders("first"), recorders("second")
    expected, _ = trained(whole, given, rows())
    short = Training(epochs=expected.epochs - 1, batch_size=16, early_stopping=rule)
    trained(first, given.replaced(training=short), rows())
    result, _ = trained(second, given, rows(), resume_from=first.folder)
    assert (result.reason, result.epochs, result.best_epoch) == (
        "early_stopping", expected.epochs, expected.best_epoch
    )  # fmt: skip
    assert result.metrics["test"] == expected.metrics["test"]


def test_one_more_epoch_after_the_end(recorder: Any, experiment: Make, rows: Make) -> None:
    recorder.train(experiment(), rows())
    more = experiment(training=Training(epochs=4, batch_size=16))
    result = recorder.train(more, rows(), resume_from=recorder.folder)
    assert [row["epoch"] for row in history(recorder)] == [1, 2, 3, 4]
    assert result.epochs == 4


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"seed": 1}, "seed"),
        ({"optimizer": Adam()}, "optimizer"),
        ({"training": Training(epochs=5, batch_size=8)}, "batch size"),
        ({"layers": (Dense(id="output", units=3, activation="softmax"),)}, "layers"),
    ],
)
def test_another_experiment_cannot_go_on(
    recorder: Any, experiment: Make, rows: Make, change: dict[str, Any], word: str
) -> None:
    recorder.train(experiment(), rows())
    before = {path.name: path.read_bytes() for path in recorder.folder.iterdir() if path.is_file()}
    with pytest.raises(UserError, match=f"{word} changed since"):
        recorder.train(experiment(**change), rows(), resume_from=recorder.folder)
    assert {path.name: path.read_bytes() for path in recorder.folder.iterdir() if path.is_file()} == before


def test_other_data_cannot_go_on(recorder: Any, experiment: Make, rows: Make) -> None:
    data = rows()
    recorder.train(experiment(), data)
    other = type(data)(data.train, data.validation, data.test, data.summary, fingerprint="other")
    with pytest.raises(UserError, match="data changed since"):
        recorder.train(experiment(), other, resume_from=recorder.folder)


def test_an_optimizer_with_other_state_is_refused(recorder: Any, experiment: Make, rows: Make) -> None:
    recorder.train(experiment(), rows())
    with pytest.raises(UserError, match="another network or optimizer"):
        recorder.train(experiment(optimizer=SGD(momentum=0.5)), rows(), resume_from=recorder.folder)


def test_a_damaged_or_missing_checkpoint_is_named(recorder: Any, experiment: Make, rows: Make) -> None:
    recorder.train(experiment(), rows())
    path = recorder.folder / "checkpoint" / "state.npz"
    content = path.read_bytes()
    for damaged in (b"", content[: len(content) // 2], content[:-30], b"PK\x03\x04" + bytes(100)):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"state\.npz is damaged"):
            recorder.train(experiment(), rows(), resume_from=recorder.folder)
    path.unlink()
    with pytest.raises(UserError, match="holds no checkpoint"):
        recorder.train(experiment(), rows(), resume_from=recorder.folder)
