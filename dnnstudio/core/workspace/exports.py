"""What was written of a run for other programs, and how far each file was proven: `exports.json` of its folder."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dnnstudio.core.atomic_files import read_bounded
from dnnstudio.core.checksums import change_checked
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Table
from dnnstudio.core.os_errors import is_file_there, is_missing
from dnnstudio.core.workspace.runs import EXPERIMENT, PREPARATION, is_run

FILE = "exports.json"
FORMAT = 1
MAX_BYTES = 2**20
KEPT = 100
"""The newest so many are kept."""


class ExportRecord(BaseModel):
    """One file that was written. `difference` is the largest between its answers and the network's; None: not run."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    to: str = Field(max_length=40)
    file: str = Field(max_length=300)
    when: float
    weights: str = Field(max_length=10)
    stochastic: bool = False
    runtime: str = Field("", max_length=100)
    rows: int = Field(0, ge=0)
    part: str = Field("", max_length=20)
    passes: int = Field(0, ge=0)
    difference: float | None = None
    spread_ratio: float | None = None


class Exports(BaseModel):
    """The contents of `exports.json`, the newest last."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: int = Field(FORMAT, ge=1, le=FORMAT)
    exports: tuple[ExportRecord, ...] = Field((), max_length=KEPT)


def read_exports(folder: Path) -> tuple[ExportRecord, ...]:
    """What was written of the run in `folder`, the newest last. Raises `UserError` for a damaged file."""
    path = folder / FILE
    if is_missing(path):
        return ()
    try:
        return Exports.model_validate_json(read_bounded(path, MAX_BYTES, what="the list of exports")).exports
    except ValidationError:
        raise UserError(f"{path} is damaged.", "Remove the file; only the list of exports is in it.") from None


def keep_export(folder: Path, record: ExportRecord) -> None:
    """Add a record and write the file whole. Raises `UserError`."""

    def changed() -> bytes:
        kept = Exports(exports=(*read_exports(folder), record)[-KEPT:])
        return (json.dumps(kept.model_dump(), indent=2) + "\n").encode()

    change_checked(folder / FILE, changed)


def prepared_note(folder: Path | None) -> str:
    """A sentence where a Keras file of the run in `folder` reads prepared rows; "" where it reads them as they are, and
    where that is not known.

    Such a file holds the layers alone; the other formats prepare rows themselves, or have a file beside them.
    """
    if folder is None or not is_run(folder) or not is_file_there(folder / PREPARATION):
        return ""
    try:
        data = codec.load(folder / EXPERIMENT).data
    except UserError:  # the network can be read all the same
        return ""
    if data.scaling == "none" and not isinstance(data.source, Table):
        return ""
    return f"It reads rows prepared as in training; {PREPARATION} in the folder of the run says how."
