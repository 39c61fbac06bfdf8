"""What is sent: archives keep their names and bounds, parcels arrive whole and once, answers are judged."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from pathlib import Path

import pytest

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Csv, Data, Digits, Idx, ImageFolder
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Reuse, Transfer
from dnnstudio.core.jobs.results import RunResult
from dnnstudio.runner.cluster.archives import DATA, RUN, Bounds, files_below, pack, unpack
from dnnstudio.runner.cluster.letters import Answer, Letter, Parcel, answer_to_bytes, read_answer
from dnnstudio.runner.cluster.receiving import place_run
from dnnstudio.runner.cluster.sending import Depot, data_places, letter_of
from dnnstudio.runner.cluster.store import Store
from dnnstudio.runner.tasks import RunTask

from ..conftest import DIGITS


def archive_of(names: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> io.BytesIO:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return made


def test_a_folder_comes_back_as_it_was_and_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    one = tmp_path / "one"
    (one / "checkpoint").mkdir(parents=True)
    wanted = {"a.csv": b"1,2\n", "checkpoint/state.npz": bytes(range(256)), "ä ö.json": b"{}", ".hidden": b"x"}
    for name, content in wanted.items():
        (one / name).write_bytes(content)
    (one / ".dnnstudio-0123.tmp").write_bytes(b"half a save")
    (one / "model.keras~").write_bytes(b"the one before")
    first, again = io.BytesIO(), io.BytesIO()
    pack(first, files_below(one))
    pack(again, files_below(one))
    assert first.getvalue() == again.getvalue()
    unpack(first, tmp_path / "two", RUN)
    assert {name: path.read_bytes() for name, path in files_below(tmp_path / "two")} == wanted


@pytest.mark.parametrize("name", ["../out", "/etc/out", "a/../../out", "a//out", "a\\out", "./out", "a/", ".."])
def test_a_name_that_leads_out_is_refused_and_nothing_written(name: str, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("good", b"1")
        info = zipfile.ZipInfo("x")
        info.filename = name
        archive.writestr(info, b"2")
    with pytest.raises(UserError):
        unpack(packed, tmp_path / "in" / "folder", DATA)
    assert list(tmp_path.rglob("*")) == []


def test_more_than_the_bounds_a_bomb_and_a_double_are_refused(tmp_path: Path) -> None:
    for packed, bounds in (
        (archive_of({"a": b"1", "b": b"2"}), Bounds(bytes=100, files=1)),
        (archive_of({"a": b"123"}), Bounds(bytes=2, files=9)),
        (archive_of({"a": b"0" * 10_000}, zipfile.ZIP_DEFLATED), Bounds(bytes=10**6, files=9)),
        (io.BytesIO(b"PK but no archive"), Bounds(bytes=10**6, files=9)),
    ):
        with pytest.raises(UserError):
            unpack(packed, tmp_path / "folder", bounds)
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", b"2")
    with pytest.raises(UserError, match="twice"):
        unpack(twice, tmp_path / "folder", RUN)
    assert not (tmp_path / "folder").exists()


def test_a_size_that_lies_does_not_overflow(tmp_path: Path) -> None:
    packed = archive_of({"a": b"x" * 1000}).getvalue()
    short = packed.replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert short != packed
    with pytest.raises(UserError):
        unpack(io.BytesIO(short), tmp_path / "folder", RUN)
    found = tmp_path / "folder" / "a"
    assert not found.exists() or found.stat().st_size <= 10


def test_a_letter_and_an_answer_come_back(tmp_path: Path) -> None:
    parcel = Parcel(fingerprint="ab", size=3, name="t.csv", is_folder=False)
    letter = Letter(
        id="1", attempt="1-2", topic="t", threads=2, experiment={"a": 1}, source=parcel, data={"path": parcel}
    )
    assert Letter.from_json(letter.to_json()) == letter
    result = RunResult(run="1", folder=tmp_path, reason="finished", epochs=1, best_epoch=1, metrics={"a": float("inf")})
    answer = Answer(reason="finished", message="Done.", result=result)
    assert read_answer(answer_to_bytes(answer, tmp_path / "none")) == answer


@pytest.mark.parametrize(
    "plain",
    [[], {}, {"reason": "odd", "message": "", "detail": "", "result": None}, {"reason": "failed", "message": 1}],
)
def test_what_is_no_answer_is_refused(plain: object) -> None:
    with pytest.raises(UserError):
        read_answer(archive_of({"answer.json": json.dumps(plain).encode()}).getvalue())
    with pytest.raises(UserError):
        read_answer(b"")


def test_a_run_of_another_experiment_is_not_put_in_place(tmp_path: Path) -> None:
    other, place = tmp_path / "other", tmp_path / "members" / "1"
    other.mkdir()
    codec.save(DIGITS.replaced(seed=7), other / "experiment.json")
    packed = answer_to_bytes(Answer(reason="finished", message=""), other)
    with pytest.raises(UserError, match="of another experiment"):
        place_run(packed, RunTask(experiment=DIGITS, folder=place))
    (other / "experiment.json").write_bytes(b"\x80\x04pickle")
    with pytest.raises(UserError):
        place_run(
            answer_to_bytes(Answer(reason="finished", message=""), other), RunTask(experiment=DIGITS, folder=place)
        )
    assert list(place.parent.iterdir()) == []


def test_the_places_of_the_data_are_its_file_and_folder_fields_that_exist(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n")
    (tmp_path / "images").write_text("")

    def places(source: object) -> dict[str, Path]:
        return data_places(Experiment(data=Data(source=source)))

    assert places(Digits()) == {}
    assert places(Csv(path=str(tmp_path / "t.csv"))) == {"path": tmp_path / "t.csv"}
    assert places(Csv(path="")) == {}
    assert places(ImageFolder(path=str(tmp_path))) == {"path": tmp_path}
    idx = Idx(train_images=str(tmp_path / "images"), train_labels=str(tmp_path / "none"))
    assert places(idx) == {"train_images": tmp_path / "images"}


def test_layers_that_are_shared_stay_on_this_machine(tmp_path: Path) -> None:
    shared = Transfer(source="x", reuse=(Reuse(layer="hidden", source="hidden", mode="share"),))
    depot, task = Depot(), RunTask(experiment=DIGITS.replaced(transfer=shared), folder=tmp_path / "run")
    with pytest.raises(UserError, match="hidden"):
        letter_of(task, depot, attempt="1", topic="t", threads=1)
    depot.close()


def test_a_depot_reads_a_file_once_and_a_store_keeps_it(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_bytes(b"a,b\n" * 1000)
    depot, store = Depot(), Store(tmp_path / "store")
    task = RunTask(experiment=DIGITS.replaced(data=Data(source=Csv(path=str(table)))), folder=tmp_path / "run")
    letter = letter_of(task, depot, attempt="1", topic="t", threads=1)
    parcel = letter.data["path"]
    asked: list[str] = []

    def send(wanted: Parcel) -> None:
        asked.append(wanted.fingerprint)
        content = depot.path(wanted.fingerprint).read_bytes()
        half = len(content) // 2
        assert not store.take(wanted.fingerprint, 7, content), "a piece from elsewhere"
        assert store.take(wanted.fingerprint, 0, content[:half])
        assert store.take(wanted.fingerprint, half, content[half:])
        assert not store.take(wanted.fingerprint, 0, content), "it is complete"

    found = store.get(parcel, lambda p: threading.Thread(target=send, args=(p,)).start(), lambda: True)
    assert (found.name, found.read_bytes()) == ("t.csv", table.read_bytes())
    assert Store(tmp_path / "store").get(parcel, send, lambda: True) == found
    assert asked == [parcel.fingerprint]
    assert depot.add(table) == parcel
    depot.close()


def test_bytes_of_another_fingerprint_are_not_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    parcel = Parcel(fingerprint="0" * 64, size=3, name="t.csv", is_folder=False)
    wanted = iter([True, True, False])
    with pytest.raises(Cancelled):
        store.get(parcel, lambda p: store.take(p.fingerprint, 0, b"abc") and None, lambda: next(wanted))
    assert list((tmp_path / "store").glob("0*")) == []


def test_a_parcel_with_a_fingerprint_that_is_a_path_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with pytest.raises(UserError):
        store.get(Parcel(fingerprint="../x", size=1, name="t", is_folder=False), lambda p: None, lambda: True)
