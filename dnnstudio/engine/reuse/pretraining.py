"""The training rows of pretraining, derived from the experiment's own; labels are not used."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.codec import to_plain
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Autoencoder, Rotation
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import Reconstruct
from dnnstudio.core.jobs.results import Reconstructions
from dnnstudio.core.planning.pretraining import ROTATIONS, pretraining_experiment
from dnnstudio.core.text import count_of
from dnnstudio.engine.data.dataset import Dataset, Split
from dnnstudio.engine.data.pictures.thumbnails import is_picture
from dnnstudio.engine.reuse.ensemble import outputs_of

if TYPE_CHECKING:
    from dnnstudio.engine.reuse.loaded_model import LiveModel

PARTS = ("train", "validation", "test")


def prepare(experiment: Experiment, dataset: Dataset) -> tuple[Experiment, Dataset]:
    """The experiment and rows that are actually trained; unchanged if there is no pretraining.

    Raises `UserError` if the rows do not suit the pretraining task.
    """
    rule = experiment.pretraining
    if rule is None:
        return experiment, dataset
    derived = pretraining_experiment(experiment, dataset.summary.input_shape)
    return derived, _task(dataset, rule, experiment.seed)


def _task(dataset: Dataset, rule: Autoencoder | Rotation, seed: int) -> Dataset:
    """The same rows with other targets: the row itself (autoencoder), or its rotation."""
    question = "autoencoder" if isinstance(rule, Autoencoder) else json.dumps([to_plain(rule)["kind"], seed])
    fingerprint = hashlib.sha256(f"{dataset.fingerprint} {question}".encode()).hexdigest()
    if isinstance(rule, Autoencoder):
        parts = {name: Split((x := getattr(dataset, name).x), x) for name in PARTS}
        names: tuple[str, ...] = ()
    else:
        parts = {
            name: turned(getattr(dataset, name).x, np.random.default_rng([seed, number]))
            for number, name in enumerate(PARTS)
        }
        names = ROTATIONS
    counts = tuple(np.bincount(parts["train"].y, minlength=len(names)).tolist()) if names else ()
    summary: DataSummary = replace(
        dataset.summary, class_names=names, binary=False, class_counts=counts, fingerprint=fingerprint, target_unit=None
    )
    return replace(
        dataset,
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"],
        summary=summary,
        fingerprint=fingerprint,
    )


def turned(x: NDArray[np.float32], random: np.random.Generator) -> Split:
    """Each image of `x` [n, h, w] or [n, h, w, channels] rotated by 0, 90, 180 or 270 degrees, in equal numbers at
    random.

    The labels, int64 [n], count the quarter turns.
    """
    quarters = random.permutation(np.arange(len(x)) % len(ROTATIONS)).astype(np.int64)
    out = np.empty_like(x)
    for count in range(len(ROTATIONS)):
        rows = quarters == count
        out[rows] = np.rot90(x[rows], count, axes=(1, 2))
    out.flags.writeable = quarters.flags.writeable = False
    return Split(out, quarters)


def reconstruct(live: LiveModel, dataset: Dataset, job: Reconstruct, control: Control) -> Reconstructions:
    """Images and their reconstructions by the network. Raises `UserError`."""
    if not isinstance(live.experiment.pretraining, Autoencoder):
        raise UserError("This network draws no pictures.", "Choose a run that was pretrained as an autoencoder.")
    x = getattr(dataset, job.part).x
    if bad := [row for row in job.rows if not 0 <= row < len(x)]:
        raise UserError(
            f"There is no row {bad[0]} in the {job.part} part of {count_of(len(x), 'row')}.", "Choose another row."
        )
    control.check()
    rows = x[list(job.rows)]
    drawn = outputs_of(live.model, rows, control=control)
    errors = np.square(rows - drawn).reshape(len(rows), -1).mean(axis=1)
    shown = dataset.scaler.invert(rows), dataset.scaler.invert(drawn)
    if not is_picture(rows.shape[1:]):
        return Reconstructions(originals=shown[0], drawn=shown[1], errors=errors, pictures=False)
    low, high = float(shown[0].min(initial=0.0)), float(shown[0].max(initial=1.0))
    originals, pictures = (
        np.clip(np.rint((values - low) * (255 / (high - low))), 0, 255).astype(np.uint8) for values in shown
    )
    return Reconstructions(originals=originals, drawn=pictures, errors=errors, pictures=True)
