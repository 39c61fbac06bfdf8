"""What the window says of rates, phases, weights and waiting is what happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.rate_changes import RateChange
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import EarlyStopping, Training
from dnnstudio.core.experiment.schedules import OneCycle
from dnnstudio.core.experiment.transfer import Autoencoder, Phase, Transfer
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, RateChanged, RunEnded, RunStarted, SavingPaused
from dnnstudio.core.jobs.results import RunResult
from dnnstudio.core.workspace.catalog import run_entry
from dnnstudio.core.workspace.history import write_history
from dnnstudio.core.workspace.model_store import clone
from dnnstudio.gui.base.runs_model import OUTDATED
from dnnstudio.gui.library.sentences import facts_of
from dnnstudio.gui.panels.schedule_sentences import plan_of
from dnnstudio.gui.runs.panel import count_parameters
from dnnstudio.gui.shell.main_window import MainWindow

from ..window_kit import begin_slow_training, open_window

DIGITS = load_recipe("digits").experiment


def make_run(workspace: Path, number: int, **metrics: Any) -> Path:
    """A run folder with figures and three epochs of history."""
    folder = workspace / "runs" / f"{number:04} digits"
    folder.mkdir(parents=True)
    changes = (RateChange(at=7, factor=0.5),) if metrics.pop("by_hand", False) else ()
    codec.save(DIGITS.replaced(rate_changes=changes), folder / "experiment.json")
    rows = [
        {"epoch": n, "loss": 0.1, "val_loss": 0.2, "val_accuracy": 0.9, "learning_rate": rate, "seconds": 1.0}
        for n, rate in enumerate((0.3, 0.2, 0.1), start=1)
    ]
    write_history(folder / "history.csv", rows)
    part = {"loss": 0.2, "accuracy": 0.9 + number / 100}
    figures = {"validation": part, "test": part, "train": part}
    given = {"reason": "finished", "run": f"id {number}", "epochs": 3, "best_epoch": 2} | figures | metrics
    (folder / "metrics.json").write_text(json.dumps(given))
    return folder


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    workspace = tmp_path / "workspace"
    make_run(workspace, 1)
    make_run(workspace, 2, changed_by=[{"by": "0003 B", "layers": ["hidden"]}])
    make_run(workspace, 3, by_hand=True)
    with open_window(qtbot, qapp, tmp_path) as opened:
        qtbot.waitUntil(lambda: opened.runs.runs.rowCount() == 3)
        yield opened


def cells(window: MainWindow, number: int) -> dict[str, str]:
    """What the table says of a run, by column."""
    model = window.runs.runs
    row = next(row for row in range(model.rowCount()) if model.record(row).number == number)
    return {
        str(model.headerData(column, horizontal(), 0)): str(model.index(row, column).data())
        for column in range(model.columnCount())
    }


def horizontal() -> Any:
    from PySide6.QtCore import Qt

    return Qt.Orientation.Horizontal


# --------------------------------------------------------------------------------------------- figures and weights


def test_table_and_card_say_which_weights_and_what_is_older(window: MainWindow) -> None:
    """Run 2 has the second best accuracy, but of weights that it no longer has; run 3 is the best anyway."""
    assert OUTDATED not in "".join(cells(window, 1).values())
    assert cells(window, 2)["Test acc."].endswith(OUTDATED) and cells(window, 2)["Val. acc."].endswith(OUTDATED)
    card = window.workbench.side.result
    for number, words in ((1, "last epoch 3, best epoch 2"), (2, "older than the weights")):
        window.runs.select(window.runs.runs.record(3 - number).folder)
        assert card.note.text().startswith(words)
    assert "Measured with the last weights, of epoch 3, before 0003 B" in card.note.toolTip()


def test_library_and_banner_say_which_weights(window: MainWindow) -> None:
    """A clone of run 2 has its figures, and they are no younger there."""
    folders = {record.number: record.folder for record in window.runs.runs.records}
    facts = {number: dict(facts_of(run_entry(folder))) for number, folder in folders.items()}
    assert facts[1]["Figures of"] == "last weights, of epoch 3"
    assert "older" not in "".join(facts[1].values())
    copied = dict(facts_of(run_entry(clone(window.workbench.controller.workspace, folders[2], "Copy"))))
    for name in ("Test accuracy", "Val. accuracy"):
        assert "older than the weights" in facts[2][name]
        assert "older than the weights" in copied[name]
    experiment = DIGITS.replaced(training=Training(epochs=9, early_stopping=EarlyStopping(patience=1)))
    metrics = json.loads((folders[1] / "metrics.json").read_text())
    result = RunResult(
        run="x", folder=folders[1], reason="early_stopping", epochs=3, best_epoch=2, metrics=metrics
    )  # fmt: skip
    ended = RunEnded(run="x", reason="early_stopping", message="", result=result)
    window.messages.say_end(ended, lambda: None, experiment)
    assert "The best weights, of epoch 2, were put back." in window.messages.text()
    window.messages.say_end(replace(ended, reason="finished"), lambda: None, DIGITS)
    assert "Measured with the last weights, of epoch 3." in window.messages.text()


def test_an_early_stop_ends_the_axis_where_it_ended(window: MainWindow) -> None:
    plots, folder = window.workbench.plots, window.runs.runs.record(0).folder
    plots.begin(RunStarted(run="x", experiment=DIGITS, folder=folder, steps_per_epoch=2, epochs=20))
    for n in (1, 2, 3):
        plots.add_epoch(EpochDone(run="x", row={"epoch": n, "loss": 1.0, "learning_rate": 0.1}, is_best=False))
    assert plots.rate.plot.x_end == 20
    plots.end(RunEnded(run="x", reason="early_stopping", message=""))
    assert [card.plot.x_end for card in plots.cards] == [3, 3, 3]
    plots.clear()


def test_a_rate_changed_by_hand_is_marked_in_the_table(window: MainWindow) -> None:
    assert [cells(window, number)["Run"].startswith(f"{number}*") for number in (1, 2, 3)] == [False, False, True]


def test_a_training_that_cannot_be_saved_now_says_so_and_when_it_is_saved_again(window: MainWindow) -> None:
    tell, bar = window.workbench.controller._on_run_event, window.messages
    tell(SavingPaused(run="x", reason="/runs/1/history.csv cannot be written: the disk is full.", full=True))
    assert "the disk is full. The training goes on, and saving is tried again; make room." in bar.text()
    tell(SavingPaused(run="x"))
    assert "Nothing is missing" in bar.text()


# ----------------------------------------------------------------------------------------------------- the rates


def test_recorded_rates_are_drawn_as_recorded_when_a_run_goes_on(window: MainWindow) -> None:
    """Three epochs fell from 0.3 to 0.1, and the schedule is constant within each; the fourth trains at 0.02."""
    folder = window.runs.runs.record(0).folder
    plots = window.workbench.plots
    started = RunStarted(run="x", experiment=DIGITS, folder=folder, steps_per_epoch=10, epochs=4, first_epoch=3)
    window.workbench.display._on_started(started)
    batches = BatchesDone(
        run="x", epoch=4, steps=np.arange(30, 35), losses=np.ones(5, np.float32), accuracies=np.ones(5, np.float32),
        learning_rates=np.full(5, 0.02), seconds_left=1.0,
    )  # fmt: skip
    plots.add_batches(batches)
    plots.redraw()
    assert plots.curves is not None
    x, y = plots.curves.rate_curve()
    np.testing.assert_allclose(x, np.arange(1, 36) / 10)
    np.testing.assert_allclose(y, np.repeat([0.3, 0.2, 0.1, 0.02], (10, 10, 10, 5)))
    changed = DIGITS.replaced(rate_changes=(RateChange(at=35, rate=0.5),))
    plots.change_rate(RateChanged(run="x", experiment=changed, step=35, rate=0.5))
    plots.redraw()
    planned = plots.rate.plot.points("planned")
    assert planned is not None
    np.testing.assert_allclose(planned[1][planned[0] > 3.6], 0.5)
    plots.clear()


def test_batches_stay_when_the_run_that_is_shown_goes_on(window: MainWindow) -> None:
    plots, folder = window.workbench.plots, window.runs.runs.record(0).folder
    first = RunStarted(run="x", experiment=DIGITS, folder=folder, steps_per_epoch=2, epochs=3)
    rates = np.array([0.3, 0.25, 0.2, 0.15, 0.1, 0.05])
    plots.begin(first)
    losses = np.ones(6, np.float32)
    plots.add_batches(
        BatchesDone(
            run="x", epoch=1, steps=np.arange(6), losses=losses, accuracies=losses, learning_rates=rates, seconds_left=0
        )
    )
    more = RunStarted(run="y", experiment=DIGITS, folder=folder, steps_per_epoch=2, epochs=4, first_epoch=3)
    window.workbench.display._on_started(more)
    assert plots.curves is not None
    np.testing.assert_array_equal(plots.curves.rate_curve()[1], rates)
    assert len(plots.curves.batch["loss"]) == 6
    plots.clear()


def test_the_schedule_tab_draws_what_every_phase_will_run(window: MainWindow) -> None:
    """By hand: 1cycle over 2 epochs, and over 3, each from its own start."""
    schedule = OneCycle(max_rate=0.4)
    phases = (Phase(epochs=2, frozen=()), Phase(epochs=3, learning_rate=0.02))
    window.document.push(DIGITS.replaced(schedule=schedule, transfer=Transfer(source="x", phases=phases)), "Edit")
    preview = window.workbench.schedule.plot.preview
    assert preview is not None and preview.ticks == (0.0, 2.0, 5.0)
    steps = plan_of(window.document).steps_per_epoch
    for start, length in ((0, 2), (2, 3)):
        inside = (preview.epochs >= start) & (preview.epochs < start + length)
        at = np.round((preview.epochs[inside] - start) * steps)
        plan = plan_of(window.document)
        expected = schedule.rates(at, type(plan)(0.02, steps, length))
        np.testing.assert_allclose(preview.rates[inside], expected, rtol=1e-9)
    epochs = window.workbench.training.form.row("epochs")
    assert not any(widget.isEnabled() for widget in epochs.stops())
    assert "5, set by the phases" in epochs.note.text()
    window.document.push(window.document.experiment.replaced(transfer=None), "From scratch")
    assert all(widget.isEnabled() for widget in epochs.stops())


# ---------------------------------------------------------------------------------- mid-training, pretraining


def test_in_mid_training_the_window_says_what_waits_for_what(qtbot: Any, window: MainWindow) -> None:
    window.engine.start()
    begin_slow_training(qtbot, window)
    assert "for the next run" in window.optimizer.sentence.text()
    record = next(record for record in window.runs.runs.records if record.number == 1)
    window.runs.select(record.folder)
    assert "Run 1 is shown when the training has ended" in window.messages.text()
    window.workbench.controller.stop()
    qtbot.waitUntil(lambda: window.workbench.controller.activity == "idle")
    assert "for the next run" not in window.optimizer.sentence.text()
    assert window.workbench.plots.run == "id 1"


def test_an_autoencoder_is_said_to_reconstruct_with_its_loss_and_mirrored_layers(
    qtbot: Any, window: MainWindow
) -> None:
    """The digits' encoder of 64 → units and back: weights and biases counted by hand."""
    dense = next(layer for layer in DIGITS.layers if layer.kind == "dense")
    window.document.push(DIGITS.replaced(pretraining=Autoencoder(until=dense.id)), "Pretrain")
    units = dense.units
    counted = 64 * units + units + units * 64 + 64
    assert window.stack.trainable.text() == f"{counted:,}"
    assert window.stack.summary_table().count == counted
    assert "mirrored layer" in window.stack.start.words.text()
    assert window.workbench.plots.loss.note.text().startswith("reconstruction: ")


