"""The best figure of each column is held up to date run by run, whatever comes, changes and goes."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from dnnstudio.core.workspace.runs import Repeated, RunRecord, Spread
from dnnstudio.gui.base.runs_model import BEST_ROLE, COLUMNS, RATED, RunsModel
from dnnstudio.gui.repeats.controller import figures_sentence

FIGURES = (None, 0.1, 0.5, 0.5, 0.9)


def record(chance: random.Random, number: int) -> RunRecord:
    return RunRecord(
        folder=Path(f"/runs/{number:04d}"),
        number=number,
        name="A run",
        status="finished",
        epochs_done=1,
        epochs_planned=1,
        val_loss=chance.choice(FIGURES),
        val_accuracy=chance.choice(FIGURES),
        test_accuracy=chance.choice(FIGURES),
        val_r2=chance.choice(FIGURES),
        trained_on=chance.choice(("digits", "wine")),
    )


def best_by_hand(records: tuple[RunRecord, ...]) -> list[list[bool]]:
    """Per rated column, whether each run's figure is the best of those on the same data: all equal ones, if several."""
    found = []
    for number in RATED:
        column = COLUMNS[number]
        bold = []
        for one in records:
            rivals = [column.value(other) for other in records if other.trained_on == one.trained_on]
            known, own = [value for value in rivals if value is not None], column.value(one)
            best = (max if column.best > 0 else min)(known) if len(known) > 1 else None
            bold.append(own is not None and own == best)
        found.append(bold)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_the_best_figures_are_those_counted_by_hand(seed: int) -> None:
    chance, model = random.Random(seed), RunsModel()
    for _ in range(60):
        if chance.random() < 0.1:
            model.remove_all_but([one.folder for one in model.records if chance.random() < 0.7])
        else:
            model.put(record(chance, chance.randrange(12)))
        assert [model_bold(model, number) for number in RATED] == best_by_hand(model.records)
        numbers = [one.number for one in model.records]
        assert numbers == sorted(set(numbers), reverse=True)


def model_bold(model: RunsModel, number: int) -> list[bool]:
    return [model.index(row, number).data(BEST_ROLE) for row in range(model.rowCount())]


def test_another_runs_cell_is_drawn_anew_when_it_is_the_best_no_more() -> None:
    model, told = RunsModel(), []
    first, second = record(random.Random(0), 1), record(random.Random(0), 2)
    column = next(place for place in RATED if COLUMNS[place].title == "Val. acc.")
    for one, accuracy in ((first, 0.5), (second, 0.4)):
        model.put(_with(one, accuracy))
    model.dataChanged.connect(lambda a, b: told.append((a.row(), b.row(), a.column(), b.column())))
    model.put(_with(second, 0.6))
    assert {(0, 0, column, column), (1, 1, column, column)} <= set(told)


def _with(one: RunRecord, accuracy: float) -> RunRecord:
    return replace(one, val_accuracy=accuracy, trained_on="digits")


def tip(one: RunRecord, title: str) -> str:
    model = RunsModel()
    model.put(one)
    place = next(place for place, column in enumerate(COLUMNS) if column.title == title)
    return str(model.data(model.index(0, place), Qt.ItemDataRole.ToolTipRole)).replace("\N{NO-BREAK SPACE}", " ")


def test_the_tooltips_of_a_repeat_say_its_spread_as_the_cells_say_its_mean() -> None:
    repeat = Repeated((1, 2), 2, val_accuracy=Spread(0.913, 0.002, 2), val_r2=Spread(0.984, 0.007, 2))
    one = RunRecord(Path("/runs/1"), 1, "a", "finished", 4, 4, val_accuracy=0.913, val_r2=0.984, repeat=repeat)
    assert tip(one, "Val. acc.") == "Over the seeds: 91.3 ± 0.2 % (n = 2)"
    assert tip(one, "Val. R²") == "Over the seeds: 0.984 ± 0.007 (n = 2)"


def test_the_result_of_a_repeat_that_predicts_a_number_is_said_by_r2() -> None:
    repeat = Repeated((1, 2), 2, val_loss=Spread(2.7e8, 1.2e8, 2), test_r2=Spread(0.983, 0.004, 2))
    repeat = replace(repeat, val_r2=Spread(0.984, 0.007, 2))
    one = RunRecord(Path("/runs/1"), 1, "a", "finished", 4, 4, repeat=repeat)
    said = figures_sentence(one).replace("\N{NO-BREAK SPACE}", " ")
    assert said == "Validation R² 0.984 ± 0.007 (n = 2), test R² 0.983 ± 0.004 (n = 2)."
