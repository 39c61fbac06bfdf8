"""However `dnnstudio run` is ended, its folder is kept, and `--resume` takes it; `new` leaves nothing behind."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from dnnstudio.cli.main import main
from dnnstudio.core.experiment import codec

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "dnnstudio.cli.main"]


def plain_digits() -> dict[str, Any]:
    """A network small enough to train in a moment, as the plain contents of its file."""
    return {
        "name": "Small",
        "data": {"source": {"kind": "digits"}, "train_limit": 300},
        "layers": [
            {"kind": "flatten", "id": "flatten"},
            {"kind": "dense", "id": "output", "units": 10, "activation": "softmax"},
        ],
        "training": {"epochs": 2},
    }


def write(path: Path, plain: dict[str, Any]) -> Path:
    path.write_text(json.dumps(plain))
    return path


def history(run: Path) -> list[dict[str, str]]:
    with (run / "history.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals for one process alone")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_wish_of_the_system_to_end_keeps_the_run(tmp_path: Path, number: signal.Signals) -> None:
    experiment = write(tmp_path / "digits.json", plain_digits() | {"training": {"epochs": 100_000}})
    run = tmp_path / "run"
    before = signal.signal(number, signal.SIG_DFL)  # below `nohup` a closed terminal ends nothing
    process = subprocess.Popen(
        [*COMMAND, "run", str(experiment), "--out", str(run)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    signal.signal(number, before)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("epoch")
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads((run / "metrics.json").read_text())["reason"] == "stopped"
    assert (run / "model.keras").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals for one process alone")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_was_ended_in_its_first_second_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    experiment = write(tmp_path / "digits.json", plain_digits())
    run = tmp_path / "run"
    command = [*COMMAND, "run", str(experiment), "--out", str(run)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (run / "experiment.json").exists():
        assert process.poll() is None
        time.sleep(0.005)
    time.sleep(0.3)
    process.send_signal(number)  # TensorFlow is being imported: no checkpoint is there
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) in [(130, "Stopped before the end.\n"), (-signal.SIGKILL, "")]
    assert not (run / "checkpoint").exists()
    assert main(["run", str(run), "--out", str(run), "--resume"]) == 0
    assert [int(row["epoch"]) for row in history(run)] == [1, 2]


def test_a_second_interrupt_leaves_a_run_that_goes_on(tmp_path: Path) -> None:
    experiment = write(tmp_path / "digits.json", plain_digits() | {"training": {"epochs": 100_000}})
    run = tmp_path / "run"
    process = subprocess.Popen(
        [*COMMAND, "run", str(experiment), "--out", str(run)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("epoch")
    process.send_signal(signal.SIGINT)
    time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    done = len(history(run))
    assert main(["run", str(experiment), "--out", str(run), "--resume", "--epochs", str(done + 2)]) == 0
    assert [int(row["epoch"]) for row in history(run)] == list(range(1, done + 3))


def test_a_training_that_cannot_begin_leaves_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = plain_digits() | {"transfer": {"source": "nowhere.keras", "reuse": []}}
    experiment = write(tmp_path / "digits.json", plain)
    assert main(["run", str(experiment), "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def interrupt(ours: object) -> None:
    """Send Ctrl+C to this process as soon as something else than `ours` answers it."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if signal.getsignal(signal.SIGINT) is not ours:
            os.kill(os.getpid(), signal.SIGINT)
            return
        time.sleep(0.001)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process alone")
def test_new_is_stopped_with_one_sentence_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, place = tmp_path / "large.csv", tmp_path / "large.json"
    values = np.random.default_rng(0).normal(size=(100_000, 8)).round(4)
    pl.DataFrame(values, schema=[*"abcdefgy"]).write_csv(table)
    thread = threading.Thread(target=interrupt, args=(signal.getsignal(signal.SIGINT),))
    thread.start()
    code = main(["new", str(table), "--out", str(place)])
    thread.join()
    assert (code, capsys.readouterr().err) == (130, "Stopped before the end.\n")
    assert sorted(tmp_path.iterdir()) == [table]


