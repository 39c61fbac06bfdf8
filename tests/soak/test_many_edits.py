"""A hundred thousand random edits, undone and redone, saved and loaded: nothing ever differs (promise P13)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.soak.random_edits import random_steps

STEPS = int(os.environ.get("SOAK_STEPS", "100000"))


@pytest.mark.promise(13)
@pytest.mark.timeout(4 * 3600)
def test_random_edits_undone_redone_saved_and_loaded_never_differ(qapp: object, tmp_path: Path, figure: Any) -> None:
    found = random_steps(STEPS, seed=1, path=tmp_path / "experiment.json")
    figure(13, "random steps without a difference", found.steps, of=STEPS)
    figure(13, "of them refused", found.refused)
    figure(13, "files written and read", found.files)
    assert found.files > STEPS // 2000
