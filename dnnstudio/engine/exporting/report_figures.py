"""The job `MeasureForReport`: confusion, calibration and uncertainty on the test rows."""

from __future__ import annotations

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.report_figures import Bin, Kept, MeasureForReport, ReportFigures
from dnnstudio.core.jobs.requests import Part
from dnnstudio.core.uncertainty.calibration import brier, reliability
from dnnstudio.engine.backend.noise import random_layers
from dnnstudio.engine.data import StoredPart, load_part
from dnnstudio.engine.predicting.network import Network, Said
from dnnstudio.engine.predicting.predict import network_at

PASSES = 30
MOST = 2000
"""So many rows of the part are asked in passes, evenly spaced."""
DRAWN = 500
SHARES = (1.0, 0.9, 0.75, 0.5)
PARTS: tuple[Part, ...] = ("test", "validation")


def measure_for_report(job: MeasureForReport, control: Control) -> ReportFigures:
    """What the network says of its test rows, or of the validation rows where there are none.

    Raises `UserError` where it or its data cannot be read, and `Cancelled`.
    """
    asked = network_at(job.model, weights=job.weights, control=control)
    experiment = asked.experiment
    name, part = _part(experiment.data, experiment.seed, control)
    if not asked.network.classes:
        part = part.spread(MOST)
        said = _said(asked.network, part)
        pairs = np.stack([part.y.astype(np.float64), said.values], axis=1)
        step = max(1, len(pairs) // DRAWN)
        return ReportFigures(
            part=name, rows=len(part), pairs=tuple((float(true), float(answer)) for true, answer in pairs[::step])
        )
    said = _said(asked.network, part)
    labels = part.y.astype(np.int64)
    answers = said.values.argmax(axis=1)
    count = len(asked.network.classes)
    confusion = np.bincount(labels * count + answers, minlength=count * count).reshape(count, count)
    found = reliability(said.values.max(axis=1), answers == labels, bins=10)
    bins = tuple(
        Bin(int(rows), float(confidence), float(accuracy))
        for rows, confidence, accuracy in zip(found.counts, found.confidence, found.accuracy, strict=True)
    )
    random = all(random_layers(live.model) for live, _ in asked.members)
    passes, looked, entropy, information = 1, part.spread(MOST), said, None
    if random or len(asked.members) > 1:
        several = network_at(job.model, weights=job.weights, samples=PASSES if random else None, control=control)
        passes = several.network.passes
        entropy = _said(several.network, looked)
        information = entropy.mutual_information
    elif len(looked) != len(part):
        entropy = _said(asked.network, looked)
    values = entropy.values
    spread = -(values * np.log(np.maximum(values, 1e-12))).sum(axis=1)
    right = values.argmax(axis=1) == looked.y
    return ReportFigures(
        part=name,
        rows=len(part),
        classes=asked.network.classes,
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
        bins=bins,
        calibration_error=found.ece,
        brier=float(brier(said.values, labels)),
        passes=passes,
        entropy=float(spread.mean()),
        mutual_information=None if information is None else float(information.mean()),
        kept=tuple(_kept(spread, right, share) for share in SHARES),
        notes=asked.notes,
    )


def _part(data: object, seed: int, control: Control) -> tuple[str, StoredPart]:
    for name in PARTS:
        part = load_part(data, name, seed=seed, control=control)  # type: ignore[arg-type]
        if len(part):
            return name, part
    raise UserError("The data has neither test nor validation rows.", "Leave some out of the training.")


def _said(network: Network, part: StoredPart) -> Said:
    """What is said of all rows, block by block; only values and mutual information are kept."""
    size = network.block_rows
    blocks = [
        network.say(part.x[start : start + size], number) for number, start in enumerate(range(0, len(part), size))
    ]
    information = [block.mutual_information for block in blocks if block.mutual_information is not None]
    return Said(
        np.concatenate([block.values for block in blocks]),
        np.concatenate([block.unusable for block in blocks]),
        mutual_information=np.concatenate(information) if information else None,
    )


def _kept(entropy: np.ndarray[tuple[int], np.dtype[np.float64]], right: object, share: float) -> Kept:
    """The surest `share` of the rows, by their entropy [rows]."""
    order = np.argsort(entropy, kind="stable")[: max(1, round(share * len(entropy)))]
    return Kept(share, float(entropy[order[-1]]), float(np.asarray(right)[order].mean()))
