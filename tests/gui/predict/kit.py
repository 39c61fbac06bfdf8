"""The window of new cases for tests: with the fake engine, and a program around it that has what a test wants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

from dnnstudio.core.workspace.runs import Weights
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.predict.keeping import Keeping
from dnnstudio.gui.predict.subjects import Network
from dnnstudio.gui.predict.window import PredictWindow
from dnnstudio.gui.theme import Theme

from ..fake_engine import FakeEngine

PICTURES = tuple(Path(f"/new/{name}.png") for name in (*(f"file {number}" for number in range(6)), "broken"))


class KeepingAt(Keeping):
    """Asks nobody."""

    file: Path | None = None
    folder: Path | None = None

    def ask_file(self, suffix: str) -> Path | None:
        return self.file

    def ask_folder(self) -> Path | None:
        return self.folder


class Around:
    """The program around the window, as a test wants it."""

    def __init__(self) -> None:
        self.found: tuple[Network, ...] = ()
        self.decided: tuple[str, float] | None = None
        self.decided_for: Weights = "last"
        self.opened: list[str] = []
        self.opened_with: list[Weights] = []
        self.clipboard: tuple[Path, ...] = ()
        self.other: Network | None = None

    def networks(self) -> tuple[Network, ...]:
        return self.found

    def ask_network(self) -> Network | None:
        return self.other

    def ask_files(self) -> tuple[Path, ...]:
        return PICTURES

    def ask_folder(self) -> tuple[Path, ...]:
        return ()

    def pasted(self) -> tuple[Path, ...]:
        return self.clipboard

    def threshold(self, network: Network, weights: Weights) -> tuple[str, float] | None:
        return self.decided if weights == self.decided_for else None

    def open_decision(self, network: Network, weights: Weights) -> None:
        self.opened.append(network.key)
        self.opened_with.append(weights)


class Opener:
    """Opens windows, and closes them at the end."""

    def __init__(self, qtbot: Any, theme: Theme, engine: FakeEngine) -> None:
        self.qtbot, self._theme, self.engine = qtbot, theme, engine
        self.around = Around()
        self.windows: list[PredictWindow] = []

    def __call__(
        self, model: str = "net", *paths: Path, best: int | None = None, size: tuple[int, int] = (1280, 820)
    ) -> PredictWindow:
        window = self.show(Network(Path("/runs") / model, model, best), size)
        window.add(paths)
        self.settle()
        return window

    def show(self, network: Network, size: tuple[int, int] = (1280, 820)) -> PredictWindow:
        """A window that was given nothing yet."""
        self.around.found = (network, *(one for one in self.around.found if one.key != network.key))
        window = PredictWindow(self._theme, self._client, network, self.around, keeping=KeepingAt)
        window.resize(*size)
        self.windows.append(window)
        with self.qtbot.waitExposed(window):
            window.show()
        return window

    def _client(self) -> JobClient:
        return JobClient(self.engine)

    def settle(self) -> None:
        """Wait until the engine has nothing to do, and the window has nothing to ask it."""
        self.qtbot.waitUntil(lambda: all(ticket.over for ticket in self.engine.tickets))
        QApplication.processEvents()

    def asked(self, kind: type) -> list[Any]:
        return [job for job in self.engine.submitted if isinstance(job, kind)]


def press(open_window: Opener, window: PredictWindow, name: str) -> None:
    button = window.findChild(QAbstractButton, name)
    assert button is not None and button.isVisible() and button.isEnabled(), name
    open_window.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def words(window: PredictWindow, name: str) -> str:
    found = window.findChild(QLabel, name)
    assert found is not None
    return found.text()
