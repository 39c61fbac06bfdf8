"""Why the operating system refused, in words."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from dnnstudio.core.os_errors import (
    changed_at,
    found_in,
    is_file_there,
    is_folder_there,
    is_missing,
    is_there,
    reason_of,
    refusal_of,
)
from dnnstudio.core.workspace.ensembles import is_ensemble
from dnnstudio.core.workspace.runs import comparison_runs, is_run, run_folders, sweep_folders, sweep_workspace


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "permission denied"),
        (errno.ENOSPC, "the disk is full"),
        (errno.ENOENT, "the file or its folder does not exist"),
        (errno.EROFS, "the disk is read-only"),
    ],
)
def test_a_number_of_the_system_becomes_words(number: int, words: str) -> None:
    assert reason_of(OSError(number, "Whatever The System Says", "a.json")) == words


def test_what_the_table_does_not_know_is_said_as_the_system_says_it() -> None:
    assert reason_of(OSError(errno.EMFILE, "Too many open files")) == "too many open files"


def test_an_error_without_a_number_is_its_own_text() -> None:
    assert reason_of(OSError("Image file is truncated")) == "image file is truncated"


def test_a_file_that_the_system_refuses_is_told_to_the_user_wherever_it_happens() -> None:
    error = PermissionError(errno.EACCES, "Permission denied", "/data/run/ensemble.json")
    refusal = refusal_of(error)
    assert refusal is not None
    assert refusal.message == "/data/run/ensemble.json cannot be used: permission denied."
    name = refusal_of(OSError(errno.ENAMETOOLONG, "File name too long", b"/" + b"x" * 300 + b"\xff"))
    assert name is not None and len(name.message) < 250 and name.message.endswith("the name is too long.")


@pytest.mark.parametrize(
    "error",
    [OSError("no number"), OSError(errno.EMFILE, "Too many open files"), ValueError("x"), OSError(2, "no file")],
)
def test_errors_of_another_kind_stay_what_they_are(error: Exception) -> None:
    assert refusal_of(error) is None


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "loop/inside", "file/inside", "nowhere"])
def test_a_place_that_may_not_be_looked_at_is_empty(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("")
    place = tmp_path / name
    assert not is_there(place)
    assert not is_file_there(place)
    assert not is_folder_there(place)
    assert found_in(place, "*") == ()
    assert run_folders(place) == sweep_folders(place) == comparison_runs(place) == ()
    assert sweep_workspace(place) == 0
    assert not is_run(place)
    assert not is_ensemble(place)


def test_what_may_not_be_looked_at_is_neither_there_nor_missing(tmp_path: Path) -> None:
    """A name that is too long stands in for a folder that may not be entered, which stops no root."""
    (tmp_path / "there").touch()
    unclear = tmp_path / ("n" * 300)
    assert [is_missing(path) for path in (tmp_path / "there", tmp_path / "nothing", unclear)] == [False, True, False]
    assert not is_there(unclear)
    assert changed_at(tmp_path / "there") == (tmp_path / "there").stat().st_mtime_ns
    assert changed_at(unclear) == changed_at(tmp_path / "nothing") == 0
