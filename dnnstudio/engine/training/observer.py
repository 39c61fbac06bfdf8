"""Observer of one training (begun, closed, failed).

This one does nothing; `SharedTraining` copies changed shared layers to other models.
"""

from __future__ import annotations

from pathlib import Path


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
