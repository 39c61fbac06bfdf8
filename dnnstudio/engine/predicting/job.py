"""The job `PredictFiles`: answers, written as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.answers import Answer
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import Event, Progress, Stage
from dnnstudio.core.jobs.requests import PredictFiles
from dnnstudio.core.jobs.results import PredictedFiles
from dnnstudio.core.text import count_of
from dnnstudio.core.uncertainty.set_kinds import SetKind
from dnnstudio.engine.predicting.predict import predict
from dnnstudio.engine.predicting.writing import write_answers

EVENT_INTERVAL_S = 0.5

Emit = Callable[[Event], None]


@dataclass(slots=True)
class _Count:
    answered: int = 0
    failed: int = 0
    first_error: str = ""

    def counted(self, answers: Iterator[Answer], job: str, emit: Emit) -> Iterator[Answer]:
        """The same answers, counted. Raises `UserError` at the end of inputs of which none could be answered."""
        told = time.monotonic()
        for answer in answers:
            self.answered += not answer.error
            self.failed += bool(answer.error)
            self.first_error = self.first_error or answer.error
            if (now := time.monotonic()) - told >= EVENT_INTERVAL_S:
                told = now
                done = self.answered + self.failed
                text = f"{count_of(done, 'case')} looked at"
                emit(Progress(run=job, done=done, total=0, text=text, stage=Stage.PREDICTING))
            yield answer
        if not self.answered:
            more = f" Nor could {self.failed - 1:,} more." if self.failed > 1 else ""
            raise UserError(f"Nothing could be answered: {self.first_error or 'there are no rows.'}{more}")


def _refuse_own_input(out: Path, inputs: Sequence[Path]) -> None:
    """Refuse to write over a file that is given, or lies in a folder that is given. Raises `UserError`."""
    if not out.exists():
        return
    place = out.resolve()
    for given in inputs:
        if place == given.resolve() or (given.is_dir() and place.is_relative_to(given.resolve())):
            where = "is one of the inputs" if place == given.resolve() else f"lies in {given}, one of the inputs"
            raise UserError(f"{out} {where}, and would be written over.", "Write the answers to another file.")


def predict_files(job: PredictFiles, control: Control, emit: Emit) -> PredictedFiles:
    """Answer the job's inputs and write its file, whole or not at all.

    Raises `UserError` where nothing could be answered or written, and `Cancelled`.
    """
    _refuse_own_input(job.out, job.inputs)
    emit(Progress(run=job.id, done=0, total=0, text="Reading the network", stage=Stage.PREPARING))
    found = predict(
        job.model,
        job.inputs,
        weights=job.weights,
        samples=job.samples,
        coverage=job.coverage,
        sets=SetKind(job.sets),
        seed=job.seed,
        columns=job.columns,
        invert=job.invert,
        control=control,
    )
    count = _Count()
    write_answers(count.counted(found.answers, job.id, emit), found.table, job.out)
    return PredictedFiles(
        path=job.out,
        answered=count.answered,
        failed=count.failed,
        first_error=count.first_error,
        notes=tuple(dict.fromkeys(found.notes)),
    )
