"""What is made after the first painting: a step at a time between two events, so that the window answers meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

from PySide6.QtCore import QEvent, QObject, QTimer, Signal

LOOK_AGAIN_MS = 5
"""How often a thread that a step has begun is asked whether it is over."""
INPUT = frozenset(
    {
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseButtonDblClick,
        QEvent.Type.Wheel,
        QEvent.Type.TouchBegin,
        QEvent.Type.TabletPress,
        QEvent.Type.ShortcutOverride,
        QEvent.Type.KeyPress,
        QEvent.Type.DragEnter,
        QEvent.Type.Drop,
        QEvent.Type.Close,
    }
)
"""What a person does to a window. All of it reaches the native window first, before any widget or shortcut."""


class Later(QObject):
    """Takes the steps of an iterator one by one; `finished` once there is none left.

    A step that yields a thread is followed by the next one when that thread is over. `finish` takes all that is left
    at once; so does whatever a person does to a window that is watched, before it is served.
    """

    finished = Signal()

    def __init__(self, steps: Iterator[Thread | None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steps = steps
        self._thread: Thread | None = None
        self._watched: QObject | None = None
        self._busy = False
        self._over = False
        self._failed = False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._go_on)

    @property
    def whole(self) -> bool:
        """Whether every step was taken."""
        return self._over and not self._failed

    def watch(self, native_window: QObject) -> None:
        """Finish before that window hears of a click or a key."""
        if not self._over:
            self._watched = native_window
            native_window.installEventFilter(self)

    def start(self) -> None:
        """Take the steps one by one, each after the events that wait."""
        if not self._over:
            self._timer.start(0)

    def finish(self) -> bool:
        """Take all steps that are left, now. False when a step is being taken, or one has failed."""
        while not self._over and not self._busy:
            self._wait()
            self._step()
        return self.whole

    def _go_on(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        self._wait()
        self._step()
        if not self._over:
            self._timer.start(LOOK_AGAIN_MS if self._thread is not None else 0)

    def _wait(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _step(self) -> None:
        self._busy = True  # an event that a step lets in must not begin the next one inside it
        try:
            self._thread = next(self._steps)
        except StopIteration:
            self._end()
            self.finished.emit()
        except BaseException:
            self._failed = True
            self._end()
            raise
        finally:
            self._busy = False

    def _end(self) -> None:
        self._over = True
        self._timer.stop()
        if self._watched is not None:
            self._watched.removeEventFilter(self)
            self._watched = None

    # ------------------------------------------------------------------------------------------ Qt

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in INPUT:
            self.finish()
        return False
