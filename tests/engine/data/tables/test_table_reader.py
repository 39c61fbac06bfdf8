"""Tables of all kinds of files through to training rows: roles, splits, empty cells, refusals by line and column."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data, Fraction, Table
from dnnstudio.core.experiment.data.sources.table import Column
from dnnstudio.engine.data import describe, load_dataset
from dnnstudio.engine.data.dataset import Dataset
from dnnstudio.engine.data.proposing import propose
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.encode import number_signs
from dnnstudio.engine.data.tables.files import clipboard_cells, read_cells
from dnnstudio.engine.data.tables.row_blocks import cell_blocks
from dnnstudio.engine.data.tables.values import to_numbers

RANDOM = np.random.default_rng(3)
ROWS = 120
FRAME = pl.DataFrame(
    {
        "mass": RANDOM.normal(3_000, 500, ROWS).round(3),
        "town": RANDOM.choice(["Ulm", "Bonn", "Köln"], ROWS),
        "ill": RANDOM.choice(["yes", "no"], ROWS),
        "y": RANDOM.choice(["a", "b", "c"], ROWS),
    }
)


def columns(**roles: str) -> tuple[Column, ...]:
    made = (
        Column(name="mass", kind="number"),
        Column(name="town", kind="category"),
        Column(name="ill", kind="yes_no"),
        Column(name="y", kind="category", role="target"),
    )
    return tuple(column.replaced(role=roles.get(column.name, column.role)) for column in made)


def load(path: Path, *, data: dict[str, Any] | None = None, seed: int = 1, **fields: Any) -> Dataset:
    source = Table(path=str(path), **fields)
    return load_dataset(Data(source=source, scaling="standardize", **(data or {})), seed=seed)


def xlsx(path: Path, rows: list[list[object]]) -> None:
    """A sheet by hand: inline texts and numbers (ECMA-376, part 1)."""
    lines = []
    for row in rows:
        cells = [
            f"<c><v>{cell}</v></c>" if isinstance(cell, int | float) else f'<c t="inlineStr"><is><t>{cell}</t></is></c>'
            for cell in row
        ]
        lines.append(f"<row>{''.join(cells)}</row>")
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{sheet}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" '
        f'ContentType="{sheet}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Data" sheetId="1" '
        'r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{"".join(lines)}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' + content)


WRITERS: dict[str, Callable[[Path], object]] = {
    "t.csv": lambda path: path.write_text(FRAME.write_csv()),
    "t.tsv": lambda path: path.write_text(FRAME.write_csv(separator="\t")),
    "t.txt": lambda path: path.write_bytes(FRAME.write_csv(separator=" ").encode("utf-16")),
    "german.csv": lambda path: path.write_bytes(FRAME.write_csv(separator=";", decimal_comma=True).encode("cp1252")),
    "t.csv.gz": lambda path: path.write_bytes(gzip.compress(FRAME.write_csv().encode())),
    "t.parquet": FRAME.write_parquet,
    "t.xlsx": lambda path: xlsx(path, [list(FRAME.columns), *(list(row) for row in FRAME.rows())]),
}


@pytest.mark.parametrize("name", list(WRITERS))
def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    WRITERS["t.csv"](tmp_path / "plain.csv")
    WRITERS[name](tmp_path / name)
    expected = load(tmp_path / "plain.csv", columns=columns())
    found = load(tmp_path / name)
    np.testing.assert_array_equal(found.train.x, expected.train.x)
    np.testing.assert_array_equal(found.test.y, expected.test.y)
    assert found.summary.class_names == ("a", "b", "c")
    assert load(tmp_path / name, columns=columns()).fingerprint == expected.fingerprint


def test_the_rows_equal_scikit_learns_column_transformer_fitted_on_the_training_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    WRITERS["t.csv"](path)
    numbered = FRAME.with_columns(pl.int_range(ROWS).alias("row").cast(pl.Float64))
    path.write_text(numbered.write_csv())
    data = load(
        path, columns=(*columns(), Column(name="row", kind="number")), data={"validation": Fraction(fraction=0.3)}
    )
    back = data.scaler.invert(data.train.x)
    rows = np.rint(back[:, -1]).astype(int)
    frame = FRAME.with_columns((pl.col("ill") == "yes").cast(pl.Float64)).to_numpy()
    reference = ColumnTransformer(
        [
            ("mass", StandardScaler(), [0]),
            ("town", OneHotEncoder(sparse_output=False), [1]),
            ("ill", "passthrough", [2]),
        ]
    ).fit(frame[rows])
    np.testing.assert_allclose(data.train.x[:, :-1], reference.transform(frame[rows]).astype(float), atol=1e-6)
    test = np.rint(data.scaler.invert(data.test.x)[:, -1]).astype(int)
    np.testing.assert_allclose(data.test.x[:, :-1], reference.transform(frame[test]).astype(float), atol=1e-6)
    assert [data.summary.class_names[y] for y in data.test.y] == FRAME["y"][test.tolist()].to_list()


def test_text_from_the_clipboard_is_a_table_too() -> None:
    cells = clipboard_cells("a\tb\n1,5\tx\n2,5\ty\n", Table(path="x"), Watch())
    assert cells.frame.rows() == [("1,5", "x"), ("2,5", "y")]


def test_a_sheet_with_a_title_above_its_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    xlsx(path, [["Report"], ["size", "color", "y"], [1.5, "red", "a"], [2.5, "green", "b"]])
    cells = read_cells(Table(path=str(path)), path, Watch())
    assert cells.frame.columns == ["size", "color", "y"]
    assert cells.frame.rows() == [("1.5", "red", "a"), ("2.5", "green", "b")]


def test_numbers_of_a_sheet_stand_beside_texts_with_a_decimal_comma(tmp_path: Path) -> None:
    """A stored 232.19 and the text 1.479,23 lie in one sheet; neither is lost."""
    path = tmp_path / "t.xlsx"
    rows: list[list[object]] = [[232.19 + row, f"1.{400 + row},25", "ab"[row % 2]] for row in range(30)]
    xlsx(path, [["size", "price", "y"], *rows])
    source = Table(path=str(path))
    cells = read_cells(source, path, Watch())
    assert cells.frame.schema == {"size": pl.Float64, "price": pl.String, "y": pl.String}
    signs = number_signs(source, cells.frame)
    assert (signs.decimal, signs.thousands) == ("comma", "point")
    np.testing.assert_array_equal(to_numbers(cells.frame["price"], signs), [1400.25 + row for row in range(30)])
    np.testing.assert_allclose(cells.frame["size"], [232.19 + row for row in range(30)])
    xlsx(path, [["size", "price", "y"], *[[row[0], 12.5, row[2]] for row in rows]])
    assert set(read_cells(source, path, Watch()).frame.dtypes) == {pl.String}  # nothing to tell apart
    thousands: list[list[object]] = [[f"1.{400 + n}", f"{n},5", "a"] for n in range(30)]
    xlsx(path, [["size", "price", "y"], *thousands])
    assert set(read_cells(source, path, Watch()).frame.dtypes) == {pl.String}  # three decimals each are thousands


@pytest.mark.parametrize("name", ["t.parquet", "t.xlsx", "t.csv.gz", "t.ods"])
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no such thing" * 50)
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        load(tmp_path / name)


# ------------------------------------------------------------------------------------------------- splits


def test_groups_stay_together_in_every_part(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    frame = FRAME.with_columns(pl.Series("person", [row // 4 for row in range(ROWS)]), pl.int_range(ROWS).alias("row"))
    path.write_text(frame.write_csv())
    given = (*columns(), Column(name="person", role="group", kind="id"), Column(name="row"))
    data = load(path, columns=given)
    parts = [
        set(np.rint(data.scaler.invert(part.x)[:, -1]).astype(int) // 4)
        for part in (data.train, data.validation, data.test)
    ]
    assert all(parts) and not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    assert len(data.test) == 24 and len(data.train) + len(data.validation) + len(data.test) == ROWS
    again = load(path, columns=given, seed=2)
    np.testing.assert_array_equal(again.test.x[:, 1:5], data.test.x[:, 1:5])
    assert not np.array_equal(again.validation.y, data.validation.y) or len(again.validation) != len(data.validation)


def test_later_rows_are_for_the_test(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    days = RANDOM.permutation(ROWS)
    dates = [str(np.datetime64("2020-01-01") + int(day)) for day in days]
    path.write_text(FRAME.with_columns(pl.Series("day", dates), pl.Series("number", days)).write_csv())
    data = load(path, columns=(*columns(), Column(name="day", role="time", kind="date"), Column(name="number")))
    numbers = [data.scaler.invert(part.x)[:, -1] for part in (data.train, data.validation, data.test)]
    assert numbers[0].max() < numbers[1].min() and numbers[1].max() < numbers[2].min()
    assert len(data.test) == 24


def test_a_split_column_names_the_parts(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    names = ["Train", "val", "test"] * (ROWS // 3)
    path.write_text(FRAME.with_columns(pl.Series("part", names), pl.int_range(ROWS).alias("row")).write_csv())
    given = (*columns(), Column(name="part", role="split", kind="category"), Column(name="row"))
    data = load(path, columns=given)
    for place, part in enumerate((data.train, data.validation, data.test)):
        rows = np.rint(data.scaler.invert(part.x)[:, -1]).astype(int)
        np.testing.assert_array_equal(rows, np.arange(place, ROWS, 3))
    path.write_text(path.read_text().replace("Train", "Trian"))
    with pytest.raises(UserError, match='line 2, column "part" holds "trian", which names no part'):
        load(path, columns=given)


def test_the_test_share_can_be_chosen_and_is_stratified(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    WRITERS["t.csv"](path)
    data = load(path, columns=columns(), data={"test_share": 0.5})
    assert len(data.test) == 60
    shares = np.bincount(data.test.y) / np.unique(FRAME["y"].to_numpy(), return_counts=True)[1]
    assert np.abs(shares - 0.5).max() < 0.02


def test_a_test_file_is_the_test_part_and_its_unseen_categories_are_named(tmp_path: Path) -> None:
    WRITERS["t.csv"](tmp_path / "train.csv")
    (tmp_path / "test.csv").write_text("y,town,ill,mass\na,Ulm,no,3000\nb,Trier,yes,2000\n")
    data = load(tmp_path / "train.csv", test_path=str(tmp_path / "test.csv"), columns=columns())
    assert len(data.test) == 2 and data.test.y.tolist() == [0, 1]
    np.testing.assert_array_equal(data.test.x[:, 1:], [[0, 0, 1, 0], [0, 0, 0, 1]])
    assert (
        'Column "town" holds "Trier", not among its categories: all its inputs are 0 in such rows.'
        in data.summary.notes
    )


# ------------------------------------------------------------------------------------------- empty and odd cells


def test_empty_cells_are_refused_dropped_or_filled_by_the_columns_rule(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    lines = FRAME.write_csv().splitlines()
    lines[5] = ",Ulm,yes,a"
    lines[9] = "3000,?,yes,a"
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match='line 6 is empty in column "mass"'):
        load(path, columns=columns())
    given = columns()
    dropped = load(
        path, columns=(given[0].replaced(missing="drop_rows"), given[1].replaced(missing="drop_rows"), *given[2:])
    )
    assert sum(dropped.summary.counts or ()) == ROWS - 2
    assert "2 rows with an empty cell left out." in dropped.summary.notes
    filled = load(
        path, columns=(given[0].replaced(missing="median"), given[1].replaced(missing="most_frequent"), *given[2:])
    )
    assert sum(filled.summary.counts or ()) == ROWS
    assert "2 empty cells filled in from the training rows." in filled.summary.notes
    assert np.isfinite(filled.train.x).all()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("heavy,Ulm,yes,a", 'line 6, column "mass" holds "heavy", which is not a number'),
        ("3000,Ulm,perhaps,a", 'line 6, column "ill" holds "perhaps", which is not yes or no'),
        ("3000,Ulm,yes,", 'line 6 is empty in column "y"'),
        ("1e999,Ulm,yes,a", 'line 6, column "mass" holds "1e999"'),
    ],
)
def test_a_cell_of_another_kind_is_named_by_line_column_and_text(tmp_path: Path, line: str, said: str) -> None:
    lines = FRAME.write_csv().splitlines()
    lines[5] = line
    (tmp_path / "t.csv").write_text("\n".join(lines))
    given = columns()
    settled = (*given[:2], given[2].replaced(categories=("no", "yes")), given[3])
    with pytest.raises(UserError, match=said):
        load(tmp_path / "t.csv", columns=settled)


def test_a_column_that_the_file_lacks_is_named(tmp_path: Path) -> None:
    WRITERS["t.csv"](tmp_path / "t.csv")
    given = columns()
    with pytest.raises(UserError, match='no column "weight"'):
        load(tmp_path / "t.csv", columns=(given[0].replaced(name="weight"), *given[1:]))


def test_labels_that_differ_by_a_zero_stay_two_classes(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{row},{('01', '1')[row % 2]}\n" for row in range(40)))
    given = (Column(name="a"), Column(name="y", role="target", kind="category"))
    assert load(tmp_path / "t.csv", columns=given).summary.class_names == ("01", "1")


def test_one_number_in_two_writings_is_one_class_and_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{row},{('2', '1', '1.0')[row % 3]}\n" for row in range(60)))
    summary = load(tmp_path / "t.csv", columns=(Column(name="a"), Column(name="y", role="target"))).summary
    assert summary.class_names == ("1", "2")
    assert summary.notes == ('Column "y" writes a number in several ways, as 1 and 1.0: each number is one class.',)


def test_texts_that_differ_by_blanks_alone_are_one_and_said(tmp_path: Path) -> None:
    rows = "".join(f'{row / 8},"{("u", " u", "v")[row % 3]}","{("x", "x ", "z")[row // 3 % 3]}"\n' for row in range(90))
    (tmp_path / "t.csv").write_text("a,b,y\n" + rows)
    found = propose(tmp_path / "t.csv")
    assert found.summary.class_names == ("x", "z")
    assert 'Column "b" holds "u" with and without blanks around: they are one category.' in found.warnings
    assert 'Column "y" holds "x" with and without blanks around: they are one class.' in found.warnings


def test_names_that_are_longer_than_what_is_looked_at_first_are_read(tmp_path: Path) -> None:
    path, width = tmp_path / "t.csv", 6_000
    names = ",".join(f"{'name' * 25}_{place}" for place in range(width))
    path.write_text(f"{names},y\n" + "".join(f"{f'{row / 8},' * width}{'pq'[row % 2]}\n" for row in range(40)))
    columns = (Column(name=f"{'name' * 25}_7"), Column(name="y", role="target", kind="category"))
    general = load(path, columns=columns)
    assert general.summary.counts == (26, 6, 8)
    assert sorted(row for block in cell_blocks(Table(path=str(path)), path, Watch()) for row in block.lines) == list(
        range(2, 42)
    )


def test_quotes_that_are_open_in_all_lines_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,y\n" + '1,"2,p\n' * 40)
    with pytest.raises(UserError, match="none of its lines has 3 cells as the first one has"):
        propose(tmp_path / "t.csv")


def test_a_number_is_predicted_as_it_stands_in_the_file(tmp_path: Path) -> None:
    rows = "".join(f"{row};{row * 2.5:.2f}\n".replace(".", ",") for row in range(40))
    (tmp_path / "t.csv").write_text("a;y\n" + rows)
    data = load(tmp_path / "t.csv", target="number", columns=(Column(name="a"), Column(name="y", role="target")))
    np.testing.assert_allclose(data.test.y, data.scaler.invert(data.test.x)[:, 0] * 2.5, rtol=1e-5)
    assert data.summary.class_names == ()


def test_a_class_that_is_spelt_like_an_empty_cell_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{row / 8},{('NA', 'US', 'DE')[row % 3]}\n" for row in range(60)))
    found = propose(path, predict="y")
    assert 'Column "y" holds "NA", taken for an empty cell and for no class.' in found.warnings
    assert isinstance(found.experiment.data.source, Table)
    kept = found.experiment.data.source.replaced(missing_values=("?",))
    summary = describe(found.experiment.data.replaced(source=kept), seed=1).summary
    assert summary.class_names == ("DE", "NA", "US") and summary.notes == ()
