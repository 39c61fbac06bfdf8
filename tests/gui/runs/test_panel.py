"""The table of runs: what it lists, what is bold, what can be done with a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.events import EpochDone, RunEnded, RunStarted
from dnnstudio.core.workspace.figures import Measured
from dnnstudio.core.workspace.history import write_history
from dnnstudio.core.workspace.runs import RunRecord
from dnnstudio.gui.base.runs_model import BEST_ROLE, COLUMNS, EYE_COLUMN, OUTDATED, STATUS_COLUMN, RunsModel
from dnnstudio.gui.runs import table
from dnnstudio.gui.runs.panel import RunsPanel, count_parameters
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.fitted_text import fitted

TITLES = [column.title for column in COLUMNS]
R2 = {"Val. R²", "Test R²"}
"""The columns of runs that predict a number."""


@pytest.fixture
def panel(qtbot: Any, theme: Theme, tmp_path: Path) -> Iterator[RunsPanel]:
    made = RunsPanel(theme, tmp_path)
    qtbot.addWidget(made)
    made.resize(744, 200)
    made.show()
    yield made
    made.stop()


def make_run(workspace: Path, number: int, *, accuracy: float = 0.9, loss: float = 0.3) -> Path:
    folder = workspace / "runs" / f"{number:04} digits"
    folder.mkdir(parents=True)
    codec.save(load_recipe("digits").experiment, folder / "experiment.json")
    part = {"loss": loss, "accuracy": accuracy}
    row = {"epoch": 1, "loss": loss, "accuracy": accuracy, "val_loss": loss, "val_accuracy": accuracy, "seconds": 3}
    write_history(folder / "history.csv", [row])
    metrics = {"reason": "finished", "validation": part, "test": part, "parameters": 6570, "seconds": 67, "run": "x"}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder


def record(number: int, *, accuracy: float | None = 0.9, loss: float | None = 0.3) -> RunRecord:
    return RunRecord(
        folder=Path(f"/runs/{number}"),
        number=number,
        name="digits",
        status="finished",
        epochs_done=20,
        epochs_planned=20,
        val_loss=loss,
        val_accuracy=accuracy,
        test_accuracy=accuracy,
        parameters=6570,
        seconds=7,
    )


def shown(panel: RunsPanel, row: int) -> list[str]:
    columns = (column for column in range(EYE_COLUMN) if TITLES[column] not in R2)
    return [panel.runs.index(row, column).data() for column in columns]


def test_the_runs_of_the_workspace_are_listed_newest_first(qtbot: Any, panel: RunsPanel, tmp_path: Path) -> None:
    for number in (1, 2, 12):
        make_run(tmp_path, number)
    panel.refresh()
    qtbot.waitUntil(lambda: panel.runs.rowCount() == 3)
    assert shown(panel, 0) == [
        "12  First digits",
        "done",
        "1",
        "0.300",
        "90.0\u00a0%",
        "90.0\u00a0%",
        "6,570",
        "1\u00a0min\u00a07\u00a0s",
    ]
    assert [item.number for item in panel.runs.records] == [12, 2, 1]


def test_a_run_of_a_number_has_its_share_of_the_variance_in_the_place_of_an_accuracy(
    qtbot: Any, panel: RunsPanel, tmp_path: Path
) -> None:
    panel.resize(1400, 200)
    folder = make_run(tmp_path, 1)
    parts = {"validation": {"loss": 2.0, "r2_score": 0.5}, "test": {"loss": 2.5, "r2_score": 0.4}}
    figures = json.loads((folder / "metrics.json").read_text()) | parts
    (folder / "metrics.json").write_text(json.dumps(figures))
    (folder / "history.csv").write_text("epoch,loss,val_loss,learning_rate,seconds\n1,3,2,0.1,1\n")
    panel.refresh()
    qtbot.waitUntil(lambda: panel.runs.rowCount() == 1)
    titles = [title for column, title in enumerate(TITLES) if not panel.table.isColumnHidden(column)]
    assert ("Val. R²" in titles, "Val. acc." in titles) == (True, False)
    assert panel.runs.index(0, TITLES.index("Test R²")).data() == "0.400"
    assert "R² 0.500" in panel.sentence()


def test_a_run_that_is_gone_leaves_the_table(qtbot: Any, panel: RunsPanel, tmp_path: Path) -> None:
    folder = make_run(tmp_path, 1)
    make_run(tmp_path, 2)
    panel.refresh()
    qtbot.waitUntil(lambda: panel.runs.rowCount() == 2)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    panel.refresh()
    assert [item.number for item in panel.runs.records] == [2]


def test_a_folder_that_is_no_run_is_passed_over(qtbot: Any, panel: RunsPanel, tmp_path: Path) -> None:
    (tmp_path / "runs" / "0001 empty").mkdir(parents=True)
    broken = tmp_path / "runs" / "0002 broken"
    broken.mkdir()
    (broken / "experiment.json").write_text("no json")
    make_run(tmp_path, 3)
    panel.refresh()
    qtbot.waitUntil(lambda: not panel._reader.isActive())
    assert [item.number for item in panel.runs.records] == [3]


def test_the_best_figure_of_each_column_is_bold() -> None:
    model = RunsModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    for item in (record(1, accuracy=0.8, loss=0.5), record(2, accuracy=0.9, loss=0.7), record(3, accuracy=None)):
        model.put(item)
    loss, accuracy = TITLES.index("Val. loss"), TITLES.index("Val. acc.")
    rows = {item.number: row for row, item in enumerate(model.records)}
    assert model.index(rows[2], accuracy).data(BEST_ROLE) is True
    assert model.index(rows[1], accuracy).data(BEST_ROLE) is False
    assert model.index(rows[3], loss).data(BEST_ROLE) is True
    assert model.index(rows[3], accuracy).data() == "–"
    assert model.best is not None and model.best.number == 2


def test_only_what_has_changed_of_the_table_is_drawn_anew() -> None:
    """An epoch of the live run changes some cells of its row, and which figure of a column is the best.

    They are told of one by one: of a range, the table paints all its rows.
    """
    model = RunsModel()
    for number in range(1, 6):
        model.put(record(number, accuracy=0.8 + number / 100, loss=0.5 + number / 100))
    told: list[tuple[int, int, int, int]] = []
    model.dataChanged.connect(lambda a, b: told.append((a.row(), b.row(), a.column(), b.column())))
    model.put(replace(record(4, accuracy=0.84, loss=0.54), epochs_done=3))
    row, epochs, loss = model.row_of(Path("/runs/4")), TITLES.index("Epochs"), TITLES.index("Val. loss")
    assert told == [(row, row, epochs, epochs)]
    told.clear()
    model.put(replace(record(4, accuracy=0.84, loss=0.4), epochs_done=3))
    was_best = model.row_of(Path("/runs/1"))
    assert told == [(row, row, loss, loss), (was_best, was_best, loss, loss)]
    assert [model.index(at, loss).data(BEST_ROLE) for at in range(5)] == [at == row for at in range(5)]
    told.clear()
    model.put(replace(record(4, accuracy=0.84, loss=0.4), epochs_done=3, status="stopped"))
    assert {cell[2] for cell in told} == set(range(len(COLUMNS)))


def test_runs_on_other_data_are_not_compared() -> None:
    model = RunsModel()
    for number, accuracy, data in ((1, 0.99, "a"), (2, 0.7, "b"), (3, 0.8, "b"), (4, 0.9, "a")):
        model.put(replace(record(number, accuracy=accuracy), trained_on=data))
    column = TITLES.index("Val. acc.")
    rows = {item.number: row for row, item in enumerate(model.records)}
    bold = {number for number, row in rows.items() if model.index(row, column).data(BEST_ROLE)}
    assert bold == {1, 3}
    assert model.best is not None
    assert model.best.number == 1  # the newest run is on the same data as the first


def test_a_single_run_has_nothing_to_be_best_among() -> None:
    model = RunsModel()
    model.put(record(1))
    assert not any(model.index(0, column).data(BEST_ROLE) for column in range(len(COLUMNS)))


def test_a_run_put_again_replaces_its_row() -> None:
    model = RunsModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.put(record(1))
    model.put(record(2))
    model.put(replace(record(1), epochs_done=5, status="stopped"))
    assert model.rowCount() == 2
    assert model.index(1, TITLES.index("Epochs")).data() == "5 / 20"


def test_the_live_run_grows_row_by_row_and_ends_with_what_its_folder_says(panel: RunsPanel, tmp_path: Path) -> None:
    folder = make_run(tmp_path, 7)
    layers = (Flatten(id="flatten"), Dense(id="output", units=10, activation="softmax"))
    experiment = load_recipe("digits").experiment.replaced(layers=layers)
    event = RunStarted(run="x", experiment=experiment, folder=folder, steps_per_epoch=36, epochs=20)
    panel.begin(event)
    panel.set_parameters(count_parameters(event, (8, 8)))
    panel.add_epoch(
        EpochDone(run="x", row={"epoch": 3, "val_loss": 0.5, "val_accuracy": 0.8, "seconds": 2}, is_best=True)
    )
    panel.show_epochs()
    assert shown(panel, 0)[1:] == ["training", "3 / 20", "0.500", "80.0\u00a0%", "–", "650", "2\u00a0s"], (
        "64 × 10 weights and 10 biases"
    )
    assert panel.chosen is not None and panel.chosen.number == 7
    panel.set_folded(True)
    assert panel.sentence() == "7 is training"
    panel.end(RunEnded(run="x", reason="finished", message=""))
    assert shown(panel, 0)[1] == "done"
    assert panel.sentence() == "Best so far: run 7, validation 90.0\u00a0%"


def test_a_run_that_goes_on_keeps_the_time_that_it_has_taken(qtbot: Any, panel: RunsPanel, tmp_path: Path) -> None:
    """A minute and seven seconds before, and two in the epoch that is added."""
    folder = make_run(tmp_path, 7)
    panel.refresh()
    qtbot.waitUntil(lambda: panel.runs.rowCount() == 1)
    experiment = load_recipe("digits").experiment
    panel.begin(RunStarted(run="x", experiment=experiment, folder=folder, steps_per_epoch=36, epochs=2, first_epoch=1))
    panel.add_epoch(EpochDone(run="x", row={"epoch": 2, "val_loss": 0.5, "seconds": 2}, is_best=True))
    panel.show_epochs()
    assert shown(panel, 0)[-1] == "1\u00a0min\u00a09\u00a0s"


@pytest.mark.parametrize("loss", [0.0, 3.1e-7, 0.000819, 0.00351, 0.0101, 1.25, 123.4, 98765.4, 2.5e9])
def test_no_figure_is_cut_so_that_it_reads_as_another(panel: RunsPanel, theme: Theme, loss: float) -> None:
    """0.000819 as "0.000…" would be no loss at all, and "100.0 …" says nothing of weights that have changed since."""
    model = panel.runs
    bold, plain = (QFontMetrics(theme.font(12, weight)) for weight in (QFont.Weight.DemiBold, QFont.Weight.Normal))
    now, then = Measured(20, is_best=False), Measured(20, is_best=False, changed_by=("0002 B",))
    for weights, font in ((now, bold), (then, plain)):  # only figures of the present weights can be the best ones
        run = replace(record(1, loss=loss), val_accuracy=1.0, test_accuracy=1.0, measured=weights)
        model.put(replace(run, status="stopped", epochs_done=1753, epochs_planned=3000))
        for number, column in enumerate(COLUMNS):
            if column.width and number != EYE_COLUMN and number != STATUS_COLUMN:
                text, best = str(model.index(0, number).data()), bool(model.index(0, number).data(BEST_ROLE))
                assert (font if column.best else plain).horizontalAdvance(text) <= column.width - 20, text
                assert not (best and font is plain)
    shown_loss = float(str(model.index(0, TITLES.index("Val. loss")).data()).removesuffix(OUTDATED).replace(",", ""))
    assert shown_loss == pytest.approx(loss, rel=0.05)


def test_a_rate_by_hand_is_marked_where_a_long_name_is_cut(panel: RunsPanel) -> None:
    panel.runs.put(replace(record(3), name="a name for which there is no room at all", rate_by_hand=True))
    index = panel.runs.index(0, 0)
    assert str(index.data()).startswith("3*  a name")
    assert "rate changed by hand" in str(index.data(Qt.ItemDataRole.AccessibleTextRole))
    assert "rate changed by hand" in str(index.data(Qt.ItemDataRole.ToolTipRole)).lower()


def test_a_run_can_be_opened_from_its_menu(qtbot: Any, panel: RunsPanel, tmp_path: Path) -> None:
    folder = make_run(tmp_path, 1)
    panel.refresh()
    qtbot.waitUntil(lambda: panel.runs.rowCount() == 1)
    wished: list[Path] = []
    panel.experiment_requested.connect(wished.append)
    menu = panel.menu_for(panel.runs.records[0])
    actions = {action.objectName(): action for action in menu.actions()}
    assert not actions["open_run_model"].isEnabled(), "this run has no model"
    actions["open_run_experiment"].trigger()
    assert wished == [folder]
    menu.deleteLater()


def test_the_menu_of_a_run_offers_its_best_weights_where_they_are_not_the_last(
    qtbot: Any, panel: RunsPanel, tmp_path: Path
) -> None:
    folder = make_run(tmp_path, 1)
    for name in ("model.keras", "best.keras"):
        (folder / name).write_bytes(b"")
    metrics = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").write_text(json.dumps(metrics | {"best_epoch": 9, "epochs": 12, "best": {}}))
    panel.refresh()
    qtbot.waitUntil(lambda: panel.runs.rowCount() == 1)
    opened: list[Path] = []
    saved: list[tuple[Path, str]] = []
    panel.model_requested.connect(opened.append)
    panel.save_requested.connect(lambda place, weights: saved.append((place, weights)))
    menu = panel.menu_for(panel.runs.records[0])
    actions = {action.objectName(): action for action in menu.actions()}
    assert actions["use_best_weights"].text() == "Use the best weights (epoch 9)"
    for name in ("use_best_weights", "save_run_model", "save_run_best"):
        actions[name].trigger()
    assert opened == [folder / "best.keras"]
    assert saved == [(folder, "last"), (folder, "best")]
    menu.deleteLater()


def test_300_runs_are_read_without_holding_the_window_up(
    qtbot: Any, panel: RunsPanel, tmp_path: Path, measured: Any
) -> None:
    import time

    for number in range(1, 301):
        make_run(tmp_path, number)
    gaps: list[float] = []
    last = time.perf_counter()
    panel.refresh()
    while panel._reader.isActive():
        QApplication.processEvents()
        now = time.perf_counter()
        gaps.append(now - last)
        last = now
    measured(f"300 runs: {sum(gaps) * 1000:.0f} ms in slices of at most {max(gaps) * 1000:.0f} ms")
    assert panel.runs.rowCount() == 300
    assert sorted(gaps)[len(gaps) // 2] < 0.05


def test_a_narrow_table_of_both_tasks_keeps_the_names(qtbot: Any, panel: RunsPanel, tmp_path: Path) -> None:
    make_run(tmp_path, 1)
    folder = make_run(tmp_path, 2)
    parts = {"validation": {"loss": 2.0, "r2_score": 0.5}, "test": {"loss": 2.5, "r2_score": 0.4}}
    (folder / "metrics.json").write_text(json.dumps(json.loads((folder / "metrics.json").read_text()) | parts))
    panel.refresh()
    qtbot.waitUntil(lambda: panel.runs.rowCount() == 2)
    panel.resize(440, 200)
    hidden = {"Params", "Time", "Val. loss", "Epochs", "Test acc.", "Test R²"}
    qtbot.waitUntil(lambda: {t for n, t in enumerate(TITLES) if panel.table.isColumnHidden(n)} == hidden)
    assert panel.table.columnWidth(0) >= 100


@pytest.mark.parametrize(
    ("width", "hidden"), [(764, set()), (690, {"Params"}), (440, {"Params", "Time", "Val. loss", "Epochs"})]
)
def test_a_narrow_table_leaves_columns_out_and_cuts_none(
    qtbot: Any, panel: RunsPanel, tmp_path: Path, width: int, hidden: set[str]
) -> None:
    make_run(tmp_path, 1)
    panel.refresh()
    qtbot.waitUntil(lambda: panel.runs.rowCount() == 1)
    panel.resize(width, 200)
    qtbot.waitUntil(lambda: {t for n, t in enumerate(TITLES) if panel.table.isColumnHidden(n)} == hidden | R2)
    assert panel.table.horizontalHeader().length() <= panel.table.viewport().width()
    assert panel.table.columnWidth(0) >= 100


def test_names_that_begin_alike_are_told_apart_by_their_ends(panel: RunsPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    def seen(*given: Any) -> str:
        shown.append(fitted(*given))
        return shown[-1]

    monkeypatch.setattr(table, "fitted", seen)
    for number, end in ((1, "everything"), (2, "the last layer")):
        panel.runs.put(replace(record(number), name=f"Dropout before evaluating this long name, {end}"))
    panel.table.viewport().grab()
    cut = [text for text in shown if "…" in text]
    assert any(text.startswith("1  ") and text.endswith("thing") for text in cut), cut
    assert any(text.startswith("2  ") and text.endswith("layer") for text in cut), cut
