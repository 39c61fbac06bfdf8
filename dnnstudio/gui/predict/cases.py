"""The answers so far, as arrays: what is sure, doubtful or strange, in which order, and what a person corrected. No Qt.

Whatever a slider or a field changes (coverage, threshold) is computed from the numbers that are here; only the passes
and the weights need the engine again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.jobs.answers import AnswerTable
from dnnstudio.core.jobs.cases import AnswerCalibration, AnswerRows, NetworkFacts
from dnnstudio.core.uncertainty.conformal import IntervalCalibration, SetCalibration
from dnnstudio.core.uncertainty.scores import PRIMARY, SCORES, entropy
from dnnstudio.gui.predict.names import name_of
from dnnstudio.gui.predict.promised import CasePromise

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
State = Literal["all", "sure", "ask", "strange", "failed"]
SortKey = Literal["input", "answer", "probability", "uncertainty", "set"]
SINGLE = "max_probability"
SPREAD = "std"
ASKED_SHARE = 0.1
"""Without a threshold of a person's own, the most doubtful tenth of the calibration rows is above it."""


def _margin(block: AnswerRows) -> Floats:
    top = np.partition(block.values, -2, axis=1)
    return np.asarray(1.0 - (top[:, -1] - top[:, -2]))


def _predictive(block: AnswerRows) -> Floats:
    """Of one pass the entropy of its answer, as the inspector has it."""
    return entropy(block.values) if block.predictive_entropy is None else block.predictive_entropy


def _expected(block: AnswerRows) -> Floats | None:
    if block.predictive_entropy is None or block.mutual_information is None:
        return None
    return np.asarray(block.predictive_entropy - block.mutual_information)


UNCERTAINTIES: dict[str, Callable[[AnswerRows], Floats | None]] = {
    PRIMARY: lambda block: block.mutual_information,
    "predictive_entropy": _predictive,
    "expected_entropy": _expected,
    "winner_std": lambda block: block.std,
    "margin": _margin,
    SINGLE: lambda block: 1.0 - block.values.max(axis=1),
    SPREAD: lambda block: block.std,
}
"""Score → the doubt about each row, larger where it is less sure; None where it cannot be told."""


