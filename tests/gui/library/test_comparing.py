"""From scratch against transferred, in its window."""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage

from dnnstudio.core.experiment import codec
from dnnstudio.core.jobs.events import EpochDone
from dnnstudio.core.jobs.results import ComparisonKey, ComparisonRun, Start
from dnnstudio.gui.comparison import ComparisonWindow
from dnnstudio.gui.comparison.histories import Histories
from dnnstudio.gui.comparison.place import comparison_folder
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.runner.comparing import Comparison
from dnnstudio.runner.local import OnEvent
from dnnstudio.runner.tasks import RunOutcome, RunTask

from .fake_trainings import (
    EXPERIMENT,
    TRANSFER,
    Make,
    Trainings,
    accuracy_of,
    finish,
    on_a_run_of,
    use_trainings,
)


def test_the_sentence_and_the_table_say_mean_and_spread(qtbot: Any, make: Make) -> None:
    window = make()
    finish(qtbot, window)
    seeds = (42, 43, 44)
    ours, scratch = ([accuracy_of(start, seed) for seed in seeds] for start in ("transfer", "scratch"))
    shares = [(100 * statistics.mean(values), 100 * statistics.stdev(values)) for values in (ours, scratch)]
    words = [f"{mean:.1f} ± {spread:.1f} %".replace(" ", "\u00a0") for mean, spread in shares]
    said = window.headline.text()
    assert said.startswith(f"Test accuracy {words[0]} transferred against {words[1]} from scratch over 3 seeds, ")
    assert said.endswith(": transfer helped.")
    rows = [window.table.topLevelItem(n) for n in range(2)]
    assert [[row.text(n) for n in range(3)] for row in rows if row] == [
        ["From scratch", "3", words[1]],
        ["Transferred", "3", words[0]],
    ]


def test_every_seed_s_figures_are_in_the_table(qtbot: Any, make: Make) -> None:
    window = make()
    finish(qtbot, window)
    starts: tuple[Start, Start] = ("scratch", "transfer")
    for number, start in enumerate(starts):
        row = window.table.topLevelItem(number)
        assert row is not None and row.isExpanded()
        told = [(row.child(n).text(0), row.child(n).text(2)) for n in range(row.childCount())]
        assert told == [(f"Seed {seed}", f"{100 * accuracy_of(start, seed):.1f}\u00a0%") for seed in (42, 43, 44)]


def test_the_curves_are_each_seed_and_their_mean(qtbot: Any, make: Make) -> None:
    window = make()
    finish(qtbot, window)
    plot = window.curves.plot
    each = [plot.points(f"transfer {seed}") for seed in (42, 43, 44)]
    mean = plot.points("transfer")
    assert mean is not None
    values = [points[1] for points in each if points is not None]
    assert [len(y) for y in values] == [5, 5, 5]
    np.testing.assert_allclose(mean[1], np.mean(values, axis=0))
    np.testing.assert_array_equal(mean[0], [1, 2, 3, 4, 5])
    window.curves.choice.button("val_loss").click()
    loss = window.curves.plot.points("scratch")
    assert loss is not None
    np.testing.assert_allclose(loss[1], [1 / n for n in range(1, 6)])


def test_the_same_question_has_the_same_folder_and_another_one_another(tmp_path: Path) -> None:
    first = comparison_folder(tmp_path, EXPERIMENT, tmp_path)
    assert comparison_folder(tmp_path, EXPERIMENT, tmp_path) == first
    other = comparison_folder(tmp_path, EXPERIMENT.replaced(seed=7), tmp_path)
    assert other != first and other.parent == first.parent
    source = tmp_path / "runs" / "0001 Wide"
    source.mkdir(parents=True)
    (source / "model.keras").write_bytes(b"trained again")
    assert comparison_folder(tmp_path, EXPERIMENT, tmp_path) not in (first, other)


