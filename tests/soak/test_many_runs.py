"""Many runs in one session: memory, threads and open files stay where they were (promise P12)."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from dnnstudio.core.experiment.edits import set_value
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import TrainRun
from dnnstudio.engine.session import Session

RUNS = int(os.environ.get("SOAK_RUNS", "200"))
WARM_UP = 20
"""Runs before the first measurement: allocators and caches fill up once."""
MAX_GROWTH_MIB = 1.0


@pytest.mark.promise
@pytest.mark.timeout(4 * 3600)
def test_200_runs_in_one_session_do_not_grow(tmp_path: Path, measured: Callable[[str], None]) -> None:
    experiment = set_value(load_recipe("digits").experiment, "training.epochs", 1)
    session, process = Session(), psutil.Process()
    sizes: list[float] = []
    marks: list[tuple[int, int]] = []
    for number in range(RUNS + WARM_UP):
        wanted = set_value(experiment, "seed", number)
        folder = tmp_path / f"{number:04d}"
        result = session.run(TrainRun(experiment=wanted, folder=folder), Control(), lambda event: None)
        assert result.reason == "finished"
        if number >= WARM_UP:
            gc.collect()
            sizes.append(process.memory_info().rss / 2**20)
            marks.append((threading.active_count(), process.num_fds() if os.name == "posix" else 0))
    growth = float(np.polyfit(np.arange(len(sizes)), sizes, 1)[0])
    measured(
        f"{growth:.2f} MiB a run over {RUNS} runs ({sizes[0]:.0f} to {sizes[-1]:.0f} MiB), (threads, files) {marks[-1]}"
    )
    assert growth <= MAX_GROWTH_MIB
    assert marks[-1] == marks[0]
