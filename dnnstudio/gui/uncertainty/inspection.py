"""What the inspector's views share: the samples, the image that is looked at, and how sure each image is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from dnnstudio.core.uncertainty.samples import Samples


class Inspection(QObject):
    """`samples_changed` while passes come in and at the end; `image_changed` when another image is looked at.

    `validation_changed` when the validation rows, on which thresholds and the temperature are chosen, were sampled.
    """

    samples_changed = Signal()
    image_changed = Signal()
    validation_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.samples: Samples | None = None
        self.validation: Samples | None = None
        self.finished = False
        """Whether no more passes of the present job are to come."""
        self._image = 0
        self._ranks: NDArray[np.int64] | None = None

    @property
    def image(self) -> int:
        """The image that is looked at, counted from 0."""
        return self._image

    def set_image(self, image: int) -> None:
        """Look at another image."""
        if self.samples is not None and 0 <= image < len(self.samples.rows) and image != self._image:
            self._image = image
            self.image_changed.emit()

    def set_samples(self, samples: Samples, *, finished: bool) -> None:
        """Show what was sampled so far."""
        self.samples = samples
        self.finished = finished
        self._ranks = None
        if self._image >= len(samples.rows):
            self._image = 0
        self.samples_changed.emit()

    def finish(self) -> None:
        """The present job is over, whatever came of it."""
        self.finished = True
        if self.samples is not None:
            self.samples_changed.emit()

    def set_validation(self, validation: Samples | None) -> None:
        self.validation = validation
        self.validation_changed.emit()

    def rank(self, image: int) -> int:
        """1 for the image on which passes disagree most (mutual information)."""
        assert self.samples is not None
        if self._ranks is None:
            order = np.argsort(-self.samples.scores.mutual_information, kind="stable")
            self._ranks = np.empty(len(order), np.int64)
            self._ranks[order] = np.arange(1, len(order) + 1)
        return int(self._ranks[image])
