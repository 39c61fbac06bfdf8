"""P2: a program that is killed while it saves loses nothing; and in which order it hands a file to the disk."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.core.checksums import changed_files, write_checked
from dnnstudio.engine.model_files.seal import check_seal

ROOT = Path(__file__).parents[2]
KILLS = 200
LONGEST_S = 0.06
KINDS = (".keras", ".h5", ".weights.h5", ".json", "state.npz", ".dnnstudio", "answers.npz")
SEALED = (".keras", ".h5", ".weights.h5", ".dnnstudio")
SAVER = """
import os, sys
from pathlib import Path
from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.core.checksums import write_checked
target, checked = Path(sys.argv[1]), sys.argv[2] == "checked"
versions = [Path(name).read_bytes() for name in sys.argv[3:5]]
while sys.stdin.readline():
    child = os.fork()
    if not child:
        number = 0
        while True:
            number += 1
            if checked:
                write_checked(target, versions[number % 2])
            else:
                write_atomically(target, versions[number % 2], keep_previous=True)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


class Saver:
    """A program whose copies save two versions in turns until they are killed."""

    def __init__(self, target: Path, versions: tuple[bytes, bytes], folder: Path, *, checked: bool = False) -> None:
        names = []
        for number, content in enumerate(versions):
            names.append(folder / f"version{number}")
            names[-1].write_bytes(content)
        words = [sys.executable, "-c", SAVER, str(target), "checked" if checked else "", *map(str, names)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def __enter__(self) -> Saver:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def kill_after(self, seconds: float) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        child = int(self._process.stdout.readline())
        time.sleep(seconds)  # the promise is about any moment
        os.kill(child, signal.SIGKILL)
        assert self._process.stdout.readline() == "gone\n"


@pytest.mark.promise(2)
@pytest.mark.timeout(600)
@pytest.mark.parametrize("suffix", KINDS)
def test_p2_a_killed_save_loses_nothing(
    saved: dict[str, tuple[bytes, bytes]], tmp_path: Path, suffix: str, figure: Any
) -> None:
    assert set(KINDS) == set(saved)
    folder = tmp_path / "documents"
    folder.mkdir()
    target = folder / f"model{suffix}"
    target.write_bytes(saved[suffix][0])
    backup = target.with_name(target.name + "~")
    chance, survived, seen = random.Random(suffix), 0, set()
    with Saver(target, saved[suffix], tmp_path) as saver:
        for _ in range(KILLS):
            saver.kill_after(chance.random() * LONGEST_S)
            content = target.read_bytes() if target.exists() else b""
            seen.add(content)
            kept = not backup.exists() or backup.read_bytes() in saved[suffix]
            survived += content in saved[suffix] and kept
    figure(2, "kills while saving survived", survived, of=KILLS)
    figure(2, "kinds of file", 1, of=1)
    assert survived == KILLS
    assert len(seen) == 2, "some were killed before the new version was there, some after"
    assert suffix not in SEALED or all(check_seal(content) for content in seen)


@pytest.mark.promise(2)
@pytest.mark.timeout(600)
def test_p2_a_killed_save_of_a_run_leaves_it_whole(tmp_path: Path, figure: Any) -> None:
    """A text file of a run and its checksum are two files, of which neither may be taken for damage."""
    run = tmp_path / "0001 A"
    run.mkdir()
    versions = (b'{"epochs": 1}' * 50, b'{"epochs": 2}' * 90)
    write_checked(run / "metrics.json", versions[0])
    chance, survived, seen = random.Random("run"), 0, set()
    with Saver(run / "metrics.json", versions, tmp_path, checked=True) as saver:
        for _ in range(KILLS):
            saver.kill_after(chance.random() * LONGEST_S)
            content = (run / "metrics.json").read_bytes()
            seen.add(content)
            survived += content in versions and changed_files(run) == ()
    figure(2, "kills while saving survived", survived, of=KILLS)
    figure(2, "kinds of file", 1, of=1)
    assert survived == KILLS
    assert len(seen) == 2


@pytest.mark.promise(2)
def test_a_file_is_flushed_before_it_takes_its_name_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a power cut leaves depends on this order: https://lwn.net/Articles/457667/."""
    target, order = tmp_path / "a.json", []
    write_atomically(target, b"old")
    fsync, replace = os.fsync, os.replace
    rename = Path.replace

    def flushed(number: int) -> None:
        order.append(("flush", Path(f"/proc/self/fd/{number}").is_dir()))
        fsync(number)

    def replaced(source: Any, to: Any, **more: Any) -> None:
        order.append(("name", Path(to).name))
        replace(source, to, **more)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", replaced)
    monkeypatch.setattr(Path, "replace", lambda path, to: (order.append(("name", Path(to).name)), rename(path, to))[1])
    write_atomically(target, b"new")
    names = [entry for number, entry in enumerate(order) if entry not in order[:number]]
    assert names == [("flush", False), ("name", "a.json"), ("flush", True)]
    assert target.read_bytes() == b"new"
