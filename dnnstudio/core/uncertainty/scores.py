"""How uncertain a set of stochastic passes leaves each row: `SCORES`, and what they are computed from.

p̄ is the mean over passes, H = −Σ p̄ log p̄ the predictive entropy, E[H] the mean entropy of single passes (the
aleatoric part) and MI = H − E[H] ≥ 0 their difference (the epistemic part): Houlsby et al., 2011, and Gal, 2016,
"Uncertainty in Deep Learning", section 3.3.1. 0 · log 0 = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError

Floats = NDArray[np.float64]
Passes = NDArray[np.float32] | NDArray[np.float64]


def entropy(probabilities: NDArray[np.floating]) -> Floats:
    """−Σ p log p over the last axis, in nats: [..., classes] becomes [...]. 0 · log 0 = 0."""
    p = probabilities.astype(np.float64, copy=False)
    return np.asarray(-np.sum(p * np.log(p, out=np.zeros_like(p), where=p > 0), axis=-1))


def with_both_classes(outputs: NDArray[np.floating]) -> NDArray[np.floating]:
    """One sigmoid unit as two classes: [..., 1] becomes [..., 2] with 1 − p first; more units stay as they are."""
    if outputs.shape[-1] != 1:
        return outputs
    return np.concatenate([1 - outputs, outputs], axis=-1)


@dataclass(frozen=True, slots=True)
class PassStatistics:
    """What a score may be computed from: one row of each array for each row of the data.

    `mean` and `std` are [rows, classes], over passes (std with 1/T). `passes` is [rows] where the rows had different
    numbers of passes.
    """

    passes: int | NDArray[np.int64]
    mean: Floats
    std: Floats
    predictive_entropy: Floats
    """Entropy of the mean, in nats: [rows]."""
    expected_entropy: Floats
    """Mean entropy of single passes, in nats: [rows]."""
    winner: NDArray[np.int64]
    """The class whose mean is highest: [rows]."""
    votes: NDArray[np.int64]
    """Passes that put this class first: [rows, classes]."""

    @property
    def classes(self) -> int:
        return int(self.mean.shape[1])


class Unit(Enum):
    """What a score is measured in, which decides the most that it can be."""

    NATS = "nats"
    """Natural units of information: an entropy is at most log C."""
    SHARE = "share"
    """A share of the passes, shown as a percentage."""
    PROBABILITY = "probability"

    def maximum(self, classes: int) -> float:
        """The largest possible value for so many classes."""
        return float(np.log(classes)) if self is Unit.NATS else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One number a row that says how uncertain its prediction is. All menus, files, cards and figures read this."""

    name: str
    """Its name in the program and its column in CSV files."""
    title: str
    """What a person reads, of the value turned so that more is less certain: "1 − margin"."""
    sentence: str
    """One sentence on what it measures and how."""
    formula: Callable[[PassStatistics], Floats]
    """[rows] from the statistics of the same rows."""
    unit: Unit
    larger_is_uncertain: bool = True
    """False for a certainty from 0 to 1; its uncertainty is 1 − value."""
    meaning: str = ""
    """A few words under its name on the card of one row; scores with none stand in the card's last line instead."""
    parts: tuple[str, ...] = ()
    """Scores that add up to it."""
    short: str = ""
    """A word for its value, for that last line; the name if empty."""
    narrow_title: str = ""
    """The title for a narrow column; the title if empty."""
    key: str = ""
    """Its key in .npz files and in the command's JSON; the name if empty."""
    stored: bool = True
    """Whether .npz files hold it; False for what their means and standard deviations give at once."""
    reported: bool = True
    """Whether the command `uncertainty` prints its mean."""
    followed: bool = False
    """Whether its mean over all rows is drawn against the severity of a shift."""
    compared: bool = False
    """Whether its error-coverage curve is drawn beside that of the score that decides."""
    of_single_pass: bool = False
    """Whether it says anything of a single pass, such as the prediction of a network without dropout."""

    @property
    def file_key(self) -> str:
        return self.key or self.name

    @property
    def short_name(self) -> str:
        return self.short or self.name.replace("_", " ")

    @property
    def axis_title(self) -> str:
        """What stands at an axis of its uncertainty: the title with its unit, where that is not a plain probability."""
        words = {Unit.NATS: ", in nats", Unit.SHARE: ", share", Unit.PROBABILITY: ""}
        return f"{self.title[:1].lower()}{self.title[1:]}{words[self.unit]}"

    @property
    def column_title(self) -> str:
        return self.narrow_title or self.title

    def uncertainty(self, values: Floats) -> Floats:
        """`values` [rows] of this score, turned so that larger means less certain."""
        return values if self.larger_is_uncertain else np.asarray(1.0 - values)


