"""What the fake engine answers about new cases: invented probabilities, the same for the same file and row.

A file `NAME 25.csv` has 25 rows of a table with the columns of `COLUMNS`; every other file is one picture, and a name
with "broken" in it cannot be read.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dnnstudio.core.errors import UserError
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
    InputColumn,
    NetworkFacts,
    ReversedPictures,
    SaveAnswers,
    SavedAnswers,
)
from dnnstudio.core.jobs.events import Progress
from dnnstudio.core.uncertainty.scores import entropy

CLASSES = ("cat", "dog", "owl", "pig")
COLUMNS = (
    InputColumn(name="size", low=0.0, high=10.0, start=5.0),
    InputColumn(name="color", kind="category", categories=("blue", "red", "white"), seen=(0, 1), may_be_empty=True),
    InputColumn(name="day", kind="date", low=19_723.0, high=19_753.0, start=19_730.0),
)
BLOCK = 40
SIDE = 6


def network_of(model: str | Path) -> NetworkFacts:
    """What a network can be asked, by its name: table, number, plain (without dropout)."""
    name = Path(model).name
    if "refused" in name:
        raise UserError("This network cannot be asked.", "Choose another.")
    table = "table" in name or "number" in name
    return NetworkFacts(
        classes=() if "number" in name else CLASSES,
        target="price" if "number" in name else "animal",
        random="plain" not in name,
        pictures=not table,
        tables=table,
        arrays=not table,
        columns=COLUMNS if table else (),
    )


def play(job: Any) -> Iterator[Any] | None:
    """The job as a generator, or None where it is none of these."""
    match job:
        case DescribeNetwork():
            return _described(job)
        case AnswerCases():
            return _answered(job)
        case AnswerRow():
            return _row(job)
        case CalibrateAnswers():
            return _calibrated(job)
        case SaveAnswers():
            return _saved(job)
        case CopyPictures():
            return _copied(job)
    return None


def rows_of(by: Answering, cases: list[tuple[str, int]], *, cells: np.ndarray | None = None) -> AnswerRows:
    """Invented answers to these cases: file and row each."""
    facts = network_of(by.model)
    values, passes = [], by.samples or 1
    for source, row in cases:
        random = np.random.default_rng(zlib.crc32(f"{source} {row}".encode()))
        drawn = random.dirichlet((0.5,) * len(CLASSES), passes) if facts.classes else random.normal(50, 9, (passes, 1))
        values.append(drawn)
    given = np.stack(values)  # [rows, passes, classes]
    errors = tuple(f"{Path(source).name}: damaged." if "broken" in source else "" for source, _ in cases)
    good = np.asarray([not error for error in errors])
    mean = np.where(good[:, None], given.mean(axis=1), np.nan)
    sampled = by.samples is not None
    top = np.argsort(-mean, axis=1)
    whole = entropy(np.where(good[:, None], mean, 0.25))
    return AnswerRows(
        sources=tuple(source for source, _ in cases),
        rows=np.asarray([row for _, row in cases], np.int64),
        errors=errors,
        values=mean if facts.classes else mean[:, 0],
        std=given.std(axis=1)[:, 0] if sampled else None,
        predictive_entropy=np.where(good, whole, np.nan) if sampled and facts.classes else None,
        mutual_information=np.where(good, whole / 4, np.nan) if sampled and facts.classes else None,
        off=None if not sampled else mean if facts.classes else mean[:, 0],
        passes=np.take_along_axis(given, top[:, None, :], axis=2).astype(np.float32) if sampled else None,
        top=top,
        votes=np.zeros_like(top),
        pictures=np.full((len(cases), SIDE, SIDE), 90, np.uint8) if facts.pictures else None,
        cells=cells,
    )


def _described(job: DescribeNetwork) -> Iterator[Any]:
    yield Progress(run=job.id, done=0, total=0, text="Reading the network")
    return network_of(job.by.model)


def _cases(paths: tuple[Path, ...]) -> list[tuple[str, int]]:
    found = []
    for path in paths:
        last = path.stem.split(" ")[-1]
        count = int(last) if path.suffix == ".csv" and last.isdigit() else 1
        found += [(str(path), row + 1) for row in range(count)]
    return found


def _answered(job: AnswerCases) -> Iterator[Any]:
    cases = _cases(job.inputs)
    failed = 0
    for start in range(0, len(cases), BLOCK):
        part = cases[start : start + BLOCK]
        cells = None
        if network_of(job.by.model).columns:
            cells = np.column_stack([np.arange(len(part)) % 11, np.arange(len(part)) % 2, np.full(len(part), 19_740.0)])
        rows = rows_of(job.by, part, cells=cells)
        failed += sum(map(bool, rows.errors))
        yield AnswersCame(run=job.id, rows=rows)
    papers = sum("paper" in source for source, _ in cases)
    turned = ReversedPictures(papers, inverted=job.by.invert) if papers else None
    notes = ("One note.",) if failed else ()
    return AnsweredCases(answered=len(cases) - failed, failed=failed, notes=notes, turned=turned)


def _row(job: AnswerRow) -> Iterator[Any]:
    yield from ()
    return rows_of(job.by, [("", round(1000 * job.values[0]))])


def _calibrated(job: CalibrateAnswers) -> Iterator[Any]:
    yield Progress(run=job.id, done=0, total=1, text="Calibrating")
    if "lost" in str(job.by.model):
        raise UserError("The data of the run is gone.", "Bring it back to its place.")
    uncertainties = np.linspace(0.0, 0.4, 41)
    scores = np.linspace(0.0, 1.0, 41) ** 2
    if not network_of(job.by.model).classes:
        note = "Calibrated on 41 rows."
        return AnswerCalibration(values=np.zeros(41), truth=scores, note=note, uncertainties=uncertainties)
    return calibration(scores, uncertainties=uncertainties)


def calibration(scores: Any, *, uncertainties: Any = None) -> AnswerCalibration:
    """Rows whose true class, each in its turn, has the probability 1 − the score [rows]; the next one has the rest."""
    rows = np.arange(len(scores))
    truth = rows % len(CLASSES)
    values = np.zeros((len(scores), len(CLASSES)))
    values[rows, truth] = 1.0 - np.asarray(scores)
    values[rows, (truth + 1) % len(CLASSES)] = scores
    note = f"Calibrated on {len(scores)} rows."
    return AnswerCalibration(values=values, truth=truth, note=note, uncertainties=uncertainties)


def _saved(job: SaveAnswers) -> Iterator[Any]:
    yield from ()
    job.path.write_text("saved", encoding="utf-8")
    return SavedAnswers(job.path, sum(map(len, job.blocks)))


def _copied(job: CopyPictures) -> Iterator[Any]:
    yield from ()
    return CopiedPictures(job.folder, len(job.pictures) - 1, ((job.pictures[0][0], "not there"),))
