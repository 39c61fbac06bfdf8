"""Opens the window of augmentation, one for the open experiment."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.base.windows import Windows
from dnnstudio.gui.data.augmentation.window import AugmentationWindow
from dnnstudio.gui.theme import Theme


class AugmentationOpener(QObject):
    """`failed` carries a `UserError`."""

    failed = Signal(object)

    def __init__(self, window: QWidget, document: Document, engine: Engine, *, theme: Theme, actions: Actions) -> None:
        super().__init__(window)
        self._window = window
        self._document = document
        self._engine = engine
        self._theme = theme
        self.windows = Windows[str, AugmentationWindow]()
        actions.connect({"augmentation": self.open})

    def open(self) -> None:
        """Show the window, reusing an open one."""
        self.windows.show("augmentation", self._make)

    def close_all(self) -> None:
        """The program ends."""
        self.windows.close_all()

    def _make(self) -> AugmentationWindow:
        window = AugmentationWindow(self._theme, self._document, JobClient(self._engine), parent=self._window)
        window.failed.connect(self.failed)
        return window
