"""The trials that are trained now, in the table of the sweep."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt

from dnnstudio.core.jobs.events import EpochDone, RunStarted
from dnnstudio.core.study.sweep import SweepPlan, plan_sweep
from dnnstudio.core.study.trials import Trial
from dnnstudio.core.study.varied import parse_varied
from dnnstudio.core.workspace.runs import RunRecord
from dnnstudio.gui.sweeps.window import SETTLED_MS, USUAL_TRIALS
from dnnstudio.gui.sweeps.words import estimate_words
from dnnstudio.gui.theme import cure_of, reason_of
from dnnstudio.gui.widgets.windows.why import that_helps

from ..fake_runner import row
from ..window_kit import click
from .test_sweeps import DIGITS, Bench, bench, idle

__all__ = ["bench"]  # a fixture


def rows_of(bench: Bench) -> list[list[str]]:
    table = bench.window.table
    return [[table.item(at, column).text() for column in range(3)] for at in range(table.rowCount())]


def test_a_trial_that_is_trained_has_a_row_with_its_settings_and_its_epoch(qtbot: Any, bench: Bench) -> None:
    bench.most = 1
    bench.vary("optimizer.learning_rate", "0.1, 0.01, 0.001")
    bench.window.jobs.set_value(2)
    bench.sweeps.start()
    ended = ["0", "done", "0.1"]
    qtbot.waitUntil(lambda: rows_of(bench) == [ended, ["1", "starting", "0.01"], ["2", "starting", "0.001"]])
    assert bench.window.table.ended == 1
    table = bench.window.table
    table.selectRow(2)
    assert table.chosen is None and bench.window.use.text() == "Use these settings"
    assert not table.item(2, 0).flags() & Qt.ItemFlag.ItemIsSelectable
    (runner,) = bench.runners
    task = runner.tasks[1]
    runner._on_event(
        task, RunStarted(run=task.id, experiment=task.experiment, folder=task.folder, steps_per_epoch=5, epochs=20)
    )
    qtbot.waitUntil(lambda: rows_of(bench)[1][1] == "epoch 0 / 20")
    runner._on_event(task, EpochDone(run=task.id, row=row(7, 0.8), is_best=True))
    qtbot.waitUntil(lambda: rows_of(bench)[1][1] == "epoch 7 / 20")
    assert rows_of(bench)[0] == ended and rows_of(bench)[2][1] == "starting"
    bench.window.reject()  # a window that is opened again shows them too
    bench.sweeps.open()
    assert rows_of(bench)[1] == ["1", "epoch 7 / 20", "0.01"]
    bench.sweeps.stop()
    qtbot.waitUntil(lambda: idle(bench))
    assert [one[1] for one in rows_of(bench)] == ["done", "stopped", "stopped"]


def test_the_estimate_counts_what_the_processes_take_to_start() -> None:
    trials = [Trial(number=n, status="done", values={}, seconds=seconds) for n, seconds in enumerate((4.0, 6.0))]
    told = partial(estimate_words, 12, 2, left=None, records=())
    words = "12 trials, 2 at a time"
    assert told(start=None, trials=()) == f"{words}. How long they take is known when the first has ended."
    unknown = f"{words}: about 30 s and some seconds to start, if each takes as long as those that ended."
    assert told(start=None, trials=trials) == unknown
    known = f"{words}: about 42 s with the start, if each takes as long as those that ended."
    assert told(start=12.0, trials=trials) == known


def test_the_start_that_a_sweep_measured_is_counted_for_the_next(qtbot: Any, bench: Bench) -> None:
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    bench.most = 0
    bench.sweeps.start()
    qtbot.waitUntil(lambda: bool(bench.runners) and bool(bench.runners[0].tasks))
    assert bench.sweeps.training is not None
    bench.sweeps.training.sweep._measured.append(12.0)
    bench.sweeps.stop()
    qtbot.waitUntil(lambda: idle(bench))
    bench.sweeps._trials = {0: Trial(number=0, status="done", values={"optimizer.learning_rate": 0.1}, seconds=5.0)}
    bench.sweeps._show_state()
    assert "about 17 s with the start" in bench.window.estimate.text()


def test_where_nothing_can_start_the_settings_offer_what_the_start_needs(bench: Bench) -> None:
    """Start, offered beside them, was a dead button while nothing was varied."""
    bench.sweeps.open()
    window = bench.window
    assert not window.start.isEnabled()
    offered, needed = cure_of(window.use), cure_of(window.start)
    assert offered is not None and offered is needed
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    assert window.start.isEnabled()
    offered = cure_of(window.use)
    assert offered is not None and offered.text == "Start"


def test_a_stopped_trial_that_goes_on_has_one_row(qtbot: Any, bench: Bench) -> None:
    bench.most = 1
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    bench.window.jobs.set_value(2)
    bench.sweeps.start()
    qtbot.waitUntil(lambda: len(rows_of(bench)) == 2)
    bench.sweeps.stop()
    qtbot.waitUntil(lambda: idle(bench))
    assert [one[:2] for one in rows_of(bench)] == [["0", "done"], ["1", "stopped"]]
    bench.most = 0
    bench.sweeps.start()
    seen = [["0", "done"], ["1", "starting"]]
    qtbot.waitUntil(lambda: in_sight(bench) == seen)
    bench.window.reject()
    bench.sweeps.open()
    assert in_sight(bench) == seen
    bench.sweeps.stop()
    qtbot.waitUntil(lambda: idle(bench))
    assert in_sight(bench) == [["0", "done"], ["1", "stopped"]]


def in_sight(bench: Bench) -> list[list[str]]:
    table = bench.window.table
    return [row[:2] for at, row in enumerate(rows_of(bench)) if not table.isRowHidden(at)]


def test_the_epochs_that_are_done_are_counted(qtbot: Any, bench: Bench) -> None:
    bench.most = 2
    bench.vary("optimizer.learning_rate", "0.1, 0.01, 0.001, 0.0001")
    bench.window.jobs.set_value(2)
    shares: list[float] = []
    bench.sweeps.progressed.connect(lambda share, *_: shares.append(share))
    bench.sweeps.start()
    qtbot.waitUntil(lambda: len(rows_of(bench)) == 4)
    training = bench.sweeps.training
    assert training is not None
    training.sweep._spent, training.sweep._starts = [100.0, 100.0], []
    runner = bench.runners[0]
    for task in runner.tasks[2:]:
        started = RunStarted(run=task.id, experiment=task.experiment, folder=task.folder, steps_per_epoch=5, epochs=20)
        runner._on_event(task, started)
        runner._on_event(task, EpochDone(run=task.id, row=row(15, 0.8), is_best=True))
    qtbot.waitUntil(lambda: "about 25 s left" in bench.window.estimate.text())
    qtbot.waitUntil(lambda: shares[-1] == (2 + 2 * 0.75) / 4)
    bench.sweeps.stop()
    qtbot.waitUntil(lambda: idle(bench))


def test_before_the_start_the_epochs_are_counted_and_not_the_trials_of_another_length(bench: Bench) -> None:
    epochs = bench.main.document.experiment.training.epochs
    run = RunRecord(Path("0007 x"), 7, "x", "finished", epochs // 2, epochs // 2, seconds=10.0)
    bench.sweeps._panel.runs.put(run)
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    bench.window.jobs.set_value(1)
    bench.sweeps._show_state()
    assert "about 40 s" in bench.window.estimate.text() and "if an epoch takes as long as in run 7" in (
        bench.window.estimate.text()
    )
    bench.window.varied.clear()
    bench.vary("training.epochs", f"{epochs // 2}, {epochs // 2 * 3}")
    bench.sweeps._show_state()
    assert "about 40 s" in bench.window.estimate.text()
    bench.window.varied.cards[0].values.setText(f"{epochs // 2}")
    bench.sweeps._show_state()
    assert "1 trial, 1 at a time: about 10 s" in bench.window.estimate.text()
    assert "if each takes as long as run 7" in bench.window.estimate.text()


def test_trials_that_were_stopped_are_none_that_ended() -> None:
    stopped = [Trial(number=0, status="stopped", values={}, seconds=4.0)]
    told = estimate_words(3, 1, left=None, start=None, trials=stopped, records=())
    assert told == "3 trials, 1 at a time. How long they take is known when the first has ended."


def rates() -> SweepPlan:
    varied = parse_varied(["optimizer.learning_rate=0.1,0.01"], DIGITS)
    return plan_sweep(DIGITS, varied, trials=None, sampler=None, prune=False, threads=1, target="val_accuracy")


def test_where_all_that_ended_failed_none_is_said_to_have_ended_not(bench: Bench) -> None:
    plan = rates()
    failed = {0: Trial(number=0, status="failed", values={"optimizer.learning_rate": 0.1})}
    bench.sweeps.open()
    bench.window.show_trials(plan, failed)
    assert bench.window.headline.text() == reason_of(bench.window.use) == "No trial has a figure yet."
    bench.window.show_trials(plan, {})
    assert bench.window.headline.text() == reason_of(bench.window.use) == "No trial has ended yet."


def test_the_best_is_seen_to_be_best_in_the_table(bench: Bench) -> None:
    """It is chosen by the best epoch; the table of runs tells the last one, by which another trial may be ahead."""
    plan = rates()
    trials = {
        number: Trial(
            number=number,
            status="done",
            values={"optimizer.learning_rate": rate},
            last=last,
            figures={"val_accuracy": best, "val_loss": 0.1},
        )
        for number, (rate, best, last) in enumerate(((0.1, 0.97, 0.9), (0.01, 0.96, 0.96)))
    }
    bench.sweeps.open()
    bench.window.show_trials(plan, trials)
    head = bench.window.headline.text().replace("\xa0", " ")
    assert head == "Trial 0 is best: accuracy 97.0 % at its best epoch, 90.0 % at its last, with learning rate 0.1."
    table = bench.window.table
    heads = [table.horizontalHeaderItem(at).text() for at in range(table.columnCount())]
    best, last = heads.index("Best epoch"), heads.index("Last epoch")
    cells = [[table.item(at, column).text().replace("\xa0", " ") for column in (0, best, last)] for at in range(2)]
    assert cells == [["0", "97.0 %", "90.0 %"], ["1", "96.0 %", "96.0 %"]]
    assert "compared" in table.horizontalHeaderItem(best).toolTip()


def test_what_is_said_of_a_sweep_goes_with_it(qtbot: Any, bench: Bench) -> None:
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    bench.sweeps.start()
    qtbot.waitUntil(lambda: idle(bench))
    click(qtbot, bench.window, "use_settings")
    assert bench.window.messages.isVisible()
    qtbot.waitUntil(lambda: bench.window._ended.hasExpired(SETTLED_MS))
    click(qtbot, bench.window, "sweep_fresh")
    assert not bench.window.messages.isVisible()


def test_a_press_for_stop_that_comes_too_late_does_nothing(qtbot: Any, bench: Bench) -> None:
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    bench.sweeps.start()
    qtbot.waitUntil(lambda: idle(bench))
    shown = bench.window.headline.text()
    bench.window._ended.restart()  # it has ended this moment
    click(qtbot, bench.window, "sweep_fresh")
    assert bench.sweeps.plan is not None and bench.window.headline.text() == shown
    qtbot.waitUntil(lambda: bench.window._ended.hasExpired(SETTLED_MS))
    click(qtbot, bench.window, "sweep_fresh")
    assert bench.sweeps.plan is None


def test_a_new_sweep_has_nothing_of_the_one_before(qtbot: Any, bench: Bench) -> None:
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    bench.sweeps.start()
    qtbot.waitUntil(lambda: idle(bench))
    window = bench.window
    assert window.trials.value() == 2 != USUAL_TRIALS
    assert not window.plot.against.isHidden() and window.mattered._rows.count() == 1
    bench.sweeps.begin_fresh()
    assert window.plot.against.isHidden() and window.mattered._rows.count() == 0
    assert not window.mattered.words.text() and window.trials.value() == USUAL_TRIALS


def test_what_is_under_way_is_not_started_again(qtbot: Any, bench: Bench) -> None:
    bench.most = 0
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    before = reason_of(bench.window.use)
    cure = that_helps(cure_of(bench.window.use), bench.window)
    assert cure is not None and cure.text == bench.window.start.text()
    bench.sweeps.start()
    assert reason_of(bench.window.use) not in ("", before)
    assert that_helps(cure_of(bench.window.use), bench.window) is None
    bench.sweeps.start()
    assert not bench.window.problem.text()
    bench.sweeps.stop()
    qtbot.waitUntil(lambda: idle(bench))


def test_a_refusal_goes_when_the_other_training_has_ended(qtbot: Any, bench: Bench, tmp_path: Path) -> None:
    controller = bench.main.workbench.controller
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    controller.begin_repeat(tmp_path, lambda: None)
    bench.sweeps.start()
    assert bench.window.problem.text() and not bench.window.start.isEnabled()
    controller.end_repeat()
    assert not bench.window.problem.text() and bench.window.start.isEnabled()


def test_the_start_names_the_button_that_it_needs(bench: Bench) -> None:
    bench.sweeps.open()
    cure, button = cure_of(bench.window.start), bench.window.varied.add_button
    assert cure is not None and cure.text == button.text() and button.text() in reason_of(bench.window.start)
