"""New rows of tables: answered as the run's own rows, whatever the order of their columns, and named where they do not
fit."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Data, FirstRows, Table
from dnnstudio.core.experiment.data.sources.table import Column
from dnnstudio.core.experiment.layers import Dense, Dropout
from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.jobs.answers import Answer
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import PredictFiles, SampleModel, TrainRun
from dnnstudio.core.uncertainty.conformal import calibration_split
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.data.preparation import Preparation
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.new_rows import read_new_rows
from dnnstudio.engine.predicting.predict import Predictions, predict
from dnnstudio.engine.reuse.loaded_model import read_model_at
from dnnstudio.engine.sampling.mc_dropout import Sampler
from dnnstudio.engine.session import Session

HEAD = ["age", "city", "member", "joined", "price"]


def rows_of(count: int) -> list[list[str]]:
    """People whose price depends on their age and city."""
    random = np.random.default_rng(1)
    found = []
    for number in range(count):
        age, city = int(random.integers(18, 80)), ("Bern", "Köln", "Wien")[number % 3]
        member, day = ("no", "yes")[number % 2], f"2024-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
        found.append([str(age), city, member, day, f"{age * 2 + 30 * (number % 3) + random.normal():.3f}"])
    return found


def write(path: Path, head: list[str], rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("table") / "people.csv", HEAD, rows_of(200))


@pytest.fixture(scope="module")
def run(table: Path) -> Path:
    """A run that predicts the price."""
    source = Table(
        path=str(table),
        target="number",
        columns=(
            Column(name="age", missing="median"),
            Column(name="city", kind="category"),
            Column(name="member", kind="yes_no"),
            Column(name="joined", kind="date"),
            Column(name="price", role="target"),
        ),
    )
    experiment = Experiment(
        data=Data(source=source, scaling="standardize", validation=FirstRows(count=60)),
        layers=(Dense(id="hidden", units=8, activation="relu"), Dropout(id="drop", rate=0.2), Dense(id="out", units=1)),
        optimizer=SGD(learning_rate=1e-4),
        training=Training(epochs=2, batch_size=16),
    )
    folder = table.parent / "run"
    Session().run(TrainRun(experiment=experiment, folder=folder), Control(), lambda event: None)
    return folder


def answers(run: Path, *inputs: Path, **options: Any) -> list[Answer]:
    return list(predict(run, inputs, **options).answers)


def test_a_tables_own_rows_are_answered_as_keras_answers_the_prepared_ones(run: Path, table: Path) -> None:
    live = read_model_at(run)
    whole = load_dataset(live.experiment.data, seed=live.experiment.seed)
    said = {round(answer.prediction, 3) for answer in answers(run, table) if isinstance(answer.prediction, float)}
    wanted = live.model.predict(whole.test.x, verbose=0)[:, 0]
    assert {round(float(value), 3) for value in wanted} <= said


def test_columns_may_come_in_another_order_and_without_the_target(run: Path, table: Path, tmp_path: Path) -> None:
    rows = rows_of(200)
    order = [3, 1, 0, 2]
    turned = write(tmp_path / "new.csv", [HEAD[i] for i in order], [[row[i] for i in order] for row in rows])
    given, other = answers(run, table), answers(run, turned)
    assert [answer.prediction for answer in other] == [answer.prediction for answer in given]
    assert [answer.row for answer in other] == list(range(1, 201))


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("age", "old", 'new.csv, line 3: Column "age" holds "old", which is not a number.'),
        ("city", "Rom", 'new.csv, line 3: Column "city" holds "Rom", which no training row had.'),
        ("member", "perhaps", 'new.csv, line 3: Column "member" holds "perhaps", which is not yes or no.'),
        ("joined", "spring", 'new.csv, line 3: Column "joined" holds "spring", which is not a date.'),
        ("city", "", 'new.csv, line 3: Column "city" is empty.'),
    ],
)
def test_a_cell_that_does_not_fit_is_an_error_of_its_row_alone(
    run: Path, tmp_path: Path, column: str, cell: str, said: str
) -> None:
    rows = rows_of(4)
    good = [answer.prediction for answer in answers(run, write(tmp_path / "good.csv", HEAD, rows))]
    rows[1][HEAD.index(column)] = cell
    found = answers(run, write(tmp_path / "new.csv", HEAD, rows))
    assert [answer.error for answer in found] == ["", said, "", ""]
    assert [answer.prediction for answer in found] == [good[0], None, good[2], good[3]]


def test_a_missing_column_refuses_the_file_and_the_next_one_is_answered(run: Path, table: Path, tmp_path: Path) -> None:
    short = write(tmp_path / "short.csv", ["age", "citty", "member", "joined"], [row[:4] for row in rows_of(3)])
    first, *rest = answers(run, short, table)
    assert first.row is None and first.source == str(short)
    assert first.error.startswith('short.csv has no column "city"') and 'Did you rename it to "citty"?' in first.error
    assert len(rest) == 200 and not any(answer.error for answer in rest)


def test_intervals_have_the_width_that_half_of_the_validation_rows_ask_for(run: Path, table: Path) -> None:
    live = read_model_at(run)
    held = load_dataset(live.experiment.data, seed=live.experiment.seed).validation
    half = calibration_split(len(held), seed=live.experiment.seed).calibration
    said = live.model.predict(held.x[half], verbose=0)[:, 0].astype(np.float64)
    misses = np.sort(np.abs(held.y[half].astype(np.float64) - said))
    width = misses[int(np.ceil((len(half) + 1) * 0.9)) - 1]
    found: Predictions = predict(run, (table,), coverage=0.9)
    for answer in found.answers:
        assert isinstance(answer.prediction, float) and answer.low is not None and answer.high is not None
        assert answer.high - answer.prediction == pytest.approx(width, abs=1e-4)
        assert answer.prediction - answer.low == pytest.approx(width, abs=1e-4)
    assert found.notes == ["The coverage is calibrated on 30 rows, half of the validation rows."]


def test_passes_of_a_number_give_mean_and_spread(run: Path, table: Path) -> None:
    found = predict(run, (table,), samples=5, seed=3)
    assert list(found.table.columns) == ["source", "row", "prediction", "std", "error"]
    given = list(found.answers)
    live = read_model_at(run)
    kept = Preparation.load(run / "preparation.json")
    assert isinstance(live.experiment.data.source, Table)
    rows = kept.apply(read_new_rows(live.experiment.data.source, kept, table, Watch()).x)
    passes = np.stack([one[:, -1] for one in Sampler(live.model).passes(rows, 0, 5, seed=3)]).astype(np.float64)
    np.testing.assert_allclose([answer.prediction for answer in given], passes.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose([answer.std for answer in given], passes.std(axis=0), rtol=1e-6)


def test_a_line_that_is_no_row_is_an_error_in_its_place_and_shifts_no_number(run: Path, tmp_path: Path) -> None:
    rows = rows_of(6)
    lines = [",".join(HEAD), *(",".join(row) for row in rows)]
    lines[3] = "31,Bern"
    path = tmp_path / "new.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    answers = list(predict(run, [path]).answers)
    assert [answer.row for answer in answers] == [1, 2, 3, 4, 5, 6]
    assert [bool(answer.error) for answer in answers] == [False, False, True, False, False, False]
    assert answers[2].error == "new.csv, line 4: It has not as many cells as the other lines."
    whole = list(predict(run, [write(tmp_path / "whole.csv", HEAD, rows)]).answers)
    assert [answer.prediction for answer in answers[3:]] == [answer.prediction for answer in whole[3:]]


def test_rows_behind_a_part_that_cannot_be_read_are_said_not_to_be_answered(run: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "long.csv", HEAD, rows_of(200) * 150)
    with path.open("ab") as file:
        file.write(b"31,Bern,yes,2024-01-01,5\0\n")
    *answered, last = predict(run, [path]).answers
    assert {answer.error for answer in answered} == {""} and 0 < len(answered) < 30_000
    assert last.error.endswith(f"The rows of long.csv from row {len(answered) + 1:,} on are not answered.")


def test_answers_are_not_written_over_their_own_rows(run: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "new.csv", HEAD, rows_of(6))
    before = path.read_bytes()
    for inputs in ((path,), (tmp_path,)):
        job = PredictFiles(model=run, inputs=inputs, out=path)
        with pytest.raises(UserError, match=r"new\.csv (is|lies in .*) one of the inputs, and would be written over"):
            Session().run(job, Control(), lambda event: None)
    assert path.read_bytes() == before


def test_no_coverage_is_promised_on_data_that_changed_since_the_training(run: Path, table: Path) -> None:
    before = table.read_bytes()
    try:
        write(table, HEAD, rows_of(200)[::-1])
        with pytest.raises(UserError, match="The data of this run changed since it was trained"):
            predict(run, [table], coverage=0.9)
    finally:
        table.write_bytes(before)
    assert list(predict(run, [table], coverage=0.9).answers)


def test_looking_at_rows_that_changed_since_the_training_says_so(run: Path, table: Path) -> None:
    experiment = codec.load(run / "experiment.json")
    job = SampleModel(model=run, experiment=experiment, passes=2)
    before = table.read_bytes()
    try:
        assert Session().run(job, Control(), lambda event: None).rows.title == "test part"
        write(table, HEAD, rows_of(200)[::-1])
        found = Session().run(job, Control(), lambda event: None)
    finally:
        table.write_bytes(before)
    assert found.rows.title == "test part of data that changed since the training"
