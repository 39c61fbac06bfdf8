"""The rows of the run table: their figures, what differs, names, groups, the search line, and their speed."""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Data
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS
from dnnstudio.core.experiment.paths import set_value
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.transfer import Transfer
from dnnstudio.core.study.list_reading import read_listed
from dnnstudio.core.study.listing import (
    ListedRun,
    difference_words,
    differing,
    grouped,
    settings_of,
    task_of,
    with_names,
)
from dnnstudio.core.study.query import check_names, parse_query
from dnnstudio.core.study.setting_words import setting_title, setting_value
from dnnstudio.core.workspace.history import write_history
from dnnstudio.core.workspace.remarks import read_remarks, write_remarks
from dnnstudio.core.workspace.runs import RunRecord, Spread

from .test_repeat_record import store

DIGITS = load_recipe("digits").experiment
BETAS = ((0.9, 5), (0.95, 6), (0.99, 7))


def made(
    number: int, values: dict[str, Any], *, seed: int = 1, best: float = 0.9, base: Experiment = DIGITS
) -> ListedRun:
    """A row that lies on no disk."""
    experiment = base.replaced(seed=seed)
    for path, value in values.items():
        experiment = set_value(experiment, path, value)
    record = RunRecord(
        folder=Path(f"/runs/{number:04d}"),
        number=number,
        name=experiment.name,
        status="finished",
        epochs_done=20,
        epochs_planned=20,
        seconds=2.0,
        val_accuracy=best,
        when=float(number),
    )
    return ListedRun(
        record=record,
        task=task_of(experiment),
        seed=seed,
        settings=settings_of(experiment),
        figure="accuracy",
        best=Spread(best, None, 1),
        last=Spread(best - 0.01, None, 1),
        test=None,
        remarks=read_remarks(Path("/nowhere")),
        folders=(record.folder,),
        name=record.name,
    )


def test_a_row_has_the_best_and_the_last_epochs_figure(tmp_path: Path) -> None:
    folder = tmp_path / "0007 Digits"
    folder.mkdir()
    codec.save(DIGITS, folder / "experiment.json")
    rows = [
        {"epoch": float(n), "loss": 1.0, "val_loss": 1.0, "val_accuracy": a} for n, a in ((1, 0.8), (2, 0.93), (3, 0.9))
    ]
    write_history(folder / "history.csv", rows)
    (folder / "metrics.json").write_text(json.dumps({"reason": "finished", "test": {"loss": 0.2, "accuracy": 0.88}}))
    write_remarks(folder, note="the good one", star=True)
    row = read_listed(folder)
    assert (row.figure, row.best, row.last) == ("accuracy", Spread(0.93, None, 1), Spread(0.9, None, 1))
    assert row.test == Spread(0.88, None, 1)
    assert (row.remarks.note, row.remarks.star) == ("the good one", True)
    assert row.higher_is_better


def test_a_start_that_two_runs_name_from_two_folders_is_one(tmp_path: Path) -> None:
    """A run names its source from beside it, one of a comparison by the whole path."""
    place = tmp_path / "runs" / "0006 Task A"
    rows = []
    for seed, folder, source in (
        (1, tmp_path / "runs" / "0008 B", "../0006 Task A"),
        (2, tmp_path / "comparisons" / "0001" / "2", str(place)),
    ):
        folder.mkdir(parents=True)
        codec.save(DIGITS.replaced(seed=seed, transfer=Transfer(source=source)), folder / "experiment.json")
        write_history(folder / "history.csv", [{"epoch": 1.0, "loss": 1.0}])
        (folder / "metrics.json").write_text(json.dumps({"reason": "finished"}))
        rows.append(read_listed(folder))
    assert {row.settings["transfer.source"] for row in rows} == {str(place)}
    assert differing(rows) == () and len(grouped(rows)) == 1
    assert setting_value("transfer.source", str(place)) == "0006 Task A"


def test_a_repeat_unfolds_into_its_members(tmp_path: Path) -> None:
    row = read_listed(store(tmp_path / "0003 Digits", {1: 0.9, 2: 0.94, 3: 0.92}))
    assert row.best == Spread(statistics.mean((0.9, 0.94, 0.92)), statistics.stdev((0.9, 0.94, 0.92)), 3)
    assert [member.name for member in row.members] == ["seed 1", "seed 2", "seed 3"]
    assert [member.best.mean for member in row.members if member.best] == [0.9, 0.94, 0.92]


def test_what_differs_is_compared_within_a_task() -> None:
    wine = made(9, {"optimizer.learning_rate": 0.7, "data.source": {"kind": "mnist"}})
    first, second = made(1, {}), made(2, {"optimizer.learning_rate": 0.01, "layers.dense_1.units": 32})
    assert differing([first, wine]) == ()
    assert set(differing([first, second, wine])) == {"optimizer.learning_rate", "layers.dense_1.units"}
    assert differing([first, made(3, {}, seed=5)]) == ()


