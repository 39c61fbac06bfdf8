"""The main window: it makes the panels and wires them. What they do lies in the controllers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QVBoxLayout, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs import DescribeData, Job, TrainRun
from dnnstudio.gui.actions import Actions
from dnnstudio.gui.availability import Availability
from dnnstudio.gui.body import Body, Parts, is_narrow
from dnnstudio.gui.data_controller import DataController
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.document import Document
from dnnstudio.gui.engine_thread import Engine, Failure
from dnnstudio.gui.file_controller import FileController
from dnnstudio.gui.lab_controller import LabController
from dnnstudio.gui.library import LibraryController
from dnnstudio.gui.messages import Messages
from dnnstudio.gui.panels.data_panel import DataPanel
from dnnstudio.gui.panels.inspector import InspectorPanel
from dnnstudio.gui.panels.optimizer_panel import OptimizerPanel
from dnnstudio.gui.panels.schedule_panel import SchedulePanel
from dnnstudio.gui.panels.training_panel import TrainingPanel
from dnnstudio.gui.plots.panel import RunPlots
from dnnstudio.gui.plots.result_card import ResultCard
from dnnstudio.gui.plots.side import SideStack
from dnnstudio.gui.recovery import Recovery
from dnnstudio.gui.run_controller import RunController
from dnnstudio.gui.run_display import RunDisplay
from dnnstudio.gui.runs_panel import RunsPanel
from dnnstudio.gui.settings import Settings, ThemeChoice
from dnnstudio.gui.stack import LayerStackView
from dnnstudio.gui.status_line import StatusLine
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.toolbar import ToolBar
from dnnstudio.gui.transfer.controller import TransferController
from dnnstudio.gui.uncertainty import Subject, UncertaintyOpener, subject_of

BugSink = Callable[[str, str], None]


class MainWindow(QMainWindow):
    """The window of one document. `engine_ended` says after closing whether the engine's thread is over."""

    def __init__(
        self,
        document: Document,
        engine: Engine,
        theme: Theme,
        settings: Settings,
        *,
        dialogs: Dialogs | None = None,
        on_bug: BugSink | None = None,
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
        self.dialogs = dialogs or Dialogs(theme, settings)
        self.actions_ = Actions(self, theme)
        self.controller = RunController(engine, settings.workspace, self)
        self.files = FileController(self, document, self.controller, settings, self.dialogs)
        self.recovery = Recovery(document, self.dialogs, settings.folder, self)
        self._make_panels()
        self._lay_out()
        self._wire_document()
        self._wire_runs()
        self._fill_menus()
        self.setObjectName("main_window")
        self.setAcceptDrops(True)
        self.setMinimumSize(QSize(960, 640))
        self.display = RunDisplay(
            self.controller,
            document,
            plots=self.plots,
            side=self.side,
            runs=self.runs,
            status=self.status,
            messages=self.messages,
            parent=self,
        )
        self.reading = DataController(document, self.controller, self.data, self)
        self.lab = LabController(
            self,
            document,
            self.controller,
            theme=theme,
            dialogs=self.dialogs,
            actions=self.actions_,
            runs=self.runs,
            plots=self.plots,
        )
        self.transfer = TransferController(
            self,
            document,
            self.controller,
            engine,
            dialogs=self.dialogs,
            actions=self.actions_,
            files=self.files,
            runs=self.runs,
            stack=self.stack,
        )
        self.library = LibraryController(
            self, document, engine, self.controller, self.files, self.actions_, self.runs, theme, self.dialogs, settings
        )
        self._wire_actions()
        self._wire_lab()
        self._show_title()
        self.availability = Availability(self.actions_, document, self.controller, self.runs, self.uncertainty, self)
        self.status.show_engine(engine.state)
        self.plots.show_plan(document.experiment, document.summary)
        QTimer.singleShot(0, self.runs.refresh)

    # ------------------------------------------------------------------------------------------ making

    def _make_panels(self) -> None:
        document, theme = self.document, self._theme
        self.toolbar = ToolBar(theme, self.actions_)
        self.data = DataPanel(document, theme)
        self.stack = LayerStackView(document, theme)
        self.inspector = InspectorPanel(document, theme)
        self.optimizer = OptimizerPanel(document, theme)
        self.schedule = SchedulePanel(document, theme)
        self.training = TrainingPanel(document, theme)
        self.plots = RunPlots(theme, self)
        self.result = ResultCard(theme)
        self.side = SideStack(theme, document, self.result)
        self.runs = RunsPanel(theme, self._settings.workspace)
        self.messages = Messages(theme)
        self.uncertainty = UncertaintyOpener(theme, self.engine, self._subject, self)
        self.status = StatusLine(theme)

    def _lay_out(self) -> None:
        parts = Parts(
            data=self.data,
            stack=self.stack,
            inspector=self.inspector,
            tabs=(
                ("optimizer", "Optimizer", self.optimizer, "How the weights move"),
                ("schedule", "Schedule", self.schedule, "How the learning rate changes"),
                ("training", "Training", self.training, "How long and in which portions"),
            ),
            loss=self.plots.loss,
            accuracy=self.plots.accuracy,
            rate=self.plots.rate,
            result=self.side,
            runs=self.runs,
        )
        self.body = Body(self._theme, parts)
        central = QWidget()
        column = QVBoxLayout(central)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.toolbar)
        column.addWidget(self.body, 1)
        column.addWidget(self.messages)
        column.addWidget(self.status)
        self.setCentralWidget(central)

    # ------------------------------------------------------------------------------------------ wiring

    def _wire_document(self) -> None:
        document = self.document
        document.experiment_changed.connect(self._on_experiment)
        document.summary_changed.connect(self._on_experiment)
        document.modified_changed.connect(self._show_title)
        document.path_changed.connect(self._show_title)
        document.selection_changed.connect(self._on_selection)
        self.stack.summary_requested.connect(self._show_summary)
        self.stack.settings_requested.connect(self._go_to_settings)
        for panel in (self.data, self.stack, self.inspector, self.optimizer, self.schedule, self.training):
            panel.failed.connect(self.files.tell)

    def _wire_actions(self) -> None:
        self.files.connect_actions(self.actions_)
        self.actions_.connect(
            {
                "undo": self.document.undo_stack.undo,
                "redo": self.document.undo_stack.redo,
                "train": self.train,
                "pause": self._pause_or_resume,
                "stop": self.controller.stop,
                "uncertainty": self.uncertainty.open,
                "finish_epoch": self.controller.finish_epoch,
                "describe": self._name_and_seed,
                "workspace": self._choose_workspace,
                "summary": self._show_summary,
                "add_layer": self.stack.show_add_menu,
                "go_layers": self.stack.take_focus,
                "go_settings": self._go_to_settings,
                "show_run_folder": self.display.open_run_folder,
                "fold_runs": self.runs.toggle_folded,
                "theme": self._switch_theme,
                "quit": self.close,
            }
        )

    def _wire_runs(self) -> None:
        controller = self.controller
        controller.activity_changed.connect(self.toolbar.set_activity)
        controller.failed.connect(self._on_failed)
        self.engine.state_changed.connect(self.status.show_engine)
        self.status.cancel_requested.connect(controller.cancel_others)
        self.plots.drawn.connect(self.schedule.set_position)
        self.uncertainty.refused.connect(self.files.tell)
        if self._on_bug is not None:
            self.uncertainty.bug_found.connect(self._on_bug)
        self.runs.experiment_requested.connect(self.files.open_path)
        self.runs.model_requested.connect(self.files.open_model_of)
        self.files.said.connect(self.messages.say)
        self.recovery.failed.connect(self.files.tell)
        self.files.recent_changed.connect(self._fill_open_menu)

    def _wire_lab(self) -> None:
        self.lab.failed.connect(self.files.tell)
        self.lab.may_go_on = self.transfer.may_go_on
        self.lab.said.connect(self.messages.say)
        self.library.said.connect(self.messages.say)
        self.library.reuse_requested.connect(self.transfer.reuse_from)
        self.side.failed.connect(self.files.tell)
        self.schedule.find_requested.connect(self.actions_["find_rate"].trigger)
        self.plots.rate.rate_wished.connect(self.controller.set_learning_rate)

    def _fill_menus(self) -> None:
        save = self.toolbar.save_button.menu()
        for name in ("save_as", "save_model", "export_script", "describe"):
            save.addAction(self.actions_[name])
        self._fill_open_menu()

    def _fill_open_menu(self) -> None:
        self.toolbar.fill_open_menu(self._settings.recent_files, self.files.open_path)

    # ------------------------------------------------------------------------------------------ the document

    def _on_experiment(self, _: object = None) -> None:
        self._show_title()
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

    def _pause_or_resume(self) -> None:
        if self.controller.activity == "paused":
            self.controller.resume()
        else:
            self.controller.pause()

    def _on_failed(self, job: Job, failure: Failure) -> None:
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

    def _subject(self) -> Subject | None:
        return subject_of(self.runs.chosen, self.controller.model, self.document.experiment)

    def _choose_workspace(self) -> None:
        folder = self.files.choose_workspace()
        if folder is not None:
            self.runs.set_workspace(folder)

    def _go_to_settings(self) -> None:
        self.body.show_layer()
        self.inspector.take_focus()

    def _show_summary(self) -> None:
        self.dialogs.summary(self, self.stack.summary_table())

    def _name_and_seed(self) -> None:
        after = self.dialogs.name_and_seed(self, self.document.experiment)
        if after is not None:
            self.document.push(after, "Change name and seed")

    def _switch_theme(self) -> None:
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
        if self._closed:
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
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow() and not self.controller.training:
            self.runs.refresh()
