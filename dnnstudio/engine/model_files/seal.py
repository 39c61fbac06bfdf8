"""A checksum of the whole file, stored inside the file, so that a single changed bit anywhere is detected.

HDF5 metadata has no checksums, and a zip's CRCs do not cover its headers. The seal is a fixed word followed by 64
hexadecimal digits, stored where the format allows a comment; the checksum is computed with zeros as digits.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray

WORD = "dnnstudio-sha256:"
_DIGITS = 64
_PATTERN = re.compile(WORD.encode() + rb"[0-9a-f]{64}")
_MOST_CANDIDATES = 4
"""So many occurrences are tried from the front, and as many from the end, where an archive has its comment: the members
of a bundle have seals of their own, and a user-chosen name may contain the same word, but rarely."""


def hash_arrays(arrays: Iterable[NDArray[np.float32]]) -> str:
    """SHA-256 of the arrays' bytes (any shapes [...], little-endian float32), in order, as hexadecimal digits."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype="<f4").data)
    return digest.hexdigest()


def blank_seal(unique: str) -> str:
    """The placeholder seal: the word and 64 digits that occur nowhere else in the file."""
    return WORD + hashlib.sha256(unique.encode()).hexdigest()


def close_seal(content: bytes, blank: str) -> bytes:
    """`content` with its placeholder replaced by the checksum of everything else."""
    if content.count(blank.encode()) != 1:
        raise AssertionError("The blank seal must stand in the file exactly once.")
    start = content.index(blank.encode()) + len(WORD)
    sealed = bytearray(content)
    sealed[start : start + _DIGITS] = _checksum(content, start).encode()
    return bytes(sealed)


def check_seal(content: bytes) -> bool | None:
    """Whether the file is unchanged since it was written; None if it has no seal."""
    matches = (match.start() + len(WORD) for match in _PATTERN.finditer(content))
    found = list(islice(matches, _MOST_CANDIDATES))
    found += deque(matches, maxlen=_MOST_CANDIDATES)
    if not found:
        return None
    return any(_checksum(content, start) == content[start : start + _DIGITS].decode() for start in found)


def _checksum(content: bytes, start: int) -> str:
    view = memoryview(content)
    digest = hashlib.sha256(view[:start])
    digest.update(b"0" * _DIGITS)
    digest.update(view[start + _DIGITS :])
    return digest.hexdigest()
