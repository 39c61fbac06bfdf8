"""The jobs of `core.jobs.cases`: the engine's side of the window that answers new cases."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.answers import Answer, Cell
from dnnstudio.core.jobs.cases import (
    AnswerCalibration,
    AnswerCases,
    AnsweredCases,
    Answering,
    AnswerRow,
    AnswerRows,
    AnswersCame,
    CalibrateAnswers,
    CopiedPictures,
    CopyPictures,
    DescribeNetwork,
    NetworkFacts,
    SaveAnswers,
    SavedAnswers,
)
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import Event, Progress, Stage
from dnnstudio.core.jobs.requests import PredictFiles
from dnnstudio.core.jobs.results import PredictedFiles
from dnnstudio.core.text import count_of
from dnnstudio.core.uncertainty.conformal import IntervalCalibration, SetCalibration
from dnnstudio.core.workspace.runs import model_file
from dnnstudio.engine.data.raw import Array
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.predicting.case_rows import Maker
from dnnstudio.engine.predicting.copying import copy_pictures
from dnnstudio.engine.predicting.facts import facts_of
from dnnstudio.engine.predicting.files import items_of
from dnnstudio.engine.predicting.items import Item
from dnnstudio.engine.predicting.job import predict_files
from dnnstudio.engine.predicting.network import Said
from dnnstudio.engine.predicting.predict import Asked, Changed, blocks_of, network_at
from dnnstudio.engine.predicting.promise import Calibrated, calibration_rows
from dnnstudio.engine.predicting.writing import write_answers

Emit = Callable[[Event], None]
KEPT_NETWORKS = 3
FIRST_BLOCK_S = 0.25
"""The first rows are shown once they come, or after so long: pictures from a slow disk must not look stuck."""

CaseResult = (
    AnsweredCases | AnswerRows | AnswerCalibration | NetworkFacts | SavedAnswers | CopiedPictures | PredictedFiles
)


class CaseJobs:
    """Runs the jobs, and keeps the networks that were asked last: a slider asks many times a second."""

    def __init__(self, place_of: Callable[[str | Path], Path], *, beside_window: bool) -> None:
        """`place_of` gives the folder or file of an opened model's id; paths are given back as they are."""
        self._place_of = place_of
        self._beside_window = beside_window
        self._kept: OrderedDict[object, Asked] = OrderedDict()

    def run(self, job: object, control: Control, emit: Emit) -> CaseResult:
        """The job's result. Raises `UserError` and `Cancelled`."""
        match job:
            case DescribeNetwork():
                return facts_of(self._asked(job.by, control))
            case AnswerCases():
                return self._answer(job, control, emit)
            case AnswerRow():
                return self._answer_row(job, control)
            case CalibrateAnswers():
                return self._calibrate(job, control, emit)
            case SaveAnswers():
                return save_answers(job)
            case CopyPictures():
                return copy_pictures(job, control, emit)
            case PredictFiles():
                return predict_files(job, control, emit)
        raise TypeError(f"no such job: {type(job).__name__}")

    def _asked(self, by: Answering, control: Control) -> Asked:
        place = self._place_of(by.model)
        file = model_file(place, by.weights) if place.is_dir() else place
        stamp = file.stat().st_mtime_ns if file.exists() else 0
        key = (place, by.weights, by.samples, by.seed, stamp)
        asked = self._kept.get(key)
        if asked is None:
            asked = network_at(
                place,
                weights=by.weights,
                samples=by.samples,
                seed=by.seed,
                control=control,
                beside_window=self._beside_window,
            )
            if stamp:  # an ensemble's folder has no file that would tell a change of its members
                self._kept[key] = asked
        while len(self._kept) > KEPT_NETWORKS:
            self._kept.popitem(last=False)
        if key in self._kept:
            self._kept.move_to_end(key)
        asked.network.control = control
        return asked

    def _answer(self, job: AnswerCases, control: Control, emit: Emit) -> AnsweredCases:
        emit(Progress(run=job.id, done=0, total=0, text="Reading the network", stage=Stage.PREPARING))
        asked = self._asked(job.by, control)
        readers, watch, changed = asked.readers(invert=job.by.invert), Watch(control), Changed()
        maker = _maker(asked)
        answered = failed = 0
        counted = _Counted(job.id, emit)
        blocks = blocks_of(counted.of(items_of(job.inputs, readers, watch)), asked.network.block_rows)
        for number, items in enumerate(blocks):
            changed.look(items)
            rows = maker.answered(items, number)
            wrong = sum(bool(error) for error in rows.errors)
            failed += wrong
            answered += len(rows) - wrong
            emit(AnswersCame(run=job.id, rows=rows))
        notes = (*asked.notes, *changed.notes(readers))
        turned = changed.turned(readers)
        return AnsweredCases(answered=answered, failed=failed, notes=tuple(dict.fromkeys(notes)), turned=turned)

    def _answer_row(self, job: AnswerRow, control: Control) -> AnswerRows:
        asked = self._asked(job.by, control)
        width = len(facts_of(asked).columns)
        if len(job.values) != width:
            raise UserError(f"The row has {len(job.values)} values; the network reads {width}.", "Fill in all of them.")
        values: Array = np.asarray(job.values, np.float64)
        return _maker(asked).answered([Item("", 1, values=values)], 0)

    def _calibrate(self, job: CalibrateAnswers, control: Control, emit: Emit) -> AnswerCalibration:
        emit(Progress(run=job.id, done=0, total=0, text="Reading the rows to calibrate on", stage=Stage.PREPARING))
        asked = self._asked(job.by, control)
        network = asked.network
        rows = calibration_rows(
            asked.experiment,
            classes=network.classes,
            several=len(asked.members) > 1,
            home=asked.home,
            control=control,
        )
        if not len(rows.x):
            raise UserError("There are no rows to calibrate on.", "Keep some for validation, and train again.")
        values, uncertainties = [], []
        size = network.block_rows
        for number, start in enumerate(range(0, len(rows.x), size)):
            control.check()
            said = network.say(rows.x[start : start + size], number)
            values.append(said.values)
            uncertainties.append(_uncertainties(said, classes=bool(network.classes)))
            emit(Progress(run=job.id, done=start + len(said.values), total=len(rows.x), text="Calibrating"))
        found = [uncertainty for uncertainty in uncertainties if uncertainty is not None]
        return AnswerCalibration(
            values=np.concatenate(values),
            truth=rows.y,
            note=rows.note,
            uncertainties=np.concatenate(found) if found else None,
        )


