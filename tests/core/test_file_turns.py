"""Turns at a small file, whatever lies where their lock should be."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core import file_turns
from dnnstudio.core.file_turns import Turns, folder_turn, turn


def link(path: Path) -> None:
    path.with_name("elsewhere").write_text("mine")
    path.symlink_to("elsewhere")


def socket_file(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


FOREIGN: dict[str, Callable[[Path], object]] = {
    "folder": Path.mkdir,
    "link": link,
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "link in a circle": lambda path: path.symlink_to(path.name),
    "pipe": lambda path: os.mkfifo(path),
    "socket": socket_file,
}


HOLDER = """
import sys
from pathlib import Path
from dnnstudio.core.file_turns import turn
with turn(Path(sys.argv[1]), 10.0) as sure:
    print(sure, flush=True)
    input()
"""


class Clock:
    """A time that goes on where somebody sleeps, and nowhere else."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_many_turns_wait_no_longer_than_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, clock = tmp_path / "the.lock", Clock()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        monkeypatch.setattr(file_turns, "time", clock)
        turns = Turns(path, 0.1, 2.0)

        def waited() -> float:
            asked = clock.now
            with turns.take() as sure:
                assert not sure
            return clock.now - asked

        assert [waited() for _ in range(4)] == pytest.approx([0.1, 0.0, 0.0, 0.0], abs=0.002)
        clock.now += 1.0
        assert [waited() for _ in range(2)] == pytest.approx([0.05, 0.0], abs=0.002)
        clock.now += 100.0
        assert [waited() for _ in range(2)] == pytest.approx([0.1, 0.0], abs=0.002)
        holder.kill()
    with turns.take() as sure:  # what is free is had without waiting
        assert sure


@pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and sockets are files of Unix")
@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_no_lock_makes_room_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's name is short
    path = Path("the.lock")
    FOREIGN[kind](path)
    with turn(path, 0.0) as sure:
        assert sure
        assert path.is_file() and not path.is_symlink()
    assert not Path("nowhere").exists()
    if kind == "link":
        assert Path("elsewhere").read_text() == "mine"


def test_a_file_that_may_not_be_opened_makes_room_for_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened = tmp_path / "the.lock", os.open
    path.write_text("of somebody else")
    foreign = path.stat().st_ino

    def refused(name: Any, *rest: Any, **named: Any) -> int:
        if Path(name) == path and path.exists() and path.stat().st_ino == foreign:
            raise PermissionError(13, "permission denied")
        return opened(name, *rest, **named)

    monkeypatch.setattr(os, "open", refused)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with turn(path, 0.0) as sure:
        assert sure
    assert path.read_text() == ""


def test_nothing_else_is_removed_for_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, file = tmp_path / "folder.lock", tmp_path / "file.lock"
    (folder / "something").mkdir(parents=True)
    with turn(folder, 0.0) as sure:
        assert not sure
    assert (folder / "something").is_dir()
    file.write_text("held")

    def too_many(*_: object, **__: object) -> int:
        raise OSError(24, "too many open files")

    monkeypatch.setattr(os, "open", too_many)
    with turn(file, 0.0) as sure:
        assert not sure
    monkeypatch.undo()
    assert file.read_text() == "held"


def test_a_lock_that_was_removed_meanwhile_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, taken = tmp_path / "the.lock", file_turns._taken

    def removed(handle: int, until: float) -> bool:
        path.unlink()
        return taken(handle, until)

    monkeypatch.setattr(file_turns, "_taken", removed)
    with turn(path, 0.0) as sure:
        assert not sure
    monkeypatch.undo()
    with turn(path, 0.0) as sure:
        assert sure


FOLDER_HOLDER = """
import sys
from pathlib import Path
from dnnstudio.core.file_turns import folder_turn
with folder_turn(Path(sys.argv[1]), 5.0):
    print("mine", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no folders")
def test_a_turn_at_a_folder_is_one_programs_and_leaves_nothing_in_it(tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", FOLDER_HOLDER, str(tmp_path)], stdin=pipe, stdout=pipe, text=True
    ) as other:
        assert other.stdin is not None and other.stdout is not None
        assert other.stdout.readline() == "mine\n"
        began = time.monotonic()
        with folder_turn(tmp_path, 0.2):
            waited = time.monotonic() - began
        other.stdin.write("\n")
        other.stdin.flush()
        other.wait(60)
    assert waited >= 0.2
    began = time.monotonic()
    with folder_turn(tmp_path, 5.0):
        assert time.monotonic() - began < 1.0
    assert list(tmp_path.iterdir()) == []


def test_where_there_is_no_folder_nobody_waits(tmp_path: Path) -> None:
    with folder_turn(tmp_path / "nowhere", 5.0):
        pass
