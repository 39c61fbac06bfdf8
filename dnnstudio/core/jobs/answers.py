"""What a network answers to new cases: one record a picture or row, and the columns of the file that holds them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from dnnstudio.core.text import as_unicode

Cell = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to one picture or row, or why there is none.

    `source` is the file as it was given or found; `row` counts from 1 within it, None where a whole file could not be
    used. `prediction` is a class's name or a number in the target's own unit, None where there is an `error`, a
    sentence. `probabilities` has one for each class; `std`, `predictive_entropy` and `mutual_information` (in nats)
    compare passes. `kept` is the set of classes that the promised coverage leaves, likeliest first; `low` and `high`
    are its interval where a number is predicted. `ask` says whether a person should look at it, `corrected` what a
    person said instead. `given` are the cells that the network read, one for each of the table's `inputs`.
    """

    source: str
    row: int | None
    prediction: str | float | None = None
    probability: float | None = None
    probabilities: tuple[float, ...] = ()
    std: float | None = None
    predictive_entropy: float | None = None
    mutual_information: float | None = None
    kept: tuple[str, ...] | None = None
    low: float | None = None
    high: float | None = None
    error: str = ""
    ask: bool | None = None
    corrected: str | float | None = None
    given: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """Which columns the answers of one job have. `class_names` is empty where a number is predicted.

    `referrals` adds a column that says which cases to send to a person, `corrections` one for what a person said
    instead. `inputs` are the columns of a table's row that the network reads, with the types of their cells.
    """

    class_names: tuple[str, ...]
    passes: bool = False
    coverage: bool = False
    referrals: bool = False
    corrections: bool = False
    inputs: tuple[tuple[str, type], ...] = ()

    @property
    def columns(self) -> dict[str, type]:
        """Column → the type of its cells, each of which may also be empty, in the order of the file."""
        found: dict[str, type] = {"source": str, "row": int, "prediction": str if self.class_names else float}
        if self.class_names:
            found["probability"] = float
            found |= dict.fromkeys((f"probability:{name}" for name in self.class_names), float)
        if self.passes:
            found["std"] = float
            if self.class_names:
                found |= {"predictive_entropy": float, "mutual_information": float}
        if self.coverage:
            found |= {"set": str} if self.class_names else {"low": float, "high": float}
        found["error"] = str
        if self.referrals:
            found["ask_a_person"] = str
        if self.corrections:
            found["corrected"] = str if self.class_names else float
        return found | dict(zip(self._input_names(found), (kind for _, kind in self.inputs), strict=True))

    def _input_names(self, taken: Collection[str]) -> list[str]:
        """The names of the inputs in the file: their own, after "input:" where a column of the answers has it."""
        names = set(taken) | {name for name, _ in self.inputs}
        found = []
        for name, _ in self.inputs:
            own = name
            while own in taken or (own != name and own in names):
                own = f"input:{own}"
            found.append(own)
        return found

    def cells(self, answer: Answer) -> dict[str, Cell]:
        """The cells of one answer by column. The classes of a set are joined by |; one that none fits is an empty text,
        and one that was not asked for is no cell at all."""
        found: dict[str, Cell] = {
            "source": as_unicode(answer.source),
            "row": answer.row,
            "prediction": answer.prediction,
            "probability": answer.probability,
            "std": answer.std,
            "predictive_entropy": answer.predictive_entropy,
            "mutual_information": answer.mutual_information,
            "set": None if answer.kept is None else "|".join(answer.kept),
            "low": answer.low,
            "high": answer.high,
            "error": as_unicode(answer.error) or None,
            "ask_a_person": None if answer.ask is None else "yes" if answer.ask else "no",
            "corrected": answer.corrected,
        }
        columns = self.columns
        given = answer.probabilities or (None,) * len(self.class_names)
        found |= {f"probability:{name}": value for name, value in zip(self.class_names, given, strict=True)}
        inputs = list(columns)[len(columns) - len(self.inputs) :]
        own = answer.given or (None,) * len(inputs)
        answers = {name: found[name] for name in list(columns)[: len(columns) - len(inputs)]}
        return answers | {
            name: as_unicode(cell) if isinstance(cell, str) else cell for name, cell in zip(inputs, own, strict=True)
        }
