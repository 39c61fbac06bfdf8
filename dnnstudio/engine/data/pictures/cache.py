"""Decoded pictures kept on the disk, so that a large folder is decoded once; never stale, never too large.

The key is made of every file's path, size and times and of all that decides what becomes of it: whatever changes, the
old entry is simply not found again, and goes when room is needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL
import platformdirs

from dnnstudio.core.atomic_files import sweep_leftovers, write_atomically
from dnnstudio.core.errors import UserError
from dnnstudio.engine.data.pictures.many import Decoded

VERSION = 1
"""Raised whenever decoding gives other pixels."""
MAX_BYTES = 2 * 2**30
"""Of all entries together; the ones used longest ago go first."""
WORTH = 200
"""Fewer pictures are decoded as fast as they are looked up."""
SETTLED_S = 2.0
"""A file changed so shortly ago could change once more within the same tick of the disk's clock (FAT: 2 s)."""
SUFFIX = ".npz"


def folder() -> Path:
    """Where the entries lie."""
    return Path(platformdirs.user_cache_dir("dnnstudio", appauthor=False)) / "pictures"


def key_of(files: Sequence[Path], height: int, width: int, *, color: bool) -> str | None:
    """The name of the entry for these files as they are now; None where a file is gone or too fresh to be sure of."""
    digest = hashlib.sha256(json.dumps([VERSION, PIL.__version__, height, width, color, len(files)]).encode())
    newest = 0
    for path in files:
        try:
            status = path.stat()
        except OSError:
            return None
        newest = max(newest, status.st_mtime_ns)
        facts = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        digest.update(json.dumps([os.fsdecode(path.absolute()), *facts]).encode("utf-8", "surrogatepass"))
    return digest.hexdigest() if newest < time.time_ns() - SETTLED_S * 1e9 else None


def load(key: str) -> Decoded | None:
    """The entry of that name, or None. A damaged one is removed."""
    path = folder() / f"{key}{SUFFIX}"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            facts = json.loads(stored["facts"].tobytes())
            found = Decoded(
                stored["x"],
                stored["index"],
                tuple((int(place), str(reason)) for place, reason in facts["refused"]),
                facts["deep_scale"],
                facts["deep"],
                facts["alpha"],
                facts["cut"],
            )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        with contextlib.suppress(OSError):
            path.unlink()
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used now
    return found


def store(key: str, decoded: Decoded) -> None:
    """Keep what was decoded. A full or read-only disk costs nothing but the time to decode again."""
    if decoded.x.nbytes > MAX_BYTES:
        return
    facts = {name: getattr(decoded, name) for name in ("refused", "deep_scale", "deep", "alpha", "cut")}
    plain = np.frombuffer(json.dumps(facts).encode(), np.uint8)

    def write(file: BinaryIO) -> None:
        np.savez(file, x=decoded.x, index=decoded.index, facts=plain)

    place = folder()
    with contextlib.suppress(OSError, UserError):
        place.mkdir(parents=True, exist_ok=True)
        sweep_leftovers(place)
        make_room(decoded.x.nbytes)
        write_atomically(place / f"{key}{SUFFIX}", write)


def make_room(needed: int) -> None:
    """Remove the entries used longest ago until `needed` more bytes keep the cache within its bound."""
    entries = []
    for path in folder().glob(f"*{SUFFIX}"):
        with contextlib.suppress(OSError):
            status = path.stat()
            entries.append((status.st_mtime_ns, status.st_size, path))
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total + needed <= MAX_BYTES:
            return
        with contextlib.suppress(OSError):
            path.unlink()
            total -= size
