"""Drawing rows for the test and validation parts, evenly from every label and the same on every machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

TEST_SEED = 20_170_825
"""Fixed: where a source has no test rows of its own, the same rows are kept for the test whatever the seed."""

Index = NDArray[np.int64]
Array = NDArray[Any]


def draw(rows: Index, labels: Array | None, count: int, seed: int) -> tuple[Index, Index]:
    """`count` rows drawn with the seed, as evenly from every label as whole numbers allow, and the others; both sorted.

    Every label keeps at least one row among the others, so the drawn part may be smaller than asked for.
    """
    random = np.random.default_rng(seed)
    groups = [rows] if labels is None else [rows[labels == label] for label in np.unique(labels)]
    sizes = np.asarray([len(group) for group in groups])
    shares = sizes * count / max(1, len(rows))
    quotas = np.minimum(np.floor(shares).astype(np.int64), np.maximum(sizes - 1, 0))
    while quotas.sum() < count and (quotas < sizes - 1).any():
        # The label that lacks most of its share comes next; small labels that are full leave theirs to the others.
        lacking = np.where(quotas < sizes - 1, shares - quotas, -np.inf)
        quotas[int(np.argmax(lacking))] += 1
    drawn = [random.permutation(group)[:quota] for group, quota in zip(groups, quotas, strict=True)]
    chosen = np.sort(np.concatenate(drawn)) if drawn else rows[:0]
    return chosen, np.setdiff1d(rows, chosen, assume_unique=True)
