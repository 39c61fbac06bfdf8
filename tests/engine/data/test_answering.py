"""What a window is told of a person's own data; every figure is counted by hand from the file that is written here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from dnnstudio.core.analysis.checks import find_problems, has_errors
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Idx, Npz, Table
from dnnstudio.core.jobs.proposals import Answer, ColumnChange, ColumnFacts, DataProposal, Reading
from dnnstudio.core.jobs.requests import ProposeData
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.data.answering import propose_data
from dnnstudio.engine.data.tables import files, kept_cells
from dnnstudio.engine.data.tables.findings import _without_midnight
from dnnstudio.engine.data.tables.profile import number_text
from tests.engine.data.conftest import idx_bytes, pictures

CITIES = ("Berlin", "Köln", "Ulm")
ROWS = 120


@pytest.fixture(autouse=True)
def no_cells_kept() -> Iterator[None]:
    kept_cells.forget()
    yield
    kept_cells.forget()


def rows() -> list[list[str]]:
    """Number, date, age (two empty), city, sales with a decimal comma, and yes or no."""
    draw = np.random.default_rng(0)
    found = []
    for number in range(1, ROWS + 1):
        age = "" if number in (4, 9) else str(int(draw.integers(18, 80)))
        sales = f"{draw.uniform(100, 3000):,.2f}".translate(str.maketrans(",.", ".,"))
        city = CITIES[int(draw.integers(3))]
        day = f"{int(draw.integers(1, 28)):02}.0{int(draw.integers(1, 9))}.20{int(draw.integers(18, 24))}"
        found.append([str(number), day, age, city, sales, "ja" if draw.random() < 0.4 else "nein"])
    return found


@pytest.fixture
def german(tmp_path: Path) -> Path:
    """A table as a German Excel saves it; lines 12 and 40 are damaged."""
    lines = [";".join(row) for row in rows()]
    lines[10] = ";".join(rows()[10][:4])
    lines[38] = lines[38] + ";more"
    path = tmp_path / "export.csv"
    path.write_bytes("\r\n".join(["Nr;Datum;Alter;Stadt;Umsatz;Zusage", *lines]).encode("cp1252"))
    return path


def ask(path: Path, *changes: ColumnChange, reading: Reading | None = None) -> DataProposal:
    return propose_data(ProposeData(paths=(path,), seed=3, columns=changes, reading=reading))


def facts(proposal: DataProposal, name: str) -> ColumnFacts:
    assert proposal.table is not None
    return next(column for column in proposal.table.columns if column.name == name)


def test_reading_is_found_out_and_told(german: Path) -> None:
    table = ask(german).table
    assert table is not None
    assert table.reading == Reading(
        encoding="windows-1252", separator="semicolon", header="yes", decimal="comma", thousands="point"
    )
    assert (table.file, table.rows, table.width, table.place) == ("text", ROWS - 2, 6, "line")
    assert table.lines[:2] == (2, 3)
    assert table.cells[0] == tuple(rows()[0])
    assert table.cells[3][2] is None


def test_dropped_lines_are_told_by_number_with_their_text(german: Path) -> None:
    proposal = ask(german)
    table = proposal.table
    assert table is not None
    assert [(item.line, item.cells) for item in table.dropped] == [(12, 4), (40, 7)]
    assert table.dropped[0].text == ";".join(rows()[10][:4])
    assert table.dropped_count == 2
    first = proposal.notes[0]
    assert (first.text, first.action, first.line) == ("2 lines dropped: 12, 40.", "Show", 12)
    assert sum("12" in note.text for note in proposal.notes) == 1


def test_columns_have_role_kind_missing_and_spread(german: Path) -> None:
    proposal = ask(german)
    kept = [row for place, row in enumerate(rows()) if place not in (10, 38)]
    assert [(c.name, c.role, c.kind) for c in proposal.table.columns] == [
        ("Nr", "ignored", "id"),
        ("Datum", "feature", "date"),
        ("Alter", "feature", "number"),
        ("Stadt", "feature", "category"),
        ("Umsatz", "feature", "number"),
        ("Zusage", "target", "yes_no"),
    ]
    ages = [int(row[2]) for row in kept if row[2]]
    age = facts(proposal, "Alter")
    assert (age.missing, age.span) == (2, f"{min(ages)} to {max(ages)}")
    assert age.bars == tuple(np.histogram(ages, 12)[0])
    counts = Counter(row[3] for row in kept).most_common()
    city = facts(proposal, "Stadt")
    assert dict(zip(city.labels, city.bars, strict=True)) == dict(counts)
    assert city.bars == tuple(sorted(city.bars, reverse=True))
    assert facts(proposal, "Zusage").labels == ("nein", "ja")


def test_inputs_classes_and_split_add_up(german: Path) -> None:
    proposal = ask(german)
    kept = [row for place, row in enumerate(rows()) if place not in (10, 38)]
    said = Counter(row[5] for row in kept)
    assert proposal.summary is not None
    assert proposal.summary.class_names == ("nein", "ja")
    assert proposal.class_counts == (said["nein"], said["ja"])
    assert sum(proposal.summary.counts or ()) == ROWS - 2
    inputs = {group.columns: group.inputs for group in proposal.table.inputs}
    assert inputs == {("Datum",): 4, ("Stadt",): 3, ("Alter", "Umsatz"): 2}
    assert proposal.summary.input_shape == (9,)


def test_the_experiment_passes_the_checks_and_loads(german: Path) -> None:
    proposal = ask(german)
    assert proposal.experiment is not None
    assert not has_errors(find_problems(proposal.experiment, proposal.summary))
    dataset = load_dataset(proposal.experiment.data, seed=3)
    assert dataset.summary == proposal.summary


def test_choices_ask_nothing_of_the_disk_again(german: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    real = files.read_cells

    def counting(*arguments: object, **options: object) -> object:
        reads.append(arguments)
        return real(*arguments, **options)

    monkeypatch.setattr(kept_cells, "read_cells", counting)
    monkeypatch.setattr("dnnstudio.engine.data.tables.reader.read_cells", counting)
    first = ask(german)
    ask(german, ColumnChange("Nr", role="feature"))
    again = ask(german, ColumnChange("Umsatz", role="target"))
    assert len(reads) == 1
    assert again.target == "Umsatz"
    assert again.summary is not None
    assert again.summary.classes == 0
    german.write_bytes(german.read_bytes().replace(b"Ulm", b"Aalen"))
    assert facts(ask(german), "Stadt").labels != facts(first, "Stadt").labels
    assert len(reads) == 2


def test_what_is_kept_gives_the_rows_of_a_fresh_reading(german: Path) -> None:
    proposal = ask(german, ColumnChange("Nr", role="feature"))
    assert proposal.experiment is not None
    kept = load_dataset(proposal.experiment.data, seed=3)
    x, y = kept.train.x.copy(), kept.train.y.copy()
    from dnnstudio.engine.data import forget

    forget()
    kept_cells.forget()
    fresh = load_dataset(proposal.experiment.data, seed=3)
    np.testing.assert_array_equal(fresh.train.x, x)
    np.testing.assert_array_equal(fresh.train.y, y)
    assert fresh.fingerprint == kept.fingerprint


def test_an_id_that_is_kept_is_a_number(german: Path) -> None:
    keep = next(note for note in ask(german).notes if note.action == "Keep it")
    changed = ask(german, *keep.changes)
    assert (facts(changed, "Nr").role, facts(changed, "Nr").kind) == ("feature", "number")
    assert changed.summary is not None
    assert changed.summary.input_shape == (10,)


def test_rows_with_an_empty_cell_are_left_out_on_wish(german: Path) -> None:
    assert facts(ask(german), "Alter").filling == "median"
    proposal = ask(german, ColumnChange("Alter", missing="drop_rows"))
    assert facts(proposal, "Alter").filling == "drop_rows"
    assert proposal.summary is not None
    assert sum(proposal.summary.counts or ()) == ROWS - 4
    refused = ask(german, ColumnChange("Alter", missing="refuse"))
    assert refused.refusal is not None
    assert 'line 5 is empty in column "Alter" (2 such cells)' in refused.refusal.message


def test_without_a_target_the_table_is_shown_with_the_reason(german: Path) -> None:
    proposal = ask(german, ColumnChange("Zusage", role="ignored"))
    assert proposal.experiment is None
    assert proposal.refusal is not None
    assert "No column is the one to predict" in proposal.refusal.message
    assert proposal.table is not None
    assert facts(proposal, "Zusage").role == "ignored"


def test_a_kind_that_does_not_fit_is_refused_by_line_and_cell(german: Path) -> None:
    proposal = ask(german, ColumnChange("Stadt", kind="number"))
    assert proposal.experiment is None
    assert proposal.refusal is not None
    assert f'line 2, column "Stadt" holds "{rows()[0][3]}"' in proposal.refusal.message


def test_another_way_of_reading_is_followed(german: Path) -> None:
    proposal = ask(german, reading=Reading(header="no"))
    assert proposal.table is not None
    assert proposal.table.rows == ROWS - 1
    assert proposal.table.reading.header == "no"
    assert [column.name for column in proposal.table.columns][:2] == ["column_1", "column_2"]


def test_a_column_that_gives_the_label_away_is_left_out_by_one_click(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    kind = draw.integers(0, 2, 80)
    frame = {
        "size": draw.normal(size=80).round(3),
        "code": np.where(kind, "x7", "k2"),
        "flower": np.where(kind, "a", "b"),
    }
    path = tmp_path / "leak.csv"
    pl.DataFrame(frame).write_csv(path)
    note = next(note for note in ask(path).notes if note.changes and note.severity == "hint")
    assert note.changes == (ColumnChange("code", role="ignored"),)
    assert all("gives it away" not in other.text for other in ask(path, *note.changes).notes)


def test_a_second_table_with_test_in_its_name_holds_the_test_rows(tmp_path: Path) -> None:
    for name, count in (("train.csv", 60), ("test.csv", 20)):
        lines = [f"{number % 7},{number},{'yes' if number % 3 else 'no'}" for number in range(count)]
        (tmp_path / name).write_text("\n".join(["a,b,bought", *lines]))
    job = ProposeData(paths=(tmp_path / "test.csv", tmp_path / "train.csv"), seed=1)
    proposal = propose_data(job)
    assert proposal.summary is not None
    assert proposal.summary.counts is not None
    assert proposal.summary.counts[2] == 20
    assert isinstance(proposal.experiment.data.source, Table)
    with pytest.raises(UserError, match="not clear which holds the test rows"):
        propose_data(replace(job, paths=(tmp_path / "train.csv", tmp_path / "train.csv")))


def test_what_an_array_file_leaves_open_is_asked_and_the_answer_is_used(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    labels = np.arange(40) % 2
    arrays = {"p": random.random((40, 3)) + labels[:, None], "q": random.random((40, 5)), "kind": labels}
    np.savez(tmp_path / "a.npz", **arrays, group=labels[::-1])
    job = ProposeData(paths=(tmp_path / "a.npz",), seed=1)
    asked = propose_data(job)
    assert asked.experiment is None and asked.refusal is not None
    assert [question.field for question in asked.questions] == ["x_train", "y_train"]
    half = propose_data(replace(job, answers=(Answer("x_train", "q"),)))
    assert half.experiment is None and half.refusal is not None and "labels" in half.refusal.message
    assert half.answers == (Answer("x_train", "q"),)
    assert half.questions[0].titles == ("p float64 40 × 3", "q float64 40 × 5")
    whole = propose_data(replace(job, answers=(Answer("x_train", "q"), Answer("y_train", "kind"))))
    assert whole.answers == (Answer("x_train", "q"), Answer("y_train", "kind"))
    assert whole.questions == asked.questions  # so that another answer can be given
    assert whole.experiment is not None and whole.summary is not None
    assert whole.summary.input_shape == (5,) and whole.summary.classes == 2
    found = load_dataset(whole.experiment.data, seed=1)
    assert sum(len(part.x) for part in (found.train, found.validation, found.test)) == 40


def test_one_answer_is_enough_where_lengths_leave_one_array_for_the_other(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    labels = np.arange(40) % 2
    arrays = {"p": random.random((40, 3)), "kind": labels, "q": random.random((30, 5)), "sort": labels[:30]}
    np.savez(tmp_path / "a.npz", **arrays)
    job = ProposeData(paths=(tmp_path / "a.npz",), seed=1)
    assert propose_data(job).experiment is None
    for rows, kinds in (("p", "kind"), ("q", "sort")):
        found = propose_data(replace(job, answers=(Answer("x_train", rows),)))
        assert found.answers == (Answer("x_train", rows), Answer("y_train", kinds))
        assert found.experiment is not None
        assert isinstance(found.experiment.data.source, Npz)
        assert found.experiment.data.source.y_train == kinds


def test_what_is_no_data_is_said_and_the_files_of_an_idx_set_go_together(tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text("{}")
    with pytest.raises(UserError, match=r"e\.json is an experiment, not data"):
        propose_data(ProposeData(paths=(tmp_path / "e.json",), seed=1))
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "one.png")
    with pytest.raises(UserError, match="have no class"):
        propose_data(ProposeData(paths=(tmp_path / "one.png",), seed=1))
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    for name, array in zip(names, pictures(40), strict=True):
        (tmp_path / name).write_bytes(idx_bytes(array))
    found = propose_data(ProposeData(paths=tuple(tmp_path / name for name in names), seed=1))
    assert found.experiment is not None and isinstance(found.experiment.data.source, Idx)


def test_a_folder_of_pictures_comes_with_its_classes(tmp_path: Path) -> None:
    for name, count in (("cat", 12), ("dog", 8)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(count):
            shade = np.full((10, 12), 10 * number + (100 if name == "dog" else 0), np.uint8)
            Image.fromarray(shade).save(tmp_path / "pets" / name / f"{number}.png")
    proposal = ask(tmp_path / "pets")
    assert proposal.table is None
    assert proposal.summary is not None
    assert proposal.summary.class_names == ("cat", "dog")
    assert proposal.class_counts == (12, 8)
    assert proposal.thumbnails is not None
    assert proposal.experiment is not None
    assert proposal.experiment.seed == 3
    assert not has_errors(find_problems(proposal.experiment, proposal.summary))


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        ask(tmp_path / "gone.csv")


def test_a_rare_class_a_mark_of_empty_cells_and_given_parts_are_told(tmp_path: Path) -> None:
    cells = [
        f"{number if number % 10 else ''},{number % 7},{'yes' if number % 25 == 0 else 'no'}" for number in range(200)
    ]
    (tmp_path / "rare.csv").write_text("\n".join(["a,b,label", *cells]))
    proposal = propose_data(ProposeData(paths=(tmp_path / "rare.csv",), seed=1))
    assert proposal.notes[0].text == "“yes” is rare: 8 of 200 rows."
    assert "right in 96" in proposal.notes[0].detail
    assert proposal.given_parts == ()
    assert proposal.table is not None
    assert [(group.columns, group.how, group.inputs) for group in proposal.table.inputs] == [
        (("a", "b"), "standardized", 2),
        (("a",), "1 if it is missing", 1),
    ]
    arrays = {"x_train": np.zeros((40, 3)), "y_train": np.arange(40) % 2, "x_test": np.ones((9, 3))}
    np.savez(tmp_path / "a.npz", **arrays, y_test=np.arange(9) % 2)
    proposal = propose_data(ProposeData(paths=(tmp_path / "a.npz",), seed=1))
    assert proposal.given_parts == ("test",)
    assert not any("rare" in note.text for note in proposal.notes)


def test_dates_of_a_sheet_are_shown_without_midnight() -> None:
    midnights = pl.Series(["2024-11-09 00:00:00", None, "2023-08-12 00:00:00"])
    assert _without_midnight(midnights).to_list() == ["2024-11-09", None, "2023-08-12"]
    times = pl.Series(["2024-11-09 00:00:00", "2023-08-12 07:30:00"])
    assert _without_midnight(times).to_list() == times.to_list()


def test_a_range_of_years_has_no_thousands_in_it() -> None:
    assert [number_text(value) for value in (1900.0, -84.0, 49812.0, 0.125)] == ["1900", "-84", "49,812", "0.125"]
