"""A run's text files: what is changed is noticed and named, and what the program wrote itself is not."""

from __future__ import annotations

import json
import os
import random
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core import checksums
from dnnstudio.core.checksums import (
    FILE,
    change_checked,
    changed_files,
    changed_sentence,
    note,
    note_file,
    write_checked,
)
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.folder_lock import FILE as LOCK
from dnnstudio.core.folder_lock import held
from dnnstudio.core.study.list_reading import read_listed
from dnnstudio.core.study.repeat_record import read_repeat
from dnnstudio.core.study.sweep import plan_sweep, write_sweep
from dnnstudio.core.study.sweep_record import read_sweep_record
from dnnstudio.core.study.trials import Trial, write_trials
from dnnstudio.core.study.varied import Listed
from dnnstudio.core.workspace.answers import Answers, save_answers
from dnnstudio.core.workspace.ensembles import EnsembleRecord, write_ensemble, write_metrics
from dnnstudio.core.workspace.exports import ExportRecord, keep_export
from dnnstudio.core.workspace.history import append_row, write_history
from dnnstudio.core.workspace.remarks import read_remarks, write_remarks
from dnnstudio.core.workspace.runs import claim, read_run
from dnnstudio.core.workspace.shared_layers import Change, note_change

ROW = {"epoch": 1, "loss": 0.25, "val_loss": 0.5, "val_accuracy": 0.75, "learning_rate": 0.001, "seconds": 1.5}
METRICS = {"run": "abc", "reason": "finished", "epochs": 2, "validation": {"loss": 0.5}, "test": {"loss": 0.625}}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The text files of a run, as a training writes them."""
    folder = tmp_path / "0001 A"
    claim(folder, Experiment(name="A"))
    write_history(folder / "history.csv", [ROW, ROW | {"epoch": 2}])
    note_file(folder / "history.csv")
    write_checked(folder / "preparation.json", b'{"kind": "scaler"}\n')
    note_change(folder, Change("0002 B", "b", ("h1",), 1.0))
    write_checked(folder / "metrics.json", (json.dumps(METRICS, indent=2) + "\n").encode())
    write_remarks(folder, note="the baseline", star=True)
    keep_export(folder, ExportRecord(to="onnx", file="a.onnx", when=1.0, weights="best"))
    return folder


def repeat_in(folder: Path) -> Path:
    """The text files of a repeat."""
    write_ensemble(folder, EnsembleRecord(experiment=Experiment(name="A"), seeds=(1, 2), threads=1))
    write_metrics(folder, METRICS)
    write_remarks(folder, note="five seeds")
    return folder


def sweep_in(folder: Path) -> Path:
    """The text files of a sweep."""
    vary = (Listed(path="training.batch_size", values=(8, 16)),)
    given: Any = {"trials": None, "sampler": None, "prune": False, "threads": 1, "target": "val_accuracy"}
    plan = plan_sweep(Experiment(name="A"), vary, **given)
    write_sweep(folder, plan)
    write_trials(folder, plan, {0: Trial(number=0, status="done", values={"training.batch_size": 8})})
    return folder


def test_what_the_program_wrote_is_whole(run: Path) -> None:
    assert changed_files(run) == ()
    codec.save(Experiment(name="B"), run / "experiment.json", checked=True)
    append_row(run / "history.csv", ROW | {"epoch": 3})
    assert read_run(run).changed == ()
    (run / "metrics.json").unlink()  # a training that goes on removes it
    assert changed_files(run) == ()
    assert changed_sentence(()) == ""


def test_every_flipped_bit_is_noticed_and_the_run_is_listed(run: Path) -> None:
    chance = random.Random(20)
    for path in sorted(run.iterdir()):
        whole = path.read_bytes()
        for place in chance.sample(range(len(whole) * 8), 40):
            content = bytearray(whole)
            content[place // 8] ^= 1 << place % 8
            path.write_bytes(content)
            assert path.name in changed_files(run), (path.name, place)
            if path.name != "experiment.json":
                assert path.name in read_listed(run).record.changed
        path.write_bytes(whole)
    assert changed_files(run) == ()


@pytest.mark.parametrize(("make", "read"), [(repeat_in, read_repeat), (sweep_in, read_sweep_record)])
def test_every_flipped_bit_of_a_repeat_and_of_a_sweep_is_noticed(
    make: Callable[[Path], Path], read: Callable[[Path], Any], tmp_path: Path
) -> None:
    folder = make(tmp_path / "0001 A")
    chance, row = random.Random(20), read(folder)
    assert (row[0] if isinstance(row, tuple) else row).changed == ()
    for path in sorted(one for one in folder.iterdir() if one.is_file()):
        whole = path.read_bytes()
        for place in chance.sample(range(len(whole) * 8), 40):
            content = bytearray(whole)
            content[place // 8] ^= 1 << place % 8
            path.write_bytes(content)
            assert path.name in changed_files(folder), (path.name, place)
        path.write_bytes(whole.replace(b"finished", b"diverged").replace(b": 8", b": 9").replace(b"seeds", b"seats"))
        if path.name in ("metrics.json", "trials.json", "remarks.json"):  # it can be read, and the row says so
            row = read(folder)
            assert (row[0] if isinstance(row, tuple) else row).changed == (path.name,)
        path.write_bytes(whole)
    assert changed_files(folder) == ()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.json", b'{"epochs": 1e999}'),
        ("metrics.json", b'{"seconds": ' + b"9" * 400 + b"}"),
        ("metrics.json", b"\xff\xfe{"),
        ("history.csv", b"epoch,loss\n1,1e999\n"),
        ("history.csv", b"epoch,loss\n1," + b"1" * 200_000 + b"\n"),
        ("history.csv", b"epoch,loss\nnan,0.5\n"),
    ],
)
def test_a_run_whose_figures_cannot_be_read_is_listed_as_damaged(run: Path, name: str, content: bytes) -> None:
    (run / name).write_bytes(content)
    record = read_listed(run).record
    assert (record.status, record.name, record.changed) == ("damaged", "A", (name,))
    assert f"{name} is damaged" in record.damaged
    assert len(record.damaged) < 400


def test_a_program_killed_before_the_file_or_after_it_leaves_a_whole_run(run: Path) -> None:
    before = (run / "metrics.json").read_bytes()
    note(run / "metrics.json", b"{}\n")  # and then it was killed
    assert changed_files(run) == ()
    (run / "metrics.json").write_bytes(b"{}\n")
    assert changed_files(run) == ()
    note(run / "metrics.json", b'{"epochs": 3}\n')
    (run / "metrics.json").write_bytes(before)
    assert changed_files(run) == ("metrics.json",)


def test_a_folder_without_checksums_says_nothing(run: Path) -> None:
    (run / FILE).unlink()
    (run / "metrics.json").write_text("{}")
    assert read_run(run).changed == ()


@pytest.mark.parametrize("content", [b"", b"null", b"[" * 9999, b'{"files": {"a": 1e999}}', b"\xff" * 70_000])
def test_damaged_checksums_are_named(run: Path, content: bytes) -> None:
    (run / FILE).write_bytes(content)
    assert read_run(run).changed == (FILE,)
    assert changed_sentence((FILE,)) == (
        "checksums.json is not as this program wrote it: edited since, or damaged on the disk."
    )


def test_no_file_outside_of_the_folder_is_looked_at(run: Path) -> None:
    names = {"../other.json": [[1, "0"]], "/etc/passwd": [[1, "0"]]}
    import hashlib

    digest = hashlib.sha256(json.dumps(names, sort_keys=True).encode()).hexdigest()
    (run / FILE).write_text(json.dumps({"format": 1, "files": names, "sha256": digest}))
    assert changed_files(run) == ()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes of files")
def test_a_file_that_is_new_in_a_private_run_is_private(tmp_path: Path) -> None:
    write_checked(tmp_path / "experiment.json", b"{}")
    write_checked(tmp_path / "open.json", b"{}")
    assert stat.S_IMODE((tmp_path / "open.json").stat().st_mode) & 0o044
    for path in tmp_path.iterdir():
        path.chmod(0o600)
    write_checked(tmp_path / "metrics.json", b"{}")
    save_answers(tmp_path, {"test": Answers(np.arange(3.0), np.arange(3.0))})
    with held(tmp_path, "a training"):
        assert stat.S_IMODE((tmp_path / LOCK).stat().st_mode) == 0o600
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


# ------------------------------------------------------------------------------------------ several at once


def test_the_engine_and_the_window_lose_no_checksum_of_each_other(tmp_path: Path) -> None:
    """A lost one would call a whole file damaged."""

    def write(name: str) -> None:
        for number in range(60):
            write_checked(tmp_path / name, f"{name} {number}".encode())

    threads = [threading.Thread(target=write, args=(f"{name}.json",)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert changed_files(tmp_path) == ()
    (tmp_path / "b.json").write_text("edited")
    assert changed_files(tmp_path) == ("b.json",)


WRITER = """
import sys
from pathlib import Path
from dnnstudio.core.checksums import write_checked
from dnnstudio.core.workspace.remarks import write_remarks
folder, mine = Path(sys.argv[1]), sys.argv[2]
print(flush=True)
sys.stdin.readline()
for number in range(40):
    write_checked(folder / f"{mine}.json", f"{mine} {number}".encode())
