"""The window's jobs answer as the command does, and keep what is needed to look at one case."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import Data, Npz
from dnnstudio.core.experiment.data.sources.table import Column, Table
from dnnstudio.core.experiment.layers import Dense, Dropout, Flatten
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.jobs.answers import Answer, AnswerTable
from dnnstudio.core.jobs.cases import (
    AnswerCalibration,
    AnswerCases,
    AnsweredCases,
    Answering,
    AnswerRow,
    AnswerRows,
    AnswersCame,
    CalibrateAnswers,
    CopyPictures,
    DescribeNetwork,
    NetworkFacts,
    ReversedPictures,
    SaveAnswers,
)
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import Job, OpenModel, PredictFiles, TrainRun
from dnnstudio.core.uncertainty.conformal import Promise, calibrate_sets, score_classes
from dnnstudio.core.uncertainty.set_kinds import SetKind
from dnnstudio.engine.data.preparation import Preparation
from dnnstudio.engine.predicting.predict import predict
from dnnstudio.engine.reuse.loaded_model import read_model_at
from dnnstudio.engine.session import Session

SIDE, CLASSES = 6, 3
Ask = Callable[[Job], Any]


def as_pictures(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8)


@pytest.fixture(scope="module")
def session() -> Session:
    return Session()


@pytest.fixture(scope="module")
def ask(session: Session) -> Ask:
    return lambda job: session.run(job, Control(), lambda event: None)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with dropout on small pictures, standardized."""
    folder = tmp_path_factory.mktemp("pictures")
    np.savez(folder / "rows.npz", x_train=as_pictures(240, 0), y_train=np.arange(240) % CLASSES)
    experiment = Experiment(
        data=Data(source=Npz(path=str(folder / "rows.npz"))),
        layers=(
            Flatten(id="flat"),
            Dense(id="hidden", units=8, activation="relu"),
            Dropout(id="drop", rate=0.4),
            Dense(id="out", units=CLASSES, activation="softmax"),
        ),
        training=Training(epochs=1, batch_size=40),
    )
    Session().run(TrainRun(experiment=experiment, folder=folder / "run"), Control(), lambda event: None)
    return folder / "run"


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five pictures as files, the third of them cut off."""
    folder = tmp_path_factory.mktemp("new")
    for number, picture in enumerate(as_pictures(5, 1)):
        Image.fromarray(picture).save(folder / f"{number}.png")
    whole = (folder / "2.png").read_bytes()
    (folder / "2.png").write_bytes(whole[: len(whole) // 2])
    return folder


@pytest.fixture(scope="module")
def table_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network on a table with a number, a category, yes or no, and a date."""
    folder = tmp_path_factory.mktemp("table")
    random = np.random.default_rng(4)
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("size", "color", "new", "day", "kind"))
        for number in range(120):
            size, color = round(float(random.uniform(2, 9)), 2), ("red", "blue", "green")[number % 3]
            rows.writerow((size, color, ("yes", "no")[number % 2], f"2024-01-{1 + number % 28:02d}", "ab"[number % 2]))
    columns = (
        Column(name="size", kind="number"),
        Column(name="color", kind="category"),
        Column(name="new", kind="yes_no"),
        Column(name="day", kind="date"),
        Column(name="kind", kind="category", role="target"),
    )
    experiment = Experiment(
        data=Data(source=Table(path=str(folder / "rows.csv"), columns=columns, target="classes")),
        layers=(Dense(id="hidden", units=6, activation="relu"), Dense(id="out", units=2, activation="softmax")),
        training=Training(epochs=1, batch_size=30),
    )
    Session().run(TrainRun(experiment=experiment, folder=folder / "run"), Control(), lambda event: None)
    return folder / "run"


def answered(session: Session, job: AnswerCases) -> tuple[list[AnswerRows], AnsweredCases]:
    events: list[Any] = []
    result = session.run(job, Control(), events.append)
    return [event.rows for event in events if isinstance(event, AnswersCame)], result