def test_a_name_says_what_it_is_and_what_changed() -> None:
    rows = with_names([made(1, {}), made(2, {"optimizer.learning_rate": 0.01}), made(3, {"layers.dense_1.units": 32})])
    assert [row.name for row in rows] == [
        "First digits: learning rate 0.05, units 128",
        "First digits: learning rate 0.01, units 128",
        "First digits: learning rate 0.05, units 32",
    ]
    assert with_names([made(1, {})])[0].name == "First digits"


def test_what_a_person_asks_for_first_is_told_before_rare_numbers() -> None:
    adam = [{"optimizer": {"kind": "adam", "beta_2": beta}, "training.epochs": epochs} for beta, epochs in BETAS]
    rows = [
        made(1, adam[0]),
        made(2, adam[1] | {"layers.dense_1.units": 32}),
        made(3, adam[2] | {"training.batch_size": 64}),
    ]
    paths = ["training.batch_size", "layers.dense_1.units", "training.epochs", "optimizer.beta_2"]
    assert list(differing(rows)) == paths
    assert [row.name for row in with_names(rows)] == [
        "First digits: batch size 32, units 128, epochs 5",
        "First digits: batch size 32, units 32, epochs 6",
        "First digits: batch size 64, units 128, epochs 7",
    ]
    told = [title for title, _, _ in difference_words(rows[1], rows[2])]
    assert told == ["Batch size", "dense_1 units", "Epochs", "Beta 2"]


def test_runs_with_other_layers_are_told_apart_by_how_many_and_by_the_optimizer() -> None:
    shallow = DIGITS.replaced(layers=tuple(layer for layer in DIGITS.layers if layer.id != "dense_2"))
    rows = with_names([made(1, {}), made(2, {"optimizer": {"kind": "adam"}}, base=shallow)])
    assert [row.name for row in rows] == [
        "First digits: 4 layers, SGD, learning rate 0.05",
        "First digits: 3 layers, Adam, learning rate 0.001",
    ]


def test_titles_of_settings() -> None:
    assert setting_title("optimizer.learning_rate") == "Learning rate"
    assert setting_title("optimizer.kind") == "Optimizer"
    assert setting_title("layers.dense_1.units") == "dense_1 units"
    assert setting_title("layers.dense_1.kernel_regularizer.l2") == "dense_1 L2"
    assert setting_title("layers.dense_1.kind") == "dense_1"
    assert setting_title("a_path.of_no_field") == "Of no field"  # a version that is to come may have it


def test_a_setting_is_called_what_its_form_calls_it() -> None:
    for part, kinds in {"optimizer": OPTIMIZER_KINDS.values(), "training": (Training,), "data": (Data,)}.items():
        for kind in kinds:
            for name, field in kind.model_fields.items():
                if name != "kind" and field.title:
                    title = setting_title(f"{part}.{name}")
                    assert title in {other.model_fields[name].title for other in kinds if name in other.model_fields}


def test_runs_alike_but_for_the_seed_are_one_row() -> None:
    rows = [made(1, {}, seed=3, best=0.9), made(2, {"training.epochs": 5}), made(3, {}, seed=1, best=0.94)]
    together = grouped(rows)
    assert len(together) == 2
    assert [member.seed for member in together[0].members] == [1, 3]
    assert together[0].best == Spread(statistics.mean((0.9, 0.94)), statistics.stdev((0.9, 0.94)), 2)
    assert together[0].folders == (Path("/runs/0003"), Path("/runs/0001"))
    assert together[0].record.seconds == 4.0
    assert together[1].members == ()


def test_a_seed_that_was_trained_twice_counts_once() -> None:
    """The same seed has the same chance: its second run is no second observation."""
    rows = [made(1, {}, seed=3, best=0.9), made(2, {}, seed=3, best=0.92), made(3, {}, seed=1, best=0.94)]
    rows = [replace(row, record=replace(row.record, when=float(row.record.number))) for row in rows]
    (together,) = grouped(rows)
    assert [member.name for member in together.members] == ["seed 1", "seed 3, run 1", "seed 3, run 2"]
    assert [member.record.number for member in together.counted] == [3, 2]
    assert together.best == Spread(statistics.mean((0.94, 0.92)), statistics.stdev((0.94, 0.92)), 2)
    (twice,) = grouped(rows[:2])
    assert twice.best == Spread(0.92, None, 1)


def test_the_difference_of_two_rows() -> None:
    words = difference_words(made(1, {}, seed=1), made(2, {"optimizer.learning_rate": 0.01}, seed=2))
    assert words == [("Learning rate", "0.05", "0.01"), ("Seed", "1", "2")]


# --------------------------------------------------------------------------------------------------------- search


