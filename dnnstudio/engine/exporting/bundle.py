"""A bundle: a run or an ensemble in one file with test inputs and the answers to them, sealed and judged like a model.

It is a zip of stored members with fixed names, so that no name leads anywhere and nothing unpacks to more than its
size; the checksum of the whole file stands in the archive's comment. Its network is transcribed by the same child
process as any model file.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import dnnstudio
from dnnstudio.core.atomic_files import make_folder, read_bounded, write_atomically
from dnnstudio.core.checksums import note
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.jobs.bundles import SUFFIX, OpenBundle, OpenedBundle, WriteBundle
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.exports import ExportedFile
from dnnstudio.core.jobs.requests import Part
from dnnstudio.core.os_errors import reason_of
from dnnstudio.core.stored_arrays import read_stored
from dnnstudio.core.text import byte_size
from dnnstudio.core.workspace.ensembles import (
    ENSEMBLE,
    MEMBERS,
    absent_note,
    is_ensemble,
    member_folder,
    read_ensemble,
    trained_members,
)
from dnnstudio.core.workspace.history import FILE as HISTORY
from dnnstudio.core.workspace.runs import BEST_MODEL, EXPERIMENT, METRICS, MODEL, is_run, read_run
from dnnstudio.engine.data import load_part
from dnnstudio.engine.data.kept_scaler import MAX_BYTES as MAX_PREPARATION
from dnnstudio.engine.data.preparation import FILE as PREPARATION
from dnnstudio.engine.model_files.archive import read_listed_members
from dnnstudio.engine.model_files.contents import MAX_FILE
from dnnstudio.engine.model_files.seal import blank_seal, check_seal, close_seal
from dnnstudio.engine.model_files.strict_json import MAX_JSON
from dnnstudio.engine.predicting.predict import network_at

ABOUT, PROOF = "bundle.json", "proof.npz"
FORMAT = 1
ROWS = 10
MODEL_SUFFIX = Path(MODEL).suffix
PARTS: tuple[Part, ...] = ("test", "validation", "train")
RUN_LIMITS = {
    EXPERIMENT: MAX_JSON,
    METRICS: MAX_JSON,
    HISTORY: MAX_JSON,
    PREPARATION: MAX_PREPARATION,
    MODEL: MAX_FILE,
    BEST_MODEL: MAX_FILE,
}
LIMITS = {ABOUT: 2**16, **RUN_LIMITS, ENSEMBLE: codec.MAX_BYTES, PROOF: 2**26}
NEEDED_OF_RUN = (EXPERIMENT, METRICS, PREPARATION, MODEL)
_MEMBER = re.compile(rf"{MEMBERS}/(0|[1-9][0-9]{{0,19}})/({'|'.join(map(re.escape, RUN_LIMITS))})")
"""A part of a member's run: its seed, and its name."""
MAX_BUNDLE = 2 * MAX_FILE + 2**28
_DATE = (1980, 1, 1, 0, 0, 0)  # the same run makes the same bytes
_NO_BUNDLE = "Ask for the file anew."


def write_bundle(job: WriteBundle, control: Control) -> ExportedFile:
    """Write the run's bundle, whole or not at all. Raises `UserError` and `Cancelled`."""
    folder, path = job.model, job.path
    if path.suffix.lower() != SUFFIX:
        raise UserError(f"{path.name} does not end in {SUFFIX}, as bundles do.", "Rename it.")
    parts = _parts_of(folder)
    proof = io.BytesIO()
    rows, answers = _answered(folder, control)
    np.savez(proof, allow_pickle=False, rows=rows, answers=answers)
    about = {"format": FORMAT, "dnnstudio": dnnstudio.__version__, "name": folder.name}
    members = {ABOUT: json.dumps(about).encode(), PROOF: proof.getvalue()}
    for name, limit in parts.items():
        if (folder / name).is_file():
            members[name] = read_bounded(folder / name, limit, what="a part of a bundle")
        control.check()
    if sum(map(len, members.values())) > MAX_BUNDLE:
        most = byte_size(MAX_BUNDLE)
        raise UserError(f"The bundle of {folder.name} would be larger than {most}.", "Bundle single runs of it.")
    content = _sealed(members)
    control.check()
    write_atomically(path, content)
    absent = absent_note(folder, holder="bundle")
    return ExportedFile(path=path, bytes=len(content), proof=None, notes=(absent,) if absent else ())


