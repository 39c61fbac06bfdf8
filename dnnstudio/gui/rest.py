"""The rest of the main window: all that its first painting does without, made and wired in short steps.

Importing this module is the greater part of the work (pyqtgraph and numpy come with it), so a thread does that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from dnnstudio.gui.availability import Availability
from dnnstudio.gui.data_controller import DataController
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.file_controller import FileController
from dnnstudio.gui.lab_controller import LabController
from dnnstudio.gui.library import LibraryController
from dnnstudio.gui.panels.schedule_panel import SchedulePanel
from dnnstudio.gui.panels.training_panel import TrainingPanel
from dnnstudio.gui.plots.cards import accuracy_card, loss_card
from dnnstudio.gui.plots.panel import RunPlots
from dnnstudio.gui.plots.rate_card import RateCard
from dnnstudio.gui.plots.result_card import ResultCard
from dnnstudio.gui.plots.side import SideStack
from dnnstudio.gui.recovery import Recovery
from dnnstudio.gui.run_controller import RunController
from dnnstudio.gui.run_display import RunDisplay
from dnnstudio.gui.settings import Settings
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.transfer.controller import TransferController
from dnnstudio.gui.uncertainty import UncertaintyOpener

if TYPE_CHECKING:
    from dnnstudio.gui.main_window import MainWindow

BugSink = Callable[[str, str], None]


def make_rest(
    window: MainWindow, theme: Theme, settings: Settings, dialogs: Dialogs | None, on_bug: BugSink | None
) -> Iterator[None]:
    """Make it, what is in sight first. Between two steps the window may be painted, but nothing is pressed."""
    window.dialogs = dialogs or Dialogs(theme, settings)
    window.controller = RunController(window.engine, settings.workspace, window)
    window.files = FileController(window, window.document, window.controller, settings, window.dialogs)
    window.recovery = Recovery(window.document, window.dialogs, settings.folder, window)
    window.uncertainty = UncertaintyOpener(theme, window.engine, window.find_subject, window)
    yield from _make_panels(window, theme)
    _make_controllers(window, theme, settings)
    yield
    _wire_panels(window)
    _wire_runs(window, on_bug)
    _wire_actions(window)
    _wire_lab(window)
    _fill_menus(window)
    window.availability = Availability(
        window.actions_, window.document, window.controller, window.runs, window.uncertainty, window
    )
    QTimer.singleShot(0, window.runs.refresh)


def _make_panels(window: MainWindow, theme: Theme) -> Iterator[None]:
    document, body = window.document, window.body
    loss = loss_card(theme)
    yield
    body.put_plot("loss", loss)
    yield
    accuracy = accuracy_card(theme)
    yield
    body.put_plot("accuracy", accuracy)
    yield
    rate = RateCard(theme)
    yield
    body.put_rate(rate)
    yield
    window.plots = RunPlots(theme, window, cards=(loss, accuracy, rate))
    window.plots.show_plan(document.experiment, document.summary)
    yield
    window.result = ResultCard(theme)
    window.side = SideStack(theme, document, window.result)
    yield
    body.put_plot("result", window.side)
    yield
    window.schedule = SchedulePanel(document, theme)
    yield
    body.put_page("schedule", window.schedule)
    yield
    window.training = TrainingPanel(document, theme)
    yield
    body.put_page("training", window.training)
    yield


def _make_controllers(window: MainWindow, theme: Theme, settings: Settings) -> None:
    document, controller = window.document, window.controller
    window.display = RunDisplay(
        controller,
        document,
        plots=window.plots,
        side=window.side,
        runs=window.runs,
        status=window.status,
        messages=window.messages,
        parent=window,
    )
    window.reading = DataController(document, controller, window.data, window)
    window.lab = LabController(
        window,
        document,
        controller,
        theme=theme,
        dialogs=window.dialogs,
        actions=window.actions_,
        runs=window.runs,
        plots=window.plots,
    )
    window.transfer = TransferController(
        window,
        document,
        controller,
        window.engine,
        dialogs=window.dialogs,
        actions=window.actions_,
        files=window.files,
        runs=window.runs,
        stack=window.stack,
    )
    window.library = LibraryController(
        window,
        document,
        window.engine,
        controller,
        window.files,
        window.actions_,
        window.runs,
        theme,
        window.dialogs,
        settings,
    )


# ---------------------------------------------------------------------------------------------------------- wiring


def _wire_panels(window: MainWindow) -> None:
    document = window.document
    document.experiment_changed.connect(window.show_plan)
    document.summary_changed.connect(window.show_plan)
    for panel in (window.data, window.stack, window.inspector, window.optimizer, window.schedule, window.training):
        panel.failed.connect(window.files.tell)
    window.side.failed.connect(window.files.tell)
    window.plots.drawn.connect(window.schedule.set_position)


def _wire_runs(window: MainWindow, on_bug: BugSink | None) -> None:
    controller = window.controller
    controller.activity_changed.connect(window.toolbar.set_activity)
    controller.failed.connect(window.show_failure)
    window.status.cancel_requested.connect(controller.cancel_others)
    window.uncertainty.refused.connect(window.files.tell)
    if on_bug is not None:
        window.uncertainty.bug_found.connect(on_bug)
    window.runs.experiment_requested.connect(window.files.open_path)
    window.runs.model_requested.connect(window.files.open_model_of)
    window.files.said.connect(window.messages.say)
    window.recovery.failed.connect(window.files.tell)
    window.files.recent_changed.connect(window.fill_open_menu)


def _wire_actions(window: MainWindow) -> None:
    window.files.connect_actions(window.actions_)
    window.actions_.connect(
        {
            "undo": window.document.undo_stack.undo,
            "redo": window.document.undo_stack.redo,
            "train": window.train,
            "pause": window.pause_or_resume,
            "stop": window.controller.stop,
            "uncertainty": window.uncertainty.open,
            "finish_epoch": window.controller.finish_epoch,
            "describe": window.ask_name_and_seed,
            "workspace": window.choose_workspace,
            "summary": window.show_summary,
            "add_layer": window.stack.show_add_menu,
            "go_layers": window.stack.take_focus,
            "go_settings": window.go_to_settings,
            "show_run_folder": window.display.open_run_folder,
            "fold_runs": window.runs.toggle_folded,
            "theme": window.switch_theme,
            "quit": window.close,
        }
    )


def _wire_lab(window: MainWindow) -> None:
    window.lab.failed.connect(window.files.tell)
    window.lab.may_go_on = window.transfer.may_go_on
    window.lab.said.connect(window.messages.say)
    window.library.said.connect(window.messages.say)
    window.library.reuse_requested.connect(window.transfer.reuse_from)
    window.schedule.find_requested.connect(window.actions_["find_rate"].trigger)
    window.plots.rate.rate_wished.connect(window.controller.set_learning_rate)


def _fill_menus(window: MainWindow) -> None:
    save = window.toolbar.save_button.menu()
    for name in ("save_as", "save_model", "export_script", "describe"):
        save.addAction(window.actions_[name])
    window.fill_open_menu()
