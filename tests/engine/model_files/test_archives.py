"""Zip archives that are not what they say: bombs, doubled and odd names, overlaps, lies in the headers."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.engine.model_files.archive import read_members
from dnnstudio.engine.model_files.child import answer

Craft = Any  # conftest's; test modules cannot import it


def repacked(content: bytes, change: Callable[[zipfile.ZipInfo], Any]) -> bytes:
    """The same members, each passed through `change` first."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w") as archive:
        for info in source.infolist():
            member = source.read(info)
            change(info)
            archive.writestr(info, member)
    return buffer.getvalue()


def with_member(content: bytes, name: str, text: bytes = b"x") -> bytes:
    buffer = io.BytesIO(content)
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "a") as archive:
        warnings.simplefilter("ignore")  # a doubled name is what this is about
        archive.writestr(name, text)
    return buffer.getvalue()


def in_directory(content: bytes, name: bytes, offset: int, form: str, value: int) -> bytes:
    """`content` with one field of the central directory entry of `name` changed."""
    spoiled = bytearray(content)
    start = content.index(b"PK\x01\x02")
    while content[start + 46 : start + 46 + len(name)] != name:
        start = content.index(b"PK\x01\x02", start + 1)
    struct.pack_into(form, spoiled, start + offset, value)
    return bytes(spoiled)


def prepended(content: bytes) -> bytes:
    return b"PK\x03\x04 something in front" + content


def overlapping(content: bytes) -> bytes:
    """Two directory entries that point into the same bytes."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        offset = archive.getinfo("config.json").header_offset
    return in_directory(content, b"metadata.json", 42, "<I", offset + 4)


ARCHIVES: dict[str, Callable[[Craft], bytes]] = {
    "doubled name": lambda c: with_member(c.keras(), "config.json"),
    "parent folder": lambda c: with_member(c.keras(), "../config.json"),
    "absolute": lambda c: with_member(c.keras(), "/etc/cron.d/x"),
    "backslash": lambda c: with_member(c.keras(), "..\\x"),
    "drive": lambda c: with_member(c.keras(), "C:/x"),
    "NUL in the name": lambda c: with_member(c.keras(), "x.txt").replace(b"x.txt", b"x\0txt"),
    "NUL behind a good name": lambda c: with_member(c.keras(**{"metadata.json": None}), "metadata.jsonXy").replace(
        b"metadata.jsonXy", b"metadata.json\0y"
    ),
    "folder": lambda c: with_member(c.keras(), "config.json/"),
    "capital letters": lambda c: with_member(c.keras(), "CONFIG.JSON"),
    "symbolic link": lambda c: repacked(c.keras(), lambda info: setattr(info, "external_attr", 0o120777 << 16)),
    "device": lambda c: repacked(c.keras(), lambda info: setattr(info, "external_attr", 0o020666 << 16)),
    "encrypted": lambda c: in_directory(c.keras(), b"config.json", 8, "<H", 1),
    "bzip2": lambda c: repacked(c.keras(), lambda info: setattr(info, "compress_type", zipfile.ZIP_BZIP2)),
    "unknown packing": lambda c: in_directory(c.keras(), b"config.json", 10, "<H", 99),
    "size lies up": lambda c: in_directory(c.keras(), b"config.json", 24, "<I", 4000),
    "size lies to 4 GiB": lambda c: in_directory(c.keras(), b"model.weights.h5", 24, "<I", 2**32 - 2),
    "both sizes lie": lambda c: in_directory(
        in_directory(c.keras(), b"model.weights.h5", 24, "<I", 2**30), b"model.weights.h5", 20, "<I", 2**30
    ),
    "zip64 without its field": lambda c: in_directory(c.keras(), b"config.json", 24, "<I", 2**32 - 1),
    "wrong CRC": lambda c: in_directory(c.keras(), b"config.json", 16, "<I", 7),
    "wrong offset": lambda c: in_directory(c.keras(), b"config.json", 42, "<I", 10**6),
    "overlap": lambda c: overlapping(c.keras()),
    "in front of it": lambda c: prepended(c.keras()),
    "behind it": lambda c: c.keras() + b"x",
    "two archives": lambda c: c.keras() + c.keras(),
    "no directory": lambda c: c.keras()[:-40],
    "only the directory": lambda c: b"PK\x03\x04" + c.keras()[-300:],
    "gap": lambda c: gapped(c),
    "description bomb": lambda c: bomb(c, "config.json", 5 * 2**20),
    "weights bomb": lambda c: bomb(c, "model.weights.h5", 40 * 2**20),
    "metadata bomb": lambda c: bomb(c, "metadata.json", 5 * 2**20),
}


def gapped(craft: Craft) -> bytes:
    """A member taken out of the directory but left in the file, where another reader would find it."""
    content = craft.keras(**{"another.json": "{}" * 100})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        start = archive.start_dir
    entry = content.index(b"another.json", start) - 46
    size = 46 + len(b"another.json")
    end = content.index(b"PK\x05\x06")
    tail = bytearray(content[end:])
    struct.pack_into("<HHI", tail, 8, 3, 3, end - start - size)
    return content[:entry] + content[entry + size : end] + bytes(tail)


def bomb(craft: Craft, member: str, size: int) -> bytes:
    members = {"metadata.json": b"{}", "config.json": b"{}", "model.weights.h5": craft.weights()}
    content = craft.archive(members | {member: b" " * size}, compression=zipfile.ZIP_DEFLATED)
    assert len(content) < size / 50
    return content


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_lies_is_refused(name: str, craft: Craft, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    header, arrays = answer(ARCHIVES[name](craft))
    assert "error" in header
    assert "bug" not in header
    assert arrays == []
    assert list(tmp_path.iterdir()) == []


def test_an_honestly_compressed_archive_opens(craft: Craft) -> None:
    with zipfile.ZipFile(io.BytesIO(craft.keras())) as source:
        members = {name: source.read(name) for name in source.namelist()}
    packed = craft.archive(members, compression=zipfile.ZIP_DEFLATED)
    assert answer(packed)[0]["layers"] == answer(craft.keras())[0]["layers"]


def test_members_are_given_as_they_are(craft: Craft) -> None:
    assert read_members(craft.keras())["model.weights.h5"] == craft.weights()
