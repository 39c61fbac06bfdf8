"""The training rows as each epoch sees them, and a preview of single pictures for the window.

An epoch's rows are drawn before its first step and laid into one buffer, which the steps read as they read any rows:
so augmentation goes the compiled way too, outside of XLA, and an epoch that is resumed in its middle finds the same
rows again. Validation, test and clean figures never see it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.results import Augmented
from dnnstudio.engine.backend.augmentation import augmented, is_picture, require_fitting
from dnnstudio.engine.backend.memory import need_memory
from dnnstudio.engine.data import load_part
from dnnstudio.engine.data.dataset import Split, taught_rows
from dnnstudio.engine.data.pictures.thumbnails import to_pictures
from dnnstudio.engine.data.scaling import Scaler, on_a_boundary

if TYPE_CHECKING:
    from dnnstudio.engine.data import Dataset

BLOCK = 512
"""Rows varied at a time: a stop is heard between two blocks, and memory holds one of them twice."""
PREVIEW_EPOCHS = 1_000_000
"""Where the preview's draws begin: no epoch has such a number."""


class TrainingRows:
    """The rows that the steps read: the data set's own where nothing is augmented, else a buffer filled each epoch."""

    def __init__(self, experiment: Experiment, dataset: Dataset, control: Control) -> None:
        """Raises `UserError` where the augmentation does not fit the rows."""
        augmentation = experiment.data.augmentation
        self._augmentation = None if augmentation is None or augmentation.changes_nothing else augmentation
        self._seed, self._control = experiment.seed, control
        self._clean = dataset.train.x
        self._epoch: int | None = None
        self.split = taught_rows(dataset)
        if self._augmentation is not None:
            require_fitting(self._augmentation, self._clean.shape[1:])
            self._range = value_range(self._clean)
            need_memory(self._clean.nbytes, what="Augmentation")
            buffer = on_a_boundary(self._clean.shape)
            # An autoencoder's labels are its rows: it learns to give back the picture that it sees.
            self.split = Split(buffer, buffer if dataset.train.y is dataset.train.x else self.split.y)

    def begin(self, epoch: int) -> None:
        """Lay the rows of this epoch out, if they are not there yet. Raises `Cancelled` by the control."""
        if self._augmentation is None or epoch == self._epoch:
            return
        self._epoch = None
        for start in range(0, len(self._clean), BLOCK):
            self._control.check()
            self.split.x[start : start + BLOCK] = augmented(
                self._clean[start : start + BLOCK],
                self._augmentation,
                value_range=self._range,
                seed=(self._seed, epoch, start),
            )
        self._epoch = epoch


def value_range(x: NDArray[np.float32]) -> tuple[float, float]:
    """The lowest and highest value of the rows `x` [n, *shape]."""
    return float(x.min()), float(x.max())


class PreviewRows:
    """Some training rows of a data set, kept so that the window's sliders need not read it again.

    At most `BLOCK` rows, evenly spread over the training part.
    """

    def __init__(self) -> None:
        self._of: tuple[Data, int] | None = None
        self._scaler: Scaler | None = None
        self._rows = np.empty((0,), np.float32)
        self._full_scale: float | None = None

    def pictures(self, data: Data, *, seed: int, row: int, count: int, control: Control | None = None) -> Augmented:
        """Training picture `row` of those kept, varied `count` times as training might see it; the first is itself.

        The same data, seed and row always give the same pictures, whatever the sliders: each slider moves what it is
        for and leaves the other draws. Raises `UserError` where rows are no pictures.
        """
        scaler = self._read(data.replaced(augmentation=None), seed, control)
        row %= len(self._rows)
        versions = np.repeat(self._rows[row : row + 1], count, axis=0)
        augmentation = data.augmentation
        if augmentation is not None and not augmentation.changes_nothing:
            require_fitting(augmentation, versions.shape[1:])
            draws = (seed, PREVIEW_EPOCHS, row)
            versions[1:] = augmented(versions[1:], augmentation, value_range=value_range(self._rows), seed=draws)
        shown = to_pictures(scaler.invert(versions), self._full_scale)
        return Augmented(pictures=shown, row=row, rows=len(self._rows))

    def _read(self, data: Data, seed: int, control: Control | None) -> Scaler:
        if self._of == (data, seed) and self._scaler is not None:
            return self._scaler
        part = load_part(data, "train", seed=seed, control=control)
        if not isinstance(part.scaler, Scaler) or not is_picture(part.x.shape[1:]):
            raise UserError("The rows are no pictures, so there is nothing to look at.", "Choose a source of pictures.")
        self._rows = part.scaler.apply(part.spread(BLOCK).x)
        self._of, self._scaler, self._full_scale = (data, seed), part.scaler, part.full_scale
        return part.scaler
