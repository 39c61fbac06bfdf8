"""Going on is exact for every optimizer and every schedule, bit for bit, with shuffling and dropout on.

All pairs would take minutes: each optimizer goes with one schedule in turn, which is each schedule (and each way of
it) with one optimizer too, and some pairs more are drawn at random, half of them by the compiled steps of the loop.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.experiment.gradient_clipping import with_clipping
from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Dropout
from dnnstudio.core.experiment.optimizers import CLIPPINGS, OPTIMIZER_KINDS
from dnnstudio.core.experiment.record import EarlyStopping, Training
from dnnstudio.core.experiment.schedules import (
    Constant,
    CosineRestarts,
    Exponential,
    OneCycle,
    Performance,
    Piecewise,
    Power,
    Schedule,
    Warmup,
)
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.engine.training import step_loop as loop
from dnnstudio.engine.training.checkpoint import load_checkpoint, values_of
from dnnstudio.engine.training.monitoring.step_monitor import StepWatch
from dnnstudio.engine.training.trainer import fresh_model
from tests.thorough import some

Make = Callable[..., Any]

SCHEDULES: dict[str, Schedule] = {
    "constant": Constant(warmup=Warmup(duration=8, unit="steps")),
    "power": Power(s=1.0, power=1.5),
    "exponential by step": Exponential(s=2.0),
    "exponential by epoch": Exponential(s=2.0, progress="epoch"),
    "exponential by multiplying": Exponential(s=2.0, progress="multiply"),
    "piecewise": Piecewise(boundaries=(0.8, 2.0), rates_between=(0.05, 0.02, 0.01)),
    "performance": Performance(factor=0.5, patience=1, min_delta=0.5, cooldown=1, monitor="loss"),
    "one cycle": OneCycle(max_rate=0.05, momentum_low=0.85, momentum_high=0.95),
    "cosine": CosineRestarts(first_period=7, unit="steps", m_mul=0.8, alpha=0.1),
}
KINDS = list(OPTIMIZER_KINDS)


def pairs() -> list[tuple[str, str, bool]]:
    """(optimizer, schedule, whether by the compiled steps)."""
    names = list(SCHEDULES)
    found = [(kind, names[place % len(names)], False) for place, kind in enumerate(KINDS)]
    drawn = random.Random(4)
    found += [(drawn.choice(KINDS), drawn.choice(names), bool(place % 2)) for place in range(6)]
    assert {kind for kind, _, _ in found} == set(KINDS) and {name for _, name, _ in found} == set(names)
    return list(dict.fromkeys(found))


def optimizer(kind: str, place: int) -> Any:
    """With averaging, clipping and weight decay in turn, so that their state has to be kept as well."""
    made = OPTIMIZER_KINDS[kind].new(learning_rate=0.02)
    if place % 3 == 0:
        made = made.replaced(use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=4 if place % 2 else None)
    return with_clipping(made, CLIPPINGS[place % 3], 0.7) if place % 2 else made


class OneStepAtATime(Control):
    """Stops once so many steps are done, wherever in an epoch that is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
        super().__init__()
        monkeypatch.setattr(StepWatch, "limit", lambda watch, count: 1)
        run = StepWatch.run

        def counted(watch: StepWatch, *given: Any) -> Any:
            nonlocal steps
            steps -= 1
            if not steps:
                self.stop()
            return run(watch, *given)

        monkeypatch.setattr(StepWatch, "run", counted)


def all_values(recorder: Any, given: Any, data: Any, **more: Any) -> list[bytes]:
    """The weights after a training, averages and seed states among them."""
    model = fresh_model(given, data.summary)
    recorder.train(given, data, model=model, **more)
    return [value.tobytes() for value in values_of(model.variables)]


ONE_COMPILED = next(pair for pair in pairs() if pair[2])


@pytest.mark.parametrize(("kind", "schedule", "fast"), some(pairs(), keep=(*pairs()[: len(KINDS)], ONE_COMPILED)))
def test_stopped_in_the_second_epoch_a_run_goes_on_exactly(
    kind: str,
    schedule: str,
    fast: bool,
    recorders: Make,
    experiment: Make,
    rows: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if fast:
        monkeypatch.setattr(loop, "pays_from", lambda steps_an_epoch: 0)
    data = rows()
    given = experiment(
        BatchNormalization(id="bn"),
        Dense(id="hidden", units=5, activation="elu"),
        Dropout(id="drop", rate=0.3),
        optimizer=optimizer(kind, KINDS.index(kind) + len(schedule)),
        schedule=SCHEDULES[schedule],
        training=Training(
            epochs=3, batch_size=16, shuffle=True, layer_health=False, early_stopping=EarlyStopping(patience=5)
        ),
    )
    whole, parts = recorders("whole"), recorders("parts")
    expected = all_values(whole, given, data)
    with monkeypatch.context() as patched:
        parts.control = OneStepAtATime(patched, steps=7)
        all_values(parts, given, data)
    position = load_checkpoint(parts.folder).position
    assert (position.epoch, position.step) == (1, 2), "two steps into the second epoch of five"
    parts.control = Control()
    assert all_values(parts, given, data, resume_from=parts.folder) == expected
    assert history(parts) == history(whole)
    one, other = load_checkpoint(whole.folder), load_checkpoint(parts.folder)
    for group in ("network", "optimizer", "best"):
        before, after = getattr(one, group), getattr(other, group)
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True)), group
    assert one.position.plateau == other.position.plateau
    assert one.position.best == other.position.best


def history(recorder: Any) -> list[dict[str, float]]:
    return [row | {"seconds": 0.0} for row in read_rows(recorder.folder / "history.csv")]