def _winner_std(passes: PassStatistics) -> Floats:
    return np.asarray(passes.std[np.arange(len(passes.std)), passes.winner])


def _margin(passes: PassStatistics) -> Floats:
    top = np.partition(passes.mean, -2, axis=1)
    return np.asarray(top[:, -1] - top[:, -2])


PRIMARY = "mutual_information"
"""The score that lists are sorted by at first: what passes disagree on tells most of what the network does not know."""

_ROWS = (
    Score(
        name="predictive_entropy",
        key="entropy",
        title="Predictive entropy",
        meaning="all doubt together",
        parts=("expected_entropy", "mutual_information"),
        sentence="Entropy of the mean: H = −Σ p̄ log p̄, in nats.",
        unit=Unit.NATS,
        followed=True,
        compared=True,
        of_single_pass=True,
        formula=lambda passes: passes.predictive_entropy,
    ),
    Score(
        name="expected_entropy",
        title="Expected entropy",
        meaning="from the {row} itself",
        sentence="The mean entropy of single {answers}: the aleatoric part.",
        unit=Unit.NATS,
        formula=lambda passes: passes.expected_entropy,
    ),
    Score(
        name="mutual_information",
        title="Mutual information",
        meaning="model: {answers} disagree",
        sentence="Predictive minus expected entropy: the epistemic part, which more training data would lessen.",
        unit=Unit.NATS,
        followed=True,
        compared=True,
        formula=lambda passes: np.maximum(passes.predictive_entropy - passes.expected_entropy, 0.0),
    ),
    Score(
        name="variation_ratio",
        title="Variation ratio",
        meaning="{answers} that said something else",
        sentence="1 − the share of {answers} for the most voted.",
        unit=Unit.SHARE,
        reported=False,
        formula=lambda passes: 1.0 - passes.votes.max(axis=1) / passes.passes,
    ),
    Score(
        name="winner_std",
        title="Standard deviation of the winner",
        narrow_title="Spread of the winner",
        short="spread",
        sentence="Standard deviation of the winner's probability over the {answers}.",
        unit=Unit.PROBABILITY,
        stored=False,
        reported=False,
        formula=_winner_std,
    ),
    Score(
        name="margin",
        title="1 − margin",
        short="margin",
        sentence="Lead of the winner's mean over the second one's.",
        unit=Unit.PROBABILITY,
        larger_is_uncertain=False,
        stored=False,
        reported=False,
        of_single_pass=True,
        formula=_margin,
    ),
    Score(
        name="max_probability",
        title="1 − highest mean",
        short="top",
        sentence="The winner's mean over the {answers}.",
        unit=Unit.PROBABILITY,
        larger_is_uncertain=False,
        stored=False,
        reported=False,
        compared=True,
        of_single_pass=True,
        formula=lambda passes: passes.mean.max(axis=1),
    ),
)
SCORES: dict[str, Score] = {row.name: row for row in _ROWS}
"""Name → score, in the order of CSV columns. A new row is in every menu, file, card and command."""


def ranked_scores() -> tuple[Score, ...]:
    """The scores in the order of menus: the most telling one first."""
    return tuple(sorted(SCORES.values(), key=lambda one: one.name != PRIMARY))


def reported_scores() -> tuple[Score, ...]:
    """Those whose means the command line prints, in the order of the table."""
    return tuple(one for one in SCORES.values() if one.reported)


def followed_scores() -> tuple[Score, ...]:
    """Those whose means are drawn against the severity of a shift, in the order of the table."""
    return tuple(one for one in SCORES.values() if one.followed)


def scores_of_single_pass() -> tuple[Score, ...]:
    """Those that say something of a network without dropout, in the order of menus."""
    return tuple(one for one in ranked_scores() if one.of_single_pass)


