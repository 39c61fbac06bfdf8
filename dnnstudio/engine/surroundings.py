"""What goes on around a training: other models may have a part in its layers."""

from __future__ import annotations

from pathlib import Path


class Surroundings:
    """What other models have to do with a training; told of its course. This one is of a training on its own."""

    def begun(self, folder: Path) -> None:
        """The run folder is there and nothing is trained yet."""

    def closed(self, folder: Path) -> str:
        """The run folder is whole; what else happened, as a sentence or nothing."""
        del folder
        return ""

    def failed(self) -> None:
        """The training ended without a result."""
