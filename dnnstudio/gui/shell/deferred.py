"""Deferred construction: advances an iterator one step per event-loop iteration, or to its end as soon as the user
presses something."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import QEvent, QObject, QTimer, Signal

CLASSES_A_STEP = 50
"""Takes 6 ms."""
LOOK_AGAIN_MS = 5
"""Polling interval for the end of a thread started by a step."""
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
"""User input events. They reach the native window first, before any widget or shortcut."""


class Deferred(QObject):
    """Runs the steps of an iterator one by one; `finished` once there is none left.

    A step that yields a thread is followed by the next one when that thread has ended. `finish` runs all remaining
    steps at once; so does any user input to a watched window, before it is handled.
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
        """Whether all steps have run."""
        return self._over and not self._failed

    @property
    def busy(self) -> bool:
        """Whether a step is running, which has led to the caller by an event or a signal."""
        return self._busy

    def watch(self, native_window: QObject) -> None:
        """Finish before that window handles a click or a key."""
        if not self._over:
            self._watched = native_window
            native_window.installEventFilter(self)

    def start(self) -> None:
        """Run the steps one by one, each after the pending events."""
        if not self._over:
            self._timer.start(0)

    def finish(self) -> bool:
        """Run all remaining steps now. False if a step is running, or one has failed."""
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
        self._busy = True  # an event processed within a step must not start the next one inside it
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


def make_qt_classes() -> Iterator[None]:
    """Steps that have PySide make all classes that pyqtgraph looks at when it is imported.

    PySide makes a class when it is first looked at. On another thread, while this one handles an event, that ended the
    process: once in some hundred starts on a machine that was busy.
    """
    for module in (QtCore, QtGui, QtWidgets):
        for number, name in enumerate(dir(module), start=1):
            getattr(module, name)
            if number % CLASSES_A_STEP == 0:
                yield
