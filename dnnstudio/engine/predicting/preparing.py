"""How a run prepared its rows, and so what reads new ones: kept in the run's folder, or found in its data again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data, ImageFolder, Pictures, Table
from dnnstudio.core.experiment.data.sources.table import Column
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.workspace.runs import BEST_MODEL, MODEL, is_run
from dnnstudio.engine.data import load_part
from dnnstudio.engine.data.kept_scaler import KeptScaler, read_preparation
from dnnstudio.engine.data.pictures.ground import Ground
from dnnstudio.engine.data.pictures.thumbnails import is_picture
from dnnstudio.engine.data.preparation import Preparation, PreparedColumn
from dnnstudio.engine.data.scaling import RowTransform
from dnnstudio.engine.predicting.arrays import ArrayReader
from dnnstudio.engine.predicting.pictures import PictureReader
from dnnstudio.engine.predicting.tables import TableReader
from dnnstudio.engine.reuse.loaded_model import LiveModel


@dataclass(frozen=True, slots=True)
class Prepared:
    """How one network's rows are prepared. `shape` is that of a stored row; see `KeptScaler` for the rest."""

    transform: RowTransform
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    full_scale: float | None = None
    columns: tuple[str, ...] = ()
    fills: bool = False
    """Whether empty cells of plain columns of numbers are filled in."""
    ground: Ground | None = None

    @property
    def table(self) -> Preparation | None:
        """The preparation of a table with columns of several kinds."""
        return self.transform if isinstance(self.transform, Preparation) else None


def prepared_of(place: Path, live: LiveModel, *, control: Control | None = None) -> Prepared:
    """How the rows of the network at `place`, a run folder or model file, were prepared. Raises `UserError`.

    A run of version 0.1.0 and a model file outside of its run keep no word of it: their data are read again.
    """
    if live.experiment.pretraining is not None:
        raise UserError(
            f"{place} was pretrained on a task of its own, so it answers nothing about new cases.",
            "Train a network from it first.",
        )
    home = place.parent if place.name in (MODEL, BEST_MODEL) and is_run(place.parent) else place
    kept = read_preparation(home) if home.is_dir() else None
    match kept:
        case Preparation():
            return Prepared(kept, (len(kept.columns),), kept.classes)
        case KeptScaler():
            has_fill = kept.fill is not None
            return Prepared(
                kept.scaler(), kept.shape, kept.classes, kept.full_scale, kept.columns, has_fill, kept.ground
            )
    if not live.has_experiment:
        raise UserError(
            f"{place.name} does not say how its rows were prepared.", "Give the folder of the run that trained it."
        )
    experiment = live.experiment
    part = load_part(experiment.data, "train", seed=experiment.seed, control=control)
    return Prepared(
        transform=part.scaler,
        shape=part.x.shape[1:],
        classes=part.summary.class_names,
        full_scale=part.full_scale,
        columns=part.columns,
        fills=getattr(part.scaler, "fill", None) is not None,
    )


@dataclass(frozen=True, slots=True)
class Readers:
    """What reads new cases for a network: by kind of file, None where it cannot take that kind."""

    arrays: ArrayReader | None
    pictures: PictureReader | None
    tables: TableReader | None


def readers_of(data: Data, members: Sequence[Prepared], *, invert: bool = False) -> Readers:
    """The readers for networks of the same experiment, whose preparations may differ by their training rows.

    `invert` turns pictures round that are dark on light where the training pictures are light on dark, or the reverse.
    """
    first = members[0]
    tables = _table_reader(data, members)
    old = isinstance(data.source, ImageFolder)
    own = isinstance(data.source, Pictures)
    pictures = None
    if is_picture(first.shape):
        pictures = PictureReader(
            first.shape, first.full_scale, old_folder=old, as_stored=own, ground=first.ground, invert=invert
        )
    return Readers(ArrayReader(first.shape) if first.table is None else None, pictures, tables)


def _table_reader(data: Data, members: Sequence[Prepared]) -> TableReader | None:
    first, source = members[0], data.source
    preparations = tuple(prepared.table for prepared in members if prepared.table is not None)
    if preparations:
        return TableReader(source if isinstance(source, Table) else Table(path=""), preparations)
    if not first.columns:
        return None
    fills = all(prepared.fills for prepared in members)
    return TableReader(Table(path="", decimal="point", thousands="none"), (_plain(first.columns, fills=fills),))


def _plain(names: tuple[str, ...], *, fills: bool) -> Preparation:
    """Columns of plain numbers as they are stored: empty cells stay so where the scaler fills them in."""
    columns = (
        PreparedColumn(column=Column(name=name), fill=0.0 if fills else None, offset=(0.0,), scale=(1.0,))
        for name in names
    )
    return Preparation(scaling="none", columns=tuple(columns), target=Column(name="target", role="target"))
