"""Assembles the parts of a script in order, as one text or as the cells of a notebook."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from dnnstudio import __version__
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.export.augmentation import augmentation_lines
from dnnstudio.core.export.network import class_lines, network_lines
from dnnstudio.core.export.rates import followed_lines, rate_lines
from dnnstudio.core.export.rows import data_lines
from dnnstudio.core.export.targets import class_weight_lines, learns_standardized, target_lines, unit_code
from dnnstudio.core.export.training import (
    clone_lines,
    ending_lines,
    question_lines,
    reuse_lines,
    training_lines,
)
from dnnstudio.core.planning.pretraining import pretraining_experiment

IMPORTS = (
    ("gzip", "gzip."),
    ("math", "math."),
    ("from collections.abc import Sequence", "Sequence["),
    ("from pathlib import Path", "Path("),
    ("from typing import Any", "Any"),
)
OTHERS = (
    ("import keras", "keras."),
    ("import numpy as np", "np."),
    ("import sklearn.datasets", "sklearn."),
    ("import tensorflow as tf", "tf.data."),
)

NEEDS_THIS = "from dnnstudio"
"""What stands in a script that reads its rows by this program."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A titled part of the script."""

    title: str
    code: str


def to_script(experiment: Experiment, summary: DataSummary) -> str:
    """The experiment as a Python script of plain Keras. `summary` describes the data.

    Raises `UserError` if there is no network, or if a stage names layers that do not exist.
    """
    cells = _cells(experiment, summary)
    head = f'"""{_one_line(experiment.name)}. {_written_by(cells)}"""'
    return "\n\n".join([head, *(f"# %% {cell.title}\n{cell.code}" for cell in cells)]) + "\n"


def _written_by(cells: Sequence[Cell]) -> str:
    """Who wrote it, and what must be installed to run it."""
    code = "\n".join(cell.code for cell in cells)
    more = (("scikit-learn", "import sklearn"), ("dnnstudio", NEEDS_THIS))
    needed = ["keras", "tensorflow", "numpy", *(name for name, sign in more if sign in code)]
    return f"Written by dnnstudio {__version__}; needs {', '.join(needed[:-1])} and {needed[-1]}."


def to_notebook(experiment: Experiment, summary: DataSummary) -> str:
    """The same as a Jupyter notebook (nbformat 4.5), with a titled cell for each part. Raises `UserError` as
    `to_script` does.
    """
    found = _cells(experiment, summary)
    cells: list[dict[str, object]] = [_markdown(0, f"# {_one_line(experiment.name)}\n\n{_written_by(found)}")]
    for number, cell in enumerate(found, start=1):
        cells.append(_markdown(2 * number - 1, f"## {cell.title}"))
        cells.append(
            {
                "cell_type": "code",
                "id": f"cell-{2 * number}",
                "execution_count": None,
                "metadata": {},
                "outputs": [],
                "source": cell.code.splitlines(keepends=True),
            }
        )
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    plain = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"


def _cells(experiment: Experiment, summary: DataSummary) -> list[Cell]:
    derived = pretraining_experiment(experiment, summary.input_shape)
    if not any(layer.kind != "input" for layer in derived.active_layers):
        raise UserError("The network has no layers.", "Add a Dense layer.")
    shared = {item.layer: item.source for item in derived.transfer.shared} if derived.transfer is not None else {}
    parts = [
        Cell("Data", "\n\n".join(filter(None, (data_lines(experiment), question_lines(experiment))))),
        Cell("Layers that Keras has not got", class_lines(derived)),
        Cell("The trained network to start from", reuse_lines(derived)),
        Cell("The network", _network(derived, summary, shared)),
        Cell("The learning rate", _rate(derived)),
        Cell("Augmentation", augmentation_lines(experiment, summary.input_shape)),
        Cell("Class weights", class_weight_lines(derived, summary)),
        Cell("Training", training_lines(derived, summary)),
        Cell("Test", ending_lines(derived)),
    ]
    parts = [part for part in parts if part.code]
    return [Cell("Libraries", _imports("\n".join(part.code for part in parts))), *parts]


def _network(experiment: Experiment, summary: DataSummary, shared: dict[str, str]) -> str:
    last = unit_code() if learns_standardized(experiment, summary) else ""
    seed = f"keras.utils.set_random_seed({experiment.seed})"
    network = network_lines(experiment, summary.input_shape, shared, last=last)
    target = target_lines(experiment, summary)
    return "\n".join(filter(None, (target, seed, network, clone_lines(experiment))))


def _rate(experiment: Experiment) -> str:
    lines = "\n\n".join(filter(None, (followed_lines(experiment), rate_lines(experiment))))
    if not lines:
        return ""
    batch = experiment.training.batch_size
    return f"{lines}\n\n\nsteps_per_epoch = math.ceil(len(X_train) / min({batch}, len(X_train)))"


def _imports(code: str) -> str:
    standard = [line if " " in line else f"import {line}" for line, use in IMPORTS if use in code]
    others = [line for line, use in OTHERS if use in code]
    return "\n".join([*standard, *([""] if standard else []), *others])


def _markdown(number: int, text: str) -> dict[str, object]:
    return {"cell_type": "markdown", "id": f"cell-{number}", "metadata": {}, "source": [text]}


def _one_line(name: str) -> str:
    """The name made safe for use inside a docstring."""
    return " ".join(name.split()).replace("\\", "/").replace('"', "'")
