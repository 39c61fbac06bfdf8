"""One program at a time works on a folder, and one that is gone holds nothing."""

from __future__ import annotations

import errno
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core import folder_lock
from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.folder_lock import FILE, SILENT_S, held
from dnnstudio.core.processes import beginning_of, boot

HOLDER = """
import sys
from pathlib import Path
from dnnstudio.core.folder_lock import held
with held(Path(sys.argv[1]), "a training"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def start() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Starts a program that holds a folder until its input ends."""
    begun: list[subprocess.Popen[str]] = []

    def starting(folder: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDER, str(folder)]
        begun.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        assert begun[-1].stdout is not None
        assert begun[-1].stdout.readline() == "held\n"
        return begun[-1]

    yield starting
    for process in begun:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


def refused(folder: Path, **given: Any) -> UserError:
    with pytest.raises(UserError) as caught, held(folder, "a test", **given):
        pass
    assert caught.value.code is Code.IN_USE
    return caught.value


def free(folder: Path) -> bool:
    with held(folder, "a test"):
        assert json.loads((folder / FILE).read_text())["pid"] == os.getpid()
    return not (folder / FILE).exists()


def note(folder: Path, **changed: object) -> None:
    """The file of a holder that is not at work here."""
    told = {"what": "a training", "pid": 1, "host": platform.node(), "boot": "", "began": "", "since": time.time()}
    (folder / FILE).write_text(json.dumps(told | changed))


def test_another_program_is_refused_and_told_who_is_at_work(
    tmp_path: Path, start: Callable[[Path], subprocess.Popen[str]]
) -> None:
    other = start(tmp_path)
    said = str(refused(tmp_path))
    assert f"is in use by a training (process {other.pid}, begun at " in said
    assert said.endswith("Wait until it has ended, or stop it there.")
    other.communicate("")
    assert free(tmp_path)


def test_a_program_that_was_killed_holds_nothing(
    tmp_path: Path, start: Callable[[Path], subprocess.Popen[str]]
) -> None:
    other = start(tmp_path)
    other.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
    other.communicate()
    assert (tmp_path / FILE).exists()
    assert free(tmp_path)


def test_who_waits_gets_it_when_the_other_has_ended(
    tmp_path: Path, start: Callable[[Path], subprocess.Popen[str]]
) -> None:
    other = start(tmp_path)
    assert other.stdin is not None
    timer = threading.Timer(0.2, other.stdin.close)
    timer.start()
    with held(tmp_path, "a test", wait_s=60):
        assert other.wait(60) == 0
    timer.join()


def test_the_thread_that_holds_it_may_take_it_again_and_another_one_not(tmp_path: Path) -> None:
    said: list[str] = []
    with held(tmp_path, "a training"):
        with held(tmp_path / ".." / tmp_path.name, "a saving"):
            pass
        thread = threading.Thread(target=lambda: said.append(str(refused(tmp_path))))
        thread.start()
        thread.join()
    assert "is in use by a training of this program." in said[0]
    assert free(tmp_path)


def test_a_folder_that_had_to_be_made_is_removed_if_it_stays_empty(tmp_path: Path) -> None:
    with held(tmp_path / "deep" / "new", "a training", make=True):
        pass
    assert not (tmp_path / "deep" / "new").exists()
    with held(tmp_path / "kept", "a training", make=True):
        (tmp_path / "kept" / "history.csv").touch()
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["history.csv"]


def test_another_machine_counts_until_it_has_been_silent_for_long(tmp_path: Path) -> None:
    note(tmp_path, host="elsewhere", boot="another", pid=os.getpid())
    said = refused(tmp_path)
    assert f"is in use by a training on elsewhere (process {os.getpid()}, begun at " in said.message
    assert said.hint.endswith(f"If it is gone, remove {FILE}.")
    silent = time.time() - SILENT_S - 1
    os.utime(tmp_path / FILE, (silent, silent))
    assert free(tmp_path)


def test_this_machine_before_its_last_start_holds_nothing(tmp_path: Path) -> None:
    note(tmp_path, boot="before", pid=os.getpid(), began=beginning_of(os.getpid()))
    assert free(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="flock is of Linux and macOS")
def test_on_a_drive_without_locks_the_process_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def no_locks(handle: int, wanted: int) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        note(tmp_path, pid=other.pid, boot=boot(), began=beginning_of(other.pid))
        refused(tmp_path)
        note(tmp_path, pid=other.pid, boot=boot(), began="another process of this number")
        assert not sys.platform.startswith("linux") or free(tmp_path)
        note(tmp_path, pid=other.pid, boot=boot(), began=beginning_of(other.pid))
        other.communicate(b"\n")
    assert not sys.platform.startswith("linux") or free(tmp_path)
    with held(tmp_path, "a training"):
        thread = threading.Thread(target=lambda: refused(tmp_path))
        thread.start()
        thread.join()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 5000, b'{"pid": 1e999}', b'{"pid": "one"}', b"null"])
def test_a_damaged_file_holds_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert free(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="links and pipes of Linux and macOS")
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_neither_a_link_is_followed_nor_a_pipe_waited_for(tmp_path: Path, kind: str) -> None:
    if kind == "link":
        (tmp_path / "other").write_text("kept")
        (tmp_path / FILE).symlink_to(tmp_path / "other")
    else:
        os.mkfifo(tmp_path / FILE)
    with pytest.raises(UserError, match=FILE), held(tmp_path, "a test"):
        pass
    assert kind == "pipe" or (tmp_path / "other").read_text() == "kept"


@pytest.mark.skipif(os.name == "nt", reason="permissions of Linux and macOS")
def test_a_folder_that_may_not_be_written_can_be_read_unless_somebody_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[[Path], subprocess.Popen[str]]
) -> None:
    other, really = start(tmp_path), os.open

    def read_only(path: Any, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_RDWR:
            raise OSError(errno.EROFS, "read-only", str(path))
        return really(path, flags, mode)

    monkeypatch.setattr(os, "open", read_only)
    refused(tmp_path, only_reads=True)
    other.communicate("")
    with held(tmp_path, "a copying", only_reads=True):
        pass
    with pytest.raises(UserError, match="the disk is read-only"), held(tmp_path, "a test"):
        pass


def test_a_full_disk_is_named_with_its_cure_and_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as filled:
        filled.setattr(os, "write", full)
        with (
            pytest.raises(UserError, match=r"the disk is full\. Make room there"),
            held(tmp_path / "run", "a", make=True),
        ):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_moved_and_made_anew_is_held_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_lock, "BEAT_S", 0.02)
    folder, moved = tmp_path / "run", tmp_path / "moved"
    folder.mkdir()
    with held(folder, "a training"):
        folder.rename(moved)
        folder.mkdir()
        until = time.monotonic() + 10
        while not (folder / FILE).exists() and time.monotonic() < until:
            time.sleep(0.01)
        with ThreadPoolExecutor(1) as other:
            assert other.submit(refused, folder).result().code is Code.IN_USE
    assert free(folder)
