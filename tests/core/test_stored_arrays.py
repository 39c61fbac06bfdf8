"""Archives of arrays: what `numpy.savez` writes is read back, and nothing else costs more than the file is long."""

from __future__ import annotations

import io
import time
import tracemalloc
import zipfile
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.stored_arrays import array_header, read_stored


def saved(**arrays: Any) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def archive(name: str, content: bytes, kind: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", kind) as made:
        made.writestr(name, content)
    return stream.getvalue()


def npy(shape: str, descr: str = "'<f4'", payload: bytes = b"\0" * 16) -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + payload


def test_arrays_of_every_kind_come_back() -> None:
    arrays = {
        "scalar": np.float32(2.5),
        "empty": np.zeros((0, 3), np.float64),
        "columns": np.asfortranarray(np.arange(6, dtype=np.int64).reshape(2, 3)),
        "bytes": np.frombuffer(b"about", np.uint8),
        "flag": np.array([True, False]),
    }
    found = read_stored(saved(**arrays))
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == np.asarray(array).dtype
        assert found[name].flags.writeable


def packed() -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, a=np.zeros(2**28, np.uint8))
    return content.getvalue()


BAD = {
    "packed zeros": packed,
    "a claim of a terabyte": lambda: archive("a.npy", npy(f"({2**40},)")),
    "a claim beyond 64 bits": lambda: archive("a.npy", npy(f"({2**62}, {2**62})")),
    "a negative side": lambda: archive("a.npy", npy("(-4,)")),
    "a side that is no number": lambda: archive("a.npy", npy("('4',)")),
    "too little": lambda: archive("a.npy", npy("(5,)")),
    "too much": lambda: archive("a.npy", npy("(3,)")),
    "objects": lambda: archive("a.npy", npy("(2,)", "'|O'")),
    "text": lambda: archive("a.npy", npy("(2,)", "'<U2'")),
    "a header with a NUL": lambda: archive("a.npy", npy("(4,)\0")),
    "a header that does not end": lambda: archive("a.npy", npy("(4,")),
    "a whole number of Python 2": lambda: archive("a.npy", npy("(4L,)")),
    "a deep header": lambda: archive("a.npy", npy("(" * 100 + ")" * 100)),
    "no array": lambda: archive("a.txt", b"text"),
    "an empty array file": lambda: archive("a.npy", b""),
    "no archive": lambda: b"PK",
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("what", BAD)
def test_anything_else_is_refused_without_taking_memory(what: str) -> None:
    content = BAD[what]()
    assert len(content) < 2**20
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"\w"):
            read_stored(content)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_every_flipped_bit_is_noticed_or_changes_nothing_but_padding() -> None:
    whole = saved(a=np.arange(40, dtype=np.float32))
    for place in range(len(whole)):
        spoilt = bytearray(whole)
        spoilt[place] ^= 4
        try:
            found = read_stored(bytes(spoilt))
        except ValueError:
            continue
        for array in found.values():
            np.testing.assert_array_equal(array, np.arange(40, dtype=np.float32))


def test_a_header_of_digits_without_end_is_refused_at_once() -> None:
    """A pattern that may read a row of digits in many ways tries them all: this one took for ever."""
    text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"1" * 900 + b"x), }\n"
    begun = time.thread_time()
    with pytest.raises(ValueError, match="no header of an array"):
        array_header(io.BytesIO(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text))
    assert time.thread_time() - begun < 0.5


@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 3), (1, 2, 3, 4)])
def test_every_shape_that_numpy_writes_is_read(shape: tuple[int, ...]) -> None:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.zeros(shape, np.float32))
    file.seek(0)
    assert array_header(file)[0] == shape
