"""Decoded pictures on the disk: found again, never stale, bounded."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dnnstudio.core.experiment.data import Pictures
from dnnstudio.engine.data.pictures import cache, pictures
from dnnstudio.engine.data.pictures.many import decode_all
from dnnstudio.engine.data.pictures.pictures import read_pictures
from dnnstudio.engine.data.raw import Raw
from dnnstudio.engine.data.reading import Watch

OLD = time.time() - 100


def save(path: Path, level: int, when: float = OLD) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 4), level, np.uint8)).save(path)
    os.utime(path, (when, when))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty pictures, worth a cache of its own."""
    monkeypatch.setattr(cache, "WORTH", 1)
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "cache")
    for index in range(20):
        save(tmp_path / "data" / "ab"[index % 2] / f"{index}.bmp", index)
    return tmp_path / "data"


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files each decoding took."""
    counts: list[int] = []

    def counting(files: tuple[Path, ...], *size: int, **options: object) -> object:
        counts.append(len(files))
        return decode_all(files, *size, **options)

    monkeypatch.setattr(pictures, "decode_all", counting)
    return counts


def read(root: Path, **fields: object) -> Raw:
    return read_pictures(Pictures(path=str(root), **({"height": 4, "width": 4} | fields)), Watch())


def entries(root: Path) -> list[Path]:
    return sorted((root.parent / "cache").glob("*"))


def test_the_second_reading_decodes_nothing_and_gives_the_same(root: Path, decodings: list[int]) -> None:
    (root / "a" / "bad.png").write_bytes(b"no")
    os.utime(root / "a" / "bad.png", (OLD, OLD))
    save(root / "b" / "deep.png", 9)
    Image.fromarray(np.full((4, 4), 4_000, np.uint16)).save(root / "b" / "deep.png")
    os.utime(root / "b" / "deep.png", (OLD, OLD))
    first, second = read(root), read(root)
    assert decodings == [22]
    np.testing.assert_array_equal(first.train.x, second.train.x)
    assert first.train.x.dtype == second.train.x.dtype
    assert (first.digest, first.report, first.full_scale) == (second.digest, second.report, second.full_scale)
    assert first.full_scale == 4095.0


def test_other_settings_and_every_change_of_a_file_decode_again(root: Path, decodings: list[int]) -> None:
    read(root)
    read(root, height=3)
    read(root, color=True)
    assert len(decodings) == 3
    save(root / "a" / "0.bmp", 200, OLD + 10)
    assert 200 in read(root).train.x
    save(root / "a" / "new.png", 201)
    assert 201 in read(root).train.x
    (root / "a" / "2.bmp").rename(root / "b" / "2.bmp")
    assert np.bincount(read(root).train.y).tolist() == [10, 11]
    assert len(decodings) == 6


def test_the_same_size_and_time_with_other_pixels_is_noticed(root: Path, decodings: list[int]) -> None:
    size = (root / "a" / "0.bmp").stat().st_size
    read(root)
    save(root / "a" / "0.bmp", 77)
    assert (root / "a" / "0.bmp").stat().st_size == size
    assert 77 in read(root).train.x
    assert len(decodings) == 2


def test_files_changed_a_moment_ago_are_not_remembered(root: Path) -> None:
    save(root / "a" / "0.bmp", 5, time.time())
    read(root)
    assert entries(root) == []


def test_a_damaged_entry_is_replaced(root: Path, decodings: list[int]) -> None:
    first = read(root)
    (entry,) = entries(root)
    entry.write_bytes(entry.read_bytes()[:-200])
    assert read(root).digest == first.digest
    assert len(decodings) == 2
    assert read(root).digest == first.digest
    assert len(decodings) == 2


def test_the_entries_used_longest_ago_go_first(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(root)
    (first,) = entries(root)
    read(root, height=3)
    (second,) = set(entries(root)) - {first}
    os.utime(first, (OLD, OLD))
    os.utime(second, (OLD - 1, OLD - 1))
    read(root)  # used again, so it is the newer of the two
    monkeypatch.setattr(cache, "MAX_BYTES", first.stat().st_size + second.stat().st_size)
    read(root, height=5)
    assert second not in entries(root)
    assert first in entries(root)


def test_a_set_larger_than_the_bound_is_not_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_BYTES", 100)
    assert len(read(root).train.x) == 20
    assert entries(root) == []


def test_a_disk_that_cannot_be_written_costs_nothing_but_time(root: Path) -> None:
    (root.parent / "cache").write_text("a file where the folder should be")
    assert len(read(root).train.x) == 20
