"""Starts the engine after the window's first paint, so that the window appears before TensorFlow is loaded.

The rest of the window is built first; the engine's imports wait for it, because two threads would slow each other.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QTimer

from dnnstudio.gui.base.engine_thread import Engine, EngineState
from dnnstudio.gui.base.gc_timer import GarbageCollector
from dnnstudio.gui.shell.main_window import MainWindow


class EngineStart(QObject):
    """Waits for the first paint of `window`; owned by it."""

    def __init__(self, window: MainWindow, engine: Engine, collector: GarbageCollector) -> None:
        super().__init__(window)
        self._window = window
        self._engine = engine
        self._collector = collector
        self._ready = False
        engine.hold()
        engine.state_changed.connect(self._on_state)
        window.deferred.finished.connect(self._on_whole)
        window.installEventFilter(self)

    def begin(self) -> None:
        """Start the engine and the second stage of the window, directly after the first paint."""
        self._collector.freeze()
        self._engine.start()
        self._window.deferred.start()

    def _on_whole(self) -> None:
        self._window.data.request_preview()  # reading data needs no TensorFlow, so it comes first
        self._collector.freeze()
        self._engine.release()

    def _on_state(self, state: EngineState) -> None:
        if state.phase == "ready" and not self._ready:
            self._ready = True
            self._collector.freeze()
        self._collector.set_busy(state.phase == "busy")

    # ------------------------------------------------------------------------------------------ Qt

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self._window.removeEventFilter(self)
            QTimer.singleShot(0, self, self.begin)
        return False
