"""Work that cannot be interrupted, such as tracing a network, on a thread of its own: a stop is heard meanwhile.

TensorFlow takes from a tenth of a second to several for it (200 layers: 8 s), in one piece.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from dnnstudio.core.jobs.control import Control

LOOK_S = 0.02
"""How often a stop is looked for."""


class Aside:
    """One piece of work, which must change nothing that others see. What it raises is left to who calls it for good."""

    def __init__(self, work: Callable[[], object], name: str) -> None:
        self._thread = threading.Thread(target=_quietly, args=(work,), name=name)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def is_done_within(self, seconds: float) -> bool:
        """Whether it is done, or so many seconds from now: this waits for it so long."""
        self._thread.join(seconds)
        return self.is_done

    def wait(self, control: Control | None) -> None:
        """Until it is done. Raises `Cancelled` as soon as the job is stopped; the work goes on to its end then."""
        while not self.is_done:
            if control is not None:
                control.check()
            self._thread.join(LOOK_S)

    def join(self) -> None:
        """Until it is done, whatever is asked for."""
        self._thread.join()


class AsideInTwo(Aside):
    """Work of two parts: `first` gives the second, which may outlive everything that the first knows of.

    So a compilation that nobody waits for any more keeps neither the training alive nor its data.
    """

    def __init__(self, first: Callable[[], Callable[[], object]], name: str) -> None:
        self._first_done = done = threading.Event()

        def begin() -> Callable[[], object]:
            try:
                return first()
            finally:
                done.set()

        parts = [begin]  # taken out before the second begins, so that the thread keeps nothing that `first` knows
        super().__init__(lambda: parts.pop()()(), name)

    def join_first(self) -> None:
        """Until the first part is done."""
        self._first_done.wait()


def _quietly(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:  # the same call for good raises it where it can be told
        return
