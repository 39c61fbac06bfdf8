"""Training with several seeds from the window: folder, progress, curves, row, stop, going on, and the ensemble."""

from __future__ import annotations

import json
import statistics
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import Dropout
from dnnstudio.core.folder_lock import held
from dnnstudio.core.jobs.events import Progress
from dnnstudio.core.jobs.requests import EvaluateModel, SampleModel, TrainRun
from dnnstudio.core.workspace.ensembles import member_folder, read_ensemble, trained_members
from dnnstudio.core.workspace.history import write_history
from dnnstudio.core.workspace.runs import trained_on
from dnnstudio.gui.base.ticket import Failure
from dnnstudio.gui.dialogs.seeds_dialog import SeedsAnswer, SeedsDialog
from dnnstudio.gui.plots.stored import read_stored_run

from ..fake_runner import row
from ..window_kit import set_epochs, submitted
from .repeat_kit import Driver, first_seed, train_all


def test_a_repeat_writes_the_ensemble_that_the_command_writes(driver: Driver) -> None:
    runner = driver.begin(3, jobs=2)
    seed = first_seed(driver)
    record = read_ensemble(driver.folder)
    assert record.seeds == (seed, seed + 1, seed + 2)
    assert record.experiment == driver.window.document.experiment
    assert (runner.jobs, runner.threads) == (2, record.threads)
    assert [task.folder for task, _ in runner.work.values()] == [member_folder(driver.folder, s) for s in record.seeds]
    assert [task.experiment.seed for task, _ in runner.work.values()] == list(record.seeds)


def test_the_mean_and_its_band_are_drawn_as_the_members_train(qtbot: Any, driver: Driver) -> None:
    runner, seed = driver.begin(2), first_seed(driver)
    for number, accuracies in ((seed, (0.5, 0.7)), (seed + 1, (0.6, 0.8))):
        runner.begin(number)
        for epoch, accuracy in enumerate(accuracies, start=1):
            runner.epoch(number, epoch, accuracy)
    runner.epoch(seed, 3, 0.9)
    card = driver.window.workbench.plots.accuracy
    qtbot.waitUntil(
        lambda: card.plot.points("val_accuracy") is not None and len(card.plot.points("val_accuracy")[0]) == 3
    )
    curves = driver.window.workbench.plots.curves
    assert curves is not None and curves.members == 2
    x, y = curves.column("val_accuracy")
    assert x.tolist() == [1, 2, 3]
    np.testing.assert_allclose(y, [0.55, 0.75, 0.9])
    epochs, deviations = curves.deviation("val_accuracy")
    assert epochs.tolist() == [1, 2]  # one member alone has no spread
    np.testing.assert_allclose(deviations, [statistics.stdev((0.5, 0.6)), statistics.stdev((0.7, 0.8))])
    band = card.plot.points("band_val_accuracy")
    assert band is not None
    line = card.plot.points("val_accuracy")
    assert line is not None
    np.testing.assert_allclose(band[0], [1, 2, 2, 1])
    np.testing.assert_allclose(band[1], np.concatenate((line[1][:2] + deviations, (line[1][:2] - deviations)[::-1])))


def test_the_row_counts_the_seeds_and_shows_their_mean(qtbot: Any, driver: Driver) -> None:
    runner, seed = driver.begin(3), first_seed(driver)
    assert driver.record.status == "training"
    for number, accuracy in ((seed, 0.9), (seed + 1, 0.92)):
        runner.begin(number)
        runner.end(number, accuracy=accuracy)
    qtbot.waitUntil(lambda: driver.record.repeat.trained == 2)
    spread = driver.record.repeat.test_accuracy
    assert spread.mean == pytest.approx(statistics.mean((0.9, 0.92)))
    assert spread.std == pytest.approx(statistics.stdev((0.9, 0.92)))
    model = driver.window.runs.runs
    texts = [model.index(0, column).data() for column in range(6)]
    assert texts[2] == "2 / 3 seeds" and texts[5] == "91.0\N{NO-BREAK SPACE}%"


def test_the_status_line_tells_how_far_all_of_them_are(qtbot: Any, driver: Driver) -> None:
    runner, seed = driver.begin(2), first_seed(driver)
    runner.begin(seed, epochs=2)
    runner.batches(seed, 10)  # one epoch of two, of one seed of two
    training = driver.repeats.training
    assert training is not None and training.share == pytest.approx(0.25)
    qtbot.waitUntil(lambda: driver.window.status.bar.value() == 250)
    assert driver.window.status.progress.text() == "0 of 2 seeds trained"
    runner.end(seed)
    qtbot.waitUntil(lambda: driver.window.status.progress.text() == "1 of 2 seeds trained")
    assert training.share == pytest.approx(0.5)


