"""All samples of one model on one set of rows: frozen, so that they can be passed between threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.convergence import Course
from dnnstudio.core.uncertainty.scores import SCORES, Score, Scores, ranked_scores, scores_of_single_pass
from dnnstudio.core.uncertainty.table_rows import ShownColumn

Masks = Literal["independent", "one_a_pass"]
"""A mask of its own for every image and pass, or one network a pass for all images.

The passes of a single image are distributed alike both ways; only what images have in common differs.
"""

PassKind = Literal["dropout", "members", "none"]
"""What makes the passes differ: dropout, the members of an ensemble (with dropout or without), or nothing at all: then
there is one deterministic pass.
"""


@dataclass(frozen=True, slots=True, eq=False)
class SampledRows:
    """The sampled rows and what is known of them without dropout.

    `labels` is int64 [rows], `deterministic` float32 [rows, classes]: the prediction with dropout off. `pictures` is
    uint8 [rows, h, w] or [rows, h, w, 3], and None for tables, whose stored `values` are [rows, features].
    """

    labels: NDArray[np.int64]
    deterministic: NDArray[np.float32]
    class_names: tuple[str, ...]
    pictures: NDArray[np.uint8] | None = None
    values: NDArray[Any] | None = None
    columns: tuple[str, ...] = ()
    table: tuple[ShownColumn, ...] = ()
    """Each column of `values` with its place among the training rows; empty for pictures."""
    title: str = ""
    """Name of the sampled rows: "test part"."""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """The passes so far and their scores. `blocks` are consecutive, each float32 [passes, rows, classes]."""

    rows: SampledRows
    blocks: tuple[NDArray[np.float32], ...]
    scores: Scores
    course: Course
    seed: int
    masks: Masks = "independent"
    kind: PassKind = "dropout"
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def passes(self) -> int:
        return self.scores.passes

    @property
    def is_single(self) -> bool:
        """Whether this is the one prediction of a network without anything random, so that there is no spread."""
        return self.kind == "none"

    @property
    def telling_scores(self) -> tuple[Score, ...]:
        """The scores that say something of these passes, the most telling one first."""
        return scores_of_single_pass() if self.is_single else ranked_scores()

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether the class with the highest mean is the label: bool [rows]."""
        return np.asarray(self.scores.winner == self.rows.labels)

    @property
    def has_spread(self) -> bool:
        """Whether any pass differs from another."""
        return bool(self.scores.std.max(initial=0.0) > 0)

    def of_row(self, row: int) -> NDArray[np.float32]:
        """The outputs of every pass for one row: [passes, classes]."""
        return np.concatenate([block[:, row] for block in self.blocks])

    def array(self) -> NDArray[np.float32]:
        """All passes as one array [passes, rows, classes]; a copy if there are several blocks."""
        return self.blocks[0] if len(self.blocks) == 1 else np.concatenate(self.blocks)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The contents of an .npz export: array name → array, among them all passes [passes, rows, classes]."""
        scores = self.scores
        return {
            "probabilities": self.array(),
            "mean": scores.mean.astype(np.float32),
            "std": scores.std.astype(np.float32),
            **{score.file_key: scores.values[name] for name, score in SCORES.items() if score.stored},
            "labels": self.rows.labels,
            "deterministic": self.rows.deterministic,
            "class_names": np.array(self.rows.class_names),
            "seed": np.array(self.seed),
        }
