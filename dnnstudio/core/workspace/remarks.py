"""What a person has noted of a run: a note, a star and a colour, in `remarks.json` of its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dnnstudio.core.atomic_files import read_bounded
from dnnstudio.core.checksums import change_checked
from dnnstudio.core.errors import UserError
from dnnstudio.core.os_errors import is_missing

FILE = "remarks.json"
FORMAT = 1
MAX_BYTES = 2**20
LONGEST_NOTE = 10_000
Color = Literal["", "green", "orange", "purple", "amber", "blue"]


class Remarks(BaseModel):
    """The contents of `remarks.json`; without the file there is none of it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: int = Field(FORMAT, ge=1, le=FORMAT)
    note: str = Field("", max_length=LONGEST_NOTE)
    star: bool = False
    color: Color = ""


def read_remarks(folder: Path) -> Remarks:
    """The remarks on the run in `folder`. Raises `UserError` for a damaged file."""
    path = folder / FILE
    if is_missing(path):
        return Remarks()
    try:
        return Remarks.model_validate_json(read_bounded(path, MAX_BYTES, what="the note of a run"))
    except ValidationError:
        raise UserError(
            f"{path} is damaged.", "Remove the file; only the note, the star and the colour are in it."
        ) from None


def write_remarks(
    folder: Path, *, note: str | None = None, star: bool | None = None, color: Color | None = None
) -> Remarks:
    """Change what is given, and write the file whole. Raises `UserError`."""
    after = Remarks()

    def changed() -> bytes | None:
        nonlocal after
        before = read_remarks(folder)
        text = before.note if note is None else note.strip()
        if len(text) > LONGEST_NOTE:
            raise UserError(f"The note has {len(text):,} characters; at most {LONGEST_NOTE:,} are kept.", "Shorten it.")
        after = Remarks(
            note=text,
            star=before.star if star is None else star,
            color=before.color if color is None else color,
        )
        return None if after == before else (json.dumps(after.model_dump(), indent=2) + "\n").encode()

    change_checked(folder / FILE, changed)
    return after