def test_meanwhile_nothing_else_trains_and_stop_stops_it(qtbot: Any, driver: Driver) -> None:
    runner, actions = driver.begin(2), driver.window.actions_
    assert not actions["train"].isEnabled()
    assert not actions["several_seeds"].isEnabled()
    assert not actions["pause"].isEnabled()
    runner.begin(first_seed(driver))
    runner.end(first_seed(driver))
    actions["stop"].trigger()
    assert runner.stopped
    qtbot.waitUntil(lambda: driver.window.workbench.controller.activity == "idle")
    assert not submitted(driver.window, TrainRun)
    assert "1 of 2 seeds trained" in driver.window.messages.text()
    assert driver.record.repeat.trained == 1
    assert actions["go_on"].isEnabled() and actions["train"].isEnabled()


def test_a_stopped_repeat_goes_on_with_what_it_lacks(qtbot: Any, driver: Driver) -> None:
    runner, seed = driver.begin(2), first_seed(driver)
    runner.begin(seed)
    runner.end(seed)
    driver.window.actions_["stop"].trigger()
    qtbot.waitUntil(lambda: driver.window.workbench.controller.activity == "idle")
    folder = driver.folder
    driver.window.actions_["go_on"].trigger()
    assert len(driver.runners) == 2
    assert list(driver.runner.work) == [seed + 1]
    driver.runner.begin(seed + 1)
    driver.runner.end(seed + 1)
    qtbot.waitUntil(lambda: driver.window.workbench.controller.activity == "idle")
    assert driver.folder == folder
    assert driver.record.repeat.complete and driver.record.status == "finished"
    assert not driver.window.actions_["go_on"].isEnabled()


def test_the_ensembles_figures_are_written_with_those_of_its_mean_answer(qtbot: Any, driver: Driver) -> None:
    train_all(qtbot, driver, (0.9, 0.92))
    assert [job.model for job in submitted(driver.window, EvaluateModel)] == [driver.folder]
    path = driver.folder / "metrics.json"
    qtbot.waitUntil(lambda: json.loads(path.read_text())["ensemble"] != {})
    metrics = json.loads(path.read_text())
    assert metrics["test"]["accuracy"] == {
        "mean": pytest.approx(0.91),
        "std": pytest.approx(statistics.stdev((0.9, 0.92))),
        "n": 2,
    }
    assert metrics["ensemble"]["test"] == {"loss": 0.1, "accuracy": 0.961}  # what the fake engine says
    result = driver.window.workbench.result
    assert result.text("test", "accuracy") == "91.0 ± 1.4\N{NO-BREAK SPACE}%"
    assert "96.1\N{NO-BREAK SPACE}%" in result.best.text()
    assert trained_members(driver.folder, read_ensemble(driver.folder)).keys() == {
        first_seed(driver),
        first_seed(driver) + 1,
    }


def test_another_program_cannot_work_on_a_repeat_that_is_trained(qtbot: Any, driver: Driver) -> None:
    def taken() -> bool:
        with ThreadPoolExecutor(1) as pool:  # another thread stands for another program
            return pool.submit(is_taken, driver.folder).result()

    driver.begin(2)
    assert taken()
    driver.window.actions_["stop"].trigger()
    qtbot.waitUntil(lambda: driver.window.workbench.controller.activity == "idle")
    assert not taken()


def test_a_repeat_that_another_program_trains_is_refused_by_a_sentence(qtbot: Any, driver: Driver) -> None:
    driver.begin(2)
    driver.window.actions_["stop"].trigger()
    qtbot.waitUntil(lambda: driver.window.workbench.controller.activity == "idle")
    taken, free = threading.Event(), threading.Event()

    def hold() -> None:
        with held(driver.folder, "a repeat"):
            taken.set()
            free.wait(60)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(hold)
        assert taken.wait(60)
        driver.window.actions_["go_on"].trigger()
        assert len(driver.runners) == 1 and driver.window.workbench.controller.activity == "idle"
        assert "is in use by a repeat" in driver.window.messages.text()
        free.set()
    driver.window.actions_["go_on"].trigger()
    assert len(driver.runners) == 2


def is_taken(folder: Path) -> bool:
    try:
        with held(folder, "a test"):
            return False
    except UserError:
        return True


