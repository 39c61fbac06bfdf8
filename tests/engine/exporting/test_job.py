"""The job `ExportNetwork`: written with its preparation, proven on real rows, refused and swept where it differs."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from dnnstudio.core.errors import Cancelled, Code, UserError
from dnnstudio.core.experiment.data import Csv, Data, Table
from dnnstudio.core.experiment.data.sources.table import Column
from dnnstudio.core.experiment.layers import (
    AlphaDropout,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    Layer,
)
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.export.formats import EXPORTERS
from dnnstudio.core.jobs.bundles import OpenedBundle
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.exports import ExportedFile, ExportNetwork, Proof
from dnnstudio.core.jobs.requests import TrainRun
from dnnstudio.core.workspace.exports import read_exports
from dnnstudio.engine.backend.runtime import tf
from dnnstudio.engine.data import load_part
from dnnstudio.engine.exporting.onnx import writing
from dnnstudio.engine.session import Session

FORMATS = [(row.name, f"mine{row.suffix or '.folder'}") for row in EXPORTERS.values() if row.runtime]


def run(
    folder: Path, layers: tuple[Layer, ...], data: Data | None = None, **changes: Any
) -> tuple[Session, Experiment]:
    """A session with a trained run in `folder`, and its experiment."""
    experiment = Experiment(
        data=data or Data(train_limit=200), layers=layers, training=Training(epochs=1, batch_size=32), **changes
    )
    session = Session()
    session.run(TrainRun(experiment=experiment, folder=folder), Control(), lambda event: None)
    return session, experiment


def export(session: Session, folder: Path, path: Path, to: str, **more: Any) -> ExportedFile:
    found: ExportedFile = session.run(
        ExportNetwork(model=folder, path=path, to=to, **more), Control(), lambda event: None
    )
    return found


SOFTMAX = Dense(id="output", units=10, activation="softmax")
NOISY = (
    Flatten(id="flatten"),
    Dropout(id="drop", rate=0.3),
    Dense(id="hidden", units=24, activation="relu"),
    GaussianDropout(id="gauss", rate=0.3),
    BatchNormalization(id="bn"),
    AlphaDropout(id="alpha", rate=0.2),
    SOFTMAX,
)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, Path]:
    folder = tmp_path_factory.mktemp("exporting") / "run"
    session, _ = run(folder, NOISY, Data(train_limit=200, scaling="standardize"))
    return session, folder


@pytest.mark.parametrize(("to", "name"), FORMATS)
@pytest.mark.parametrize("stochastic", [False, True])
def test_every_format_is_proven_on_real_rows(
    digits: tuple[Session, Path], tmp_path: Path, to: str, name: str, stochastic: bool
) -> None:
    session, folder = digits
    done = export(session, folder, tmp_path / name, to, stochastic=stochastic)
    assert done.proof is not None
    assert (done.proof.rows, done.proof.part) == (100, "test")
    assert done.path.exists() and done.beside is None and done.notes == ()
    if stochastic:
        assert done.proof.spread_ratio == pytest.approx(1.0, abs=0.2)
    else:
        assert done.proof.difference < 1e-5 and done.proof.spread_ratio is None
    kept = read_exports(folder)[-1]
    assert (kept.to, kept.file, kept.stochastic) == (to, name, stochastic)
    assert kept.difference == done.proof.difference
    assert [item.name for item in tmp_path.iterdir()] == [name]


def test_the_file_reads_pictures_as_they_are_stored(digits: tuple[Session, Path], tmp_path: Path) -> None:
    """By ONNX Runtime alone: pixels 0 to 16 go in, and the classes' names are in the file."""
    session, folder = digits
    export(session, folder, tmp_path / "a.onnx", "onnx")
    live = session.model(folder)
    part = load_part(live.experiment.data, "test", seed=42)
    network = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"))
    found = network.run(None, {"rows": part.x[:20].astype(np.float32)})[0]
    np.testing.assert_allclose(found, live.model(part.scaled()[:20], training=False), atol=1e-5)
    about = {item.key: item.value for item in onnx.load(tmp_path / "a.onnx").metadata_props}
    assert json.loads(about["classes"]) == [str(number) for number in range(10)]


