"""State of the Decision tab: the score, the threshold, and how it was selected. No widgets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.decision import (
    Referral,
    RiskCoverage,
    bootstrap_risk,
    cheapest_threshold,
    cost_at,
    mistake_prices,
    refer,
    risk_coverage,
    threshold_for_risk,
)
from dnnstudio.core.uncertainty.proportions import Share
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import PRIMARY, Floats

Chosen = Literal["hand", "cheapest", "risk", "coverage"]


@dataclass(slots=True)
class Costs:
    """Prices of a mistake and of a referral; `matrix` [labels, answers] if prices differ between mistakes."""

    wrong: float = 10.0
    referral: float = 1.5
    a_day: int = 400
    matrix: Floats | None = None

    def of(self, samples: Samples) -> float | Floats:
        """The price of a wrong answer: one for all images, or one per image [images]."""
        if self.matrix is None:
            return self.wrong
        return mistake_prices(samples.rows.labels, samples.scores.winner, self.matrix)


@dataclass(slots=True)
class Decision:
    """State of the Decision tab. Thresholds are selected on validation rows and evaluated on the others."""

    score: str = PRIMARY
    threshold: float = np.inf
    chosen: Chosen = "hand"
    costs: Costs = field(default_factory=Costs)
    _curves: dict[str, RiskCoverage] = field(default_factory=dict)
    _curves_of: Samples | None = None
    _cheapest: dict[object, float] = field(default_factory=dict)
    _cheapest_of: Samples | None = None

    def curve(self, samples: Samples, score: str = "") -> RiskCoverage:
        """The risk–coverage curve of a score, by default the deciding one; computed once per set of samples."""
        name = score or self.score
        if self._curves_of is not samples:
            self._curves, self._curves_of = {}, samples
        if name not in self._curves:
            self._curves[name] = risk_coverage(samples.scores.uncertainty(name), samples.correct)
        return self._curves[name]

    def referral(self, samples: Samples) -> Referral:
        return refer(samples.scores.uncertainty(self.score), samples.correct, self.threshold)

    def cost(self, samples: Samples, threshold: float | None = None) -> float:
        at = self.threshold if threshold is None else threshold
        uncertainty = samples.scores.uncertainty(self.score)
        return cost_at(uncertainty, samples.correct, at, wrong=self.costs.of(samples), referral=self.costs.referral)

    def cheapest(self, validation: Samples, shown: Samples) -> float:
        """The threshold with the lowest cost on the validation rows; where that refers nobody, one that refers none
        of the `shown` rows either.
        """
        costs = self.costs
        matrix = None if costs.matrix is None else costs.matrix.tobytes()
        key = (self.score, costs.wrong, costs.referral, matrix)
        if self._cheapest_of is not validation:
            self._cheapest, self._cheapest_of = {}, validation
        if key not in self._cheapest:
            uncertainty, prices = validation.scores.uncertainty(self.score), costs.of(validation)
            self._cheapest[key] = cheapest_threshold(
                uncertainty, validation.correct, wrong=prices, referral=costs.referral
            )
        highest = (float(one.scores.uncertainty(self.score).max(initial=-np.inf)) for one in (validation, shown))
        return min(self._cheapest[key], max(highest))

    def for_risk(self, validation: Samples, risk: float) -> float:
        """The largest threshold with at most this error rate among the answered of these rows."""
        return threshold_for_risk(validation.scores.uncertainty(self.score), validation.correct, risk)

    def for_coverage(self, samples: Samples, coverage: float) -> float:
        """The threshold that answers at least this share of these rows."""
        ranked = np.sort(samples.scores.uncertainty(self.score))
        index = int(np.ceil(coverage * len(ranked) - 1e-9)) - 1
        return float(ranked[index]) if index >= 0 else -np.inf

    def interval(self, samples: Samples) -> tuple[float, float]:
        """95 % interval of the error rate among the answered: by a bootstrap, or Wilson's where all of them are alike,
        of which every resample holds no error, or nothing else.
        """
        found = self.referral(samples)
        if found.answered_wrong in (0, found.answered):
            return Share(found.answered_wrong, found.answered).interval()
        uncertainty = samples.scores.uncertainty(self.score)
        return bootstrap_risk(uncertainty, samples.correct, self.threshold, seed=samples.seed)

    def referred(self, samples: Samples) -> NDArray[np.int64]:
        """The referred rows, those nearest to the threshold first."""
        uncertainty = samples.scores.uncertainty(self.score)
        rows = np.flatnonzero(uncertainty > self.threshold)
        return rows[np.argsort(uncertainty[rows], kind="stable")]
