"""What a case is called: its file, and its row in it. No Qt."""

from __future__ import annotations

from pathlib import Path

from dnnstudio.core.jobs.cases import AnswerRows


def name_of(block: AnswerRows, row: int) -> str:
    """A picture's file name; "rows.csv, row 3" for a row of a table or an array."""
    number = row_of(block, row)
    return f"{file_of(block, row)}, {number}" if number else file_of(block, row)


def file_of(block: AnswerRows, row: int) -> str:
    """The name of the file that a row comes from."""
    return Path(block.sources[row]).name or block.sources[row]


def row_of(block: AnswerRows, row: int) -> str:
    """ "row 3" of a table or an array; empty for a picture, which is its whole file."""
    number, name = int(block.rows[row]), file_of(block, row)
    whole = block.cells is None and block.pictures is not None and not name.lower().endswith(".npz")
    return "" if not number or whole else f"row {number:,}"
