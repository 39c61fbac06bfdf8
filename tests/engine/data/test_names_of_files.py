"""Names of files and folders that are no UTF-8 text: said where an experiment would have to hold them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Data, Table
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.answers import Answer, AnswerTable
from dnnstudio.engine.data.proposing import propose

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")


def strange(folder: Path, name: bytes) -> Path:
    return Path(os.fsdecode(os.fsencode(folder) + b"/" + name))


def test_a_table_of_such_a_name_is_refused_by_name(tmp_path: Path) -> None:
    path = strange(tmp_path, b"t\xff.csv")
    path.write_text("a,y\n" + "".join(f"{row / 8},{'pq'[row % 2]}\n" for row in range(40)))
    with pytest.raises(UserError, match=r"t\\xff\.csv, is not UTF-8 text") as caught:
        propose(path)
    str(caught.value).encode()  # can be shown everywhere


def test_a_class_of_such_a_name_is_refused_by_name(tmp_path: Path) -> None:
    for folder in (tmp_path / "cat", strange(tmp_path, b"d\xff")):
        folder.mkdir()
        for number in range(12):
            Image.new("L", (4, 4), number * 20).save(folder / f"{number}.png")
    with pytest.raises(UserError, match=r"The folder d\\xff in .* is not UTF-8 text"):
        propose(tmp_path)


def test_an_experiment_that_holds_such_a_name_is_not_written_half(tmp_path: Path) -> None:
    place = tmp_path / "e.json"
    codec.save(Experiment(), place)
    before = place.read_bytes()
    named = Experiment().replaced(data=Data(source=Table(path=os.fsdecode(b"/data/t\xff.csv"))))
    with pytest.raises(UserError, match=r"e\.json cannot be written: .*t\\xff\.csv.* is not UTF-8 text"):
        codec.save(named, place)
    assert place.read_bytes() == before and list(tmp_path.iterdir()) == [place]


def test_answers_to_such_a_file_can_be_written() -> None:
    answer = Answer(source=os.fsdecode(b"/p\xff.png"), row=1, error=os.fsdecode(b"p\xff.png: damaged"))
    cells = AnswerTable(("a", "b")).cells(answer)
    assert (cells["source"], cells["error"]) == ("/p\\xff.png", "p\\xff.png: damaged")