def test_a_repeat_answers_new_cases_and_is_exported(qtbot: Any, driver: Driver) -> None:
    actions, runs = driver.window.actions_, driver.window.runs
    driver.begin(2)
    assert not actions["predict"].isEnabled()
    driver.window.actions_["stop"].trigger()
    qtbot.waitUntil(lambda: driver.window.workbench.controller.activity == "idle")
    train_all(qtbot, driver, (0.9, 0.92))
    runs.select(driver.folder)
    assert actions["predict"].isEnabled() and actions["export"].isEnabled()
    actions["predict"].trigger()
    predict = driver.window.workbench.predict.windows.get("predict")
    assert predict is not None and predict.network.model == driver.folder
    predict.close()
    menu = runs.menu_for(driver.record)
    enabled = {action.objectName() for action in menu.actions() if action.isEnabled()}
    assert "predict_with_run" in enabled
    assert not enabled & {"open_run_model", "save_run_model"}, "these are of one network"


def test_a_repeat_is_compared_with_the_runs_on_its_data_alone(qtbot: Any, driver: Driver) -> None:
    train_all(qtbot, driver, (0.9, 0.92))
    assert driver.record.trained_on == trained_on(driver.window.document.experiment)


def test_only_the_first_figures_of_the_mean_answer_stand_in_the_card(driver: Driver) -> None:
    part = {"loss": 0.1, "accuracy": 0.96, "balanced_accuracy": 0.95}
    result = driver.window.workbench.result
    result.show_metrics({"seeds": [1, 2], "test": part, "ensemble": {"test": part}})
    assert result.best.text() == "Mean answer of all, test: Loss 0.100, Accuracy 96.0\N{NO-BREAK SPACE}%"
    assert "95.0\N{NO-BREAK SPACE}%" in result.best.toolTip()


def test_a_seed_that_fails_is_named_with_its_reason(qtbot: Any, driver: Driver) -> None:
    runner, seed = driver.begin(2), first_seed(driver)
    runner.end(seed)
    runner.end(seed + 1, "failed", message="Memory ran out.")
    qtbot.waitUntil(lambda: driver.window.workbench.controller.activity == "idle")
    assert f"Seed {seed + 1}: Memory ran out." in driver.window.messages.text()


def test_closing_the_window_ends_the_repeat(driver: Driver) -> None:
    runner = driver.begin(2)
    driver.window.close_without_asking()
    assert runner.stopped and runner.shut


def test_the_inspector_opens_on_the_ensemble(qtbot: Any, driver: Driver) -> None:
    experiment = driver.window.document.experiment
    first, *others = experiment.layers
    layers = (first, Dropout(id="drop", rate=0.2), *others)
    driver.window.document.push(experiment.replaced(layers=layers), "Add dropout")
    train_all(qtbot, driver, (0.9, 0.92, 0.91))
    driver.window.actions_["uncertainty"].trigger()
    dialog = next(iter(driver.window.workbench.uncertainty.windows))
    job = submitted(driver.window, SampleModel)[-1]
    assert (job.model, job.stochastic) == (driver.folder, False)
    assert dialog.bar.who.choices()[0].label == "These 3 runs"
    assert not dialog.bar.passes.isVisible()
    driver.window.engine.tickets[-1].fail(Failure("cancelled"))
    qtbot.waitUntil(lambda: not dialog.sampling.busy)
    dialog.bar.who.choose("run")
    job = submitted(driver.window, SampleModel)[-1]
    assert (job.model, job.stochastic) == (member_folder(driver.folder, first_seed(driver)), None)
    dialog.close()


def test_a_chosen_repeat_is_drawn_from_its_folder(qtbot: Any, driver: Driver) -> None:
    train_all(qtbot, driver, (0.9, 0.92))
    folder = driver.folder
    driver.window.workbench.plots.clear()
    driver.window.runs.table.clearSelection()
    driver.window.runs.select(folder)
    curves = driver.window.workbench.plots.curves
    assert curves is not None and curves.members == 2 and curves.name == folder.name
    np.testing.assert_allclose(curves.column("val_accuracy")[1], [0.91] * 3)


def test_its_experiment_opens(qtbot: Any, driver: Driver) -> None:
    train_all(qtbot, driver, (0.9, 0.92))
    experiment = driver.window.document.experiment
    set_epochs(driver.window, 77)
    driver.window.workbench.files.open_path(driver.folder)
    assert driver.window.document.experiment == experiment


def test_the_dialog_says_what_follows_from_its_numbers(qtbot: Any, driver: Driver) -> None:
    dialog = SeedsDialog(driver.window.theme, "Digits", 40)
    qtbot.addWidget(dialog)
    assert dialog.seeds.value() == 5
    dialog.seeds.set_value(3)
    dialog.jobs.set_value(8)
    dialog.seeds.committed.emit(3)
    assert dialog.answer == SeedsAnswer(3, 3)  # more at a time than there are would wait
    assert dialog.sentence.text().startswith("Seeds 40 to 42; 3 at a time")


