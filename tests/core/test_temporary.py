"""No folder for temporary files: a sentence where one is needed, and nothing where a file in memory does."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.temporary import folder_of_a_command, named_temporary_folder, scratch_file, temporary_folder


@pytest.fixture
def no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As where /tmp is full or read-only, and the current folder too."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "none")])


@pytest.mark.usefixtures("no_folder")
def test_a_folder_that_cannot_be_made_is_a_sentence() -> None:
    with pytest.raises(UserError, match="Temporary files cannot be written: ") as refused:
        temporary_folder("a-")
    assert "TMPDIR" in refused.value.hint


@pytest.mark.usefixtures("no_folder")
def test_a_command_that_can_have_no_folder_says_so() -> None:
    with pytest.raises(UserError, match="Temporary files cannot be written: "), folder_of_a_command():
        raise AssertionError


def test_the_folder_of_a_command_is_its_own_and_goes_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def interrupted() -> None:
        with folder_of_a_command() as made:
            (made / "file").touch()
            assert (made.parent, made.stat().st_mode & 0o077) == (tmp_path, 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_folder")
def test_a_folder_within_another_needs_no_temporary_one(tmp_path: Path) -> None:
    with temporary_folder(".a-", within=tmp_path) as made:
        assert Path(made).parent == tmp_path
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="cannot be written"):
        temporary_folder(".a-", within=tmp_path / "none")


@pytest.mark.usefixtures("no_folder")
def test_a_few_lines_are_kept_in_memory_or_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    if hasattr(os, "memfd_create"):
        with scratch_file() as file:
            file.write(b"said")
            file.seek(0)
            assert file.read() == b"said"
    monkeypatch.delattr(os, "memfd_create", raising=False)
    with scratch_file() as file:
        assert file.fileno() > 2
        file.write(b"said")


@pytest.mark.usefixtures("no_folder")
def test_the_folder_has_a_name_while_a_library_asks_for_it_alone() -> None:
    with named_temporary_folder():
        assert tempfile.gettempdir() == os.devnull
    with pytest.raises(FileNotFoundError):
        tempfile.gettempdir()


@pytest.mark.thorough
def test_tensorflow_is_imported_without_a_temporary_folder(tmp_path: Path) -> None:
    ask = (
        f"import tempfile; tempfile._candidate_tempdir_list = lambda: ['{tmp_path / 'none'}'];"
        "from dnnstudio.engine.backend.runtime import tf; print(tf.__version__)"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("2.")
