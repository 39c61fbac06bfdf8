"""Runs the cyclic garbage collector on the GUI thread only.

By default it runs on whichever thread allocates; on the engine's it would destroy widgets there, which crashes the
process. Here it runs between two events of the window, with Python's own thresholds for the generations.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 1000


class GarbageCollector(QObject):
    """Collects garbage on this thread, and nowhere else, from `start` to `stop`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.collect)

    def start(self) -> None:
        gc.disable()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()
        gc.enable()

    def freeze(self) -> None:
        """Move all present objects to the permanent generation (`gc.freeze`): later collections skip the imported
        libraries and stay short.
        """
        gc.freeze()

    def collect(self) -> None:
        """Collect the oldest generation whose threshold is exceeded, as Python would."""
        for generation in (2, 1, 0):
            threshold = gc.get_threshold()[generation]
            if threshold and gc.get_count()[generation] > threshold:
                gc.collect(generation)
                return
