"""The job `ExportNetwork`: written beside its place, proven there, and only then renamed into it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.export.formats import EXPORTERS, Exporter
from dnnstudio.core.jobs.bundles import OpenBundle, OpenedBundle, WriteBundle
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import Event, Progress, Stage
from dnnstudio.core.jobs.exports import ExportedFile, ExportNetwork, Proof, missing_runtime
from dnnstudio.core.jobs.report_figures import MeasureForReport, ReportFigures
from dnnstudio.core.jobs.requests import Part
from dnnstudio.core.os_errors import reason_of
from dnnstudio.core.workspace.ensembles import absent_note, is_ensemble, member_folder
from dnnstudio.core.workspace.exports import ExportRecord, keep_export
from dnnstudio.core.workspace.runs import is_run
from dnnstudio.engine.data import load_part
from dnnstudio.engine.data.kept_scaler import read_preparation
from dnnstudio.engine.data.preparation import Preparation, PreparedColumn
from dnnstudio.engine.data.scaling import Scaler
from dnnstudio.engine.data.tables.encode import UNSEEN
from dnnstudio.engine.exporting.bundle import open_bundle, write_bundle
from dnnstudio.engine.exporting.network import ExportedNetwork, exported
from dnnstudio.engine.exporting.proof import ProofRows, prove
from dnnstudio.engine.exporting.report_figures import measure_for_report
from dnnstudio.engine.predicting.preparing import Prepared, prepared_of
from dnnstudio.engine.reuse.ensemble import read_ensemble_at
from dnnstudio.engine.reuse.loaded_model import LiveModel

ROWS = 100
PARTS: tuple[Part, ...] = ("test", "validation", "train")
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.ENAMETOOLONG)

Emit = Callable[[Event], None]
ModelOf = Callable[..., LiveModel]
"""As `Session.model`."""


def run_export(
    job: ExportNetwork | MeasureForReport | WriteBundle | OpenBundle,
    place_of: Callable[[str | Path], Path],
    model: ModelOf,
    control: Control,
    emit: Emit,
) -> ExportedFile | ReportFigures | OpenedBundle:
    """Do one of the jobs about what leaves the program or comes back. `place_of` is where a network lies.

    Raises `UserError` and `Cancelled`.
    """
    if isinstance(job, OpenBundle):
        emit(Progress(run=job.id, done=0, total=0, text="Checking the bundle"))
        return open_bundle(job, control)
    if isinstance(job, WriteBundle):
        emit(Progress(run=job.id, done=0, total=0, text="Writing the bundle", stage=Stage.SAVING))
        return write_bundle(job, control)
    if isinstance(job, ExportNetwork):
        return export_network(job, place_of(job.model), model, control, emit)
    emit(Progress(run=job.id, done=0, total=0, text="Asking the network about its test rows", stage=Stage.PREDICTING))
    return measure_for_report(job, control)


def export_network(job: ExportNetwork, place: Path, model: ModelOf, control: Control, emit: Emit) -> ExportedFile:
    """Do the job. `place` is where the network lies, and `model` gives it where it is no ensemble.

    Raises `UserError` before anything is written for what the format cannot hold, and with nothing left behind where
    the file computes something else; and `Cancelled`.
    """
    to = EXPORTERS[job.to]
    require_place(job.path, to)
    write = to.load()
    emit(Progress(run=job.id, done=0, total=3, text="Reading the network"))
    experiment, members, home = _members(job, place, model, control)
    network = exported(members, stochastic=job.stochastic)
    notes = [absent] if (absent := absent_note(place, holder="file")) else []
    emit(Progress(run=job.id, done=1, total=3, text=f"Writing {to.title}", stage=Stage.SAVING))
    temporary = job.path.parent / f".dnnstudio-{os.urandom(8).hex()}.tmp"
    try:
        try:
            written: ExportedNetwork = write(network, temporary)
        except Exception as error:
            if (refused := _refused_by_the_system(error)) is None:
                raise
            raise UserError(f"{job.path} cannot be written: {reason_of(refused)}.", "Save it elsewhere.") from error
        control.check()
        emit(Progress(run=job.id, done=2, total=3, text="Running the file on real rows", stage=Stage.PREDICTING))
        proof = _proven(to, network, written, temporary, experiment, notes, control)
        size = _put(temporary, job.path)
    finally:
        _remove(temporary)
    beside = _write_beside(job.path, network, written, home)
    codes = _write_codes(job.path, written)
    if home is not None:
        keep_export(home, _record(job, proof))
    return ExportedFile(path=job.path, bytes=size, proof=proof, beside=beside, codes=codes, notes=tuple(notes))


def _refused_by_the_system(error: Exception) -> OSError | None:
    """The error as one of the system; TensorFlow has kinds of its own for a full disk, which quote the system."""
    if isinstance(error, OSError):
        return error
    if any(kind.__name__ == "OpError" for kind in type(error).__mro__):
        for number in _DISK_ERRORS:
            if os.strerror(number) in str(error):
                return OSError(number, os.strerror(number))
    return None


def require_place(path: Path, to: Exporter) -> None:
    """Refuse a name or place that the format cannot be written to. Raises `UserError`."""
    if not path.parent.is_dir():
        raise UserError(f"The folder {path.parent} does not exist.", "Make it first, or choose another.")
    if to.suffix and not path.name.lower().endswith(to.suffix):
        raise UserError(f"{path.name} does not end in {to.suffix}, as {to.title} files do.", "Rename it.")
    if not to.suffix and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UserError(f"{path} is there already.", "Give the name of a new folder.")


def _members(
    job: ExportNetwork, place: Path, model: ModelOf, control: Control
) -> tuple[Experiment | None, tuple[tuple[object, Prepared | None], ...], Path | None]:
    """The experiment whose rows prove the file (None: nobody knows), the networks, and the folder of the run."""
    if is_ensemble(place):
        ensemble = read_ensemble_at(place, weights=job.weights, control=control)
        found = tuple(
            (live.model, _prepared(member_folder(place, seed), live, control)) for seed, live in ensemble.members
        )
        return ensemble.experiment, found, place
    live = model(job.model, weights=job.weights, control=control)
    home = place if is_run(place) else None
    known = live.has_experiment and live.experiment.pretraining is None
    return live.experiment if known else None, ((live.model, _prepared(place, live, control)),), home


def _prepared(place: Path, live: LiveModel, control: Control) -> Prepared | None:
    """How the rows of a network are prepared; None where its file reads prepared rows, for nobody knows of others."""
    if live.experiment.pretraining is not None:
        return None
    if not live.has_experiment and not (place.is_dir() and read_preparation(place) is not None):
        return None
    return prepared_of(place, live, control=control)


def _proven(
    to: Exporter,
    network: ExportedNetwork,
    written: ExportedNetwork,
    file: Path,
    experiment: Experiment | None,
    notes: list[str],
    control: Control,
) -> Proof | None:
    try:
        runtime, runner = to.load_runtime()(file)
    except ImportError:
        notes.append(missing_runtime(to.title, to.runtime_extra))
        return None
    seed = 42 if experiment is None else experiment.seed
    rows = _real_rows(experiment, control, notes) or _made_up_rows(network, seed)
    if rows is None:
        notes.append("Without its data the file could not be run on real rows, so it is not proven.")
        return None
    return prove(network, written, runner, rows, runtime=runtime, seed=seed, control=control)


def _real_rows(experiment: Experiment | None, control: Control, notes: list[str]) -> ProofRows | None:
    """Rows of the test part, or of the next one that has any; None where the data is not here."""
    if experiment is None:
        return None
    try:
        for name in PARTS:
            part = load_part(experiment.data, name, seed=experiment.seed, control=control).spread(ROWS)
            if len(part):
                return ProofRows(part.x, name)
    except UserError as error:
        notes.append(f"The data could not be read: {error.message}")
    return None


def _made_up_rows(network: ExportedNetwork, seed: int) -> ProofRows | None:
    """Normal numbers in the scale of the training rows; None for a table of words and dates."""
    transform = network.members[0].transform
    drawn = np.random.default_rng(seed).standard_normal((ROWS, *network.shape)).astype(np.float32)
    if transform is None:
        return ProofRows(drawn, "")
    return ProofRows(transform.invert(drawn), "") if isinstance(transform, Scaler) else None


def _put(temporary: Path, path: Path) -> int:
    """Rename what was written into its place; how many bytes it has. Raises `UserError`."""
    if temporary.is_dir():
        size = sum(file.stat().st_size for file in temporary.rglob("*") if file.is_file())
        try:
            if path.is_dir():
                path.rmdir()  # an empty one
            temporary.replace(path)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {reason_of(error)}.", "Save it elsewhere.") from None
        return size
    content = temporary.read_bytes()
    write_atomically(path, content)
    return len(content)


def _remove(temporary: Path) -> None:
    if temporary.is_dir():
        shutil.rmtree(temporary, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):  # a read-only disk refuses even where there is nothing
            temporary.unlink(missing_ok=True)


def _write_beside(path: Path, network: ExportedNetwork, written: ExportedNetwork, home: Path | None) -> Path | None:
    """How rows are prepared, as JSON beside a file that does not do it itself; None where it does."""
    if written.carries_preparation or not network.carries_preparation:
        return None
    beside = path.with_name(f"{path.name}.preparation.json")
    kept = read_preparation(home) if home is not None and home.is_dir() and is_run(home) else None
    transform = network.members[0].transform
    about = kept if kept is not None else transform if isinstance(transform, Preparation) else None
    plain = {
        "inputs": list(written.columns),
        "classes": list(network.classes),
        "preparation": None if about is None else codec.to_plain(about),
    }
    write_atomically(beside, (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode())
    return beside


def _write_codes(path: Path, written: ExportedNetwork) -> Path | None:
    """Which numbers stand for the texts of a table, as JSON beside a file that reads them; None where it reads none."""
    transform = written.members[0].transform
    if not isinstance(transform, Preparation) or all(one.column.kind == "number" for one in transform.columns):
        return None
    codes = path.with_name(f"{path.name}.codes.json")
    columns = [
        {"name": one.column.name, "kind": one.column.kind}
        | ({} if one.column.kind == "number" else {"codes": _codes(one)})
        for one in transform.columns
    ]
    plain = {"columns": columns, "empty": "NaN", "not_listed": UNSEEN}
    write_atomically(codes, (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode())
    return codes


def _codes(column: PreparedColumn) -> dict[str, int]:
    return {word: number for number, word in enumerate(column.words or ("no", "yes"))}


def _record(job: ExportNetwork, proof: Proof | None) -> ExportRecord:
    about: dict[str, object] = {}
    if proof is not None:
        about = {
            "runtime": proof.runtime,
            "rows": proof.rows,
            "part": proof.part,
            "passes": proof.passes,
            "difference": proof.difference,
            "spread_ratio": proof.spread_ratio,
        }
    return ExportRecord.model_validate(
        {
            "to": job.to,
            "file": job.path.name,
            "when": time.time(),
            "weights": job.weights,
            "stochastic": job.stochastic,
            **about,
        }
    )
