"""Which cases to refer to a person: risk against coverage, thresholds, costs.

Risk–coverage curves and the area under them (AURC): El-Yaniv and Wiener, 2010; Geifman et al., 2018.

Shapes: `doubt`, the uncertainty score (larger = less certain), and `correct` are [images].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.scores import Floats

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """The error rate (risk) among the k most certain images, for k = 1 … n; each array is [images].

    `threshold[k−1]` is the largest uncertainty that is still answered. Tied images share their errors evenly, so that
    the curve does not depend on their order.
    """

    coverage: Floats
    risk: Floats
    threshold: Floats

    @property
    def area(self) -> float:
        """AURC: the mean risk over all coverages."""
        return float(self.risk.mean())


def risk_coverage(uncertainty: Floats, correct: Mask) -> RiskCoverage:
    """The risk–coverage curve of an uncertainty score; `doubt` and `correct` are [images]."""
    order = np.argsort(uncertainty, kind="stable")
    ranked, wrong = uncertainty[order], (~correct[order]).astype(np.float64)
    _, group, sizes = np.unique(ranked, return_inverse=True, return_counts=True)
    spread = (np.bincount(group, weights=wrong) / sizes)[group]
    answered = np.arange(1, len(uncertainty) + 1)
    return RiskCoverage(answered / len(uncertainty), np.cumsum(spread) / answered, ranked)


def oracle(correct: Mask) -> RiskCoverage:
    """The best possible curve, which refers every error before any correct answer; `correct` is [images]."""
    answered = np.arange(1, len(correct) + 1)
    wrong = np.maximum(answered - int(correct.sum()), 0)
    return RiskCoverage(answered / len(correct), wrong / answered, answered.astype(np.float64))


def coverage_at_risk(curve: RiskCoverage, risk: float) -> float:
    """The largest share of images that can be answered with at most this error rate; 0 if none can."""
    fits = np.flatnonzero(curve.risk <= risk)
    return float(curve.coverage[fits[-1]]) if len(fits) else 0.0


def risk_at_coverage(curve: RiskCoverage, coverage: float) -> float:
    """The error rate among the answered images if at least this share is answered."""
    index = int(np.ceil(coverage * len(curve.coverage) - 1e-9)) - 1
    return float(curve.risk[min(max(index, 0), len(curve.risk) - 1)])


@dataclass(frozen=True, slots=True)
class Referral:
    """The effect of a threshold: images with more uncertainty than it are referred to a person."""

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
        """Error rate among the answered images; 0 if none is answered."""
        return self.answered_wrong / self.answered if self.answered else 0.0

    def cost(self, wrong: float, referral: float) -> float:
        """Total cost of wrong answers and referrals, given the price of one of each."""
        return self.answered_wrong * wrong + self.referred * referral


def refer(uncertainty: Floats, correct: Mask, threshold: float) -> Referral:
    """Count the answered and the referred images at a threshold; `doubt` and `correct` are [images]."""
    out = uncertainty > threshold
    return Referral(
        threshold,
        int((~out & correct).sum()),
        int((~out & ~correct).sum()),
        int((out & correct).sum()),
        int((out & ~correct).sum()),
    )


def mistake_prices(labels: NDArray[np.int64], said: NDArray[np.int64], prices: Floats) -> Floats:
    """The cost of answering each image, [images]: `prices` is [labels, answers], labels and predicted classes are
    [images].

    A correct answer costs 0, whatever the diagonal of `prices` holds.
    """
    return np.asarray(np.where(labels == said, 0.0, prices[labels, said]))


def cost_at(uncertainty: Floats, correct: Mask, threshold: float, *, wrong: float | Floats, referral: float) -> float:
    """Total cost of wrong answers and referrals at a threshold; `doubt` and `correct` are [images].

    `wrong` is the price of a wrong answer: one for all, or [images].
    """
    out = uncertainty > threshold
    return float(np.where(correct | out, 0.0, wrong).sum() + out.sum() * referral)


def cheapest_threshold(
    uncertainty: Floats, correct: Mask, *, wrong: float | Floats, referral: float, most_referred: float = 1.0
) -> float:
    """The threshold with the lowest total cost (the fewest referrals among equals), referring at most `most_referred`
    of all.

    `doubt` and `correct` are [images]; `wrong` is the price of a wrong answer, one for all or [images]. −∞ refers
    everything, and ∞ nothing: these rows do not say that one more uncertain than all of them is worth a referral.
    """
    ranked = np.sort(uncertainty)
    candidates = np.concatenate([[np.inf], np.unique(ranked)[:-1], [-np.inf]])
    order = np.argsort(uncertainty, kind="stable")
    wrong_up_to = np.concatenate([[0.0], np.cumsum(np.where(correct, 0.0, wrong)[order])])
    answered = np.searchsorted(ranked, candidates, side="right")
    referred = len(uncertainty) - answered
    cost = wrong_up_to[answered] + referred * referral
    cost = np.where(referred <= most_referred * len(uncertainty) + 1e-9, cost, np.inf)
    best = np.flatnonzero(cost <= cost.min() + 1e-9)
    return float(candidates[best[np.argmin(referred[best])]])


def threshold_for_risk(uncertainty: Floats, correct: Mask, risk: float) -> float:
    """The largest threshold with at most this error rate among the answered; −∞ if there is none. Arrays
    are [images].
    """
    curve = risk_coverage(uncertainty, correct)
    last_of_ties = np.append(np.diff(curve.threshold) > 0, True)
    fits = np.flatnonzero((curve.risk <= risk) & last_of_ties)
    return float(curve.threshold[fits[-1]]) if len(fits) else -np.inf


def bootstrap_risk(
    uncertainty: Floats, correct: Mask, threshold: float, *, seed: int, draws: int = 1000, level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of the risk at a threshold, at this confidence level; arrays are [images].

    The counts of wrong answers, correct answers and referrals in a resampled set are multinomial, so they are drawn
    directly instead of image by image. A resample without any answer has risk 0.
    """
    counts = refer(uncertainty, correct, threshold)
    shares = np.array([counts.answered_right, counts.answered_wrong, counts.referred], dtype=np.float64) / len(
        uncertainty
    )
    drawn = np.random.default_rng(seed).multinomial(len(uncertainty), shares, size=draws)
    answered = drawn[:, 0] + drawn[:, 1]
    risks = np.divide(drawn[:, 1], answered, out=np.zeros(draws), where=answered > 0)
    low, high = np.quantile(risks, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
