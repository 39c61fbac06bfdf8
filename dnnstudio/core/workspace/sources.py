"""Trained networks as a source of layers: their path, name and layers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import AnyLayer, Shape
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Transfer
from dnnstudio.core.os_errors import is_file_there, is_folder_there, is_there
from dnnstudio.core.workspace.catalog import Entry, task_text
from dnnstudio.core.workspace.runs import RUNS, home_of, is_run
from dnnstudio.core.workspace.shared_layers import relative_to


@dataclass(frozen=True, slots=True)
class TrainedSource:
    """A run folder or model file whose layers can be reused.

    `input_shape` is None if it is known only after reading the data. `notes` are shown to the user.
    """

    place: Path
    experiment: Experiment
    input_shape: Shape | None
    name: str
    task: str = ""
    val_accuracy: float | None = None
    measured: str = ""
    """Which weights that figure is of, in words."""
    notes: tuple[str, ...] = ()

    @property
    def layers(self) -> tuple[AnyLayer, ...]:
        """The enabled layers, input first."""
        return self.experiment.active_layers

    @property
    def short(self) -> str:
        """run 9, or the file's name."""
        return short_name(self.place)

    @property
    def title(self) -> str:
        """run 9 · Task A: eight classes, or the file's name alone."""
        return f"{self.short} · {self.name}" if self.name and self.name != self.short else self.short


def from_entry(entry: Entry) -> TrainedSource:
    """A model of the library as a source of layers."""
    return TrainedSource(
        place=entry.path,
        experiment=entry.experiment,
        input_shape=entry.input_shape,
        name=entry.name,
        task=entry.task,
        val_accuracy=entry.val_accuracy,
        measured="older than its weights" if entry.outdated else entry.measured,
    )


def from_file(
    path: Path, experiment: Experiment, input_shape: Shape, notes: tuple[str, ...], *, has_experiment: bool
) -> TrainedSource:
    """A model file as a source of layers."""
    task = task_text(experiment) if has_experiment else ""
    return TrainedSource(path, experiment, input_shape, path.name, task, notes=notes)


def short_name(place: Path) -> str:
    """Short name of a run folder or model file for sentences: "run 9", or the file's name."""
    digits = place.name.split(" ")[0]
    return f"run {int(digits)}" if digits.isdigit() and not place.suffix.startswith((".keras", ".h5")) else place.name


def place_of(transfer: Transfer, base: Path | None) -> Path | None:
    """The run folder or model file that a transfer starts from, resolved against `base`; None without a transfer."""
    if not transfer.source.strip():
        return None
    try:
        place = home_of(((base or Path()).absolute() / transfer.source).resolve())
        known = is_run(place) if is_folder_there(place) else is_file_there(place) and place.suffix != ".json"
    except (OSError, ValueError):
        return None
    return place if known else None


def find_place(source: str, *bases: Path | None) -> Path:
    """The run folder or model file of a source path, resolved against the first of `bases` in which it exists.

    Raises `UserError` if there is none.
    """
    if not source.strip():
        raise UserError("The transfer has no source.", "Choose a trained model to start from.")
    known = [base for base in bases if base is not None] or [Path()]
    for base in known:
        try:
            place = Path(os.path.normpath(base.absolute() / source))
            if is_there(place):
                return place
        except (OSError, ValueError):
            break
    raise UserError(
        f'The source of the transfer, "{source}", does not exist.', "Choose a run folder or a model file that does."
    )


def recorded_source(folder: Path, place: Path) -> str:
    """The source path stored by a run in `folder`: relative within a workspace or beside it, else absolute."""
    home = folder.absolute().parent
    home = home.parent if home.name == RUNS else home
    return relative_to(folder, place) if place.absolute().is_relative_to(home) else str(place.absolute())


def source_text(place: Path, document: Path | None, workspace: Path) -> str:
    """The source's path as written to an experiment file: relative if both are in the workspace, so that it can be
    moved.
    """
    home = workspace.absolute()
    if document is not None and document.absolute().is_relative_to(home) and place.absolute().is_relative_to(home):
        return relative_to(document.parent, place)
    return str(place.absolute())


def rebased(experiment: Experiment, before: Path | None, after: Path) -> Experiment:
    """The experiment with its source's relative path rewritten from folder `before` to folder `after`.

    Only a source that exists and was given relatively is rewritten.
    """
    transfer = experiment.transfer
    if transfer is None or Path(transfer.source).is_absolute() or before is None or before == after:
        return experiment
    place = place_of(transfer, before)
    if place is None:
        return experiment
    return experiment.replaced(transfer=transfer.replaced(source=relative_to(after, place)))


def with_whole_source(experiment: Experiment, base: Path) -> Experiment:
    """The experiment with its source as an absolute path, for one that is in no folder; `base` as above."""
    transfer = experiment.transfer
    place = place_of(transfer, base) if transfer is not None else None
    if transfer is None or place is None:
        return experiment
    return experiment.replaced(transfer=transfer.replaced(source=str(place)))
