"""Each function of the core that writes a file: name → what writes version 1 or 2 into a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dnnstudio.core.checksums import write_checked
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import Dense
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.study.repeat import plan_repeat
from dnnstudio.core.study.sweep import plan_sweep, write_sweep
from dnnstudio.core.study.varied import parse_varied
from dnnstudio.core.workspace.answers import Answers, save_answers
from dnnstudio.core.workspace.ensembles import write_ensemble
from dnnstudio.core.workspace.history import write_history
from dnnstudio.core.workspace.remarks import write_remarks
from dnnstudio.core.workspace.shared_layers import Change, note_change
from dnnstudio.gui.base.autosave_files import keep

EXPERIMENT = load_recipe("digits").experiment
LONG = 4000


def _deep(version: int) -> Experiment:
    layers = tuple(Dense(id=f"d{number}", units=10 + version) for number in range(80 * version))
    return EXPERIMENT.replaced(layers=layers)


def _rows(version: int) -> list[dict[str, float]]:
    return [{"epoch": epoch + 1, "loss": 1 / (epoch + version)} for epoch in range(300 * version)]


def _sweep(folder: Path, version: int) -> None:
    vary = parse_varied((f"training.batch_size={','.join(map(str, range(16, 17 + 200 * version)))}",), EXPERIMENT)
    write_sweep(
        folder, plan_sweep(EXPERIMENT, vary, trials=None, sampler=None, prune=False, threads=1, target="val_accuracy")
    )


WRITERS: dict[str, Callable[[Path, int], object]] = {
    "experiment": lambda folder, version: codec.save(_deep(version), folder / "experiment.json"),
    "history": lambda folder, version: write_history(folder / "history.csv", _rows(version)),
    "run figures": lambda folder, version: write_checked(
        folder / "metrics.json", json.dumps({"reason": "finished", "more": "x" * LONG * version}).encode()
    ),
    "note": lambda folder, version: write_remarks(folder, note="x" * 900 * version, star=True),
    "answers": lambda folder, version: save_answers(
        folder, {"test": Answers(np.arange(1000.0 * version), np.arange(1000.0 * version))}
    ),
    "shared layers": lambda folder, version: note_change(folder, Change("0002 B", "b" * LONG * version, ("h1",), 1.0)),
    "ensemble": lambda folder, version: write_ensemble(
        folder, plan_repeat(folder / "new", EXPERIMENT, tuple(range(1, 400 * version)), threads=1)
    ),
    "sweep": _sweep,
    "unsaved work": lambda folder, version: keep(folder / "1-1.unsaved.json", _deep(version), None),
}