def found(text: str, *rows: ListedRun) -> list[int]:
    query = parse_query(text)
    check_names(query, rows)
    return [row.record.number for row in rows if query.matches(row)]


ROWS = (
    made(1, {}, best=0.95),
    made(2, {"optimizer": {"kind": "adam"}, "layers.dense_1.units": 32}, best=0.89),
    made(3, {"optimizer.learning_rate": 0.001}, best=0.91),
)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [1, 2, 3]),
        ("val_accuracy > 0.9", [1, 3]),
        ("val_accuracy>90%", [1, 3]),
        ("val_accuracy >= 0.95", [1]),
        ("adam", [2]),
        ("optimizer = adam", [2]),
        ("optimizer != Adam", [1, 3]),
        ("units = 32", [2]),
        ("layers.dense_1.units < 64", [2]),
        ("learning_rate < 0.01 dense", [2, 3]),
        ("val_accuracy > 0.9 adam", []),
        ('"first digits"', [1, 2, 3]),
        ("nesterov = on", [1, 3]),
        ("number = 2", [2]),
        ("is:star", []),
    ],
)
def test_the_search_line(text: str, numbers: list[int]) -> None:
    assert found(text, *ROWS) == numbers


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("val_acuracy > 0.9", "No run has a figure or setting called val_acuracy."),
        ("val_accuracy >", '"val_accuracy >" lacks a value.'),
        ("optimizer > adam", '"optimizer > adam" compares with a word.'),
    ],
)
def test_a_wrong_search_is_told_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        found(text, *ROWS)
    assert caught.value.message == said


# -------------------------------------------------------------------------------------------------------- remarks


def test_a_note_and_a_star_are_kept_apart(tmp_path: Path) -> None:
    write_remarks(tmp_path, note="  first  ")
    write_remarks(tmp_path, star=True)
    assert (read_remarks(tmp_path).note, read_remarks(tmp_path).star) == ("first", True)
    write_remarks(tmp_path, note="")
    assert (read_remarks(tmp_path).note, read_remarks(tmp_path).star) == ("", True)


def test_a_damaged_note_is_refused_and_does_not_hide_the_run(tmp_path: Path) -> None:
    folder = store(tmp_path / "e", {1: 0.9})
    (folder / "remarks.json").write_text('{"note": 3}')
    with pytest.raises(UserError, match="damaged"):
        write_remarks(folder, star=True)
    assert read_listed(folder).remarks.note == ""
    with pytest.raises(UserError, match="at most 10,000"):
        write_remarks(tmp_path, note="x" * 10_001)


# ---------------------------------------------------------------------------------------------------------- speed


def many(count: int) -> list[ListedRun]:
    draw = random.Random(1)
    bases = [
        made(0, {"optimizer.learning_rate": rate, "layers.dense_1.units": units})
        for rate in (0.1, 0.03, 0.01, 0.003)
        for units in (16, 32, 64, 128)
    ]
    rows = []
    for number in range(1, count + 1):
        base = draw.choice(bases)
        changed = {"number": number, "folder": Path(f"/runs/{number:04d}"), "when": float(number)}
        rows.append(_changed(base, changed, draw.uniform(0.5, 1)))
    return rows


def _changed(row: ListedRun, changed: dict[str, Any], best: float) -> ListedRun:
    record = replace(row.record, **changed)
    return replace(row, record=record, best=Spread(best, None, 1), folders=(record.folder,), seed=changed["number"])


def seconds_of(deed: Callable[[], object]) -> float:
    """Of this thread's own time: other programs of a busy machine do not count."""
    started = time.thread_time()
    deed()
    return time.thread_time() - started


@pytest.mark.parametrize("what", ["filter", "group", "names"])
def test_a_thousand_runs_take_less_than_a_tenth_of_a_second(what: str, record_property: Any) -> None:
    rows = many(1000)
    query = parse_query("val_accuracy > 0.9 dense")
    deeds: dict[str, Callable[[], object]] = {
        "filter": lambda: [check_names(query, rows), [row for row in rows if query.matches(row)]],
        "group": lambda: grouped(rows),
        "names": lambda: with_names(rows),
    }
    taken = min(seconds_of(deeds[what]) for _ in range(3))
    record_property("measured", f"{what} 1,000 runs: {taken * 1000:.0f} ms")
    assert taken < 0.1


def test_the_kind_of_a_setting_has_the_name_of_its_form() -> None:
    assert setting_value("optimizer.kind", "sgd") == "SGD" and setting_value("optimizer.kind", "adam") == "Adam"
    assert setting_value("layers.drop_1.kind", "dropout") == "Dropout"
    assert setting_value("optimizer.kind", "of a later version") == "of a later version"
    assert [setting_value("training.shuffle", value) for value in (1.0, True, None)] == ["1", "on", "–"]
