from __future__ import annotations

import gzip
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import MNIST, Classes, Csv, Data, FashionMNIST, FirstRows, Fraction, Idx, Npz
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.data import builtin, describe, find, forget, load_dataset
from dnnstudio.engine.data.known_files import FOLDERS, STEMS
from dnnstudio.engine.data.loading import _memory
from dnnstudio.engine.data.pictures.thumbnails import to_pictures
from dnnstudio.engine.data.raw import Raw
from dnnstudio.engine.data.reading import Watch

from .conftest import idx_bytes, pictures

FASHION = Path("/usr/share/datasets/fashion-mnist")
real = pytest.mark.real_data


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without data sets, and no system folder."""
    monkeypatch.setattr(builtin, "SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(builtin, "own_folder", lambda kind: tmp_path / "own" / FOLDERS[kind])
    return tmp_path


def put_set(folder: Path, packed: bool = False, **changed: np.ndarray) -> None:
    """A small set under the names of Fashion-MNIST."""
    folder.mkdir(parents=True, exist_ok=True)
    x, y = pictures(60, classes=10, side=28)
    arrays = {"train-images": x, "train-labels": y, "t10k-images": x[:20], "t10k-labels": y[:20]} | changed
    for stem in STEMS:
        content = idx_bytes(arrays[stem.rsplit("-", 2)[0]])
        (folder / (stem + (".gz" if packed else ""))).write_bytes(gzip.compress(content) if packed else content)


def test_digits_are_those_of_scikit_learn() -> None:
    data = load_dataset(Data(scaling="none"), seed=42)
    assert data.summary.counts == (1150, 287, 360)
    assert data.summary.input_shape == (8, 8)
    pictures = describe(Data(scaling="none"), seed=42).thumbnails
    assert pictures is not None
    assert (pictures.shape, pictures.dtype) == ((10, 8, 8), np.uint8)
    digits = load_digits()
    found = {
        (int(label), row.tobytes())
        for part in (data.train, data.validation, data.test)
        for row, label in zip(part.x, part.y, strict=True)
    }
    wanted = {
        (int(label), row.astype(np.float32).tobytes()) for row, label in zip(digits.images, digits.target, strict=True)
    }
    assert found == wanted
    counts = np.bincount(data.test.y)
    assert counts.sum() == 360
    np.testing.assert_allclose(counts, np.bincount(digits.target) * 360 / 1797, atol=1)
    unit = load_dataset(Data(), seed=42)
    np.testing.assert_array_equal(unit.train.x, data.train.x / np.float32(16))


def test_digits_come_from_the_library_where_its_file_lies_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    direct = load_dataset(Data(), seed=1)
    forget()
    monkeypatch.setattr(builtin, "_digits_file", lambda: None)
    library = load_dataset(Data(), seed=1)
    assert library.fingerprint == direct.fingerprint
    np.testing.assert_array_equal(library.train.x, direct.train.x)


@real
@pytest.mark.real_data
def test_fashion_mnist_gives_the_two_tasks_of_the_chapter() -> None:
    assert find("fashion_mnist") == FASHION
    with gzip.open(FASHION / "train-images-idx3-ubyte.gz") as file:
        x = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(FASHION / "train-labels-idx1-ubyte.gz") as file:
        y = np.frombuffer(file.read(), np.uint8, offset=8)
    source, first = FashionMNIST(), FirstRows(count=5000)
    whole = load_dataset(Data(source=source, validation=first), seed=42)
    assert whole.summary.counts == (55_000, 5_000, 10_000)
    np.testing.assert_array_equal(whole.validation.x, (x[:5000] / 255).astype(np.float32))
    np.testing.assert_array_equal(whole.train.y, y[5000:])
    a = describe(Data(source=source, validation=first, classes=Classes(keep=(0, 1, 2, 3, 4, 7, 8, 9))), seed=42)
    assert a.summary.counts == (43_986, 4_014, 8_000)
    b = load_dataset(
        Data(source=source, validation=first, classes=Classes(keep=(5, 6), positive=6), train_limit=200), seed=42
    )
    assert b.summary.counts == (200, 986, 2_000)
    rows = np.flatnonzero(np.isin(y[5000:], (5, 6)))[:200] + 5000
    np.testing.assert_array_equal(b.train.x, (x[rows] / 255).astype(np.float32))
    np.testing.assert_array_equal(b.train.y, y[rows] == 6)
    assert b.summary.class_names == ("Sandal", "Shirt")
    assert b.summary.outputs == 1
    pictures = describe(Data(source=source, validation=first), seed=42).thumbnails
    assert pictures is not None
    np.testing.assert_array_equal(pictures[9], x[5000:][y[5000:] == 9][0])


@real
@pytest.mark.real_data
def test_loading_fashion_mnist_costs_little_more_than_gunzip() -> None:
    """The full figure is for `make bench`; here only that nothing is slower by far, whatever else the machine does."""
    data = Data(source=FashionMNIST(), validation=FirstRows(count=5000))
    ratios = []
    for _ in range(2):
        forget()
        start = time.perf_counter()
        for path in sorted(FASHION.glob("*.gz")):
            with gzip.open(path) as file:
                np.frombuffer(file.read(), np.uint8)
        between = time.perf_counter()
        load_dataset(data, seed=1)
        ratios.append((time.perf_counter() - between) / (between - start))
    print(f"loading Fashion-MNIST: {min(ratios):.2f} x gzip + frombuffer")
    assert min(ratios) < 2


def test_parts_are_float32_and_read_only_and_shared() -> None:
    data = Data(validation=Fraction(fraction=0.25))
    first, again = load_dataset(data, seed=1), load_dataset(data, seed=1)
    assert first is again
    for part in (first.train, first.validation, first.test):
        assert (part.x.dtype, part.y.dtype) == (np.float32, np.int64)
        assert part.x.flags.c_contiguous
        assert not part.x.flags.writeable
        assert not part.y.flags.writeable
        assert len(part) == len(part.y)
    assert load_dataset(data, seed=2) is not first


def test_the_float32_copy_is_let_go_when_nobody_holds_it() -> None:
    import gc

    load_dataset(Data(), seed=1)
    gc.collect()
    assert len(_memory._datasets) == 0
    held = load_dataset(Data(), seed=1)
    assert len(_memory._datasets) == 1
    assert held.train.x.nbytes == 1150 * 64 * 4


def test_a_source_is_read_once_until_its_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dnnstudio.engine.data import sources

    reads = []
    present = sources.reader_of(Npz(path=""))

    def counted(source: Npz, watch: Watch) -> Raw:
        reads.append(1)
        return present.read(source, watch)

    monkeypatch.setitem(sources.READERS, "npz", replace(present, read=counted))
    x, y = pictures(40)
    np.savez(tmp_path / "a.npz", x=x, y=y)
    data = Data(source=Npz(path=str(tmp_path / "a.npz")))
    for seed in (1, 2):
        describe(data, seed=seed)
        load_dataset(data.replaced(scaling="standardize"), seed=seed)
    assert len(reads) == 1
    before = load_dataset(data, seed=1).fingerprint
    np.savez(tmp_path / "a.npz", x=255 - x, y=y)
    os.utime(tmp_path / "a.npz", ns=(1, 1))
    assert load_dataset(data, seed=1).fingerprint != before
    assert len(reads) == 2


def test_a_failed_or_cancelled_load_leaves_nothing_behind(tmp_path: Path) -> None:
    held = load_dataset(Data(), seed=1)
    with pytest.raises(UserError):
        load_dataset(Data(source=Npz(path=str(tmp_path / "no.npz"))), seed=1)
    with pytest.raises(UserError):
        load_dataset(Data(validation=FirstRows(count=100_000)), seed=1)
    control = Control()
    control.stop()
    with pytest.raises(Cancelled):
        load_dataset(Data(scaling="standardize"), seed=1, control=control)
    np.testing.assert_array_equal(load_dataset(Data(), seed=1).train.x, held.train.x)


def test_progress_ends_at_the_total() -> None:
    told: list[tuple[int, int, str]] = []
    load_dataset(Data(), seed=1, progress=lambda done, total, text: told.append((done, total, text)))
    assert told[-1] == (1797, 1797, "Data ready")
    assert all(0 <= done <= total for done, total, _ in told)


def test_the_fingerprint_follows_values_and_choices_but_not_places(tmp_path: Path) -> None:
    x, y = pictures(40)
    for name in ("a.npz", "b.npz"):
        np.savez(tmp_path / name, x=x, y=y)
    base = Data(source=Npz(path=str(tmp_path / "a.npz")), validation=FirstRows(count=8))

    def mark(data: Data, seed: int = 1) -> str:
        return describe(data, seed=seed).summary.fingerprint

    assert len(mark(base)) == 64
    assert mark(base) == mark(base.replaced(source=Npz(path=str(tmp_path / "b.npz")))) == mark(base, seed=9)
    others = [
        base.replaced(scaling="none"),
        base.replaced(train_limit=5),
        base.replaced(validation=FirstRows(count=9)),
        base.replaced(classes=Classes(keep=(0, 1))),
        base.replaced(validation=Fraction(fraction=0.5)),
    ]
    marks = [mark(base), *(mark(other) for other in others), mark(others[-1], seed=2)]
    assert len(set(marks)) == len(marks)
    x[3, 2, 1] ^= 1
    np.savez(tmp_path / "b.npz", x=x, y=y)
    assert mark(base.replaced(source=Npz(path=str(tmp_path / "b.npz")))) != mark(base)


def test_the_train_limit_keeps_the_first_rows_and_the_counts_say_so() -> None:
    whole = load_dataset(Data(), seed=1)
    few = load_dataset(Data(train_limit=100), seed=1)
    np.testing.assert_array_equal(few.train.x, whole.train.x[:100])
    assert few.summary.counts == (100, 287, 360)
    assert sum(few.summary.class_counts) == 100


@pytest.mark.parametrize("packed", [False, True])
def test_a_named_set_is_found_wherever_it_lies(nowhere: Path, packed: bool) -> None:
    assert find("fashion_mnist") is None
    places = [nowhere / "keras" / "datasets", nowhere / "own", nowhere / "system"]
    for place in places:
        put_set(place / "fashion-mnist", packed)
        assert find("fashion_mnist") == place / "fashion-mnist"
    assert find("mnist") is None
    data = load_dataset(Data(source=FashionMNIST(), validation=FirstRows(count=20)), seed=1)
    assert data.summary.counts == (40, 20, 20)
    assert str(places[-1]) in data.summary.origin
    assert find("digits") is not None


def test_a_named_set_that_is_missing_or_wrong_is_said_plainly(nowhere: Path) -> None:
    with pytest.raises(UserError, match="Fashion-MNIST is not on this computer") as caught:
        describe(Data(source=FashionMNIST()), seed=1)
    assert "dataset-fashion-mnist" in caught.value.hint
    with pytest.raises(UserError, match="MNIST is not on this computer"):
        load_dataset(Data(source=MNIST()), seed=1)
    x, y = pictures(60, classes=10, side=28)
    put_set(nowhere / "own" / "mnist", **{"train-images": x[:, :9]})
    with pytest.raises(UserError, match=r"has 8-bit pictures of \(28, 28\)"):
        load_dataset(Data(source=MNIST()), seed=1)
    put_set(nowhere / "own" / "mnist", **{"train-labels": y + 3})
    with pytest.raises(UserError, match="holds the label 12"):
        load_dataset(Data(source=MNIST()), seed=1)


def test_thumbnails_show_the_first_training_row_of_each_class(idx_set: Callable[..., dict[str, str]]) -> None:
    x, y = pictures(50, classes=5, side=6)
    source = Idx(**idx_set((x, y), (x[:5], y[:5])))
    preview = describe(Data(source=source, validation=FirstRows(count=10)), seed=1)
    assert preview.thumbnails is not None
    np.testing.assert_array_equal(preview.thumbnails, x[10:15])
    assert preview.label_counts == (11,) * 5
    limited = describe(Data(source=source, validation=FirstRows(count=10), train_limit=3), seed=1)
    assert limited.thumbnails is not None
    assert limited.summary.class_counts == (1, 1, 1, 0, 0)
    assert not limited.thumbnails[3:].any()
    binary = describe(
        Data(source=source, validation=FirstRows(count=10), classes=Classes(keep=(3, 1), positive=1)), seed=1
    )
    assert binary.thumbnails is not None
    np.testing.assert_array_equal(binary.thumbnails, x[[13, 11]])


def test_pictures_of_other_types_fill_the_greys() -> None:
    x = np.asarray([[[-1.0, 1.0], [0.0, 0.5]]])
    assert to_pictures(x, None).tolist() == [[[0, 255], [128, 191]]]
    assert to_pictures(np.asarray([[[0, 16], [8, 4]]], np.uint8), 16.0).tolist() == [[[0, 255], [128, 64]]]
    assert to_pictures(np.zeros((2, 3, 3, 1), np.uint8), 255.0).shape == (2, 3, 3)
    assert to_pictures(np.zeros((2, 500, 400, 3), np.uint8), 255.0).shape == (2, 125, 100, 3)
    assert to_pictures(np.full((1, 2, 2), 7.0), None).tolist() == [[[0, 0], [0, 0]]]


def test_too_little_memory_is_said_before_reading(
    idx_set: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = idx_set(pictures(2000, side=8))
    monkeypatch.setattr("dnnstudio.engine.backend.memory.MEMORY_SHARE", 1e-9)
    with pytest.raises(UserError, match=r"train_images would need .* of memory"):
        load_dataset(Data(source=Idx(**paths)), seed=1)


def test_one_wrong_value_among_a_million_is_refused(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(10_000, 100)).astype(np.float32)
    x[7_123, 45] = np.nan
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(10_000) % 2)
    with pytest.raises(UserError, match=r'array "x": row 7124, place 46 is nan'):
        load_dataset(Data(source=Npz(path=str(tmp_path / "a.npz"))), seed=1)


def test_a_csv_path_that_is_empty_is_a_sentence() -> None:
    with pytest.raises(UserError, match="No file is chosen for the table"):
        describe(Data(source=Csv(path="")), seed=1)


def test_nothing_heavy_is_imported_for_the_first_preview() -> None:
    code = (
        "import sys; from dnnstudio.core.experiment.data import Data; from dnnstudio.engine.data import describe;"
        "describe(Data(), seed=1);"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'polars', 'pooch', 'PIL', 'PySide6'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
