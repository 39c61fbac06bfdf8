"""What is said of images unlike those that were learnt from. No widgets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnnstudio.core.uncertainty.calibration import reliability
from dnnstudio.core.uncertainty.detection import Detection, detect
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import DOUBTS, Floats

MEASURES = (
    ("accuracy", "accuracy", "right"),
    ("entropy", "predictive entropy", "series_4"),
    ("information", "mutual information", "accent"),
    ("ece", "calibration error", "wrong"),
)
"""Key, words and colour; entropies as shares of log C, so that all four stand on one axis."""


def measures(samples: Samples) -> dict[str, float]:
    """The four figures of one severity."""
    scores = samples.scores
    return {
        "accuracy": float(samples.correct.mean()),
        "entropy": float(scores.normalized("predictive_entropy").mean()),
        "information": float(scores.normalized("mutual_information").mean()),
        "ece": reliability(scores.max_probability, samples.correct).ece,
    }


def detections(usual: Samples, strange: Samples) -> dict[str, Detection]:
    """How well each score tells the two sets apart."""
    return {name: detect(usual.scores.doubt(name), strange.scores.doubt(name)) for name in DOUBTS}


@dataclass(frozen=True, slots=True, eq=False)
class Histograms:
    """Shares of images in common bins; the highest bar is 1."""

    left: Floats
    right: Floats
    usual: Floats
    strange: Floats


def histograms(usual: Floats, strange: Floats, *, bins: int = 40) -> Histograms:
    """Both sets of scores over the range that holds them all."""
    both = np.concatenate([usual, strange])
    low, high = float(both.min()), float(both.max())
    edges = np.linspace(low, high if high > low else low + 1e-6, bins + 1)
    shares = [np.histogram(values, edges)[0] / len(values) for values in (usual, strange)]
    top = max(float(share.max()) for share in shares)
    return Histograms(edges[:-1], edges[1:], shares[0] / top, shares[1] / top)


def sentence(usual: Samples, strange: Samples, best: tuple[str, Detection], *, labelled: bool) -> tuple[str, str]:
    """Headline and second line for the strongest change, or for another data set, whose labels mean nothing here."""
    name, found = best
    tells = (
        "tells them apart well" if found.auroc >= 0.9 else "hardly notices" if found.auroc < 0.65 else "half notices"
    )
    before, after = measures(usual), measures(strange)
    sure = float((strange.scores.max_probability > 0.9).mean())
    if labelled:
        first = (
            f"{after['accuracy'] * 100:.0f}\u00a0% right instead of {before['accuracy'] * 100:.0f}\u00a0%; it {tells}."
        )
    else:
        first = f"These images are of no known class; the network {tells}."
    second = (
        f"{DOUBTS[name]} finds a strange image before a usual one in {found.auroc * 100:.0f}\u00a0% of pairs. "
        f"Of the strange ones, {sure * 100:.0f}\u00a0% are answered with more than 90\u00a0% confidence."
    )
    return first, second
