"""P7 and what else happens in the middle of a training: stop is answered in every phase, and the run can be read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.checksums import changed_files
from dnnstudio.core.errors import Cancelled
from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.data import Data, Npz
from dnnstudio.core.experiment.layers import Dense, Dropout
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, Event, Progress, RunEnded, RunStarted, Stage
from dnnstudio.core.jobs.requests import TrainRun
from dnnstudio.core.workspace.runs import is_run, read_run
from dnnstudio.engine.training import trainer
from dnnstudio.engine.training.checkpoint import load_checkpoint
from tests.promises.figures import Figure, all_tries
from tests.promises.kinds import digits

MOST_MS = 250.0
TIMES = 5
ROWS = 30_000


def large(folder: Path) -> Experiment:
    """A network whose compiling, epochs and evaluations all take a while."""
    draw = np.random.default_rng(7)
    rows = {name: draw.normal(size=(count, 60)).astype(np.float32) for name, count in (("x", ROWS), ("x_test", 9000))}
    path = folder / "rows.npz"
    if not path.exists():
        labels = {"y_train": np.arange(ROWS) % 10, "y_test": np.arange(9000) % 10}
        np.savez(path, x_train=rows["x"], x_test=rows["x_test"], **labels)
    hidden = tuple(Dense(id=f"d{number}", units=120, activation="relu") for number in range(12))
    layers = (*hidden, Dropout(id="drop", rate=0.2), Dense(id="out", units=10, activation="softmax"))
    wanted = digits().replaced(data=Data(source=Npz(path=str(path))), layers=layers)
    return edits.set_value(edits.set_value(wanted, "training.epochs", 2), "training.batch_size", 32)


def _at(kind: type[Event], count: int = 1) -> Callable[[list[Event]], bool]:
    return lambda events: sum(isinstance(event, kind) for event in events) >= count


def _saving(events: list[Event]) -> bool:
    return any(isinstance(event, Progress) and event.stage == Stage.SAVING for event in events)


PHASES: dict[str, tuple[Callable[[list[Event]], bool], float]] = {
    "before the first step": (_at(RunStarted), 0.0),
    "while steps are compiled": (_at(RunStarted), 0.6),
    "in the middle of an epoch": (_at(BatchesDone, 2), 0.1),
    "in validation": (lambda events: any(isinstance(e, BatchesDone) and e.steps[-1] >= 740 for e in events), 0.02),
    "in the final evaluation": (_saving, 0.05),
}
"""When the stop is asked for: after what, and how many seconds later."""


def stopped(experiment: Experiment, folder: Path, phase: str) -> tuple[float, float]:
    """Milliseconds from the wish to the first word of it, and to the end of the job, whose run can be read then.

    The first word is that it stops and is being saved, or that it has ended.
    """
    from dnnstudio.engine.session import Session

    events: list[Event] = []
    control, reached, after = Control(), threading.Event(), PHASES[phase][1]
    asked: list[float] = []
    answered: list[float] = []
    ended: list[float] = []

    def emit(event: Event) -> None:
        if asked and isinstance(event, Progress | RunEnded):
            answered.append(time.perf_counter())
        events.append(event)
        if PHASES[phase][0](events):
            reached.set()

    def run() -> None:
        try:
            Session().run(TrainRun(experiment=experiment, folder=folder), control, emit)
        except Cancelled:
            pass
        finally:
            ended.append(time.perf_counter())
            reached.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert reached.wait(120)
    time.sleep(after)  # the promise is about this moment
    asked.append(time.perf_counter())
    control.stop()
    thread.join(120)
    assert ended
    assert not is_run(folder) or not read_run(folder).changed
    return tuple(max(0.0, 1000 * (moments[0] - asked[0])) for moments in (answered or ended, ended))


@pytest.mark.promise(7)
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("phase", PHASES)
def test_p7_stop_is_answered_in_every_phase(phase: str, tmp_path: Path, figure: Any) -> None:
    experiment, numbers = large(tmp_path), iter(range(1000))

    def measure() -> list[Figure]:
        found = [stopped(experiment, tmp_path / f"{next(numbers)}", phase) for _ in range(TIMES)]
        answers, ends = (max(times) for times in zip(*found, strict=True))
        return [
            Figure(7, f"slowest {phase}", answers, unit="ms", at_most=MOST_MS),
            Figure(7, "longest until the run was saved", ends, unit="ms"),
        ]

    told, saved = all_tries(measure)
    figure(7, told.what, told.value, unit="ms", at_most=MOST_MS)
    figure(7, "phases, five stops each", 1, of=1)
    figure(7, saved.what, saved.value, unit="ms")
    assert told.kept, told.words


@pytest.mark.promise(2)
@pytest.mark.timeout(600)
def test_a_run_can_be_read_at_any_moment_of_its_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Any
) -> None:
    """A checkpoint is written after every epoch, while another thread reads the run without a pause."""
    from dnnstudio.engine.session import Session

    monkeypatch.setattr(trainer, "CHECKPOINT_S", 0.0)
    folder, reads, wrong = tmp_path / "run", 0, []
    epochs = set()
    over = threading.Event()

    def train() -> None:
        try:
            wanted = TrainRun(experiment=digits(epochs=120), folder=folder)
            Session().run(wanted, Control(), lambda event: begun.set() if isinstance(event, EpochDone) else None)
        finally:
            over.set()
            begun.set()

    begun = threading.Event()
    thread = threading.Thread(target=train)
    thread.start()
    assert begun.wait(120)
    while not over.is_set() or reads < 10:
        reads += 1
        epochs.add(load_checkpoint(folder).position.epoch)
        if changed_files(folder) or not is_run(folder):
            wrong.append(reads)
    thread.join()
    figure(2, "reads of a run while it trained found it whole", reads - len(wrong), of=reads)
    assert reads >= 500
    assert len(epochs) > 20
    assert wrong == []
