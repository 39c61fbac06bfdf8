"""Reading with a limit and writing so that nothing is lost: faults of every call, full disks, odd targets."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core import atomic_files as files
from dnnstudio.core.atomic_files import make_folder, read_bounded, sweep_leftovers, write_atomically
from dnnstudio.core.errors import UserError

ROOT = Path(__file__).parents[2]
OLD, NEW = b"old" * 1000, b"new" * 5000


def in_tmpfs(folder: Path, options: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a Python script in `folder` with a small file system mounted there, seen by no other process."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("mounting a small file system needs Linux and root")
    command = f'mount -t tmpfs -o {options} tmpfs "{folder}" && exec "{sys.executable}" -'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", command],
        input=textwrap.dedent(script),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"FOLDER": str(folder), "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    if "mount" in done.stderr and "denied" in done.stderr:
        pytest.skip("this container may not mount")
    return done


def names_in(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "model.keras"
    path.write_bytes(OLD)
    return path


def test_writing_replaces_the_content_and_leaves_nothing_else(target: Path) -> None:
    write_atomically(target, NEW)
    assert target.read_bytes() == NEW
    assert names_in(target.parent) == ["model.keras"]


def test_the_previous_version_is_kept_when_asked(target: Path) -> None:
    write_atomically(target, NEW, keep_previous=True)
    write_atomically(target, NEW + b"!", keep_previous=True)
    assert target.read_bytes() == NEW + b"!"
    assert target.with_name("model.keras~").read_bytes() == NEW
    assert names_in(target.parent) == ["model.keras", "model.keras~"]


def test_the_previous_version_is_copied_where_hard_links_do_not_exist(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    write_atomically(target, NEW, keep_previous=True)
    assert (target.read_bytes(), target.with_name("model.keras~").read_bytes()) == (NEW, OLD)
    assert names_in(target.parent) == ["model.keras", "model.keras~"]


FAULTS = {"open": os, "fsync": os, "replace": Path, "link": os, "chmod": Path, "stat": Path}


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES])
def test_a_fault_in_any_call_leaves_the_old_file_or_the_new_one(
    target: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    calls: list[str] = []

    def faulty(name: str, real: Callable[..., Any], nth: int) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            calls.append(name)
            if len(calls) == nth:
                raise OSError(error, os.strerror(error))
            return real(*args, **named)

        return call

    outcomes = []
    for nth in range(1, 40):
        target.write_bytes(OLD)
        calls.clear()
        with monkeypatch.context() as patch:
            for name, home in FAULTS.items():
                patch.setattr(home, name, faulty(name, getattr(home, name), nth))
            try:
                write_atomically(target, NEW, keep_previous=True)
                outcome = "written"
            except UserError as problem:
                outcome = "confirmed not" if "did not confirm" in problem.message else "refused"
                assert str(target) in problem.message
        content = target.read_bytes()
        outcomes.append(outcome)
        assert content == (OLD if outcome == "refused" else NEW)
        assert not [name for name in names_in(target.parent) if name.endswith(".tmp")]
        if len(calls) < nth:
            break
    assert len(calls) < nth, "every call was made to fail once"
    assert outcomes.count("refused") >= 4
    assert outcomes[-1] == "written"


def test_an_interrupt_in_the_middle_leaves_the_old_file(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(target, NEW)
    assert target.read_bytes() == OLD
    assert names_in(target.parent) == ["model.keras"]


def test_a_failed_flush_is_not_tried_again(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed = []

    def fail(handle: int) -> None:
        flushed.append(handle)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UserError, match="the disk reports an error"):
        write_atomically(target, NEW)
    assert len(flushed) == 1
    assert target.read_bytes() == OLD


def test_a_folder_that_cannot_be_flushed_is_reported_although_the_file_is_new(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def fail_for_folders(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        real(handle)

    monkeypatch.setattr(os, "fsync", fail_for_folders)
    with pytest.raises(UserError, match="did not confirm"):
        write_atomically(target, NEW)
    assert target.read_bytes() == NEW


def test_windows_is_asked_again_while_another_program_holds_the_file(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tries = Path.replace, []

    def held(self: Path, other: Path) -> Path:
        tries.append(self)
        if len(tries) < 4:
            raise PermissionError(errno.EACCES, "in use")
        return real(self, other)

    monkeypatch.setattr(files, "WINDOWS", True)
    monkeypatch.setattr(Path, "replace", held)
    write_atomically(target, NEW)
    assert target.read_bytes() == NEW
    assert len(tries) == 4


def test_windows_gives_up_after_a_while(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def held(self: Path, other: Path) -> Path:
        raise PermissionError(errno.EACCES, "in use")

    monkeypatch.setattr(files, "WINDOWS", True)
    monkeypatch.setattr(files, "REPLACE_PATIENCE_S", 0.2)
    monkeypatch.setattr(Path, "replace", held)
    with pytest.raises(UserError, match="permission denied"):
        write_atomically(target, NEW)
    assert target.read_bytes() == OLD
    assert names_in(target.parent) == ["model.keras"]


@pytest.mark.parametrize("name", ["CON", "nul.keras", "Com1.h5", "LPT9.txt"])
def test_windows_device_names_are_refused_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write_atomically(tmp_path / name, NEW)
    monkeypatch.setattr(files, "WINDOWS", True)
    with pytest.raises(UserError, match="Windows keeps the name"):
        write_atomically(tmp_path / name, OLD)


def test_a_symbolic_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    real, link = tmp_path / "there" / "real.keras", tmp_path / "link.keras"
    real.write_bytes(OLD)
    link.symlink_to(real)
    write_atomically(link, NEW)
    assert link.is_symlink()
    assert real.read_bytes() == NEW


def test_mode_and_extended_attributes_are_kept(target: Path) -> None:
    target.chmod(0o640)
    try:
        os.setxattr(target, "user.note", b"mine")
        noted = True
    except (OSError, AttributeError):
        noted = False
    write_atomically(target, NEW)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert not noted or os.getxattr(target, "user.note") == b"mine"


def test_a_new_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "new", NEW)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("ü" * 124 + ".keras")
    assert len(path.name.encode()) == 254
    write_atomically(path, NEW)
    write_atomically(path, OLD)
    assert path.read_bytes() == OLD


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("missing/model.keras", "the file or its folder does not exist"),
        ("a_file/model.keras", "a part of its path is not a folder"),
        ("a_folder", "it is a folder"),
        ("a_pipe", "it is no plain file"),
        ("x" * 300, "the name is too long"),
        ("half\udc80\0", "no name that a file can have"),
    ],
)
def test_impossible_targets_get_one_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "a_file").write_bytes(b"")
    (tmp_path / "a_folder").mkdir()
    os.mkfifo(tmp_path / "a_pipe")
    with pytest.raises(UserError, match=sentence):
        write_atomically(tmp_path / name, NEW)
    assert names_in(tmp_path) == ["a_file", "a_folder", "a_pipe"]


def test_a_device_is_never_replaced() -> None:
    with pytest.raises(UserError, match="no plain file"):
        write_atomically(Path(os.devnull), NEW)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_no_folder_for_temporary_files_is_needed(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/nonexistent")
    write_atomically(target, NEW)
    assert target.read_bytes() == NEW


def test_a_full_disk_keeps_the_old_file_and_says_how_much_is_needed(tmp_path: Path) -> None:
    done = in_tmpfs(
        tmp_path,
        "size=110k",
        """
        import os
        from pathlib import Path
        from dnnstudio.core.errors import UserError
        from dnnstudio.core.atomic_files import write_atomically
        folder = Path(os.environ["FOLDER"])
        write_atomically(folder / "a", b"1" * 60_000)
        for keep in (False, True):
            try:
                write_atomically(folder / "a", b"2" * 90_000, keep_previous=keep)
            except UserError as error:
                print(error)
            assert (folder / "a").read_bytes() == b"1" * 60_000
            assert os.listdir(folder) == ["a"], os.listdir(folder)
        """,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the disk is full. It needs 90.0 kB and 53.2 kB are free") == 2, done.stdout


def test_a_read_only_disk_gets_one_sentence(tmp_path: Path) -> None:
    done = in_tmpfs(
        tmp_path,
        "size=1m,ro",
        """
        import os
        from pathlib import Path
        from dnnstudio.core.errors import UserError
        from dnnstudio.core.atomic_files import make_folder, write_atomically
        for act in (lambda p: write_atomically(p, b"1"), make_folder):
            try:
                act(Path(os.environ["FOLDER"]) / "a")
            except UserError as error:
                print(error)
        """,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the disk is read-only") == 2


def test_a_file_larger_than_allowed_by_the_system_is_reported(tmp_path: Path) -> None:
    script = f"""
