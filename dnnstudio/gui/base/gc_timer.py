"""Runs the cyclic garbage collector on the GUI thread only.

By default it runs on whichever thread allocates; on the engine's it would destroy widgets there, which crashes the
process. Here it runs between two events of the window, with Python's own thresholds for the generations. What a job
leaves, a network's functions above all, takes 50 to 100 ms: it is collected when the job is over, not in the next one.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 1000
AFTER_JOB_MS = 150
"""A job's garbage waits so long for the last drawings, or for a job that follows at once."""


class GarbageCollector(QObject):
    """Collects garbage on this thread, and nowhere else, from `start` to `stop`, which leaves it as it was before."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.collect)
        self._after_job = QTimer(self, singleShot=True, interval=AFTER_JOB_MS)
        self._after_job.timeout.connect(self._collect_young)
        self._busy = False
        self._was_enabled = False

    @property
    def waiting(self) -> bool:
        """Whether a job's garbage is still to be collected."""
        return self._after_job.isActive()

    def set_busy(self, busy: bool) -> None:
        """Say whether a job runs: what it leaves is collected soon after it."""
        ended, self._busy = self._busy and not busy, busy
        if busy:
            self._after_job.stop()
        elif ended and self._timer.isActive():
            self._after_job.start()

    def start(self) -> None:
        self._was_enabled = gc.isenabled()
        gc.disable()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()
        self._after_job.stop()
        if self._was_enabled:
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

    def _collect_young(self) -> None:
        gc.collect(1)
