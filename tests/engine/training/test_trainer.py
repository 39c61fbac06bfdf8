"""Training around the steps: events, history, what is left on disk, stop, pause, divergence and early stopping."""

from __future__ import annotations

import gc
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Dropout
from dnnstudio.core.experiment.optimizers import SGD, Adam
from dnnstudio.core.experiment.record import EarlyStopping, Experiment, Training
from dnnstudio.core.experiment.schedules import Exponential, OneCycle, Performance
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, Event, Progress, RunEnded, RunStarted
from dnnstudio.core.workspace.history import as_columns, read_rows
from dnnstudio.core.workspace.runs import read_run
from dnnstudio.engine.training.compiled import reasons
from dnnstudio.engine.training.compiled.steps import PROGRAMS_KEPT
from dnnstudio.engine.training.trainer import fresh_model

Make = Callable[..., Any]


def weights_of(experiment: Experiment, recorder: Any, rows: Any, **more: Any) -> list[np.ndarray]:
    model = fresh_model(experiment, rows.summary)
    recorder.train(experiment, rows, model=model, **more)
    return list(model.get_weights())


def without_seconds(folder: Path) -> list[dict[str, float]]:
    return [
        {name: value for name, value in row.items() if name != "seconds"} for row in read_rows(folder / "history.csv")
    ]


def test_a_run_tells_its_steps_and_epochs_in_order(recorder: Any, experiment: Make, rows: Make) -> None:
    result = recorder.train(experiment(), rows())
    first, last = recorder.events[0], recorder.events[-1]
    assert isinstance(first, RunStarted)
    assert (first.steps_per_epoch, first.epochs, first.first_epoch) == (5, 3, 0)
    assert isinstance(last, RunEnded)
    assert (last.reason, last.result) == ("finished", result)
    batches = recorder.of(BatchesDone)
    np.testing.assert_array_equal(np.concatenate([event.steps for event in batches]), np.arange(15))
    for event in batches:
        sizes = {len(event.steps), len(event.losses), len(event.accuracies), len(event.learning_rates)}
        assert sizes == {len(event.steps)}
        assert event.seconds_left >= 0
    assert [event.row["epoch"] for event in recorder.of(EpochDone)] == [1, 2, 3]
    assert {event.run for event in recorder.events} == {"r1"}


def test_the_loss_of_an_epoch_is_the_mean_over_its_rows(recorder: Any, experiment: Make, rows: Make) -> None:
    recorder.train(experiment(), rows())
    batches = recorder.of(BatchesDone)
    losses = np.concatenate([event.losses for event in batches]).astype(float).reshape(3, 5)
    sizes = np.array([16, 16, 16, 16, 6])
    history = as_columns(read_rows(recorder.folder / "history.csv"))
    np.testing.assert_allclose(history["loss"], losses @ sizes / 70, rtol=1e-6)


def test_a_run_folder_is_complete(recorder: Any, experiment: Make, rows: Make) -> None:
    data, given = rows(), experiment(name="Named")
    result = recorder.train(given, data)
    folder = recorder.folder
    assert {path.name for path in folder.iterdir()} == {
        "checksums.json",
        "experiment.json", "history.csv", "model.keras", "best.keras", "metrics.json", "preparation.json", "checkpoint"
    }  # fmt: skip
    assert codec.load(folder / "experiment.json") == given
    header = (folder / "history.csv").read_text().splitlines()[0]
    assert header == "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics == json.loads(json.dumps(result.metrics))
    assert set(metrics["test"]) == {"loss", "accuracy", "balanced_accuracy", "recall:a", "recall:b", "recall:c"}
    assert metrics["validation"]["loss"] == read_rows(folder / "history.csv")[-1]["val_loss"]
    assert (metrics["seed"], metrics["data_fingerprint"], metrics["parameters"]) == (42, "synthetic", 83)
    assert {"python", "keras", "tensorflow", "numpy"} <= set(metrics["versions"])
    record = read_run(folder)
    assert (record.name, record.status, record.epochs_done, record.run) == ("Named", "finished", 3, "r1")


NUMBERS = ("mae", "root_mean_squared_error", "r2_score")


