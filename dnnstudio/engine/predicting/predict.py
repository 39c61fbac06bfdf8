"""Answers of a run, model file or ensemble to new cases, one after another, a block of rows in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.answers import Answer, AnswerTable
from dnnstudio.core.jobs.cases import InputColumn, ReversedPictures
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.text import count_of
from dnnstudio.core.uncertainty.conformal import Promise
from dnnstudio.core.uncertainty.scores import Floats
from dnnstudio.core.uncertainty.set_kinds import SetKind
from dnnstudio.core.workspace.ensembles import absent_note, is_ensemble, member_folder
from dnnstudio.core.workspace.runs import Weights, home_of
from dnnstudio.engine.data.pictures.ground import is_dark
from dnnstudio.engine.data.raw import Array
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.predicting.columns import columns_of
from dnnstudio.engine.predicting.files import items_of
from dnnstudio.engine.predicting.items import Item
from dnnstudio.engine.predicting.network import Network, Said
from dnnstudio.engine.predicting.preparing import Prepared, Readers, prepared_of, readers_of
from dnnstudio.engine.predicting.promise import Calibrated, calibrate
from dnnstudio.engine.reuse.ensemble import read_ensemble_at
from dnnstudio.engine.reuse.loaded_model import LiveModel, read_model_at

SCALED_SHOWN = 3
NOT_FINITE = "A value of this row is beyond what the network can compute with."


@dataclass(slots=True)
class Predictions:
    """`answers` come as they are computed, in the order of the inputs; `table` says which columns they have.

    `notes` are sentences for the person, complete once the last answer has come.
    """

    table: AnswerTable
    answers: Iterator[Answer]
    notes: list[str] = field(default_factory=list)


def predict(
    place: Path,
    inputs: Sequence[Path],
    *,
    weights: Weights = "last",
    samples: int | None = None,
    coverage: float | None = None,
    sets: SetKind = SetKind.LAC,
    seed: int | None = None,
    columns: bool = False,
    invert: bool = False,
    control: Control | None = None,
) -> Predictions:
    """Answer pictures, folders of them, tables and .npz arrays as the network at `place` was trained to.

    `place` is a run folder, a model file or the folder of an ensemble. `samples` is the number of passes with dropout
    on (of each member), `coverage` the promised share of right sets (`sets` says how they are made) or intervals;
    `seed` draws the passes, the experiment's if left out; `columns` adds what a table's row holds, `invert` turns
    pictures round that are the reverse of the training pictures. What does not fit is an `Answer` with an error. Raises
    `UserError` where nothing can be answered at all, and `Cancelled`.
    """
    control = control or Control()
    asked = network_at(place, weights=weights, samples=samples, seed=seed, control=control)
    network, readers = asked.network, asked.readers(invert=invert)
    notes = list(asked.notes)
    promise = None
    if coverage is not None:
        promise = calibrate(
            asked.experiment,
            Promise.of(coverage),
            lambda rows: _values_of(network, rows),
            classes=network.classes,
            kind=sets,
            several=len(asked.members) > 1,
            home=asked.home,
            control=control,
        )
        notes.append(promise.note)
    given = columns_of(asked.members[0][1]) if columns else ()
    table = AnswerTable(
        network.classes,
        passes=network.has_passes,
        coverage=promise is not None,
        inputs=tuple((column.name, column.cell_type) for column in given),
    )
    found = Predictions(table, iter(()), notes)
    found.answers = _answers(network, readers, promise, given, inputs, found.notes, Watch(control))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A network that can be asked, with what its rows are read by. `home` is the folder of its run.

    Of an ensemble it is the member's that was trained with the experiment's own seed.
    """

    experiment: Experiment
    home: Path
    members: tuple[tuple[LiveModel, Prepared], ...]
    network: Network
    absent: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about how the network was read."""
        notes = tuple(note for live, _ in self.members for note in live.notes)
        return (self.absent, *notes) if self.absent else notes

    def readers(self, *, invert: bool = False) -> Readers:
        """New readers, which have not read anything yet; see `readers_of`."""
        return readers_of(self.experiment.data, [prepared for _, prepared in self.members], invert=invert)


def network_at(
    place: Path,
    *,
    weights: Weights = "last",
    samples: int | None = None,
    seed: int | None = None,
    control: Control,
    beside_window: bool = False,
) -> Asked:
    """The network at `place`, a run folder, a model file or the folder of an ensemble. Raises `UserError`."""
    experiment, members = _members(place, weights, control)
    network = Network(
        members,
        samples=samples,
        seed=experiment.seed if seed is None else seed,
        control=control,
        beside_window=beside_window,
    )
    home = member_folder(place, experiment.seed) if is_ensemble(place) else home_of(place)
    return Asked(experiment, home, tuple(members), network, absent_note(place))


def _members(place: Path, weights: Weights, control: Control) -> tuple[Experiment, list[tuple[LiveModel, Prepared]]]:
    """The networks, each with how its rows are prepared, and the experiment whose data they were trained on."""
    if not is_ensemble(place):
        live = read_model_at(place, weights=weights, control=control)
        return live.experiment, [(live, prepared_of(place, live, control=control))]
    ensemble = read_ensemble_at(place, weights=weights, control=control)
    members = [
        (live, prepared_of(member_folder(place, seed), live, control=control)) for seed, live in ensemble.members
    ]
    return ensemble.experiment, members


def _values_of(network: Network, rows: Array) -> Floats:
    """What the network says of many stored rows, block by block."""
    size = network.block_rows
    starts = enumerate(range(0, len(rows), size))
    return np.concatenate([network.say(rows[start : start + size], number).values for number, start in starts])


def _answers(
    network: Network,
    readers: Readers,
    promise: Calibrated | None,
    given: Sequence[InputColumn],
    inputs: Sequence[Path],
    notes: list[str],
    watch: Watch,
) -> Iterator[Answer]:
    changed = Changed()
    for number, items in enumerate(blocks_of(items_of(inputs, readers, watch), network.block_rows)):
        changed.look(items)
        yield from _answered(network, promise, given, items, number)
    notes.extend(changed.notes(readers))
    turned = changed.turned(readers)
    if turned is not None:
        hint = "" if turned.inverted else " Add --invert to answer them inverted."
        notes.append(f"{turned.sentence}{hint}")


@dataclass(slots=True)
class Changed:
    """Counts the cases that were changed so that they fit, and remembers the first."""

    count: int = 0
    reversed_pictures: int = 0
    shown: list[str] = field(default_factory=list)

    def look(self, items: Sequence[Item]) -> None:
        """Count those of one block."""
        for item in items:
            self.count += bool(item.note)
            self.reversed_pictures += item.is_reversed
            if item.note and len(self.shown) < SCALED_SHOWN:
                self.shown.append(item.note)

    def turned(self, readers: Readers) -> ReversedPictures | None:
        """The pictures whose ground is the reverse of the training pictures'; None without any."""
        reader = readers.pictures
        if not self.reversed_pictures or reader is None or reader.ground is None:
            return None
        dark_on_light = is_dark(reader.ground)
        return ReversedPictures(self.reversed_pictures, dark_on_light=dark_on_light, inverted=reader.invert)

    def notes(self, readers: Readers) -> list[str]:
        """What a person should know about everything that was read."""
        found = []
        if self.count:
            assert readers.pictures is not None
            height, width = readers.pictures.shape[:2]
            more = f" and {self.count - len(self.shown):,} more" if self.count > len(self.shown) else ""
            said = f"scaled to {width} × {height} pixels: {', '.join(self.shown)}{more}"
            found.append(f"{count_of(self.count, 'picture')} of another size, {said}.")
        for reader in (readers.pictures, readers.tables):
            if reader is not None:
                found.extend(reader.notes)
        return found


