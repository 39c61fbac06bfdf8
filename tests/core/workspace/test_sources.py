"""How a source of layers is called, found, and named in a file."""

from __future__ import annotations

import json
from pathlib import Path

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import Dense
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Transfer
from dnnstudio.core.workspace.catalog import run_entry
from dnnstudio.core.workspace.sources import (
    from_entry,
    from_file,
    place_of,
    rebased,
    short_name,
    source_text,
    with_whole_source,
)


def make_run(workspace: Path) -> Path:
    folder = workspace / "runs" / "0009 Task A"
    folder.mkdir(parents=True)
    codec.save(Experiment(name="Task A", layers=(Dense(id="out", units=10),)), folder / "experiment.json")
    (folder / "model.keras").write_bytes(b"")
    (folder / "metrics.json").write_text(json.dumps({"validation": {"loss": 0.2, "accuracy": 0.912}}))
    return folder


def test_a_run_is_called_by_its_number(tmp_path: Path) -> None:
    source = from_entry(run_entry(make_run(tmp_path)))
    assert (source.short, source.title, source.val_accuracy) == ("run 9", "run 9 · Task A", 0.912)
    assert source.input_shape == (8, 8)
    assert short_name(Path("/models/9 lives.keras")) == "9 lives.keras"
    assert short_name(Path("/somewhere/first run")) == "first run"


def test_a_place_is_found_from_the_experiment_s_folder(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    base = tmp_path / "experiments"
    assert place_of(Transfer(source="../runs/0009 Task A"), base) == folder
    assert place_of(Transfer(source="../runs/0009 Task A/model.keras"), base) == folder, "the model stands for its run"
    assert place_of(Transfer(source=str(folder)), None) == folder
    for missing in ("", "../runs/0010", "\0", "../runs"):
        assert place_of(Transfer(source=missing), base) is None
    experiment = tmp_path / "task_a.json"
    experiment.write_text("{}")
    assert place_of(Transfer(source="task_a.json"), tmp_path) is None, "an experiment is no trained model"


def test_within_a_workspace_a_source_is_named_relatively(tmp_path: Path) -> None:
    place = tmp_path / "runs" / "0009 Task A"
    assert source_text(place, tmp_path / "experiments" / "b.json", tmp_path) == "../runs/0009 Task A"
    assert source_text(place, None, tmp_path) == str(place)
    assert source_text(place, Path("/elsewhere/b.json"), tmp_path) == str(place)


def test_saving_elsewhere_names_the_source_anew(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    given = Experiment(transfer=Transfer(source="../runs/0009 Task A"))
    deeper = tmp_path / "experiments" / "deep"
    moved = rebased(given, tmp_path / "experiments", deeper)
    assert moved.transfer is not None and moved.transfer.source == "../../runs/0009 Task A"
    assert place_of(moved.transfer, deeper) == folder
    whole = with_whole_source(given, tmp_path / "experiments")
    assert whole.transfer is not None and whole.transfer.source == str(folder)
    gone = Experiment(transfer=Transfer(source="../runs/0001"))
    for left in (gone, whole, Experiment()):
        assert rebased(left, tmp_path / "experiments", deeper) == left
    assert rebased(given, None, deeper) == given
    assert with_whole_source(gone, tmp_path / "experiments") == gone


def test_a_model_file_is_a_source_without_figures(tmp_path: Path) -> None:
    experiment = Experiment(name="A", layers=(Dense(id="out", units=10),))
    source = from_file(tmp_path / "a.h5", experiment, (4,), ("Dropout was left out.",), has_experiment=False)
    assert (source.name, source.task, source.val_accuracy, source.measured) == ("a.h5", "", None, "")
    assert source.notes == ("Dropout was left out.",)
