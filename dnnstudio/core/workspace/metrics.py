"""The final figures of a run, `metrics.json`: read, and what its readers rely on looked at in one place.

A figure may be NaN or infinite, as after a training that diverged. Counts and times may not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dnnstudio.core.atomic_files import read_bounded
from dnnstudio.core.bounded_json import FIGURES, parse_record
from dnnstudio.core.os_errors import is_missing

METRICS = "metrics.json"
MAX_METRICS_BYTES = 2**20
LATEST = 4e9
"""Seconds since 1970, in 2096: a later start is no time that a run began."""
LONGEST_S = 1e12
_HINT = "Remove the file, and the run counts as unfinished."


def read_metrics(folder: Path) -> dict[str, Any] | None:
    """The run's final figures, or None if it has none yet. Values of a wrong kind are left out.

    Raises `UserError` for a damaged file: no JSON, or numbers that no float64 or 64 bits can hold.
    """
    path = folder / METRICS
    if is_missing(path):
        return None
    content = read_bounded(path, MAX_METRICS_BYTES, what="the figures of a run")
    plain = parse_record(content, name=str(path), hint=_HINT, bounds=FIGURES)
    return {key: value for key, value in plain.items() if _fits(key, value)}


def _fits(key: str, value: Any) -> bool:
    return value is None or key not in _FITS or _FITS[key](value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_duration(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= LONGEST_S


def _is_moment(value: Any) -> bool:
    return _is_number(value) and math.isfinite(value) and abs(value) <= LATEST


def _are_figures(value: Any) -> bool:
    """Of a run name → number, of an ensemble name → {"mean", "std", "n"}."""
    return isinstance(value, dict) and all(
        _is_number(figure)
        or (isinstance(figure, dict) and all(one is None or _is_number(one) for one in figure.values()))
        for figure in value.values()
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


_FITS: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("epochs", "best_epoch", "weights_epoch", "weights_steps", "parameters"), _is_count),
    **dict.fromkeys(("train", "validation", "test"), _are_figures),
    **dict.fromkeys(("reason", "run", "message", "fingerprint", "data_fingerprint"), _is_text),
    "seconds": _is_duration,
    "started": _is_moment,
    "layer_fingerprints": _is_object,
    "changed_by": _is_list,
}
"""Key → whether a value is of its kind; null is as good as no key."""