def test_the_window_is_answered_as_the_command_is(session: Session, run: Path, new: Path) -> None:
    blocks, result = answered(session, AnswerCases(by=Answering(model=run, samples=20), inputs=(new,)))
    (rows,) = blocks
    reference = list(predict(run, [new], samples=20).answers)
    assert (result.answered, result.failed) == (4, 1)
    assert [Path(source).name for source in rows.sources] == [f"{number}.png" for number in range(5)]
    assert rows.errors[2] == "2.png: damaged or cut off."
    assert np.isnan(rows.values[2]).all()
    assert rows.mutual_information is not None
    for row, answer in enumerate(reference):
        if row != 2:
            assert tuple(rows.values[row].tolist()) == answer.probabilities
            assert rows.mutual_information[row] == answer.mutual_information


def test_passes_and_dropout_off_are_kept_for_looking(session: Session, run: Path, new: Path) -> None:
    ((rows,), _) = answered(session, AnswerCases(by=Answering(model=run, samples=20), inputs=(new,)))
    assert rows.passes is not None and rows.top is not None and rows.votes is not None and rows.off is not None
    live = read_model_at(run)
    kept = json.loads((run / "preparation.json").read_text())
    picture = (as_pictures(5, 1)[:1] - np.reshape(kept["mean"]["values"], kept["mean"]["shape"])) / np.reshape(
        kept["std"]["values"], kept["std"]["shape"]
    )
    expected = np.asarray(live.model(picture.astype(np.float32), training=False))[0]
    np.testing.assert_allclose(rows.off[0], expected, atol=1e-6)
    by_class = rows.values[0][rows.top[0]]
    np.testing.assert_allclose(rows.passes[0].mean(axis=0), by_class, atol=1e-6)
    assert by_class.tolist() == sorted(by_class, reverse=True)
    assert rows.votes[0].sum() == 20
    firsts = rows.top[0][rows.passes[0].argmax(axis=1)]
    assert rows.votes[0].tolist() == [int((firsts == number).sum()) for number in rows.top[0]]
    assert rows.pictures is not None
    np.testing.assert_array_equal(rows.pictures[0], as_pictures(5, 1)[0])


def test_what_is_kept_for_looking_has_a_limit(
    session: Session, run: Path, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnnstudio.engine.predicting.case_rows.KEPT_BYTES", 1)
    blocks, _ = answered(session, AnswerCases(by=Answering(model=run, samples=5), inputs=(new,) * 300))
    assert len(blocks) > 1
    assert blocks[0].passes is not None and blocks[0].pictures is not None
    assert all(block.passes is None and block.pictures is None and block.std is not None for block in blocks[1:])


def test_a_stop_is_heard_between_two_cases(session: Session, run: Path, new: Path) -> None:
    control = Control()
    control.stop()
    with pytest.raises(Cancelled):
        session.run(AnswerCases(by=Answering(model=run), inputs=(new,)), control, lambda event: None)


@pytest.mark.parametrize("kind", SetKind)
def test_the_saved_file_is_that_of_the_command_with_two_more_columns(
    session: Session, ask: Ask, run: Path, new: Path, tmp_path: Path, kind: SetKind
) -> None:
    by = Answering(model=run, samples=10)
    blocks, _ = answered(session, AnswerCases(by=by, inputs=(new,)))
    found: AnswerCalibration = ask(CalibrateAnswers(by=by))
    promise = Promise.of(0.8)
    scores = score_classes(found.values, method=kind.method)
    sets = calibrate_sets(scores, found.truth, promise=promise, by_class=kind.by_class)
    table = AnswerTable(("0", "1", "2"), passes=True, coverage=True, referrals=True, corrections=True)
    referred = np.array([True, False, False, False, True])
    own, other = tmp_path / "own.json", tmp_path / "other.json"
    ask(
        SaveAnswers(
            blocks=tuple(blocks), table=table, path=own, calibration=sets, referred=referred, corrected={3: "2"}
        )
    )
    ask(PredictFiles(model=run, inputs=(new,), out=other, samples=10, coverage=0.8, sets=kind.value))
    mine, theirs = json.loads(own.read_text()), json.loads(other.read_text())
    assert [row.pop("ask_a_person") for row in mine] == ["yes", "no", "no", "no", "yes"]
    assert [row.pop("corrected") for row in mine] == [None, None, None, "2", None]
    assert mine == theirs
    assert found.note.startswith("The coverage is calibrated on ")


def test_pictures_are_copied_by_answer_and_nothing_is_written_over(ask: Ask, new: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "a b").mkdir(parents=True)
    (tmp_path / "out" / "a b" / "0.png").write_text("mine", encoding="utf-8")
    pictures = ((new / "0.png", "a/b"), (new / "1.png", "c"), (new / "gone.png", "c"))
    result = ask(CopyPictures(pictures=pictures, folder=tmp_path / "out"))
    assert result.copied == 2
    assert [path.name for path, _ in result.refused] == ["gone.png"]
    assert (tmp_path / "out" / "a b" / "0.png").read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "out" / "a b" / "0-2.png").read_bytes() == (new / "0.png").read_bytes()
    assert sorted(path.name for path in (tmp_path / "out" / "c").iterdir()) == ["1.png"]


