"""A training that does not fit into memory is refused before its first step, by the batch that does not fit."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.backend import memory
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.training.trainer import train


def test_a_step_that_does_not_fit_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = load_recipe("digits").experiment
    experiment = experiment.replaced(training=experiment.training.replaced(batch_size=1_000))
    dataset = load_dataset(experiment.data, seed=1)
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: SimpleNamespace(available=300_000))
    given = {"folder": tmp_path / "run", "run": "r", "control": Control(), "emit": lambda event: None}
    with pytest.raises(UserError, match=r"A step of 1,000 rows would need .* of memory"):
        train(experiment, dataset, **given)
    assert not (tmp_path / "run").exists()
