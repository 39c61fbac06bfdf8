"""The ways to the prediction window: the menu, a run's menu, files dropped on the main window; and what it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.workspace.run_rows import rows_of_run
from dnnstudio.core.workspace.runs import RunRecord, Weights
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.base.table_text import save_pasted, separator_of
from dnnstudio.gui.base.windows import Windows, in_front
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.predict.fitting import fits
from dnnstudio.gui.predict.subjects import Network, network_at, network_of_run, networks
from dnnstudio.gui.theme import Theme

if TYPE_CHECKING:
    from dnnstudio.gui.predict.window import PredictWindow

WIDTH, HEIGHT = 1280, 820
THE_ONE = "predict"


class PredictOpener(QObject):
    """One window, which any network can be chosen in. `refused(UserError)` where there is none yet.

    `records` gives the runs, newest first, `chosen` the selected one, `opened` the opened model's id and name.
    `find_threshold` and `open_decision` are the inspector's.
    """

    refused = Signal(object)

    def __init__(
        self,
        window: QWidget,
        engine: Engine,
        *,
        theme: Theme,
        settings: Settings,
        dialogs: Dialogs,
        records: Callable[[], Sequence[RunRecord]],
        chosen: Callable[[], RunRecord | None],
        opened: Callable[[], tuple[str, str] | None],
        find_threshold: Callable[[str | Path, Weights], tuple[str, float] | None],
        open_decision: Callable[[str | Path, Weights], object],
    ) -> None:
        super().__init__(window)
        self._window, self._engine = window, engine
        self._theme, self._settings, self._dialogs = theme, settings, dialogs
        self._records, self._chosen, self._opened = records, chosen, opened
        self._find_threshold, self._open_decision = find_threshold, open_decision
        self.windows: Windows[str, PredictWindow] = Windows()

    # ------------------------------------------------------------------------------------------ ways in

    @property
    def network(self) -> Network | None:
        """The network that is asked unless another is chosen: the selected run's, else the newest there is."""
        record = self._chosen()
        found = None if record is None else network_of_run(record)
        return found or next(iter(self.networks()), None)

    @property
    def available(self) -> bool:
        """Whether there is a network to ask. Asked at every edit: no run's files are read for it."""
        return self._opened() is not None or any(record.has_network for record in self._records())

    def open(self) -> None:
        """Show the window, with the selected run."""
        network = self.network
        if network is None:
            self.refused.emit(UserError("There is no trained network yet.", "Press Train first, or open a model."))
        else:
            self.ask(network)

    def open_run(self, folder: Path) -> None:
        """Show the window with one run."""
        try:
            self.ask(network_at(folder) if (found := self._listed(folder)) is None else found)
        except UserError as error:
            self.refused.emit(error)

    def _listed(self, folder: Path) -> Network | None:
        return next((network_of_run(record) for record in self._records() if record.folder == folder), None)

    def ask(self, network: Network, paths: Sequence[Path] = ()) -> PredictWindow:
        """Show the window with a network, and give it these files."""
        there = self.windows.get(THE_ONE)
        if there is not None and there.network.key != network.key:
            there.choose(network)
        window = self.windows.show(THE_ONE, lambda: self._make(network))
        window.add(paths)
        return window

    def take(self, paths: Sequence[Path]) -> bool:
        """Files were dropped on the main window: ask what they are for, if a run could answer them.

        False where they are not for this window.
        """
        network = self._for(paths)
        if network is None:
            return False
        match self._dialogs.predict_or_data(self._window, network.title, paths):
            case "predict":
                self.ask(network, paths)
            case "data":
                return False
        return True

    def _for(self, paths: Sequence[Path]) -> Network | None:
        """The selected run if it could answer these files, else the newest that could."""
        chosen = self._chosen()
        ordered = [*([chosen] if chosen is not None else []), *self._records()]
        for record in ordered:
            network = network_of_run(record)
            if network is not None and fits(rows_of_run(record.home), paths):
                return network
        return None

    def close_all(self) -> None:
        """The program ends."""
        self.windows.close_all()

    def _make(self, network: Network) -> PredictWindow:
        from dnnstudio.gui.predict.window import PredictWindow  # not needed for the first paint

        window = PredictWindow(self._theme, lambda: JobClient(self._engine), network, self, parent=self._window)
        room = self._window.size()
        window.resize(min(WIDTH, max(room.width(), 1000)), min(HEIGHT, max(room.height(), 700)))
        return window

    # ------------------------------------------------------------------------------------------ what the window needs

    def networks(self) -> tuple[Network, ...]:
        """All networks that can be chosen."""
        return networks(self._records(), self._opened())

    def ask_network(self) -> Network | None:
        """Ask for a run's or an ensemble's folder."""
        start = str(self._settings.workspace)
        name = QFileDialog.getExistingDirectory(
            in_front(self._window), "Choose the folder of a run or an ensemble", start
        )
        try:
            return network_at(Path(name)) if name else None
        except UserError as error:
            self.refused.emit(error)
            return None

    def ask_files(self) -> tuple[Path, ...]:
        """Ask for files to answer."""
        start = str(self._settings.start_folder())
        names, _ = QFileDialog.getOpenFileNames(
            in_front(self._window), "Choose the files to answer", start, "All files (*)"
        )
        if names:
            self._settings.last_folder = Path(names[0]).parent
        return tuple(Path(name) for name in names)

    def ask_folder(self) -> tuple[Path, ...]:
        """Ask for a folder: everything below it is answered."""
        start = str(self._settings.start_folder())
        name = QFileDialog.getExistingDirectory(
            in_front(self._window), "Choose a folder: everything below it is answered", start
        )
        if name:
            self._settings.last_folder = Path(name).parent
        return (Path(name),) if name else ()

    def pasted(self) -> tuple[Path, ...]:
        """Files or rows that lie on the clipboard; rows are kept as a file in the workspace."""
        clipboard = QGuiApplication.clipboard()
        mime = clipboard.mimeData()
        files = tuple(Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()) if mime is not None else ()
        text = clipboard.text()
        if files or separator_of(text) is None:
            return files
        try:
            return (save_pasted(text, self._settings.workspace),)
        except UserError as error:
            self.refused.emit(error)
            return ()

    def threshold(self, network: Network, weights: Weights) -> tuple[str, float] | None:
        """The score and the threshold chosen in the inspector's Decision tab for this network with these weights."""
        return self._find_threshold(network.model, weights)

    def open_decision(self, network: Network, weights: Weights) -> None:
        """Open the inspector of this network with these weights at its Decision tab."""
        self._open_decision(network.model, weights)
