"""How long a command takes to begin: medians of several fresh interpreters, and against a bare one in turns."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
REPEATS = 5


@pytest.mark.parametrize(
    ("arguments", "limit_s"),
    [
        (["-c", "pass"], 1.0),
        (["-m", "dnnstudio.cli.main", "--version"], 2.0),
        (["-m", "dnnstudio.cli.main", "check", "resources/recipes/digits.json"], 3.0),
        (["-m", "dnnstudio.cli.main", "data", "digits"], 4.0),
        (["-c", "import dnnstudio.engine.training.trainer"], 30.0),
    ],
    ids=["python", "version", "check", "data", "engine"],
)
def test_seconds_to_start(arguments: list[str], limit_s: float, measured: Callable[[str], None]) -> None:
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    median = statistics.median(times)
    measured(f"{median:.2f} s ({min(times):.2f} to {max(times):.2f})")
    assert median < limit_s


@pytest.mark.parametrize(
    ("arguments", "most"),
    [(["--help"], 10.0), (["check", "resources/recipes/digits.json"], 30.0)],
    ids=["help", "check"],
)
def test_a_command_against_a_bare_interpreter(
    arguments: list[str], most: float, turns: Callable[..., dict[str, float]], measured: Callable[[str], None]
) -> None:
    """0.4 s and 1 s where a bare interpreter takes 0.04 s; a ratio holds on a loaded machine too."""

    def begin(*words: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *words], cwd=ROOT, check=True, capture_output=True)

    found = turns({"bare": begin("-c", "pass"), "command": begin("-m", "dnnstudio", *arguments)}, rounds=REPEATS)
    ratio = found["command"] / found["bare"]
    measured(f"{found['command']:.2f} s, {ratio:.1f} times a bare interpreter")
    assert ratio < most
