"""What rows a run was trained on, from the note of its preparation alone: quick enough to look at while files drop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnnstudio.core.atomic_files import read_bounded
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.os_errors import found_in, is_missing
from dnnstudio.core.workspace.ensembles import MEMBERS, is_ensemble
from dnnstudio.core.workspace.runs import read_metrics

FILE = "preparation.json"
MAX_BYTES = 4 * 2**20
"""A larger one is not looked at: this must not be noticed. Standardized pictures have many numbers."""


@dataclass(frozen=True, slots=True)
class RunRows:
    """`columns` of a table, and its `target`; `shape` of pictures and arrays. All empty where nothing is known."""

    columns: tuple[str, ...] = ()
    target: str = ""
    shape: tuple[int, ...] = ()
    has_white: bool = False

    @property
    def takes_pictures(self) -> bool:
        """Whether picture files can be brought to such rows."""
        gray, color = len(self.shape) == 2, len(self.shape) == 3 and self.shape[2] in (1, 3)
        return self.has_white and (gray or color)


def rows_of_run(folder: Path) -> RunRows:
    """What the run in `folder` says of its rows; nothing where it keeps no word of it, or it is damaged.

    Of an ensemble a member says it: all have the same rows.
    """
    if is_ensemble(folder):
        folder = next((place.parent for place in found_in(folder, f"{MEMBERS}/*/{FILE}")), folder)
    path = folder / FILE
    try:
        plain = codec.decode(read_bounded(path, MAX_BYTES, what="a preparation"), name=path.name)
        return _of(plain) if isinstance(plain, dict) else RunRows()
    except (UserError, OSError, LookupError, TypeError, ValueError, OverflowError, AttributeError):
        return RunRows()


def data_changed(folder: Path, fingerprint: str) -> bool:
    """Whether a run was trained on other data than what now has this fingerprint; False where it does not say so.

    Runs of version 0.1.0, which keep no preparation, took their fingerprints otherwise.
    """
    if is_missing(folder / FILE):
        return False
    known = (read_metrics(folder) or {}).get("data_fingerprint")
    return isinstance(known, str) and bool(fingerprint) and known != fingerprint


def _of(plain: dict[str, Any]) -> RunRows:
    if plain.get("kind") == "table":
        names = tuple(str(column["column"]["name"]) for column in plain["columns"])
        return RunRows(columns=names, target=str(plain["target"]["name"]))
    return RunRows(
        columns=tuple(str(name) for name in plain.get("columns", ())),
        shape=tuple(int(side) for side in plain.get("shape", ())),
        has_white=plain.get("full_scale") is not None,
    )
