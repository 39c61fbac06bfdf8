from __future__ import annotations

import io
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Classes, Data, Npz
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.data.arrays.npz import read_npz
from dnnstudio.engine.data.reading import Watch

from ..conftest import pictures

X, Y = pictures(30)


def member(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def header(text: str, body: bytes = b"", version: bytes = b"\x01\0") -> bytes:
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text.encode("latin-1") + body


def write(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def said(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_npz(path, Watch())
    return str(caught.value)


@pytest.mark.parametrize("saver", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kind", ["u1", "i2", "i8", "f2", ">f4", "f8", "b1"])
def test_what_numpy_saved_is_read(tmp_path: Path, saver: Any, kind: str) -> None:
    path = tmp_path / "a.npz"
    x = np.asfortranarray((X % 2 if kind == "b1" else X % 100).astype(kind))
    saver(path, x_train=x, y_train=Y, x_test=x[:9], y_test=Y[:9])
    raw = read_npz(path, Watch())
    assert raw.train.x.dtype == np.dtype(kind).newbyteorder("=")
    np.testing.assert_array_equal(raw.train.x, x)
    assert raw.test is not None
    np.testing.assert_array_equal(raw.test.y, Y[:9])
    assert (raw.labels, raw.names) == ((0, 1, 2), ("0", "1", "2"))


@pytest.mark.parametrize("names", [("x", "y"), ("X", "Y"), ("data", "target"), ("train_images", "train_labels")])
def test_usual_names_are_understood(tmp_path: Path, names: tuple[str, str]) -> None:
    np.savez(tmp_path / "a.npz", **{names[0]: X, names[1]: Y})
    assert read_npz(tmp_path / "a.npz", Watch()).train.x.shape == (30, 4, 4)


def test_pickled_objects_are_refused_and_never_run(tmp_path: Path) -> None:
    marker = tmp_path / "marker"

    class Bad:
        def __reduce__(self) -> Any:
            return (open, (str(marker), "w"))

    objects = np.empty(30, object)
    objects[:] = [Bad()] * 30
    np.savez(tmp_path / "a.npz", x_train=objects, y_train=Y)
    assert "Python objects, which could run code" in said(tmp_path / "a.npz")
    text = "{'descr': '<f8', 'fortran_order': False, 'shape': (30,)}"
    path = write(tmp_path / "b.npz", **{"x_train.npy": header(text, pickle.dumps(Bad()) * 3), "y_train.npy": member(Y)})
    said(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (2147483648,)}"), "17,179,869,184 bytes"),
        (header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**64},)}}"), "impossible shape"),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"), "impossible shape"),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}"), "impossible shape"),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': 3}"), "impossible shape"),
        (header("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1," * 20 + ")}"), "20 dimensions"),
        (header("{'descr': '<f8', 'fortran_order': 'x', 'shape': (1,)}"), "in which order"),
        (header("{'descr': '<f8', 'shape': (1,)}"), "type, order and shape"),
        (header("__import__('os').system('true')"), "not a plain description"),
        (header("(" * 9_000), "not a plain description"),
        (header("{'descr': '<f8', 'fortran_order'"), "not a plain description"),
        (header("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}"), "only numbers and short texts"),
        (header("{'descr': '<c16', 'fortran_order': False, 'shape': (1,)}"), "only numbers and short texts"),
        (header("{'descr': '|V8', 'fortran_order': False, 'shape': (1,)}"), "only numbers and short texts"),
        (header("{'descr': '<U9999', 'fortran_order': False, 'shape': (0,)}"), "too long for labels"),
        (header("x" * 20_000), "claims 20,000 bytes"),
        (header("", version=b"\x09\0"), "unknown version 9.0"),
        (b"\x93NUMPY\x02\0\xff\xff\xff\xff", "claims 4,294,967,295 bytes"),
        (b"\x93NUMPY\x01\0\x40\0{", "ends too early"),
        (b"\x93NUMP", "not that of an array"),
        (b"hello world", "not that of an array"),
        (member(X)[:-5], "the member has"),
        (member(X) + b"more", "the member has"),
    ],
)
def test_a_lying_header_is_refused_before_anything_is_read(tmp_path: Path, content: bytes, words: str) -> None:
    path = write(tmp_path / "a.npz", **{"x_train.npy": content, "y_train.npy": member(Y)})
    assert words in said(path)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x_train": X}, "no array y_train. It holds: x_train uint8 30 × 4 × 4"),
        ({"y_train": Y}, "no array x_train"),
        ({}, "no array x_train. It holds: no arrays"),
        ({"arr_0": X, "arr_1": X, "arr_2": Y}, "Rows could be: arr_0 uint8 30 × 4 × 4; arr_1"),
        ({"x_train": X, "X_train": X, "y_train": Y}, "more than one array could be x_train"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "has x_test but no y_test"),
        ({"x_train": X, "y_train": Y, "y_test": Y}, "has y_test but no x_test"),
        ({"x_train": X, "y_train": Y[:20]}, '30 rows but array "y_train" holds 20 labels'),
        ({"x_train": X[:0], "y_train": Y[:0]}, "holds no rows"),
        ({"x_train": X[:, 0, 0], "y_train": Y}, "has the shape (30,)"),
        ({"x_train": X[:, :0], "y_train": Y}, "has the shape (30, 0, 4)"),
        ({"x_train": X, "y_train": np.float64(3)}, "holds 1 label"),
        ({"x_train": X, "y_train": X}, "labels must be one number a row"),
        ({"x_train": X, "y_train": Y, "x_test": X[:, :3], "y_test": Y}, "test rows (3, 4)"),
        ({"x_train": X, "y_train": np.zeros(30, int)}, "every label is 0"),
        ({"x_train": np.repeat("a", 30)[:, None], "y_train": Y}, "holds text, not numbers"),
        ({"x_train": np.where(X[7, 1, 2] == X, np.nan, X / 2), "y_train": Y}, "is nan"),
        ({"x_train": np.where(X[3, 1, 1] == X, np.inf, 1.0), "y_train": Y}, "every value must be a finite number"),
        ({"x_train": X, "y_train": np.where(Y == 1, np.nan, Y)}, "row 2 is nan"),
        ({"x_train": np.zeros((2001, 2)), "y_train": np.arange(2001)}, "2,001 different labels"),
    ],
)
def test_arrays_that_are_no_data_set(tmp_path: Path, arrays: dict[str, np.ndarray], words: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    assert words in said(tmp_path / "a.npz")


def test_labels_of_every_kind(tmp_path: Path) -> None:
    def task(y: np.ndarray) -> tuple[tuple[int, ...], tuple[str, ...], np.ndarray, tuple[str, ...]]:
        np.savez(tmp_path / "a.npz", x=X, y=y)
        raw = read_npz(tmp_path / "a.npz", Watch())
        return raw.labels, raw.names, raw.train.y, raw.notes

    np.testing.assert_array_equal(task(Y[:, None])[2], Y)
    labels, names, y, notes = task(np.eye(3, dtype=int)[Y])
    np.testing.assert_array_equal(y, Y)
    assert "one-hot" in notes[0]
    texts = np.asarray(["shirt", "bag", "coat"])[Y]
    for stored in (texts, texts.astype("S")):
        labels, names, y, _ = task(stored)
        assert names == ("bag", "coat", "shirt")
        np.testing.assert_array_equal(np.asarray(names)[y], texts)
    labels, names, y, _ = task(np.asarray([0, 2, 7])[Y])
    assert (labels, names) == ((0, 2, 7), ("0", "2", "7"))
    labels, _, y, _ = task(np.asarray([-1.0, 3.0, 4.0])[Y])
    assert labels == (-1, 3, 4)
    assert y.dtype == np.int64
    labels, _, y, notes = task(Y / 2)
    assert labels == ()
    assert "number is predicted" in notes[0]
    with pytest.raises(UserError, match="not a whole number"):
        task(np.asarray([0, 1, 2**63], np.uint64)[Y])


def test_labels_with_gaps_are_numbered_and_filtered_by_their_own_value(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=np.asarray([0, 2, 7])[Y])
    source = Npz(path=str(tmp_path / "a.npz"))
    every = load_dataset(Data(source=source), seed=1)
    assert every.summary.class_names == ("0", "2", "7")
    assert set(every.train.y.tolist()) == {0, 1, 2}
    some = load_dataset(Data(source=source, classes=Classes(keep=(7, 0))), seed=1)
    assert some.summary.class_names == ("7", "0")
    assert set(some.train.y.tolist()) == {0, 1}
    with pytest.raises(UserError, match="label 1; the data hold 0, 2, 7"):
        load_dataset(Data(source=source, classes=Classes(keep=(0, 1))), seed=1)


def test_archives_that_lie(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    good = {"x_train.npy": member(X), "y_train.npy": member(Y)}
    whole = write(path, **good).read_bytes()
    path.write_bytes(b"not a zip")
    assert "archive is damaged" in said(path)
    path.write_bytes(b"")
    assert "archive is damaged" in said(path)
    for end in range(0, len(whole), 7):
        path.write_bytes(whole[:end])
        said(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train.npy", member(X))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("x_train.npy", member(X))
    assert "two members named" in said(path)
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(1_001):
            archive.writestr(str(index), b"")
    assert "1,001 members" in said(path)
    write(path, **good, **{"../evil.npy": member(Y), "readme.txt": b"hello", "bad\x07name.npy": member(Y)})
    assert read_npz(path, Watch()).train.x.shape == (30, 4, 4)
    assert not (tmp_path.parent / "evil.npy").exists()


def test_a_zip_bomb_is_refused_from_the_directory(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write(path, **{"x_train.npy": member(X), "y_train.npy": member(Y)})
    content = bytearray(path.read_bytes())
    place = content.rindex(b"PK\x01\x02", 0, content.rindex(b"PK\x01\x02"))
    content[place + 24 : place + 28] = struct.pack("<I", 2**31)  # the uncompressed size in the directory
    path.write_bytes(content)
    assert "compressed bytes cannot hold" in said(path)


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_byte_gives_the_same_rows_or_a_user_error(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x_train=X, y_train=Y)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        raw = read_npz(path, Watch())
    except UserError:
        return
    np.testing.assert_array_equal(raw.train.x, X)
    np.testing.assert_array_equal(raw.train.y, Y)
