"""What is shown is what happens: plot, preview, history, steps and exported script say one rate for every step.

Experiments are drawn at random: schedules, phases, warm-up, a stop and going on, epochs added, rates set by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import Dense
from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.record import EarlyStopping, Experiment, Training
from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS, OneCycle, Performance, Warmup
from dnnstudio.core.experiment.transfer import Autoencoder, Phase, Transfer
from dnnstudio.core.export.rates import callback_lines, followed_lines, rate_code, rate_lines
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, Event, RateChanged, RunStarted
from dnnstudio.core.jobs.resume import continued
from dnnstudio.core.planning.more_epochs import Way, ways
from dnnstudio.core.planning.stages import planned_epochs, planned_rates, stages
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.core.workspace.runs import read_run
from dnnstudio.engine.reuse.pretraining import prepare
from dnnstudio.engine.training.monitoring import progress
from dnnstudio.engine.training.monitoring.step_monitor import StepWatch
from dnnstudio.gui.plots.curves import Curves
from dnnstudio.gui.plots.stored import read_stored_run

ROWS = 70
CASES = 6


@dataclass(frozen=True)
class Course:
    """A training and what befalls it: the rate set at some step of all, epochs added in some way, and stops."""

    experiment: Experiment
    by_hand: dict[int, float]
    added: tuple[tuple[int, Way], ...]
    stops: tuple[int, ...]
    """So many steps are done when a person presses Stop, wherever in an epoch that is."""

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-ROWS // self.experiment.training.batch_size)


def drawn(number: int, make: Any) -> Course:
    """The course of that number. Every schedule that is known beforehand has its turn."""
    random = np.random.default_rng(number)
    kinds = [kind for kind in SCHEDULE_KINDS if not SCHEDULE_KINDS[kind].adaptive]
    schedule = SCHEDULE_KINDS[kinds[number % len(kinds)]].new()
    if random.random() < 0.4:
        schedule = schedule.replaced(warmup=Warmup(duration=3, unit="steps"))
    batch = int(random.choice([16, 11, 70, 23, 64]))  # 1 to 7 steps an epoch
    given = make(schedule=schedule, optimizer=SGD(learning_rate=0.05), training=Training(epochs=3, batch_size=batch))
    if random.random() < 0.5:
        phases = (Phase(epochs=1, frozen=("hidden",)), Phase(epochs=2, learning_rate=0.02))
        given = given.replaced(transfer=Transfer(source="x", phases=phases))
    by_hand = {int(step): float(random.uniform(1e-4, 0.1)) for step in random.integers(0, 15, random.integers(0, 3))}
    added = tuple((int(random.integers(1, 3)), Way(random.choice([*Way]))) for _ in range(random.integers(0, 3)))
    stops = tuple(sorted(int(step) for step in random.integers(1, 12, random.integers(0, 3))))
    return Course(given, by_hand, added, stops)


class Window:
    """What the window keeps of a run, and a person who sets the rate at some steps."""

    def __init__(self, by_hand: dict[int, float], stops: tuple[int, ...] = ()) -> None:
        self.by_hand = by_hand
        self.stops = list(stops)
        self.used: list[float] = []
        self.curves: Curves | None = None

    def follow(self, recorder: Any) -> None:
        """Take what the next training tells."""
        self.control = recorder.control
        recorder.on_event = self.take
        self.set_rate()

    def set_rate(self) -> None:
        """Set the rate that is wished for after the steps so far."""
        if (wanted := self.by_hand.pop(len(self.used), None)) is not None:
            self.control.set_learning_rate(wanted)

    def take(self, event: Event) -> None:
        """Take an event as the plots do."""
        if isinstance(event, RunStarted):
            rows = read_rows(event.folder / "history.csv") if event.first_epoch else []
            self.curves = Curves.of(event)
            for row in rows:
                self.curves.add_row(row)
        assert self.curves is not None
        match event:
            case BatchesDone():
                self.used.extend(event.learning_rates.tolist())
                self.curves.add_batches(event)
                self.set_rate()
                if self.stops and len(self.used) >= self.stops[0]:
                    del self.stops[0]
                    self.control.stop()
            case RateChanged():
                self.curves.experiment = event.experiment
            case EpochDone():
                self.curves.add_epoch(event)


@pytest.fixture(autouse=True)
def told_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise it would depend on the machine's speed at which step the rate is set and the training stopped."""
    monkeypatch.setattr(StepWatch, "limit", lambda watch, count: 1)
    monkeypatch.setattr(progress, "INTERVAL_S", 0.0)


