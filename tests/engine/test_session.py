"""The engine's door: every job gives what `core.jobs` promises, on the real digits."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.errors import Cancelled, Code, UserError
from dnnstudio.core.experiment.data import Classes, Csv, Data, Digits
from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Dropout, Flatten
from dnnstudio.core.experiment.optimizers import Adam
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.folder_lock import held
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import Event, Progress, RunEnded, RunStarted
from dnnstudio.core.jobs.requests import DescribeData, EvaluateModel, Job, OpenModel, SaveModel, TrainRun
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.engine.reuse import held_models
from dnnstudio.engine.session import Session
from dnnstudio.engine.training.checkpoint import load_checkpoint

DIGITS = Experiment(
    name="Digits",
    layers=(
        Flatten(id="flatten"),
        Dense(id="hidden", units=32, activation="relu"),
        BatchNormalization(id="bn"),
        Dropout(id="drop", rate=0.1, monte_carlo=True),
        Dense(id="output", units=10, activation="softmax"),
    ),
    optimizer=Adam(learning_rate=0.005),
    training=Training(epochs=3, batch_size=64),
)
PLAIN = DIGITS.replaced(layers=tuple(layer for layer in DIGITS.layers if layer.id != "drop"))


def run(session: Session, job: Job, emit: Callable[[Event], None] = lambda event: None) -> Any:
    return session.run(job, Control(), emit)


@pytest.fixture
def trained(tmp_path: Path) -> tuple[Session, Any]:
    session = Session()
    return session, run(session, TrainRun(experiment=PLAIN, folder=tmp_path / "run"))


def test_digits_are_learnt(trained: tuple[Session, Any]) -> None:
    assert trained[1].metrics["test"]["accuracy"] > 0.85


def test_a_run_that_somebody_else_trains_is_not_gone_on_with(trained: tuple[Session, Any], tmp_path: Path) -> None:
    folder, events, told = tmp_path / "run", list[Event](), list[UserError]()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    longer = PLAIN.replaced(training=Training(epochs=5, batch_size=64))

    def attempt() -> None:
        with pytest.raises(UserError) as caught:
            run(Session(), TrainRun(experiment=longer, folder=folder, resume_from=folder), events.append)
        told.append(caught.value)

    with held(folder, "a training"):
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    assert told[0].code is Code.IN_USE
    assert [(type(event), getattr(event, "reason", "")) for event in events] == [(RunEnded, "failed")]
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    run(Session(), TrainRun(experiment=longer, folder=folder, resume_from=folder))
    assert [row["epoch"] for row in read_rows(folder / "history.csv")] == [1, 2, 3, 4, 5]


def test_data_is_described_before_tensorflow_is_there() -> None:
    code = """
