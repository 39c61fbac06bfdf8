"""Observer of one training (begun, closed, failed).

This one does nothing; `SharedTraining` copies changed shared layers to other models.
"""

from __future__ import annotations

from pathlib import Path

from dnnstudio.core.errors import UserError


class TrainingObserver:
    """Observer of a training that shares no layers; subclasses react to its events."""

    def begun(self, folder: Path) -> None:
        """The run folder exists and nothing is trained yet."""

    def closed(self, folder: Path) -> str:
        """The run folder is complete. Returns a sentence on side effects, or ""."""
        del folder
        return ""

    def moved(self, before: Path, after: Path) -> None:
        """The run had to be kept in another folder than it was begun in. Raises `UserError`."""

    def failed(self) -> None:
        """The training ended without a result."""


def told_at_end(around: TrainingObserver, begun: Path, folder: Path) -> str:
    """What `around` tells at the end of the training that was `begun` in one folder and is kept in `folder`.

    Where that is another one, what fails is told too: other models may be gone as their folder is. Raises `UserError`.
    """
    if begun == folder:
        return around.closed(folder)
    try:
        around.moved(begun, folder)
        return around.closed(folder)
    except UserError as error:
        return str(error)
