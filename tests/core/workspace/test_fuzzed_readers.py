"""Whatever the files of a run hold, reading them gives a value or one short sentence, in little time."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dnnstudio.core.checksums import changed_files, write_checked
from dnnstudio.core.errors import LONGEST, UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.folder_lock import held
from dnnstudio.core.study.list_reading import read_listed
from dnnstudio.core.workspace.answers import Answers, read_answers, save_answers
from dnnstudio.core.workspace.history import read_rows, write_history
from dnnstudio.core.workspace.metrics import read_metrics
from dnnstudio.core.workspace.remarks import read_remarks, write_remarks
from dnnstudio.core.workspace.run_rows import RunRows, rows_of_run
from dnnstudio.core.workspace.runs import claim, is_run
from dnnstudio.core.workspace.shared_layers import Change, note_change, read_links

CASES = 40
SLOWEST_S = 2.0
ROW = {"epoch": 1, "loss": 0.25, "val_loss": 0.5, "val_accuracy": 0.75, "learning_rate": 0.001, "seconds": 1.5}
METRICS = {"run": "abc", "reason": "finished", "epochs": 2, "validation": {"loss": 0.5}, "started": 1.7e9}
LOCK = {"what": "a training", "pid": 1, "host": "a", "boot": "", "began": "", "since": 1.0}
PIECES = (
    *(b"1e999", b"NaN", b"-Infinity", b"9" * 400, b"null", b"true", b"{", b"}", b"[", b"]", b'"', b",", b":", b"\n"),
    *(b"\x00", b"\xff\xfe", b"\x1b[2J", b"[" * 3000, b'{"a":' * 3000, b"1" * 20_000, b"-1", b"2.5", b"\\ud800", b"="),
)


def take(folder: Path) -> None:
    with held(folder, "a test"):
        pass


READERS: dict[str, Callable[[Path], object]] = {
    "experiment.json": lambda path: codec.load(path),
    "metrics.json": lambda path: read_metrics(path.parent),
    "history.csv": lambda path: read_rows(path),
    "links.json": lambda path: read_links(path.parent),
    "remarks.json": lambda path: read_remarks(path.parent),
    "answers.npz": lambda path: read_answers(path.parent),
    "preparation.json": lambda path: rows_of_run(path.parent),
    "checksums.json": lambda path: changed_files(path.parent),
    "run.lock": lambda path: take(path.parent),
}


def make_run(folder: Path) -> Path:
    """A run's small files, as the program writes them."""
    claim(folder, Experiment(name="A", layers=(Flatten(id="f"), Dense(id="o", units=10, activation="softmax"))))
    write_history(folder / "history.csv", [ROW, ROW | {"epoch": 2}])
    write_checked(folder / "metrics.json", json.dumps(METRICS, indent=2).encode())
    write_checked(folder / "preparation.json", b'{"kind": "scaler", "shape": [8, 8], "full_scale": 16.0}')
    note_change(folder, Change("0002 B", "b", ("h1",), 1.0))
    write_remarks(folder, note="good", star=True)
    save_answers(folder, {"test": Answers(np.arange(3.0), np.arange(3.0))})
    (folder / "run.lock").write_text(json.dumps(LOCK))
    return folder


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The content with a few changes: bits, pieces put in, taken out, doubled or cut off."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(changed) + 1)
        match chance.randrange(5):
            case 0 if place < len(changed):
                changed[place] ^= 1 << chance.randrange(8)
            case 1:
                changed[place:place] = chance.choice(PIECES)
            case 2:
                del changed[place : place + chance.randint(1, 30)]
            case 3:
                changed[place:place] = changed[place : place + chance.randint(1, 60)]
            case _:
                changed[place : place + chance.randint(1, 8)] = chance.choice(PIECES)
    return bytes(changed[: chance.randrange(len(changed) + 1)] if chance.random() < 0.1 else changed)


def fuzz(path: Path, cases: int, *, listed_each: int = 1) -> float:
    """Read so many mutated versions of a run's file, and the whole run of some; the slowest reading in seconds."""
    chance, whole, slowest = random.Random(path.name), path.read_bytes(), 0.0
    for number in range(cases):
        content = mutated(whole, chance)
        path.write_bytes(content)
        started = time.thread_time()
        readings = [lambda: READERS[path.name](path)]
        readings += [lambda: read_listed(path.parent)] if not number % listed_each and is_run(path.parent) else []
        for read in readings:
            try:
                read()
            except UserError as error:
                said = str(error)
                assert 10 < len(said) <= LONGEST, content
                assert "\x1b" not in said, content
        slowest = max(slowest, time.thread_time() - started)
    path.write_bytes(whole)
    return slowest


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_was_changed_anyhow_is_read_or_refused(tmp_path: Path, name: str) -> None:
    run = make_run(tmp_path / "0001 A")
    assert set(READERS) == {path.name for path in run.iterdir()}
    assert fuzz(run / name, CASES) < SLOWEST_S


@pytest.mark.parametrize("side", [b"1e999", b'"wide"', b"null", b"[8]"])
def test_a_preparation_whose_shape_is_none_says_nothing_of_the_rows(tmp_path: Path, side: bytes) -> None:
    (tmp_path / "preparation.json").write_bytes(b'{"kind": "scaler", "shape": [8, ' + side + b"]}")
    assert rows_of_run(tmp_path) == RunRows()
