"""Which cases go to a person: risk against coverage, thresholds, costs.

Risk–coverage curves and the area under them (AURC): El-Yaniv and Wiener, 2010; Geifman et al., 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.scores import Floats

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The error among the answered when the k surest images are answered, for k = 1 … n.

    `threshold[k−1]` is the largest doubt that is still answered. Images of equal doubt stand in a row as if their
    errors were spread evenly among them, so that the curve does not depend on their order.
    """

    coverage: Floats
    risk: Floats
    threshold: Floats

    @property
    def area(self) -> float:
        """AURC: the mean risk over all coverages."""
        return float(self.risk.mean())


def risk_coverage(doubt: Floats, correct: Mask) -> RiskCoverage:
    """The curve of one score. `doubt` grows with uncertainty."""
    order = np.argsort(doubt, kind="stable")
    ranked, wrong = doubt[order], (~correct[order]).astype(np.float64)
    _, group, sizes = np.unique(ranked, return_inverse=True, return_counts=True)
    spread = (np.bincount(group, weights=wrong) / sizes)[group]
    answered = np.arange(1, len(doubt) + 1)
    return RiskCoverage(answered / len(doubt), np.cumsum(spread) / answered, ranked)


def oracle(correct: Mask) -> RiskCoverage:
    """The best possible curve: every error is referred before any right answer."""
    answered = np.arange(1, len(correct) + 1)
    wrong = np.maximum(answered - int(correct.sum()), 0)
    return RiskCoverage(answered / len(correct), wrong / answered, answered.astype(np.float64))


def coverage_at_risk(curve: RiskCoverage, risk: float) -> float:
    """The largest share that can be answered with at most this error among the answered; 0 when there is none."""
    fits = np.flatnonzero(curve.risk <= risk)
    return float(curve.coverage[fits[-1]]) if len(fits) else 0.0


def risk_at_coverage(curve: RiskCoverage, coverage: float) -> float:
    """The error among the answered when at least this share is answered."""
    index = int(np.ceil(coverage * len(curve.coverage) - 1e-9)) - 1
    return float(curve.risk[min(max(index, 0), len(curve.risk) - 1)])


@dataclass(frozen=True, slots=True)
class Referral:
    """What a threshold does: images with doubt above it go to a person."""

    threshold: float
    answered_right: int
    answered_wrong: int
    referred_right: int
    referred_wrong: int

    @property
    def referred(self) -> int:
        return self.referred_right + self.referred_wrong

    @property
    def answered(self) -> int:
        return self.answered_right + self.answered_wrong

    @property
    def risk(self) -> float:
        """Error among the answered; 0 when nothing is answered."""
        return self.answered_wrong / self.answered if self.answered else 0.0

    def cost(self, wrong: float, referral: float) -> float:
        """What wrong answers and referrals cost together."""
        return self.answered_wrong * wrong + self.referred * referral


def refer(doubt: Floats, correct: Mask, threshold: float) -> Referral:
    """Count who is answered and who is referred at a threshold."""
    out = doubt > threshold
    return Referral(
        threshold,
        int((~out & correct).sum()),
        int((~out & ~correct).sum()),
        int((out & correct).sum()),
        int((out & ~correct).sum()),
    )


def mistake_prices(labels: NDArray[np.int64], said: NDArray[np.int64], prices: Floats) -> Floats:
    """What answering each image costs: `prices` is [labels, answers] with 0 for what is right. [images]."""
    return np.asarray(np.where(labels == said, 0.0, prices[labels, said]))


def cost_at(doubt: Floats, correct: Mask, threshold: float, *, wrong: float | Floats, referral: float) -> float:
    """What wrong answers and referrals cost at a threshold; `wrong` is one price, or one an image."""
    out = doubt > threshold
    return float(np.where(correct | out, 0.0, wrong).sum() + out.sum() * referral)


def cheapest_threshold(
    doubt: Floats, correct: Mask, *, wrong: float | Floats, referral: float, most_referred: float = 1.0
) -> float:
    """The threshold of the lowest cost (the fewest referrals among equals), with at most this share referred.

    `wrong` is the price of a wrong answer: one for all, or one an image.
    """
    ranked = np.sort(doubt)
    candidates = np.concatenate([np.unique(ranked), [-np.inf]])
    order = np.argsort(doubt, kind="stable")
    wrong_up_to = np.concatenate([[0.0], np.cumsum(np.where(correct, 0.0, wrong)[order])])
    answered = np.searchsorted(ranked, candidates, side="right")
    referred = len(doubt) - answered
    cost = wrong_up_to[answered] + referred * referral
    cost = np.where(referred <= most_referred * len(doubt) + 1e-9, cost, np.inf)
    best = np.flatnonzero(cost <= cost.min() + 1e-9)
    return float(candidates[best[np.argmin(referred[best])]])


def threshold_for_risk(doubt: Floats, correct: Mask, risk: float) -> float:
    """The largest threshold whose answered images err at most at this rate; −∞ when none does."""
    curve = risk_coverage(doubt, correct)
    last_of_ties = np.append(np.diff(curve.threshold) > 0, True)
    fits = np.flatnonzero((curve.risk <= risk) & last_of_ties)
    return float(curve.threshold[fits[-1]]) if len(fits) else -np.inf


def bootstrap_risk(
    doubt: Floats, correct: Mask, threshold: float, *, seed: int, draws: int = 1000, level: float = 0.95
) -> tuple[float, float]:
    """The interval in which the risk at a threshold lies in this share of redrawn test sets (percentiles).

    Answered-wrong and answered-right counts of a redrawn set are multinomial, so no image is redrawn one by one.
    """
    counts = refer(doubt, correct, threshold)
    shares = np.array([counts.answered_right, counts.answered_wrong, counts.referred], dtype=np.float64) / len(doubt)
    drawn = np.random.default_rng(seed).multinomial(len(doubt), shares, size=draws)
    answered = drawn[:, 0] + drawn[:, 1]
    risks = np.divide(drawn[:, 1], answered, out=np.zeros(draws), where=answered > 0)
    low, high = np.quantile(risks, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
