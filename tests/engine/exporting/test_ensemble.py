"""An ensemble is written as one file whose answer is the mean of its members, each with its own preparation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from dnnstudio.cli.main import main
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data
from dnnstudio.core.experiment.layers import Dense, Dropout, Flatten
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.jobs.bundles import OpenBundle, WriteBundle
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.exports import ExportedFile, ExportNetwork
from dnnstudio.core.jobs.report_figures import MeasureForReport
from dnnstudio.core.jobs.requests import EvaluateModel, TrainRun
from dnnstudio.core.study.repeat import member_experiment, plan_repeat, repeat_metrics
from dnnstudio.core.workspace.ensembles import (
    member_folder,
    read_ensemble,
    trained_members,
    write_ensemble,
    write_metrics,
)
from dnnstudio.core.workspace.exports import read_exports
from dnnstudio.engine.data import load_part
from dnnstudio.engine.exporting.bundle import read_bundle
from dnnstudio.engine.session import Session
from dnnstudio.report.gathering import gather
from dnnstudio.report.page import render

from .test_bundle import resealed

SEEDS = (1, 2)


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, Path, Experiment]:
    folder = tmp_path_factory.mktemp("ensemble") / "many"
    experiment = Experiment(
        data=Data(train_limit=200, scaling="standardize"),
        layers=(
            Flatten(id="flatten"),
            Dropout(id="drop", rate=0.3),
            Dense(id="output", units=10, activation="softmax"),
        ),
        training=Training(epochs=1),
    )
    session = Session()
    record = plan_repeat(folder, experiment, SEEDS, threads=1)
    folder.mkdir()
    write_ensemble(folder, record)
    for seed in SEEDS:
        member = TrainRun(experiment=member_experiment(experiment, seed), folder=member_folder(folder, seed))
        session.run(member, Control(), lambda event: None)
    write_metrics(folder, repeat_metrics(record, trained_members(folder, record), {"test": {"accuracy": 0.5}}))
    return session, folder, experiment


def run(session: Session, job: Any) -> Any:
    return session.run(job, Control(), lambda event: None)


def export(session: Session, folder: Path, path: Path, to: str, *, stochastic: bool = False) -> ExportedFile:
    found: ExportedFile = session.run(
        ExportNetwork(model=folder, path=path, to=to, stochastic=stochastic), Control(), lambda event: None
    )
    return found


def test_one_file_answers_with_the_mean_of_the_members(
    ensemble: tuple[Session, Path, Experiment], tmp_path: Path
) -> None:
    session, folder, experiment = ensemble
    done = export(session, folder, tmp_path / "a.onnx", "onnx")
    assert done.proof is not None and done.proof.difference < 1e-5 and done.beside is None
    x = load_part(experiment.data, "test", seed=experiment.seed).spread(20).x
    answers = []
    for seed in SEEDS:
        live = session.model(member_folder(folder, seed))
        own = load_part(experiment.data, "test", seed=seed)
        answers.append(np.asarray(live.model(own.scaler.apply(x), training=False)))
    found = onnxruntime.InferenceSession(str(tmp_path / "a.onnx")).run(None, {"rows": x.astype(np.float32)})[0]
    np.testing.assert_allclose(found, np.mean(answers, axis=0), atol=1e-5)
    assert [record.file for record in read_exports(folder)] == ["a.onnx"]
    active = export(session, folder, tmp_path / "b.onnx", "onnx", stochastic=True)
    assert active.proof is not None and active.proof.spread_ratio == pytest.approx(1.0, abs=0.2)


def test_members_that_are_not_there_are_named(ensemble: tuple[Session, Path, Experiment], tmp_path: Path) -> None:
    session, folder, _ = ensemble
    shutil.copytree(folder, tmp_path / "many")
    shutil.rmtree(member_folder(tmp_path / "many", 2))
    done = export(session, tmp_path / "many", tmp_path / "a.onnx", "onnx")
    assert "The file holds 1 member of 2: seed 2 is not there, or not trained to the end." in done.sentences
    written = run(session, WriteBundle(model=tmp_path / "many", path=tmp_path / "a.dnnstudio"))
    assert written.sentences == ("The bundle holds 1 member of 2: seed 2 is not there, or not trained to the end.",)


@pytest.fixture(scope="module")
def bundle(ensemble: tuple[Session, Path, Experiment]) -> Path:
    session, folder, _ = ensemble
    run(session, WriteBundle(model=folder, path=folder.parent / "all.dnnstudio"))
    return folder.parent / "all.dnnstudio"


def test_its_bundle_answers_as_the_members_do(
    ensemble: tuple[Session, Path, Experiment], bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session, folder, experiment = ensemble
    done = run(Session(), OpenBundle(path=bundle, folder=tmp_path / "elsewhere"))
    assert done.is_same and done.rows == 10
    for name in ("ensemble.json", "metrics.json", "members/1/model.keras", "members/2/preparation.json"):
        assert (tmp_path / "elsewhere" / name).read_bytes() == (folder / name).read_bytes()
    assert read_ensemble(tmp_path / "elsewhere").seeds == SEEDS
    assert main(["evaluate", str(bundle), "--json"]) == 0
    said = capsys.readouterr()
    assert "all.dnnstudio: It computes the same here" in said.err
    figures = run(session, EvaluateModel(model=folder, experiment=experiment, parts=("test",)))
    assert json.loads(said.out) == figures.parts["test"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: {k: v for k, v in m.items() if k != "members/2/model.keras"}, "lacks members/2/model.keras"),
        (lambda m: {k: v for k, v in m.items() if not k.startswith("members/2/")}, None),  # one was not trained
        (lambda m: {k: v for k, v in m.items() if not k.startswith("members/")}, "neither one run nor one ensemble"),
        (lambda m: m | {"experiment.json": m["members/1/experiment.json"]}, "neither one run nor one ensemble"),
        (lambda m: {k: v for k, v in m.items() if k != "ensemble.json"}, "lacks experiment.json"),
        (lambda m: {k.replace("members/2/", "members/3/"): v for k, v in m.items()}, "the members that it lists"),
        (lambda m: m | {"members/../../evil/model.keras": b"x"}, "does not belong into a bundle"),
        (lambda m: m | {"members/01/model.keras": b"x"}, "does not belong into a bundle"),
        (lambda m: m | {"members/1/checkpoint": b"x"}, "does not belong into a bundle"),
        (lambda m: m | {"members/\u0661/model.keras": b"x"}, "does not belong into a bundle"),
        (lambda m: m | {"members/1/model.keras": m["members/1/model.keras"][:-1] + b"x"}, "damaged"),
    ],
)
def test_a_bundle_of_other_members_is_refused(
    ensemble: tuple[Session, Path, Experiment], bundle: Path, tmp_path: Path, change: Any, said: str | None
) -> None:
    session = ensemble[0]
    changed = change(read_bundle(bundle))
    (tmp_path / "b.dnnstudio").write_bytes(resealed(changed))
    if said is None:  # another mean, which the proof notices
        done = run(session, OpenBundle(path=tmp_path / "b.dnnstudio", folder=tmp_path / "run"))
        assert not done.is_same
        return
    with pytest.raises(UserError, match=said):
        run(session, OpenBundle(path=tmp_path / "b.dnnstudio", folder=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_its_report_has_mean_spread_and_the_uncertainty_of_all_members(
    ensemble: tuple[Session, Path, Experiment],
) -> None:
    session, folder, _ = ensemble
    figures = session.run(MeasureForReport(model=folder), Control(), lambda event: None)
    assert figures.passes == 60 and figures.mutual_information > 0
    page = render(gather(folder, figures=figures))
    mean = json.loads((folder / "metrics.json").read_text())["test"]["accuracy"]["mean"]
    assert f'data-value="{mean}" data-name="test.accuracy"' in page
    assert "\u00a0±\u00a0" in page and "1, 2" in page
    assert read_ensemble(folder).seeds == SEEDS