def script_rates(experiment: Experiment, steps_per_epoch: int) -> np.ndarray:
    """The rates that the exported script's optimizers get from Keras, step by step."""
    space: dict[str, Any] = {"keras": keras, "math": __import__("math"), "steps_per_epoch": steps_per_epoch}
    for lines in (followed_lines(experiment), rate_lines(experiment)):
        exec(lines, space)
    found: list[float] = []
    for number, stage in enumerate(stages(experiment, (6,)), start=1):
        rate = eval(rate_code(experiment, number, stage.optimizer.learning_rate, stage.epochs), space)
        count = stage.epochs * steps_per_epoch
        found += [float(rate(step)) if callable(rate) else rate for step in range(count)]
    return np.array(found)


def unfinished(folder: Path) -> bool:
    """Whether a run has epochs left to train."""
    return read_run(folder).epochs_done < planned_epochs(codec.load(folder / "experiment.json"))


def followed(course: Course, recorders: Any, data: Any) -> tuple[Window, Path]:
    """Train it with all that befalls it, as the window does; what the window holds at the end, and the run folder."""
    window = Window(dict(course.by_hand), course.stops)
    job: dict[str, Any] = {"experiment": course.experiment}
    for more in (None, *course.added):
        recorder = recorders("run")
        if more is not None:
            wish = continued(recorder.folder, more[0], way=more[1])
            job = {"experiment": wish.experiment, "resume_from": wish.resume_from, "stop_after": wish.stop_after}
        window.follow(recorder)
        ended = recorder.train(job.pop("experiment"), data, **job)
        while ended.reason == "stopped" and unfinished(recorder.folder):
            recorder = recorders("run")
            wish = continued(recorder.folder)
            window.follow(recorder)
            ended = recorder.train(wish.experiment, data, resume_from=wish.resume_from)
    return window, recorder.folder


def hold_plots_and_history(window: Window, folder: Path, steps_per_epoch: int) -> None:
    """The line of the window, that of the run read anew, and history.csv say what each step used."""
    used = np.array(window.used)
    history = np.array([row["learning_rate"] for row in read_rows(folder / "history.csv")])
    np.testing.assert_array_equal(history, used[steps_per_epoch - 1 :: steps_per_epoch])
    assert window.curves is not None
    for curves in (window.curves, read_stored_run(folder)[0]):
        x, plotted = curves.rate_curve()
        np.testing.assert_allclose(x * steps_per_epoch, np.arange(1, len(used) + 1), rtol=1e-12)
        np.testing.assert_allclose(plotted, used, rtol=1e-12)


@pytest.mark.parametrize("number", range(CASES))
def test_every_step_has_one_rate_wherever_it_is_shown(
    number: int, recorders: Any, experiment: Any, rows: Any, tmp_path: Path
) -> None:
    course, data = drawn(number, experiment), rows()
    window, folder = followed(course, recorders, data)
    used, steps_per_epoch = window.used, course.steps
    recorded = codec.load(folder / "experiment.json")
    steps, planned = planned_rates(recorded, steps_per_epoch)
    assert len(used) == len(steps)
    np.testing.assert_array_equal(planned, used)  # the preview of the run's experiment
    hold_plots_and_history(window, folder, steps_per_epoch)
    np.testing.assert_allclose(script_rates(recorded, steps_per_epoch), used, rtol=2e-6)
    again = recorders("again")
    again.train(recorded, data)
    same = np.concatenate([event.learning_rates for event in again.of(BatchesDone)])
    np.testing.assert_array_equal(same, used)  # trained afresh, it is led the same way


def drawn_plateau(number: int, make: Any) -> Course:
    """A course whose rate the figures decide. Every second one has a warm-up, which Keras has not got for it."""
    random = np.random.default_rng(1000 + number)
    schedule = Performance(
        factor=float(random.uniform(0.2, 0.8)),
        patience=int(random.integers(0, 3)),
        min_delta=float(random.choice([0.0, 0.01, 9.0])),  # with 9 no epoch is better than the first
        cooldown=int(random.integers(0, 3)),
        min_lr=float(random.choice([0.0, 0.01])),
        monitor=random.choice(["val_loss", "val_accuracy", "loss"]),
        warmup=Warmup(duration=float(random.integers(2, 9)), unit="steps") if number % 2 else None,
    )
    given = drawn(number, make)
    known = given.experiment.replaced(schedule=schedule, training=given.experiment.training.replaced(epochs=6))
    (way,) = ways(known)
    added = ((2, way), *((count, way) for count, _ in given.added))
    return Course(known, given.by_hand, added, given.stops)


