"""A trained network whose layers another one may start from: where it lies, what it is called, what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dnnstudio.core.experiment import Experiment
from dnnstudio.core.layers import AnyLayer, Shape
from dnnstudio.core.library import Entry, task_text
from dnnstudio.core.links import relative_to
from dnnstudio.core.runs import home_of, is_run
from dnnstudio.core.transfer import Transfer


@dataclass(frozen=True, slots=True)
class TrainedSource:
    """A run folder or model file as a source of layers.

    `input_shape` is None where it is known only once the data was read. `notes` are what a person should know of the
    file.
    """

    place: Path
    experiment: Experiment
    input_shape: Shape | None
    name: str
    task: str = ""
    val_accuracy: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def layers(self) -> tuple[AnyLayer, ...]:
        """The layers in use, input first."""
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
    """A model of the library as a source."""
    return TrainedSource(
        place=entry.path,
        experiment=entry.experiment,
        input_shape=entry.input_shape,
        name=entry.name,
        task=entry.task,
        val_accuracy=entry.val_accuracy,
    )


def from_file(
    path: Path, experiment: Experiment, input_shape: Shape, notes: tuple[str, ...], *, has_experiment: bool
) -> TrainedSource:
    """A model file that was read as a source."""
    task = task_text(experiment) if has_experiment else ""
    return TrainedSource(path, experiment, input_shape, path.name, task, None, notes)


def short_name(place: Path) -> str:
    """What a run folder or model file is called in a sentence: run 9, or the file's name."""
    digits = place.name.split(" ")[0]
    return f"run {int(digits)}" if digits.isdigit() and not place.suffix.startswith((".keras", ".h5")) else place.name


def place_of(transfer: Transfer, base: Path | None) -> Path | None:
    """The run folder or model file that a transfer starts from, seen from `base`; None where there is none."""
    if not transfer.source.strip():
        return None
    try:
        place = home_of(((base or Path()).absolute() / transfer.source).resolve())
        known = is_run(place) if place.is_dir() else place.is_file() and place.suffix != ".json"
    except (OSError, ValueError):
        return None
    return place if known else None


def source_text(place: Path, document: Path | None, workspace: Path) -> str:
    """How an experiment file names a source: relative where both lie in the workspace, so that it can be moved."""
    home = workspace.absolute()
    if document is not None and document.absolute().is_relative_to(home) and place.absolute().is_relative_to(home):
        return relative_to(document.parent, place)
    return str(place.absolute())


def rebased(experiment: Experiment, before: Path | None, after: Path) -> Experiment:
    """The experiment as it must be written to the folder `after` when its source was seen from `before`.

    Only a source that exists and was named relatively is named anew.
    """
    transfer = experiment.transfer
    if transfer is None or Path(transfer.source).is_absolute() or before is None or before == after:
        return experiment
    place = place_of(transfer, before)
    if place is None:
        return experiment
    return experiment.replaced(transfer=transfer.replaced(source=relative_to(after, place)))


def with_whole_source(experiment: Experiment, base: Path) -> Experiment:
    """The experiment with the path of its source written out, for one that will lie in no folder; `base` as above."""
    transfer = experiment.transfer
    place = place_of(transfer, base) if transfer is not None else None
    if transfer is None or place is None:
        return experiment
    return experiment.replaced(transfer=transfer.replaced(source=str(place)))
