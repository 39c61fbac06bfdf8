"""Which networks can be chosen, and by what name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.workspace.ensembles import EnsembleRecord, write_ensemble
from dnnstudio.core.workspace.runs import read_run
from dnnstudio.gui.predict.subjects import Network, network_at, networks, weights_of


def write_run(folder: Path, *, model: bool = True, best: int | None = None) -> Path:
    folder.mkdir(parents=True)
    codec.save(load_recipe("digits").experiment, folder / "experiment.json")
    if model:
        (folder / "model.keras").write_bytes(b"")
    if best is not None:
        (folder / "best.keras").write_bytes(b"")
        metrics = {"reason": "finished", "epochs": 9, "best_epoch": best, "best": {"validation": {}}}
        (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    return folder


def test_the_opened_model_comes_first_and_runs_without_a_network_are_left_out(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / "0003 c", best=4), write_run(tmp_path / "0002 b", model=False)]
    found = networks([read_run(folder) for folder in runs], ("a1", "photos.keras"))
    assert [(one.model, one.title, one.best) for one in found] == [
        ("a1", "photos.keras", None),
        (runs[0], "run 3, First digits", 4),
    ]
    assert weights_of(found[1]) == (("best", "best of epoch 4"), ("last", "last weights"))
    assert weights_of(found[0]) == (("last", "its weights"),)


def test_the_runs_of_a_comparison_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / "0005 a" / f"seed {seed} {start}")
        for seed in (42, 43)
        for start in ("scratch", "transfer")
    ]
    titles = [one.title for one in networks([read_run(folder) for folder in runs], None)]
    assert titles == [f"seed {seed} {start}, First digits" for seed in (42, 43) for start in ("scratch", "transfer")]


def test_a_folder_is_a_run_or_an_ensemble_or_refused(tmp_path: Path) -> None:
    record = EnsembleRecord(experiment=load_recipe("digits").experiment, seeds=(1, 2), threads=1)
    write_ensemble(tmp_path / "five", record)
    assert network_at(tmp_path / "five") == Network(tmp_path / "five", "ensemble five")
    run = write_run(tmp_path / "run")
    assert network_at(run).key == str(run)
    with pytest.raises(UserError, match=r"half holds no trained network"):
        network_at(write_run(tmp_path / "half", model=False))