def keep(window: ComparisonWindow, runs: Sequence[ComparisonRun]) -> None:
    """What a training leaves in its folder, from which it is known to be over."""
    assert window._folder is not None
    planned = {training.folder: training for training in Comparison(window._plan(window._folder, 3))._trainings}
    for run in runs:
        codec.save(planned[run.folder].experiment, run.folder / "experiment.json")
        (run.folder / "model.keras").write_bytes(b"")
        (run.folder / "checkpoint").mkdir()
        (run.folder / "checkpoint" / "state.npz").write_bytes(b"")
        (run.folder / "metrics.json").write_text(json.dumps(dict(run.metrics) | {"reason": "finished"}))


def test_a_comparison_that_is_opened_again_shows_what_it_found(qtbot: Any, make: Make) -> None:
    first = make()
    finish(qtbot, first)
    keep(first, first.runs)
    again = make()
    assert again.headline.text() == first.headline.text() and again.headline.text().endswith(": transfer helped.")
    assert again.seeds.value() == 3
    assert [run.folder for run in again.runs] == [run.folder for run in first.runs]
    mine, theirs = (window.curves.plot.points("transfer 43") for window in (again, first))
    assert mine is not None and theirs is not None
    np.testing.assert_array_equal(mine[1], theirs[1])
    assert again.exports["csv"].isEnabled() and again.exports["folder"].isEnabled()
    other = make(EXPERIMENT.replaced(seed=9))
    assert other.headline.text() == "Does the transfer help?" and not other.runs


def test_what_was_trained_before_stands_in_the_table_while_the_rest_trains(qtbot: Any, make: Make) -> None:
    first = make()
    finish(qtbot, first, seeds=2)
    keep(first, [run for run in first.runs if run.seed == 42])
    again = make(pause_s=0.05)
    assert again.headline.text().endswith("train 3 or more to tell this from chance.")
    assert again.seeds.value() == 1 and [run.seed for run in again.runs] == [42, 42]
    again.seeds.set_value(3)
    again.start.click()
    assert [run.seed for run in again.runs] == [42, 42]
    told = again.table.topLevelItem(0)
    assert told is not None and told.text(1) == "1"
    qtbot.waitUntil(lambda: not again.training.busy)
    assert len(again.runs) == 6


def test_cancelling_keeps_what_is_done(qtbot: Any, make: Make) -> None:
    window = make(pause_s=0.03)
    window.start.click()
    qtbot.waitUntil(lambda: (window.progress.text(), len(window.runs)) == ("2 of 6 trainings done", 2))
    assert window.bar.maximum() == 600 and 200 <= window.bar.value() < 400
    window.stop.click()
    assert window.progress.text() == "Stopping."
    qtbot.waitUntil(lambda: not window.training.busy)
    assert window.headline.text() == "Cancelled after 2 trainings."
    assert window.exports["csv"].isEnabled() and not window.start.isHidden()
    finish(qtbot, window)
    assert window.headline.text().endswith(": transfer helped.")


def test_a_training_that_fails_leaves_the_others_and_says_what_ended(qtbot: Any, make: Make) -> None:
    """Not "There is nothing to compare.": its process was killed, or the disk is full."""
    window = make(pause_s=0.01)
    window.training.make_runner = Failing
    window.start.click()
    qtbot.waitUntil(lambda: not window.training.busy)
    assert window.headline.text() == "Ended after 1 training."
    assert window.messages.message().startswith("Seed 42, transferred: It was killed.")
    assert not window.start.isHidden() and window.start.isEnabled()


class Failing(Trainings):
    """Its first training from scratch is done, its first transferred one fails."""

    def submit(self, task: RunTask, /) -> Future[RunOutcome]:
        if task.folder.name.endswith("scratch"):
            return super().submit(task)
        failed: Future[RunOutcome] = Future()
        failed.set_result(RunOutcome(task=task, reason="failed", message="It was killed."))
        return failed

    jobs = property(lambda self: 1)


class Faulty(Trainings):
    """A fault of the program in the middle of a comparison."""

    def submit(self, task: RunTask, /) -> Future[RunOutcome]:
        raise KeyError("a fault")


def no_runner(jobs: int, threads: int, on_event: OnEvent) -> Trainings:
    raise OSError("no more threads")


