"""Figures and sentences on out-of-distribution images. No widgets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnnstudio.core.text import percent
from dnnstudio.core.uncertainty.calibration import reliability
from dnnstudio.core.uncertainty.detection import Detection, detect
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import SCORES, Floats, Score, Unit, followed_scores
from dnnstudio.gui.uncertainty.score_colors import score_color


def measure_styles(samples: Samples) -> tuple[tuple[str, str, str], ...]:
    """Key, label and colour of each curve over severity that says something of these samples."""
    telling = (one for one in followed_scores() if one in samples.telling_scores)
    followed = ((one.name, _of_its_most(one), score_color(one.name)) for one in telling)
    return (("accuracy", "accuracy", "right"), *followed, ("ece", "calibration error", "wrong"))


def _of_its_most(score: Score) -> str:
    """An entropy is drawn as a share of what it can be at most, which its name alone does not say."""
    return f"{score.title.lower()}, share of its maximum" if score.unit is Unit.NATS else score.title.lower()


def measures(samples: Samples) -> dict[str, float]:
    """The figures of one severity: scores as a share of their maximum, so that they fit on one axis."""
    scores = samples.scores
    return {
        "accuracy": float(samples.correct.mean()),
        **{one.name: float(scores.normalized(one.name).mean()) for one in followed_scores()},
        "ece": reliability(scores.max_probability, samples.correct).ece,
    }


def detections(usual: Samples, strange: Samples) -> dict[str, Detection]:
    """How well each score separates the two sets."""
    return {name: detect(usual.scores.uncertainty(name), strange.scores.uncertainty(name)) for name in SCORES}


@dataclass(frozen=True, slots=True, eq=False)
class Histograms:
    """Shares of images in common bins, scaled so that the highest bar is 1."""

    left: Floats
    right: Floats
    usual: Floats
    strange: Floats


def histograms(usual: Floats, strange: Floats, *, bins: int = 40) -> Histograms:
    """Histograms of both sets of scores over their common range."""
    both = np.concatenate([usual, strange])
    low, high = float(both.min()), float(both.max())
    edges = np.linspace(low, high if high > low else low + 1e-6, bins + 1)
    shares = [np.histogram(values, edges)[0] / len(values) for values in (usual, strange)]
    top = max(float(share.max()) for share in shares)
    return Histograms(edges[:-1], edges[1:], shares[0] / top, shares[1] / top)


def sentence(usual: Samples, strange: Samples, best: tuple[str, Detection], *, labelled: bool) -> tuple[str, str]:
    """Headline and second line for the strongest shift, or for another data set, whose labels do not apply."""
    name, found = best
    tells = (
        "tells them apart well" if found.auroc >= 0.9 else "hardly notices" if found.auroc < 0.65 else "half notices"
    )
    before, after = measures(usual), measures(strange)
    sure = float((strange.scores.max_probability > 0.9).mean())
    if labelled:
        first = f"{percent(after['accuracy'])} right instead of {percent(before['accuracy'])}; it {tells}."
    else:
        first = f"These images are of no known class; the network {tells}."
    second = (
        f"{SCORES[name].title} finds a strange image before a usual one in {percent(found.auroc)} of pairs. "
        f"Of the strange ones, {percent(sure)} are answered with more than {percent(0.9)} confidence."
    )
    return first, second
