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

    def failed(self) -> None:
        """The training ended without a result."""


def told_at_end(around: TrainingObserver, folder: Path, *, elsewhere: bool) -> str:
    """What `around` tells at the end of the training in `folder`.

    Where the run is kept `elsewhere`, what fails is told too: other models may be gone as its folder is. Raises
    `UserError`.
    """
    try:
        return around.closed(folder)
    except UserError as error:
        if not elsewhere:
            raise
        return str(error)