import resource, signal
from pathlib import Path
from dnnstudio.core.errors import UserError
from dnnstudio.core.atomic_files import write_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
path = Path({str(tmp_path / "a")!r})
write_atomically(path, b"1" * 40_000)
try:
    write_atomically(path, b"2" * 60_000)
except UserError as error:
    print(error)
assert path.read_bytes() == b"1" * 40_000
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "too large for this disk" in done.stdout
    assert names_in(tmp_path) == ["a"]


def test_leftovers_of_killed_saves_are_swept_after_a_day(tmp_path: Path) -> None:
    old, young, other = (tmp_path / name for name in (".dnnstudio-1.tmp", ".dnnstudio-2.tmp", "mine.tmp"))
    for path in (old, young, other):
        path.write_bytes(b"")
    long_ago = time.time() - 25 * 3600
    os.utime(old, (long_ago, long_ago))
    os.utime(other, (long_ago, long_ago))
    assert sweep_leftovers(tmp_path) == 1
    assert names_in(tmp_path) == [".dnnstudio-2.tmp", "mine.tmp"]


def test_reading_stops_at_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100)
    assert read_bounded(path, 100, what="a test") == b"x" * 100
    with pytest.raises(UserError, match="too large for a test"):
        read_bounded(path, 99, what="a test")


def test_reading_a_pipe_a_folder_or_nothing_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, sentence in (("pipe", "is not a file"), (".", "is not a file"), ("none", "does not exist")):
        with pytest.raises(UserError, match=sentence):
            read_bounded(tmp_path / name, 10, what="a test")


def test_a_folder_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(UserError, match="cannot be made"):
        make_folder(tmp_path / "a" / "b")


def test_a_disk_that_is_full_and_then_gone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: Any) -> None:
        raise OSError(errno.ENOSPC, "full")

    def gone(folder: Path) -> None:
        raise FileNotFoundError(errno.ENOENT, "gone", str(folder))

    monkeypatch.setattr(files.shutil, "disk_usage", gone)
    with pytest.raises(UserError, match="Less is free; make room"):
        write_atomically(tmp_path / "a", full)


def test_a_last_look_may_forbid_the_renaming(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def forbid() -> None:
        assert path.read_bytes() == b"old"
        raise LookupError

    with pytest.raises(LookupError):
        write_atomically(path, b"new", last_look=forbid)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("file", b"old")]
    write_atomically(path, b"new", last_look=path.exists)
    assert path.read_bytes() == b"new"
