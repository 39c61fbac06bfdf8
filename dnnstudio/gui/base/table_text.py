"""Tells a table from other text on the clipboard, and names its file. No Qt."""

from __future__ import annotations

import time
from pathlib import Path

from dnnstudio.core.atomic_files import make_folder, write_atomically
from dnnstudio.core.os_errors import is_there
from dnnstudio.core.workspace.place import place_for_new

SEPARATORS = "\t;,|"
LOOKED_AT = 20
MAX_LETTERS = 50_000_000


def separator_of(text: str) -> str | None:
    """The sign that cuts each of the first lines into the same number of cells, two or more; None for what is no table.

    Spreadsheets copy with tabs. Lines of code and JSON have commas too, but not the same number in each.
    """
    lines = [line for line in text[:200_000].splitlines()[: LOOKED_AT + 1] if line.strip()][:LOOKED_AT]
    if len(lines) < 2 or text.lstrip()[:1] in ("{", "["):
        return None
    for sign in SEPARATORS:
        counts = {line.count(sign) for line in lines}
        if len(counts) == 1 and counts != {0}:
            return sign
    return None


def save_pasted(text: str, workspace: Path) -> Path:
    """Write a pasted table into the workspace's folder of data and give its path. Raises `UserError`."""
    folder = place_for_new(workspace) / "data"
    make_folder(folder)
    stem = time.strftime("pasted-%Y-%m-%d-%H%M%S")
    suffix = ".tsv" if separator_of(text) == "\t" else ".csv"
    path = folder / f"{stem}{suffix}"
    count = 2
    while is_there(path):
        path, count = folder / f"{stem}-{count}{suffix}", count + 1
    write_atomically(path, text.encode("utf-8", "replace"))
    return path
