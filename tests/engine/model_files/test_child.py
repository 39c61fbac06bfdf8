"""The child process: what it may not do, what it costs, and what happens when it dies, hangs or is called off."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.model_files import reading
from dnnstudio.engine.model_files.contents import MAX_FILE
from dnnstudio.engine.model_files.reading import read_model

Craft = Any  # conftest's; test modules cannot import it
ROOT = Path(__file__).parents[3]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the limits and their figures are Linux's")


# Linux gives a new process the largest size of the one it was forked from, which is all of this pytest with TensorFlow
# in it; so a small interpreter stands in between and says what its child used.
LAUNCHER = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, file=file)
sys.exit(code)
"""


def run_child(content: bytes, tmp_path: Path, code: str | None = None) -> tuple[dict[str, Any], float, float]:
    """The header of the child's answer, its processor time in seconds and its largest size in MB.

    `code` runs instead of the module's own main.
    """
    path, usage = tmp_path / "input", tmp_path / "usage"
    path.write_bytes(content)
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "dnnstudio.engine.model_files.child"]
    command = [sys.executable, "-S", "-c", LAUNCHER, str(usage), *command]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    with path.open("rb") as file:
        answer = subprocess.run(
            command, stdin=file, stdout=subprocess.PIPE, cwd=ROOT, env=environment, check=True
        ).stdout
    assert answer[:4] == b"DNNM"
    seconds, megabytes = map(float, usage.read_text().split())
    return json.loads(answer[12 : 12 + int.from_bytes(answer[4:12], "little")]), seconds, megabytes


def standing_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> Path:
    """A model file, read by a child that runs `code` instead."""
    monkeypatch.setattr(reading, "_COMMAND", (sys.executable, "-c", code))
    path = tmp_path / "model.keras"
    path.write_bytes(b"PK\x03\x04")
    return path


def test_the_child_imports_neither_tensorflow_nor_keras(tmp_path: Path, craft: Craft) -> None:
    code = (
        "import sys; from dnnstudio.engine.model_files import child; child.main(); "
        "bad = {'tensorflow', 'keras', 'PySide6', 'sklearn', 'dnnstudio.core.experiment.record'} & set(sys.modules); "
        "assert not bad, bad"
    )
    assert run_child(craft.keras(), tmp_path, code)[0]["layers"]


@LINUX
def test_the_child_may_open_no_file_and_write_none(tmp_path: Path) -> None:
    code = """
import os, sys
from dnnstudio.engine.model_files import child
child.limit_resources(1000)
tried = []
for act in (lambda: open("/etc/passwd"), lambda: open("/dev/null", "w"), lambda: os.open(".", os.O_RDONLY),
            lambda: __import__("socket").socket(), lambda: bytearray(2 * 2**30)):
    try:
        act()
    except (OSError, MemoryError, ImportError) as error:
        tried.append(type(error).__name__)
child.write_answer(sys.stdout.buffer, {"tried": tried}, [])
"""
    header = run_child(b"", tmp_path, code)[0]
    assert header["tried"][:3] == ["OSError"] * 3
    assert header["tried"][4] == "MemoryError"
    assert len(header["tried"]) == 5


@LINUX
def test_the_child_is_ended_when_it_computes_for_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from dnnstudio.engine.model_files import child; child.limit_resources(0)\nwhile True: pass"
    path = standing_in(tmp_path, monkeypatch, code)
    with pytest.raises(UserError, match="takes too long to read"):
        read_model(path)


HOSTILE_SIZES = {
    "6 GB out of nothing": lambda c: c.keras(weights=c.weights(never_written)),
    "400 layers": lambda c: c.keras(*[c.dense(f"d{n}") for n in range(400)]),
    "199 layers": lambda c: c.keras(*[c.dense(f"d{n}") for n in range(199)]),
    "350,000 numbers": lambda c: c.keras(c.layer("Reshape", "r", target_shape=[7] * 350_000)),
    "a million brackets": lambda c: c.keras(config="[" * 10**6),
    "20,000 groups": lambda c: c.keras(weights=c.weights(many_groups)),
    "megabyte of name": lambda c: c.keras(c.dense("x" * 900_000)),
    "bomb of spaces": lambda c: c.archive(
        {"config.json": b"{}" + b" " * (4 * 2**20 - 2), "model.weights.h5": bytes(11 * 2**20)}, compression=8
    ),
}  # fmt: skip


def many_groups(file: h5py.File) -> None:
    for number in range(19_990):
        file.create_group(str(number))


def never_written(file: h5py.File) -> None:
    space = h5py.h5s.create_simple((2**15, 2**15 + 2**14))
    h5py.h5d.create(file.id, b"layers/dense/vars/2", h5py.h5t.IEEE_F32LE, space)


@LINUX
@pytest.mark.parametrize("name", HOSTILE_SIZES)
def test_no_small_file_costs_much_time_or_memory(name: str, tmp_path: Path, craft: Craft) -> None:
    content = HOSTILE_SIZES[name](craft)
    run_child(craft.keras(), tmp_path)
    header, seconds, megabytes = run_child(content, tmp_path)
    print(f"{name}: {len(content):,} bytes, {seconds:.2f} s, {megabytes:.0f} MB: {header.get('error')}")
    assert ("layers" in header) == (name in ("20,000 groups", "megabyte of name"))
    assert seconds < 2.0
    assert megabytes < 200


@pytest.mark.parametrize(
    "code", ["import os; os.abort()", "import os; os.kill(os.getpid(), 11)", "1 / 0", "pass", "print('x')"]
)
def test_a_child_that_dies_leaves_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    path = standing_in(tmp_path, monkeypatch, code)
    with pytest.raises(UserError, match=r"^model\.keras: The file is damaged; reading it failed\."):
        read_model(path)


