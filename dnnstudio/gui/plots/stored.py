"""A run read from its folder, as curves and final figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dnnstudio.core import codec
from dnnstudio.core.history import FILE as HISTORY
from dnnstudio.core.history import read_rows
from dnnstudio.core.runs import EXPERIMENT, read_metrics
from dnnstudio.gui.plots.curves import Curves


def read_stored_run(folder: Path) -> tuple[Curves, dict[str, Any]]:
    """The curves and the final figures of the run in `folder`. Raises `UserError`."""
    experiment = codec.load(folder / EXPERIMENT)
    metrics = read_metrics(folder) or {}
    rows = read_rows(folder / HISTORY) if (folder / HISTORY).exists() else []
    curves = Curves(experiment, run=str(metrics.get("run", "")), epochs=max(experiment.training.epochs, len(rows)))
    curves.name = folder.name
    for row in rows:
        curves.add_row(row)
    best = metrics.get("best_epoch")
    curves.best_epoch = best if isinstance(best, int) else 0
    curves.ended = True
    return curves, metrics
