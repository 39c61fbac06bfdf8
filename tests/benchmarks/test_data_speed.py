"""Reading Fashion-MNIST beside gzip and numpy alone, and the memory of a training on all of it."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.experiment.data import Data, FashionMNIST
from dnnstudio.engine.data import find, forget, load_dataset

MEMORY = """
import resource, sys
import numpy as np
from pathlib import Path
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.experiment.data import Data, FashionMNIST
from dnnstudio.core.experiment.edits import set_value
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.training.trainer import train
kept = int(sys.argv[1])
experiment = load_recipe("task_a" if kept else "digits").experiment
for path, value in (("data.source", {"kind": "fashion_mnist"}), ("data.classes", {}), ("data.train_limit", kept),
                    ("data.validation", {"kind": "first", "count": 5000}), ("training.epochs", 1),
                    (f"layers.{experiment.layers[-1].id}.units", 10)):
    experiment = set_value(experiment, path, value) if kept else experiment
data = load_dataset(experiment.data, seed=1)
train(experiment, data, folder=Path(sys.argv[2]), run="m", control=Control(), emit=lambda event: None)
# Of this process alone: what getrusage says begins with the peak of the process that started it.
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
kilobytes = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
print((kilobytes or [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss])[0] / 1024)
"""


@pytest.mark.real_data
@pytest.mark.timeout(600)
def test_seconds_to_read_all_images(table: Any, row: Any, turns: Callable[..., dict[str, float]]) -> None:
    folder = find("fashion_mnist")
    assert folder is not None
    files = sorted(Path(folder).glob("*ubyte*"))

    def alone() -> None:
        for file in files:
            content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
            np.frombuffer(content, np.uint8)

    def ours() -> None:
        forget()
        load_dataset(Data(source=FashionMNIST()), seed=1)

    ways = {"ours": ours, "alone": alone}
    seconds = turns(ways, rounds=5)
    table.add(row("loading Fashion-MNIST", "gzip alone", seconds["ours"], seconds["alone"], at_most=1.5))
    assert seconds["ours"] < 10 * seconds["alone"]


@pytest.mark.real_data
@pytest.mark.timeout(1200)
def test_memory_of_a_training(table: Any, row: Any, tmp_path: Path) -> None:
    """The peak of a training on all rows over that of one on a few digits, in processes of their own."""
    peaks = []
    for kept in (0, 55_000):
        began = time.perf_counter()
        command = [sys.executable, "-c", MEMORY, str(kept), str(tmp_path / str(kept))]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(float(done.stdout.split()[-1]))
        assert time.perf_counter() - began < 600
    size = 70_000 * 784 * 4 / 2**20
    held = peaks[1] - peaks[0]
    table.add(row("memory of a training on 60,000 images", "the float32 rows", held, size, unit="MB", at_most=2.5))
    assert held < 6 * size