def test_a_child_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = standing_in(tmp_path, monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(reading, "PATIENCE_S", 0.3)
    began = time.monotonic()
    with pytest.raises(UserError, match="takes too long to read"):
        read_model(path)
    assert time.monotonic() - began < 5


def test_time_in_which_the_program_itself_was_stopped_is_none_that_the_file_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = standing_in(tmp_path, monkeypatch, "import time; time.sleep(0.3); print('x')")
    monkeypatch.setattr(reading, "PATIENCE_S", 1.5)
    plain, stops = subprocess.Popen.communicate, [2.0]

    def stopped(process: Any, *given: Any, **named: Any) -> Any:
        if stops:
            time.sleep(stops.pop())  # as between Ctrl+Z and `fg`
            raise subprocess.TimeoutExpired(process.args, 0.05)
        return plain(process, *given, **named)

    monkeypatch.setattr(subprocess.Popen, "communicate", stopped)
    with pytest.raises(UserError, match="is damaged"):  # by what it wrote, and not by how long it took
        read_model(path)


def test_reading_can_be_called_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = standing_in(tmp_path, monkeypatch, "import time; time.sleep(60)")
    control = Control()
    timer = threading.Timer(0.2, control.stop)
    timer.start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        read_model(path, control=control)
    timer.join()
    assert time.monotonic() - began < 5


def test_a_child_that_ends_just_when_it_is_called_off_leaves_no_pipe_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = standing_in(tmp_path, monkeypatch, "import time; time.sleep(0.2)")
    begun: list[subprocess.Popen[bytes]] = []

    class Ended(Control):
        def check(self) -> None:
            assert begun[0].wait(30) == 0
            raise Cancelled

    def popen(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        begun.append(subprocess.Popen(*arguments, **options))
        return begun[0]

    monkeypatch.setattr(reading, "subprocess", SimpleNamespace(**vars(subprocess) | {"Popen": popen}))
    with pytest.raises(Cancelled):
        read_model(path, control=Ended())
    assert begun[0].stdout is not None and begun[0].stderr is not None
    assert begun[0].stdout.closed and begun[0].stderr.closed


def lying_answer(**changes: Any) -> str:
    header = {
        "layers": [{"kind": "dense", "id": "d", "units": 3}],
        "input_shape": [4],
        "arrays": {"d": [[4, 3], [3]]},
        "record": None,
        "not_finite": [],
        "notes": [],
    } | changes
    return (
        "import sys, json; from dnnstudio.engine.model_files.child import write_answer; "
        f"write_answer(sys.stdout.buffer, json.loads({json.dumps(header)!r}), [bytes(60)])"
    )


def test_the_childs_honest_answer_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read_model(standing_in(tmp_path, monkeypatch, lying_answer()))
    assert [array.shape for array in found.arrays["d"]] == [(4, 3), (3,)]


@pytest.mark.parametrize(
    "changes",
    [
        {"layers": [{"kind": "lambda", "id": "d"}]},
        {"layers": [{"kind": "dense", "id": "../d", "units": 3}]},
        {"layers": 7},
        {"input_shape": [5]},
        {"input_shape": ["x"]},
        {"arrays": {"d": [[3, 4], [3]]}},
        {"arrays": {"e": [[4, 3], [3]]}},
        {"arrays": {"d": [[4, 3], [4]]}},
        {"arrays": {"d": [[4, 3]]}},
    ],
)
def test_a_child_that_lies_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    path = standing_in(tmp_path, monkeypatch, lying_answer(**changes))
    with pytest.raises(UserError, match="reading it failed"):
        read_model(path)


def test_modules_in_the_current_folder_are_not_run(
    tmp_path: Path, craft: Craft, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "ran"
    for name in ("json", "h5py", "numpy", "dnnstudio", "zipfile", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(marker)!r}, 'w')\nraise SystemExit(3)\n")
    (tmp_path / "model.keras").write_bytes(craft.keras())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    np.testing.assert_array_equal(read_model(Path("model.keras")).arrays["dense_1"][1], craft.BIAS)
    assert not marker.exists()


def test_a_pipe_is_not_opened_and_a_missing_file_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.keras")
    with pytest.raises(UserError, match="is not a file"):
        read_model(tmp_path / "pipe.keras")
    with pytest.raises(UserError, match="does not exist"):
        read_model(tmp_path / "none.keras")
    with pytest.raises(UserError, match="cannot be read"):
        read_model(Path("half\0name.keras"))


def test_a_file_larger_than_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.keras"
    with path.open("wb") as file:
        file.truncate(MAX_FILE + 1)
    began = time.process_time()
    with pytest.raises(UserError, match=r"larger than 268\.4 MB"):
        read_model(path)
    assert time.process_time() - began < 0.2


def test_no_child_and_no_open_file_is_left_behind(tmp_path: Path, craft: Craft) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("counting open files needs /proc")
    (tmp_path / "good.keras").write_bytes(craft.keras())
    (tmp_path / "bad.keras").write_bytes(craft.keras(craft.dense(units=0)))
    read_model(tmp_path / "good.keras")
    gc.collect()  # what earlier tests left to the collector may not be closed during the count
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        read_model(tmp_path / "good.keras")
        with pytest.raises(UserError):
            read_model(tmp_path / "bad.keras")
    assert len(list(Path("/proc/self/fd").iterdir())) <= before  # a thread of an earlier test may end meanwhile
