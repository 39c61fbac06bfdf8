"""The folder of a comparison's runs: the same for the same question, so that it can be continued."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from dnnstudio.core.atomic_files import make_folder, read_bounded, write_atomically
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.codec import to_plain
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.os_errors import changed_at, is_folder_there, is_there
from dnnstudio.core.workspace.runs import COMPARISONS, MODEL, safe_name

QUESTION = "question.txt"


def comparison_folder(workspace: Path, experiment: Experiment, base: Path | None) -> Path:
    """The folder for comparing this experiment with its present source; created if missing.

    Raises `UserError`.
    """
    folder, wanted = _place_of(workspace, experiment, base)
    if not is_there(folder):
        make_folder(folder)
        write_atomically(folder / QUESTION, wanted.encode())
    return folder


def known_comparison(workspace: Path, experiment: Experiment, base: Path | None) -> Path | None:
    """That folder where it is there already; nothing is made."""
    folder, _ = _place_of(workspace, experiment, base)
    return folder if is_there(folder) else None


def _place_of(workspace: Path, experiment: Experiment, base: Path | None) -> tuple[Path, str]:
    """The folder of this question, or the first free name for it; and what its file of the question holds."""
    wanted = _question(experiment, base)
    name = safe_name(experiment.name) or "comparison"
    number = 1
    while True:
        folder = workspace / COMPARISONS / (name if number == 1 else f"{name} {number}")
        if not is_there(folder):
            return folder, wanted
        with contextlib.suppress(UserError):
            if read_bounded(folder / QUESTION, 1000, what="a comparison").decode(errors="replace") == wanted:
                return folder, wanted
        number += 1


def _question(experiment: Experiment, base: Path | None) -> str:
    """A fingerprint of the experiment and of the source's file: runs with another source do not count."""
    source = experiment.transfer.source if experiment.transfer is not None else ""
    place = (base or Path()) / source
    file = place / MODEL if is_folder_there(place) else place
    plain = json.dumps([to_plain(experiment), str(place.absolute()), changed_at(file)], sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest() + "\n"
