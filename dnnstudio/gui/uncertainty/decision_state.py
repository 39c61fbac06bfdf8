"""Which images go to a person: the score, the threshold, and where the threshold was chosen. No widgets."""

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
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import Floats

Chosen = Literal["hand", "cheapest", "risk", "coverage"]


@dataclass(slots=True)
class Costs:
    """Prices of a mistake and of a referral; `matrix` [labels, answers] where mistakes differ in price."""

    wrong: float = 10.0
    referral: float = 1.5
    a_day: int = 400
    matrix: Floats | None = None

    def of(self, samples: Samples) -> float | Floats:
        """The price of answering wrongly: one for all images, or one an image."""
        if self.matrix is None:
            return self.wrong
        return mistake_prices(samples.rows.labels, samples.scores.winner, self.matrix)


@dataclass(slots=True)
class Decision:
    """The state of the Decision tab. Thresholds are chosen on validation rows and looked at on the others."""

    score: str = "mutual_information"
    threshold: float = np.inf
    chosen: Chosen = "hand"
    costs: Costs = field(default_factory=Costs)
    _curves: dict[str, RiskCoverage] = field(default_factory=dict)
    _curves_of: Samples | None = None
    _cheapest: dict[object, float] = field(default_factory=dict)
    _cheapest_of: Samples | None = None

    def curve(self, samples: Samples, score: str = "") -> RiskCoverage:
        """Error against coverage of a score, by default of the one that decides; worked out once for these samples."""
        name = score or self.score
        if self._curves_of is not samples:
            self._curves, self._curves_of = {}, samples
        if name not in self._curves:
            self._curves[name] = risk_coverage(samples.scores.doubt(name), samples.correct)
        return self._curves[name]

    def referral(self, samples: Samples) -> Referral:
        return refer(samples.scores.doubt(self.score), samples.correct, self.threshold)

    def cost(self, samples: Samples, threshold: float | None = None) -> float:
        at = self.threshold if threshold is None else threshold
        doubt = samples.scores.doubt(self.score)
        return cost_at(doubt, samples.correct, at, wrong=self.costs.of(samples), referral=self.costs.referral)

    def cheapest(self, validation: Samples) -> float:
        """The threshold of the lowest cost on these rows."""
        costs = self.costs
        matrix = None if costs.matrix is None else costs.matrix.tobytes()
        key = (self.score, costs.wrong, costs.referral, matrix)
        if self._cheapest_of is not validation:
            self._cheapest, self._cheapest_of = {}, validation
        if key not in self._cheapest:
            doubt, prices = validation.scores.doubt(self.score), costs.of(validation)
            self._cheapest[key] = cheapest_threshold(doubt, validation.correct, wrong=prices, referral=costs.referral)
        return self._cheapest[key]

    def for_risk(self, validation: Samples, risk: float) -> float:
        """The largest threshold whose answers err at most so often on these rows."""
        return threshold_for_risk(validation.scores.doubt(self.score), validation.correct, risk)

    def for_coverage(self, samples: Samples, coverage: float) -> float:
        """The threshold that answers at least this share of these rows."""
        ranked = np.sort(samples.scores.doubt(self.score))
        index = int(np.ceil(coverage * len(ranked) - 1e-9)) - 1
        return float(ranked[index]) if index >= 0 else -np.inf

    def interval(self, samples: Samples) -> tuple[float, float]:
        """In which the error among the answered lies for 95 % of redrawn sets."""
        doubt = samples.scores.doubt(self.score)
        return bootstrap_risk(doubt, samples.correct, self.threshold, seed=samples.seed)

    def referred(self, samples: Samples) -> NDArray[np.int64]:
        """The rows that go to a person, those nearest the line first."""
        doubt = samples.scores.doubt(self.score)
        rows = np.flatnonzero(doubt > self.threshold)
        return rows[np.argsort(doubt[rows], kind="stable")]
