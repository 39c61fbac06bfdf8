"""Rename, clone and trash the runs and model files of a workspace. Nothing is overwritten or deleted for good."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from dnnstudio.core.atomic_files import WINDOWS, make_folder, write_atomically
from dnnstudio.core.checksums import write_checked
from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.folder_lock import FILE as LOCK
from dnnstudio.core.folder_lock import held
from dnnstudio.core.os_errors import found_in, is_folder_there, is_there, reason_of
from dnnstudio.core.workspace.catalog import MODELS, SUFFIXES
from dnnstudio.core.workspace.ensembles import MEMBERS, is_ensemble, member_folder, read_ensemble, write_ensemble
from dnnstudio.core.workspace.runs import (
    EXPERIMENT,
    METRICS,
    RUNS,
    SWEEPS,
    is_run,
    is_sweep,
    new_run_folder,
    read_metrics,
    safe_name,
)
from dnnstudio.core.workspace.shared_layers import FILE as LINKS
from dnnstudio.core.workspace.shared_layers import Origin, OriginLayer, set_origin

TRASH = "trash"
_TRIALS = "trials"
"""Where a sweep has its runs."""
WAIT_S = 1.0
"""How long others may take who hold a run for a moment only."""


def rename(path: Path, name: str) -> Path:
    """Rename a run, or a model file on disk, and return its path. Raises `UserError`.

    A run's folder keeps its path, because other models refer to it as their source.
    """
    wanted = " ".join(name.split())[:200]
    if not wanted:
        raise UserError("The name is empty.", "Type a name.")
    _require_there(path)
    if is_ensemble(path) or is_run(path):
        with _all_held(path, "a renaming"):
            if is_ensemble(path):
                _rename_ensemble(path, wanted)
            else:
                codec.save(codec.load(path / EXPERIMENT).replaced(name=wanted), path / EXPERIMENT, checked=True)
        return path
    target = path.with_name(_file_name(wanted, path))
    if target != path:
        _refuse_taken(target)
        _move(path, target)
    return target


def _rename_ensemble(folder: Path, name: str) -> None:
    """Rename its members too: an ensemble goes on with members of its very experiment."""
    record = read_ensemble(folder)
    for seed in record.seeds:
        if is_run(place := member_folder(folder, seed)):
            codec.save(codec.load(place / EXPERIMENT).replaced(name=name), place / EXPERIMENT, checked=True)
    write_ensemble(folder, record.model_copy(update={"experiment": record.experiment.replaced(name=name)}))


def clone(workspace: Path, path: Path, name: str) -> Path:
    """Copy a run or model file, layers and weights, under another name in the workspace. Raises `UserError`.

    The copy shares no layers: training it never changes another model.
    """
    _require_there(path)
    if not is_run(path):
        make_folder(workspace / MODELS)
        target = workspace / MODELS / _file_name(name, path)
        _refuse_taken(target)
        _copy_file(path, target)
        return target
    with held(path, "a copying", wait_s=WAIT_S, only_reads=True):
        return _clone_run(workspace, path, name)


def _clone_run(workspace: Path, path: Path, name: str) -> Path:
    folder = new_run_folder(workspace, name)
    try:
        shutil.copytree(
            path,
            folder,
            dirs_exist_ok=True,
            symlinks=True,
            ignore=shutil.ignore_patterns(LINKS, LOCK, "*~", ".dnnstudio-*"),
        )
        source = codec.load(path / EXPERIMENT)
        codec.save(_alone(source.replaced(name=name[:200])), folder / EXPERIMENT, checked=True)
        if (metrics := read_metrics(folder)) is not None:
            metrics |= {"run": uuid.uuid4().hex[:12], "cloned_from": path.name, "started": round(time.time(), 3)}
            write_checked(folder / METRICS, (json.dumps(metrics, indent=2) + "\n").encode())
            prints = metrics.get("layer_fingerprints", {})
            layers = tuple(OriginLayer(name, name, "clone", str(prints[name])) for name in prints)
            set_origin(folder, Origin(source.name, path, layers))
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise UserError(f"{path} cannot be copied: {reason_of(error)}.", "Free some space.") from None
    except UserError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _alone(experiment: Experiment) -> Experiment:
    """The experiment with every shared layer cloned instead."""
    transfer = experiment.transfer
    if transfer is None:
        return experiment
    reuse = tuple(item.replaced(mode="clone") for item in transfer.reuse)
    return experiment.replaced(transfer=transfer.replaced(reuse=reuse))


def move_to_trash(workspace: Path, path: Path) -> Path:
    """Move a run, a repeat, a sweep or a model file to the workspace's trash and return its new path.

    Raises `UserError`.
    """
    if not path.absolute().is_relative_to(workspace.absolute()):
        raise UserError(f"{path} lies outside of the workspace.", "Delete it where it lies.")
    _require_there(path)
    if not (is_run(path) or is_ensemble(path) or is_sweep(path)) and path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path} is neither a run nor a model file.", "Choose one that is.")
    make_folder(workspace / TRASH)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    target = workspace / TRASH / f"{stamp} {path.name}"
    count = 1
    while target.exists():
        count += 1
        target = workspace / TRASH / f"{stamp}.{count} {path.name}"
    with ExitStack() as every:
        if path.is_dir():
            every.enter_context(_all_held(path, "a deletion"))
        if WINDOWS:  # where no folder is moved while a file in it is open
            every.close()
        _move(path, target)
    for left in (target / LOCK, *(one for kind in (MEMBERS, _TRIALS) for one in found_in(target, f"{kind}/*/{LOCK}"))):
        with suppress(OSError):
            left.unlink(missing_ok=True)
    return target


@contextmanager
def _all_held(folder: Path, what: str) -> Iterator[None]:
    """Nobody else works on the run, on a member of the ensemble or on a trial of the sweep, within the block.

    A sweep has too many trials to hold them all: of those that nobody had at its beginning none is. Raises `UserError`.
    """
    trials = (lock.parent for lock in found_in(folder, f"{_TRIALS}/*/{LOCK}"))
    with ExitStack() as every:
        for place in (folder, *filter(is_run, found_in(folder, f"{MEMBERS}/*")), *trials):
            every.enter_context(held(place, what, wait_s=WAIT_S, only_reads=True))
        yield


def restore(workspace: Path, trashed: Path) -> Path:
    """Move something from the trash back to its original path, which is returned. Raises `UserError`."""
    name = trashed.name.partition(" ")[2]
    if trashed.absolute().parent != (workspace / TRASH).absolute() or not name:
        raise UserError(f"{trashed} does not lie in the trash.", "Choose something that does.")
    kind = SWEEPS if is_sweep(trashed) else RUNS if is_run(trashed) or is_ensemble(trashed) else MODELS
    target = workspace / kind / name
    _refuse_taken(target)
    make_folder(target.parent)
    _move(trashed, target)
    return target


def _require_there(path: Path) -> None:
    """Refuse what another program has moved or deleted, and a folder that holds no run now. Raises `UserError`."""
    if not is_there(path):
        raise UserError(f"{path} does not exist any more.", "Another program may have moved or deleted it.")
    if is_folder_there(path) and not (is_run(path) or is_ensemble(path) or is_sweep(path)):
        raise UserError(f"{path} holds no run now.", "Another program may be about to begin one there.")


def _file_name(name: str, path: Path) -> str:
    """`name` as a file name with the suffix of `path`, which determines the format."""
    suffix = next((s for s in (".weights.h5", *SUFFIXES) if path.name.lower().endswith(s)), path.suffix)
    stem = safe_name(name.removesuffix(suffix))
    if not stem:
        raise UserError(f'"{name}" is no name that a file can have.', "Type another name.")
    return stem + suffix


def _refuse_taken(target: Path) -> None:
    if target.exists():
        raise UserError(f"There is a {target.name} already.", "Choose another name.", code=Code.NAME_TAKEN)


def _move(path: Path, target: Path) -> None:
    try:
        shutil.move(path, target)
    except OSError as error:
        raise UserError(f"{path} cannot be moved: {reason_of(error)}.", "Is it open in another program?") from None


def _copy_file(path: Path, target: Path) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {reason_of(error)}.", "Check its permissions.") from None
    write_atomically(target, content)