def ended(script: str, *arguments: str) -> tuple[int, str]:
    """The exit code of a Python script, and what it says on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals for one process alone")
def test_of_two_wishes_to_end_that_come_at_once_the_second_does_not_wait() -> None:
    script = """
import os, signal
from dnnstudio.cli.common import told_to_end
with told_to_end(lambda: None):
    both = (signal.SIGINT, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, both)
    for number in both:
        os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, both)
    while True:
        signal.pause()
"""
    assert ended(script) == (-signal.SIGTERM, "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals for one process alone")
def test_a_wish_to_end_while_new_writes_leaves_a_whole_file(tmp_path: Path) -> None:
    table, place = tmp_path / "small.csv", tmp_path / "small.json"
    pl.DataFrame({"a": [row / 8 for row in range(60)], "y": ["p", "q"] * 30}).write_csv(table)
    script = """
import os, signal, sys
from dnnstudio.cli.main import main
from dnnstudio.core.experiment import codec
save = codec.save
def interrupted(*given):
    os.kill(os.getpid(), signal.SIGTERM)
    save(*given)
codec.save = interrupted
sys.exit(main(["new", sys.argv[1], "--out", sys.argv[2]]))
"""
    assert ended(script, str(table), str(place)) == (0, "")
    assert sorted(tmp_path.iterdir()) == [table, place]
    assert json.loads(place.read_text())["data"]["source"]["kind"] == "table"


def test_ctrl_c_where_no_job_runs_is_answered_with_the_same_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(codec, "load", interrupted)
    assert main(["check", str(write(tmp_path / "digits.json", plain_digits()))]) == 130
    assert capsys.readouterr().err == "Stopped before the end.\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process alone")
def test_ctrl_c_when_the_command_is_done_shows_no_traceback() -> None:
    script = """
import atexit, os, signal, sys, time
from dnnstudio.__main__ import run
def interrupted():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(1)
atexit.register(interrupted)
sys.exit(run())
"""
    assert ended(script, "--version") == (-signal.SIGINT, "")


IN_A_BUNDLE = """
import os, pathlib, signal, sys, time
os.environ["TMPDIR"] = os.path.dirname(sys.argv[-1])
signal.signal(signal.{number}, signal.{answer})  # below `nohup` a closed terminal ends nothing
from dnnstudio.__main__ import run
from dnnstudio.cli import common
make = pathlib.Path.mkdir
def told(*_, **__):
    os.kill(os.getpid(), signal.{number})
    time.sleep(60)
def made(*arguments, **__):
    make(*arguments)
    told()
{where}
sys.exit(run())
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals for one process alone")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP", "SIGINT"])
@pytest.mark.parametrize("where", ["pathlib.Path.mkdir = made", "common.run_job = told"])
def test_a_wish_to_end_outside_of_a_job_leaves_nothing_behind(tmp_path: Path, number: str, where: str) -> None:
    bundle = tmp_path / "run.dnnstudio"
    bundle.touch()
    answer = "default_int_handler" if number == "SIGINT" else "SIG_DFL"
    script = IN_A_BUNDLE.format(number=number, answer=answer, where=where)
    assert ended(script, "summary", str(bundle)) == (130, "Stopped before the end.\n")
    assert list(tmp_path.iterdir()) == [bundle]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals for one process alone")
def test_a_second_wish_to_end_does_not_wait() -> None:
    script = """
import os, signal, sys, time
from dnnstudio.__main__ import run
from dnnstudio.cli import main
def told(*_):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)  # at once, as a terminal that closes sends it twice
        time.sleep(1.2)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
main._with_verb = told
sys.exit(run())
"""
    assert ended(script, "--version") == (-signal.SIGTERM, "")
