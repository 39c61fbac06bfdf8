"""Task A, trained once for each module of tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dnnstudio.core.jobs.requests import OpenModel
from dnnstudio.engine.session import Session

from .two_tasks import Tasks, run


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("trained")
    Tasks(workspace)
    return workspace


@pytest.fixture
def tasks(trained_once: Path, tmp_path: Path) -> Tasks:
    """As if A had been trained in this very session: its network is in memory under its run's id."""
    shutil.copytree(trained_once, tmp_path, dirs_exist_ok=True)
    made = Tasks.__new__(Tasks)
    made.runs, made.session = tmp_path / "runs", Session()
    made.a = run(made.session, OpenModel(path=made.runs / "0001 a"))
    return made
