"""Sweeps on the disk as a sweep of real trainings leaves them, as far as tables look into them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.study.sweep import plan_sweep, trial_folder, write_sweep
from dnnstudio.core.study.trials import Status, Trial, write_trials
from dnnstudio.core.study.varied import parse_varied, with_values
from dnnstudio.core.workspace.history import write_history

DIGITS = load_recipe("digits").experiment
RATE, UNITS, KIND = "optimizer.learning_rate", "layers.dense_1.units", "optimizer.kind"


def store_sweep(
    folder: Path,
    trials: Mapping[int, tuple[dict[str, Any], float]],
    *,
    vary: tuple[str, ...] = (f"{RATE}=log:0.001..0.1", f"{UNITS}=16,32,64"),
    count: int = 3,
    statuses: Mapping[int, Status] | None = None,
) -> Path:
    """A sweep of `count` trials, of which these ended: number → values and best validation accuracy."""
    grid = all(".." not in one for one in vary)
    plan = plan_sweep(
        DIGITS,
        parse_varied(list(vary), DIGITS),
        trials=None if grid else count,
        sampler=None,
        prune=False,
        threads=1,
        target="val_accuracy",
    )
    write_sweep(folder, plan)
    ended = {}
    for number, (values, accuracy) in trials.items():
        status = (statuses or {}).get(number, "done")
        place = trial_folder(folder, number)
        place.mkdir(parents=True)
        codec.save(with_values(DIGITS, values), place / "experiment.json")
        shown = (accuracy - 0.1, accuracy, accuracy - 0.02)
        write_history(
            place / "history.csv",
            [
                {"epoch": float(n), "loss": 0.5, "val_loss": 0.6, "val_accuracy": a}
                for n, a in enumerate(shown, start=1)
            ],
        )
        if status == "done":
            part = {"loss": 0.4, "accuracy": accuracy - 0.03}
            metrics = {"reason": "finished", "validation": part, "test": part, "seconds": 3.0, "run": f"run{number}"}
            (place / "metrics.json").write_text(json.dumps(metrics))
            (place / "model.keras").write_bytes(b"")
        figures = {"val_loss": 0.6, "val_accuracy": accuracy, "test_loss": 0.4, "test_accuracy": accuracy - 0.03}
        ended[number] = Trial(
            number=number, status=status, values=values, figures=figures, last=accuracy - 0.02, seconds=3.0
        )
    write_trials(folder, plan, ended)
    return folder
