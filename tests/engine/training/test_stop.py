"""A stop is answered within 250 ms in every phase: before the first batch, in a trace, in validation, at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.errors import Cancelled
from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Layer
from dnnstudio.core.experiment.record import Training
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, Event, HealthMeasured, Progress, RunEnded, RunStarted
from dnnstudio.core.workspace.runs import can_go_on, read_run
from dnnstudio.engine.training.evaluation import Evaluator
from dnnstudio.engine.training.monitoring import layer_health
from dnnstudio.engine.training.step_loop import StepLoop

Make = Callable[..., Any]
ANSWER_S = 0.25
PATIENCE_S = 60.0


def deep(layers: int) -> list[Layer]:
    """Layers whose steps take a second and more to trace."""
    found: list[Layer] = []
    for place in range(layers):
        found += [Dense(id=f"d{place}", units=8, activation="selu"), BatchNormalization(id=f"b{place}")]
    return found


class Stopper:
    """Stops a training a moment after it is told to, from another thread, twice; when it was answered."""

    def __init__(self, recorder: Any, *, after_s: float) -> None:
        self._told, self._recorder, self._after_s = threading.Event(), recorder, after_s
        self.stopped = self.answered = 0.0
        recorder.on_event = self._look
        self.wanted: Callable[[Event], bool] = lambda event: False
        self._thread = threading.Thread(target=self._stop)
        self._thread.start()

    def now(self) -> None:
        self._told.set()

    def _look(self, event: Event) -> None:
        if self.wanted(event):
            self.now()
        if self.stopped and not self.answered and isinstance(event, Progress | RunEnded):
            self.answered = time.monotonic()

    def _stop(self) -> None:
        assert self._told.wait(PATIENCE_S)
        time.sleep(self._after_s)
        self.stopped = time.monotonic()
        self._recorder.control.stop()
        self._recorder.control.stop()

    @property
    def took_s(self) -> float:
        self._thread.join()
        assert self.answered, "the training ended before it was stopped"
        return self.answered - self.stopped


@pytest.mark.thorough
@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.6])
def test_a_stop_in_the_first_trace_is_answered_and_the_run_goes_on(
    after_s: float, recorder: Any, recorders: Make, experiment: Make, rows: Make
) -> None:
    wanted = experiment(*deep(30), training=Training(epochs=2, batch_size=16))
    stopper = Stopper(recorder, after_s=after_s)
    stopper.wanted = lambda event: isinstance(event, RunStarted)
    result = recorder.train(wanted, rows())
    assert stopper.took_s < ANSWER_S
    assert (result.reason, result.epochs) == ("stopped", 0)
    assert read_run(recorder.folder).status == "stopped"
    assert can_go_on(recorder.folder)
    straight = recorders("straight")
    expected = straight.train(wanted, rows())
    recorder.control, recorder.on_event = Control(), lambda event: None
    again = recorder.train(wanted, rows(), resume_from=recorder.folder)
    assert again.metrics["fingerprint"] == expected.metrics["fingerprint"]


@pytest.mark.thorough
def test_a_stop_in_the_first_validation_is_answered(
    recorder: Any, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopper = Stopper(recorder, after_s=0.1)
    get_ready = Evaluator._get_ready

    def ready(self: Evaluator, control: Control | None) -> None:
        stopper.now()
        get_ready(self, control)

    monkeypatch.setattr(Evaluator, "_get_ready", ready)
    result = recorder.train(experiment(*deep(60), training=Training(epochs=5, batch_size=16)), rows())
    assert stopper.took_s < ANSWER_S
    assert (result.reason, result.epochs) == ("stopped", 0)
    assert recorder.of(BatchesDone)


def test_a_stop_in_the_final_evaluation_ends_it_and_keeps_the_run(
    recorder: Any, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopper = Stopper(recorder, after_s=0.0)
    stopper.wanted = lambda event: isinstance(event, Progress) and "Saving" in event.text
    evaluate = Evaluator.evaluate

    def slowly(self: Evaluator, split: Any, *, control: Control | None = None) -> dict[str, float]:
        """As a large part would be: block by block, between which a stop is heard."""
        found = evaluate(self, split, control=control)
        if recorder.of(EpochDone):
            for _ in range(200):
                time.sleep(0.01)
                assert control is not None
                control.check()
        return found

    monkeypatch.setattr(Evaluator, "evaluate", slowly)
    result = recorder.train(experiment(training=Training(epochs=1, batch_size=16)), rows())
    assert stopper.took_s < ANSWER_S
    assert (result.reason, result.epochs) == ("finished", 1)
    assert result.metrics["test"] == {}
    ended = recorder.events[-1]
    assert ended.message == "Finished 1 epoch. Stopped before all its figures were measured."
    said = [event.text for event in recorder.of(Progress) if event.text.startswith("Stopped")]
    assert said == ["Stopped before all its figures were measured. Saving the run."]  # once, and before it is saved
    assert read_run(recorder.folder).status == "finished"
    assert (recorder.folder / "model.keras").exists()


def test_what_is_traced_for_nobody_ends_and_is_traced_anew(experiment: Make, rows: Make) -> None:
    from dnnstudio.engine.backend.builder import build, to_keras
    from dnnstudio.engine.backend.objective import objective

    wanted, data = experiment(*deep(10)), rows()
    model = build(wanted, data.summary.input_shape)
    given = model, to_keras(wanted.optimizer), objective(wanted, data.summary), data.train.x, data.train.y
    loop = StepLoop(*given, batch=16)
    assert not loop.ready()
    loop.give_up()
    before = [value.numpy() for value in model.variables]
    loop._tracing.join()
    assert all(np.array_equal(one, other.numpy()) for one, other in zip(before, model.variables, strict=True))
    loop._given_up = False
    done = loop.run(np.arange(16, dtype=np.int32)[None], np.full(1, 0.1))
    assert np.isfinite(done.losses).all()
    loop.release()


def test_compiled_steps_are_traced_beside_too_and_end_for_nobody(experiment: Make, rows: Make) -> None:
    from dnnstudio.engine.backend.builder import build, to_keras
    from dnnstudio.engine.backend.objective import objective

    wanted, data = experiment(*deep(40)), rows()
    model = build(wanted, data.summary.input_shape)
    given = model, to_keras(wanted.optimizer), objective(wanted, data.summary), data.train.x, data.train.y
    loop = StepLoop(*given, batch=16, compile_from=0)
    assert not loop.note
    began = time.monotonic()
    assert not loop.ready()
    assert time.monotonic() - began < ANSWER_S
    time.sleep(0.3)
    before = [value.numpy() for value in model.variables]
    loop.give_up()
    began = time.monotonic()
    while not loop.ready(0.01):
        assert time.monotonic() - began < PATIENCE_S
    assert all(np.array_equal(one, other.numpy()) for one, other in zip(before, model.variables, strict=True))
    done = loop.run(np.arange(16, dtype=np.int32)[None], np.full(1, 0.1))
    assert np.isfinite(done.losses).all()
    loop.release()


def test_a_stop_while_the_layers_are_measured_counts_the_step_and_goes_on(
    recorder: Any, recorders: Make, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = experiment(*deep(3), training=Training(epochs=2, batch_size=16))
    stopped: list[bool] = []
    whole = layer_health.measure

    def measure(*given: Any, control: Control, **others: Any) -> Any:
        control.stop()
        with pytest.raises(Cancelled):
            whole(*given, control=control, **others)
        stopped.append(True)
        raise Cancelled

    with monkeypatch.context() as patch:
        patch.setattr(layer_health, "measure", measure)
        result = recorder.train(wanted, rows())
    assert stopped
    assert (result.reason, result.epochs) == ("stopped", 0)
    assert not recorder.of(HealthMeasured)
    expected = recorders("straight").train(wanted, rows())
    recorder.control, recorder.on_event = Control(), lambda event: None
    again = recorder.train(wanted, rows(), resume_from=recorder.folder)
    assert again.metrics["fingerprint"] == expected.metrics["fingerprint"]


def test_the_seconds_of_a_run_are_those_of_its_epochs_without_pauses(
    recorder: Any, experiment: Make, rows: Make
) -> None:
    paused: list[float] = []

    def pause(event: Event) -> None:
        if isinstance(event, BatchesDone) and not paused:
            paused.append(time.monotonic())
            recorder.control.pause()
            threading.Timer(0.7, recorder.control.resume).start()

    recorder.on_event = pause
    began = time.monotonic()
    result = recorder.train(experiment(*deep(4), training=Training(epochs=3, batch_size=16)), rows())
    taken, history = time.monotonic() - began, [event.row["seconds"] for event in recorder.of(EpochDone)]
    assert paused
    assert result.metrics["seconds"] == pytest.approx(sum(history), abs=0.002)
    assert result.metrics["seconds"] <= taken - 0.7
    assert history[0] > 2 * max(history[1:])  # tracing is a part of what a person waits for


def test_flags_of_later_hear_a_stop_from_then_on_alone() -> None:
    control = Control()
    control.stop()
    later = control.later()
    assert not later.stopped
    control.stop()
    assert later.stopped