@pytest.mark.parametrize(
    ("task", "columns"),
    [
        ("binary", ["accuracy", "val_loss", "val_accuracy"]),
        ("number", [*NUMBERS, "val_loss", *(f"val_{name}" for name in NUMBERS)]),
    ],
)
def test_other_tasks_measure_what_fits_them(
    recorder: Any, experiment: Make, rows: Make, task: str, columns: list[str]
) -> None:
    activation = "sigmoid" if task == "binary" else None
    recorder.train(experiment(outputs=1, activation=activation), rows(task))
    found = set(as_columns(read_rows(recorder.folder / "history.csv")))
    assert found == {"epoch", "loss", "learning_rate", "seconds", *columns}
    assert all(len(event.accuracies) == (len(event.steps) if task == "binary" else 0)
               for event in recorder.of(BatchesDone))  # fmt: skip


def test_training_learns(recorder: Any, experiment: Make, rows: Make) -> None:
    given = experiment(optimizer=Adam(learning_rate=0.02), training=Training(epochs=30, batch_size=16))
    assert recorder.train(given, rows()).metrics["train"]["accuracy"] > 0.9


def test_dropout_has_the_training_rows_measured_without_it(recorder: Any, experiment: Make, rows: Make) -> None:
    given = experiment(Dropout(id="drop", rate=0.5), optimizer=SGD(learning_rate=1e-9))
    result = recorder.train(given, rows())
    history = as_columns(read_rows(recorder.folder / "history.csv"))
    assert history["clean_loss"][-1] == pytest.approx(result.metrics["train"]["loss"])
    assert np.ptp(history["clean_loss"]) < 1e-5 < np.ptp(history["loss"])


def test_the_same_seed_gives_the_same_run(recorders: Make, experiment: Make, rows: Make) -> None:
    given = experiment(BatchNormalization(id="bn"), Dense(id="h", units=8), Dropout(id="drop", rate=0.3))
    first, again, other = recorders("first"), recorders("again"), recorders("other")
    one, two = weights_of(given, first, rows()), weights_of(given, again, rows())
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert without_seconds(first.folder) == without_seconds(again.folder)
    other.train(given.replaced(seed=43), rows())
    assert without_seconds(first.folder) != without_seconds(other.folder)


def test_the_schedule_sets_the_rate_of_every_step(recorder: Any, experiment: Make, rows: Make) -> None:
    given = experiment(schedule=Exponential(s=10, unit="steps"), optimizer=SGD(learning_rate=0.5))
    recorder.train(given, rows())
    rates = np.concatenate([event.learning_rates for event in recorder.of(BatchesDone)])
    np.testing.assert_allclose(rates, 0.5 * 0.1 ** (np.arange(15) / 10), rtol=1e-12)
    column = as_columns(read_rows(recorder.folder / "history.csv"))["learning_rate"]
    np.testing.assert_allclose(column, rates[[4, 9, 14]])


