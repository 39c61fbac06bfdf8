"""Which files lie below a folder, by name alone: pictures, tables, and what is left out. Nothing is opened."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import LeftOut
from dnnstudio.core.experiment.data.report import LISTED
from dnnstudio.core.os_errors import reason_of
from dnnstudio.engine.data.reading import Watch, unreadable

_ENDINGS = ".png .jpg .jpeg .jpe .jfif .bmp .dib .gif .tif .tiff .webp .ppm .pgm .pbm .pnm"
SUFFIXES = frozenset(("", *_ENDINGS.split()))
"""What a picture's name ends in. A name without an ending may be one: its first bytes will say."""
TABLE_SUFFIXES = frozenset((".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm", ".xls", ".ods", ".parquet", ".pq"))
SYSTEM_NAMES = frozenset(
    ("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "@eadir")
)
"""What systems leave in folders, in lower case; names that begin with a point (.DS_Store, ._x) are theirs too."""
MAX_FILES = 2_000_000


@dataclass(slots=True)
class LeftOuts:
    """The files that are not used: all are counted, the first are named."""

    named: list[LeftOut] = field(default_factory=list)
    count: int = 0

    def add(self, name: str, reason: str) -> None:
        """One more file, named from the data's folder on."""
        self.count += 1
        if len(self.named) < LISTED:
            self.named.append(LeftOut(name, reason))

    def add_all(self, names: Iterable[str], reason: str) -> None:
        """Several files for the same reason."""
        for name in names:
            self.add(name, reason)


@dataclass(slots=True)
class Found:
    """The files of a folder as paths from it on, in the order of their names; `folders` are those in the folder."""

    root: Path
    pictures: list[tuple[str, ...]] = field(default_factory=list)
    tables: list[tuple[str, ...]] = field(default_factory=list)
    folders: tuple[str, ...] = ()
    left_out: LeftOuts = field(default_factory=LeftOuts)
    closed: tuple[str, ...] = ()
    """Folders that could not be listed, each with the reason, as "cat: permission denied"."""

    def path(self, parts: tuple[str, ...]) -> Path:
        """Where a file lies."""
        return self.root.joinpath(*parts)


def is_leftover(name: str) -> bool:
    """Whether a file or folder is one of those that systems and programs leave behind."""
    return name.startswith(".") or name.casefold() in SYSTEM_NAMES


def find_files(root: Path, watch: Watch) -> Found:
    """All plain files below a folder. Links to folders are not followed, so no circle can catch us.

    Raises `UserError` where the folder cannot be listed, or holds too many files.
    """
    try:
        if not root.exists():
            raise UserError(f"{root} does not exist.", "Choose the folder that holds the pictures.")
        if not root.is_dir():
            raise UserError(f"{root} is not a folder.", "Choose the folder that holds the pictures.")
        with os.scandir(root):
            pass
    except OSError as error:
        raise unreadable(root, error) from None
    found = Found(root)

    def refused(error: OSError) -> None:
        found.left_out.add(Path(error.filename).name, reason_of(error))
        found.closed = (*found.closed, f"{Path(error.filename).name}: {reason_of(error)}")

    for place, folders, names in os.walk(root, onerror=refused):
        watch.check()
        here = Path(place).relative_to(root).parts
        folders[:] = sorted(name for name in folders if not is_leftover(name))
        for name in folders:
            if (Path(place) / name).is_symlink():
                found.left_out.add("/".join((*here, name)), "a link to a folder")
        if not here:
            found.folders = tuple(folders)
        _sort_names(found, Path(place), here, sorted(name for name in names if not is_leftover(name)))
        if len(found.pictures) > MAX_FILES:
            raise UserError(f"{root} holds more than {MAX_FILES:,} files.", "Use fewer of them.")
    return found


def _sort_names(found: Found, place: Path, here: tuple[str, ...], names: list[str]) -> None:
    for name in names:
        suffix = Path(name).suffix.lower()
        if not (place / name).is_file():
            found.left_out.add("/".join((*here, name)), "not a plain file")
        elif suffix in SUFFIXES:
            found.pictures.append((*here, name))
        elif suffix in TABLE_SUFFIXES or name.lower().endswith((".csv.gz", ".tsv.gz")):
            found.tables.append((*here, name))
        else:
            found.left_out.add("/".join((*here, name)), f"not a picture by its name ({suffix})")


def within_wrappers(found: Found) -> Found:
    """Below folders that hold one folder alone, as unpacked archives do: the files of that folder."""
    while (
        found.pictures
        and len(found.folders) == 1
        and not any(len(parts) == 1 for parts in (*found.pictures, *found.tables))
    ):
        top = found.folders[0]
        inner = Found(
            found.root / top,
            [parts[1:] for parts in found.pictures],
            [parts[1:] for parts in found.tables],
            left_out=found.left_out,
            closed=found.closed,
        )
        inner.folders = tuple(
            sorted({parts[0] for parts in (*inner.pictures, *inner.tables) if len(parts) > 1} | _empty_folders(inner))
        )
        found = inner
    return found


def _empty_folders(found: Found) -> set[str]:
    """Folders directly in the root, those without any file included: an empty class must be noticed."""
    try:
        with os.scandir(found.root) as entries:
            return {
                entry.name for entry in entries if entry.is_dir(follow_symlinks=False) and not is_leftover(entry.name)
            }
    except OSError:
        return set()
