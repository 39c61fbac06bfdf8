"""The main window: it makes what is seen first, and has the rest made after the first paint, by `assembly`.

What the parts do is in modules of their own; pyqtgraph and numpy are not imported before the first paint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, QTimer
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QDialog, QMainWindow, QVBoxLayout, QWidget

from dnnstudio.core.workspace.place import presence_of
from dnnstudio.gui.base.actions import NOT_BUILT, Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.settings import Settings, ThemeChoice
from dnnstudio.gui.data.dropped_files import local_paths
from dnnstudio.gui.data.panel import DataPanel
from dnnstudio.gui.panels.inspector import InspectorPanel
from dnnstudio.gui.panels.optimizer_panel import OptimizerPanel
from dnnstudio.gui.runs.panel import RunsPanel
from dnnstudio.gui.shell.deferred import Deferred, make_qt_classes
from dnnstudio.gui.shell.front import Front
from dnnstudio.gui.shell.layout import RATE, Body, Parts, is_narrow
from dnnstudio.gui.shell.message_line import MessageLine, Refusals
from dnnstudio.gui.shell.status_line import StatusLine
from dnnstudio.gui.shell.toolbar import ToolBar
from dnnstudio.gui.stack import LayerStackView
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.drop_hint import DropHint
from dnnstudio.gui.widgets.inputs.fields import take_typed
from dnnstudio.gui.widgets.windows import reading_order, screen_fit
from dnnstudio.gui.widgets.windows.pressing import pressed_by_return
from dnnstudio.gui.widgets.windows.why import tell_why
from dnnstudio.gui.widgets.windows.why_list import bind_why

if TYPE_CHECKING:
    from dnnstudio.gui.dialogs import Dialogs
    from dnnstudio.gui.shell.workbench import Workbench
    from dnnstudio.gui.transfer.questions import TransferQuestions

BugSink = Callable[[str, str], None]
DROP_TEXT = (
    "Drop a table, pictures or arrays to learn from them, or to have a trained network answer them; a model or an "
    "experiment to open it."
)
OFF_AT_FIRST = (
    "undo", "redo", "pause", "stop", "finish_epoch", "one_epoch", "more_epochs", "go_on", "save_model", "uncertainty",
    "predict", "export",
    "show_run_folder", "compare_transfer", "reconstructions", "use_encoder",
)  # fmt: skip
"""Actions that need a run, disabled until the workbench exists and manages them."""


SMALLEST = QSize(960, 640)
"""Below it the window scrolls, which it does on a screen that is smaller."""


class MainWindow(QMainWindow):
    """The window of one document. `engine_ended` says after closing whether the engine's thread is over.

    With `whole` it is complete at once; else `deferred` makes the rest, when it is started or something is pressed.
    """

    def __init__(
        self,
        document: Document,
        engine: Engine,
        theme: Theme,
        settings: Settings,
        *,
        dialogs: Dialogs | None = None,
        questions: TransferQuestions | None = None,
        on_bug: BugSink | None = None,
        whole: bool = True,
    ) -> None:
        super().__init__()
        self.document = document
        document.setParent(self)  # so that it goes with the window, and its last signals reach nobody
        self.engine = engine
        self.engine_ended = True
        self.theme = theme
        self.settings = settings
        self._on_bug = on_bug
        self._ask_before_closing = True
        self._closed = False
        self.actions_ = Actions(self, theme, before=take_typed)
        for name in OFF_AT_FIRST:
            self.actions_.set_reason(name, NOT_BUILT)
        self._make_panels()
        self._lay_out()
        self._wire_document()
        self.setObjectName("main_window")
        bind_why(self)
        self.setAcceptDrops(True)
        self.drop_hint = DropHint(theme, DROP_TEXT, self)
        self.setMinimumSize(SMALLEST)
        self._show_title()
        self.status.show_engine(engine.state)
        self._workbench: Workbench | None = None
        self.deferred = Deferred(self._make_workbench(dialogs, questions), self)
        if whole:
            self.deferred.finish()

    @property
    def workbench(self) -> Workbench:
        """Everything built after the first paint; built immediately if accessed earlier.

        Raises `RuntimeError` while it is being built, or if it could not be built.
        """
        if self._workbench is None:
            self.deferred.finish()
        if self._workbench is None:
            raise RuntimeError("The second stage of the main window is not there.")
        return self._workbench

    # ------------------------------------------------------------------------------------------ making

    def _make_panels(self) -> None:
        document, theme = self.document, self.theme
        self.toolbar = ToolBar(theme, self.actions_)
        self.data = DataPanel(document, theme)
        self.stack = LayerStackView(document, theme)
        self.inspector = InspectorPanel(document, theme)
        self.optimizer = OptimizerPanel(document, theme)
        presence_of(self.settings.workspace).expect(self.settings.workspace_mount)
        self.runs = RunsPanel(theme, self.settings.workspace, added=lambda: self.settings.added_runs)
        self.messages = MessageLine(theme)
        self.refusals = Refusals(self.actions_, self.messages, self)
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
        self.body = Body(self.theme, parts)
        self.body.put_page("optimizer", self.optimizer)
        central = QWidget()
        column = self._column = QVBoxLayout(central)
        self._rolled: screen_fit.Rolled | None = None
        self._framed = False
        """Whether the frame around the window was known when it was fitted to the screen."""
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.toolbar)
        column.addWidget(self.body, 1)
        column.addWidget(self.messages)
        column.addWidget(self.status)
        self.setCentralWidget(central)

    def _make_workbench(self, dialogs: Dialogs | None, questions: TransferQuestions | None) -> Iterator[Thread | None]:
        yield from make_qt_classes()
        # A thread, so that the window answers while pyqtgraph and all the rest are imported.
        reading = Thread(
            target=import_module, args=("dnnstudio.gui.shell.assembly",), name="importing the rest", daemon=True
        )
        reading.start()
        yield reading
        from dnnstudio.gui.shell.assembly import assemble
        from dnnstudio.gui.shell.workbench import Base

        front = Front(
            toolbar=self.toolbar,
            data=self.data,
            stack=self.stack,
            inspector=self.inspector,
            optimizer=self.optimizer,
            runs=self.runs,
            messages=self.messages,
            status=self.status,
            body=self.body,
        )
        base = Base(self, self.document, self.engine, self.theme, self.settings, self.actions_)
        self._workbench = yield from assemble(base, front, dialogs=dialogs, questions=questions, on_bug=self._on_bug)

    def _wire_document(self) -> None:
        document = self.document
        document.experiment_changed.connect(self._show_title)
        document.summary_changed.connect(self._show_title)
        document.modified_changed.connect(self._show_title)
        document.path_changed.connect(self._show_title)
        document.selection_changed.connect(self._on_selection)
        self.stack.settings_requested.connect(self.go_to_settings)
        self.engine.state_changed.connect(self.status.show_engine)
        self.toolbar.why_asked.connect(self.refusals.say_why)
        self.actions_.connect(
            {
                "undo": document.undo_stack.undo,
                "redo": document.undo_stack.redo,
                "add_layer": self.stack.show_add_menu,
                "go_layers": self.stack.take_focus,
                "go_settings": self.go_to_settings,
                "fold_runs": self.runs.toggle_folded,
                "theme": self.switch_theme,
                "quit": self.close,
            }
        )

    # ------------------------------------------------------------------------------------------ the document

    def _on_selection(self, selection: object) -> None:
        if selection:
            self.body.show_layer()

    def _show_title(self, _: object = None) -> None:
        document = self.document
        self.toolbar.show_experiment(document.experiment, modified=document.modified)
        mark = "*" if document.modified else ""
        self.setWindowTitle(f"{mark}{document.experiment.name} – dnnstudio")

    def go_to_settings(self) -> None:
        """Put the keyboard on the layer's form; where none is chosen, of the first layer that has settings."""
        for layer in self.document.experiment.layers if not self.document.selection else ():
            self.document.select([layer.id])
            if self.inspector.form.paths():
                break
        self.body.show_layer()
        self.inspector.take_focus()

    def switch_theme(self) -> None:
        """Dark after light, high contrast after dark, then as the system has it, and light again."""
        choice: ThemeChoice = self.theme.next
        self.theme.apply(choice)
        self.settings.theme = choice

    def fit_screen(self) -> None:
        """Take no more room than the screen has, and lie on it; on a small screen the panels scroll."""
        area = screen_fit.available_area(self)
        if self._rolled is None and SMALLEST.boundedTo(area.size()) != SMALLEST:
            room = SMALLEST - QSize(0, self.toolbar.height() + self.status.sizeHint().height())
            self._rolled = screen_fit.roll(self._column, self._column.indexOf(self.body), smallest=room)
            if area.width() < SMALLEST.width():
                bar = screen_fit.roll(self._column, 0, smallest=QSize(SMALLEST.width(), self.toolbar.height()))
                bar.setFixedHeight(self.toolbar.height() + screen_fit.BAR)
        screen_fit.limit(self, area)
        if not self.isMaximized() and not self.isFullScreen():
            screen_fit.bring_into(self, area)

    # ------------------------------------------------------------------------------------------ closing

    def close_without_asking(self) -> None:
        """The system wants the program to end: stop, keep the run, ask nothing."""
        self._ask_before_closing = False
        while isinstance(question := QApplication.activeModalWidget(), QDialog):
            question.reject()  # what waits for its answer would go on for ever
            if QApplication.activeModalWidget() is question:
                break
        self.close()

    def _may_close(self) -> bool:
        if not self._ask_before_closing:
            return True
        bench = self.workbench
        if not bench.files.may_replace():
            return False
        return not bench.controller.training or bench.dialogs.stop_training(
            self
        )  # last: its button says that it closes

    # ------------------------------------------------------------------------------------------ Qt

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.deferred.busy:  # an event that is handled in the middle of a step: closed after it
            QTimer.singleShot(0, self, self.close)
            event.ignore()
            return
        self.deferred.finish()
        if self._closed:
            event.accept()
            return
        if not self.deferred.whole:  # it could not be built, which has been told as a bug
            self._closed = True
            self.engine_ended = self.engine.shutdown()
            event.accept()
            return
        take_typed()
        if not self._may_close():
            event.ignore()
            return
        self._closed = True
        self.settings.geometry = self.saveGeometry()
        self.hide()
        self.workbench.close(keep_edits=not self._ask_before_closing and self.document.modified)
        self.runs.stop()
        self.engine_ended = self.engine.shutdown()
        event.accept()

    def setVisible(self, visible: bool) -> None:
        if visible:
            self._framed = False
            self.fit_screen()
        super().setVisible(visible)
        if visible:
            self.fit_screen()  # its place is known now, and on some systems its frame

    def event(self, event: QEvent) -> bool:
        handled = pressed_by_return(self, event) or tell_why(self, event) or super().event(event)
        framed = event.type() == QEvent.Type.WindowActivate and not self._framed  # X11 tells the frame no sooner
        if (framed or event.type() == QEvent.Type.ScreenChangeInternal) and self.isVisible():
            self._framed = self._framed or framed
            self.fit_screen()
        return handled

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
        if local_paths(event.mimeData()):
            event.acceptProposedAction()
            self.drop_hint.show_over()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.drop_hint.hide()
        event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        self.drop_hint.hide()
        paths = local_paths(event.mimeData())
        event.acceptProposedAction()
        # Once the drag is over: a question must not open while the other program waits for the drop's end.
        QTimer.singleShot(0, self, lambda: self.workbench.take(paths))

    def focusNextPrevChild(self, forward: bool) -> bool:
        panels = (self.toolbar, *self.body.columns, self.messages, self.status)
        return reading_order.step(panels, self.focusWidget(), forward=forward) or super().focusNextPrevChild(forward)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Paste):
            self.actions_["paste_data"].trigger()
        elif name := self.actions_.refused_by(QKeySequence(event.keyCombination())):
            self.refusals.say_why(name)
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() != QEvent.Type.ActivationChange or not self.deferred.whole:
            return
        if self.isActiveWindow() and not self.workbench.controller.training:
            self.runs.refresh()
