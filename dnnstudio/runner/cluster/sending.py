"""What a task takes along: its files by fingerprint, the folders among them packed. A worker asks for what it lacks."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Source
from dnnstudio.core.experiment.fields import field_hint
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.temporary import temporary_folder
from dnnstudio.core.text import listed
from dnnstudio.core.workspace.runs import BEST_MODEL, CHECKPOINT
from dnnstudio.core.workspace.sources import place_of, recorded_source
from dnnstudio.runner.cluster.archives import files_below, pack
from dnnstudio.runner.cluster.letters import Letter, Parcel
from dnnstudio.runner.tasks import RunTask

CHUNK = 8 * 2**20


@dataclass(frozen=True, slots=True)
class _Stored:
    parcel: Parcel
    path: Path


class Depot:
    """The parcels of all tasks. Each file is read once for its fingerprint, each folder packed once; safe for threads.

    Data files must not change meanwhile, as a table that is edited while it is being learnt has no one content.
    """

    def __init__(self) -> None:
        self._folder = temporary_folder("dnnstudio-cluster-")
        self._by_place: dict[Path, Parcel] = {}
        self._stored: dict[str, _Stored] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        self._folder.cleanup()

    def path(self, fingerprint: str) -> Path | None:
        """The file with the bytes of a parcel; None for one that is not here."""
        stored = self._stored.get(fingerprint)
        return None if stored is None else stored.path

    def add(self, place: Path) -> Parcel:
        """The parcel of a file or folder. Raises `OSError`."""
        with self._lock:
            if place not in self._by_place:
                self._by_place[place] = self._packed(place) if place.is_dir() else self._file(place)
            return self._by_place[place]

    def add_run(self, folder: Path, *, whole: bool) -> Parcel:
        """The parcel of a run folder as it stands now; not `whole`: without what only its own going on needs."""
        with self._lock:
            if whole:
                return self._packed(folder)
            if folder not in self._by_place:
                self._by_place[folder] = self._packed(folder, (CHECKPOINT, BEST_MODEL))
            return self._by_place[folder]

    def _file(self, path: Path) -> Parcel:
        with path.open("rb") as file:
            fingerprint = hashlib.file_digest(file, "sha256").hexdigest()
        return self._keep(
            Parcel(fingerprint=fingerprint, size=path.stat().st_size, name=path.name, is_folder=False), path
        )

    def _packed(self, folder: Path, spared: tuple[str, ...] = ()) -> Parcel:
        files = ((name, path) for name, path in files_below(folder) if name.split("/")[0] not in spared)
        with tempfile.NamedTemporaryFile(dir=self._folder.name, delete=False) as file:
            pack(file, files)
        return replace(self._file(Path(file.name)), name=folder.name, is_folder=True)

    def _keep(self, parcel: Parcel, path: Path) -> Parcel:
        self._stored[parcel.fingerprint] = _Stored(parcel, path)
        return parcel


def letter_of(task: RunTask, depot: Depot, *, attempt: str, topic: str, threads: int) -> Letter:
    """The letter of a task, whose files the depot then has.

    Raises `OSError` for a file that cannot be read, and `UserError` for layers that are shared.

    What is not there is not sent: the training says on the worker, in the usual words, that it does not exist.
    """
    experiment, source = task.experiment, None
    if experiment.transfer is not None and experiment.transfer.shared:
        layers = listed([item.layer for item in experiment.transfer.shared])
        raise UserError(
            f"A layer that is shared ({layers}) cannot be trained on another machine, as its source lies here.",
            "Clone it, or train without --cluster.",
        )
    if experiment.transfer is not None and (place := place_of(experiment.transfer, task.base)) is not None:
        named = experiment.transfer.replaced(source=recorded_source(task.folder, place))
        experiment = experiment.replaced(transfer=named)
        source = depot.add_run(place, whole=False) if place.is_dir() else depot.add(place)
    return Letter(
        id=task.id,
        attempt=attempt,
        topic=topic,
        threads=threads,
        experiment=codec.to_plain(experiment),
        resume=depot.add_run(task.folder, whole=True) if task.resume and task.folder.is_dir() else None,
        source=source,
        data={name: depot.add(place) for name, place in data_places(experiment).items()},
    )


def data_places(experiment: Experiment) -> dict[str, Path]:
    """The files and folders that the source of the data names, by field; those that exist, as absolute paths."""
    source = experiment.data.source
    found = {name: Path(text).expanduser().absolute() for name, text in _paths(source).items()}
    return {name: place for name, place in found.items() if place.exists()}


def _paths(source: Source) -> dict[str, str]:
    named = {
        name: getattr(source, name)
        for name, field in type(source).model_fields.items()
        if field_hint(field, "widget") in ("file", "folder")
    }
    return {name: text for name, text in named.items() if isinstance(text, str) and text.strip() and "\0" not in text}