def test_one_cycle_brings_its_own_momentum(recorders: Make, experiment: Make, rows: Make) -> None:
    def weights(name: str, optimizer: Any, **momentum: float) -> list[np.ndarray]:
        given = experiment(schedule=OneCycle(max_rate=0.2, **momentum), optimizer=optimizer)
        return weights_of(given, recorders(name), rows())

    fixed = weights("fixed", SGD(momentum=0.9))
    same = weights("same", SGD(), momentum_low=0.9, momentum_high=0.9)
    moving = weights("moving", SGD(momentum=0.9), momentum_low=0.5, momentum_high=0.9)
    for one, other in zip(fixed, same, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert not np.allclose(fixed[0], moving[0], rtol=1e-3)
    weights("without", Adam(), momentum_low=0.5, momentum_high=0.9)


def test_a_plateau_cuts_the_rate(recorder: Any, experiment: Make, rows: Make) -> None:
    rule = Performance(factor=0.5, patience=1, monitor="loss", min_delta=100.0)
    given = experiment(schedule=rule, optimizer=SGD(learning_rate=0.5), training=Training(epochs=4, batch_size=70))
    recorder.train(given, rows())
    rates = np.concatenate([event.learning_rates for event in recorder.of(BatchesDone)])
    np.testing.assert_allclose(rates, [0.5, 0.5, 0.25, 0.125])


def test_a_rate_set_while_training_holds_from_there_on(recorder: Any, experiment: Make, rows: Make) -> None:
    def turn(event: Event) -> None:
        if isinstance(event, EpochDone) and event.row["epoch"] == 1:
            recorder.control.set_learning_rate(0.025)

    recorder.on_event = turn
    recorder.train(experiment(), rows())
    rates = np.concatenate([event.learning_rates for event in recorder.of(BatchesDone)])
    np.testing.assert_allclose(rates, [0.1] * 5 + [0.025] * 10)


def test_early_stopping_ends_with_the_best_weights(recorder: Any, experiment: Make, rows: Make) -> None:
    """A rate this high overshoots: some epoch is the best, and two epochs later training stops."""
    given = experiment(
        optimizer=SGD(learning_rate=3.0),
        training=Training(epochs=60, batch_size=16, early_stopping=EarlyStopping(patience=2)),
    )
    result = recorder.train(given, rows())
    losses = as_columns(read_rows(recorder.folder / "history.csv"))["val_loss"]
    assert result.reason == "early_stopping"
    assert result.epochs == len(losses) == result.best_epoch + 2
    assert int(np.argmin(losses)) + 1 == result.best_epoch
    assert result.metrics["validation"]["loss"] == pytest.approx(losses.min())
    assert [event.row["epoch"] for event in recorder.of(EpochDone) if event.is_best][-1] == result.best_epoch


def test_batches_are_told_at_most_twenty_times_a_second(recorder: Any, experiment: Make, rows: Make) -> None:
    times: list[float] = []
    recorder.on_event = lambda event: times.append(time.monotonic()) if isinstance(event, BatchesDone) else None
    recorder.train(experiment(training=Training(epochs=150, batch_size=8)), rows())
    assert len(times) >= 3
    assert min(np.diff(times[:-1])) >= 0.0499


def stop_when(recorder: Any, kind: type[Event], number: int = 1) -> list[float]:
    """Pull the stop when the event comes for the `number`-th time; the list gets the moment."""
    moments: list[float] = []

    def look(event: Event) -> None:
        if isinstance(event, kind) and len(recorder.of(kind)) == number:
            recorder.control.stop()
            moments.append(time.monotonic())

    recorder.on_event = look
    return moments


def test_stop_keeps_the_run_as_it_is(recorder: Any, experiment: Make, rows: Make) -> None:
    stop_when(recorder, BatchesDone, 4)
    result = recorder.train(experiment(training=Training(epochs=100_000, batch_size=16)), rows())
    assert result.reason == "stopped"
    assert result.epochs == len(read_rows(recorder.folder / "history.csv")) < 100_000
    assert (recorder.folder / "model.keras").exists()
    assert read_run(recorder.folder).status == "stopped"


def test_stop_from_another_thread_is_answered_within_200_ms(recorder: Any, experiment: Make, rows: Make) -> None:
    answered: list[float] = []
    pulled: list[float] = []
    recorder.on_event = lambda event: answered.append(time.monotonic()) if isinstance(event, Progress) else None

    def pull() -> None:
        while len(recorder.of(BatchesDone)) < 5:
            time.sleep(0.005)
        pulled.append(time.monotonic())
        recorder.control.stop()

    thread = threading.Thread(target=pull)
    thread.start()
    recorder.train(experiment(training=Training(epochs=100_000, batch_size=16)), rows())
    thread.join()
    assert answered[0] - pulled[0] < 0.2


def test_stop_before_the_first_step_leaves_a_run_without_epochs(recorder: Any, experiment: Make, rows: Make) -> None:
    stop_when(recorder, RunStarted)
    result = recorder.train(experiment(), rows())
    assert (result.reason, result.epochs, result.best_epoch) == ("stopped", 0, 0)
    assert read_run(recorder.folder).epochs_done == 0


def test_finish_epoch_ends_after_it(recorder: Any, experiment: Make, rows: Make) -> None:
    recorder.on_event = lambda event: recorder.control.finish_epoch() if isinstance(event, BatchesDone) else None
    result = recorder.train(experiment(training=Training(epochs=500, batch_size=16)), rows())
    assert (result.reason, result.epochs) == ("stopped", 1)


def test_pause_holds_and_resume_goes_on_to_the_same_end(recorders: Make, experiment: Make, rows: Make) -> None:
    plain, paused = recorders("plain"), recorders("paused")
    expected = weights_of(experiment(), plain, rows())
    held: list[float] = []

    def look(event: Event) -> None:
        if isinstance(event, EpochDone) and event.row["epoch"] == 2:
            paused.control.pause()
            held.append(time.monotonic())
            threading.Timer(0.3, paused.control.resume).start()
        elif isinstance(event, EpochDone) and event.row["epoch"] == 3:
            held.append(time.monotonic())

    paused.on_event = look
    got = weights_of(experiment(), paused, rows())
    assert held[1] - held[0] >= 0.29
    assert all(np.array_equal(a, b) for a, b in zip(expected, got, strict=True))


def test_a_loss_without_end_stops_with_the_last_finite_weights(recorder: Any, experiment: Make, rows: Make) -> None:
    given = experiment(outputs=1, activation=None, optimizer=SGD(learning_rate=1e6))
    model = fresh_model(given, DataSummary((6,), (), binary=False))
    before = model.get_weights()
    result = recorder.train(given, rows("number"), model=model)
    assert result.reason == "diverged"
    assert "Lower the learning rate" in recorder.events[-1].message
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert read_run(recorder.folder).status == "diverged"


def test_one_bad_number_in_the_data_is_noticed(recorder: Any, experiment: Make, rows: Make) -> None:
    data = rows()
    data.train.x[13, 2] = np.nan
    result = recorder.train(experiment(), data)
    assert result.reason == "diverged"
    assert np.isfinite(result.metrics["validation"]["loss"])


def test_a_folder_with_a_run_is_not_overwritten(recorder: Any, experiment: Make, rows: Make) -> None:
    recorder.train(experiment(), rows())
    before = (recorder.folder / "history.csv").read_bytes()
    with pytest.raises(UserError, match="already holds a run"):
        recorder.train(experiment(seed=1), rows())
    assert recorder.events[-1].reason == "failed"
    assert (recorder.folder / "history.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layers": ()}, "no layers"),
        ({"layers": (Dense(id="d", units=2, activation="softmax"),)}, "2 units for 3 classes"),
        ({"layers": (Dense(id="d", units=3, activation="softmax", trainable=False),)}, "Every layer is frozen"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    recorder: Any, experiment: Make, rows: Make, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        recorder.train(experiment(**change), rows())
    assert [type(event) for event in recorder.events] == [RunEnded]
    assert not recorder.folder.exists()


def test_a_batch_larger_than_the_data_is_the_data(recorder: Any, experiment: Make, rows: Make) -> None:
    recorder.train(experiment(training=Training(epochs=2, batch_size=1000)), rows())
    assert recorder.events[0].steps_per_epoch == 1


def test_without_validation_rows_the_training_loss_is_watched(recorder: Any, experiment: Make, rows: Make) -> None:
    data = rows()
    data = type(data)(data.train, type(data.test)(data.test.x[:0], data.test.y[:0]), data.test, data.summary)
    result = recorder.train(experiment(), data)
    history = as_columns(read_rows(recorder.folder / "history.csv"))
    assert set(history) == {"epoch", "loss", "accuracy", "learning_rate", "seconds"}
    assert result.best_epoch == int(np.argmin(history["loss"])) + 1
    assert result.metrics["validation"] == {}


def test_a_bug_inside_ends_with_one_last_event(recorder: Any, experiment: Make, rows: Make) -> None:
    def fail(event: Event) -> None:
        if isinstance(event, EpochDone):
            raise RuntimeError("a slot failed")

    recorder.on_event = fail
    with pytest.raises(RuntimeError, match="a slot failed"):
        recorder.train(experiment(), rows())
    assert [event.reason for event in recorder.of(RunEnded)] == ["failed"]


def graphs() -> Counter[str]:
    """How many graphs of each name there are; those of earlier tests may still go."""
    gc.collect()
    return Counter(thing.name for thing in gc.get_objects() if type(thing).__name__ == "FuncGraph")


@pytest.mark.parametrize("cost", [0, 10**9], ids=["compiled", "eager"])
def test_a_training_leaves_no_graph_behind(
    cost: int, recorders: Make, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only compiled programs stay, for the next training of such a network, and of these a few."""
    monkeypatch.setattr(reasons, "COMPILE_COST", cost)

    def train(units: int) -> None:
        layers = BatchNormalization(id="bn"), Dense(id="h", units=units, activation="elu"), Dropout(id="d", rate=0.3)
        recorders(f"{cost} {units}").train(experiment(*layers), rows())

    train(8)
    before = graphs()
    for units in range(2, 8):
        train(units)
    after = graphs()
    new = after - before
    programs = [name for name in new if "many_steps" in name]
    assert [name for name in new if name not in programs] == []
    assert sum(new[name] for name in programs) <= (PROGRAMS_KEPT if cost == 0 else 0)


def test_a_stop_pulled_before_the_job_begins_is_silent(recorder: Any, experiment: Make, rows: Make) -> None:
    recorder.control.stop()
    try:
        assert recorder.train(experiment(), rows()).epochs == 0
    except Cancelled:
        assert not recorder.folder.exists()
    assert recorder.events[-1].reason == "stopped"
