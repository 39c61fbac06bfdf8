"""What a check finds: how bad it is, where it lies, why it matters, and the edit that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dnnstudio.core.edits import Edit

Severity = Literal["error", "warning", "hint"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "hint")
"""Worst first. An error cannot be trained; a warning probably does not do what was meant; a hint is advice."""


@dataclass(frozen=True, slots=True)
class Fix:
    """A one-click cure: the words for its button and for undo, and the edit."""

    label: str
    apply: Edit


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend or to know.

    `place` is a layer's id, or the dotted path of a field outside the stack ("data.classes.keep"), or "layers" for
    the stack as a whole. `layers` holds the ids of all layers that the problem marks, `field` the field of the layer
    that is to blame where there is one. `title` is a sentence on what is wrong; `reason` teaches why, in one or two.
    """

    severity: Severity
    code: str
    place: str
    title: str
    reason: str
    fix: Fix | None = None
    layers: tuple[str, ...] = ()
    field: str = ""
