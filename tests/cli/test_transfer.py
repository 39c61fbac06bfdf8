"""The commands for reuse: what they print, write and refuse."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.cli.main import main
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.optimizers import Adam
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.planning.compatibility import default_transfer
from dnnstudio.core.planning.task_split import split_into_tasks

BASE = Experiment(
    name="Digits",
    layers=(
        Flatten(id="flatten"),
        Dense(id="h1", units=10, activation="relu"),
        Dense(id="output", units=10, activation="softmax"),
    ),
    optimizer=Adam(learning_rate=0.01),
    training=Training(epochs=1, batch_size=128),
)
A, B = split_into_tasks(BASE, train_limit=64)


def b_on(source: str, **changes: Any) -> Experiment:
    transfer = default_transfer(B, (8, 8), source, A.layers, epochs=(1, 1))
    return B.replaced(transfer=transfer.replaced(**changes))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both experiments and task A's run."""
    folder = tmp_path_factory.mktemp("cli")
    codec.save(A, folder / "a.json")
    codec.save(B, folder / "b.json")
    codec.save(b_on("runs/0001 a"), folder / "b_on_a.json")
    assert main(["run", str(folder / "a.json"), "--out", str(folder / "runs" / "0001 a")]) == 0
    return folder


def weights(run: Path) -> str:
    return str(json.loads((run / "metrics.json").read_text())["fingerprint"])


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and len(printed.err.splitlines()) == 1
    return printed.err


