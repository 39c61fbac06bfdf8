"""What only its owner may read stays so at every moment of a save."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

import pytest

from dnnstudio.core import atomic_files
from dnnstudio.core.atomic_files import write_atomically

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes of Linux and macOS")


def modes(folder: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()]


@pytest.mark.parametrize(("before", "private"), [(0o600, False), (None, True), (0o640, False)])
def test_nobody_else_may_read_it_while_it_is_saved(tmp_path: Path, before: int | None, private: bool) -> None:
    target, seen = tmp_path / "settings.json", list[int]()
    if before is not None:
        target.write_bytes(b"before")
        target.chmod(before)

    def content(file: BinaryIO) -> None:
        file.write(b"now")
        seen.extend(modes(tmp_path))

    write_atomically(target, content, private=private, keep_previous=True)
    assert target.read_bytes() == b"now"
    allowed = before or 0o600
    assert all(mode & ~allowed == 0 for mode in [*seen, *modes(tmp_path)])
    assert stat.S_IMODE(target.stat().st_mode) == allowed


def test_a_kept_version_is_as_private_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise OSError("no hard links here")

    monkeypatch.setattr(atomic_files.os, "link", no_links)
    target = tmp_path / "model.keras"
    target.write_bytes(b"before")
    target.chmod(0o600)
    write_atomically(target, b"now", keep_previous=True)
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == [b"before", b"now"]
    assert modes(tmp_path) == [0o600, 0o600]


def test_a_new_file_is_as_readable_as_the_system_makes_files(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_atomically(tmp_path / "saved", b"now")
    assert len(set(modes(tmp_path))) == 1