def _maker(asked: Asked) -> Maker:
    first = asked.members[0][1]
    return Maker(asked.network, first.full_scale, table=bool(facts_of(asked).columns))


def _uncertainties(said: Said, *, classes: bool) -> Array | None:
    """As the window's list shows them: what passes disagree on, else what the likeliest class lacks to certainty."""
    if not classes:
        return said.std
    return said.mutual_information if said.mutual_information is not None else 1.0 - said.values.max(axis=1)


@dataclass(slots=True)
class _Counted:
    """Tells how many cases were read while a block is being filled."""

    job: str
    emit: Emit
    done: int = 0

    def of(self, items: Iterator[Item]) -> Iterator[Item]:
        told = time.monotonic()
        for item in items:
            self.done += 1
            if (now := time.monotonic()) - told >= FIRST_BLOCK_S:
                told = now
                text = f"{count_of(self.done, 'case')} read"
                self.emit(Progress(run=self.job, done=self.done, total=0, text=text, stage=Stage.PREDICTING))
            yield item


def save_answers(job: SaveAnswers) -> SavedAnswers:
    """Write the job's file, whole or not at all. Raises `UserError`."""
    rows = sum(len(block) for block in job.blocks)
    if not rows:
        raise UserError("There are no answers to save.", "Give the network something to answer first.")
    write_answers(_answers(job), job.table, job.path)
    without = sum(len(block) for block in job.blocks if block.cells is None and not all(block.errors))
    return SavedAnswers(job.path, rows, without if job.inputs else 0)


def _answers(job: SaveAnswers) -> Iterator[Answer]:
    start = 0
    for block in job.blocks:
        promised = None if job.calibration is None else _promised(job.calibration, job.table.class_names, block)
        for row in range(len(block)):
            yield _answer(job, block, row, start + row, promised)
        start += len(block)


Promised = tuple[list[tuple[str, ...]] | None, Array | None, Array | None]
"""Sets of the rows, or the lower and upper ends of their intervals."""


def _promised(
    calibration: SetCalibration | IntervalCalibration, classes: tuple[str, ...], block: AnswerRows
) -> Promised:
    found = Calibrated(calibration, classes, "")
    if isinstance(calibration, IntervalCalibration):
        ends = found.intervals(block.values)
        return None, ends.low, ends.high
    return found.sets(np.where(np.isfinite(block.values), block.values, 1.0 / len(classes))), None, None


def _answer(job: SaveAnswers, block: AnswerRows, row: int, place: int, promised: Promised | None) -> Answer:
    source, number = block.sources[row], int(block.rows[row]) or None
    corrected = job.corrected.get(place)
    ask = None if job.referred is None else bool(job.referred[place])
    given: tuple[Cell, ...] = ()
    if block.cells is not None:
        given = tuple(column.cell(value) for column, value in zip(job.inputs, block.cells[row].tolist(), strict=True))
    if block.errors[row]:
        return Answer(source=source, row=number, error=block.errors[row], ask=ask, corrected=corrected, given=given)

    def at(column: Array | None) -> float | None:
        return None if column is None else float(column[row])

    sets, low, high = promised or (None, None, None)
    values = block.values[row]
    classes = job.table.class_names
    winner = int(values.argmax()) if classes else 0
    return Answer(
        source=source,
        row=number,
        prediction=classes[winner] if classes else float(values),
        probability=float(values[winner]) if classes else None,
        probabilities=tuple(values.tolist()) if classes else (),
        std=at(block.std),
        predictive_entropy=at(block.predictive_entropy),
        mutual_information=at(block.mutual_information),
        kept=None if sets is None else sets[row],
        low=at(low),
        high=at(high),
        ask=ask,
        corrected=corrected,
        given=given,
    )
