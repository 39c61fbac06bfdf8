"""A person's own table of a million rows: the time beside polars alone, the memory, and the window meanwhile."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from dnnstudio.core.experiment import codec
from dnnstudio.core.jobs.requests import ProposeData
from dnnstudio.engine.data.proposing import propose
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.kept_cells import forget
from dnnstudio.engine.data.tables.reader import read_table
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.job_client import JobClient
from tests.benchmarks.gaps import Gaps

ROWS, FEATURES = 1_000_000, 19
MEMORY = """
import sys
from pathlib import Path
from dnnstudio.core.experiment import codec
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.reader import read_table

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

before = peak()
raw = read_table(codec.load(Path(sys.argv[1])).data.source, Watch())
print(peak() - before)
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A CSV file of a million rows and 20 columns, and the experiment proposed for it."""
    folder = tmp_path_factory.mktemp("large")
    random = np.random.default_rng(0)
    columns = {f"x{place}": np.round(random.normal(size=ROWS), 4) for place in range(FEATURES)}
    path, experiment = folder / "large.csv", folder / "large.json"
    pl.DataFrame(columns | {"y": random.integers(0, 3, ROWS)}).write_csv(path)
    codec.save(propose(path).experiment, experiment)
    yield path, experiment
    forget()


@pytest.mark.timeout(600)
def test_seconds_to_read_a_million_rows(
    table: Any, row: Any, turns: Callable[..., dict[str, float]], large: tuple[Path, Path]
) -> None:
    path, experiment = large
    source = codec.load(experiment).data.source

    def ours() -> None:
        forget()
        read_table(source, Watch())

    seconds = turns({"ours": ours, "polars": lambda: pl.read_csv(path)}, rounds=5)
    table.add(row("a million rows of 20 columns", "polars", seconds["ours"], seconds["polars"], at_most=2))
    assert seconds["ours"] < 15 * seconds["polars"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not tell a process's peak")
def test_memory_of_reading_a_million_rows(table: Any, row: Any, large: tuple[Path, Path]) -> None:
    command = [sys.executable, "-c", MEMORY, str(large[1])]
    held = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])
    size = ROWS * (FEATURES + 1) * 4 / 2**20
    table.add(row("memory of reading a million rows", "their float32", held, size, unit="MB", at_most=3))
    assert held < 12 * size


@pytest.mark.timeout(600)
def test_the_window_goes_on_while_a_million_rows_are_looked_at(
    qtbot: Any, table: Any, row: Any, large: tuple[Path, Path]
) -> None:
    engine = Engine()
    client = JobClient(engine)
    engine.start()
    try:
        qtbot.waitUntil(lambda: engine.state.phase == "ready", timeout=120_000)
        with qtbot.waitSignal(client.answered, timeout=120_000), Gaps() as gaps:
            client.ask(ProposeData(paths=(large[0],), seed=1))
            qtbot.waitUntil(lambda: not client.busy, timeout=120_000)
        table.add(row("gaps of the window's loop while a million rows are read, p99", "a timer of 10 ms", gaps.p99,
                      unit="ms", at_most=20))  # fmt: skip
        assert gaps.p99 < 100
    finally:
        client.close()
        engine.shutdown()
        client.deleteLater()
        engine.deleteLater()
        forget()
