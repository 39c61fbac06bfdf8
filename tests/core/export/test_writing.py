"""What a script and a notebook say of themselves."""

from __future__ import annotations

import json

import pytest

from dnnstudio.core.experiment.data import Data, DataSummary, Table
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.export.writing import to_notebook, to_script

FLOWERS = Experiment(
    data=Data(source=Table(path="/data/flowers.csv", target="classes")),
    layers=(Flatten(id="flat"), Dense(id="output", units=3, activation="softmax")),
)


@pytest.mark.parametrize(
    ("experiment", "shape", "needed"),
    [
        (load_recipe("digits").experiment, (8, 8), "keras, tensorflow, numpy and scikit-learn"),
        (FLOWERS, (4,), "keras, tensorflow, numpy and dnnstudio"),
    ],
)
def test_both_say_what_must_be_installed(experiment: Experiment, shape: tuple[int, ...], needed: str) -> None:
    summary = DataSummary(shape, ("a", "b", "c"), False, (80, 20, 25))
    assert f"needs {needed}." in to_script(experiment, summary).splitlines()[0]
    first = json.loads(to_notebook(experiment, summary))["cells"][0]
    assert f"needs {needed}." in "".join(first["source"])
