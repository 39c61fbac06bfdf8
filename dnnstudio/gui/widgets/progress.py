"""A progress bar without synchronous repaints."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar


class ProgressBar(QProgressBar):
    """A progress bar that is painted with the window's next paint.

    Qt's own repaints inside `setValue`, together with everything else that waits to be painted.
    """

    def setValue(self, value: int) -> None:
        if value == self.value():
            return
        self.setUpdatesEnabled(False)
        super().setValue(value)
        self.setUpdatesEnabled(True)  # schedules a paint
