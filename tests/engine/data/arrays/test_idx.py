from __future__ import annotations

import gzip
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import Data, Idx
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.data.arrays.idx import read_idx
from dnnstudio.engine.data.reading import Watch

from ..conftest import CODES, idx_bytes, pictures

GOOD = idx_bytes(np.arange(24, dtype=np.uint8).reshape(6, 2, 2))


def message(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_idx(path, what="pictures")
    return str(caught.value)


@given(
    hnp.arrays(dtype=st.sampled_from(sorted(CODES)).map(np.dtype), shape=hnp.array_shapes(max_dims=4, max_side=5)),
    st.booleans(),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_written_is_read(tmp_path: Path, array: np.ndarray, packed: bool) -> None:
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(idx_bytes(array)) if packed else idx_bytes(array))
    found = read_idx(path, what="pictures")
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "does not begin with an IDX header"),
        (b"\0\0", "does not begin with an IDX header"),
        (b"PNG\0" + GOOD, "does not begin with an IDX header"),
        (b"\0\0\x07" + GOOD[3:], "unknown number type 0x07"),
        (b"\0\0\x08\0", "0 dimensions"),
        (b"\0\0\x08\xff" + GOOD, "255 dimensions"),
        (GOOD[:7], "middle of its header"),
        (GOOD[:-1], "6 × 2 × 2 = 24 bytes, the file has 23"),
        (GOOD + b"x", "6 × 2 × 2 = 24 bytes, the file has 25"),
        (
            GOOD[:4] + struct.pack(">3I", 60_000, 28, 28) + GOOD[16:],
            "60,000 × 28 × 28 = 47,040,000 bytes, the file has 24",
        ),
        (
            GOOD[:4] + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1) + GOOD[16:],
            "300,197,375 bytes, the file has 24",
        ),
        (GOOD[:4] + struct.pack(">3I", 0, 28, 28), "holds nothing"),
        (GOOD[:4] + struct.pack(">3I", 6, 2, 0), "holds nothing"),
        (b"\0\0\x0d" + GOOD[3:], "4 bytes = 96 bytes, the file has 24"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_lying_header_is_refused_in_one_kind_of_sentence(
    tmp_path: Path, content: bytes, words: str, packed: bool
) -> None:
    path = tmp_path / "images"
    path.write_bytes(gzip.compress(content) if packed else content)
    said = message(path)
    assert said.startswith("images is not a whole IDX file: ")
    if packed and "the file has" in words:
        words = words.split(", the file has")[0]
    assert words in said


def packed_variants() -> list[tuple[str, bytes, str | None]]:
    whole = gzip.compress(GOOD)
    middle = bytearray(whole)
    middle[len(whole) // 2] ^= 0x10
    crc = bytearray(whole)
    crc[-8] ^= 1
    length = bytearray(whole)
    length[-4] ^= 1
    return [
        ("whole", whole, None),
        ("two members", gzip.compress(GOOD[:10]) + gzip.compress(GOOD[10:]), None),
        ("padded with zeros", whole + bytes(600_000), None),
        ("cut in the middle", whole[: len(whole) // 2], "ends too early"),
        ("cut in the checksum", whole[:-6], "ends too early"),
        ("a flipped bit", bytes(middle), "damaged"),
        ("a wrong checksum", bytes(crc), "damaged"),
        ("a wrong length", bytes(length), "damaged"),
        ("something after it", whole + b"hello", "something else follows"),
        ("a second file after it", whole + whole, "the file has more"),
        ("only the magic", b"\x1f\x8b", "ends too early"),
        ("another method", b"\x1f\x8b\x07" + whole[3:], "damaged"),
    ]


@pytest.mark.parametrize(
    ("content", "words"), [v[1:] for v in packed_variants()], ids=[v[0] for v in packed_variants()]
)
def test_gzip_faults(tmp_path: Path, content: bytes, words: str | None) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    if words is None:
        np.testing.assert_array_equal(read_idx(path, what="pictures").ravel(), np.arange(24))
    else:
        assert words in message(path)


def test_every_truncation_and_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    whole = gzip.compress(idx_bytes(np.random.default_rng(0).integers(0, 256, (9, 5, 5), dtype=np.uint8)), mtime=0)
    path = tmp_path / "images.gz"
    for end in range(0, len(whole), 2):
        path.write_bytes(whole[:end])
        message(path)
    quiet = 0
    original = gzip.decompress(whole)
    for bit in range(0, 8 * len(whole), 5):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            array = read_idx(path, what="pictures")
        except UserError:
            continue
        quiet += 1  # time stamp and system in gzip's own header carry no data
        assert idx_bytes(array) == original
    assert quiet <= 8 * 6


def test_a_bomb_is_read_no_further_than_its_header_says(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    pack = zlib.compressobj(9, wbits=31)
    pieces = [pack.compress(GOOD)] + [pack.compress(bytes(2**24)) for _ in range(4)]
    path.write_bytes(b"".join([*pieces, pack.flush()]))
    tracemalloc.start()
    start = time.process_time()
    assert "the file has more" in message(path)
    seconds = time.process_time() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 0.5
    assert peak < 2**22


def test_a_packed_file_cannot_claim_more_than_deflate_could_hold(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(GOOD[:4] + struct.pack(">3I", 60_000, 28, 28) + GOOD[16:]))
    assert "compressed bytes cannot hold that" in message(path)


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_an_array_or_a_user_error(tmp_path: Path, content: bytes, packed: bool) -> None:
    path = tmp_path / "any"
    path.write_bytes(b"\x1f\x8b" + content if packed else b"\0\0\x08" + content)
    try:
        array = read_idx(path, what="pictures")
    except UserError:
        return
    assert array.size > 0


@pytest.mark.parametrize("what", ["missing", "folder", "empty", "zero"])
def test_paths_that_are_no_files(tmp_path: Path, what: str) -> None:
    path = {"missing": str(tmp_path / "no"), "folder": str(tmp_path), "empty": " ", "zero": "a\0b"}[what]
    with pytest.raises(UserError):
        load_dataset(Data(source=Idx(train_images=path, train_labels=path)), seed=1)


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    import os

    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert "not a plain file" in message(path)


def test_a_disk_error_while_reading_is_a_user_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "images"
    path.write_bytes(GOOD)
    real = Path.open
    calls = []

    class Failing:
        def __init__(self, file: object) -> None:
            self.file = file

        def __enter__(self) -> Failing:
            return self

        def __exit__(self, *args: object) -> None:
            self.file.close()

        def seek(self, place: int) -> None:
            self.file.seek(place)

        def read(self, count: int) -> bytes:
            calls.append(count)
            if len(calls) == 4:
                raise OSError(5, "Input/output error")
            return self.file.read(count)

    monkeypatch.setattr(Path, "open", lambda self, mode: Failing(real(self, mode)))
    assert "the disk reports an error" in message(path)


def test_stop_is_heard_while_reading(tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(idx_bytes(np.zeros((40, 512, 512), np.uint8)))
    control = Control()
    seen = []

    def progress(done: int, total: int, text: str) -> None:
        seen.append(done)
        if done:
            control.stop()

    with pytest.raises(Cancelled):
        read_idx(path, what="pictures", watch=Watch(control, progress))
    assert len(seen) == 2


def test_pictures_and_labels_must_belong_together(idx_set: Callable[..., dict[str, str]]) -> None:
    x, y = pictures(30)

    def said(**fields: str | None) -> str:
        with pytest.raises(UserError) as caught:
            load_dataset(Data(source=Idx(**fields)), seed=1)
        return str(caught.value)

    paths = idx_set((x, y[:20]))
    assert "30 rows but train_labels holds 20 labels" in said(**paths)
    paths = idx_set((x, y))
    assert "swapped" in said(train_images=paths["train_labels"], train_labels=paths["train_images"])
    assert "holds labels, not pictures" in said(train_images=paths["train_labels"], train_labels=paths["train_labels"])
    assert "holds pictures, not labels" in said(train_images=paths["train_images"], train_labels=paths["train_images"])
    assert "without the test labels" in said(**paths, test_images=paths["train_images"])
    assert "without the test images" in said(**paths, test_labels=paths["train_labels"])
    paths = idx_set((x, y), (pictures(9, side=5)[0], y[:9]))
    assert "(4, 4) but test_images of (5, 5)" in said(**paths)
    assert "there must be at least two classes" in said(**idx_set((x, np.zeros(30, np.uint8))))


def test_plain_and_packed_files_give_the_same_data_and_fingerprint(idx_set: Callable[..., dict[str, str]]) -> None:
    data = [
        load_dataset(Data(source=Idx(**idx_set(pictures(40), pictures(12), packed=p))), seed=3) for p in (False, True)
    ]
    assert data[0].fingerprint == data[1].fingerprint
    np.testing.assert_array_equal(data[0].train.x, data[1].train.x)
    assert data[0].summary.counts == (32, 8, 12)


def test_a_nan_in_a_float_file_is_refused_by_place(idx_set: Callable[..., dict[str, str]]) -> None:
    x = np.zeros((20, 3, 3), np.float32)
    x[11, 1, 2] = np.nan
    with pytest.raises(UserError, match=r"train_images: row 12, place 2, 3 is nan"):
        load_dataset(Data(source=Idx(**idx_set((x, (np.arange(20) % 2).astype(np.int32))))), seed=1)
