"""Unsaved work belongs to the process that wrote it, and is offered only when that process is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.gui.base.autosave_files import SUFFIX, find_unsaved, forget, keep, own_file

KEEP = """
import sys
from pathlib import Path
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.gui.base.autosave_files import keep, own_file
keep(own_file(Path(sys.argv[1])), Experiment(name=sys.argv[2]), Path(sys.argv[1]) / "mine.json", tries=1)
"""


def leave(folder: Path, name: str) -> None:
    """What a program leaves that ends without having saved."""
    subprocess.run([sys.executable, "-c", KEEP, str(folder), name], check=True, timeout=60)


def test_the_work_of_an_ended_process_is_found_whole(tmp_path: Path) -> None:
    leave(tmp_path, "first")
    (found,) = find_unsaved(tmp_path)
    assert found.experiment == Experiment(name="first")
    assert found.path == tmp_path / "mine.json"
    assert found.tries == 1
    forget(found.file)
    assert find_unsaved(tmp_path) == ()


def test_the_work_of_a_running_process_is_its_own(tmp_path: Path) -> None:
    keep(own_file(tmp_path), Experiment(name="mine"), None)
    assert find_unsaved(tmp_path) == ()


def test_a_clock_that_is_set_makes_no_work_that_of_an_ended_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = psutil.Process.create_time
    keep(own_file(tmp_path), Experiment(name="mine"), None)
    for seconds in (3600, -3600):  # Linux tells when a process began by how long ago the machine did
        monkeypatch.setattr(psutil.Process, "create_time", lambda process, by=seconds: began(process) + by)
        assert find_unsaved(tmp_path) == ()


def test_work_that_is_named_by_the_time_of_a_running_process_is_its_own(tmp_path: Path) -> None:
    file = tmp_path / f"{os.getpid()}-{psutil.Process().create_time():.0f}{SUFFIX}"
    keep(file, Experiment(name="of version 0.1.0"), None)
    assert find_unsaved(tmp_path) == ()


def test_a_number_that_came_again_does_not_make_work_another_process_s_own(tmp_path: Path) -> None:
    file = tmp_path / f"{os.getpid()}-1000000000{SUFFIX}"
    keep(file, Experiment(name="of an earlier process"), None)
    (found,) = find_unsaved(tmp_path)
    assert (found.file, found.path) == (file, None)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b'{"when": 1, "path": null, "tries": 0}', b"\xff" * 9])
def test_damaged_files_are_passed_over_and_kept(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / f"1-1{SUFFIX}"
    file.write_bytes(damage)
    assert find_unsaved(tmp_path) == ()
    assert file.read_bytes() == damage


@pytest.mark.parametrize(
    ("key", "number"),
    [("when", "1e999"), ("when", "NaN"), ("when", "9" * 400), ("when", "-1"), ("tries", "1e999"), ("tries", "9" * 400)],
)
def test_one_file_with_a_number_that_is_none_does_not_hide_the_others(tmp_path: Path, key: str, number: str) -> None:
    file = tmp_path / f"1-1{SUFFIX}"
    keep(file, Experiment(name="spoilt"), None)
    plain = json.loads(file.read_text()) | {key: "NUMBER"}
    file.write_text(json.dumps(plain).replace('"NUMBER"', number))
    keep(tmp_path / f"2-1{SUFFIX}", Experiment(name="whole"), None)
    assert [found.experiment.name for found in find_unsaved(tmp_path)] == ["whole"]
    assert file.exists()


def test_where_nothing_can_be_written_it_says_so_and_the_kept_work_stays(tmp_path: Path) -> None:
    file = tmp_path / f"1-1{SUFFIX}"
    keep(file, Experiment(name="kept"), None)
    (tmp_path / "blocked").write_text("a file where a folder is wanted")
    with pytest.raises(UserError, match="blocked"):
        keep(tmp_path / "blocked" / file.name, Experiment(), None)
    assert find_unsaved(tmp_path)[0].experiment.name == "kept"
