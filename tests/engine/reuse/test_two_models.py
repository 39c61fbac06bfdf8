"""Two models side by side, the library, and an experiment that is no source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.optimizers import Adam
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import CompareModels, Job, ListLibrary, SaveModel, TrainRun
from dnnstudio.core.planning.compatibility import default_transfer
from dnnstudio.core.planning.task_split import split_into_tasks
from dnnstudio.engine.session import Session

BASE = Experiment(
    name="Digits",
    layers=(
        Flatten(id="flatten"),
        Dense(id="h1", units=10, activation="relu"),
        Dense(id="output", units=10, activation="softmax"),
    ),
    optimizer=Adam(learning_rate=0.01),
    training=Training(epochs=2, batch_size=128),
)
A, B = split_into_tasks(BASE, train_limit=64)
B_ON_A = B.replaced(transfer=default_transfer(B, (8, 8), "a.json", A.layers, epochs=(1, 1), mode="share"))


def run(session: Session, job: Job, control: Control | None = None, emit: Any = lambda event: None) -> Any:
    return session.run(job, control or Control(), emit)


def test_an_untrained_experiment_is_no_source_of_a_run(tmp_path: Path) -> None:
    codec.save(A, tmp_path / "a.json")
    with pytest.raises(UserError, match=r"a\.json is an experiment, not a trained model"):
        run(Session(), TrainRun(experiment=B_ON_A, folder=tmp_path / "b", base=tmp_path))


def test_two_models_side_by_side_and_the_library(tmp_path: Path) -> None:
    session = Session()
    a = run(session, TrainRun(experiment=A, folder=tmp_path / "runs" / "0001 a"))
    longer = A.replaced(name="longer", training=Training(epochs=3, batch_size=128))
    b = run(session, TrainRun(experiment=longer, folder=tmp_path / "runs" / "0002 b"))
    (tmp_path / "models").mkdir()
    run(session, SaveModel(model=a.run, path=tmp_path / "models" / "copy.h5"))
    (tmp_path / "models" / "broken.keras").write_bytes(b"PK no")

    found = run(session, CompareModels(first=a.run, second=b.folder))
    assert [(row.first, row.second, row.same_weights) for row in found.layers] == [
        ("flatten", "flatten", None),
        ("h1", "h1", False),
        ("output", "output", False),
    ]
    assert [(item.path, item.first, item.second) for item in found.options] == [("training.epochs", 2, 3)]
    assert found.figures == (a.metrics["test"], b.metrics["test"])
    assert not found.same_weights
    same = run(session, CompareModels(first=a.run, second=tmp_path / "models" / "copy.h5", experiment=A))
    assert same.same_weights and same.figures[0] == same.figures[1]
    other = run(session, CompareModels(first=a.run, second=b.run, experiment=B))
    assert other.figures is None and "cannot be measured on the same rows" in other.note

    library = run(session, ListLibrary(workspace=tmp_path))
    by_name = {entry.path.name: entry for entry in library.entries}
    assert set(by_name) == {"0001 a", "0002 b", "copy.h5"}
    assert by_name["copy.h5"].fingerprint == by_name["0001 a"].fingerprint != by_name["0002 b"].fingerprint
    assert by_name["copy.h5"].parameters == by_name["0001 a"].parameters
    assert by_name["0001 a"].accuracy == a.metrics["test"]["accuracy"]
    assert len(library.notes) == 1 and "broken.keras" in library.notes[0]


def test_the_library_needs_no_tensorflow(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = f"""
import sys
from pathlib import Path
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import ListLibrary
from dnnstudio.engine.session import Session
assert Session().run(ListLibrary(workspace=Path({str(tmp_path)!r})), Control(), print).entries == ()
assert not {{"keras", "tensorflow", "PySide6"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