def test_an_ensemble_without_dropout_can_be_inspected(qtbot: Any, driver: Driver) -> None:
    train_all(qtbot, driver, (0.9, 0.92))
    assert driver.window.actions_["uncertainty"].isEnabled()
    driver.window.actions_["uncertainty"].trigger()
    dialog = next(iter(driver.window.workbench.uncertainty.windows))
    assert [choice.value for choice in dialog.bar.who.choices()] == ["members", "run"]
    assert submitted(driver.window, SampleModel)[-1].stochastic is False
    dialog.close()


def test_behind_the_end_of_a_seed_the_plots_say_of_how_many_the_mean_is(qtbot: Any, driver: Driver) -> None:
    runner, seed = driver.begin(2), first_seed(driver)
    plots = driver.window.workbench.plots
    for number, accuracies in ((seed, (0.5, 0.7, 0.9)), (seed + 1, (0.6,))):
        runner.begin(number)
        for epoch, accuracy in enumerate(accuracies, start=1):
            runner.epoch(number, epoch, accuracy)
    qtbot.waitUntil(lambda: plots.curves is not None and len(plots.curves.rows) == 3)
    curves = plots.curves
    assert curves is not None
    assert [curves.members_at(epoch) for epoch in (1, 2, 3)] == [2, 1, 1]
    assert curves.best == 1  # the others are means of the better seed alone
    qtbot.waitUntil(lambda: plots.accuracy.legend.title == "epoch 3, n = 1")
    plots.accuracy._on_pointed(1.0)
    assert plots.accuracy.legend.title == "epoch 1"
    plots.accuracy._on_pointed(2.0)
    assert plots.accuracy.legend.title == "epoch 2, n = 1"


def test_a_repeat_read_from_its_folder_says_of_how_many_the_mean_is(qtbot: Any, driver: Driver) -> None:
    train_all(qtbot, driver, (0.9, 0.92))
    seed = first_seed(driver)
    history = member_folder(driver.folder, seed) / "history.csv"
    write_history(history, [row(1, 0.8)])  # it stopped early
    curves, _ = read_stored_run(driver.folder)
    assert (curves.members, curves.members_at(1), curves.members_at(3)) == (2, 2, 1)
    assert curves.best == 1


def test_nobody_is_asked_to_press_train_while_it_trains(qtbot: Any, driver: Driver) -> None:
    assert "Press Train" in driver.window.workbench.plots.loss.plot.message.text()
    driver.begin(2)
    for card in (driver.window.workbench.plots.loss, driver.window.workbench.plots.accuracy):
        assert "Press Train" not in card.plot.message.text() and card.plot.message.text()


def test_the_figures_of_the_mean_answer_are_named(qtbot: Any, driver: Driver) -> None:
    train_all(qtbot, driver, (0.9, 0.92))
    best = driver.window.workbench.result.best
    qtbot.waitUntil(lambda: bool(best.text()))
    assert best.text() == "Mean answer of all, test: Loss 0.100, Accuracy 96.1\N{NO-BREAK SPACE}%"


def test_a_seed_that_failed_is_not_told_as_trained(qtbot: Any, driver: Driver) -> None:
    runner, seed = driver.begin(3), first_seed(driver)
    said: list[str] = []
    driver.repeats.progressed.connect(lambda share, words, rest: said.append(words))
    runner.begin(seed)
    runner.end(seed)
    runner.end(seed + 1, "failed", message="Its process ended.")
    qtbot.waitUntil(lambda: bool(said) and "failed" in said[-1])
    assert said[-1] == "1 of 3 seeds trained, 1 failed"


def test_what_is_read_meanwhile_is_in_the_status_line_no_longer_than_it_lasts(
    qtbot: Any, driver: Driver, tmp_path: Path
) -> None:
    """Processes that tell no share, as those of a comparison, which has a line of its own."""
    controller, status = driver.window.workbench.controller, driver.window.status
    controller.begin_repeat(tmp_path, lambda: None)
    controller.progressed.emit(Progress(run="other", done=0, total=4, text="Reading 0001 First digits."))
    qtbot.waitUntil(lambda: not status.progress.isHidden() and not status.cancel.isHidden())
    controller.progressed.emit(None)
    assert status.progress.isHidden() and status.bar.isHidden() and status.cancel.isHidden()
    controller.end_repeat()
