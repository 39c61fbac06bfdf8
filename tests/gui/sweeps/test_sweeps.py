"""Sweeps in the window: what is proposed, the trials, the plot, going on, and the best one's settings."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import Future
from math import log10
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import Dropout
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.transfer import Autoencoder
from dnnstudio.core.study.sweep import plan_sweep, read_sweep
from dnnstudio.core.study.trials import Trial, read_trials
from dnnstudio.core.study.varied import parse_varied
from dnnstudio.gui.forms.row import FormRow
from dnnstudio.gui.plots.stored import read_stored_run
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.sweeps.plot import places_of
from dnnstudio.gui.sweeps.suggesting import fields_to_vary, suggest
from dnnstudio.gui.sweeps.window import SweepWindow
from dnnstudio.runner.cluster.access import Cluster
from dnnstudio.runner.cluster.join_file import JoinFile
from dnnstudio.runner.local import OnEvent
from dnnstudio.runner.tasks import RunOutcome, RunTask

from ..fake_runner import FakeRunner, store_member
from ..window_kit import click, open_window

DIGITS = load_recipe("digits").experiment


class AtOnce(FakeRunner):
    """Trains every task at once, those after the first `most` only when it is told to stop; accuracy by the rate."""

    most = 1000
    fails: tuple[int, ...] = ()

    def __init__(self, jobs: int, threads: int, on_event: OnEvent) -> None:
        super().__init__(jobs, threads, on_event)
        self.tasks: list[RunTask] = []
        self._held: list[Future[RunOutcome]] = []

    def submit(self, task: RunTask, /) -> Future[RunOutcome]:
        future: Future[RunOutcome] = Future()
        future.set_running_or_notify_cancel()
        self.tasks.append(task)
        if len(self.tasks) > self.most and not self.stopped:
            self._held.append(future)
            return future
        reason: Any = "stopped" if self.stopped else "finished"
        if reason == "finished" and len(self.tasks) - 1 in self.fails:
            future.set_result(RunOutcome(task=task, reason="failed", message="The disk is full."))
            return future
        if reason == "finished":
            rate = task.experiment.optimizer.learning_rate
            store_member(task.folder, task, 0.95 - abs(log10(rate) + 2) / 10)  # best at 0.01
        future.set_result(RunOutcome(task=task, reason=reason, message=""))
        return future

    def stop_all(self) -> None:
        self.stopped = True
        for future, task in zip(self._held, self.tasks[-len(self._held) :], strict=True) if self._held else ():
            if not future.done():
                future.set_result(RunOutcome(task=task, reason="stopped", message=""))


class Bench:
    """A window whose sweeps are trained by fake runners."""

    def __init__(self, main: MainWindow) -> None:
        self.main = main
        self.sweeps = main.workbench.sweeps
        self.sweeps.make_runner = self._make
        self.runners: list[AtOnce] = []
        self.most = 1000
        self.fails: tuple[int, ...] = ()

    def _make(self, jobs: int, threads: int, on_event: OnEvent) -> AtOnce:
        made = AtOnce(jobs, threads, on_event)
        made.most, made.fails = self.most, self.fails
        self.runners.append(made)
        return made

    @property
    def window(self) -> SweepWindow:
        assert self.sweeps.window is not None
        return self.sweeps.window

    def vary(self, path: str, values: str) -> None:
        self.sweeps.vary(path)
        card = next(card for card in self.window.varied.cards if card.path == path)
        card.mode.set_value("list")
        card._show_mode()
        card.values.setText(values)


@pytest.fixture
def bench(qtbot: Any, qapp: QApplication, tmp_path: Any) -> Iterator[Bench]:
    with open_window(qtbot, qapp, tmp_path) as window:
        window.engine.start()
        qtbot.waitUntil(lambda: window.document.summary is not None)
        made = Bench(window)
        yield made
        made.sweeps.close_all()
        vars(made).clear()


def idle(bench: Bench) -> bool:
    return bench.main.workbench.controller.activity == "idle" and bench.sweeps.training is None


class Faulty(AtOnce):
    """A fault of the program in the middle of a sweep."""

    def submit(self, task: RunTask, /) -> Future[RunOutcome]:
        raise KeyError("a fault")


def test_a_fault_in_the_sweep_s_thread_is_told_and_leaves_nothing_waiting(qtbot: Any, bench: Bench) -> None:
    bench.sweeps.make_runner = Faulty
    bench.vary("optimizer.learning_rate", "0.001, 0.01")
    with qtbot.capture_exceptions() as faults:
        bench.window.start.click()
        qtbot.waitUntil(lambda: idle(bench) and bool(faults))
    assert [kind for kind, _, _ in faults] == [KeyError]  # the hub's to show
    faults.clear()


@pytest.mark.parametrize(
    ("path", "mode", "values"),
    [
        ("optimizer.learning_rate", "log", "0.005, 0.05, 0.5"),
        ("layers.dense_1.units", "list", "64, 128, 256"),
        ("training.batch_size", "list", "16, 32, 64"),
        ("optimizer.nesterov", "list", "true, false"),
        ("layers.drop.rate", "list", "0, 0.1, 0.2, 0.3, 0.5"),
    ],
)
def test_what_is_proposed_fits_the_field(path: str, mode: str, values: str) -> None:
    experiment = DIGITS.replaced(layers=(DIGITS.layers[0], Dropout(id="drop", rate=0.2), *DIGITS.layers[1:]))
    found = suggest(experiment, path)
    assert (found.mode, found.values) == (mode, values)
    parse_varied([f"{path}={found.values}"], experiment)  # the experiment can hold them


def test_everything_that_the_menu_offers_can_be_swept() -> None:
    for path, _ in fields_to_vary(DIGITS):
        parse_varied([f"{path}={suggest(DIGITS, path).values}"], DIGITS)


def test_the_menu_leaves_out_what_changes_nothing_here_and_what_the_data_decides() -> None:
    paths = dict(fields_to_vary(DIGITS))
    last = DIGITS.active_layers[-1].id
    for path in ("optimizer.ema_momentum", "training.tensorboard", f"layers.{last}.units", f"layers.{last}.activation"):
        assert path not in paths
    averaging = DIGITS.replaced(optimizer=DIGITS.optimizer.replaced(use_ema=True))
    assert "optimizer.ema_momentum" in dict(fields_to_vary(averaging)) and f"layers.{last}.use_bias" in paths


def test_the_menu_lists_what_is_not_varied_yet(qtbot: Any, bench: Bench) -> None:
    bench.main.workbench.sweeps.open()
    varied = bench.window.varied
    names = lambda: {action.objectName() for action in varied.add_button.menu().actions()}  # noqa: E731
    assert varied.add_button.text() == "Vary a setting…" and "vary_optimizer.learning_rate" in names()
    bench.vary("optimizer.learning_rate", "0.001, 0.01")
    assert varied.add_button.text() == "Vary something else…" and "vary_optimizer.learning_rate" not in names()
    varied.remove(varied.cards[0])
    assert varied.add_button.text() == "Vary a setting…" and "vary_optimizer.learning_rate" in names()


def test_a_text_cannot_be_varied() -> None:
    with pytest.raises(UserError, match="cannot be varied"):
        suggest(DIGITS, "name")


def test_every_field_has_vary_in_its_menu(qtbot: Any, bench: Bench) -> None:
    row = bench.main.optimizer.form.row("learning_rate")
    line = row.editor.stops()[0]
    reason = QContextMenuEvent.Reason.Keyboard
    QApplication.sendEvent(
        line, QContextMenuEvent(reason, line.rect().center(), line.mapToGlobal(line.rect().center()))
    )
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    next(action for action in menu.actions() if action.objectName() == "vary_field").trigger()
    menu.close()
    assert bench.window.varied.paths == ("optimizer.learning_rate",)
    bench.main.document.select(("dense_1",))
    bench.main.inspector.form.row("units").vary_requested.emit()
    assert bench.window.varied.paths == ("optimizer.learning_rate", "layers.dense_1.units")


def test_vary_in_the_menu_of_any_row_adds_a_card_or_says_why_not(bench: Bench) -> None:
    main = bench.main
    refused: list[UserError] = []
    varied: set[str] = set()
    silent = []
    bench.sweeps.failed.connect(refused.append)
    main.document.push(DIGITS.replaced(pretraining=Autoencoder(until="dense_1")), "Pretrain")
    main.document.select(("dense_1",))
    QApplication.processEvents()
    bench.sweeps.open()
    for row in main.findChildren(FormRow):
        bench.window.varied.clear()
        refused.clear()
        row.vary_requested.emit()
        varied |= set(bench.window.varied.paths)
        if not bench.window.varied.paths and not refused:
            silent.append(row.planned.path)
    assert silent == [], sorted(varied)
    assert {"data.train_limit", "layers.dense_1.units", "optimizer.learning_rate", "pretraining.greedy"} <= varied


def test_the_estimate_counts_the_grid(bench: Bench) -> None:
    bench.vary("optimizer.learning_rate", "0.1, 0.01, 0.001")
    bench.vary("layers.dense_1.units", "32, 64")
    assert bench.window.wish.trials is None
    assert bench.window.estimate.text().startswith("6 trials")


def test_a_grid_is_trained_and_the_best_trial_is_named(qtbot: Any, bench: Bench) -> None:
    bench.vary("optimizer.learning_rate", "0.1, 0.01, 0.001")
    bench.vary("layers.dense_1.units", "32, 64")
    click(qtbot, bench.window, "sweep_start")
    qtbot.waitUntil(lambda: idle(bench))
    folder = bench.sweeps.folder
    assert folder is not None
    trials = read_trials(folder)
    tried = [(t.values["optimizer.learning_rate"], t.values["layers.dense_1.units"]) for t in trials.values()]
    assert tried == list(itertools.product((0.1, 0.01, 0.001), (32, 64)))
    assert bench.window.headline.text().startswith("Trial 2 is best: accuracy 95.0\xa0% with learning rate 0.01")
    assert "test part" in bench.window.sub.text()
    assert bench.window.table.rowCount() == 6
    assert bench.window.table.item(0, 0).text() == "2"
    assert read_sweep(folder).target == "val_accuracy"


def test_the_best_settings_are_one_undo_step(qtbot: Any, bench: Bench) -> None:
    before = bench.main.document.experiment
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    bench.vary("layers.dense_1.units", "32, 64")
    bench.sweeps.start()
    qtbot.waitUntil(lambda: idle(bench))
    click(qtbot, bench.window, "use_settings")
    after = bench.main.document.experiment
    assert after.optimizer.learning_rate == 0.01
    bench.main.document.undo_stack.undo()
    assert bench.main.document.experiment == before


def test_the_main_window_tells_the_end_of_a_sweep_and_draws_its_best_trial(qtbot: Any, bench: Bench) -> None:
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    bench.sweeps.start()
    qtbot.waitUntil(lambda: idle(bench))
    assert "Trial 1 is best: accuracy 95.0\xa0%" in bench.main.messages.text()
    assert "2 of 2 trials done." in bench.main.messages.text()
    curves = bench.main.workbench.plots.curves
    assert curves is not None and curves.name.endswith("trial 1")


def test_a_sweep_of_which_no_trial_has_ended_can_be_chosen(qtbot: Any, bench: Bench) -> None:
    bench.most = 0
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    bench.sweeps.start()
    qtbot.waitUntil(lambda: bool(bench.runners) and bool(bench.runners[0].tasks))
    bench.main.actions_["stop"].trigger()
    qtbot.waitUntil(lambda: idle(bench))
    folder = bench.sweeps.folder
    assert folder is not None
    curves, metrics = read_stored_run(folder)
    assert (curves.name, curves.rows, metrics) == (folder.name, [], {})
    assert "No trial has ended yet." in bench.main.messages.text()


def test_a_stopped_sweep_goes_on_and_repeats_nothing(qtbot: Any, bench: Bench) -> None:
    bench.most = 2
    bench.vary("optimizer.learning_rate", "0.1, 0.01, 0.001, 0.0001")
    bench.window.jobs.set_value(1)
    bench.sweeps.start()
    qtbot.waitUntil(lambda: len(bench.sweeps._trials) == 2)
    assert not bench.main.actions_["train"].isEnabled()
    bench.main.actions_["stop"].trigger()
    qtbot.waitUntil(lambda: idle(bench))
    assert bench.window.start.text() == "Go on"
    bench.most = 1000
    bench.sweeps.start()
    qtbot.waitUntil(lambda: idle(bench))
    assert [task.experiment.optimizer.learning_rate for task in bench.runners[1].tasks] == [0.001, 0.0001]
    assert "4 of 4 trials done" in bench.window.sub.text()


def test_trials_that_failed_are_tried_again_by_the_window(qtbot: Any, bench: Bench) -> None:
    bench.fails = (0, 2)
    bench.vary("optimizer.learning_rate", "0.1, 0.01, 0.001")
    bench.sweeps.start()
    qtbot.waitUntil(lambda: idle(bench))
    assert "3 of 3 trials done, 2 of them failed" in bench.window.sub.text()
    assert bench.window.start.text() == "Try the failed again" and not bench.window.start.isHidden()
    (folder,) = [one.folder for one in bench.sweeps._panel.runs.records if one.sweep and one.sweep.can_go_on]
    bench.fails = ()
    bench.sweeps.go_on(folder)
    qtbot.waitUntil(lambda: idle(bench))
    assert [task.experiment.optimizer.learning_rate for task in bench.runners[1].tasks] == [0.1, 0.001]
    assert "3 of 3 trials done." in bench.window.sub.text()
    assert bench.window.start.isHidden()


def test_an_earlier_sweep_is_shown_again(qtbot: Any, bench: Bench) -> None:
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    bench.sweeps.start()
    qtbot.waitUntil(lambda: idle(bench))
    bench.sweeps.begin_fresh()
    assert bench.window.table.rowCount() == 0
    bench.window.earlier.menu().actions()[0].trigger()
    assert bench.window.table.rowCount() == 2
    assert bench.window.headline.text().startswith("Trial 1 is best")
    assert [card.text for card in bench.window.varied.cards] == ["optimizer.learning_rate=0.1, 0.01"]


@pytest.mark.parametrize(
    ("path", "values", "said"),
    [
        ("optimizer.learning_rate", "0.1, abc", "optimizer.learning_rate"),
        ("training.batch_size", "16, 16", "names 16 twice"),
        ("layers.dense_1.units", "", "empty"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_the_first_trial(
    bench: Bench, path: str, values: str, said: str
) -> None:
    bench.vary(path, values)
    bench.sweeps.start()
    assert said in bench.window.problem.text()
    assert not bench.runners and bench.main.workbench.controller.activity == "idle"


def test_a_point_lies_where_its_value_is() -> None:
    varied = parse_varied(["optimizer.learning_rate=log:0.001..0.1", "optimizer.nesterov=true,false"], DIGITS)
    plan = plan_sweep(DIGITS, varied, trials=3, sampler=None, prune=False, threads=1, target="val_accuracy")
    trials = [
        Trial(number=n, status="done", values={"optimizer.learning_rate": rate, "optimizer.nesterov": on})
        for n, (rate, on) in enumerate(((0.001, True), (0.01, False), (0.1, True)))
    ]
    x, axis = places_of(plan, "optimizer.learning_rate", trials)
    assert x == pytest.approx([-3, -2, -1])
    assert {"0.001", "0.01", "0.1"} <= {name for _, name in axis.ticks}
    assert [place for place, _ in axis.ticks] == pytest.approx([log10(float(name)) for _, name in axis.ticks])
    x, axis = places_of(plan, "optimizer.nesterov", trials)
    assert x == [0, 1, 0]
    assert [name for _, name in axis.ticks] == ["true", "false"]


def test_closing_the_window_ends_the_sweep(qtbot: Any, bench: Bench) -> None:
    bench.most = 1
    bench.vary("optimizer.learning_rate", "0.1, 0.01, 0.001")
    bench.sweeps.start()
    qtbot.waitUntil(lambda: len(bench.sweeps._trials) == 1)
    bench.main.close_without_asking()
    assert bench.runners[0].stopped and bench.runners[0].shut


def test_a_sweep_is_trained_by_the_cluster_of_a_join_file(qtbot: Any, bench: Bench) -> None:
    join = JoinFile(address="", authority="", certificate="", key="", expires=0.0, versions={})
    found = Cluster(Path("lab.json"), join, slots=3, threads=4)
    bench.sweeps.make_cluster_runner = lambda cluster, jobs, threads, on_event: bench._make(jobs, threads, on_event)
    bench.vary("optimizer.learning_rate", "0.1, 0.01, 0.001")
    bench.window.where._find = lambda path: found
    bench.window.where.choose_path(found.path)
    assert not bench.window.start.isEnabled()
    qtbot.waitUntil(lambda: bench.window.start.isEnabled())
    assert bench.window.wish.jobs == 3
    click(qtbot, bench.window, "sweep_start")
    qtbot.waitUntil(lambda: idle(bench) and bool(bench.runners))
    assert (bench.runners[0].jobs, bench.runners[0].threads) == (3, 4)
    assert bench.sweeps.plan is not None and bench.sweeps.plan.threads == 4
    assert "3 of 3 trials done" in bench.window.sub.text()


def test_a_cluster_that_has_gone_is_said_in_the_window_of_the_sweep(qtbot: Any, bench: Bench) -> None:
    def gone(cluster: Cluster, jobs: int | None, threads: int, on_event: OnEvent) -> AtOnce:
        raise UserError("The cluster does not answer.", "Is it running?")

    join = JoinFile(address="", authority="", certificate="", key="", expires=0.0, versions={})
    bench.sweeps.make_cluster_runner = gone
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    bench.window.where._find = lambda path: Cluster(path, join, slots=3, threads=4)
    bench.window.where.choose_path(Path("lab.json"))
    qtbot.waitUntil(lambda: bench.window.start.isEnabled())
    bench.sweeps.start()
    qtbot.waitUntil(lambda: "The cluster does not answer." in bench.window.problem.text())
    qtbot.waitUntil(lambda: idle(bench))
    assert bench.window.start.text() == "Go on" and bench.window.start.isEnabled()
