"""Files of answers on disks that do not take them."""

from __future__ import annotations

import errno
from pathlib import Path

import polars as pl
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.answers import Answer, AnswerTable
from dnnstudio.engine.predicting.writing import FORMATS, write_answers

TABLE = AnswerTable(("a", "b"))
ANSWERS = [
    Answer(source="t.csv", row=row, prediction="a", probability=0.75, probabilities=(0.75, 0.25)) for row in (1, 2)
]
FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("ending", FORMATS)
def test_a_full_disk_is_told_by_its_number(ending: str) -> None:
    with pytest.raises(OSError, match="space") as caught, FULL.open("wb", buffering=0) as file:
        FORMATS[ending](iter(ANSWERS), TABLE, file)
    assert caught.value.errno == errno.ENOSPC


def test_a_full_folder_of_temporary_files_is_named_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: object, **options: object) -> None:
        raise pl.exceptions.ComputeError("no space")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", refuse)
    with pytest.raises(UserError, match=r"The answers cannot be written: .*, where they are collected, has"):
        write_answers(iter(ANSWERS), TABLE, tmp_path / "answers.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", FORMATS)
def test_no_answers_at_all_still_make_a_file(tmp_path: Path, ending: str) -> None:
    write_answers(iter(()), TABLE, tmp_path / f"answers{ending}")
    assert (tmp_path / f"answers{ending}").stat().st_size > 0
