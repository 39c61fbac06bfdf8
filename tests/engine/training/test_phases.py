"""Phases: what is frozen stays bit for bit, each begins with a new optimizer, and resuming finds its way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Dropout
from dnnstudio.core.experiment.optimizers import SGD, Adam
from dnnstudio.core.experiment.record import EarlyStopping, Experiment, Training
from dnnstudio.core.experiment.schedules import Power
from dnnstudio.core.experiment.transfer import Autoencoder, Phase, Transfer
from dnnstudio.core.experiment.weights import L1L2
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, Event, RunStarted
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.engine.backend.objective import objective
from dnnstudio.engine.training.checkpoint import load_checkpoint
from dnnstudio.engine.training.trainer import fresh_model

from ..as_a_notebook import compile_model

Make = Callable[..., Any]
STACK = (
    Dense(id="hidden_1", units=8, activation="elu", kernel_regularizer=L1L2(l2=0.1)),
    BatchNormalization(id="bn"),
    Dropout(id="drop", rate=0.2),
)
PHASES = (
    Phase(epochs=2, frozen=("hidden_*", "bn")),
    Phase(epochs=2, learning_rate=0.01, optimizer=Adam()),
)


def phased(experiment: Make, phases: tuple[Phase, ...] = PHASES, **changes: Any) -> Experiment:
    given = experiment(*STACK, training=Training(epochs=99, batch_size=16), **changes)
    return given.replaced(transfer=Transfer(source="x", phases=phases))


def trained(recorder: Any, given: Experiment, data: Any, **more: Any) -> keras.Sequential:
    model = fresh_model(given, data.summary)
    recorder.train(given, data, model=model, **more)
    return model


def history(recorder: Any) -> list[dict[str, float]]:
    return [row | {"seconds": 0.0} for row in read_rows(recorder.folder / "history.csv")]


def test_frozen_layers_are_bit_identical_and_move_once_they_are_free(
    recorder: Any, experiment: Make, rows: Make
) -> None:
    given, data = phased(experiment), rows()
    model = fresh_model(given, data.summary)
    seen: list[dict[str, list[np.ndarray]]] = [{layer.name: layer.get_weights() for layer in model.layers}]

    def look(event: Event) -> None:
        if isinstance(event, EpochDone):
            seen.append({layer.name: layer.get_weights() for layer in model.layers})

    recorder.on_event = look
    recorder.train(given, data, model=model)

    def same(name: str, one: int, other: int) -> bool:
        return all(np.array_equal(a, b) for a, b in zip(seen[one][name], seen[other][name], strict=True))

    assert same("hidden_1", 0, 2) and same("bn", 0, 2) and not same("output", 0, 2)
    assert not same("hidden_1", 2, 4) and not same("bn", 2, 4) and not same("output", 2, 4)
    assert [layer.trainable for layer in model.layers] == [True] * 4


def test_phases_are_two_fits_with_a_compile_each(recorder: Any, experiment: Make, rows: Make) -> None:
    """Against Keras itself: freeze, compile, fit; unfreeze, compile, fit; over the same order of rows."""
    data = rows()
    stack = tuple(layer for layer in STACK if layer.id != "drop")
    given = experiment(
        *stack, training=Training(epochs=99, batch_size=35), optimizer=SGD(learning_rate=0.1, momentum=0.9)
    )
    given = given.replaced(
        transfer=Transfer(source="x", phases=(Phase(epochs=2, frozen=("hidden_1", "bn")), Phase(epochs=2)))
    )
    ours = trained(recorder, given, data)
    theirs = fresh_model(given, data.summary)
    losses: list[float] = []
    for phase in range(2):
        for name in ("hidden_1", "bn"):
            theirs.get_layer(name).trainable = phase == 1
        compile_model(theirs, given, data.summary)
        for epoch in range(2 * phase, 2 * phase + 2):
            order = np.random.default_rng([given.seed, epoch]).permutation(len(data.train.x))
            x, y = data.train.x[order], data.train.y[order]
            losses += theirs.fit(x, y, batch_size=35, shuffle=False, verbose=0).history["loss"]
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-6)
    assert [row["loss"] for row in history(recorder)] == pytest.approx(losses, rel=1e-4)


def test_history_goes_on_over_the_phases(recorder: Any, experiment: Make, rows: Make) -> None:
    recorder.train(phased(experiment, schedule=Power(s=1)), rows())
    table = history(recorder)
    assert [(row["epoch"], row["phase"]) for row in table] == [(1, 1), (2, 1), (3, 2), (4, 2)]
    # 70 rows in batches of 16: five steps an epoch, so the last ones are 4/5 and 9/5 epochs after the phase's start.
    expected = [rate / (1 + steps / 5) for rate in (0.1, 0.01) for steps in (4, 9)]
    assert [row["learning_rate"] for row in table] == pytest.approx(expected)
    started = recorder.events[0]
    assert isinstance(started, RunStarted) and (started.epochs, started.steps_per_epoch) == (4, 5)
    np.testing.assert_array_equal(np.concatenate([e.steps for e in recorder.of(BatchesDone)]), np.arange(20))


def test_a_plain_training_has_no_phase_column(recorder: Any, experiment: Make, rows: Make) -> None:
    recorder.train(experiment(), rows())
    assert "phase" not in history(recorder)[0]


@pytest.mark.parametrize("stop_at", [5, 12])
def test_a_run_stopped_in_any_phase_goes_on_exactly(
    recorders: Make, experiment: Make, rows: Make, stop_at: int
) -> None:
    data, given = rows(), phased(experiment)
    whole, part = recorders("whole"), recorders("part")
    expected = trained(whole, given, data).get_weights()

    def look(event: Event) -> None:
        if isinstance(event, BatchesDone) and event.steps[-1] >= stop_at:
            part.control.stop()

    part.on_event = look
    trained(part, given, data)
    position = load_checkpoint(part.folder).position
    assert position.stage == (0 if stop_at == 5 else 1)
    part.control, part.on_event = type(part.control)(), lambda event: None
    got = trained(part, given, data, resume_from=part.folder).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(expected, got, strict=True))
    assert history(part) == history(whole)


def test_a_finished_run_takes_more_epochs_in_its_last_phase(recorders: Make, experiment: Make, rows: Make) -> None:
    data, given = rows(), phased(experiment)
    longer = phased(experiment, (PHASES[0], PHASES[1].replaced(epochs=3)))
    whole, part = recorders("whole"), recorders("part")
    expected = trained(whole, longer, data).get_weights()
    trained(part, given, data)
    got = trained(part, longer, data, resume_from=part.folder).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(expected, got, strict=True))


def test_other_frozen_layers_in_what_is_done_cannot_go_on(recorder: Any, experiment: Make, rows: Make) -> None:
    data = rows()
    recorder.train(phased(experiment), data)
    other = phased(experiment, (PHASES[0].replaced(frozen=("bn",)), PHASES[1]))
    with pytest.raises(UserError, match="frozen layers changed since"):
        recorder.train(other, data, resume_from=recorder.folder)


def test_a_phase_in_which_nothing_learns_is_refused_before_anything_is_written(
    recorder: Any, experiment: Make, rows: Make
) -> None:
    with pytest.raises(UserError, match="Every layer is frozen"):
        recorder.train(phased(experiment, (Phase(epochs=1, frozen=("*",)),)), rows())
    assert not recorder.folder.exists()


def test_early_stopping_ends_a_phase_and_the_next_begins(recorder: Any, experiment: Make, rows: Make) -> None:
    given = phased(
        experiment, (Phase(epochs=30, frozen=("hidden_1",)), Phase(epochs=1)), optimizer=SGD(learning_rate=3.0)
    )
    rule = EarlyStopping(patience=2)
    result = recorder.train(given.replaced(training=Training(batch_size=16, early_stopping=rule)), rows())
    table = history(recorder)
    first = [row for row in table if row["phase"] == 1]
    assert 3 <= len(first) < 30
    assert [row["phase"] for row in table[len(first) :]] == [2]
    assert result.reason == "finished"


def test_a_price_on_frozen_weights_does_not_count_as_in_keras(recorder: Any, experiment: Make, rows: Make) -> None:
    data = rows()
    given = phased(experiment, (Phase(epochs=1, frozen=("hidden_1", "bn")),))
    model = trained(recorder, given, data)
    free = objective(given, data.summary)
    y = free.labels(data.validation.y)
    model.get_layer("hidden_1").trainable = False
    bare = float(np.mean(free.row_losses(y, model(data.validation.x, training=False))))
    assert history(recorder)[0]["val_loss"] == pytest.approx(bare, rel=1e-5)
    kernel = model.get_layer("hidden_1").get_weights()[0]
    figures = recorder.train(given, data, folder=recorder.folder.parent / "again").metrics
    assert figures["validation"]["loss"] == pytest.approx(bare + 0.1 * float(np.sum(kernel**2)), rel=1e-4)


def test_layer_by_layer_the_deeper_block_waits_and_the_first_rests(recorder: Any, experiment: Make, rows: Make) -> None:
    from dnnstudio.core.planning.pretraining import pretraining_experiment

    data = rows("number")
    drawn = type(data)(
        *(type(part)(part.x, part.x) for part in (data.train, data.validation, data.test)), data.summary, "drawn"
    )
    given = experiment(
        Dense(id="one", units=5, activation="tanh"),
        Dense(id="two", units=3, activation="tanh"),
        training=Training(epochs=2, batch_size=16),
    ).replaced(pretraining=Autoencoder(until="two", greedy=True))
    derived = pretraining_experiment(given, (6,))
    model = fresh_model(derived, drawn.summary)
    seen = [{layer.name: layer.get_weights() for layer in model.layers}]

    def look(event: Event) -> None:
        if isinstance(event, EpochDone):
            seen.append({layer.name: layer.get_weights() for layer in model.layers})

    recorder.on_event = look
    recorder.train(derived, drawn, model=model)

    def moved(one: int, other: int) -> set[str]:
        return {
            name
            for name in seen[0]
            if not all(np.array_equal(a, b) for a, b in zip(seen[one][name], seen[other][name], strict=True))
        }

    assert moved(0, 2) == {"one", "decoder_1"}
    assert moved(2, 4) == {"two", "decoder_2"}
    assert [row["phase"] for row in history(recorder)] == [1, 1, 2, 2]
