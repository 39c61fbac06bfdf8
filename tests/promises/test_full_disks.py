"""P3: a full disk keeps the old file and the program alive, whoever writes and whichever write it is."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.checksums import changed_files
from dnnstudio.core.errors import UserError

pytestmark = [pytest.mark.promise(3), pytest.mark.timeout(1800)]
ROOT = Path(__file__).parents[2]
FORMATS = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from pathlib import Path
import keras
from dnnstudio.core.errors import UserError
from dnnstudio.engine.model_files import read_model, save_model
folder = Path(os.environ["FOLDER"])
def network(units):
    return keras.Sequential([keras.Input((100,)), keras.layers.Dense(units, name="d")])
for suffix in (".keras", ".h5", ".weights.h5"):
    path = folder / f"model{suffix}"
    save_model(network(100), path, input_shape=(100,))
    before = path.read_bytes()
    try:
        save_model(network(200), path, input_shape=(100,), keep_previous=True)
    except UserError as error:
        print(suffix, error)
    assert path.read_bytes() == before
    assert os.listdir(folder) == [path.name]
    if suffix != ".weights.h5":
        assert read_model(path).layers[0].units == 100
    path.unlink()
print("alive")
"""
SIZES = """
import json, os, subprocess, sys
from pathlib import Path
from dnnstudio.core.checksums import changed_files
from dnnstudio.core.errors import UserError
from tests.promises.writers import WRITERS
folder = Path(os.environ["FOLDER"])
def size(kilobytes):
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(folder)], check=True)
told = []
for name, write in WRITERS.items():
    size(20_000)
    here = folder / name
    here.mkdir()
    write(here, 1)
    old = {path.name: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    used = sum(item.stat().st_blocks for item in folder.rglob("*")) // 2
    refused = 0
    for more in range(0, 4000, 4):
        size(used + more)
        try:
            write(here, 2)
        except UserError as error:
            refused += 1
            assert "the disk is full" in str(error), error
        except OSError as error:
            raise SystemExit(f"{name}: {error!r}")
        else:
            break
        now = {path.name: path.read_bytes() for path in here.rglob("*") if path.is_file()}
        changed = {key for key in old if now.get(key) != old[key]}
        assert changed <= {"checksums.json"}, (name, more, changed)
        assert changed_files(here) == (), (name, more)
        assert not [key for key in now if key.endswith(".tmp")], (name, more)
    else:
        raise SystemExit(f"{name} was never written")
    told.append((name, refused))
    size(20_000)
    subprocess.run(["rm", "-rf", str(here)], check=True)
print(json.dumps(told))
"""


def on_small_disk(folder: Path, script: str, size_kb: int) -> subprocess.CompletedProcess[str]:
    """Run a script with `FOLDER` on a file system of its own. Skips where none may be mounted."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("mounting a small file system needs Linux and root")
    mount = f'mount -t tmpfs -o size={size_kb}k tmpfs "{folder}" && exec "{sys.executable}" -'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount],
        input=script,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"FOLDER": str(folder), "PYTHONPATH": str(ROOT)},
        timeout=600,
        check=False,
    )
    if "mount" in done.stderr and "denied" in done.stderr:
        pytest.skip("this container may not mount")
    return done


def test_p3_a_full_disk_keeps_the_old_file_in_every_format(tmp_path: Path, figure: Any) -> None:
    done = on_small_disk(tmp_path, FORMATS, 110)
    figure(3, "model formats refused on a full disk, old file intact", done.stdout.count("the disk is full"), of=3)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the disk is full") == 3
    assert done.stdout.endswith("alive\n")


def test_p3_a_disk_of_any_size_keeps_the_old_file_of_every_writer(tmp_path: Path, figure: Any) -> None:
    """The disk is made larger page by page, until the new version fits."""
    from tests.promises.writers import WRITERS

    done = on_small_disk(tmp_path, SIZES, 20_000)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert [name for name, _ in told] == list(WRITERS)
    figure(3, "writers on disks of every size", sum(refused > 0 for _, refused in told), of=len(WRITERS))
    figure(3, "full disks, page by page", sum(refused for _, refused in told))
    assert all(refused for _, refused in told), told


# ------------------------------------------------------------------------------------- the n-th write of all


class Refusing:
    """Counts what is opened for writing, flushed and renamed below a folder, and refuses one of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count, self.refused_at = folder, 0, 0

    def look(self, path: object) -> None:
        if isinstance(path, str | Path) and Path(path).is_absolute() and Path(path).is_relative_to(self.folder):
            self.count += 1
            if self.count == self.refused_at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