def test_the_preview_marks_only_the_plan_that_trains(qtbot: Any, window: MainWindow) -> None:
    """The dot says how far the training of this plan has come: it goes while another experiment is open."""
    window.engine.start()
    marks: list[float | None] = []
    window.workbench.display.progress_of_plan.connect(marks.append)
    begin_slow_training(qtbot, window)
    trained = window.document.experiment
    assert marks[-1] is not None
    window.document.push(trained.replaced(layers=trained.layers[1:]), "Delete layer")
    assert marks[-1] is not None  # with another layer it trains as long, and at the same rates
    window.document.push(trained.replaced(schedule=OneCycle()), "Schedule")
    assert marks[-1] is None
    window.document.undo_stack.undo()
    assert marks[-1] is not None


def test_parameters_are_counted_for_the_rows_that_the_run_trains_on(window: MainWindow, tmp_path: Path) -> None:
    trained = load_recipe("digits").experiment
    other = load_recipe("dropout").experiment
    assert trained.data.source != other.data.source
    window.document.new(other)  # 28 × 28 pixels are open, 8 × 8 begin to train
    folder = tmp_path / "workspace" / "runs" / "0009 digits"
    folder.mkdir()
    event = RunStarted(run="x", experiment=trained, folder=folder, steps_per_epoch=2, epochs=3)
    window.workbench.controller.run_started.emit(event)
    record = next(one for one in window.runs.runs.records if one.folder == folder)
    assert record.parameters == count_parameters(event, (8, 8))