def plateau_rates(folder: Path, course: Course) -> np.ndarray:
    """The rates of the exported script, whose callback is asked after each epoch of history.csv; set by hand too."""
    experiment, steps_per_epoch = codec.load(folder / "experiment.json"), course.steps
    (line,) = callback_lines(experiment)
    rows = read_rows(folder / "history.csv")
    found: list[float] = []
    for number, stage in enumerate(stages(experiment, (6,)), start=1):
        callback = eval(line, {"keras": keras})
        rate = eval(rate_code(experiment, number, stage.optimizer.learning_rate, stage.epochs))
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)])
        model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.evaluate(np.zeros((1, 1)), np.zeros(1), verbose=0)  # from then on Keras knows which way is better
        callback.set_model(model)
        callback.on_train_begin()
        for epoch in range(stage.epochs):
            for _ in range(steps_per_epoch):
                if (by_hand := course.by_hand.get(len(found))) is not None:
                    model.optimizer.learning_rate = by_hand
                found.append(float(model.optimizer.learning_rate.numpy()))
            row = rows[len(found) // steps_per_epoch - 1]
            callback.on_epoch_end(epoch, {name: row[name] for name in ("loss", "val_loss", "val_accuracy")})
    return np.array(found)


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")  # Keras's own
@pytest.mark.parametrize("number", range(CASES))
def test_every_step_of_a_plateau_has_one_rate_wherever_it_is_shown(
    number: int, recorders: Any, experiment: Any, rows: Any
) -> None:
    """Only up to the first cut can a preview know the rate; the rest is held against Keras's own callback."""
    course, data = drawn_plateau(number, experiment), rows()
    window, folder = followed(course, recorders, data)
    used, steps_per_epoch = np.array(window.used), course.steps
    recorded = codec.load(folder / "experiment.json")
    steps, planned = planned_rates(recorded, steps_per_epoch)
    assert len(used) == len(steps)
    hold_plots_and_history(window, folder, steps_per_epoch)
    cut = np.flatnonzero(planned != used)
    until = int(cut[0]) if len(cut) else len(used)
    assert until % steps_per_epoch == 0 and until >= steps_per_epoch  # a plateau acts between epochs
    if recorded.schedule.warmup is None:
        np.testing.assert_allclose(plateau_rates(folder, course), used, rtol=2e-6)
    again = recorders("again")
    again.train(recorded, data)
    same = np.concatenate([event.learning_rates for event in again.of(BatchesDone)])
    np.testing.assert_allclose(same, used, rtol=1e-12)


def test_a_rate_set_by_hand_is_in_experiment_and_figures(recorder: Any, experiment: Any, rows: Any) -> None:
    recorder.control.set_learning_rate(0.03)
    result = recorder.train(experiment(), rows())
    assert result.metrics["rate_changes"] == [{"at": 0.0, "unit": "steps", "factor": pytest.approx(0.3)}]
    (change,) = codec.load(recorder.folder / "experiment.json").rate_changes
    assert change.factor == pytest.approx(0.3)
    (event,) = recorder.of(RateChanged)
    assert (event.step, event.rate, event.experiment.rate_changes) == (0, 0.03, (change,))


def test_a_plateau_a_rate_by_hand_and_stops_leave_plot_and_history_what_was_used(
    recorders: Any, experiment: Any, rows: Any
) -> None:
    """A loss that never improves by 9: the rate is halved after each epoch, whoever set it; the third stops early."""
    schedule = Performance(factor=0.5, patience=1, min_delta=9.0, monitor="loss")
    training = Training(epochs=6, batch_size=23, early_stopping=EarlyStopping(patience=3, min_delta=9.0))
    given = experiment(schedule=schedule, optimizer=SGD(learning_rate=0.08), training=training)
    window, data = Window({6: 0.3}, stops=(2, 9)), rows()  # 4 steps an epoch: both stops are within one
    recorder = recorders("run")
    window.follow(recorder)
    ended, parts = recorder.train(given, data), 1
    while ended.reason == "stopped":
        recorder, parts = recorders("run"), parts + 1
        wish = continued(recorder.folder)
        window.follow(recorder)
        ended = recorder.train(wish.experiment, data, resume_from=wish.resume_from)
    assert (ended.reason, parts) == ("early_stopping", 3)
    by_hand = [0.08] * 4 + [0.08] * 2 + [0.3] * 2 + [0.15] * 4 + [0.075] * 4
    np.testing.assert_allclose(window.used, by_hand, rtol=1e-12)
    hold_plots_and_history(window, recorder.folder, 4)


def going_on(recorders: Any, window: Window, data: Any, given: Experiment, added: tuple[int, ...]) -> list[int]:
    """Train it, then so many more epochs each time; how many epochs of it there were after each."""
    recorder, done = recorders("run"), []
    window.follow(recorder)
    done.append(recorder.train(given, data).epochs)
    for count in added:
        wish = continued(recorder.folder, count)
        recorder = recorders("run")
        window.follow(recorder)
        job: dict[str, Any] = {"resume_from": wish.resume_from, "stop_after": wish.stop_after}
        done.append(recorder.train(wish.experiment, data, **job).epochs)
        record = read_run(recorder.folder)
        assert record.epochs_done == done[-1] <= record.epochs_planned
        assert window.curves is not None and window.curves.epochs == record.epochs_planned
    return done


@pytest.mark.parametrize("kind", [kind for kind in SCHEDULE_KINDS if not SCHEDULE_KINDS[kind].adaptive])
def test_a_phase_that_stops_early_leaves_every_later_epoch_its_number_and_its_rate(
    kind: str, recorders: Any, experiment: Any, rows: Any
) -> None:
    """Each of both phases stops after its second epoch; then its last ones are trained, and further ones added."""
    never = EarlyStopping(patience=1, min_delta=1e9, restore_best=False)
    training = Training(epochs=3, batch_size=23, early_stopping=never)
    given = experiment(schedule=SCHEDULE_KINDS[kind].new(), optimizer=SGD(learning_rate=0.05), training=training)
    phases = (Phase(epochs=5, frozen=("hidden",)), Phase(epochs=4, learning_rate=0.02))
    window, data = Window({}), rows()
    phased = given.replaced(transfer=Transfer(source="x", phases=phases))
    assert going_on(recorders, window, data, phased, (1, 1)) == [4, 5, 6]  # within the plan of the second phase
    assert len(window.used) == 6 * 4
    folder = recorders("run").folder
    assert read_run(folder).epochs_planned == 6
    hold_plots_and_history(window, folder, 4)
    more = going_on_from(recorders, window, data, 2)  # beyond it: its patience ends it after one
    assert (more, len(window.used)) == (7, 7 * 4)
    hold_plots_and_history(window, folder, 4)


def going_on_from(recorders: Any, window: Window, data: Any, count: int) -> int:
    """Train the run for so many more epochs, as far as early stopping lets it; how many epochs it has then."""
    recorder = recorders("run")
    wish = continued(recorder.folder, count)
    window.follow(recorder)
    return int(recorder.train(wish.experiment, data, resume_from=wish.resume_from, stop_after=wish.stop_after).epochs)


def test_more_epochs_of_a_pretraining_layer_by_layer_are_of_its_last_layer(
    recorders: Any, experiment: Any, rows: Any
) -> None:
    """Two layers, two epochs each: what is added is trained, whatever is added after it."""
    stack = (Dense(id="low", units=5), Dense(id="high", units=3))
    given = experiment(*stack, schedule=OneCycle(), optimizer=SGD(learning_rate=0.01))
    given = given.replaced(training=Training(epochs=2, batch_size=23))
    given = given.replaced(pretraining=Autoencoder(until="high", greedy=True))
    prepared, data = prepare(given, rows())
    window = Window({})
    assert going_on(recorders, window, data, prepared, (1, 1, 3)) == [4, 5, 6, 9]
    folder = recorders("run").folder
    assert [int(row["phase"]) for row in read_rows(folder / "history.csv")] == [1, 1, 2, 2, 2, 2, 2, 2, 2]
    hold_plots_and_history(window, folder, 4)
