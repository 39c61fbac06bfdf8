"""What the Promise tab says. No Qt."""

from __future__ import annotations

import numpy as np

from dnnstudio.core.text import count_of, percent
from dnnstudio.core.uncertainty.conformal import Promise
from dnnstudio.core.uncertainty.proportions import Share
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.set_kinds import SetKind
from dnnstudio.gui.uncertainty.promise.state import Promised
from dnnstudio.gui.uncertainty.sentences import class_words, row_noun

MOST_NAMED = 3


def size_word(size: int) -> str:
    """What a set of so many classes is called."""
    return "strange" if size == 0 else "sure" if size == 1 else "unsure"


def set_names(promised: Promised, samples: Samples, row: int) -> tuple[str, ...]:
    """The names in the set of a row, likeliest first."""
    members = promised.chosen.sets.members[row]
    order = np.argsort(-samples.scores.mean[row], kind="stable")
    return tuple(samples.rows.class_names[number] for number in order.tolist() if members[number])


def joined(names: tuple[str, ...]) -> str:
    """ "3, 8 or 9", "3, 8, 9 or 4 more"; "None fits: strange" for an empty set."""
    if not names:
        return "None fits: strange"
    if len(names) > MOST_NAMED + 1:
        return f"{', '.join(names[:MOST_NAMED])} or {len(names) - MOST_NAMED} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def promise_sentences(promised: Promised, samples: Samples) -> tuple[str, str]:
    """Headline, and the line on how the coverage was counted and calibrated."""
    reached = promised.chosen.reached
    promise = float(promised.promise.coverage)
    first = f"{percent(promise)} promised, {percent(reached.overall.value, 1)} reached on the {samples.rows.title}"
    missed = promised.chosen.missed
    if missed:
        worst = min(missed, key=lambda number: reached.classes[number].value)
        more = f" and {len(missed) - 1} more" if len(missed) > 1 else ""
        name = class_words(samples.rows.class_names[worst])
        first += f"; {name} only {percent(reached.classes[worst].value, 1)}{more}"
        if promised.how is SetKind.BY_CLASS:
            first += "."
        elif promised.too_few_by_class:
            first += ", with too few rows for a threshold per class."
        else:
            first += ": choose per class." if promised.by_class_helps else "."
    else:
        first += "; no class is clearly below it."
    noun = row_noun(samples)
    counted = "the other half" if promised.same_rows else f"{reached.overall.total:,} sets"
    second = (
        f"{reached.overall.hits:,} of {counted} hold the label. Threshold set on "
        f"{count_of(promised.calibration_rows, noun)}, half of the {promised.validation_rows:,} validation {noun}s, "
        "drawn at random. Where these also chose the epoch, the promise is a little too good."
    )
    return first, second


def too_few(promised: Promised, samples: Samples) -> str:
    """Which calibration rows are missing, "" if there are enough."""
    calibration = promised.chosen.calibration
    needed, missing = calibration.promise.rows_needed, calibration.missing
    share, noun = percent(float(calibration.promise.coverage)), row_noun(samples)
    if not missing.any():
        return ""
    if not calibration.by_class:
        return (
            f"{share} needs {count_of(needed, noun)} to calibrate on; there are {promised.calibration_rows:,}. "
            "Every set holds every class, which says nothing: promise less, or keep more validation rows."
        )
    short = np.flatnonzero(missing)
    names = ", ".join(
        f"{samples.rows.class_names[number]} ({calibration.counts[number]:,})" for number in short[:3].tolist()
    )
    rest = f" and {len(short) - 3} more" if len(short) > 3 else ""
    return (
        f"{share} in each class needs {count_of(needed, noun)} of it to calibrate on; too few have {names}{rest}. "
        "These classes are in every set, which says nothing: promise less, or keep more validation rows."
    )


def advice(promised: Promised, samples: Samples) -> tuple[str, str]:
    """Title and reason of the advice where one threshold forgets classes that one a class does not; "" otherwise."""
    if promised.how is SetKind.BY_CLASS or not promised.by_class_helps:
        return "", ""
    worst = min(promised.one.missed, key=lambda number: promised.one.reached.classes[number].value)
    name = samples.rows.class_names[worst]
    return (
        "One threshold keeps the promise on average only",
        f"Per class, {name} reaches {percent(promised.by_class.reached.classes[worst].value, 1)} instead of "
        f"{percent(promised.one.reached.classes[worst].value, 1)}; the mean size of the sets goes from "
        f"{promised.one.sets.mean_size:.2f} to {promised.by_class.sets.mean_size:.2f}.",
    )


def broken_promise(promise: Promise, usual: Share, changed: Share) -> str:
    """What becomes of the promise under a shift, and why."""
    share = percent(float(promise.coverage))
    kept = "is still kept" if not changed.misses(float(promise.coverage)) else "is broken"
    return (
        f"The promise of {share} {kept}: the sets hold the label of {percent(changed.value, 1)}, "
        f"and of {percent(usual.value, 1)} unchanged. It is made for rows exchangeable with those it was calibrated "
        "on, that is, rows that could as well have been among them."
    )
