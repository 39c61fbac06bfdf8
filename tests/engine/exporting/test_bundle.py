"""Bundles: a run in one file that proves itself elsewhere, and is refused where it was tampered with."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dnnstudio.cli.main import main
from dnnstudio.core.checksums import changed_files
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.jobs.bundles import OpenBundle, OpenedBundle, WriteBundle
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import TrainRun
from dnnstudio.engine.exporting.bundle import ABOUT, PROOF, read_bundle
from dnnstudio.engine.model_files import read_model
from dnnstudio.engine.model_files.seal import blank_seal, close_seal
from dnnstudio.engine.session import Session


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, Path, Path]:
    """A session, the run and its bundle."""
    folder = tmp_path_factory.mktemp("bundle")
    layers = (Flatten(id="flatten"), Dense(id="output", units=10, activation="softmax"))
    experiment = Experiment(
        data=Data(train_limit=200, scaling="standardize"), layers=layers, training=Training(epochs=1)
    )
    session = Session()
    session.run(TrainRun(experiment=experiment, folder=folder / "run"), Control(), lambda event: None)
    session.run(WriteBundle(model=folder / "run", path=folder / "a.dnnstudio"), Control(), lambda event: None)
    return session, folder / "run", folder / "a.dnnstudio"


def opened(session: Session, path: Path, folder: Path) -> OpenedBundle:
    found: OpenedBundle = session.run(OpenBundle(path=path, folder=folder), Control(), lambda event: None)
    return found


def resealed(members: dict[str, bytes] | list[tuple[str, bytes]], *, how: int = zipfile.ZIP_STORED) -> bytes:
    """An archive with a right seal, as whoever tampers with a bundle can make it too."""
    buffer = io.BytesIO()
    blank = blank_seal("anything")
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, content in dict(members).items() if isinstance(members, dict) else members:
            archive.writestr(name, content)
        archive.comment = blank.encode()
    return close_seal(buffer.getvalue(), blank)


def test_a_bundle_proves_itself_elsewhere(made: tuple[Session, Path, Path], tmp_path: Path) -> None:
    session, run, bundle = made
    away = tmp_path / "elsewhere"
    shutil.copy(bundle, tmp_path / "b.dnnstudio")
    done = opened(Session(), tmp_path / "b.dnnstudio", away)
    assert done.is_same and done.rows == 10 and "It computes the same here (1e-7)" in done.sentence
    for name in ("experiment.json", "metrics.json", "history.csv", "preparation.json", "model.keras"):
        assert (away / name).read_bytes() == (run / name).read_bytes()
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []
    assert changed_files(away) == ()
    (away / "metrics.json").write_bytes((run / "metrics.json").read_bytes() + b" ")
    assert changed_files(away) == ("metrics.json",)  # as in a folder that was written here
    assert session.model(away).input_shape == (8, 8)


def test_a_bundle_is_named_where_a_model_file_is_wanted(made: tuple[Session, Path, Path]) -> None:
    with pytest.raises(UserError, match="This is a bundle, which dnnstudio open-bundle opens"):
        read_model(made[2])
    with pytest.raises(UserError, match=r"^\. is a folder"):
        read_model(Path())


def test_the_same_run_makes_the_same_bytes(made: tuple[Session, Path, Path], tmp_path: Path) -> None:
    session, run, bundle = made
    session.run(WriteBundle(model=run, path=tmp_path / "b.dnnstudio"), Control(), lambda event: None)
    assert (tmp_path / "b.dnnstudio").read_bytes() == bundle.read_bytes()


def test_every_changed_byte_is_refused(made: tuple[Session, Path, Path], tmp_path: Path) -> None:
    content = made[2].read_bytes()
    places = [*range(64), *range(64, len(content) - 64, len(content) // 150), *range(len(content) - 90, len(content))]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1
        (tmp_path / "b.dnnstudio").write_bytes(changed)
        with pytest.raises(UserError):
            read_bundle(tmp_path / "b.dnnstudio")
    for cut in (0, 1, 100, len(content) // 2, len(content) - 1):
        (tmp_path / "b.dnnstudio").write_bytes(content[:cut])
        with pytest.raises(UserError):
            read_bundle(tmp_path / "b.dnnstudio")


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "a/../../evil", "C:\\evil", "model.keras/..", "checkpoint/state.npz"]
)
def test_a_name_that_does_not_belong_there_is_refused(
    made: tuple[Session, Path, Path], tmp_path: Path, name: str
) -> None:
    session, _, bundle = made
    (tmp_path / "b.dnnstudio").write_bytes(resealed(read_bundle(bundle) | {name: b"x"}))
    with pytest.raises(UserError, match="does not belong into a bundle"):
        opened(session, tmp_path / "b.dnnstudio", tmp_path / "run")
    assert [item.name for item in tmp_path.iterdir()] == ["b.dnnstudio"]


def test_bombs_twins_and_missing_members_are_refused(made: tuple[Session, Path, Path], tmp_path: Path) -> None:
    session, _, bundle = made
    members = read_bundle(bundle)
    path = tmp_path / "b.dnnstudio"
    bomb = resealed(members | {"best.keras": b"0" * 2**25}, how=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 2**20
    small = resealed(members | {"history.csv": b"0" * 2**20}, how=zipfile.ZIP_DEFLATED)
    with pytest.warns(UserWarning, match="Duplicate name"):
        twins = resealed([*members.items(), ("history.csv", b"")])
    without = resealed({name: content for name, content in members.items() if name != "model.keras"})
    newer = resealed(members | {ABOUT: json.dumps({"format": 2}).encode()})
    for content, said in (
        (bomb, "far more than its own size"),
        (small, "unpacks to more"),
        (twins, "twice"),
        (without, "This is"),
        (newer, "newer version"),
        (b"no zip at all", "is no bundle"),
        (b"PK and no bundle, such as a model file", "is no bundle"),
        (b"PK bundle.json no seal", "changed or damaged"),
    ):
        path.write_bytes(content)
        with pytest.raises(UserError, match=said):
            opened(session, path, tmp_path / "run")
    assert [item.name for item in tmp_path.iterdir()] == ["b.dnnstudio"]


def test_what_computes_otherwise_is_said(made: tuple[Session, Path, Path], tmp_path: Path) -> None:
    session, _, bundle = made
    members = read_bundle(bundle)
    with np.load(io.BytesIO(members[PROOF])) as stored:
        rows, answers = stored["rows"], stored["answers"]
    for changed in ({"answers": answers + 1e-3}, {"rows": rows[:, ::-1]}):
        proof = io.BytesIO()
        np.savez(proof, **({"rows": rows, "answers": answers} | changed))
        (tmp_path / "b.dnnstudio").write_bytes(resealed(members | {PROOF: proof.getvalue()}))
        done = opened(session, tmp_path / "b.dnnstudio", tmp_path / f"run {next(iter(changed))}")
        assert not done.is_same and "does not compute the same here" in done.sentence
    for wrong in ({"rows": rows[:, :3], "answers": answers}, {"rows": rows, "answers": answers[:, :2]}, {"rows": rows}):
        proof = io.BytesIO()
        np.savez(proof, **wrong)
        (tmp_path / "b.dnnstudio").write_bytes(resealed(members | {PROOF: proof.getvalue()}))
        with pytest.raises(UserError, match="bundle"):
            opened(session, tmp_path / "b.dnnstudio", tmp_path / "wrong")
        assert not (tmp_path / "wrong").exists()


def test_a_tampered_network_in_a_bundle_is_refused_as_a_model_file(
    made: tuple[Session, Path, Path], tmp_path: Path
) -> None:
    session, _, bundle = made
    members = read_bundle(bundle)
    model = bytearray(members["model.keras"])
    model[len(model) // 2] ^= 1
    (tmp_path / "b.dnnstudio").write_bytes(resealed(members | {"model.keras": bytes(model)}))
    with pytest.raises(UserError, match=r"damaged|changed"):
        opened(session, tmp_path / "b.dnnstudio", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_commands_write_and_open(
    made: tuple[Session, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, run, _ = made
    assert main(["export", str(run), "--to", "bundle", "--out", str(tmp_path / "b.dnnstudio")]) == 0
    assert main(["open-bundle", str(tmp_path / "b.dnnstudio"), "--out", str(tmp_path / "again")]) == 0
    assert "It computes the same here" in capsys.readouterr().out
    assert main(["open-bundle", str(tmp_path / "b.dnnstudio"), "--out", str(tmp_path / "again")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["export", str(tmp_path), "--to", "bundle", "--out", str(tmp_path / "c.dnnstudio")]) == 2
    assert "is no run folder" in capsys.readouterr().err
