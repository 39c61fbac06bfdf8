"""New rows are prepared as the training rows were; what cannot be answered is said by row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data, Table
from dnnstudio.core.experiment.data.sources.table import Column
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.data.preparation import Preparation
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.new_rows import read_new_rows

COLUMNS = (
    Column(name="mass", kind="number"),
    Column(name="height", kind="number", missing="median"),
    Column(name="town", kind="category"),
    Column(name="ill", kind="yes_no"),
    Column(name="day", kind="date", date_format="%Y-%m-%d"),
    Column(name="y", kind="category", role="target"),
)


@pytest.fixture
def trained(tmp_path: Path) -> tuple[Table, Preparation, str]:
    """A table, the preparation of its training rows out of its file, and the table's text."""
    lines = ["mass,height,town,ill,day,y"]
    for row in range(60):
        height = "" if row == 7 else row % 9
        lines.append(
            f"{row / 3},{height},{'ABC'[row % 3]},{['no', 'yes'][row % 2]},2020-01-{1 + row % 30:02d},{'pq'[row % 2]}"
        )
    text = "\n".join(lines)
    (tmp_path / "t.csv").write_text(text)
    source = Table(path=str(tmp_path / "t.csv"), columns=COLUMNS)
    fitted = load_dataset(Data(source=source, scaling="standardize"), seed=1).scaler
    assert isinstance(fitted, Preparation)
    fitted.save(tmp_path / "preparation.json")
    return source, Preparation.load(tmp_path / "preparation.json"), text


def test_the_training_files_own_rows_come_out_as_they_went_in(
    tmp_path: Path, trained: tuple[Table, Preparation, str]
) -> None:
    source, preparation, text = trained
    rows = [line.split(",")[:-1][::-1] for line in text.splitlines()]
    (tmp_path / "new.tsv").write_text("\n".join("\t".join(row) for row in rows), encoding="utf-16")
    new = read_new_rows(source, preparation, tmp_path / "new.tsv", Watch())
    data = load_dataset(Data(source=source, scaling="standardize"), seed=1)
    ours = {row.tobytes() for row in preparation.apply(new.x)}
    theirs = {row.tobytes() for part in (data.train, data.validation, data.test) for row in part.x}
    assert ours == theirs and len(new.x) == 60
    assert set(new.errors) == {""} and set(new.unseen) == {""}


def test_each_row_has_its_own_error(tmp_path: Path, trained: tuple[Table, Preparation, str]) -> None:
    source, preparation, _ = trained
    lines = ["mass,height,town,ill,day", "1,,A,no,2020-01-01", "heavy,1,A,no,soon", ",1,D,yes,2020-01-01"]
    (tmp_path / "new.csv").write_text("\n".join(lines))
    new = read_new_rows(source, preparation, tmp_path / "new.csv", Watch())
    assert new.errors == (
        "",
        'Column "mass" holds "heavy", which is not a number. Column "day" holds "soon", which is not a date.',
        'Column "mass" is empty.',
    )
    assert new.unseen == ("", "", 'Column "town" holds "D", which no training row had.')
    assert new.lines.tolist() == [2, 3, 4]
    towns = [place for place, name in enumerate(preparation.inputs) if name.startswith("town")]
    np.testing.assert_array_equal(preparation.apply(new.x)[:, towns], [[1, 0, 0], [1, 0, 0], [0, 0, 0]])


def test_a_column_that_is_missing_is_named(tmp_path: Path, trained: tuple[Table, Preparation, str]) -> None:
    source, preparation, _ = trained
    (tmp_path / "new.csv").write_text("masses,height,town,ill,day\n1,2,A,no,2020-01-01\n2,3,B,no,2020-01-01\n")
    with pytest.raises(UserError, match='no column "mass", which the network needs') as refusal:
        read_new_rows(source, preparation, tmp_path / "new.csv", Watch())
    assert refusal.value.hint == 'Did you rename it to "masses"?'
