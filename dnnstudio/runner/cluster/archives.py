"""Folders as bytes and back: zip archives without compression, whose names and sizes are judged before anything is
written."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dnnstudio.core.atomic_files import WINDOWS, make_folder
from dnnstudio.core.errors import UserError
from dnnstudio.core.folder_lock import FILE as LOCK
from dnnstudio.core.os_errors import reason_of
from dnnstudio.core.text import count_of

_DATE = (1980, 1, 1, 0, 0, 0)  # the same files make the same bytes
_UNSAFE = re.compile(r"[\x00\\:]" if WINDOWS else r"[\x00\\]")  # a drive, another stream of a file, another slash
_LEFTOVER = re.compile(rf"\.dnnstudio-.*\.tmp|.*~|{re.escape(LOCK)}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most bytes and files that an archive may hold."""

    bytes: int
    files: int


RUN = Bounds(bytes=8 * 2**30, files=1_000)
"""A run folder: two models and a checkpoint, of 4 GiB at most."""
DATA = Bounds(bytes=2**40, files=5_000_000)
"""A folder of a person's own pictures."""


def files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """The plain files of a folder and their names from there with forward slashes, sorted.

    Remains of saves and a lock are none of them.
    """
    found = [path for path in folder.rglob("*") if path.is_file() and not _LEFTOVER.fullmatch(path.name)]
    named = [(path.relative_to(folder).as_posix(), path) for path in found]
    return iter(sorted(named))


def pack(target: IO[bytes], files: Iterator[tuple[str, Path]], texts: Mapping[str, bytes] | None = None) -> None:
    """Write an archive of texts and files by their names. Raises `OSError`."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in (texts or {}).items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)
        for name, path in files:
            with path.open("rb") as source, archive.open(zipfile.ZipInfo(name, _DATE), "w", force_zip64=True) as file:
                shutil.copyfileobj(source, file, 2**20)


def read_text(source: IO[bytes], name: str, *, limit: int) -> bytes:
    """One text of an archive. Raises `UserError` where it is not there or longer than `limit` bytes."""
    try:
        with zipfile.ZipFile(source) as archive:
            info = archive.getinfo(name)
            if info.file_size > limit or info.compress_type != zipfile.ZIP_STORED:
                raise UserError("What came from the cluster is too large to be a run.")
            return archive.read(info)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError, EOFError, RuntimeError):
        raise UserError("What came from the cluster is damaged.", "Train it again.") from None


def unpack(source: IO[bytes], folder: Path, bounds: Bounds, *, below: str = "") -> None:
    """Write the files of an archive whose names begin with `below` into a new folder, by what follows it.

    Raises `UserError`, with nothing written, for more than `bounds`, and for a name that leads out of the folder or
    stands twice.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            infos = [info for info in archive.infolist() if info.filename.startswith(below)]
            names = [info.filename.removeprefix(below) for info in infos]
            _refuse(names, sum(info.file_size for info in infos), bounds)
            if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
                raise UserError("What came is compressed, as this program never sends it.")
            make_folder(folder)
            for name, info in zip(names, infos, strict=True):
                path = folder.joinpath(*name.split("/"))
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as packed, path.open("xb") as file:
                    shutil.copyfileobj(packed, file, 2**20)  # reads no more than the size that was judged
    except (zipfile.BadZipFile, EOFError, ValueError, RuntimeError):
        raise UserError("What came is damaged.", "Try again.") from None
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {reason_of(error)}.", "Make room, or choose another.") from None


def _refuse(names: list[str], size: int, bounds: Bounds) -> None:
    if len(names) > bounds.files or size > bounds.bytes:
        raise UserError(
            f"What came has {count_of(len(names), 'file')} of {size:,} bytes, more than this program takes."
        )
    if len(set(names)) < len(names):
        raise UserError("What came holds a file twice.")
    for name in names:
        if not is_safe(name):
            raise UserError(f"What came holds a file of the name {name[:80]!a}, which no machine may write.")


def is_safe(name: str) -> bool:
    """Whether a name with forward slashes stays below the folder it is put into."""
    return not _UNSAFE.search(name) and all(part not in ("", ".", "..") for part in name.split("/"))
