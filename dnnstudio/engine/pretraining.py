"""The rows that pretraining learns from, made of the experiment's own; the labels are not looked at."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.codec import to_plain
from dnnstudio.core.control import Control
from dnnstudio.core.data import DataSummary
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.jobs import Reconstruct, Reconstructions
from dnnstudio.core.pretraining import ROTATIONS, pretraining_experiment
from dnnstudio.core.transfer import Autoencoder, Rotation
from dnnstudio.engine.data.dataset import Dataset, Split
from dnnstudio.engine.data.pictures import is_picture

if TYPE_CHECKING:
    from dnnstudio.engine.live_model import LiveModel

PARTS = ("train", "validation", "test")


def prepare(experiment: Experiment, dataset: Dataset) -> tuple[Experiment, Dataset]:
    """The experiment and the rows that are really trained: the given ones where nothing is to be pretrained.

    Raises `UserError`.
    """
    rule = experiment.pretraining
    if rule is None:
        return experiment, dataset
    derived = pretraining_experiment(experiment, dataset.summary.input_shape)
    return derived, _task(dataset, rule, experiment.seed)


def _task(dataset: Dataset, rule: Autoencoder | Rotation, seed: int) -> Dataset:
    """The same rows with another question: which row is this, or how was it turned?"""
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
        dataset.summary, class_names=names, binary=False, class_counts=counts, fingerprint=fingerprint
    )
    return Dataset(**parts, summary=summary, thumbnails=None, scaler=dataset.scaler, fingerprint=fingerprint)


def turned(x: NDArray[np.float32], random: np.random.Generator) -> Split:
    """Each picture turned once, by a quarter as often as by a half or not at all; and by how many quarters."""
    quarters = random.permutation(np.arange(len(x)) % len(ROTATIONS)).astype(np.int64)
    out = np.empty_like(x)
    for count in range(len(ROTATIONS)):
        rows = quarters == count
        out[rows] = np.rot90(x[rows], count, axes=(1, 2))
    out.flags.writeable = quarters.flags.writeable = False
    return Split(out, quarters)


def reconstruct(live: LiveModel, dataset: Dataset, job: Reconstruct, control: Control) -> Reconstructions:
    """Pictures beside what the network draws of them. Raises `UserError`."""
    if not isinstance(live.experiment.pretraining, Autoencoder):
        raise UserError("This network draws no pictures.", "Choose a run that was pretrained as an autoencoder.")
    x = getattr(dataset, job.part).x
    if bad := [row for row in job.rows if not 0 <= row < len(x)]:
        raise UserError(f"There is no row {bad[0]} in the {job.part} part of {len(x):,} rows.", "Choose another row.")
    control.check()
    rows = x[list(job.rows)]
    drawn = np.asarray(live.model(rows, training=False).numpy(), np.float32)
    errors = np.square(rows - drawn).reshape(len(rows), -1).mean(axis=1)
    shown = dataset.scaler.invert(rows), dataset.scaler.invert(drawn)
    if not is_picture(rows.shape[1:]):
        return Reconstructions(originals=shown[0], drawn=shown[1], errors=errors, pictures=False)
    low, high = float(shown[0].min(initial=0.0)), float(shown[0].max(initial=1.0))
    originals, pictures = (
        np.clip(np.rint((values - low) * (255 / (high - low))), 0, 255).astype(np.uint8) for values in shown
    )
    return Reconstructions(originals=originals, drawn=pictures, errors=errors, pictures=True)
