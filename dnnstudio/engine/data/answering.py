"""The answer to `ProposeData`: a person's own files read, judged, and made into an experiment that can be trained.

Tables come with their findings, so that each can be changed; all else goes through `proposing.propose`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dnnstudio.core.analysis.checks.targets import UNEQUAL
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data, Fraction, Npz, Source, Table
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.proposals import Answer, DataProposal, Note, Reading, Refusal
from dnnstudio.core.jobs.requests import ProposeData
from dnnstudio.core.planning.following import data_name
from dnnstudio.core.planning.network_for import network_for
from dnnstudio.core.text import count_of, percent, shortened
from dnnstudio.engine.data.arrays.propose import implied_by
from dnnstudio.engine.data.loading import Plan, describe, find_consequences, plan_of
from dnnstudio.engine.data.proposing import no_data, propose_for
from dnnstudio.engine.data.reading import ProgressCall, Watch
from dnnstudio.engine.data.recognize import Recognized, recognize
from dnnstudio.engine.data.tables import kept_cells
from dnnstudio.engine.data.tables.choices import Choice, choose
from dnnstudio.engine.data.tables.files import is_table_file
from dnnstudio.engine.data.tables.findings import findings, notes
from dnnstudio.engine.data.tables.reader import with_findings

_TEST_NAME = re.compile(r"(^|[^a-z])(test|testing|holdout)([^a-z]|$)", re.I)


def propose_data(
    job: ProposeData, *, control: Control | None = None, progress: ProgressCall | None = None
) -> DataProposal:
    """The proposal for the job's files. Raises `UserError` where nothing can be shown, or `Cancelled`."""
    tables = [path.expanduser().absolute() for path in job.paths]
    if len(tables) == 2 and all(is_table_file(path) for path in tables):
        return _Table(job, *_with_test(tables), Watch(control, progress)).proposal()
    found = recognize(job.paths, watch=Watch(control, progress))
    if isinstance(found.source, Table):
        return _Table(job, Path(found.source.path), None, Watch(control, progress)).proposal()
    if found.source is None:
        raise no_data(found)
    return _other(job, found, found.source, control, progress)


def _with_test(paths: Sequence[Path]) -> tuple[Path, Path]:
    """The table to train on and that of its test rows, which its name tells apart. Raises `UserError`."""
    tests = [path for path in paths if _TEST_NAME.search(path.stem)]
    if len(tests) != 1:
        raise UserError(
            f"{paths[0].name} and {paths[1].name}: it is not clear which holds the test rows.",
            "Choose one table, or a table and one with “test” in its name.",
        )
    return next(path for path in paths if path not in tests), tests[0]


def _other(
    job: ProposeData, found: Recognized, source: Source, control: Control | None, progress: ProgressCall | None
) -> DataProposal:
    """Pictures and arrays, with the job's answers, shares and seed."""
    path, answers = found.paths[0], {answer.field: answer.value for answer in job.answers}
    answers |= _implied(found, source, answers)
    given = tuple(Answer(field, value) for field, value in answers.items())
    open_questions = tuple(question for question in found.questions if question.field not in answers)
    if open_questions:
        return DataProposal(
            path=path,
            experiment=None,
            summary=None,
            questions=found.questions,
            answers=given,
            refusal=Refusal(open_questions[0].text, f"It cannot be told from {path.name} alone."),
        )
    source = source.replaced(**{question.field: answers[question.field] for question in found.questions})
    made = propose_for(source, path, control=control)
    data = made.experiment.data.replaced(validation=Fraction(fraction=job.validation_share), test_share=job.test_share)
    preview = describe(data, seed=job.seed, control=control, progress=progress)
    plan = plan_of(data, seed=job.seed, control=control)
    return DataProposal(
        path=path,
        experiment=made.experiment.replaced(data=data, seed=job.seed),
        summary=preview.summary,
        target=made.target,
        class_counts=_class_counts(plan),
        given_parts=_given_parts(plan),
        notes=(
            *_unequal(preview.summary.class_names, _class_counts(plan)),
            *(Note(text=text) for text in preview.summary.notes),
        ),
        questions=found.questions,
        answers=given,
        thumbnails=preview.thumbnails,
    )


