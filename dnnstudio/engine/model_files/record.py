"""The program's metadata in a model file: the experiment, a checksum, and which layers are Monte Carlo."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from dnnstudio.core.errors import UserError
from dnnstudio.engine.model_files.strict_json import parse_json

KEY = "dnnstudio"
"""Key in metadata.json, and name of the HDF5 attribute."""
SEAL_ATTRIBUTE = "dnnstudio_seal"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Record:
    """`experiment` is an experiment as plain JSON; `weights` is `seal.hash_arrays` over all arrays."""

    weights: str
    experiment: Any = None
    monte_carlo: tuple[str, ...] = ()
    state: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """The record as plain JSON."""
        return {
            "format": FORMAT,
            "weights_sha256": self.weights,
            "monte_carlo": list(self.monte_carlo),
            "experiment": self.experiment,
            "state": self.state,
            "versions": self.versions,
        }


def record_from_text(text: str) -> Record:
    """The record from an HDF5 attribute. Raises `UserError`."""
    return record_from_plain(parse_json(text.encode("utf-8", "replace"), what="What dnnstudio stored in the file"))


def record_from_plain(plain: Any) -> Record:
    """The record from metadata.json. Raises `UserError`."""
    if not isinstance(plain, dict) or not isinstance(plain.get("format"), int):
        raise UserError("What dnnstudio stored in the file is damaged.", "Use a copy of it.")
    if plain["format"] > FORMAT:
        raise UserError("The file was written by a newer dnnstudio.", "Update dnnstudio.")
    names, state, versions = plain.get("monte_carlo", []), plain.get("state", {}), plain.get("versions", {})
    if not (
        isinstance(names, list)
        and all(isinstance(name, str) for name in names)
        and isinstance(state, dict)
        and isinstance(versions, dict)
        and isinstance(plain.get("weights_sha256"), str)
    ):
        raise UserError("What dnnstudio stored in the file is damaged.", "Use a copy of it.")
    return Record(plain["weights_sha256"], plain.get("experiment"), tuple(names), state, versions)


def record_text(record: Record) -> str:
    """The record as compact JSON."""
    return json.dumps(record.plain(), ensure_ascii=True)
