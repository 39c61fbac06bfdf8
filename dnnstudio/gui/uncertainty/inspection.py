"""State shared by the inspector's views: the samples, the selected image, and each image's uncertainty."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import PRIMARY, SCORES, Floats, Score, ranked_scores
from dnnstudio.core.uncertainty.set_kinds import SetKind
from dnnstudio.gui.uncertainty.promise.state import Promised, PromiseState
from dnnstudio.gui.uncertainty.sentences import Words


class Inspection(QObject):
    """`samples_changed` while passes arrive and at the end; `image_changed` when another image is selected.

    `validation_changed` when the validation rows, on which thresholds and the temperature are selected, were sampled;
    `score_changed` when doubt is measured by another score; `promise_changed` when other sets are promised.
    """

    samples_changed = Signal()
    image_changed = Signal()
    validation_changed = Signal()
    score_changed = Signal()
    promise_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.words = Words()
        """The texts that name what is sampled."""
        self.samples: Samples | None = None
        self.validation: Samples | None = None
        self.finished = False
        """Whether no more passes of the present job are to come."""
        self._image = 0
        self._score = PRIMARY
        self.promise = PromiseState()
        self._promised: Promised | None = None
        self._ranks: NDArray[np.int64] | None = None

    @property
    def image(self) -> int:
        """The selected image's index."""
        return self._image

    def set_image(self, image: int) -> None:
        """Select another image."""
        if self.samples is not None and 0 <= image < len(self.samples.rows) and image != self._image:
            self._image = image
            self.image_changed.emit()

    def set_samples(self, samples: Samples, *, finished: bool) -> None:
        """Set the samples so far."""
        self.samples = samples
        self.finished = finished
        self.words.follow(samples)
        self._ranks = self._promised = None
        if SCORES[self._score] not in samples.telling_scores:
            self._score = samples.telling_scores[0].name
        if self._image >= len(samples.rows):
            self._image = 0
        self.samples_changed.emit()

    def finish(self) -> None:
        """The present job has ended, whatever its result."""
        self.finished = True
        if self.samples is not None:
            self.samples_changed.emit()

    def set_validation(self, validation: Samples | None) -> None:
        self.validation = validation
        self._promised = None
        self.validation_changed.emit()

    @property
    def score(self) -> Score:
        """The score that doubt is measured by: the one that the images are sorted by."""
        return SCORES[self._score]

    @property
    def scores(self) -> tuple[Score, ...]:
        """The scores that say something of the present samples, the most telling one first."""
        return ranked_scores() if self.samples is None else self.samples.telling_scores

    def set_score(self, name: str) -> None:
        """Measure doubt by another score."""
        if name != self._score:
            self._score = name
            self._ranks = None
            self.score_changed.emit()

    def set_promise(
        self, *, percent: int | None = None, how: SetKind | None = None, at_least_one: bool | None = None
    ) -> None:
        """Promise another coverage, or make the sets in another way."""
        state = self.promise
        state.at_least_one = state.at_least_one if at_least_one is None else at_least_one
        state.percent, state.how = state.percent if percent is None else percent, state.how if how is None else how
        self._promised = None
        self.promise_changed.emit()

    def promised(self) -> Promised | None:
        """The sets of the present samples; None while there are no rows to calibrate on."""
        if self.samples is None or self.validation is None:
            return None
        if self._promised is None:
            self._promised = self.promise.promised(self.samples, self.validation)
        return self._promised

    def uncertainty(self) -> Floats:
        """The chosen score of every image, larger where it is less certain: [rows]."""
        assert self.samples is not None
        return self.samples.scores.uncertainty(self._score)

    def rank(self, image: int) -> int:
        """The image's rank by the chosen score; 1 is the least certain image."""
        assert self.samples is not None
        if self._ranks is None:
            order = np.argsort(-self.uncertainty(), kind="stable")
            self._ranks = np.empty(len(order), np.int64)
            self._ranks[order] = np.arange(1, len(order) + 1)
        return int(self._ranks[image])