import sys
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.experiment.data import Data
from dnnstudio.core.jobs.requests import DescribeData
from dnnstudio.engine.session import Session
preview = Session().run(DescribeData(data=Data(), seed=42), Control(), lambda event: None)
assert preview.summary.input_shape == (8, 8), preview.summary
assert not {"keras", "tensorflow", "PySide6"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_run_is_evaluated_by_id_folder_and_file_alike(trained: tuple[Session, Any]) -> None:
    session, result = trained
    events: list[Event] = []
    by_id = run(session, EvaluateModel(model=result.run, experiment=PLAIN), events.append)
    assert by_id.parts == {part: result.metrics[part] for part in ("train", "validation", "test")}
    assert all(isinstance(event, Progress) for event in events)
    for key in (result.folder, str(result.folder / "model.keras")):
        assert run(Session(), EvaluateModel(model=key, experiment=PLAIN)).parts == by_id.parts
    only = run(session, EvaluateModel(model=result.run, experiment=PLAIN, parts=("test",)))
    assert only.parts == {"test": result.metrics["test"]}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras reads its variables so
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_saved_model_opens_again_with_the_same_figures(
    trained: tuple[Session, Any], tmp_path: Path, suffix: str
) -> None:
    session, result = trained
    path = tmp_path / f"copy{suffix}"
    saved = run(session, SaveModel(model=result.run, path=path))
    assert saved.bytes == path.stat().st_size
    opened = run(session, OpenModel(path=path))
    assert (opened.experiment, opened.input_shape, opened.has_experiment) == (PLAIN, (8, 8), True)
    figures = run(session, EvaluateModel(model=opened.model, experiment=PLAIN, parts=("test",))).parts["test"]
    assert figures == result.metrics["test"]
    plain = keras.models.load_model(path, compile=False)
    ours = session.model(result.run).model
    x = np.random.default_rng(0).random((5, 8, 8), dtype=np.float32)
    np.testing.assert_array_equal(np.asarray(plain(x)), np.asarray(ours(x)))
    compiled = keras.models.load_model(path)
    assert compiled.evaluate(x, np.arange(5), verbose=0)[0] > 0
    goes_on = load_checkpoint(result.folder).optimizer[0] if suffix == ".keras" else 0
    assert compiled.optimizer.iterations == goes_on


def test_weights_alone_are_evaluated_in_the_experiment_s_layers(trained: tuple[Session, Any], tmp_path: Path) -> None:
    session, result = trained
    path = tmp_path / "only.weights.h5"
    run(session, SaveModel(model=result.run, path=path))
    figures = run(Session(), EvaluateModel(model=path, experiment=PLAIN, parts=("test",))).parts["test"]
    assert figures == result.metrics["test"]


def test_best_and_last_are_files_of_their_own_epochs(tmp_path: Path) -> None:
    given = PLAIN.replaced(optimizer=Adam(learning_rate=0.3), training=Training(epochs=6, batch_size=256))
    result = run(Session(), TrainRun(experiment=given, folder=tmp_path / "run"))
    rows = np.genfromtxt(tmp_path / "run" / "history.csv", delimiter=",", names=True)
    assert result.best_epoch == int(np.argmin(rows["val_loss"])) + 1
    for name, epoch in (("model", 6), ("best", result.best_epoch)):
        job = EvaluateModel(model=tmp_path / "run" / f"{name}.keras", experiment=given, parts=("validation",))
        figures = run(Session(), job).parts["validation"]
        assert figures["loss"] == pytest.approx(rows["val_loss"][epoch - 1], rel=1e-6)


def test_a_monte_carlo_network_stays_one_when_it_is_opened(tmp_path: Path) -> None:
    session = Session()
    given = DIGITS.replaced(training=Training(epochs=1, batch_size=64))
    run(session, TrainRun(experiment=given, folder=tmp_path / "run"))
    opened = run(session, OpenModel(path=tmp_path / "run" / "model.keras"))
    model, x = session.model(opened.model).model, np.ones((1, 8, 8), np.float32)
    assert opened.experiment == given
    assert not np.array_equal(np.asarray(model(x)), np.asarray(model(x)))


def test_a_run_goes_on_through_the_session(trained: tuple[Session, Any]) -> None:
    session, result = trained
    more = PLAIN.replaced(training=Training(epochs=4, batch_size=64))
    events: list[Event] = []
    job = TrainRun(experiment=more, folder=result.folder, resume_from=result.folder)
    again = run(session, job, events.append)
    started = next(event for event in events if isinstance(event, RunStarted))
    assert (started.first_epoch, again.epochs, again.run) == (3, 4, job.id)


def test_only_the_last_networks_stay_in_memory(trained: tuple[Session, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    session, result = trained
    monkeypatch.setattr(held_models, "LIVE_MODELS", 1)
    opened = run(session, OpenModel(path=result.folder / "model.keras"))
    assert session._held.keys == (opened.model,)
    figures = run(session, EvaluateModel(model=result.run, experiment=PLAIN, parts=("test",))).parts["test"]
    assert figures == result.metrics["test"]
    assert session._held.keys == (result.run,)


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (TrainRun(experiment=Experiment(), folder=Path("never")), "no layers"),
        (EvaluateModel(model="nothing", experiment=PLAIN), "nothing"),
        (OpenModel(path=Path("nowhere.keras")), "nowhere.keras"),
        (DescribeData(data=Data(source=Csv(path="nowhere.csv")), seed=1), "nowhere.csv"),
    ],
)
def test_what_a_person_can_mend_is_said(job: Job, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=words):
        run(Session(), job)
    assert list(tmp_path.iterdir()) == []


def test_a_network_for_other_data_is_named(trained: tuple[Session, Any]) -> None:
    session, result = trained
    two = PLAIN.replaced(data=Data(source=Digits(), classes=Classes(keep=(0, 1), positive=1)))
    with pytest.raises(UserError, match=r"10 units|needs one"):
        run(session, EvaluateModel(model=result.run, experiment=two))


def test_a_failed_training_ends_with_its_event(tmp_path: Path) -> None:
    events: list[Event] = []
    with pytest.raises(UserError):
        run(Session(), TrainRun(experiment=Experiment(), folder=tmp_path / "run"), events.append)
    assert [event.reason for event in events if isinstance(event, RunEnded)] == ["failed"]


def test_a_cancelled_job_is_silent(tmp_path: Path) -> None:
    control, events = Control(), []  # type: ignore[var-annotated]
    control.stop()
    with pytest.raises(Cancelled):
        Session().run(TrainRun(experiment=PLAIN, folder=tmp_path / "run"), control, events.append)
    assert [event.reason for event in events if isinstance(event, RunEnded)] == ["stopped"]
    assert not (tmp_path / "run").exists()


def test_too_little_memory_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*args: object, **more: object) -> None:
        raise MemoryError

    session = Session()
    monkeypatch.setattr(session, "_load", fail)
    with pytest.raises(UserError, match="not enough memory"):
        run(session, TrainRun(experiment=PLAIN, folder=tmp_path / "run"))


def test_an_unknown_job_is_a_bug() -> None:
    with pytest.raises(TypeError, match="no such job: Job"):
        run(Session(), Job())
