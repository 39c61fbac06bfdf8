"""How long a training takes."""

from __future__ import annotations

import time

from dnnstudio.core.jobs.control import Control


class Clock:
    """Seconds of one training, which stand still while it is paused."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._last = self._now()

    def lap(self) -> float:
        """The seconds since the last call."""
        before, self._last = self._last, self._now()
        return self._last - before

    def _now(self) -> float:
        return time.monotonic() - self._control.paused_s
