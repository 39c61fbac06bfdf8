"""A table of flowers as the engine would describe it, with invented figures; it follows roles and kinds asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Column, Data, DataSummary, Fraction, Npz, PictureAugmentation, Table
from dnnstudio.core.experiment.data.questions import Question
from dnnstudio.core.jobs.proposals import (
    ColumnChange,
    ColumnFacts,
    DataProposal,
    DroppedLine,
    InputGroup,
    Note,
    Reading,
    Refusal,
    TableFindings,
)
from dnnstudio.core.jobs.requests import Augment, ProposeData
from dnnstudio.core.jobs.results import Augmented
from dnnstudio.core.planning.network_for import network_for

COLUMNS = (
    ColumnFacts(name="no", role="ignored", kind="id", reason="It counts the rows.", different=90, missing=0,
                span="90 values"),
    ColumnFacts(name="length", role="feature", kind="number", reason="Numbers.", different=40, missing=3,
                bars=(2, 9, 4), span="1.2 to 8", inputs=1),
    ColumnFacts(name="colour", role="feature", kind="category", reason="Texts.", different=3, missing=0,
                bars=(40, 30, 20), labels=("red", "blue", "white"), span="3 values", inputs=3),
    ColumnFacts(name="flower", role="target", kind="category", reason="The last one.", different=2, missing=0,
                bars=(50, 40), labels=("iris", "rose"), span="2 classes"),
)  # fmt: skip
KEEP = ColumnChange("no", role="feature")
FOUND = Reading(encoding="utf-8", separator="comma", header="yes", decimal="point", thousands="none")


ROWS = 5
"""As many pictures the window of augmentation can look at."""


def augmented_for(job: Augment) -> Augmented:
    """A ramp, and versions that are brighter the further the sliders stand."""
    item, row = job.data.augmentation, job.row % ROWS
    strength = round(100 * item.shift + item.turn) if isinstance(item, PictureAugmentation) else 0
    ramp = np.arange(64, dtype=np.uint8).reshape(8, 8) + row
    pictures = np.stack([ramp, *(ramp + strength for _ in range(job.count - 1))]).astype(np.uint8)
    return Augmented(pictures=pictures, row=row, rows=ROWS)


def proposal_for(job: ProposeData) -> DataProposal:
    """The answer to a question; a file called broken.csv cannot be read. Raises `UserError`."""
    path = job.paths[0]
    if path.name == "broken.csv":
        raise UserError("broken.csv cannot be read as a table: its lines hold one column only.", "Mend the file.")
    if path.suffix == ".npz":
        return _arrays(job)
    changes = {change.name: change for change in job.columns}
    taken = {change.role for change in job.columns} & {"target"}
    columns = tuple(_changed(facts, changes.get(facts.name), bool(taken)) for facts in COLUMNS)
    target = next((facts for facts in columns if facts.role == "target"), None)
    table = TableFindings(
        file="text",
        reading=replace(FOUND, separator=(job.reading and job.reading.separator) or "comma"),
        sheets=(),
        rows=90,
        width=4,
        place="line",
        columns=columns,
        lines=(2, 3, 5),
        cells=(("1", "1.2", "red", "iris"), ("2", None, "blue", "rose"), ("3", "8.0", "white", "iris")),
        dropped=(DroppedLine(4, 2, "3,7.1"),),
        dropped_count=1,
        inputs=(InputGroup(("colour",), "one of 3", 3), InputGroup(("length",), "standardized", 1)),
    )
    notes = (
        Note(text="1 line dropped: 4.", severity="hint", action="Show", line=4),
        Note(text="no is left out.", action="Keep it", changes=(KEEP,)),
    )
    if target is None:
        refusal = Refusal("No column is the one to predict.", "Give one column the role Target.")
        return DataProposal(path=path, experiment=None, summary=None, notes=notes, table=table, refusal=refusal)
    numbers = target.kind == "number"
    inputs = sum(facts.inputs for facts in columns if facts.role == "feature")
    summary = DataSummary((inputs,), () if numbers else ("iris", "rose"), not numbers, (58, 14, 18), origin=path.name)
    source = Table(
        path=str(path),
        target="number" if numbers else "classes",
        columns=tuple(Column(name=facts.name, role=facts.role, kind=facts.kind) for facts in columns),
    )
    data = Data(source=source, validation=Fraction(fraction=job.validation_share), test_share=job.test_share)
    return DataProposal(
        path=path,
        experiment=network_for(data, summary, name=path.stem, seed=job.seed),
        summary=summary,
        target=target.name,
        class_counts=() if numbers else (50, 40),
        notes=notes,
        table=table,
    )


QUESTIONS = (
    Question("x_train", "Which array holds the rows to train on?", ("left", "right")),
    Question("y_train", "Which array holds their labels?", ("kind",)),
)


def _arrays(job: ProposeData) -> DataProposal:
    """Arrays of which it must be asked what they are."""
    given = {answer.field: answer.value for answer in job.answers}
    missing = next((question for question in QUESTIONS if question.field not in given), None)
    path = job.paths[0]
    if missing is not None:
        refusal = Refusal(missing.text, "It cannot be told from the file alone.")
        return DataProposal(path=path, experiment=None, summary=None, questions=QUESTIONS, answers=job.answers,
                            refusal=refusal)  # fmt: skip
    summary = DataSummary((4,), ("p", "q"), True, (58, 14, 18), origin=path.name)
    data = Data(source=Npz(path=str(path)).replaced(**given))
    return DataProposal(
        path=path,
        experiment=network_for(data, summary, name=path.stem, seed=job.seed),
        summary=summary,
        class_counts=(50, 40),
        questions=QUESTIONS,
        answers=job.answers,
    )


def _changed(facts: ColumnFacts, change: ColumnChange | None, target_taken: bool) -> ColumnFacts:
    role, kind = facts.role, facts.kind
    if role == "target" and target_taken:
        role = "feature"
    if change is not None:
        role, kind = change.role or role, change.kind or kind
        if role == "feature" and kind == "id":
            kind = "number"
    inputs = facts.inputs or 1
    return replace(facts, role=role, kind=kind, inputs=inputs if role == "feature" else 0)