def _parts_of(folder: Path) -> dict[str, int]:
    """Name → limit of the files that make up a run or an ensemble. Raises `UserError` where it is not whole."""
    if is_ensemble(folder):
        seeds = trained_members(folder, read_ensemble(folder))
        if not seeds:
            raise UserError(f"The ensemble in {folder} has no trained member.", "Train it first.")
        parts = {ENSEMBLE: LIMITS[ENSEMBLE], METRICS: LIMITS[METRICS]}
        for seed in seeds:
            _require_whole(member_folder(folder, seed))
            parts |= {f"{MEMBERS}/{seed}/{name}": limit for name, limit in RUN_LIMITS.items()}
        return parts
    if not is_run(folder):
        raise UserError(
            f"{folder} is no run folder, and a bundle holds one run or one ensemble.", "Give the folder of a run."
        )
    _require_whole(folder)
    return RUN_LIMITS


def _require_whole(run: Path) -> None:
    missing = [name for name in NEEDED_OF_RUN if not (run / name).is_file()]
    if missing:
        raise UserError(f"The run in {run} has no {missing[0]}.", "Train it to its end with this version.")


def _answered(folder: Path, control: Control) -> tuple[Any, Any]:
    """Ten stored rows [10, *shape] and the answers to them: [10, classes], or [10]. Raises `UserError`."""
    asked = network_at(folder, control=control)
    for name in PARTS:
        part = load_part(asked.experiment.data, name, seed=asked.experiment.seed, control=control).spread(ROWS)
        if len(part):
            return np.ascontiguousarray(part.x), asked.network.say(part.x, 0).values
    raise UserError("The data has no rows that could prove the bundle.", "Choose the run's data again.")


def _sealed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    blank = blank_seal(repr(sorted((name, len(content)) for name, content in members.items())) + dnnstudio.__version__)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in (ABOUT, *sorted(members.keys() - {ABOUT})):
            info = zipfile.ZipInfo(name, _DATE)
            info.external_attr = 0o600 << 16
            archive.writestr(info, members[name])
        archive.comment = blank.encode()
    return close_seal(buffer.getvalue(), blank)


def open_bundle(job: OpenBundle, control: Control) -> OpenedBundle:
    """Judge the file, put its run in place in one step, and say whether it computes the same here.

    Raises `UserError`, with nothing left behind, and `Cancelled`.
    """
    members = read_bundle(job.path)
    rows, answers = _proof(members[PROOF])
    if job.folder.exists() and (not job.folder.is_dir() or any(job.folder.iterdir())):
        raise UserError(f"{job.folder} is there already.", "Give a new folder.")
    above = job.folder.absolute().parent
    make_folder(above)
    with ExitStack() as stack:
        with _writing(job.folder):
            made = tempfile.TemporaryDirectory(prefix=".dnnstudio-", suffix=".run", dir=above)
            arrived = Path(stack.enter_context(made)) / "run"
            _write_parts(arrived, members)
        _check_runs(arrived, members)
        asked = network_at(arrived, control=control)
        if rows.shape[1:] != asked.members[0][1].shape:
            raise UserError("The test inputs in the bundle do not fit its network.", _NO_BUNDLE)
        found = asked.network.say(rows, 0).values
        if found.shape != answers.shape:
            raise UserError("The answers in the bundle do not fit its network.", _NO_BUNDLE)
        control.check()
        with _writing(job.folder):
            if job.folder.is_dir():
                job.folder.rmdir()  # an empty one
            arrived.rename(job.folder)
    scale = max(1.0, float(np.abs(answers).max()))
    difference = float(np.abs(found - answers).max())
    return OpenedBundle(folder=job.folder, rows=len(rows), difference=difference, scale=scale)