def test_a_table_s_columns_are_described_with_their_training_range(ask: Ask, table_run: Path) -> None:
    facts: NetworkFacts = ask(DescribeNetwork(by=Answering(model=table_run)))
    size, color, new, day = facts.columns
    live = read_model_at(table_run)
    from dnnstudio.engine.data import load_dataset

    dataset = load_dataset(live.experiment.data, seed=live.experiment.seed)
    preparation = dataset.scaler
    assert isinstance(preparation, Preparation)
    sizes = preparation.invert(np.asarray(dataset.train.x))[:, 0]
    assert (size.kind, color.kind, new.kind, day.kind) == ("number", "category", "yes_no", "date")
    assert (size.low, size.high) == (pytest.approx(sizes.min()), pytest.approx(sizes.max()))
    assert color.categories == ("blue", "green", "red")
    assert (day.low, day.high) == (19723.0, 19750.0)  # the first and the 28th of January 2024
    assert (facts.tables, facts.pictures, facts.random, facts.target) == (True, False, False, "kind")


def test_a_typed_row_is_answered_as_the_same_row_of_a_file(
    session: Session, ask: Ask, table_run: Path, tmp_path: Path
) -> None:
    (tmp_path / "one.csv").write_text("day,new,color,size\n2024-01-09,no,green,5.5\n", encoding="utf-8")
    by = Answering(model=table_run)
    ((from_file,), _) = answered(session, AnswerCases(by=by, inputs=(tmp_path / "one.csv",)))
    assert from_file.cells is not None
    assert from_file.cells[0].tolist() == [5.5, 1.0, 0.0, 19731.0]
    typed: AnswerRows = ask(AnswerRow(by=by, values=(5.5, 1.0, 0.0, 19731.0)))
    np.testing.assert_array_equal(typed.values, from_file.values)
    with pytest.raises(UserError, match="The row has 2 values; the network reads 4"):
        ask(AnswerRow(by=by, values=(1.0, 2.0)))


