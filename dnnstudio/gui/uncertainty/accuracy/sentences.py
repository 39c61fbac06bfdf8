"""The headline of the Accuracy tab: accuracy beside what it must be compared with. No Qt."""

from __future__ import annotations

import numpy as np

from dnnstudio.core.text import count_of, percent
from dnnstudio.core.uncertainty.accuracy import Ints, class_figures
from dnnstudio.core.uncertainty.classification import majority_baseline
from dnnstudio.core.uncertainty.proportions import Share
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.gui.uncertainty.sentences import class_words, is_off_apart, source_words


def accuracy_sentences(samples: Samples, confusion: Ints) -> tuple[str, str]:
    """Headline and second line, from the confusion matrix [classes, classes] of the mean prediction."""
    labels, scores = samples.rows.labels, samples.scores
    right = Share(int(np.trace(confusion)), len(labels))
    low, high = right.interval()
    figures = class_figures(confusion)
    balanced = float(figures.recall[figures.support > 0].mean())
    baseline = majority_baseline(labels)
    common = class_words(samples.rows.class_names[int(figures.support.argmax())])
    compared = (
        f"Always saying {common}, the most frequent class, would be right in {percent(baseline.value, 1)}. "
        f"Balanced accuracy, the mean recall of the classes, is {percent(balanced, 1)}. "
        f"95 % interval of the accuracy: {percent(low, 1)} to {percent(high, 1)}."
    )
    if samples.is_single:
        return f"{percent(right.value, 2)} right.", compared
    mean, off_words = source_words(samples)
    if not is_off_apart(samples):
        vote = float((scores.vote == labels).mean())
        return f"{percent(right.value, 2)} right with {mean}.", f"Vote {percent(vote, 2)}. {compared}"
    off = samples.rows.deterministic.argmax(axis=1)
    off_right = float((off == labels).mean())
    gain = (right.value - off_right) * 100
    title = f"{percent(right.value, 2)} right with {mean}, "
    if abs(gain) < 0.05:
        title += f"as with {off_words}."
    else:
        title += f"{abs(gain):.1f} points {'more' if gain > 0 else 'fewer'} than with {off_words}."
    vote, changed = float((scores.vote == labels).mean()), int((scores.winner != off).sum())
    ways = f"Vote {percent(vote, 2)}, {off_words} {percent(off_right, 2)}; {count_of(changed, 'answer')} differ."
    return title, f"{ways} {compared}"
