"""Registry of readers: which function reads which kind of source, and which files determine whether to read it again.

A reader is registered beside its code, in a module of `arrays`, `tables`, `pictures` or another package here:

    @reader(Npz, files=npz_files)
    def read(source: Npz, watch: Watch) -> Raw: ...

It is imported when a source of its kind is first read, so that its dependencies (polars, Pillow) are not loaded
earlier.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Source
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.data.raw import Raw
from dnnstudio.engine.data.reading import ProgressCall, Watch

S = TypeVar("S", bound=Source)
Read = Callable[[S, Watch], Raw]
Files = Callable[[S, Watch], tuple[Path, ...]]
Download = Callable[[S, ProgressCall | None, Control | None], object]
TEST_NOTE = ", a fifth of each class kept for the test"


@dataclass(frozen=True, slots=True)
class Reader:
    """How a kind of source is read: its rows as stored, its files, and how they are downloaded.

    `files` returns none if a downloadable source is not on this computer. `download` is None if there is nothing to
    download.
    """

    read: Read[Any]
    files: Files[Any]
    download: Download[Any] | None = None


READERS: dict[str, Reader] = {}
"""Kind of source → its reader, for those already imported; `reader_of` finds the others."""


def reader(*kinds: type[S], files: Files[S], download: Download[S] | None = None) -> Callable[[Read[S]], Read[S]]:
    """Register the decorated function as the reader of these kinds.

    Raises `ValueError` if one of them already has a reader, which is a bug.
    """

    def register(read: Read[S]) -> Read[S]:
        for cls in kinds:
            kind = cls.model_fields["kind"].default
            if kind in READERS:
                raise ValueError(f'the source "{kind}" has a reader already')
            READERS[kind] = Reader(read, files, download)
        return read

    return register


def reader_of(source: Source) -> Reader:
    """The reader of a source's kind. Raises `UserError` if there is none."""
    kind = source.kind
    modules: Iterator[str] = iter(()) if kind in READERS else _modules(first=kind)
    while kind not in READERS:
        module = next(modules, None)
        if module is None:
            raise UserError(
                f'{source.label or kind} cannot be read: there is no reader for the source "{kind}".',
                "Choose another source; if you have just written this one, register its reader with @reader.",
            )
        importlib.import_module(module)
    return READERS[kind]


def read_source(source: Source, watch: Watch) -> Raw:
    """The rows of a source as stored. Raises `UserError`."""
    return reader_of(source).read(source, watch)


def files_of(source: Source, watch: Watch) -> tuple[Path, ...]:
    """The files that `read_source` would read; if one changes, the source is read again. Raises `UserError`."""
    return reader_of(source).files(source, watch)


def must_be_downloaded(source: Source) -> bool:
    """Whether a downloadable source is not on this computer yet."""
    return source.downloadable and not files_of(source, Watch())


def download_source(source: Source, watch: Watch) -> None:
    """Download a source. Raises `UserError` if that fails, `Cancelled` when stopped."""
    fetch = reader_of(source).download
    if fetch is None:
        raise UserError(f"{source.label} cannot be downloaded.", "Choose a file on this computer.")
    fetch(source, watch.progress, watch.control)


def with_test_note(raw: Raw) -> Raw:
    """The rows, with a word in `origin` on where the test rows come from if the source brings none."""
    has_test = raw.test is not None or (raw.keys.parts is not None and bool((raw.keys.parts == 2).any()))
    return raw if has_test else replace(raw, origin=raw.origin + TEST_NOTE)


def _modules(*, first: str) -> Iterator[str]:
    """The modules that may contain readers: `builtin` and those of the packages here, `first` before the others."""
    found = [f"{__package__}.builtin"]
    for package in pkgutil.iter_modules([str(Path(__file__).parent)], f"{__package__}."):
        if package.ispkg:
            inside = importlib.import_module(package.name).__path__
            found += [module.name for module in pkgutil.iter_modules(inside, f"{package.name}.")]
    return iter(sorted(found, key=lambda name: name.rpartition(".")[2] != first))
