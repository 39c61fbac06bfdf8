"""The library without the engine: what a run says of itself, order in the workspace, and differences."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Classes, Csv, Data, Digits, FashionMNIST
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Autoencoder, Reuse, Transfer
from dnnstudio.core.folder_lock import FILE as LOCK
from dnnstudio.core.workspace import model_store, shared_layers
from dnnstudio.core.workspace.catalog import (
    compare_layers,
    compare_options,
    run_entry,
    task_text,
)
from dnnstudio.core.workspace.fingerprints import fingerprint, layer_fingerprints, model_fingerprint
from dnnstudio.core.workspace.model_store import clone, move_to_trash, rename, restore
from dnnstudio.core.workspace.runs import read_run, run_folders
from dnnstudio.core.workspace.shared_layers import (
    Change,
    Origin,
    OriginLayer,
    link,
    note_change,
    read_links,
    set_origin,
)

LAYERS = (Flatten(id="flatten"), Dense(id="h1", units=4), Dense(id="output", units=10, activation="softmax"))
PRINTS = {"h1": "aaa", "output": "bbb"}


def make_run(workspace: Path, name: str, *, started: float = 1.0, transfer: Transfer | None = None) -> Path:
    folder = workspace / "runs" / name
    folder.mkdir(parents=True)
    codec.save(Experiment(name=name[5:], layers=LAYERS, transfer=transfer), folder / "experiment.json")
    (folder / "model.keras").write_bytes(b"weights")
    metrics = {
        "run": "r" + name[:4],
        "reason": "finished",
        "test": {"loss": 0.5, "accuracy": 0.9},
        "fingerprint": "ccc",
        "layer_fingerprints": PRINTS,
        "started": started,
    }
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder


def test_one_changed_bit_gives_another_fingerprint() -> None:
    arrays = [np.zeros((3, 2), np.float32), np.ones(2, np.float32)]
    before = fingerprint(arrays)
    assert len(before) == 12 and fingerprint([a.copy() for a in arrays]) == before
    arrays[0].view(np.uint32)[1, 1] ^= 1
    assert fingerprint(arrays) != before
    assert fingerprint([np.zeros((2, 3), np.float32), np.ones(2, np.float32)]) != before
    assert fingerprint([]) == ""


def test_a_model_s_fingerprint_ignores_the_names_of_its_layers() -> None:
    arrays = [np.arange(4, dtype=np.float32)]
    one, other = (layer_fingerprints({name: arrays, "empty": []}) for name in ("h1", "h2"))
    assert list(one) == ["h1"]
    assert model_fingerprint(one) == model_fingerprint(other) != ""


def test_a_run_says_what_it_is(tmp_path: Path) -> None:
    first = run_entry(make_run(tmp_path, "0002 new", started=9.0))
    assert (first.name, first.when) == ("new", 9.0)
    assert (first.accuracy, first.fingerprint, first.task, first.kind) == (0.9, "ccc", "Digits, 10 classes", "run")
    assert first.classes == tuple("0123456789")


def test_identity_says_own_cloned_shared_and_changed(tmp_path: Path) -> None:
    a, b = make_run(tmp_path, "0001 a"), make_run(tmp_path, "0002 b")
    assert [(item.kind, item.changed) for item in run_entry(a).layers] == [("own", False), ("own", False)]
    set_origin(b, Origin("a", a, (OriginLayer("h1", "first", "clone", "aaa"),)))
    h1 = run_entry(b).layers[0]
    assert (h1.kind, h1.source, h1.origin, h1.fingerprint, h1.changed) == ("clone", "first", "a", "aaa", False)
    set_origin(b, Origin("a", a, (OriginLayer("h1", "first", "clone", "before"),)))
    assert run_entry(b).layers[0].changed
    link(b, a, ["h1"])
    note_change(a, Change("0002 b", "r2", ("h1",), 1.0))
    theirs = run_entry(a).layers[0]
    assert (theirs.kind, theirs.shared_with, theirs.changed_by, theirs.changed) == (
        "share",
        ("0002 b",),
        ("0002 b",),
        True,
    )
    assert run_entry(b).layers[0].kind == "share"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (Data(source=FashionMNIST(), classes=Classes(keep=(5, 6), positive=6)), "Fashion-MNIST, Sandal or Shirt"),
        (Data(source=FashionMNIST(), classes=Classes(keep=(0, 1, 2))), "Fashion-MNIST, 3 classes"),
        (Data(source=Csv(path="x.csv")), "CSV of numbers"),
    ],
)
def test_a_task_in_words(data: Data, text: str) -> None:
    assert task_text(Experiment(data=data)) == text


def test_a_pretraining_says_so() -> None:
    assert (
        task_text(Experiment(data=Data(source=Digits()), pretraining=Autoencoder(until="x"))) == "Digits, autoencoder"
    )


def test_a_run_is_renamed_in_its_place(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "0001 a")
    assert rename(folder, "  Better \n name ") == folder
    assert read_run(folder).name == "Better name"
    with pytest.raises(UserError, match="name is empty"):
        rename(folder, "  ")


HOLDER = """
import sys
from pathlib import Path
from dnnstudio.core.folder_lock import held
with held(Path(sys.argv[1]), "a training"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_run_that_another_program_trains_is_neither_changed_nor_copied_nor_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (model_store, shared_layers):
        monkeypatch.setattr(module, "WAIT_S", 0.1)
    run, other = make_run(tmp_path, "0001 A"), make_run(tmp_path, "0002 B")
    (tmp_path / "trash").mkdir()
    before = {path: path.read_bytes() for path in run.iterdir()}
    with subprocess.Popen([sys.executable, "-c", HOLDER, run], stdin=-1, stdout=-1) as trainer:
        assert trainer.stdout is not None
        assert trainer.stdout.readline() == b"held\n"
        attempts: list[Callable[[], object]] = [
            lambda: rename(run, "Other"),
            lambda: clone(tmp_path, run, "Copy"),
            lambda: move_to_trash(tmp_path, run),
            lambda: link(other, run, ["h1"]),
        ]
        for attempt in attempts:
            with pytest.raises(UserError, match=r"0001 A is in use by a training \(process") as caught:
                attempt()
            assert caught.value.code is Code.IN_USE
        assert {path: path.read_bytes() for path in run.iterdir() if path.name != LOCK} == before
        trainer.kill()
    assert rename(run, "Other") == run
    trashed = move_to_trash(tmp_path, run)
    assert run_folders(tmp_path) == (other,)
    assert not (trashed / LOCK).exists()


def test_a_file_is_renamed_but_never_over_another(tmp_path: Path) -> None:
    for name in ("a.weights.h5", "b.weights.h5"):
        (tmp_path / name).write_bytes(name.encode())
    new = rename(tmp_path / "a.weights.h5", "sub/c")
    assert new == tmp_path / "sub c.weights.h5"
    with pytest.raises(UserError, match=r"a b\.weights\.h5 already"):
        rename(new, "b")
    assert (tmp_path / "b.weights.h5").read_bytes() == b"b.weights.h5"
    with pytest.raises(UserError, match="no name"):
        rename(new, "///")


def test_a_cloned_run_is_a_run_of_its_own(tmp_path: Path) -> None:
    shared = Transfer(source="../0009 z", reuse=(Reuse(layer="h1", source="h1", mode="share"),))
    a, b = make_run(tmp_path, "0001 a", transfer=shared), make_run(tmp_path, "0002 b")
    link(b, a, ["h1"])
    before = {path.name: path.read_bytes() for path in a.iterdir()}
    copy = clone(tmp_path, a, "twin")
    assert copy.name == "0003 twin"
    assert (copy / "model.keras").read_bytes() == before["model.keras"]
    assert {path.name: path.read_bytes() for path in a.iterdir()} == before
    experiment = codec.load(copy / "experiment.json")
    assert experiment.name == "twin" and experiment.transfer is not None and not experiment.transfer.shared
    assert read_links(copy).shared == ()
    assert [(item.kind, item.origin, item.changed) for item in run_entry(copy).layers] == [("clone", "a", False)] * 2
    assert read_run(copy).run != read_run(a).run


def test_a_cloned_file_lies_in_the_workspace(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.keras"
    file.write_bytes(b"net")
    copy = clone(tmp_path / "work", file, "twin")
    assert (copy, copy.read_bytes()) == (tmp_path / "work" / "models" / "twin.keras", b"net")


def test_deleted_models_lie_in_the_trash_and_come_back(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "0001 a")
    trashed = move_to_trash(tmp_path, folder)
    assert not folder.exists() and trashed.parent.name == "trash" and run_folders(tmp_path) == ()
    again = make_run(tmp_path, "0001 a")
    with pytest.raises(UserError, match="already"):
        restore(tmp_path, trashed)
    second = move_to_trash(tmp_path, again)
    assert second != trashed
    assert restore(tmp_path, trashed) == folder
    assert run_folders(tmp_path) == (folder,) and run_entry(folder).name == "a"


def test_only_models_of_the_workspace_are_deleted(tmp_path: Path) -> None:
    outside = tmp_path / "net.keras"
    outside.write_bytes(b"")
    (tmp_path / "work").mkdir()
    notes = tmp_path / "work" / "notes.txt"
    notes.write_text("dear")
    with pytest.raises(UserError, match="outside of the workspace"):
        move_to_trash(tmp_path / "work", outside)
    with pytest.raises(UserError, match="neither a run nor a model file"):
        move_to_trash(tmp_path / "work", notes)
    assert outside.exists() and notes.exists()


def test_layers_are_compared_parallel_calls() -> None:
    other = (
        Flatten(id="f"),
        Dense(id="x", units=4, activation="elu"),
        Dense(id="output", units=10, activation="softmax"),
    )
    rows = compare_layers(LAYERS, other, PRINTS, {"x": "aaa", "output": "zzz"})
    assert [(row.first, row.second, row.same_weights) for row in rows] == [
        ("flatten", "f", None),
        ("h1", "x", True),
        ("output", "output", False),
    ]
    assert [(item.path, item.first, item.second) for item in rows[1].differences] == [
        ("id", "h1", "x"),
        ("activation", None, "elu"),
    ]
    longer = compare_layers(LAYERS, (*LAYERS[:2], Flatten(id="more"), LAYERS[2]), PRINTS, PRINTS)
    assert [(row.first, row.second) for row in longer] == [
        ("flatten", "flatten"), ("h1", "h1"), (None, "more"), ("output", "output")
    ]  # fmt: skip


def test_options_that_differ_are_named_by_their_path() -> None:
    one = Experiment(name="one", layers=LAYERS)
    other = Experiment(name="two", seed=7, data=Data(source=FashionMNIST()))
    assert [(item.path, item.first, item.second) for item in compare_options(one, other)] == [
        ("seed", 42, 7),
        ("data.source.kind", "digits", "fashion_mnist"),
    ]


@pytest.mark.parametrize("deed", [rename, lambda path, name: clone(path.parents[1], path, name)])
def test_a_folder_that_holds_no_run_yet_is_neither_renamed_nor_copied(
    tmp_path: Path, deed: Callable[[Path, str], Path]
) -> None:
    folder = tmp_path / "runs" / "0001 begun"
    (folder / "checkpoint").mkdir(parents=True)
    with pytest.raises(UserError, match="holds no run now"):
        deed(folder, "another name")
    assert [path.name for path in tmp_path.rglob("*")] == ["runs", "0001 begun", "checkpoint"]