class Cases:
    """Rows in the order in which they came. `place` is a row's number among all of them, from 0."""

    def __init__(self) -> None:
        self.facts = NetworkFacts(classes=())
        self.blocks: list[AnswerRows] = []
        self.promise = CasePromise()
        self.passes = True
        """Whether the answers are the mean of several passes, or of members."""
        self.score = PRIMARY
        self.threshold: float | None = None
        self.corrected: dict[int, str | float] = {}
        self.confirmed: set[int] = set()
        self._removed: set[int] = set()
        self._starts: list[int] = [0]
        self._parts: dict[str, list[NDArray[np.generic]]] = {}
        self._columns: dict[str, NDArray[np.generic]] = {}
        self._sized_for: tuple[object, ...] = ()
        self._marked: tuple[object, NDArray[np.bool_], NDArray[np.bool_]] | None = None
        self._changes = 0

    def __len__(self) -> int:
        return self._starts[-1]

    # ------------------------------------------------------------------------------------------ filling

    def clear(self, facts: NetworkFacts, *, passes: bool) -> None:
        """Begin again, with a network that tells these classes apart, or predicts a number."""
        self.facts = facts
        self.blocks, self._starts = [], [0]
        self._columns.clear()
        self._parts.clear()
        self.corrected, self.confirmed, self._removed = {}, set(), set()
        self._changes += 1
        self.passes = passes
        self.score = self.usual_score

    def add(self, block: AnswerRows) -> tuple[int, int]:
        """Append a block; the places of its first row and of the one after its last."""
        start = len(self)
        self.blocks.append(block)
        self._starts.append(start + len(block))
        self._columns.clear()
        return start, len(self)

    def at(self, place: int) -> tuple[AnswerRows, int]:
        """The block of a row, and its number there."""
        number = int(np.searchsorted(self._starts, place, side="right")) - 1
        return self.blocks[number], place - self._starts[number]

    def remove(self, place: int) -> None:
        """Leave a row out of the list and of every count. The saved file still has it."""
        self._removed.add(place)

    # ------------------------------------------------------------------------------------------ columns

    def _column(self, name: str, make: Callable[[AnswerRows], NDArray[np.generic]]) -> NDArray[np.generic]:
        """One value a row: [rows]. What is known of a block stays when others come."""
        found = self._columns.get(name)
        if found is None:
            parts = self._parts.setdefault(name, [])
            parts.extend(make(block) for block in self.blocks[len(parts) :])
            found = self._columns[name] = np.concatenate(parts) if parts else np.zeros(0)
        return found

    @property
    def is_number(self) -> bool:
        """Whether a number is predicted."""
        return not self.facts.classes

    @property
    def usual_score(self) -> str:
        """What doubt is measured by unless a person chose another score."""
        return SPREAD if self.is_number else PRIMARY if self.passes else SINGLE

    def can_tell(self, score: str) -> bool:
        """Whether the answers have this score, whichever rows come."""
        if self.is_number or score not in SCORES:
            return False
        return score in UNCERTAINTIES and (self.passes or SCORES[score].of_single_pass)

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Which rows have no answer: [rows]."""
        made = self._column("failed", lambda block: np.asarray([bool(error) for error in block.errors], bool))
        return made.astype(bool)

    @property
    def winners(self) -> Ints:
        """The likeliest class of each row, −1 without an answer: [rows]. Zeros where a number is predicted."""

        def make(block: AnswerRows) -> Ints:
            if self.is_number:
                return np.zeros(len(block), np.int64)
            likeliest: Ints = np.nan_to_num(block.values).argmax(axis=1)
            return np.where(np.isfinite(block.values).all(axis=1), likeliest, -1).astype(np.int64)

        return self._column("winners", make).astype(np.int64, copy=False)

    @property
    def shares(self) -> Floats:
        """The probability of the likeliest class, or the number: [rows], NaN without an answer."""
        made = self._column("shares", lambda b: b.values if self.is_number else b.values.max(axis=1))
        return made.astype(np.float64, copy=False)

    @property
    def uncertainties(self) -> Floats | None:
        """The doubt about each row: [rows]; None where nothing tells it."""
        uncertainty_of = UNCERTAINTIES.get(self.score)
        if not self.blocks:
            return np.zeros(0)
        if uncertainty_of is None or uncertainty_of(self.blocks[0]) is None:
            return None
        made = self._column(f"doubt {self.score}", lambda b: np.asarray(uncertainty_of(b)))
        return made.astype(np.float64, copy=False)

    @property
    def sizes(self) -> Ints | None:
        """How many classes are in the set of each row: [rows]; None without a calibration."""
        if not isinstance(self.promised, SetCalibration):
            return None
        if self._sized_for != self.promise.state:
            self._columns.pop("sizes", None)
            self._parts.pop("sizes", None)
            self._sized_for = self.promise.state
        made = self._column("sizes", lambda block: self.promise.sizes(block.values))
        return made.astype(np.int64, copy=False)

    # ------------------------------------------------------------------------------------------ promise and threshold

    @property
    def promised(self) -> SetCalibration | IntervalCalibration | None:
        """What the coverage promises; None without a calibration, or where it has too few rows."""
        return self.promise.made

    @property
    def calibration(self) -> AnswerCalibration | None:
        """What the network says of the rows to calibrate on, once it was asked."""
        return self.promise.calibration

    @property
    def known_doubts(self) -> Floats | None:
        """Of the rows to calibrate on; while there are none, of those that were given."""
        usual = self.calibration if self.score == self.usual_score else None
        known = usual.uncertainties if usual is not None else None
        return self.uncertainties if known is None else known

    def proposed_threshold(self) -> float | None:
        """The doubt above which the most doubtful tenth of the calibration rows is."""
        if (
            self.calibration is None
            or self.calibration.uncertainties is None
            or not len(self.calibration.uncertainties)
        ):
            return None
        return float(np.quantile(self.calibration.uncertainties, 1.0 - ASKED_SHARE))

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Which rows a person should see: [rows]. One whose set is empty is unlike all that was learnt, so it is too.

        What a person has corrected or confirmed need not be asked again.
        """
        return self._marks()[0]

    @property
    def strange(self) -> NDArray[np.bool_]:
        """Which rows no class fits: [rows]."""
        return self._marks()[1]

    @property
    def look(self) -> tuple[object, ...]:
        """Equal as long as every row that is there already looks the same, whatever rows come."""
        return self._changes, self.score, self.threshold, self.promise.state

    def _marks(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """`asked` and `strange`, kept until something changes: every row that is drawn looks at them."""
        key = (len(self), *self.look)
        if self._marked is None or self._marked[0] != key:
            sizes, uncertainties, failed = self.sizes, self.uncertainties, self.failed
            strange = np.zeros(len(self), bool) if sizes is None else (sizes == 0) & ~failed
            asked = strange.copy()
            if uncertainties is not None and self.threshold is not None:
                asked |= uncertainties > self.threshold
            asked[failed] = False
            asked[[*self.corrected, *self.confirmed]] = False
            self._marked = (key, asked, strange)
        return self._marked[1], self._marked[2]

    # ------------------------------------------------------------------------------------------ one row

    def name(self, place: int) -> str:
        """The file's name, or that of a table with the number of its row."""
        return name_of(*self.at(place))

    def answer(self, place: int) -> str | float | None:
        """What is said of a row, by a person where one has corrected it."""
        if place in self.corrected:
            return self.corrected[place]
        block, row = self.at(place)
        if block.errors[row]:
            return None
        return float(block.values[row]) if self.is_number else self.facts.classes[int(block.values[row].argmax())]

    def members(self, place: int) -> tuple[str, ...] | None:
        """The classes in the set of a row, likeliest first; None without sets."""
        block, row = self.at(place)
        found = None if self.is_number else self.promise.members(block.values[row : row + 1])
        if found is None:
            return None
        order = np.argsort(-block.values[row], kind="stable")
        return tuple(self.facts.classes[number] for number in order if found[0, number])

    def interval(self, place: int) -> tuple[float, float] | None:
        """The interval of a number; None without one."""
        block, row = self.at(place)
        return self.promise.interval(float(block.values[row])) if self.is_number else None

    def correct(self, place: int, answer: str | float | None) -> None:
        """A person says what is right; None takes it back."""
        self.corrected.pop(place, None)
        self.confirmed.discard(place)
        self._changes += 1
        if answer is not None:
            self.corrected[place] = answer

    def confirm(self, place: int) -> None:
        """A person says that the answer is right as it is."""
        self.correct(place, None)
        self.confirmed.add(place)
        self._changes += 1

    # ------------------------------------------------------------------------------------------ lists

    def mask(self, state: State) -> NDArray[np.bool_]:
        """The rows of one filter: [rows]. Sure, ask and failed are all rows, each once; strange ones are among ask."""
        left = np.ones(len(self), bool)
        left[list(self._removed)] = False
        match state:
            case "sure":
                left &= ~self.asked & ~self.failed
            case "ask":
                left &= self.asked
            case "strange":
                left &= self.strange
            case "failed":
                left &= self.failed
        return left

    def counts(self) -> dict[State, int]:
        """How many rows each filter has."""
        there, failed, asked, strange = self.mask("all"), self.failed, self.asked, self.strange
        masks: dict[State, NDArray[np.bool_]] = {
            "all": there,
            "sure": there & ~asked & ~failed,
            "ask": there & asked,
            "strange": there & strange,
            "failed": there & failed,
        }
        return {state: int(np.count_nonzero(mask)) for state, mask in masks.items()}

    def order(
        self, state: State, *, words: str = "", answer: str | None = None, by: SortKey = "input", falling: bool = False
    ) -> Ints:
        """The places of the rows that match, sorted: [m]."""
        held = self.mask(state)
        if answer is not None and not self.is_number:
            number = self.facts.classes.index(answer)
            says = self.winners == number
            for place, said in self.corrected.items():
                says[place] = said == answer
            held &= says
        wanted = words.lower().split()
        found = np.flatnonzero(held)
        if wanted:
            found = np.asarray([place for place in found.tolist() if self._mentions(place, wanted)], np.int64)
        return self._sorted(found, by, falling=falling)

    def _mentions(self, place: int, words: list[str]) -> bool:
        block, row = self.at(place)
        text = f"{name_of(block, row)} {block.sources[row]} {self.answer(place)} {block.errors[row]}".lower()
        return all(word in text for word in words)

    def _sorted(self, found: Ints, by: SortKey, *, falling: bool) -> Ints:
        if by == "input":
            return found[::-1] if falling else found
        keys: Floats | Ints | None
        match by:
            case "answer":
                keys = self.shares if self.is_number else self._ranks()
            case "probability":
                keys = self.shares
            case "uncertainty":
                keys = self.uncertainties
            case "set":
                keys = self.sizes
        if keys is None:
            return found
        chosen = np.asarray(keys[found], np.float64)
        # Rows without an answer come last, whichever way it is sorted.
        chosen = np.where(self.failed[found] | ~np.isfinite(chosen), np.inf, -chosen if falling else chosen)
        return found[np.argsort(chosen, kind="stable")]

    def _ranks(self) -> Ints:
        """The place of each row's class in alphabetical order: [rows]."""
        ranks = np.argsort(np.argsort(np.asarray(self.facts.classes)))
        return np.where(self.winners >= 0, ranks[self.winners], -1).astype(np.int64)

    # ------------------------------------------------------------------------------------------ saving

    def table(self) -> AnswerTable:
        """The columns of the saved file."""
        passes = bool(self.blocks) and self.blocks[0].std is not None
        return AnswerTable(
            self.facts.classes,
            passes=passes,
            coverage=self.promised is not None,
            referrals=self.threshold is not None or self.promised is not None,
            corrections=bool(self.corrected),
            inputs=tuple((column.name, column.cell_type) for column in self.facts.columns),
        )

    def pictures(self, places: Ints) -> tuple[tuple[Path, str], ...]:
        """The picture files among these rows, with the answers to them."""
        found = []
        for place in places.tolist():
            answer = self.answer(place)
            block, row = self.at(place)
            if answer is not None and block.pictures is not None and block.rows[row] == 1:
                path = Path(block.sources[row])
                if path.suffix.lower() != ".npz":
                    found.append((path, str(answer)))
        return tuple(found)