def _implied(found: Recognized, source: Source, answers: Mapping[str, str]) -> dict[str, str]:
    """The open questions that have one answer left, once others are answered."""
    rest = [question for question in found.questions if question.field not in answers]
    if isinstance(source, Npz) and answers and rest:
        return implied_by(Path(source.path), answers)
    return {question.field: question.choices[0] for question in rest if answers and len(question.choices) == 1}


@dataclass(frozen=True, slots=True)
class _Table:
    """One answer about a table: what was asked, and the files."""

    job: ProposeData
    path: Path
    test: Path | None
    watch: Watch

    def proposal(self) -> DataProposal:
        source = self._source()
        kept = kept_cells.keep(source, self.path, self.watch)
        choice = choose(kept, source, self.job.columns, self.watch)
        refusal = choice.refusal
        if choice.judgement is not None:
            source = with_findings(source, kept.cells, choice.judgement)
            try:
                data, plan = self._plan(source)
            except UserError as error:
                refusal = error
            else:
                return self._whole(kept, source, choice, data, plan)
        assert refusal is not None
        return DataProposal(
            path=self.path,
            experiment=None,
            summary=None,
            target=choice.judgement.target if choice.judgement is not None else "",
            notes=notes(kept, source, choice, (), (), self.job.columns),
            table=findings(kept, source, choice, None),
            refusal=Refusal(refusal.message, refusal.hint),
        )

    def _source(self) -> Table:
        reading = self.job.reading or Reading()
        return Table(
            path=str(self.path),
            test_path=None if self.test is None else str(self.test),
            encoding=reading.encoding,
            separator=reading.separator,
            header=reading.header,
            decimal=reading.decimal,
            thousands=reading.thousands,
            sheet=reading.sheet,
        )

    def _plan(self, source: Table) -> tuple[Data, Plan]:
        data = Data(
            source=source,
            validation=Fraction(fraction=self.job.validation_share),
            test_share=self.job.test_share,
            scaling="standardize",
        )
        return data, plan_of(data, seed=self.job.seed, control=self.watch.control)

    def _whole(self, kept: kept_cells.KeptCells, source: Table, choice: Choice, data: Data, plan: Plan) -> DataProposal:
        summary = plan.preview.summary
        found = find_consequences(data, seed=self.job.seed, control=self.watch.control)
        target = source.target_column
        return DataProposal(
            path=self.path,
            experiment=self._experiment(data, plan),
            summary=summary,
            target="" if target is None else target.name,
            class_counts=_class_counts(plan),
            given_parts=_given_parts(plan),
            notes=(
                *_unequal(summary.class_names, _class_counts(plan)),
                *notes(kept, source, choice, found, summary.notes, self.job.columns),
            ),
            table=findings(kept, source, choice, plan.preparation),
        )

    def _experiment(self, data: Data, plan: Plan) -> Experiment:
        name = data_name(self.path)
        return network_for(data, plan.preview.summary, name=name, seed=self.job.seed)


def _class_counts(plan: Plan) -> tuple[int, ...]:
    """The rows of each class over all parts; empty where a number is predicted."""
    classes = plan.preview.summary.classes
    if not classes:
        return ()
    counts = sum(np.bincount(y[y >= 0].astype(np.int64), minlength=classes) for y in plan.targets)
    return tuple(int(count) for count in np.atleast_1d(counts))


def _given_parts(plan: Plan) -> tuple[str, ...]:
    """The parts of the split that no share decides."""
    parts = plan.raw.keys.parts
    validation = parts is not None and bool((parts == 1).any())
    test = plan.raw.test is not None or (parts is not None and bool((parts == 2).any()))
    return tuple(name for name, given in (("validation", validation), ("test", test)) if given)


def _unequal(names: Sequence[str], counts: Sequence[int]) -> tuple[Note, ...]:
    """A word on classes of which one is rare, from the same bound on as the advice that offers to balance them."""
    known = [count for count in counts if count]
    if len(known) < 2 or max(known) < UNEQUAL * min(known):
        return ()
    rare, common = (shortened(names[counts.index(pick(known))], 24) for pick in (min, max))
    return (
        Note(
            text=f"“{rare}” is rare: {min(known):,} of {count_of(sum(known), 'row')}.",
            detail=f"Always saying “{common}” would be right in {percent(max(known) / sum(known))}, so look at the "
            "balanced accuracy. Training, class weights, balances them.",
            severity="hint",
        ),
    )
