"""Display texts of figures. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.text import count_of, percent, plural
from dnnstudio.core.uncertainty.number_samples import NumberSamples
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import Floats, Score

NEIGHBOURS = 200
"""So many images most alike in doubt say how often such images are right."""
SMALL_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def spread(mean: float, deviation: float) -> str:
    """ "77 % ± 17 %"; "under 1 %" if both are smaller than that."""
    if mean < 0.005:
        return f"under {percent(0.01)}"
    return f"{percent(mean)} ± {percent(deviation)}"


def source_words(samples: Samples) -> tuple[str, str]:
    """What the shown mean is of, and what its `deterministic` prediction is called: "the mean over passes" and
    "dropout off".
    """
    return {
        "dropout": ("the mean over passes", "dropout off"),
        "members": ("the mean over networks", "dropout off"),
        "none": ("one prediction", "one prediction"),
    }[samples.kind]


def is_off_apart(samples: Samples, row: int | None = None) -> bool:
    """Whether the prediction with dropout off is another than the mean, for all rows or one: that of members which
    answer once is their mean.
    """
    if samples.is_single:
        return False
    rows = slice(None) if row is None else row
    mean, off = samples.scores.mean[rows], samples.rows.deterministic[rows]
    return samples.kind != "members" or not np.allclose(mean, off, atol=1e-3)


def pass_words(samples: Samples) -> str:
    """What the passes are: "100 passes with dropout on"."""
    if samples.is_single:
        return "one prediction, nothing is random"
    return count_of(samples.passes, pass_noun(samples)) + (" with dropout on" if samples.kind == "dropout" else "")


def pass_noun(samples: Samples | NumberSamples) -> str:
    """What answers once: a "pass" of one network, or each "network" of an ensemble."""
    return "network" if samples.kind == "members" else "pass"


def row_noun(samples: Samples | NumberSamples) -> str:
    """ "image" or, for what is no picture, "row"."""
    return "row" if samples.rows.pictures is None else "image"


@dataclass(frozen=True, slots=True)
class Nouns:
    """What the samples are of: what answers once, and what is answered."""

    answer: str = "pass"
    row: str = "image"

    def said(self, text: str) -> str:
        """A text with these nouns in the places of {answer}, {answers}, {row}, {rows}; {Row} begins a sentence."""
        nouns = {"answer": self.answer, "answers": plural(self.answer), "row": self.row, "rows": plural(self.row)}
        return text.format(**nouns, **{name.capitalize(): noun.capitalize() for name, noun in nouns.items()})


class Words:
    """The texts of a window that name what is sampled: they are said anew where that turns out to be of another kind.

    A window is made before the first samples come, so none of its legends, tooltips and titles may fix a noun.
    """

    def __init__(self, nouns: Nouns | None = None) -> None:
        self.nouns = nouns or Nouns()
        self._texts: list[tuple[Callable[[str], object], str]] = []

    def say(self, put: Callable[[str], object], text: str) -> None:
        """Have `put` show the text, now and whenever the nouns change; see `Nouns.said`."""
        self._texts.append((put, text))
        put(self.nouns.said(text))

    def follow(self, samples: Samples | NumberSamples) -> None:
        """Speak of what these samples are of."""
        self.speak(Nouns(pass_noun(samples), row_noun(samples)))

    def speak(self, nouns: Nouns) -> None:
        """Say all texts by these nouns."""
        if nouns == self.nouns:
            return
        self.nouns = nouns
        for put, text in self._texts:
            put(nouns.said(text))


def class_words(name: str) -> str:
    """The class as a sentence names it: in quotes where it could be taken for a figure."""
    return f"“{name}”" if any(sign.isdigit() for sign in name) and not any(sign.isalpha() for sign in name) else name


def headline(samples: Samples, row: int) -> tuple[str, str]:
    """Ankle boot, 77 % ± 17 %. | ± is the spread of passes. Dropout off said 89 %. It hesitates with Sneaker (17 %)."""
    mean, names = samples.scores.mean[row], samples.rows.class_names
    first, second = np.argsort(-mean, kind="stable")[:2]
    off = samples.rows.deterministic[row]
    said = int(off.argmax())
    whom = "" if said == first else f"{names[said]}, "
    parts = [f"Dropout off said {whom}{percent(off[said])}."] if is_off_apart(samples, row) else []
    shown = percent(mean[first]) if samples.is_single else spread(mean[first], samples.scores.std[row, first])
    if "±" in shown:
        parts.insert(0, f"± is the spread of {plural(pass_noun(samples))}.")
    if mean[second] >= 0.02:
        parts.append(f"It hesitates with {names[second]} ({percent(mean[second])}).")
    else:
        parts.append("It hardly hesitates.")
    return f"{names[first]}, {shown}.", " ".join(parts)


def alike_sentence(samples: Samples, row: int, score: Score) -> str:
    """How often images with nearly the same value of the score were classified correctly."""
    share, number = right_among_alike(samples.scores.uncertainty(score.name), samples.correct, row)
    what = count_of(number, row_noun(samples))
    return f"Of the {what} most alike by {score.title.lower()}, {percent(share)} were right."


def right_among_alike(uncertainty: Floats, correct: NDArray[np.bool_], row: int) -> tuple[float, int]:
    """The share of correct predictions among the images with the most similar uncertainty (itself excluded), and their
    number.
    """
    distance = np.abs(uncertainty - uncertainty[row])
    distance[row] = np.inf
    number = min(NEIGHBOURS, len(uncertainty) - 1)
    if number < 1:
        return float(correct[row]), 1
    nearest = np.argpartition(distance, number - 1)[:number]
    return float(correct[nearest].mean()), number


def the_rest(number: int) -> str:
    """ "The other seven." """
    return f"the other {SMALL_NUMBERS[number] if number < len(SMALL_NUMBERS) else number}"
