"""P1 to P6 at full length: hostile files, kills, full disks, flipped bits, small files, failed opens."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.engine.model_files import read_model
from dnnstudio.engine.model_files.child import answer
from dnnstudio.engine.model_files.seal import check_seal

pytestmark = [pytest.mark.promise, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
KINDS = (".keras", ".h5", ".weights.h5", ".json")
REQUEST = (
    '{"layers": [{"kind": "dense", "id": "a", "units": 300}, {"kind": "dense", "id": "b", "units": 10}],'
    ' "input_shape": [784]}'
)
KILLS, FLIPS = 200, 1000
Saved = dict[str, tuple[bytes, bytes]]


def request_for(suffix: str) -> str:
    return REQUEST if suffix == ".weights.h5" else ""


def test_p1_no_hostile_file_runs_anything(
    craft: Any, hostile: ModuleType, tmp_path: Path, record_property: Any
) -> None:
    contents = [make(craft) for make, _ in (*hostile.CODE.values(), *hostile.ARRAYS.values())]
    for point, _ in hostile.POINTERS.values():
        for depth in hostile.DEPTHS:

            def spoil(file: Any, point: Any = point, depth: str = depth) -> None:
                point(file.require_group(depth) if depth else file, "2")

            inner = craft.weights(spoil)
            contents += [craft.h5(spoil=spoil), inner, craft.keras(weights=inner)]
    began, slowest = time.monotonic(), 0.0
    for number, content in enumerate(contents):
        path = tmp_path / f"{number}.keras"
        path.write_bytes(content)
        start = time.monotonic()
        with pytest.raises(UserError):
            read_model(path)
        slowest = max(slowest, time.monotonic() - start)
    record_property(
        "figure",
        f"P1: {len(contents)} hostile files refused, slowest {slowest:.2f} s, {time.monotonic() - began:.0f} s in all",
    )
    assert len(contents) >= 60
    assert not ({"torch", "jax", "pickle5"} & set(sys.modules))


SAVER = """
import sys
from pathlib import Path
from dnnstudio.core.atomic_files import write_atomically
target = Path(sys.argv[1])
versions = [Path(name).read_bytes() for name in sys.argv[2:4]]
print("ready", flush=True)
number = 0
while True:
    write_atomically(target, versions[number % 2], keep_previous=True)
    number += 1
"""


@pytest.mark.parametrize("suffix", KINDS)
def test_p2_a_killed_save_loses_nothing(saved: Saved, tmp_path: Path, suffix: str, record_property: Any) -> None:
    versions = []
    for number, content in enumerate(saved[suffix]):
        versions.append(tmp_path / f"version{number}")
        versions[-1].write_bytes(content)
    folder = tmp_path / "documents"
    folder.mkdir()
    target = folder / f"model{suffix}"
    target.write_bytes(saved[suffix][0])
    chance, lost, seen = random.Random(suffix), 0, set()
    for _ in range(KILLS):
        command = [sys.executable, "-c", SAVER, str(target), *map(str, versions)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(chance.random() * 0.06)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        content = target.read_bytes() if target.exists() else b""
        lost += content not in saved[suffix]
        seen.add(content)
        backup = target.with_name(target.name + "~")
        lost += backup.exists() and backup.read_bytes() not in saved[suffix]
    assert suffix == ".json" or all(check_seal(content) for content in seen)
    leftovers = len(list(folder.glob(".dnnstudio-*.tmp")))
    record_property("figure", f"P2 {suffix}: {KILLS} kills, {lost} lost, {leftovers} temporary files to sweep")
    assert lost == 0
    assert len(seen) == 2


FULL_DISK = """
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


def test_p3_a_full_disk_keeps_the_old_file_in_every_format(tmp_path: Path, record_property: Any) -> None:
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("mounting a small file system needs Linux and root")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'mount -t tmpfs -o size=110k tmpfs "{tmp_path}" && exec "{sys.executable}" -'],
        input=FULL_DISK,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"FOLDER": str(tmp_path), "PYTHONPATH": str(ROOT)},
        timeout=300,
        check=False,
    )
    if "mount" in done.stderr and "denied" in done.stderr:
        pytest.skip("this container may not mount")
    record_property("figure", f"P3: {done.stdout.count(chr(10)) - 1} of 3 formats refused, old files intact")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("the disk is full") == 3
    assert done.stdout.endswith("alive\n")


@pytest.mark.parametrize("suffix", KINDS[:3])
def test_p4_every_flipped_bit_is_noticed(saved: Saved, suffix: str, record_property: Any) -> None:
    content, request = saved[suffix][0], request_for(suffix)
    assert "layers" in answer(content, request)[0]
    noticed = 0
    for bit in random.Random(suffix).sample(range(8 * len(content)), FLIPS):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        header, arrays = answer(bytes(damaged), request)
        noticed += "error" in header and "bug" not in header and not arrays
    record_property("figure", f"P4 {suffix}: {noticed} of {FLIPS} flipped bits noticed")
    assert noticed == FLIPS


@pytest.mark.parametrize("form", ["keras", "h5"])
def test_p5_a_damaged_foreign_file_costs_little_and_is_never_half_read(
    craft: Any, tmp_path: Path, form: str, record_property: Any
) -> None:
    content, path = getattr(craft, form)(), tmp_path / "model"
    damaged = [content[: len(content) * percent // 100] for percent in range(100)]
    chance = random.Random(form)
    for bit in chance.sample(range(8 * len(content)), 200):
        damaged.append(content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :])
    opened, slowest = 0, 0.0
    for number, item in enumerate(damaged):
        path.write_bytes(item)
        start = time.monotonic()
        try:
            found = read_model(path)
        except UserError:
            pass
        else:
            assert number >= 100, "a file cut short was opened"
            assert {name: [a.shape for a in arrays] for name, arrays in found.arrays.items()} != {}
            opened += 1
        slowest = max(slowest, time.monotonic() - start)
    record_property(
        "figure",
        f"P5 {form}: 100 cuts refused, of 200 flips {opened} without effect on the structure, slowest {slowest:.2f} s",
    )
    assert slowest < 5
