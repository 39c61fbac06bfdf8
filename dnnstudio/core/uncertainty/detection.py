"""How well an uncertainty score separates out-of-distribution images from the test set (`usual`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.scores import Floats


@dataclass(frozen=True, slots=True)
class Detection:
    """`auroc`: probability that an out-of-distribution image scores above a test image; `aupr`: average precision with
    out-of-distribution as the positive class; `fpr95`: false positive rate at the threshold with 95 % true positives.
    """

    auroc: float
    aupr: float
    fpr95: float


def detect(usual: Floats, strange: Floats) -> Detection:
    """Detection figures of one score: `usual` and `strange` hold its values, [images] each. Ties count half
    in AUROC.
    """
    scores = np.concatenate([usual, strange])
    positive = np.concatenate([np.zeros(len(usual), bool), np.ones(len(strange), bool)])
    return Detection(_auroc(scores, positive), _average_precision(scores, positive), fpr_at_tpr(usual, strange, 0.95))


def _auroc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Mann–Whitney: the mean rank of the positives, ties sharing their mean rank."""
    _, group, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(sizes)
    ranks = (ends - (sizes - 1) / 2)[group]
    count = int(positive.sum())
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(scores) - count)))


def _average_precision(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Σ (recall gained) · precision over falling thresholds, equal scores together."""
    order = np.argsort(-scores, kind="stable")
    found, ranked = np.cumsum(positive[order]), scores[order]
    last_of_ties = np.append(np.diff(ranked) != 0, True)
    found, taken = found[last_of_ties], np.flatnonzero(last_of_ties) + 1
    gained = np.diff(np.concatenate([[0], found])) / found[-1]
    return float((gained * found / taken).sum())


def fpr_at_tpr(usual: Floats, strange: Floats, tpr: float) -> float:
    """The share of `usual` images at or above the highest threshold that detects `tpr` of the strange ones; both are
    [images].
    """
    needed = int(np.ceil(tpr * len(strange) - 1e-9))
    threshold = np.sort(strange)[::-1][max(needed, 1) - 1]
    return float((usual >= threshold).mean())