def blocks_of(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    """Cases in their order, as many at a time as `size` with values, all of one type; errors stay in their place."""
    block: list[Item] = []
    held, kind = 0, None
    for item in items:
        if item.values is not None:
            if held == size or (held and item.values.dtype != kind):
                yield block
                block, held = [], 0
            held, kind = held + 1, item.values.dtype
        elif len(block) - held >= size:  # a long run of errors
            yield block
            block, held = [], 0
        block.append(item)
    if block:
        yield block


def _answered(
    network: Network, promise: Calibrated | None, given: Sequence[InputColumn], items: list[Item], number: int
) -> Iterator[Answer]:
    """The answers of one block, errors among them in their place."""
    stored = [item.values for item in items if item.values is not None]
    found = iter(_with_values(network, promise, np.stack(stored), number) if stored else ())
    for item in items:
        if item.values is None:
            yield Answer(source=item.source, row=item.row, error=item.error)
        else:
            cells = () if not given else tuple(map(InputColumn.cell, given, item.values.tolist()))
            yield replace(next(found), source=item.source, row=item.row, given=cells)


def _with_values(network: Network, promise: Calibrated | None, stored: Array, number: int) -> Iterator[Answer]:
    said = network.say(stored, number)
    return _of_classes(network.classes, promise, said) if network.classes else _of_numbers(promise, said)


def _at(column: Floats | None, row: int) -> float | None:
    return None if column is None else float(column[row])


def _of_classes(classes: tuple[str, ...], promise: Calibrated | None, said: Said) -> Iterator[Answer]:
    sets = None if promise is None else promise.sets(said.values)
    for row, winner in enumerate(said.values.argmax(axis=1).tolist()):
        if said.unusable[row]:
            yield Answer(source="", row=None, error=NOT_FINITE)
            continue
        yield Answer(
            source="",
            row=None,
            prediction=classes[winner],
            probability=float(said.values[row, winner]),
            probabilities=tuple(said.values[row].tolist()),
            std=_at(said.std, row),
            predictive_entropy=_at(said.predictive_entropy, row),
            mutual_information=_at(said.mutual_information, row),
            kept=None if sets is None else sets[row],
        )


def _of_numbers(promise: Calibrated | None, said: Said) -> Iterator[Answer]:
    intervals = None if promise is None else promise.intervals(said.values)
    for row, value in enumerate(said.values.tolist()):
        if said.unusable[row] or not np.isfinite(value):
            yield Answer(source="", row=None, error=NOT_FINITE)
            continue
        yield Answer(
            source="",
            row=None,
            prediction=value,
            std=_at(said.std, row),
            low=_at(None if intervals is None else intervals.low, row),
            high=_at(None if intervals is None else intervals.high, row),
        )
