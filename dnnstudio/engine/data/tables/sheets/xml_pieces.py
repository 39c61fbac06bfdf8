"""The XML files of an archive, parsed in pieces by the standard library's parser, in linear time."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO
from xml.parsers import expat

from dnnstudio.engine.data.reading import Watch

CHUNK = 2**20
MOST_AT_ONCE = 16 * CHUNK
"""Of one tag or comment. Before its version 2.6 expat begins anew with every piece (of a megabyte at most, whatever it
is given) until it has the end, which takes quadratic time: https://libexpat.github.io/doc/api/latest/
"""
MOST_NAMES = 10_000
"""Names of elements and attributes that the parser remembers; a sheet has some dozens."""


class NotPlainError(Exception):
    """An XML declares types or entities of its own, which no sheet needs, names a cell that no sheet has, or has a tag
    or a comment of many megabytes.
    """


def parse(
    parser: expat.XMLParserType, file: IO[bytes], watch: Watch, after: Callable[[], object] | None = None
) -> None:
    """Parse a file to its end; `after` is called behind each piece.

    Raises `NotPlainError`, `Cancelled` by the watch, and what `zipfile` and expat do.
    """
    parser.StartDoctypeDeclHandler = _refuse
    given = 0
    while piece := file.read(CHUNK):
        watch.check()
        parser.Parse(piece, False)
        given += len(piece)
        if given - parser.CurrentByteIndex > MOST_AT_ONCE:
            raise NotPlainError
        if len(parser.intern) > MOST_NAMES:
            parser.intern.clear()
        if after is not None:
            after()
    parser.Parse(b"", True)


def _refuse(*declared: object) -> None:
    raise NotPlainError