def test_run_and_transfer_do_the_same(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, named = trained / "runs" / "0001 a", str(trained / "b_on_a.json")
    before = (source / "model.keras").read_bytes()
    assert main(["run", named, "--out", str(tmp_path / "one")]) == 0
    assert main(["transfer", str(source), named, "--out", str(tmp_path / "two")]) == 0
    assert "Finished after 2 epochs" in capsys.readouterr().out
    assert weights(tmp_path / "one") == weights(tmp_path / "two")
    assert (source / "model.keras").read_bytes() == before
    assert (tmp_path / "one" / "history.csv").read_text().splitlines()[0].endswith(",phase")
    stored = codec.load(tmp_path / "one" / "experiment.json").transfer
    assert stored is not None and stored.source == str(source)


def test_without_a_section_all_but_the_output_is_reused(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    few = ["--set", "transfer.phases[0].epochs=1", "--set", "transfer.phases[1].epochs=1"]
    file = trained / "runs" / "0001 a" / "model.keras"
    assert main(["transfer", str(file), str(trained / "b.json"), "--out", str(out), *few]) == 0
    made = codec.load(out / "experiment.json").transfer
    assert made is not None
    assert [(item.layer, item.source, item.mode) for item in made.reuse] == [("h1", "h1", "clone")]
    assert [(phase.epochs, phase.frozen) for phase in made.phases] == [(1, ("h1",)), (1, ())]


def test_no_trained_model_is_changed_unasked(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "runs" / "0001 a"
    assert main(["run", str(trained / "a.json"), "--out", str(source)]) == 0
    plain = codec.to_plain(codec.load(trained / "b_on_a.json"))
    for item in plain["transfer"]["reuse"]:
        item["mode"] = "share"
    elsewhere = tmp_path / "from_elsewhere.json"
    elsewhere.write_text(json.dumps(plain | {"transfer": plain["transfer"] | {"phases": []}}))
    before, out = weights(source), tmp_path / "runs" / "0002 b"
    capsys.readouterr()
    assert main(["check", str(elsewhere)]) == 0
    assert "of 0001 a too" in (said := capsys.readouterr().out) and "--change-shared" in said
    for verb in (["run"], ["transfer", str(source)]):
        assert "of 0001 a too" in refused([*verb, str(elsewhere), "--out", str(out)], capsys)
        assert not out.exists()
    assert weights(source) == before
    assert main(["run", str(elsewhere), "--out", str(out), "--change-shared"]) == 0
    assert weights(source) != before
    going_on = ["run", str(source), "--out", str(source), "--resume", "--epochs", "9"]
    assert "of 0002 b too" in refused(going_on, capsys)


def test_a_copy_of_a_run_that_shares_layers_changes_nothing_unasked(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "runs" / "0001 a", tmp_path / "runs" / "0002 b"
    assert main(["run", str(trained / "a.json"), "--out", str(source)]) == 0
    shared = ["transfer", str(source), str(trained / "b.json"), "--out", str(out), "--mode", "share"]
    few = ["--set", "transfer.phases[0].epochs=1", "--set", "transfer.phases[1].epochs=1"]
    assert main([*shared, *few]) == 0
    copy, begun = tmp_path / "runs" / "0003 copy", tmp_path / "runs" / "0004 begun"
    shutil.copytree(out, copy)
    begun.mkdir()
    shutil.copy(out / "experiment.json", begun)
    before = weights(source), weights(out)
    for folder in (copy, begun):
        going_on = ["run", str(folder), "--out", str(folder), "--resume", "--set", "transfer.phases[1].epochs=2"]
        assert "of 0001 a and 0002 b too" in refused(going_on, capsys)
    assert (weights(source), weights(out)) == before
    assert main([*going_on, "--change-shared"]) == 0
    assert weights(source) != before[0]


def test_a_shared_layer_is_said_to_change_its_source(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "runs" / "0001 a"
    assert main(["run", str(trained / "a.json"), "--out", str(source)]) == 0
    named = str(trained / "b_on_a.json")
    out = tmp_path / "runs" / "0002 b"
    assert main(["transfer", str(source), named, "--out", str(out), "--mode", "share"]) == 0
    assert "shared with 0001 a: their weights changed there too." in capsys.readouterr().out
    assert (source / "model.keras~").exists()
    assert main(["library", str(tmp_path), "--json"]) == 0
    models = json.loads(capsys.readouterr().out)["models"]
    found = {item["name"]: item for item in models}
    assert found["Digits, task A"]["layers"][0]["shared_with"] == ["0002 b"]
    assert found["Digits, task A"]["layers"][0]["changed_by"] == ["0002 b"]
    assert main(["library", str(tmp_path)]) == 0
    table = capsys.readouterr().out
    assert "1 own, 1 shared" in table and found["Digits, task A"]["fingerprint"] in table
    assert main(["diff", str(source), str(out)]) == 0
    printed = capsys.readouterr().out
    assert "h1" in printed and "equal" in printed and "units 8 / 1" in printed and "not all equal" in printed


def test_a_stopped_phase_goes_on_with_resume(trained: Path, tmp_path: Path) -> None:
    named, out = str(trained / "b_on_a.json"), tmp_path / "run"
    assert main(["run", named, "--out", str(out)]) == 0
    more = ["--set", "transfer.phases[1].epochs=3"]
    assert main(["run", str(out), "--out", str(out), "--resume", *more]) == 0
    whole = tmp_path / "whole"
    assert main(["run", named, "--out", str(whole), *more]) == 0
    assert weights(out) == weights(whole)


def test_compare_prints_mean_and_spread(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    arguments = ["compare", str(trained / "b_on_a.json"), "--out", str(out), "--seeds", "2"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "from scratch" in printed and "transferred" in printed and " ± " in printed
    assert "better in" in printed and "of 2 seeds" in printed
    assert printed.count("seed 42") == 2
    assert (out / "comparison.csv").exists()
    assert main([*arguments, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["summary"] == json.loads((out / "comparison.json").read_text())["summary"]
    assert [run["seed"] for run in plain["runs"]] == [42, 42, 43, 43]


def test_what_a_person_can_get_wrong_is_one_sentence(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, source = str(tmp_path / "out"), str(trained / "runs" / "0001 a")
    b, on = str(trained / "b.json"), str(trained / "b_on_a.json")
    assert "nowhere does not exist" in refused(["transfer", "nowhere", on, "--out", out], capsys)
    assert "--epochs has no effect" in refused(["run", on, "--out", out, "--epochs", "1"], capsys)
    assert "no transfer section" in refused(["compare", b, "--out", out], capsys)
    assert "holds a run already" in refused(["transfer", source, on, "--out", source], capsys)
    wrong = ["--set", 'transfer.phases[0].frozen=["dense_*"]']
    assert "no such layer" in refused(["transfer", source, on, "--out", out, *wrong], capsys)
    wrong = ["--set", 'transfer.phases[0].frozen=["*"]']
    assert "freezes every layer" in refused(["run", on, "--out", out, *wrong], capsys)
    wrong = ["--set", "layers.h1.units=11"]
    assert "h1 cannot take over h1" in refused(["transfer", source, on, "--out", out, *wrong], capsys)
    wrong = ["--set", "transfer.source=nowhere"]
    assert '"nowhere", does not exist' in refused(["run", on, "--out", out, *wrong], capsys)
    assert "no folder" in refused(["library", str(tmp_path / "none")], capsys)
    assert "none does not exist" in refused(["diff", source, "none"], capsys)
    damaged = tmp_path / "damaged.keras"
    damaged.write_bytes((trained / "runs" / "0001 a" / "model.keras").read_bytes()[:999])
    assert "damaged.keras" in refused(["transfer", str(damaged), on, "--out", out], capsys)
    assert not (tmp_path / "out").exists()