def _write_parts(folder: Path, members: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in members.items():
        if name not in (ABOUT, PROOF):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if path.suffix != MODEL_SUFFIX:  # which has a seal of its own
                note(path, content)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Say of an error of the system that it is about the folder; what the network's reader meets is not."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {reason_of(error)}.", "Choose another folder.") from None


def read_bundle(path: Path) -> dict[str, bytes]:
    """The members of a bundle, whose seal, names, sizes and layout are as this program writes them. Raises
    `UserError`.
    """
    content = read_bounded(path, MAX_BUNDLE, what="a bundle")
    if content[:2] != b"PK" or ABOUT.encode() not in content:  # the names of a zip's members are plain in it
        raise UserError(f"{path.name} is no bundle.", "A bundle is written by dnnstudio export --to bundle.")
    if not check_seal(content):
        raise UserError(f"{path.name} was changed or damaged since it was written.", _NO_BUNDLE)
    members = read_listed_members(content, _limit_of, needed=(ABOUT, PROOF), what="a bundle")
    _check_parts(members)
    if sum(map(len, members.values())) > len(content):
        raise UserError(f"{path.name} unpacks to more than its {byte_size(len(content))}.", "It was tampered with.")
    try:
        about = json.loads(members[ABOUT])
        newer = isinstance(about, dict) and isinstance(about.get("format"), int) and about["format"] > FORMAT
    except (ValueError, RecursionError):
        raise UserError(f"{path.name} is damaged: its {ABOUT} cannot be read.", _NO_BUNDLE) from None
    if newer:
        raise UserError(f"{path.name} is of a newer version of this program.", "Update dnnstudio.")
    return members


def _limit_of(name: str) -> int | None:
    """The most bytes of a part with that name; None where a bundle has no such part."""
    of_member = _MEMBER.fullmatch(name)
    return RUN_LIMITS[of_member[2]] if of_member is not None else LIMITS.get(name)


def _check_parts(members: Collection[str]) -> None:
    """Refuse what is neither one run nor one ensemble, whole. Raises `UserError`."""
    of_members = {match[1] for name in members if (match := _MEMBER.fullmatch(name)) is not None}
    if ENSEMBLE in members:
        needed = [ENSEMBLE, METRICS, *(f"{MEMBERS}/{seed}/{name}" for seed in of_members for name in NEEDED_OF_RUN)]
        others = {EXPERIMENT, MODEL, BEST_MODEL, HISTORY, PREPARATION} & set(members)
    else:
        needed, others = list(NEEDED_OF_RUN), {f"{MEMBERS}/{seed}" for seed in of_members}
    missing = [name for name in needed if name not in members]
    if missing or others or (ENSEMBLE in members and not of_members):
        what = f"it lacks {missing[0]}" if missing else "it is neither one run nor one ensemble"
        raise UserError(f"This is no whole bundle: {what}.", _NO_BUNDLE)


def _check_runs(arrived: Path, members: Collection[str]) -> None:
    """Read what arrived as the run or ensemble that it says to be. Raises `UserError`."""
    if ENSEMBLE not in members:
        read_run(arrived)
        return
    record = read_ensemble(arrived)
    found = {int(match[1]) for name in members if (match := _MEMBER.fullmatch(name)) is not None}
    if not found <= set(record.seeds) or set(trained_members(arrived, record)) != found:
        raise UserError("The ensemble in the bundle does not have the members that it lists.", _NO_BUNDLE)
    for seed in found:
        read_run(member_folder(arrived, seed))


def _proof(content: bytes) -> tuple[Any, Any]:
    """The stored rows [n, *shape] and answers [n, …] of a bundle. Raises `UserError`."""
    try:
        found = read_stored(content)
        rows, answers = found["rows"], found["answers"]
    except (ValueError, KeyError):
        raise UserError("The test inputs of the bundle cannot be read.", _NO_BUNDLE) from None
    fine = rows.dtype.kind in "fiub" and answers.dtype == np.float64 and answers.ndim in (1, 2)
    if not fine or not 1 <= len(rows) == len(answers) <= ROWS or not np.isfinite(answers).all():
        raise UserError("The test inputs of the bundle cannot be read.", _NO_BUNDLE)
    return rows, answers
