"""Figures and sentences as a person reads them. No Qt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import Floats

NBSP = "\u00a0"
NEIGHBOURS = 200
"""So many images most alike in doubt say how often such images are right."""
SMALL_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def percent(share: float, digits: int = 0) -> str:
    """77 %, or 77.0 % with a digit after the point."""
    return f"{share * 100:.{digits}f}{NBSP}%"


def spread(mean: float, deviation: float) -> str:
    """77 % ± 17 %; "under 1 %" where both are smaller than that."""
    if mean < 0.005:
        return f"under 1{NBSP}%"
    return f"{percent(mean)} ± {percent(deviation)}"


def count(number: int, noun: str) -> str:
    """1 image, 10,000 images."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def seconds(value: float) -> str:
    """42 s, 3 min 20 s."""
    whole = round(value)
    return f"{whole}{NBSP}s" if whole < 60 else f"{whole // 60}{NBSP}min {whole % 60}{NBSP}s"


def headline(samples: Samples, row: int) -> tuple[str, str]:
    """Ankle boot, 77 % ± 17 %. | Dropout off said 89 %. It hesitates with Sneaker (17 %)."""
    mean, names = samples.scores.mean[row], samples.rows.class_names
    first, second = np.argsort(-mean, kind="stable")[:2]
    off = samples.rows.deterministic[row]
    said = int(off.argmax())
    whom = "" if said == first else f"{names[said]}, "
    parts = [f"Dropout off said {whom}{percent(off[said])}."]
    if mean[second] >= 0.02:
        parts.append(f"It hesitates with {names[second]} ({percent(mean[second])}).")
    else:
        parts.append("It hardly hesitates.")
    return f"{names[first]}, {spread(mean[first], samples.scores.std[row, first])}.", " ".join(parts)


def alike_sentence(samples: Samples, row: int) -> str:
    """How often images as unsure as this one were right."""
    share, number = right_among_alike(samples.scores.predictive_entropy, samples.correct, row)
    return f"Of the {number:,} images most alike in doubt, {percent(share)} were right."


def right_among_alike(doubt: Floats, correct: NDArray[np.bool_], row: int) -> tuple[float, int]:
    """The share of right ones among the images whose doubt is nearest to this one's, itself left out; how many."""
    distance = np.abs(doubt - doubt[row])
    distance[row] = np.inf
    number = min(NEIGHBOURS, len(doubt) - 1)
    if number < 1:
        return float(correct[row]), 1
    nearest = np.argpartition(distance, number - 1)[:number]
    return float(correct[nearest].mean()), number


def the_rest(number: int) -> str:
    """The other seven."""
    return f"the other {SMALL_NUMBERS[number] if number < len(SMALL_NUMBERS) else number}"
