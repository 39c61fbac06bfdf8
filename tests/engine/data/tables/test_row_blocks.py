"""A table read block by block holds what it holds when it is read whole."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data.sources.table import Table
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.files import read_cells
from dnnstudio.engine.data.tables.row_blocks import cell_blocks

SOURCE = Table(path="")
BLOCK = 600


def text_of(separator: str = ",", end: str = "\n", *, header: bool = True) -> str:
    """A hundred rows with quotes, breaks inside of quotes, letters beyond ASCII and empty cells."""
    lines = [separator.join(("name", "a", "b"))] if header else []
    for row in range(100):
        name = f'"cell {row},{end}broken ""here"""' if row % 7 == 3 else f"cell {row}"
        lines.append(separator.join((name, str(row / 8), "" if row % 5 == 0 else f"é{row}")))
    return end.join(lines) + end


def assert_same(path: Path, *, least: int = 2) -> None:
    whole = read_cells(SOURCE, path, Watch())
    blocks = list(cell_blocks(SOURCE, path, Watch(), block_bytes=BLOCK))
    assert len(blocks) >= least
    assert pl.concat([block.frame for block in blocks]).equals(whole.frame)
    np.testing.assert_array_equal(np.concatenate([block.lines for block in blocks]), whole.lines)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blocks_hold_the_same_rows_and_lines_as_the_whole(tmp_path: Path, separator: str, end: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(text_of(separator, end).encode())
    assert_same(path)


def test_names_made_up_for_a_table_without_a_heading_stay(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(f"{row},{row * 2},{row / 8}" for row in range(200)), encoding="utf-8")
    assert_same(path)


def test_lines_above_the_table_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"\xef\xbb\xbf" + ("Measurements\n\n" + text_of()).encode())
    assert_same(path)


def test_packed_text_comes_in_blocks_too(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(text_of().encode()))
    assert_same(path)


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(text_of().encode(encoding))
    assert_same(path, least=1)


def test_a_cut_archive_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    rows = "\n".join(f"{number},{number}" for number in np.random.default_rng(0).integers(0, 10**9, 20_000))
    path.write_bytes(gzip.compress(rows.encode())[:-2_000])
    with pytest.raises(UserError, match=r"rows\.csv\.gz is not a whole gzip file"):
        list(cell_blocks(SOURCE, path, Watch(), block_bytes=BLOCK))


def test_lines_of_another_width_are_left_out_and_told_by_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lines = ["a,b"] + [f"{row},{row}" if row not in (150, 180) else f"{row}" for row in range(200)]
    path.write_text("\n".join(lines), encoding="utf-8")
    blocks = list(cell_blocks(SOURCE, path, Watch(), block_bytes=BLOCK))
    assert sum(block.frame.height for block in blocks) == 198
    assert [line for block in blocks for line in block.ragged.tolist()] == [152, 182]


def test_a_quote_that_is_never_closed_costs_a_line_and_not_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lines = ["a,b"] + [f'{row},"{row}' if row == 60 else f"{row},{row}" for row in range(400)]
    path.write_text("\n".join(lines), encoding="utf-8")
    blocks = list(cell_blocks(SOURCE, path, Watch(), block_bytes=BLOCK))
    found = pl.concat([block.frame for block in blocks])["a"].to_list()
    assert set(map(str, range(400))) - set(found) <= {"60"}


def test_parquet_comes_in_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnnstudio.engine.data.tables.row_blocks.BLOCK_ROWS", 30)
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"a": range(100), "b": [f"cell {row}" for row in range(100)]}).write_parquet(path)
    assert_same(path, least=4)


@pytest.mark.parametrize("shorter", [True, False])
def test_a_file_that_changes_while_it_is_read_is_said_to(tmp_path: Path, *, shorter: bool) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(f"{row},{row * 2}" for row in range(400)), encoding="utf-8")
    blocks = cell_blocks(SOURCE, path, Watch(), block_bytes=BLOCK)
    next(blocks)
    with path.open("r+b") as file:
        if shorter:
            file.truncate(2_400)
        else:
            file.seek(0, 2)
            file.write(b"\n401,802")
    with pytest.raises(UserError, match=r"rows\.csv changed while it was read"):
        list(blocks)