def test_a_file_that_computes_something_else_is_refused_and_nothing_is_left(
    digits: tuple[Session, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, folder = digits
    before = read_exports(folder)
    right = writing.onnx_model

    def wrong(network: Any) -> Any:
        model = right(network)
        for array in model.graph.initializer:
            if array.data_type == onnx.TensorProto.FLOAT and array.dims == [64, 24]:
                array.raw_data = np.zeros((64, 24), np.float32).tobytes()
        return model

    monkeypatch.setattr(writing, "onnx_model", wrong)
    for stochastic in (False, True):
        with pytest.raises(UserError) as refused:
            export(session, folder, tmp_path / "a.onnx", "onnx", stochastic=stochastic)
        assert refused.value.code is Code.NOT_THE_SAME
    assert list(tmp_path.iterdir()) == []
    assert read_exports(folder) == before


def test_a_stop_leaves_nothing(digits: tuple[Session, Path], tmp_path: Path) -> None:
    session, folder = digits
    control = Control()

    def stop_while_writing(event: Any) -> None:
        if event.done == 1:
            control.stop()

    with pytest.raises(Cancelled):
        session.run(ExportNetwork(model=folder, path=tmp_path / "a.onnx", to="onnx"), control, stop_while_writing)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_one_sentence(
    digits: tuple[Session, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, folder = digits
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "onnxruntime", None)
        done = export(session, folder, tmp_path / "a.onnx", "onnx")
    assert done.proof is None and "not proven. Install onnxruntime" in done.notes[0]
    for name in [name for name in sys.modules if name.startswith("dnnstudio.engine.exporting.onnx.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"ONNX needs packages .* Install dnnstudio\[export\]\.") as refused:
        export(session, folder, tmp_path / "b.onnx", "onnx")
    assert refused.value.code is Code.EXTRA_MISSING


def mixed_table(folder: Path, *, dates: bool) -> Data:
    """Numbers of two sizes with holes, a category, yes and no, and perhaps a date, with three classes."""
    random = np.random.default_rng(3)
    lines = ["size,price,color,new,day,kind"]
    for row in range(240):
        size = "" if row % 11 == 0 else f"{random.normal(2e5, 30):.3f}"
        color = random.choice(["red", "green", "blue"])
        day = f"2024-{row % 12 + 1:02d}-{row % 28 + 1:02d}"
        lines.append(f"{size},{random.random():.5f},{color},{'yes' if row % 3 else 'no'},{day},{'abc'[row % 3]}")
    (folder / "rows.csv").write_text("\n".join(lines), encoding="utf-8")
    columns = (
        Column(name="size", kind="number", missing="median", indicator=True),
        Column(name="price", kind="number"),
        Column(name="color", kind="category"),
        Column(name="new", kind="yes_no", categories=("no", "yes")),
        Column(name="day", kind="date", role="feature" if dates else "ignored"),
        Column(name="kind", kind="category", role="target"),
    )
    return Data(source=Table(path=str(folder / "rows.csv"), columns=columns, target="classes"), scaling="standardize")


SMALL = (Dense(id="hidden", units=6, activation="tanh"), Dense(id="output", units=3, activation="softmax"))


def test_the_columns_of_a_table_are_prepared_in_the_file(tmp_path: Path) -> None:
    session, _ = run(tmp_path / "run", SMALL, mixed_table(tmp_path, dates=False))
    for to, name in (("onnx", "a.onnx"), ("savedmodel", "a")):
        done = export(session, tmp_path / "run", tmp_path / name, to)
        assert done.beside is None and done.proof is not None and done.proof.difference < 1e-5
        assert done.codes == tmp_path / f"{name}.codes.json"
        assert f"{name}.codes.json beside it says which" in " ".join(done.sentences)
        about = json.loads(done.codes.read_text(encoding="utf-8"))
        assert about == {
            "columns": [
                {"name": "size", "kind": "number"},
                {"name": "price", "kind": "number"},
                {"name": "color", "kind": "category", "codes": {"blue": 0, "green": 1, "red": 2}},
                {"name": "new", "kind": "yes_no", "codes": {"no": 0, "yes": 1}},
            ],
            "empty": "NaN",
            "not_listed": -1.0,
        }
    network = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"))
    rows = np.array([[np.nan, 0.5, 1, 1], [2e5, 0.5, -1, 0], [2e5, 0.5, np.nan, 0]])
    assert np.isfinite(network.run(None, {"rows": rows})[0]).all()
    done = export(session, tmp_path / "run", tmp_path / "a.tflite", "tflite")
    assert done.beside == tmp_path / "a.tflite.preparation.json" and done.codes is None
    assert json.loads(done.beside.read_text())["inputs"][:3] == ["size", "size is empty", "price"]


def test_what_a_file_cannot_prepare_is_written_beside_it(tmp_path: Path) -> None:
    session, _ = run(tmp_path / "run", SMALL, mixed_table(tmp_path, dates=True))
    done = export(session, tmp_path / "run", tmp_path / "a.onnx", "onnx")
    assert done.beside is not None and done.proof is not None and done.proof.difference < 1e-5
    about = json.loads(done.beside.read_text(encoding="utf-8"))
    assert about["classes"] == ["a", "b", "c"]
    assert about["preparation"] == json.loads((tmp_path / "run" / "preparation.json").read_text())
    assert "day: year" in about["inputs"]
    assert "beside it says how" in " ".join(done.sentences)


def test_a_number_is_answered_in_its_own_unit(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(150, 3))
    rows = [",".join(f"{value:.6f}" for value in (*row, 5000 + 900 * row.sum())) for row in x]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,c,price", *rows]), encoding="utf-8")
    data = Data(
        source=Csv(path=str(tmp_path / "rows.csv"), target="number"),
        scaling="standardize",
        target_scaling="standard",
    )
    session, _ = run(tmp_path / "run", (Dense(id="output", units=1),), data)
    for to, name in FORMATS:
        done = export(session, tmp_path / "run", tmp_path / name, to)
        assert done.proof is not None and done.proof.difference < 1e-5 * 1e4
    network = onnxruntime.InferenceSession(str(tmp_path / "mine.onnx"))
    answers = network.run(None, {"rows": x})[0]
    assert 3000 < answers.mean() < 7000


def test_a_few_rows_prove_a_stochastic_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With three rows chance alone would often look like a difference."""
    session, _ = run(tmp_path / "run", (Flatten(id="flatten"), Dropout(id="drop", rate=0.5), SOFTMAX))
    monkeypatch.setattr("dnnstudio.engine.exporting.job.ROWS", 3)
    for number in range(5):
        done = export(session, tmp_path / "run", tmp_path / f"{number}.onnx", "onnx", stochastic=True)
        assert done.proof is not None and done.proof.rows == 3


@pytest.mark.parametrize(
    ("kind", "system", "said"),
    [
        (tf.errors.ResourceExhaustedError, errno.ENOSPC, "the disk is full"),
        (tf.errors.PermissionDeniedError, errno.EROFS, "the disk is read-only"),
    ],
)
def test_a_disk_that_refuses_tensorflow_is_named_with_the_target(
    digits: tuple[Session, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any, system: int, said: str
) -> None:
    def write(network: object, path: Path) -> None:
        raise kind(None, None, f"{path}/variables; {os.strerror(system)} [Op:SaveV2]")

    def unlink(path: Path, missing_ok: bool = False) -> None:
        raise OSError(system, os.strerror(system), str(path))  # as a read-only disk does of what is not there

    session, folder = digits
    monkeypatch.setattr("dnnstudio.engine.exporting.saved_model.write_archive", write)
    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(UserError) as refused:
        export(session, folder, tmp_path / "mine", "savedmodel")
    assert str(refused.value) == f"{tmp_path / 'mine'} cannot be written: {said}. Save it elsewhere."


def test_a_proof_by_made_up_rows_is_one_sentence() -> None:
    proof = Proof(runtime="ONNX Runtime", rows=100, part="", passes=1, difference=2e-7, spread_ratio=None)
    assert proof.sentence == "ONNX Runtime ran the file on 100 made-up rows; the largest difference is 2e-7."


def test_the_difference_of_a_number_stands_beside_how_large_it_is() -> None:
    proof = Proof(runtime="ONNX Runtime", rows=88, part="test", difference=0.047, size=341_200.0)
    assert proof.sentence.endswith("the largest difference is 0.047, of answers up to 341,200.")
    opened = OpenedBundle(folder=Path("run"), rows=10, difference=0.003, scale=341_200.0)
    assert "the largest difference is 0.003 of answers up to 341,200." in opened.sentence


def test_names_and_places_are_refused_in_a_sentence(digits: tuple[Session, Path], tmp_path: Path) -> None:
    session, folder = digits
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("")
    for path, to, said in (
        (tmp_path / "a.txt", "onnx", "does not end in .onnx"),
        (tmp_path / "gone" / "a.onnx", "onnx", "does not exist"),
        (tmp_path / "full", "savedmodel", "is there already"),
    ):
        with pytest.raises(UserError, match=said):
            export(session, folder, path, to)
    plain, _ = run(tmp_path / "run", (Flatten(id="flatten"), SOFTMAX))
    with pytest.raises(UserError, match="no dropout to keep active"):
        export(plain, tmp_path / "run", tmp_path / "a.onnx", "onnx", stochastic=True)