def test_a_network_that_was_trained_anew_is_read_anew(ask: Ask, table_run: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(table_run, folder)
    by = Answering(model=folder)
    before: AnswerRows = ask(AnswerRow(by=by, values=(5.5, 1.0, 0.0, 19731.0)))
    experiment = read_model_at(folder).experiment.replaced(seed=99)
    shutil.rmtree(folder)
    ask(TrainRun(experiment=experiment, folder=folder))
    after: AnswerRows = ask(AnswerRow(by=by, values=(5.5, 1.0, 0.0, 19731.0)))
    assert not np.array_equal(before.values, after.values)


def test_an_opened_model_is_asked_by_its_id(session: Session, ask: Ask, run: Path, new: Path) -> None:
    opened = ask(OpenModel(path=run / "model.keras"))
    ((by_id,), _) = answered(session, AnswerCases(by=Answering(model=opened.model), inputs=(new,)))
    ((by_path,), _) = answered(session, AnswerCases(by=Answering(model=run), inputs=(new,)))
    np.testing.assert_array_equal(by_id.values, by_path.values)


MIXED = "size,color,new,day,shop\n5.5,green,no,2024-01-09,A\n6.25,purple,yes,2024-01-10,B\n4.0,blue,yes,2024-01-11,C\n"
OWN_CELLS = [
    {"size": 5.5, "color": "green", "new": "no", "day": "2024-01-09"},
    {"size": None, "color": None, "new": None, "day": None},
    {"size": 4.0, "color": "blue", "new": "yes", "day": "2024-01-11"},
]


@pytest.mark.parametrize("ending", [".csv", ".json", ".parquet"])
def test_saved_answers_stand_beside_the_columns_that_the_network_read(
    session: Session, ask: Ask, table_run: Path, tmp_path: Path, ending: str
) -> None:
    (tmp_path / "rows.csv").write_text(MIXED, encoding="utf-8")
    by = Answering(model=table_run)
    facts: NetworkFacts = ask(DescribeNetwork(by=by))
    blocks, _ = answered(session, AnswerCases(by=by, inputs=(tmp_path / "rows.csv",)))
    inputs = tuple((column.name, column.cell_type) for column in facts.columns)
    table = AnswerTable(facts.classes, referrals=True, inputs=inputs)
    referred = np.array([False, False, True])
    job = SaveAnswers(
        blocks=tuple(blocks), table=table, path=tmp_path / f"own{ending}", referred=referred, inputs=facts.columns
    )
    assert ask(job).without_inputs == 0
    rows = read_rows(job.path)
    assert [row["ask_a_person"] for row in rows] == ["no", "no", "yes"]
    assert [{name: row[name] for name in OWN_CELLS[0]} for row in rows] == OWN_CELLS
    command = tmp_path / f"command{ending}"
    ask(PredictFiles(model=table_run, inputs=(tmp_path / "rows.csv",), out=command, columns=True))
    assert [{name: row[name] for name in OWN_CELLS[0]} for row in read_rows(command)] == OWN_CELLS


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of answers, read by polars; an empty cell is None."""
    match path.suffix:
        case ".csv":
            return pl.read_csv(path).to_dicts()
        case ".json":
            return list(json.loads(path.read_text(encoding="utf-8")))
    return pl.read_parquet(path).to_dicts()


def test_rows_whose_columns_were_not_kept_are_counted(
    session: Session, ask: Ask, table_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.csv").write_text("size,color,new,day\n" + "5.5,green,no,2024-01-09\n" * 1500, encoding="utf-8")
    monkeypatch.setattr("dnnstudio.engine.predicting.case_rows.KEPT_BYTES", 1)
    by = Answering(model=table_run)
    facts: NetworkFacts = ask(DescribeNetwork(by=by))
    blocks, _ = answered(session, AnswerCases(by=by, inputs=(tmp_path / "rows.csv",)))
    table = AnswerTable(facts.classes, inputs=tuple((column.name, column.cell_type) for column in facts.columns))
    job = SaveAnswers(blocks=tuple(blocks), table=table, path=tmp_path / "own.json", inputs=facts.columns)
    assert ask(job).without_inputs == 1500 - len(blocks[0]) > 0


def test_a_column_of_the_person_s_own_does_not_hide_one_of_the_answers() -> None:
    table = AnswerTable((), inputs=(("prediction", str), ("input:prediction", float), ("row", float), ("age", float)))
    answer = Answer(source="t.csv", row=3, prediction=1.5, given=("old", 2.5, 7.0, 30.0))
    assert table.cells(answer) == {
        "source": "t.csv",
        "row": 3,
        "prediction": 1.5,
        "error": None,
        "input:input:prediction": "old",
        "input:prediction": 2.5,
        "input:row": 7.0,
        "age": 30.0,
    }


def on_a_ground(count: int, *, dark: bool) -> np.ndarray:
    """Pictures whose edges are dark (or light), with noise inside."""
    found = np.full((count, SIDE, SIDE), 12, np.uint8)
    found[:, 1:-1, 1:-1] = np.random.default_rng(3).integers(60, 256, (count, SIDE - 2, SIDE - 2))
    return found if dark else 255 - found


@pytest.fixture(scope="module")
def dark_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dark")
    np.savez(folder / "rows.npz", x_train=on_a_ground(90, dark=True), y_train=np.arange(90) % CLASSES)
    layers = (Flatten(id="flat"), Dense(id="out", units=CLASSES, activation="softmax"))
    source = Npz(path=str(folder / "rows.npz"))
    experiment = Experiment(data=Data(source=source), layers=layers, training=Training(epochs=1, batch_size=30))
    Session().run(TrainRun(experiment=experiment, folder=folder / "run"), Control(), lambda event: None)
    return folder / "run"


def test_dark_on_light_is_told_and_inverted_only_when_asked(
    session: Session, ask: Ask, dark_run: Path, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    dark, light = on_a_ground(2, dark=True), on_a_ground(2, dark=False)
    for number, picture in enumerate((dark[0], light[0], light[1])):
        Image.fromarray(picture).save(tmp_path / "new" / f"{number}.png")
    ((plain,), told) = answered(session, AnswerCases(by=Answering(model=dark_run), inputs=(tmp_path / "new",)))
    by = Answering(model=dark_run, invert=True)
    ((turned,), again) = answered(session, AnswerCases(by=by, inputs=(tmp_path / "new",)))
    assert told.turned == ReversedPictures(2, dark_on_light=True)
    assert again.turned == ReversedPictures(2, dark_on_light=True, inverted=True)
    assert plain.pictures is not None and turned.pictures is not None
    np.testing.assert_array_equal(plain.pictures, [dark[0], light[0], light[1]])
    np.testing.assert_array_equal(turned.pictures, [dark[0], dark[0], dark[1]])
    np.testing.assert_allclose(turned.values[1], plain.values[0], atol=1e-6)
    out = tmp_path / "out.json"
    found = ask(PredictFiles(model=dark_run, inputs=(tmp_path / "new",), out=out))
    assert "2 pictures are dark on light; the network learnt light on dark. Add --invert" in found.notes[-1]
    found = ask(PredictFiles(model=dark_run, inputs=(tmp_path / "new",), out=out, invert=True))
    assert found.notes[-1] == "2 pictures dark on light were inverted."
    assert json.loads(out.read_text(encoding="utf-8"))[1]["probability:0"] == pytest.approx(plain.values[0][0])


def test_pictures_of_16_bits_have_one_white_which_is_said(session: Session, run: Path, tmp_path: Path) -> None:
    """The same pictures with 8 and with 16 bits: the dark one alone would be taken for one of 14 bits."""
    (tmp_path / "deep").mkdir()
    bright, dark = as_pictures(2, 3)
    dark = np.minimum(dark, 60).astype(np.uint8)
    bright[0, 0] = 255
    for number, picture in enumerate((dark, bright)):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
        Image.fromarray(picture.astype(np.uint16) * 257).save(tmp_path / "deep" / f"{number}.png")
    by = Answering(model=run)
    ((eight,), told) = answered(session, AnswerCases(by=by, inputs=(tmp_path / "0.png", tmp_path / "1.png")))
    assert not any("white" in note for note in told.notes)
    ((deep,), told) = answered(session, AnswerCases(by=by, inputs=(tmp_path / "deep",)))
    np.testing.assert_allclose(deep.values, eight.values, atol=1e-6)
    assert (
        "2 pictures of more than 8 bits were read with 65,535 as white, the depth that the brightest of all that were "
        "given fits." in told.notes
    )
    ((alone,), told) = answered(session, AnswerCases(by=by, inputs=(tmp_path / "deep" / "0.png",)))
    assert np.abs(alone.values - eight.values[:1]).max() > 1e-3
    assert any("was read with 16,383 as white" in note for note in told.notes), "it cannot be known, so it is said"
