"""Each job of the engine as the first of a process of its own: nothing may depend on what another one left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dnnstudio.core.experiment.data import Data
from dnnstudio.core.experiment.data.sources.npz import Npz
from dnnstudio.core.experiment.layers import Dense, Dropout, Flatten
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.jobs.bundles import WriteBundle
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import Job, TrainRun
from dnnstudio.engine.session import Session

ROOT = Path(__file__).parents[2]
PATIENCE_S = 240

PROGRAM = """
import json, os, sys, traceback
from pathlib import Path
import dnnstudio.engine.training.trainer  # as the engine's thread does before its first job
from dnnstudio.core.experiment import codec
from dnnstudio.core.jobs import bundles, cases, exports, report_figures, requests, weights
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.session import Session

def first(kind, folder):
    run, other = folder / "run", folder / "new"
    given = codec.load(run / "experiment.json")
    by = cases.Answering(model=run)
    more = {
        "DescribeData": dict(data=given.data, seed=given.seed),
        "Augment": dict(data=given.data, seed=given.seed),
        "TrainRun": dict(experiment=given, folder=other),
        "EvaluateModel": dict(model=run, experiment=given),
        "OpenModel": dict(path=run / "model.keras"),
        "SaveModel": dict(model=run, path=folder / "copy.keras"),
        "Reconstruct": dict(model=run, experiment=given),
        "ListLibrary": dict(workspace=folder),
        "CompareModels": dict(first=run, second=run, experiment=given),
        "SampleModel": dict(model=run, experiment=given, passes=2),
        "FindRate": dict(experiment=given, steps=20),
        "ProposeData": dict(paths=(Path(given.data.source.path),), seed=given.seed),
        "PredictFiles": dict(model=run, inputs=(Path(given.data.source.path),), out=folder / "answers.csv"),
        "AnswerCases": dict(by=by, inputs=(Path(given.data.source.path),)),
        "CalibrateAnswers": dict(by=by),
        "ExportNetwork": dict(model=run, path=folder / "network.onnx", to="onnx"),
        "MeasureForReport": dict(model=run),
        "WriteBundle": dict(model=run, path=folder / "run.dnnstudio"),
        "MatchWeights": dict(path=run / "model.keras", experiment=given, input_shape=(4, 4)),
        "LoadWeights": dict(path=run / "model.keras", experiment=given, input_shape=(4, 4)),
        "OpenBundle": dict(path=run.resolve().parent / "run.dnnstudio", folder=other),
    }[kind]
    known = (bundles, cases, exports, report_figures, requests, weights)
    job = next(vars(module)[kind] for module in known if kind in vars(module))(**more)
    return type(Session().run(job, Control(), lambda event: None)).__name__

for kind, place in zip(sys.argv[1::2], sys.argv[2::2]):
    # A copy of this process, which has imported everything and done nothing.
    child = os.fork()
    if child == 0:
        try:
            answer = first(kind, Path(place))
        except BaseException:
            answer = traceback.format_exc()
        Path(place, "answer").write_text(answer)
        os._exit(0)
    os.waitpid(child, 0)
"""
RESULTS = {
    "DescribeData": "DataPreview",
    "Augment": "Augmented",
    "TrainRun": "RunResult",
    "EvaluateModel": "Evaluation",
    "OpenModel": "OpenedModel",
    "SaveModel": "SavedModel",
    "ListLibrary": "Library",
    "CompareModels": "ModelComparison",
    "SampleModel": "Samples",
    "FindRate": "FoundRate",
    "ProposeData": "DataProposal",
    "PredictFiles": "PredictedFiles",
    "AnswerCases": "AnsweredCases",
    "CalibrateAnswers": "AnswerCalibration",
    "ExportNetwork": "ExportedFile",
    "MeasureForReport": "ReportFigures",
    "WriteBundle": "ExportedFile",
    "OpenBundle": "OpenedBundle",
    "MatchWeights": "WeightsMatch",
    "LoadWeights": "OpenedModel",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one run of a small network on rows from a file."""
    folder = tmp_path_factory.mktemp("workspace")
    random = np.random.default_rng(3)
    x, y = random.integers(0, 256, (90, 4, 4)).astype(np.uint8), random.integers(0, 3, 90)
    np.savez(folder / "rows.npz", x_train=x[:60], y_train=y[:60], x_test=x[60:], y_test=y[60:])
    experiment = Experiment(
        data=Data(source=Npz(path=str(folder / "rows.npz"))),
        layers=(
            Flatten(id="flat"),
            Dense(id="hidden", units=4, activation="relu"),
            Dropout(id="drop", rate=0.2),
            Dense(id="output", units=3, activation="softmax"),
        ),
        training=Training(epochs=1, batch_size=20),
    )
    job = TrainRun(experiment=experiment, folder=folder / "run")
    session = Session()
    session.run(job, Control(), lambda event: None)
    bundle = WriteBundle(model=folder / "run", path=folder / "run.dnnstudio")
    session.run(bundle, Control(), lambda event: None)
    return folder


WITHOUT = {"Reconstruct", "DescribeNetwork", "AnswerRow", "SaveAnswers", "CopyPictures"}
"""Not tried: the first needs an autoencoder's run, and the others begin as `AnswerCases` does."""


def test_every_kind_of_job_is_tried() -> None:
    assert {kind.__name__ for kind in Job.__subclasses__()} == RESULTS.keys() | WITHOUT


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[str, str]:
    """What each kind of job gave as the first of its process, or how it failed."""
    places = {kind: folder.parent / f"{folder.name}-{kind}" for kind in RESULTS}
    for place in places.values():
        place.mkdir()
        (place / "run").symlink_to(folder / "run", target_is_directory=True)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *(str(word) for pair in places.items() for word in pair)],
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    written = {kind: place / "answer" for kind, place in places.items()}
    return {kind: file.read_text() if file.exists() else done.stderr[-2000:] for kind, file in written.items()}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot copy a process")
@pytest.mark.parametrize("kind", RESULTS)
def test_a_job_works_as_the_first_of_a_process(kind: str, answers: dict[str, str]) -> None:
    assert answers[kind] == RESULTS[kind]
