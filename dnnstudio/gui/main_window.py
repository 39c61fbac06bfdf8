"""The main window: it makes what is seen first and holds the parts. What they do lies in the controllers.

The rest of it is made after the first painting, by `rest`; pyqtgraph and numpy are not imported before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QVBoxLayout, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.gui.actions import Actions
from dnnstudio.gui.body import RATE, Body, Parts, is_narrow
from dnnstudio.gui.document import Document
from dnnstudio.gui.engine_thread import Engine, Failure
from dnnstudio.gui.later import Later
from dnnstudio.gui.messages import Messages
from dnnstudio.gui.panels.data_panel import DataPanel
from dnnstudio.gui.panels.inspector import InspectorPanel
from dnnstudio.gui.panels.optimizer_panel import OptimizerPanel
from dnnstudio.gui.runs_panel import RunsPanel
from dnnstudio.gui.settings import Settings, ThemeChoice
from dnnstudio.gui.stack import LayerStackView
from dnnstudio.gui.status_line import StatusLine
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.toolbar import ToolBar

if TYPE_CHECKING:
    from dnnstudio.core.jobs import Job
    from dnnstudio.gui.availability import Availability
    from dnnstudio.gui.data_controller import DataController
    from dnnstudio.gui.dialogs import Dialogs
    from dnnstudio.gui.file_controller import FileController
    from dnnstudio.gui.lab_controller import LabController
    from dnnstudio.gui.library import LibraryController
    from dnnstudio.gui.panels.schedule_panel import SchedulePanel
    from dnnstudio.gui.panels.training_panel import TrainingPanel
    from dnnstudio.gui.plots.panel import RunPlots
    from dnnstudio.gui.plots.result_card import ResultCard
    from dnnstudio.gui.plots.side import SideStack
    from dnnstudio.gui.recovery import Recovery
    from dnnstudio.gui.run_controller import RunController
    from dnnstudio.gui.run_display import RunDisplay
    from dnnstudio.gui.transfer.controller import TransferController
    from dnnstudio.gui.uncertainty import Subject, UncertaintyOpener

BugSink = Callable[[str, str], None]
OFF_AT_FIRST = (
    "undo", "redo", "pause", "stop", "finish_epoch", "one_epoch", "more_epochs", "go_on", "save_model", "uncertainty",
    "show_run_folder", "compare_transfer", "reconstructions", "use_encoder",
)  # fmt: skip
"""What cannot be done without a run. From the end of the building on the controllers look after it."""


class MainWindow(QMainWindow):
    """The window of one document. `engine_ended` says after closing whether the engine's thread is over.

    With `whole` it is complete at once; else `later` makes the rest, when it is started or something is pressed.
    """

    # What `rest` makes; whoever asks for one of them earlier has it made at once.
    dialogs: Dialogs
    controller: RunController
    files: FileController
    recovery: Recovery
    uncertainty: UncertaintyOpener
    schedule: SchedulePanel
    training: TrainingPanel
    plots: RunPlots
    result: ResultCard
    side: SideStack
    display: RunDisplay
    reading: DataController
    lab: LabController
    transfer: TransferController
    library: LibraryController
    availability: Availability

    def __init__(
        self,
        document: Document,
        engine: Engine,
        theme: Theme,
        settings: Settings,
        *,
        dialogs: Dialogs | None = None,
        on_bug: BugSink | None = None,
        whole: bool = True,
    ) -> None:
        super().__init__()
        self.document = document
        document.setParent(self)  # so that it goes with the window, and its last signals reach nobody
        self.engine = engine
        self.engine_ended = True
        self._theme = theme
        self._settings = settings
        self._on_bug = on_bug
        self._ask_before_closing = True
        self._closed = False
        self.actions_ = Actions(self, theme)
        for name in OFF_AT_FIRST:
            self.actions_[name].setEnabled(False)
        self._make_panels()
        self._lay_out()
        self._wire_document()
        self.setObjectName("main_window")
        self.setAcceptDrops(True)
        self.setMinimumSize(QSize(960, 640))
        self._show_title()
        self.status.show_engine(engine.state)
        self.later = Later(self._make_rest(dialogs), self)
        if whole:
            self.later.finish()

    if not TYPE_CHECKING:  # the types are those that are written above

        def __getattr__(self, name: str) -> object:
            later = self.__dict__.get("later")
            if name in MainWindow.__annotations__ and later is not None and later.finish():
                return getattr(self, name)
            raise AttributeError(f"the main window has no {name}")

    # ------------------------------------------------------------------------------------------ making

    def _make_panels(self) -> None:
        document, theme = self.document, self._theme
        self.toolbar = ToolBar(theme, self.actions_)
        self.data = DataPanel(document, theme)
        self.stack = LayerStackView(document, theme)
        self.inspector = InspectorPanel(document, theme)
        self.optimizer = OptimizerPanel(document, theme)
        self.runs = RunsPanel(theme, self._settings.workspace)
        self.messages = Messages(theme)
        self.status = StatusLine(theme)

    def _lay_out(self) -> None:
        parts = Parts(
            data=self.data,
            stack=self.stack,
            inspector=self.inspector,
            runs=self.runs,
            tabs=(
                ("optimizer", "Optimizer", "How the weights move"),
                ("schedule", "Schedule", "How the learning rate changes"),
                ("training", "Training", "How long and in which portions"),
            ),
            plots=(("loss", "Loss"), ("accuracy", "Accuracy"), ("rate", RATE), ("result", "Result")),
        )
        self.body = Body(self._theme, parts)
        self.body.put_page("optimizer", self.optimizer)
        central = QWidget()
        column = QVBoxLayout(central)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.toolbar)
        column.addWidget(self.body, 1)
        column.addWidget(self.messages)
        column.addWidget(self.status)
        self.setCentralWidget(central)

    def _make_rest(self, dialogs: Dialogs | None) -> Iterator[Thread | None]:
        # A thread, so that the window answers while pyqtgraph and all the rest are imported.
        reading = Thread(target=import_module, args=("dnnstudio.gui.rest",), name="importing the rest", daemon=True)
        reading.start()
        yield reading
        from dnnstudio.gui.rest import make_rest

        yield from make_rest(self, self._theme, self._settings, dialogs, self._on_bug)

    def _wire_document(self) -> None:
        document = self.document
        document.experiment_changed.connect(self._show_title)
        document.summary_changed.connect(self._show_title)
        document.modified_changed.connect(self._show_title)
        document.path_changed.connect(self._show_title)
        document.selection_changed.connect(self._on_selection)
        self.stack.summary_requested.connect(self.show_summary)
        self.stack.settings_requested.connect(self.go_to_settings)
        self.engine.state_changed.connect(self.status.show_engine)

    def fill_open_menu(self) -> None:
        """What can be opened, with the files opened last."""
        self.toolbar.fill_open_menu(self._settings.recent_files, self.files.open_path)

    # ------------------------------------------------------------------------------------------ the document

    def show_plan(self, _: object = None) -> None:
        """Draw the axes and the planned rate of the experiment as it is now."""
        self.plots.show_plan(self.document.experiment, self.document.summary)

    def _on_selection(self, selection: object) -> None:
        if selection:
            self.body.show_layer()

    def _show_title(self, _: object = None) -> None:
        document = self.document
        self.toolbar.show_experiment(document.experiment, modified=document.modified)
        mark = "*" if document.modified else ""
        self.setWindowTitle(f"{mark}{document.experiment.name} – dnnstudio")

    # ------------------------------------------------------------------------------------------ training

    def train(self) -> None:
        """Train the document's experiment; queued while the engine starts."""
        self.transfer.train()

    def pause_or_resume(self) -> None:
        """Rest between two steps, or go on."""
        if self.controller.activity == "paused":
            self.controller.resume()
        else:
            self.controller.pause()

    def show_failure(self, job: Job, failure: Failure) -> None:
        """Say why a job has no result."""
        from dnnstudio.core.jobs import DescribeData, TrainRun

        if failure.kind == "bug":
            if self._on_bug is not None:
                self._on_bug(failure.message, failure.details)
            self.messages.say("Something went wrong inside the program.", failure.message, "error")
            return
        error = UserError(failure.message, failure.hint)
        if isinstance(job, DescribeData):
            self.reading.show_failure(job, error)
        elif not isinstance(job, TrainRun):  # a training's end is told by _on_run_ended
            self.files.tell(error)
        else:
            self.messages.say(failure.message, failure.hint, "error")

    def find_subject(self) -> Subject | None:
        """The network whose uncertainty can be looked at. Raises `UserError`."""
        from dnnstudio.gui.uncertainty import subject_of

        return subject_of(self.runs.chosen, self.controller.model, self.document.experiment)

    def choose_workspace(self) -> None:
        """Ask for the folder of runs and models."""
        folder = self.files.choose_workspace()
        if folder is not None:
            self.runs.set_workspace(folder)

    def go_to_settings(self) -> None:
        """Put the keyboard on the layer's form."""
        self.body.show_layer()
        self.inspector.take_focus()

    def show_summary(self) -> None:
        """Show the table of all layers."""
        self.dialogs.summary(self, self.stack.summary_table())

    def ask_name_and_seed(self) -> None:
        """Ask what the experiment is called, and its seed."""
        after = self.dialogs.name_and_seed(self, self.document.experiment)
        if after is not None:
            self.document.push(after, "Change name and seed")

    def switch_theme(self) -> None:
        """Light instead of dark, or the other way round."""
        choice: ThemeChoice = "light" if self._theme.tokens().dark else "dark"
        self._theme.apply(choice)
        self._settings.theme = choice

    # ------------------------------------------------------------------------------------------ closing

    def close_without_asking(self) -> None:
        """The system wants the program to end: stop, keep the run, ask nothing."""
        self._ask_before_closing = False
        self.close()

    def _may_close(self) -> bool:
        if not self._ask_before_closing:
            return True
        if self.controller.training and not self.dialogs.stop_training(self):
            return False
        return self.files.may_replace()

    # ------------------------------------------------------------------------------------------ Qt

    def closeEvent(self, event: QCloseEvent) -> None:
        self.later.finish()
        if self._closed:
            event.accept()
            return
        if not self.later.whole:  # it could not be built, which has been told as a bug
            self._closed = True
            self.engine_ended = self.engine.shutdown()
            event.accept()
            return
        if not self._may_close():
            event.ignore()
            return
        self._closed = True
        self._settings.geometry = self.saveGeometry()
        self.recovery.close(keep_edits=not self._ask_before_closing and self.document.modified)
        self.hide()
        self.uncertainty.close_all()
        self.library.close_all()
        self.controller.stop()
        self.runs.stop()
        self.plots.stop()
        self.engine_ended = self.engine.shutdown()
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = is_narrow(self.width(), self.height())
        changed = narrow != self.body.narrow
        self.body.set_narrow(narrow)
        self.toolbar.fit(self.width())
        self.status.set_compact(narrow)
        if changed:
            self.runs.set_folded(narrow)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if len(event.mimeData().urls()) == 1 and event.mimeData().urls()[0].isLocalFile():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        path = Path(event.mimeData().urls()[0].toLocalFile())
        event.acceptProposedAction()
        # Once the drag is over: a question must not open while the other program waits for the drop's end.
        QTimer.singleShot(0, self, lambda: self.files.open_path(path))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() != QEvent.Type.ActivationChange or not self.later.whole:
            return
        if self.isActiveWindow() and not self.controller.training:
            self.runs.refresh()
