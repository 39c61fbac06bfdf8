"""Answers as a file: CSV, JSON or Parquet, written row by row, so that memory does not grow with their number."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.answers import Answer, AnswerTable
from dnnstudio.core.temporary import temporary_folder
from dnnstudio.core.text import byte_size

ROWS_A_PART = 10_000
"""Parquet is written in parts, which polars then streams into one file."""

Write = Callable[[Iterator[Answer], AnswerTable, BinaryIO], None]


def write_answers(answers: Iterator[Answer], table: AnswerTable, path: Path) -> None:
    """Write the answers in the format that the name of `path` says, whole or not at all. Raises `UserError`."""
    write = format_of(path)
    write_atomically(path, lambda file: write(answers, table, file))


def format_of(path: Path) -> Write:
    """What writes a file of this name. Raises `UserError` for another ending."""
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise UserError(f"{path} does not say in which format to write.", f"End the name in {', '.join(FORMATS)}.")
    return found


def _csv(answers: Iterator[Answer], table: AnswerTable, file: BinaryIO) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    rows = csv.DictWriter(text, list(table.columns), lineterminator="\n")
    rows.writeheader()
    rows.writerows(table.cells(answer) for answer in answers)
    text.detach()


def _json(answers: Iterator[Answer], table: AnswerTable, file: BinaryIO) -> None:
    separator = b"[\n"
    for answer in answers:
        file.write(separator + json.dumps(table.cells(answer), ensure_ascii=False, allow_nan=False).encode())
        separator = b",\n"
    file.write((b"" if separator == b",\n" else separator) + b"\n]\n")


def _parquet(answers: Iterator[Answer], table: AnswerTable, file: BinaryIO) -> None:
    import polars as pl

    schema = {name: {str: pl.String, int: pl.Int64, float: pl.Float64}[kind] for name, kind in table.columns.items()}
    with temporary_folder("dnnstudio-answers-") as name:
        folder = Path(name)
        parts = iter(lambda: [table.cells(answer) for answer in islice(answers, ROWS_A_PART)], [])
        # The first part has no rows, so that there is one where there are no answers.
        for number, rows in enumerate(chain([[]], parts)):
            with _full_folder_said(folder):
                pl.DataFrame(rows, schema=schema).write_parquet(folder / f"{number:09d}.parquet")
        whole = folder / "answers"
        with _full_folder_said(folder):
            pl.scan_parquet(folder / "*.parquet").sink_parquet(whole)
        # Copied by Python, which says by a code why a disk does not take it; polars has words for it only.
        with whole.open("rb") as made:
            shutil.copyfileobj(made, file)


@contextmanager
def _full_folder_said(folder: Path) -> Iterator[None]:
    """What polars raises while it writes there, as a `UserError`."""
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, OSError):
        free = byte_size(shutil.disk_usage(folder).free)
        raise UserError(
            f"The answers cannot be written: {folder.parent}, where they are collected, has {free} left.",
            "Make room there, or write a .csv file.",
        ) from None


FORMATS: dict[str, Write] = {".csv": _csv, ".parquet": _parquet, ".json": _json}
"""Ending of a file's name → what writes it."""
