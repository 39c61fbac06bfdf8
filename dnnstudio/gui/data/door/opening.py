"""The ways to a person's own data: the menu, a drop, the clipboard, the data used last; and what comes back.

Using data is one undo step: the data and the layers that follow it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.bundles import SUFFIX as BUNDLE
from dnnstudio.core.jobs.proposals import DataProposal
from dnnstudio.core.os_errors import is_folder_there
from dnnstudio.core.workspace.catalog import SUFFIXES
from dnnstudio.core.workspace.ensembles import is_ensemble
from dnnstudio.core.workspace.runs import is_run
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.base.table_text import save_pasted, separator_of
from dnnstudio.gui.base.windows import Windows, in_front
from dnnstudio.gui.data.door.choices import Choices
from dnnstudio.gui.data.door.window import DoorWindow
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.theme import Theme

WIDTH, HEIGHT = 1440, 900


class DataDoor(QObject):
    """`said(lead, text, severity)` is for the message bar; `recent_changed` comes when other data was used last.

    `open_path` takes what is no data: models, experiments and run folders. `train` trains the document's experiment.
    """

    said = Signal(str, str, str)
    recent_changed = Signal()

    def __init__(
        self,
        window: QWidget,
        document: Document,
        engine: Engine,
        *,
        theme: Theme,
        settings: Settings,
        dialogs: Dialogs,
        actions: Actions,
        open_path: Callable[[Path], object],
        train: Callable[[], object],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._document = document
        self._engine = engine
        self._theme = theme
        self._settings = settings
        self._dialogs = dialogs
        self._open_path = open_path
        self._train = train
        self.windows = Windows[str, DoorWindow]()
        document.experiment_changed.connect(self._follow)
        actions.connect({"open_data": self.ask, "open_data_folder": self.ask_folder, "paste_data": self.paste})

    # ------------------------------------------------------------------------------------------ ways in

    def ask(self) -> None:
        """Ask for a file of data, and open it."""
        paths = self._dialogs.open_data(in_front(self._window))
        if paths:
            self.open_data(paths)

    def ask_folder(self) -> None:
        """Ask for a folder of pictures, and open it."""
        path = self._dialogs.open_data_folder(in_front(self._window))
        if path is not None:
            self.open_data((path,))

    def take(self, paths: Sequence[Path]) -> None:
        """What was dropped: a model, an experiment or a run is opened, all else is data."""
        if len(paths) == 1 and is_no_data(paths[0]):
            self._open_path(paths[0])
        elif paths:
            self.open_data(paths)

    def paste(self) -> bool:
        """Open the table that lies on the clipboard, kept as a file in the workspace. False where there is none."""
        text = QGuiApplication.clipboard().text()
        if separator_of(text) is None:
            self.said.emit("There is no table on the clipboard.", "Copy some rows with their names first.", "hint")
            return False
        try:
            path = save_pasted(text, self._settings.workspace)
        except UserError as error:
            self.said.emit(error.message, error.hint, "error")
            return False
        self.open_data((path,))
        return True

    def open_data(self, paths: Sequence[Path]) -> None:
        """Show what these files or this folder hold."""
        self._show(Choices(paths=tuple(paths), seed=self._document.experiment.seed))

    def open_present(self) -> None:
        """Show the table that the document uses, as it is used."""
        experiment = self._document.experiment
        choices = Choices.of(experiment.data, experiment.seed)
        if choices is None:
            self.ask()
        else:
            self._show(choices)

    def close_all(self) -> None:
        """The program ends."""
        self.windows.close_all()

    # ------------------------------------------------------------------------------------------ the window

    def _show(self, choices: Choices) -> None:
        door = self.windows.get("door")
        if door is not None:
            door.show_data(choices)
        self.windows.show("door", lambda: self._make(choices))

    def _make(self, choices: Choices) -> DoorWindow:
        door = DoorWindow(
            self._theme,
            JobClient(self._engine),
            choices,
            self._present(),
            keep_layers=self._is_flat(),
            parent=self._window,
        )
        room = self._window.size()
        door.resize(min(WIDTH, max(room.width(), 1024)), min(HEIGHT, max(room.height(), 700)))
        door.used.connect(self._use)
        door.other_requested.connect(self.ask)
        door.dropped.connect(self.take)
        return door

    def _present(self) -> Experiment | None:
        return self._document.experiment if self._is_own() else None

    def _follow(self, _: object) -> None:
        for door in self.windows:
            door.set_present(self._present())

    def _is_own(self) -> bool:
        """Whether the experiment is the person's own work, and no recipe as it came."""
        return self._document.modified or self._document.path is not None

    def _is_flat(self) -> bool:
        """Whether the present layers are made for rows of numbers, as those of a table are."""
        summary = self._document.summary
        return summary is not None and len(summary.input_shape) == 1

    def _use(self, proposal: DataProposal, experiment: Experiment, train: bool) -> None:
        document = self._document
        if proposal.summary is not None:
            document.set_summary(proposal.summary, data=experiment.data, seed=experiment.seed)
        document.push(experiment, f"Use {proposal.path.name}")
        self._settings.add_recent_data(proposal.path)
        self.recent_changed.emit()
        if train:
            self._train()
        else:
            self.said.emit(f"{proposal.path.name} is the data now.", "One undo takes it back.", "news")


def is_no_data(path: Path) -> bool:
    """Whether a path is a model, an experiment, a bundle, a run or an ensemble."""
    if is_folder_there(path):
        return is_run(path) or is_ensemble(path)
    return path.suffix.lower() in (*SUFFIXES, ".json", BUNDLE)