@pytest.mark.parametrize("runner", [Faulty, no_runner])
def test_a_fault_in_the_comparison_s_thread_is_told_and_leaves_nothing_waiting(
    qtbot: Any, make: Make, runner: Any
) -> None:
    window = make()
    window.training.make_runner = runner
    with qtbot.capture_exceptions() as faults:
        window.start.click()
        qtbot.waitUntil(lambda: not window.training.busy and bool(faults))
    assert [kind for kind, _, _ in faults] == [KeyError if runner is Faulty else OSError]  # the hub's to show
    assert window.training.controller.stop is None, "the main window waits for it still"
    assert "fault of the program" in window.messages.message()
    assert not window.start.isHidden() and window.start.isEnabled()
    faults.clear()


def test_the_table_and_the_picture_are_saved(qtbot: Any, make: Make, tmp_path: Path) -> None:
    window = make(to=tmp_path / "out")
    assert not window.exports["csv"].isEnabled()
    finish(qtbot, window, seeds=1)
    window.export("csv")
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["start"], float(row["test_accuracy"])) for row in rows] == [
        ("42", start, accuracy_of(start, 42)) for start in ("scratch", "transfer")
    ]
    window.export("png")
    assert QImage(str(tmp_path / "out.png")).width() == 2 * window.results.width()
    assert window.headline.text().endswith("train 3 or more to tell this from chance.")


def test_what_cannot_be_compared_is_said(qtbot: Any, make: Make) -> None:
    window = make(EXPERIMENT.replaced(transfer=TRANSFER.replaced(source="nowhere")))
    window.start.click()
    assert not window.training.busy
    assert 'source of the transfer, "nowhere", does not exist' in window.messages.message()
    assert window.headline.text() == "There is nothing to compare."


def test_a_number_that_is_no_number_of_seeds_trains_nothing(qtbot: Any, make: Make) -> None:
    window = make()
    window.seeds.setText("many")
    window.start.click()
    assert not window.training.busy


def test_events_of_other_runs_are_nobody_s_curves() -> None:
    histories, row = Histories(), {"epoch": 1.0, "val_loss": 0.5}
    assert not histories.add(EpochDone(run="abc-43-transfer", row=row, is_best=True))
    assert not histories.rows
    key = ComparisonKey(seed=43, start="transfer")
    assert histories.add(EpochDone(run="any", parent="job", key=key, row=row, is_best=True))
    assert histories.rows == {("transfer", 43): [row]}


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ((("source", {"val_loss": 0.3}),), "val_accuracy"),  # an autoencoder's: a classifier will come
        ((("source", {"val_loss": 0.3}), ("scratch", {"val_loss": 0.5, "val_accuracy": 0.8})), "val_accuracy"),
        ((("source", {"val_accuracy": 0.9}), ("scratch", {"val_loss": 0.5})), "val_loss"),  # a number is predicted
    ],
)
def test_the_figure_shown_at_first_is_one_of_the_trainings_that_are_compared(
    make: Make, told: tuple[tuple[Start, dict[str, float]], ...], shown: str
) -> None:
    curves, histories = make().curves, Histories()
    curves.begin((42,))
    for start, figures in told:
        key = ComparisonKey(seed=42, start=start)
        histories.add(EpochDone(run="x", key=key, row={"epoch": 1.0, **figures}, is_best=True))
        curves.show_histories(histories)
    assert curves.choice.value() == shown


def test_the_main_window_opens_one_for_a_transfer_and_keeps_its_own_curves(qtbot: Any, window: MainWindow) -> None:
    action = window.actions_["compare_transfer"]
    assert not action.isEnabled()
    window.document.push(on_a_run_of(window), "Reuse layers")
    assert action.isEnabled()
    use_trainings(window)
    action.trigger()
    action.trigger()
    (opened,) = window.workbench.library.transfers.windows
    finish(qtbot, opened, seeds=1)
    assert {(run.seed, run.folder.parent.parent.name) for run in opened.runs} == {(42, "comparisons")}
    assert window.workbench.plots.curves is None or not window.workbench.plots.curves.rows
    assert window.runs.runs.rowCount() == 3
    opened.close()
    assert len(window.workbench.library.transfers.windows) == 0
