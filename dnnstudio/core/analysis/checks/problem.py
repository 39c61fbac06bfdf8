"""A check's finding: its severity, place, reason, and the edit that fixes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dnnstudio.core.experiment.edits import Edit

Severity = Literal["error", "warning", "hint"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "hint")
"""Worst first. An error prevents training; a warning is probably not what was meant; a hint is advice."""


@dataclass(frozen=True, slots=True)
class Fix:
    """A one-click fix: its label, for the button and for undo, and the edit."""

    label: str
    apply: Edit


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding of a check.

    `place` is a layer's id, the dotted path of a field outside the stack ("data.classes.keep"), or "layers" for the
    stack as a whole. `layers` holds the ids of all layers to mark, `field` the layer's field that causes the problem,
    if there is one. `title` states what is wrong; `reason` explains why, in one or two sentences.
    """

    severity: Severity
    code: str
    place: str
    title: str
    reason: str
    fix: Fix | None = None
    layers: tuple[str, ...] = ()
    field: str = ""
