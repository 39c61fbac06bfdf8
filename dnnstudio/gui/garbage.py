"""The cyclic garbage collector on the GUI thread only.

Left to itself it runs on whichever thread allocates; on the engine's it would then destroy widgets there, which
ends the process. Here it runs between two events of the window, in the generations that Python itself would choose.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 1000


class GarbageCollector(QObject):
    """From `start` to `stop` garbage is collected here and nowhere else."""

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
        """What lives now lives to the end: the large libraries are not looked through again, which would be felt."""
        gc.freeze()

    def collect(self) -> None:
        """Collect the oldest generation whose threshold is passed, as Python would."""
        for generation in (2, 1, 0):
            threshold = gc.get_threshold()[generation]
            if threshold and gc.get_count()[generation] > threshold:
                gc.collect(generation)
                return
