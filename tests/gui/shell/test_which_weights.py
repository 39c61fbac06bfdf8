"""No figure stands anywhere without the weights and the part that it was measured with.

A run is described once, and every place that names its figures is asked what it says: result card, table, library,
dialog of reused layers, comparison, inspector, banner, and what the command line reports.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication, QTreeWidgetItem

from dnnstudio.cli.common import report_run
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import EarlyStopping, Experiment, Training
from dnnstudio.core.jobs.events import RunEnded
from dnnstudio.core.jobs.requests import OpenModel, TrainRun
from dnnstudio.core.jobs.results import ComparisonRun, OpenedModel, RunResult
from dnnstudio.core.workspace.catalog import run_entry
from dnnstudio.core.workspace.history import write_history
from dnnstudio.core.workspace.runs import read_run
from dnnstudio.core.workspace.sources import from_entry
from dnnstudio.gui.base.runs_model import COLUMNS, OUTDATED
from dnnstudio.gui.comparison.table import FiguresTable
from dnnstudio.gui.library.sentences import facts_of
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.uncertainty import subject_of

from ..window_kit import Answers, open_window

PLAIN = load_recipe("digits").experiment
STOPPING = PLAIN.replaced(training=Training(epochs=9, early_stopping=EarlyStopping(patience=1)))
CHANGED = [{"by": "0009 B", "layers": ["dense_1"]}]

CASES: dict[str, tuple[Experiment, dict[str, Any], str, int]] = {
    "last": (PLAIN, {}, "last", 3),
    "stopped within an epoch": (PLAIN, {"reason": "stopped", "best_epoch": 3, "weights_steps": 5}, "last", 3),
    "best put back": (STOPPING, {"reason": "early_stopping"}, "best", 2),
    "the last is the best": (PLAIN, {"best_epoch": 3}, "best", 3),
    "before sharing": (PLAIN, {"changed_by": CHANGED}, "last", 3),
}


PARTS = ("train", "validation", "test")


def make_run(workspace: Path, number: int, case: str) -> Path:
    """A run of three epochs with these figures in its folder."""
    experiment, metrics, _, epoch = CASES[case]
    folder = workspace / "runs" / f"{number:04} digits"
    folder.mkdir(parents=True)
    codec.save(experiment, folder / "experiment.json")
    rows = [{"epoch": n, "loss": 0.1, "val_loss": 0.2, "learning_rate": 0.1, "seconds": 1.0} for n in (1, 2, 3)]
    write_history(folder / "history.csv", rows)
    figures = {name: {"loss": 0.25, "accuracy": 0.875} for name in PARTS}
    given = {"reason": "finished", "run": str(number), "epochs": 3, "best_epoch": 2, "weights_epoch": epoch}
    (folder / "metrics.json").write_text(json.dumps(given | figures | metrics))
    (folder / "model.keras").write_bytes(b"")
    return folder


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    for number, case in enumerate(CASES, start=1):
        make_run(tmp_path / "workspace", number, case)
    with open_window(qtbot, qapp, tmp_path) as made:
        qtbot.waitUntil(lambda: made.runs.runs.rowCount() == len(CASES))
        yield made


def result_of(folder: Path) -> RunResult:
    metrics = json.loads((folder / "metrics.json").read_text())
    return RunResult(
        run="x", folder=folder, reason=metrics["reason"], epochs=3, best_epoch=metrics["best_epoch"], metrics=metrics
    )


# Each place: what it says of a run's test accuracy, with what a pointer that rests there is told.


def in_the_card(window: MainWindow, folder: Path) -> str:
    window.runs.select(folder)
    card = window.workbench.side.result
    assert card.text("test", "accuracy") == "87.5\u00a0%"
    return f"{card.note.text()} {card.note.toolTip()} test"


def in_the_table(window: MainWindow, folder: Path) -> str:
    column = next(n for n, column in enumerate(COLUMNS) if column.title == "Test acc.")
    index = window.runs.runs.index(window.runs.runs.row_of(folder), column)
    help = window.runs.runs.headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    return f"{index.data()} {index.data(Qt.ItemDataRole.ToolTipRole)} {help}"


def in_the_library(window: MainWindow, folder: Path) -> str:
    facts = dict(facts_of(run_entry(folder)))
    return f"Test accuracy {facts['Test accuracy']}: {facts['Figures of']}"


def in_the_dialog_of_reused_layers(window: MainWindow, folder: Path) -> str:
    source = from_entry(run_entry(folder))
    assert source.val_accuracy == 0.875
    return f"test {source.measured}"


def in_the_banner(window: MainWindow, folder: Path) -> str:
    result = result_of(folder)
    event = RunEnded(run="x", reason=result.reason, message="", result=result)
    window.messages.say_end(event, lambda: None, codec.load(folder / "experiment.json"))
    return window.messages.text()


def in_a_comparison(window: MainWindow, folder: Path) -> str:
    run = ComparisonRun(seed=1, start="scratch", folder=folder, metrics=result_of(folder).metrics)
    table = FiguresTable(window.workbench.dialogs.theme)
    table.show_runs([run])
    item = table.topLevelItem(0)
    assert isinstance(item, QTreeWidgetItem)
    said = f"{item.child(0).text(0)} {item.child(0).toolTip(2)} {table.headerItem().text(2)}"
    table.deleteLater()
    return said


def in_the_inspector(window: MainWindow, folder: Path) -> str:
    found = subject_of(read_run(folder), None, PLAIN)
    assert found is not None
    return f"test {found.title}"  # its rows are named beside it


PLACES: tuple[Callable[[MainWindow, Path], str], ...] = (
    in_the_card,
    in_the_table,
    in_the_library,
    in_the_dialog_of_reused_layers,
    in_the_banner,
    in_a_comparison,
    in_the_inspector,
)
MEASURED_NOW = (in_the_banner,)
"""Places whose figures are of the moment: no other training can have changed the weights since."""


def test_every_place_says_which_weights_and_which_part(
    window: MainWindow, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def reported(_: MainWindow, folder: Path) -> str:
        report_run(result_of(folder))
        return capsys.readouterr().out

    for number, (case, (_, _, which, epoch)) in enumerate(CASES.items(), start=1):
        folder = tmp_path / "workspace" / "runs" / f"{number:04} digits"
        for place in (*PLACES, reported):
            said = place(window, folder)
            assert "test" in said.lower(), (case, place.__name__, said)
            if case == "before sharing" and place not in MEASURED_NOW:
                older = (OUTDATED, "older than", "before 0009 B changed", "changed by 0009 B")
                assert any(words in said for words in older), (case, place.__name__, said)
            else:
                moment = "5 steps into epoch 4" if case == "stopped within an epoch" else f"of epoch {epoch}"
                assert f"{which} weights, {moment}" in said, (case, place.__name__, said)


def test_what_was_opened_last_is_inspected_and_not_the_run_that_is_selected(window: MainWindow, tmp_path: Path) -> None:
    """The best weights of a run lie in a file of their own, beside the last ones."""
    folder = tmp_path / "workspace" / "runs" / "0001 digits"
    find, controller = window.workbench.uncertainty.subject, window.workbench.controller

    def opened(path: Path, *, has_experiment: bool = True) -> OpenModel:
        job = OpenModel(path=path)
        model = OpenedModel(model=job.id, experiment=PLAIN, input_shape=(8, 8), has_experiment=has_experiment)
        controller._on_opened(job, model)
        return job

    window.runs.select(folder)
    found = find()
    assert found is not None and (found.model, found.title) == (folder, "run 1, First digits, last weights, of epoch 3")
    best = opened(folder / "best.keras")
    found = find()
    assert found is not None and (found.model, found.title) == (best.id, "run 1, First digits, best weights")
    put_back = opened(folder.with_name("0003 digits") / "model.keras")
    found = find()
    title = "run 3, First digits, best weights, of epoch 2"
    assert found is not None and (found.model, found.title) == (put_back.id, title)
    foreign = opened(tmp_path / "foreign.h5", has_experiment=False)
    found = find()
    assert found is not None and (found.model, found.title) == (foreign.id, "foreign, weights of foreign.h5")
    other = tmp_path / "workspace" / "runs" / "0002 digits"
    window.runs.select(other)
    found = find()
    assert found is not None and found.model == other


def test_a_trained_network_stays_its_own_whatever_is_open_and_whichever_runs_are_listed(
    window: MainWindow, tmp_path: Path, qtbot: Any
) -> None:
    """In another workspace, where no run is, it was inspected by the name and the rows of the open experiment."""
    controller, find = window.workbench.controller, window.workbench.uncertainty.find
    folder = tmp_path / "workspace" / "runs" / "0001 digits"
    job = TrainRun(experiment=PLAIN, folder=folder)
    window.runs.select(folder)
    qtbot.waitUntil(lambda: window.workbench.plots.curves is not None)
    result = RunResult(run=job.id, folder=folder, reason="finished", epochs=3, best_epoch=3, metrics={})
    controller._end_training(job, result)
    dialogs = window.workbench.dialogs
    assert isinstance(dialogs, Answers)
    dialogs.path = tmp_path / "other"
    window.actions_["workspace"].trigger()
    assert str(tmp_path / "other") in window.messages.text()
    assert window.workbench.plots.curves is None, "no run of this workspace is drawn"
    window.document.new(load_recipe("task_b").experiment)
    found = find()
    assert found is not None and (found.model, found.experiment, found.title) == (job.id, PLAIN, PLAIN.name)
    opened = OpenModel(path=tmp_path / "opened.keras")
    own = PLAIN.replaced(name="Opened")
    controller._on_opened(opened, OpenedModel(model=opened.id, experiment=own, input_shape=(8, 8), has_experiment=True))
    found = find()
    assert found is not None and found.experiment == own, "another experiment is open"
    mended = own.replaced(seed=9)
    window.document.new(mended)
    found = find()
    assert found is not None and found.experiment == mended, "its own is open, with what was changed in it"


def test_what_was_opened_last_answers_and_is_exported_too(window: MainWindow, tmp_path: Path) -> None:
    """Every command means the same network: Predict and Export took the run that is selected, Uncertainty the other."""
    controller, predict = window.workbench.controller, window.workbench.predict

    def asked() -> object:
        assert predict.network is not None
        return predict.network.model

    folder = tmp_path / "workspace" / "runs" / "0001 digits"
    window.runs.select(folder)
    assert asked() == folder
    job = OpenModel(path=tmp_path / "comparison" / "43" / "model.keras")
    controller._on_opened(job, OpenedModel(model=job.id, experiment=PLAIN, input_shape=(8, 8), has_experiment=True))
    assert asked() == job.id == predict.networks()[0].model
    other = folder.with_name("0002 digits")
    window.runs.select(other)
    assert asked() == other


def test_the_network_at_hand_is_inspected_on_its_own_rows_while_another_trains(
    window: MainWindow, tmp_path: Path, qtbot: Any
) -> None:
    """A run that has only begun is selected, and the document is of that one."""
    beginning = tmp_path / "workspace" / "runs" / "0009 other"
    beginning.mkdir()
    codec.save(load_recipe("task_b").experiment, beginning / "experiment.json")
    window.runs.refresh()
    qtbot.waitUntil(lambda: window.runs.runs.rowCount() == len(CASES) + 1)
    window.runs.select(beginning)
    window.workbench.controller.model = "2"
    window.document.new(load_recipe("task_b").experiment)
    assert window.runs.chosen is not None and window.runs.chosen.folder == beginning
    found = window.workbench.uncertainty.subject()
    assert found is not None and found.model == beginning.with_name("0002 digits")
    assert found.experiment.data == PLAIN.data


def test_the_weights_of_each_seed_are_seen_whole_in_a_comparison(
    window: MainWindow, tmp_path: Path, qtbot: Any
) -> None:
    table = FiguresTable(window.workbench.dialogs.theme)
    qtbot.addWidget(table)
    table.resize(760, 300)
    table.show()
    folder = tmp_path / "workspace" / "runs" / "0002 digits"
    for runs in ([], [ComparisonRun(seed=12345, start="scratch", folder=folder, metrics=result_of(folder).metrics)]):
        table.show_runs(runs)
        QApplication.processEvents()
        item = table.topLevelItem(0)
        assert isinstance(item, QTreeWidgetItem)
        for level, each in enumerate([item, *(item.child(n) for n in range(item.childCount()))]):
            needed = QFontMetrics(each.font(0)).horizontalAdvance(each.text(0))
            assert table.columnWidth(0) >= needed + table.indentation() * (1 + min(level, 1)) + 6, each.text(0)
