"""Run folders: numbers, names and what a folder says of itself."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Classes, Data, Table
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.workspace.history import append_row, as_columns, read_rows, write_history
from dnnstudio.core.workspace.runs import (
    UNFINISHED,
    new_run_folder,
    read_run,
    run_folders,
    safe_name,
    sweep_workspace,
    trained_on,
    trained_run_of,
)

ROW = {"epoch": 1, "loss": 0.1 + 0.2, "val_loss": 1e-9, "learning_rate": 0.001, "seconds": 1.5, "clean_loss": 0.25}


def test_history_reads_back_the_numbers_exactly(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    append_row(path, ROW)
    append_row(path, ROW | {"epoch": 2, "loss": 1 / 3})
    assert path.read_text().splitlines()[0] == "epoch,loss,val_loss,learning_rate,seconds,clean_loss"
    assert read_rows(path) == [ROW, ROW | {"epoch": 2, "loss": 1 / 3}]
    np.testing.assert_array_equal(as_columns(read_rows(path))["loss"], [0.1 + 0.2, 1 / 3])


def test_appending_gives_the_same_file_as_writing_at_once(tmp_path: Path) -> None:
    rows = [ROW | {"epoch": number} for number in (1, 2, 3)]
    write_history(tmp_path / "whole.csv", rows)
    for row in rows:
        append_row(tmp_path / "grown.csv", row)
    assert (tmp_path / "grown.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_last_line_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    write_history(path, [ROW, ROW | {"epoch": 2}])
    path.write_bytes(path.read_bytes()[:-4])
    assert [row["epoch"] for row in read_rows(path)] == [1]


def test_a_row_after_a_cut_off_line_starts_on_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    write_history(path, [ROW, ROW | {"epoch": 2}])
    path.write_bytes(path.read_bytes()[:-4])
    append_row(path, ROW | {"epoch": 2})
    assert [row["epoch"] for row in read_rows(path)] == [1, 2]


@pytest.mark.parametrize(
    "content",
    [
        *(b"epoch,loss\n1,x\n", b"epoch,loss\n1,2,3\n", b"epoch\n\xff\n", b"epoch,loss\n1,1e999\n"),
        *(b"epoch,loss\n1," + b"9" * 400 + b"\n", b"epoch,loss\n1," + b"9" * 200_000 + b"\n"),
        *(b"epoch,loss\n1,0." + b"1" * 200_000 + b"\n", b"epoch," + b"x" * 200_000 + b"\n1,1\n"),
        *(b"epoch,loss\nnan,1\n", b"epoch,loss\n1.5,1\n", b"epoch,loss\ninf,1\n", b"epoch,loss\n-1,1\n"),
        *(b"epoch,loss,loss\n1,1,2\n", b'epoch,loss\n1,"2\n', b'"epoch,loss\n1,2\n'),
    ],
    ids=range(15),
)
def test_a_damaged_history_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "history.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"history\.csv") as caught:
        read_rows(path)
    assert len(str(caught.value)) <= 400


def test_figures_of_a_training_that_diverged_are_read(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    write_history(path, [{"epoch": 1, "loss": float("inf")}, {"epoch": 2, "loss": float("nan")}])
    first, second = read_rows(path)
    assert first["loss"] == float("inf")
    assert np.isnan(second["loss"])


def test_an_empty_history_has_no_columns(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("")
    assert as_columns(read_rows(tmp_path / "history.csv")) == {}
    assert as_columns([]) == {}


def test_new_run_folders_count_up(tmp_path: Path) -> None:
    first = new_run_folder(tmp_path, "Dropout: rate 0.2/0.3")
    second = new_run_folder(tmp_path, "???")
    assert first == tmp_path / "runs" / "0001 Dropout rate 0.2 0.3"
    assert second == tmp_path / "runs" / "0002"
    (tmp_path / "runs" / "0041 other").mkdir()
    assert new_run_folder(tmp_path, "x").name == "0042 x"


@pytest.mark.parametrize("name", ["../../etc", "a\\b", "con.", " . ", "x" * 300, "tab\tnew\nline", "NUL\0"])
def test_safe_names_stay_in_their_folder(name: str) -> None:
    safe = safe_name(name)
    assert len(safe) <= 60
    assert not set(safe) & set('/\\:*?"<>|\0\n\t')
    assert not safe.startswith(".")
    assert not safe.endswith((".", " "))


def _run(folder: Path, metrics: dict[str, object] | str | None = None, epochs: int = 2) -> Path:
    folder.mkdir(parents=True)
    codec.save(Experiment(name="Given name", training=Training(epochs=5)), folder / "experiment.json")
    write_history(folder / "history.csv", [ROW | {"epoch": number + 1} for number in range(epochs)])
    if metrics is not None:
        (folder / "metrics.json").write_text(metrics if isinstance(metrics, str) else json.dumps(metrics))
    return folder


def test_a_finished_run_tells_its_figures(tmp_path: Path) -> None:
    metrics = {"reason": "finished", "validation": {"loss": 0.5, "accuracy": 0.75}, "test": {"accuracy": 0.7}}
    record = read_run(_run(tmp_path / "0013 Given name", metrics | {"parameters": 10, "seconds": 2.5, "run": "abc"}))
    assert (record.number, record.name, record.status, record.run) == (13, "Given name", "finished", "abc")
    assert (record.epochs_done, record.epochs_planned) == (2, 5)
    assert (record.val_loss, record.val_accuracy, record.test_accuracy) == (0.5, 0.75, 0.7)
    assert (record.parameters, record.seconds) == (10, 2.5)


def test_runs_are_on_the_same_data_where_source_and_classes_are(tmp_path: Path) -> None:
    made = {
        "a": Experiment(seed=1),
        "b": Experiment(seed=2, name="other"),
        "classes": Experiment(data=Data(classes=Classes(keep=(1, 7)))),
        "source": Experiment(data=Data(source=Table(path="t.csv"))),
    }
    found = {}
    for name, experiment in made.items():
        (tmp_path / name).mkdir()
        codec.save(experiment, tmp_path / name / "experiment.json")
        found[name] = read_run(tmp_path / name).trained_on
        assert found[name] == trained_on(experiment)
    assert found["a"] == found["b"]
    assert len(set(found.values())) == 3


def test_a_run_without_final_figures_is_unfinished_and_tells_its_last_epoch(tmp_path: Path) -> None:
    record = read_run(_run(tmp_path / "somewhere"))
    assert (record.number, record.status, record.val_loss, record.seconds) == (0, UNFINISHED, 1e-9, 3.0)
    assert (record.val_accuracy, record.test_accuracy, record.parameters) == (None, None, None)


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "{", "null", "[" * 100_000, '{"a": ' * 900 + "1" + "}" * 900),
        *('{"seconds": 1e999}', '{"test": {"accuracy": ' + "9" * 400 + "}}", '{"epochs": ' + "9" * 9000 + "}"),
    ],
    ids=range(8),
)
def test_damaged_figures_are_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match=r"metrics\.json is damaged"):
        read_run(_run(tmp_path / "run", text))


@pytest.mark.parametrize(
    "figures",
    [
        {"validation": [], "seconds": "x"},
        {"started": None},
        {"parameters": "many"},
        {"parameters": float("nan")},
        {"seconds": float("inf")},
        {"started": float("nan")},
        {"started": 1e30},
        {"validation": {"loss": "x"}},
        {"reason": ["finished"]},
    ],
)
def test_figures_of_a_wrong_kind_are_left_out(tmp_path: Path, figures: dict[str, object]) -> None:
    record = read_run(_run(tmp_path / "run", figures))
    assert record.parameters is None
    assert record.seconds is None or record.seconds == 3.0
    assert 0 < record.when < 4e9
    assert trained_run_of(Experiment(), tmp_path) is None


def test_folders_are_listed_by_number_and_without_one_passed_over(tmp_path: Path) -> None:
    for name in ("0010 b", "0002 a", "0011 c", "notes"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert [int(folder.name[:4]) for folder in run_folders(tmp_path)] == [2, 10, 11]
    assert run_folders(tmp_path / "nowhere") == ()


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no run"):
        read_run(tmp_path)


def test_what_killed_saves_left_is_swept_after_a_day_everywhere_in_the_workspace(tmp_path: Path) -> None:
    places = (
        *("", "models", "runs", "runs/0001 a", "runs/0001 a/checkpoint", "runs/0002 b/members/7/checkpoint"),
        *("sweeps/0001 s", "sweeps/0001 s/trials/0/checkpoint"),
    )
    folders = [tmp_path / place for place in places]
    for folder in folders:
        folder.mkdir(exist_ok=True, parents=True)
        for name, age in (("old", 2 * 86_400), ("young", 60)):
            file = folder / f".dnnstudio-{name}.tmp"
            file.write_bytes(b"part of a save")
            os.utime(file, (time.time() - age,) * 2)
    (tmp_path / "models" / "mine.tmp").write_bytes(b"not ours")
    os.utime(tmp_path / "models" / "mine.tmp", (0, 0))
    assert sweep_workspace(tmp_path) == len(folders)
    assert sweep_workspace(tmp_path) == 0
    assert (tmp_path / "models" / "mine.tmp").exists()
