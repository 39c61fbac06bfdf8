"""A training that leaves all bounds ends with an explanation: which step, how steep, what to try."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Dropout
from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.record import Training
from dnnstudio.core.jobs.events import BatchesDone, RunEnded
from dnnstudio.engine.training.checkpoint import values_of
from dnnstudio.engine.training.trainer import fresh_model

Make = Callable[..., Any]


@pytest.mark.parametrize(
    "stack",
    [
        (Dense(id="hidden", units=8, activation="relu"),),
        (Dense(id="one", units=30, activation="elu"), Dense(id="two", units=30, activation="elu")),
        (BatchNormalization(id="bn"), Dense(id="hidden", units=8, activation="relu"), Dropout(id="drop", rate=0.2)),
    ],
    ids=["relu", "elu", "normalized"],
)
def test_a_rate_of_a_hundred_thousand_ends_in_the_explanation(
    stack: Any, recorder: Any, experiment: Make, rows: Make
) -> None:
    given = experiment(*stack, optimizer=SGD(learning_rate=1e5), training=Training(epochs=20, batch_size=8))
    result = recorder.train(given, rows())
    ended = recorder.events[-1]
    assert isinstance(ended, RunEnded)
    assert (result.reason, ended.reason) == ("diverged", "diverged")
    assert ended.cause is not None
    assert ended.cause.learning_rate == 1e5
    assert ended.cause.gradient_norm is not None
    assert ended.cause.gradient_norm > 0
    assert f"step {ended.cause.step} of epoch {ended.cause.epoch}" in ended.message
    assert "Lower the learning rate" in ended.message


def test_the_step_and_the_gradient_are_those_of_the_training(recorder: Any, experiment: Make, rows: Make) -> None:
    """A single linear unit on one batch: the weights and the loss of each step can be worked out by hand."""
    data = rows("number", train=16)
    given = experiment(
        Dense(id="same", units=1), outputs=1, activation=None,
        optimizer=SGD(learning_rate=50.0), training=Training(epochs=200, batch_size=16, shuffle=False),
    )  # fmt: skip
    model = fresh_model(given, data.summary)
    k1, b1, k2, b2 = (value.astype(np.float64) for value in model.get_weights())
    x, y = data.train.x.astype(np.float64), data.train.y.astype(np.float64)[:, None]
    first, norms, step = None, [], 0
    while True:
        step += 1
        h = x @ k1 + b1
        error = h @ k2 + b2 - y
        loss = float((error**2).mean())
        first = loss if first is None else first
        d = 2 * error / len(x)
        back = d @ k2.T
        parts = (x.T @ back, back.sum(axis=0), h.T @ d, d.sum(axis=0))
        norms.append(np.sqrt(sum((part**2).sum() for part in parts)))
        if not loss <= 1e6 * max(1.0, first):
            break
        k1, b1, k2, b2 = (v - 50.0 * g for v, g in zip((k1, b1, k2, b2), parts, strict=True))
    recorder.train(given, data)
    cause = recorder.events[-1].cause
    assert (cause.epoch, cause.step) == (step, 1)
    assert cause.loss == pytest.approx(loss, rel=1e-2)
    assert cause.gradient_norm == pytest.approx(norms[-1], rel=1e-2)


def test_the_last_good_weights_are_kept(recorder: Any, experiment: Make, rows: Make) -> None:
    given = experiment(optimizer=SGD(learning_rate=1e5), training=Training(epochs=20, batch_size=8))
    model = fresh_model(given, rows().summary)
    start = [value.copy() for value in model.get_weights()]
    result = recorder.train(given, rows(), model=model)
    assert all(np.isfinite(value).all() for value in values_of(model.variables))
    if result.epochs == 0:
        assert all(np.array_equal(one, other) for one, other in zip(start, model.get_weights(), strict=True))


def test_a_weight_that_is_no_number_is_found_where_the_loss_does_not_show_it(
    recorder: Any, experiment: Make, rows: Make
) -> None:
    """ReLU hides a NaN below it: the loss stays finite while the kernel is lost."""
    data = rows()
    data.train.x[17, 0] = np.nan
    given = experiment(
        Dense(id="hidden", units=8, activation="relu"), training=Training(epochs=2, batch_size=8, shuffle=False)
    )
    recorder.train(given, data)
    ended = recorder.events[-1]
    assert ended.reason == "diverged"
    assert (ended.cause.epoch, ended.cause.step) == (1, 3)


def test_a_stop_during_the_search_is_quick_and_says_what_is_known(
    recorder: Any, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dnnstudio.core.errors import Cancelled
    from dnnstudio.engine.training.monitoring import step_monitor as watch

    def cancelled(*given: Any, **more: Any) -> Any:
        raise Cancelled

    monkeypatch.setattr(watch, "find_divergence", cancelled)
    recorder.train(experiment(optimizer=SGD(learning_rate=1e5), training=Training(epochs=9, batch_size=8)), rows())
    ended = recorder.events[-1]
    assert ended.cause.gradient_norm is None
    assert ended.cause.learning_rate == 1e5
    assert "became infinite" in ended.message or "grew to" in ended.message


def test_a_high_but_bearable_loss_trains_on(recorder: Any, experiment: Make, rows: Make) -> None:
    given = experiment(optimizer=SGD(learning_rate=3.0), training=Training(epochs=3, batch_size=16))
    assert recorder.train(given, rows()).reason == "finished"
    assert len(np.concatenate([event.steps for event in recorder.of(BatchesDone)])) == 15