if mine == "star":
    write_remarks(folder, star=True)
else:
    write_remarks(folder, note=mine)
"""


def test_two_programs_lose_no_checksum_and_no_remark_of_each_other(tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    both = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), mine], stdin=pipe, stdout=pipe, text=True)
        for mine in ("star", "note")
    ]
    for one in both:
        assert one.stdout is not None
        one.stdout.readline()
    for one in both:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    for one in both:
        one.communicate(timeout=120)
        assert one.returncode == 0
    assert changed_files(tmp_path) == ()
    (tmp_path / "star.json").write_text("edited")
    (tmp_path / "note.json").write_text("edited")
    assert changed_files(tmp_path) == ("note.json", "star.json"), "each is known"
    remarks = read_remarks(tmp_path)
    assert (remarks.star, remarks.note) == (True, "note")


def test_what_another_program_wrote_between_reading_and_writing_is_read_again(tmp_path: Path) -> None:
    write_remarks(tmp_path, note="before")
    asked: list[str] = []

    def change() -> bytes:
        found = (tmp_path / "remarks.json").read_text()
        asked.append(found)
        if len(asked) == 1:
            other = tmp_path / "other"
            other.write_text("from elsewhere")
            other.replace(tmp_path / "remarks.json")
        return f"{found} and more".encode()

    change_checked(tmp_path / "remarks.json", change)
    assert (tmp_path / "remarks.json").read_text() == "from elsewhere and more"
    assert len(asked) == 2


def test_a_file_that_is_written_while_it_is_looked_at_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_checked(tmp_path / "metrics.json", b"first")
    read = checksums._read
    written: list[bool] = []

    def read_then_written(folder: Path) -> Any:
        found = read(folder)
        if not written:
            written.append(True)
            for content in (b"second", b"third", b"fourth"):  # more than the last two that are known
                write_checked(folder / "metrics.json", content)
        return found

    monkeypatch.setattr(checksums, "_read", read_then_written)
    assert changed_files(tmp_path) == ()
    (tmp_path / "metrics.json").write_text("edited")
    assert changed_files(tmp_path) == ("metrics.json",)