@contextmanager
def refusing(folder: Path, at: int) -> Iterator[Refusing]:
    disk = Refusing(folder)
    disk.refused_at = at
    opening, path_open, plain_open, fsync, replace = os.open, Path.open, open, os.fsync, Path.replace

    def open_number(path: Any, flags: int, *given: Any, **more: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            disk.look(path)
        return opening(path, flags, *given, **more)

    def open_path(path: Path, mode: str = "r", *given: Any, **more: Any) -> Any:
        if set(mode) & set("wax+"):
            disk.look(path)
        return path_open(path, mode, *given, **more)

    def open_plainly(path: Any, mode: str = "r", *given: Any, **more: Any) -> Any:
        if set(mode) & set("wax+"):
            disk.look(path)
        return plain_open(path, mode, *given, **more)

    def flush(number: int) -> None:
        disk.look(str(Path(f"/proc/self/fd/{number}").resolve()))
        fsync(number)

    def rename(path: Path, target: Any) -> Path:
        disk.look(path)
        return replace(path, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", open_number)
        patch.setattr(os, "fsync", flush)
        patch.setattr(Path, "open", open_path)
        patch.setattr(Path, "replace", rename)
        patch.setattr("builtins.open", open_plainly)
        yield disk


def commands(run: Path, out: Path) -> dict[str, list[str]]:
    """The commands that write a file, each into `out`."""
    text = str(run)
    inputs = str(run.parent / "new.npz")
    experiment = str(run / "experiment.json")
    exports = {
        "python": "a.py",
        "notebook": "a.ipynb",
        "keras": "a.keras",
        "h5": "a.h5",
        "onnx": "a.onnx",
        "tflite": "a.tflite",
        "bundle": "a.dnnstudio",
        "report": "a.html",
    }
    found = {f"export {name}": ["export", text, "--to", name, "--out", str(out / to)] for name, to in exports.items()}
    for suffix in ("csv", "parquet", "json"):
        found[f"predict {suffix}"] = ["predict", text, inputs, "--out", str(out / f"answers.{suffix}")]
    found["uncertainty"] = [
        *("uncertainty", text, "--data", experiment, "--samples", "3"),
        *("--out", str(out / "samples.npz")),
    ]
    found["new"] = ["new", str(run.parent / "table.csv"), "--out", str(out / "new.json")]
    return found


def said_by(words: list[str]) -> tuple[int, str]:
    """Exit code and what was said on stderr by a command, in this process."""
    from dnnstudio.cli.main import main

    err = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as end:
            code = int(end.code or 0)
    return code, err.getvalue()


@pytest.fixture(scope="module")
def run(run_folder: Path) -> Path:
    draw = np.random.default_rng(1)
    np.savez(run_folder.parent / "new.npz", x=draw.integers(0, 16, (5, 8, 8)).astype(np.float32))
    rows = [f"{draw.normal():.3f},{draw.normal():.3f},{'yes' if number % 2 else 'no'}" for number in range(60)]
    (run_folder.parent / "table.csv").write_text("\n".join(["a,b,bought", *rows]))
    return run_folder


@pytest.mark.parametrize("name", commands(Path("run"), Path("out")))
def test_p3_each_write_of_each_writer_may_fail(name: str, run: Path, tmp_path: Path, figure: Any) -> None:
    words = commands(run, tmp_path)[name]
    target = Path(words[words.index("--out") + 1])
    code, said = said_by(words)
    assert code == 0, said
    fresh, old = target.read_bytes(), b"" if name == "new" else b"an older version"
    at = failed = kept = 0
    while True:
        at += 1
        target.write_bytes(old) if old else target.unlink(missing_ok=True)
        with refusing(tmp_path, at) as disk:
            code, said = said_by(words)
        if disk.count < at:
            assert code == 0, said
            break
        failed += 1
        now = target.read_bytes() if target.exists() else b""
        whole = now == old or len(now) == len(fresh)
        left = {path.name for path in tmp_path.iterdir()} - {target.name}
        fine = code == 0 or (code == 2 and "the disk is full" in said and "Traceback" not in said)
        kept += whole and fine and not left
        assert (whole, fine, left) == (True, True, set()), (at, code, said)
    figure(3, "failing writes, each of each command, kept the old file", kept, of=failed)
    figure(3, "commands that write", 1, of=1)
    assert failed >= 2


def trainings(run: Path) -> dict[str, list[str]]:
    """The commands that train into a folder, `--out` left out."""
    short = ("--set", "training.epochs=2")
    rates = ("--vary", "optimizer.learning_rate=0.01,0.1", "--jobs", "1")
    return {
        "run": ["run", str(run), *short],
        "repeat": ["repeat", str(run), *short, "--seeds", "1,2", "--jobs", "1"],
        "sweep": ["sweep", str(run), *short, *rates],
    }


@pytest.mark.parametrize("name", trainings(Path("run")))
def test_p3_each_write_of_a_training_may_fail(name: str, run: Path, tmp_path: Path, figure: Any) -> None:
    """A training goes on where one write fails, or ends by a sentence; what it leaves can be read and gone on with."""
    words, at, failed, kept = trainings(run)[name], 0, 0, 0
    while True:
        at += 1
        out = tmp_path / f"{at}" / "out"
        out.parent.mkdir()
        with refusing(out.parent, at) as disk:
            code, said = said_by([*words, "--out", str(out)])
        if disk.count < at:
            assert code == 0, said
            break
        failed += 1
        left = [path.name for path in out.parent.rglob("*.tmp")]
        fine = code == 0 or (code in (1, 2) and "the disk is full" in said and "Traceback" not in said)
        again, told = (0, "") if code == 0 else said_by([*words, "--out", str(out)])
        if again and name != "repeat":  # the sentence says how to go on
            assert "--resume" in told, (at, code, said, told, sorted(map(str, out.rglob("*"))))
            again, told = said_by([*words, "--out", str(out), "--resume"])
        kept += fine and not left and again == 0
        assert (fine, left, again) == (True, [], 0), (at, code, said, told)
        assert not [folder for folder in (out, *out.iterdir()) if folder.is_dir() and changed_files(folder)], at
    figure(3, "failing writes of trainings, each left what can be gone on with", kept, of=failed)
    figure(3, "commands that write", 1, of=1)
    assert failed >= 2


def test_p3_the_old_and_the_new_are_told_apart(tmp_path: Path) -> None:
    """The instrument itself: what is refused is refused, and nothing else."""
    from dnnstudio.core.atomic_files import write_atomically

    write_atomically(tmp_path / "a", b"old")
    with refusing(tmp_path, 1), pytest.raises(UserError, match="the disk is full"):
        write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    with refusing(tmp_path, 99) as disk:
        write_atomically(tmp_path / "a", b"new")
    assert disk.count >= 4
    assert (tmp_path / "a").read_bytes() == b"new"
