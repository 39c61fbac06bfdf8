"""Where a comparison keeps its runs: the same folder for the same question, so that it goes on where it ended."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from dnnstudio.core.codec import to_plain
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.files import make_folder, read_bounded, write_atomically
from dnnstudio.core.runs import MODEL, safe_name

COMPARISONS = "comparisons"
QUESTION = "question.txt"


def comparison_folder(workspace: Path, experiment: Experiment, base: Path | None) -> Path:
    """The folder of the comparison of this experiment, with this source as it is now; made where it is missing.

    Raises `UserError`.
    """
    wanted = _question(experiment, base)
    name = safe_name(experiment.name) or "comparison"
    number = 1
    while True:
        folder = workspace / COMPARISONS / (name if number == 1 else f"{name} {number}")
        if not folder.exists():
            make_folder(folder)
            write_atomically(folder / QUESTION, wanted.encode())
            return folder
        with contextlib.suppress(UserError):
            if read_bounded(folder / QUESTION, 1000, what="a comparison").decode(errors="replace") == wanted:
                return folder
        number += 1


def _question(experiment: Experiment, base: Path | None) -> str:
    """A fingerprint of the experiment and of the source's file: with another source, old runs say nothing."""
    source = experiment.transfer.source if experiment.transfer is not None else ""
    place = (base or Path()) / source
    file = place / MODEL if place.is_dir() else place
    try:
        stamp = file.stat().st_mtime_ns
    except OSError:
        stamp = 0
    plain = json.dumps([to_plain(experiment), str(place.absolute()), stamp], sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest() + "\n"
