"""P4 and P5 for the small files of a run: flipped bits are noticed, and mutated files cost little."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.checksums import changed_files, note_file
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.workspace.ensembles import EnsembleRecord, write_ensemble
from dnnstudio.core.workspace.exports import ExportRecord, keep_export
from tests.core.study.sweep_kit import store_sweep
from tests.core.workspace.test_fuzzed_readers import READERS, SLOWEST_S, fuzz, make_run
from tests.promises.fuzzing.worker import peak_mb

pytestmark = [pytest.mark.timeout(1800)]
CASES, FLIPS = int(os.environ.get("FUZZ_CASES", "10000")), 1000
MOST_MB = 200.0
CHECKED = (
    *("experiment.json", "metrics.json", "history.csv", "links.json", "preparation.json", "checksums.json"),
    *("remarks.json", "exports.json", "ensemble.json", "sweep.json", "trials.json", "trials.csv"),
)
RATE = "optimizer.learning_rate"
PROOF = ExportRecord(to="onnx", file="a.onnx", when=1.0, weights="last", rows=100, difference=1e-7)


def all_files(folder: Path) -> Path:
    """Every small file that a run, a repeat or a sweep has, in one folder."""
    run = make_run(folder)
    (run / "run.lock").unlink()
    note_file(run / "history.csv")
    keep_export(run, PROOF)
    write_ensemble(run, EnsembleRecord(experiment=Experiment(), seeds=(1, 2, 3), threads=1))
    return store_sweep(run, {0: ({RATE: 0.01}, 0.91), 1: ({RATE: 0.05}, 0.96)})


@pytest.mark.promise(4)
@pytest.mark.parametrize("name", CHECKED)
def test_p4_every_flipped_bit_in_a_text_file_of_a_run_is_noticed(tmp_path: Path, name: str, figure: Any) -> None:
    run, chance = all_files(tmp_path / "0001 A"), random.Random(name)
    assert changed_files(run) == ()
    whole, noticed = (run / name).read_bytes(), 0
    for _ in range(FLIPS):
        content, place = bytearray(whole), chance.randrange(len(whole) * 8)
        content[place // 8] ^= 1 << place % 8
        (run / name).write_bytes(content)
        noticed += name in changed_files(run)
    figure(4, "flipped bits noticed, or without any effect", noticed, of=FLIPS)
    figure(4, "kinds of file", 1, of=1)
    assert noticed == FLIPS


@pytest.mark.promise(5)
@pytest.mark.parametrize("name", READERS)
def test_p5_mutated_files_of_a_run_cost_little(tmp_path: Path, name: str, figure: Any) -> None:
    run = make_run(tmp_path / "0001 A")
    before = peak_mb(anew=True)
    slowest = fuzz(run / name, CASES, listed_each=20)
    grown = peak_mb() - before
    figure(5, "mutated files read or refused", CASES, of=CASES)
    figure(5, "kinds of file", 1, of=1)
    figure(5, "slowest file", slowest, unit="s", at_most=SLOWEST_S)
    figure(5, "most memory beyond the start", grown, unit="MB", at_most=MOST_MB)
    assert slowest < SLOWEST_S
    assert grown < MOST_MB
