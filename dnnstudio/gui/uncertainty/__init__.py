"""The uncertainty inspector: the network's samples for every image under dropout, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dnnstudio.gui.uncertainty.opening import UncertaintyOpener
from dnnstudio.gui.uncertainty.subject import Subject, subject_at, subject_of

if TYPE_CHECKING:
    from dnnstudio.gui.uncertainty.dialog import UncertaintyDialog

__all__ = ["Subject", "UncertaintyDialog", "UncertaintyOpener", "subject_at", "subject_of"]


def __getattr__(name: str) -> Any:
    """The inspector's window is imported on first use, not before the main window's first paint."""
    if name != "UncertaintyDialog":
        raise AttributeError(name)
    from dnnstudio.gui.uncertainty.dialog import UncertaintyDialog

    return UncertaintyDialog