@dataclass(frozen=True, slots=True)
class Scores(PassStatistics):
    """All scores of all rows after some passes, and the statistics that they are computed from."""

    passes: int
    vote: NDArray[np.int64]
    """The class that most passes put first: [rows]."""
    values: Mapping[str, Floats]
    """Score → [rows], as its formula gives it."""

    @classmethod
    def of(
        cls, *, passes: int, mean: Floats, std: Floats, expected_entropy: Floats, votes: NDArray[np.int64]
    ) -> Scores:
        """The scores of these statistics: `mean` and `std` [rows, classes], `expected_entropy` [rows], `votes` [rows,
        classes].
        """
        known = PassStatistics(passes, mean, std, entropy(mean), expected_entropy, mean.argmax(axis=1), votes)
        values = {name: score.formula(known) for name, score in SCORES.items()}
        return cls(
            passes=passes,
            mean=mean,
            std=std,
            predictive_entropy=known.predictive_entropy,
            expected_entropy=expected_entropy,
            winner=known.winner,
            votes=votes,
            vote=votes.argmax(axis=1),
            values=values,
        )

    @property
    def mutual_information(self) -> Floats:
        """The epistemic part of the entropy, in nats: [rows]."""
        return self.values["mutual_information"]

    @property
    def variation_ratio(self) -> Floats:
        """1 − the share of passes that voted for the most frequent class (Freeman, 1965): [rows]."""
        return self.values["variation_ratio"]

    @property
    def winner_std(self) -> Floats:
        """Standard deviation over passes of the winner's probability: [rows]."""
        return self.values["winner_std"]

    @property
    def max_probability(self) -> Floats:
        """The winner's mean probability: [rows]."""
        return self.values["max_probability"]

    def uncertainty(self, name: str) -> Floats:
        """The score called `name` in `SCORES`, turned so that more means less certain: [rows]."""
        return SCORES[name].uncertainty(self.values[name])

    def normalized(self, name: str) -> Floats:
        """The score called `name` as a share of the most it can be: [rows]."""
        return np.asarray(self.values[name] / SCORES[name].unit.maximum(self.classes))


class Accumulator:
    """Takes passes as they come and gives the scores of all so far; the order of passes does not matter."""

    def __init__(self, images: int, classes: int) -> None:
        if classes < 2:
            raise UserError(
                "This network predicts a number, not classes.",
                "Uncertainty is shown for classifiers: use softmax or sigmoid in the last layer.",
            )
        self.passes = 0
        self._mean = np.zeros((images, classes))
        self._deviations = np.zeros((images, classes))
        self._entropy = np.zeros(images)
        self._votes = np.zeros((images, classes), dtype=np.int64)

    @classmethod
    def after(cls, scores: Scores) -> Accumulator:
        """One that goes on from where these scores were taken."""
        made = cls(*scores.mean.shape)
        made.passes = scores.passes
        made._mean = scores.mean.copy()
        made._deviations = scores.std**2 * scores.passes
        made._entropy = scores.expected_entropy * scores.passes
        made._votes = scores.votes.copy()
        return made

    def means(self) -> tuple[NDArray[np.int16], float, float]:
        """The winner of each image, int16 [images], and the means over all images of predictive entropy and mutual
        information.
        """
        predictive = entropy(self._mean)
        expected = self._entropy / self.passes
        gap = float(np.maximum(predictive - expected, 0.0).mean())
        return self._mean.argmax(axis=1).astype(np.int16), float(predictive.mean()), gap

    def standard_errors(self) -> Floats:
        """s / √T of the winner's mean, with s over T − 1: [images]. Infinite after one pass."""
        if self.passes < 2:
            return np.full(len(self._mean), np.inf)
        rows = np.arange(len(self._mean))
        spread = self._deviations[rows, self._mean.argmax(axis=1)]
        return np.asarray(np.sqrt(np.maximum(spread, 0.0) / (self.passes - 1) / self.passes))

    def add(self, probabilities: Passes) -> None:
        """Add passes: [passes, images, classes]. Means and deviations are kept by Welford's method in float64,
        because E[x²] − E[x]² would leave 1e-8 of spread where there is none."""
        for one in probabilities:
            p = one.astype(np.float64, copy=False)
            self.passes += 1
            away = p - self._mean
            self._mean += away / self.passes
            self._deviations += away * (p - self._mean)
            self._entropy += entropy(p)
            self._votes[np.arange(len(p)), p.argmax(axis=-1)] += 1

    def scores(self) -> Scores:
        """The scores of all passes so far (at least one)."""
        return Scores.of(
            passes=self.passes,
            mean=self._mean.copy(),
            std=np.sqrt(np.maximum(self._deviations, 0.0) / self.passes),
            expected_entropy=self._entropy / self.passes,
            votes=self._votes.copy(),
        )


def score(probabilities: Passes | Iterable[Passes]) -> Scores:
    """The scores of [passes, images, classes], or of several such blocks one after the other."""
    blocks = [probabilities] if isinstance(probabilities, np.ndarray) else list(probabilities)
    _, images, classes = blocks[0].shape
    accumulator = Accumulator(images, classes)
    for block in blocks:
        accumulator.add(block)
    return accumulator.scores()
