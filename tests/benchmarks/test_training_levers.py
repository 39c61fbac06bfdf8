"""What holding a training costs and how quickly it answers: layer health, pause and stop, on all of Fashion-MNIST."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.experiment.edits import set_value
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.weights import HeNormal
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import BatchesDone, Event

ROUNDS = 4
PULLS = 8
"""Pauses of a training before it is stopped."""


def on_fashion(recipe: str, *, batch: int = 32, epochs: int = 100) -> Experiment:
    experiment = load_recipe(recipe).experiment
    experiment = experiment.replaced(data=load_recipe("dropout").experiment.data)
    return set_value(experiment, "training", {"epochs": epochs, "batch_size": batch})


def deep() -> Experiment:
    """Twenty layers: the most that there is to measure in an epoch of a dense network."""
    hidden = [Dense(id=f"dense_{n}", units=100, activation="elu", kernel_initializer=HeNormal()) for n in range(20)]
    output = Dense(id="output", units=10, activation="softmax")
    return on_fashion("dropout").replaced(layers=(Flatten(id="flatten"), *hidden, output))


@pytest.mark.real_data
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("title", "experiment"), [("dropout, Adam", on_fashion("dropout")), ("20 layers, Adam", deep())]
)
def test_layer_health_costs_less_than_a_tenth(
    title: str,
    experiment: Experiment,
    tmp_path: Path,
    table: Any,
    row: Any,
    monkeypatch: pytest.MonkeyPatch,
    measured: Callable[[str], None],
) -> None:
    """The share of a training's time in which its layers are looked at, over two epochs: the first has most looks.

    Taken within one and the same training, so that it does not depend on what else the machine does.
    """
    from dnnstudio.engine.data import load_dataset
    from dnnstudio.engine.training.monitoring import layer_health as health
    from dnnstudio.engine.training.trainer import train

    data = load_dataset(experiment.data, seed=experiment.seed)
    spent = 0.0

    def timed(look: Callable[..., None]) -> Callable[..., None]:
        def wrapped(probe: Any, *given: int) -> None:
            nonlocal spent
            began = time.monotonic()
            look(probe, *given)
            spent += time.monotonic() - began

        return wrapped

    for name in ("before", "after"):
        monkeypatch.setattr(health.HealthProbe, name, timed(getattr(health.HealthProbe, name)))
    shares: list[float] = []
    for turn in range(ROUNDS):
        spent = 0.0
        given = set_value(experiment, "training.epochs", 2)
        folder = tmp_path / f"{turn}"
        result = train(given, data, folder=folder, run="r", control=Control(), emit=lambda event: None)
        shares.append(spent / float(result.metrics["seconds"]))
    share = statistics.median(shares)
    made = table.add(row(f"layer health: {title}", "", share, 0.0, unit="of the time", at_most=0.1))
    measured(f"{title}: layer health took {share:.1%} of the training's time, at most {max(shares):.1%}")
    assert made.holds


class Watched(Control):
    """Writes down when the engine looked at it while it was to rest or to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = threading.Event()

    def check(self) -> None:
        if self.paused or self.stopped:
            self.answered.set()
        super().check()


@pytest.mark.real_data
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("recipe", "batch"),
    [("default_dnn", 32), ("dropout", 32), ("dropout", 1024), ("convolution", 32), ("convolution", 1024)],
)
def test_pause_and_stop_are_answered_within_200_ms(
    recipe: str, batch: int, tmp_path: Path, table: Any, row: Any, measured: Callable[[str], None]
) -> None:
    """From the press until no further step is begun, once the first steps are done (compiling comes before them).

    A single step cannot be cut short: where one takes longer than that by itself, it is waited for.
    """
    from dnnstudio.engine.data import load_dataset
    from dnnstudio.engine.training.trainer import train

    experiment = on_fashion(recipe, batch=batch)
    data = load_dataset(experiment.data, seed=experiment.seed)
    control, begun = Watched(), threading.Event()
    waits: list[float] = []
    steps: list[int] = []

    def look(event: Event) -> None:
        if isinstance(event, BatchesDone):
            steps.append(int(event.steps[-1]) + 1)
            if steps[-1] >= 40:
                begun.set()

    def pull() -> None:
        begun.wait()
        for number in range(PULLS + 1):
            time.sleep(0.2 + 0.137 * number)
            control.answered.clear()
            pressed = time.monotonic()
            control.pause() if number < PULLS else control.stop()
            control.answered.wait()
            waits.append(time.monotonic() - pressed)
            control.resume()

    puller = threading.Thread(target=pull)
    puller.start()
    result = train(experiment, data, folder=tmp_path / "run", run="r", control=control, emit=look)
    puller.join()
    assert result.reason == "stopped"
    median, worst, step = statistics.median(waits), max(waits), float(result.metrics["seconds"]) / steps[-1]
    table.add(row(f"pause and stop: {recipe}, batches of {batch}", "", median, 0.0, at_most=0.2))
    words = f"{median * 1000:.0f} ms, at worst {worst * 1000:.0f} ms; a step takes {step * 1000:.0f} ms"
    measured(f"{recipe}, batches of {batch}: {words}")
    assert median < max(0.2, 1.2 * step)
