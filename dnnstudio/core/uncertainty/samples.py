"""All that was sampled of one model on one set of rows: frozen, so that it can be handed from thread to thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.convergence import Course
from dnnstudio.core.uncertainty.scores import Scores

Masks = Literal["independent", "one_a_pass"]
"""A mask of its own for every image and pass, or one network a pass for all images.

The passes of a single image are distributed alike both ways; only what images have in common differs.
"""


@dataclass(frozen=True, slots=True, eq=False)
class SampledRows:
    """The rows that were sampled and what is known of them without dropout.

    `labels` is int64 [rows], `deterministic` float32 [rows, classes]: the prediction with dropout off. `pictures` is
    uint8 [rows, h, w] or [rows, h, w, 3] and None for tables, whose stored `values` are [rows, features].
    """

    labels: NDArray[np.int64]
    deterministic: NDArray[np.float32]
    class_names: tuple[str, ...]
    pictures: NDArray[np.uint8] | None = None
    values: NDArray[Any] | None = None
    columns: tuple[str, ...] = ()
    title: str = ""
    """What was sampled, in two words: "test part"."""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """The passes so far and their scores. `blocks` lie one after the other: each float32 [passes, rows, classes]."""

    rows: SampledRows
    blocks: tuple[NDArray[np.float32], ...]
    scores: Scores
    course: Course
    seed: int
    masks: Masks = "independent"
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def passes(self) -> int:
        return self.scores.passes

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether the winner of the mean is the label: [rows]."""
        return np.asarray(self.scores.winner == self.rows.labels)

    @property
    def has_spread(self) -> bool:
        """Whether any pass said anything else than another."""
        return bool(self.scores.std.max(initial=0.0) > 0)

    def of_row(self, row: int) -> NDArray[np.float32]:
        """What every pass said of one row: [passes, classes]."""
        return np.concatenate([block[:, row] for block in self.blocks])

    def array(self) -> NDArray[np.float32]:
        """All passes as one array [passes, rows, classes]; a copy where they came in several blocks."""
        return self.blocks[0] if len(self.blocks) == 1 else np.concatenate(self.blocks)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What an .npz file of them holds."""
        scores = self.scores
        return {
            "probabilities": self.array(),
            "mean": scores.mean.astype(np.float32),
            "std": scores.std.astype(np.float32),
            "entropy": scores.predictive_entropy,
            "expected_entropy": scores.expected_entropy,
            "mutual_information": scores.mutual_information,
            "variation_ratio": scores.variation_ratio,
            "labels": self.rows.labels,
            "deterministic": self.rows.deterministic,
            "class_names": np.array(self.rows.class_names),
            "seed": np.array(self.seed),
        }
