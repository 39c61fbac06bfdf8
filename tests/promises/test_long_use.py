"""P12, P13 and P14 in short: runs that do not grow, edits without a difference, no network. `make soak` is longer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from tests.soak.long_use import every_limit, runs_in_the_window
from tests.soak.random_edits import random_steps

ROOT = Path(__file__).parents[2]
WARM_UP, RUNS = 24, 24
STEPS = 10_000
MAX_GROWTH_MIB = 4.0
"""A short series cannot tell one MiB a run from the allocator's own steps; the soak's 200 runs do."""
SUITE = (
    "tests/core",
    "tests/engine/test_session.py",
    "tests/engine/data/test_fetch.py",
)


@pytest.mark.display
@pytest.mark.promise(12)
@pytest.mark.timeout(1800)
def test_p12_runs_of_mixed_networks_do_not_grow(qtbot: Any, qapp: QApplication, tmp_path: Path, figure: Any) -> None:
    states = runs_in_the_window(qtbot, qapp, tmp_path, warm_up=WARM_UP, count=RUNS)
    figure(12, "runs of mixed networks in one window", len(states))
    told = [figure(12, what, value, **limit) for what, value, limit in every_limit(states, mebibytes=MAX_GROWTH_MIB)]
    assert [item.words for item in told if not item.kept] == []


@pytest.mark.promise(13)
@pytest.mark.timeout(1800)
def test_p13_edits_undone_redone_saved_and_loaded_never_differ(qapp: object, tmp_path: Path, figure: Any) -> None:
    found = random_steps(STEPS, seed=13, path=tmp_path / "experiment.json")
    figure(13, "random steps without a difference", found.steps, of=STEPS)
    figure(13, "of them refused", found.refused)
    figure(13, "files written and read", found.files)


@pytest.mark.promise(14)
@pytest.mark.timeout(1800)
def test_p14_the_suite_passes_where_there_is_no_network(tmp_path: Path, figure: Any) -> None:
    """In a network namespace without interfaces: not even this machine answers."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("a network namespace needs Linux and root")
    words = [sys.executable, "-m", "pytest", "-q", "-m", "not thorough", "-p", "no:cacheprovider", *SUITE]
    done = subprocess.run(
        ["unshare", "-n", *words, f"--basetemp={tmp_path / 'suite'}"],
        cwd=ROOT, capture_output=True, text=True, timeout=1700, check=False,
    )  # fmt: skip
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    wrong = counts.get("failed", 0) + counts.get("error", 0)
    figure(14, "tests passed in a namespace without interfaces", counts.get("passed", 0), of=sum(counts.values()))
    assert wrong == 0, done.stdout[-3000:]
    assert counts["passed"] > 500
