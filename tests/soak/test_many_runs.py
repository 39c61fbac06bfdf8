"""Many runs in one session: memory, threads, open files and Qt's objects stay where they were (promise P12)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from tests.soak.long_use import every_limit, runs_in_the_window

RUNS = int(os.environ.get("SOAK_RUNS", "200"))
WARM_UP = 24
"""Runs before the first measurement, three of each network: allocators and caches fill up once."""
MAX_GROWTH_MIB = 1.0


@pytest.mark.display
@pytest.mark.promise(12)
@pytest.mark.timeout(4 * 3600)
def test_200_runs_of_mixed_networks_do_not_grow(qtbot: Any, qapp: QApplication, tmp_path: Path, figure: Any) -> None:
    states = runs_in_the_window(qtbot, qapp, tmp_path, warm_up=WARM_UP, count=RUNS)
    figure(12, "runs of mixed networks in one window", len(states))
    told = [figure(12, what, value, **limit) for what, value, limit in every_limit(states, mebibytes=MAX_GROWTH_MIB)]
    figure(12, "memory at the end", states[-1].mebibytes, unit="MiB")
    assert [item.words for item in told if not item.kept] == []
