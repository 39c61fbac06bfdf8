"""How many epochs the trials of a sweep have: what is varied may be their number."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from statistics import fmean

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.planning.stages import planned_epochs
from dnnstudio.core.study.varied import Listed, Ranged, parse_varied, with_values

LOOKED_AT = 50
"""So many values of a list are looked at: it is asked at every key that is pressed."""


def _changes_epochs(path: str) -> bool:
    """Whether a field is a number of epochs, of the training or of a phase."""
    return path.endswith("epochs")


def mean_epochs(experiment: Experiment, varied: Sequence[Listed | Ranged]) -> float:
    """The epochs of a trial on average. A value that the experiment cannot hold is passed over."""
    usual = planned_epochs(experiment)
    found = float(usual)
    for one in varied:
        if _changes_epochs(one.path):
            values = tuple(islice(one.values, LOOKED_AT)) if isinstance(one, Listed) else (one.low, one.high)
            epochs = [there for value in values if (there := _epochs_at(experiment, one.path, value)) is not None]
            found += fmean(epochs) - usual if epochs else 0.0
    return found


def _epochs_at(experiment: Experiment, path: str, value: object) -> int | None:
    try:
        return planned_epochs(with_values(experiment, {path: value}))
    except UserError:
        return None


def asked_epochs(experiment: Experiment, texts: Sequence[str]) -> float:
    """The same of what `PATH=VALUES` texts ask to vary; what is not complete yet is passed over."""
    of_epochs = [text for text in texts if _changes_epochs(text.partition("=")[0])]
    try:
        return mean_epochs(experiment, parse_varied(of_epochs, experiment) if of_epochs else ())
    except UserError:
        return mean_epochs(experiment, ())
