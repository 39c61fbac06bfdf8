"""The second stage of the main window as one value: its parts, and how each is wired to those that it works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.data.augmentation.opening import AugmentationOpener
from dnnstudio.gui.data.door.opening import DataDoor
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.dialogs.file_actions import FileActions
from dnnstudio.gui.dialogs.weights_opening import WeightsOpener
from dnnstudio.gui.exporting.opening import ExportOpener
from dnnstudio.gui.help.opening import HelpOpener
from dnnstudio.gui.library import LibraryController
from dnnstudio.gui.panels.schedule_panel import SchedulePanel
from dnnstudio.gui.panels.training_panel import TrainingPanel
from dnnstudio.gui.plots.cards.result_card import ResultCard
from dnnstudio.gui.plots.cards.side import SideStack
from dnnstudio.gui.plots.panel import RunPlots
from dnnstudio.gui.predict.opening import PredictOpener
from dnnstudio.gui.repeats import RepeatController
from dnnstudio.gui.run_table import RunTableOpener
from dnnstudio.gui.shell.action_state import ActionState
from dnnstudio.gui.shell.autosave import Autosave
from dnnstudio.gui.shell.data_actions import DataActions
from dnnstudio.gui.shell.experiment_actions import ExperimentActions
from dnnstudio.gui.shell.front import Front
from dnnstudio.gui.shell.run_display import BugSink, RunDisplay
from dnnstudio.gui.shell.training_actions import TrainingActions
from dnnstudio.gui.sweeps import SweepOpener
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.transfer.controller import TransferController
from dnnstudio.gui.uncertainty import UncertaintyOpener


@dataclass(frozen=True, slots=True)
class Base:
    """The objects that both stages of the window use. `window` is the parent of all widgets and dialogs."""

    window: QWidget
    document: Document
    engine: Engine
    theme: Theme
    settings: Settings
    actions: Actions


@dataclass(frozen=True, slots=True)
class Panels:
    """The panels that come after the first paint."""

    plots: RunPlots
    side: SideStack
    schedule: SchedulePanel
    training: TrainingPanel


@dataclass(frozen=True, slots=True)
class Workbench:
    """All that the second stage has built, each part wired to those that it works with."""

    dialogs: Dialogs
    controller: RunController
    files: FileActions
    autosave: Autosave
    uncertainty: UncertaintyOpener
    schedule: SchedulePanel
    training: TrainingPanel
    plots: RunPlots
    side: SideStack
    display: RunDisplay
    data_actions: DataActions
    door: DataDoor
    augmentation: AugmentationOpener
    experiment_actions: ExperimentActions
    training_actions: TrainingActions
    repeats: RepeatController
    run_table: RunTableOpener
    sweeps: SweepOpener
    transfer: TransferController
    library: LibraryController
    predict: PredictOpener
    exporting: ExportOpener
    weights: WeightsOpener
    help: HelpOpener
    action_state: ActionState

    def take(self, paths: tuple[Path, ...]) -> None:
        """Files were dropped on the window: for a trained network to answer, or to be opened."""
        if not self.predict.take(paths):
            self.door.take(paths)

    @property
    def result(self) -> ResultCard:
        """The card of a run's end."""
        return self.side.result

    def close(self, *, keep_edits: bool) -> None:
        """End what is under way and close every window; the engine is shut down by its owner."""
        self.autosave.close(keep_edits=keep_edits)
        self.uncertainty.close_all()
        self.library.close_all()
        self.run_table.close_all()
        self.door.close_all()
        self.predict.close_all()
        self.augmentation.close_all()
        self.help.close_all()
        self.controller.stop()
        self.repeats.close()
        self.sweeps.close_all()
        self.plots.stop()


def wire_failures(bench: Workbench, front: Front, on_bug: BugSink | None) -> None:
    """User errors are shown in the message line."""
    tell = bench.files.tell
    for panel in (front.data, front.stack, front.inspector, front.optimizer, bench.schedule, bench.training):
        panel.failed.connect(tell)
    for part in (bench.side, bench.autosave, bench.training_actions, bench.augmentation, bench.repeats, bench.sweeps):
        part.failed.connect(tell)
    bench.uncertainty.refused.connect(tell)
    bench.predict.refused.connect(tell)
    bench.uncertainty.dropout_requested.connect(bench.training_actions.add_dropout)
    if on_bug is not None:
        bench.uncertainty.bug_found.connect(on_bug)
    speakers = (bench.files, bench.training_actions, bench.library, bench.door, bench.repeats, bench.sweeps)
    for speaker in (*speakers, bench.autosave):
        speaker.said.connect(front.messages.say)


def _say_missed(front: Front, error: UserError, choose: Callable[[], object]) -> None:
    front.runs.refresh()  # from now on it is looked whether the workspace is back
    front.messages.say_missed(error, choose)


def wire_runs(bench: Workbench, front: Front, actions: Actions) -> None:
    """Runs, models and what is varied of them reach whoever shows or does it."""
    bench.controller.activity_changed.connect(front.toolbar.set_activity)
    for trainer in (bench.repeats, bench.sweeps):
        trainer.progressed.connect(front.status.show_share)
    for form_panel in (front.data, front.inspector, front.optimizer, bench.schedule, bench.training, bench.transfer):
        form_panel.vary_requested.connect(bench.sweeps.vary)
    front.data.open_requested.connect(bench.door.ask)
    front.data.door_requested.connect(bench.door.open_present)
    front.data.augmentation_requested.connect(bench.augmentation.open)
    bench.controller.activity_changed.connect(front.optimizer.set_activity)
    front.status.cancel_requested.connect(bench.controller.cancel_others)
    front.runs.experiment_requested.connect(bench.files.open_path)
    front.runs.model_requested.connect(bench.files.open_model_of)
    front.runs.predict_requested.connect(bench.predict.open_run)
    front.runs.save_requested.connect(bench.files.save_model_of)
    bench.side.result.best_requested.connect(bench.files.open_model_of)
    bench.files.workspace_changed.connect(front.runs.set_workspace)
    bench.files.workspace_changed.connect(bench.display.show_none)
    choose = actions["workspace"].trigger
    front.runs.absence.vanished.connect(lambda place, reason: front.messages.say_unusable(place, reason, choose))
    bench.files.workspace_missed.connect(lambda error: _say_missed(front, error, choose))
    front.runs.absence.returned.connect(front.messages.take_unusable_back)
    bench.files.workspace_changed.connect(bench.run_table.refresh)
    for deed in (front.runs.read_again, front.runs.select, bench.run_table.refresh):
        bench.files.run_added.connect(deed)
    bench.files.sweep_opened.connect(bench.sweeps.show_folder)
    front.runs.sweep_requested.connect(bench.sweeps.show_folder)
    bench.sweeps.kept.connect(bench.run_table.refresh)
    bench.files.run_opened.connect(bench.run_table.list_opened)
    bench.controller.run_ended.connect(bench.run_table.list_moved)
    bench.controller.run_started.connect(bench.run_table.note_workspace)
    bench.repeats.measured.connect(bench.run_table.refresh)
    front.runs.table_requested.connect(actions["runs"].trigger)
    bench.display.progress_of_plan.connect(bench.schedule.set_position)
    bench.plots.rate.rate_wished.connect(bench.controller.set_learning_rate)
    bench.library.reuse_requested.connect(bench.transfer.reuse_from)
    bench.schedule.find_requested.connect(actions["find_rate"].trigger)


def wire_actions(bench: Workbench, front: Front, actions: Actions) -> None:
    """The actions that belong to no part alone."""
    bench.files.connect_actions(actions)
    actions.connect(
        {
            "train": bench.transfer.train,
            "pause": bench.controller.pause_or_resume,
            "stop": bench.controller.stop,
            "save_model": lambda: bench.files.save_model(
                front.runs.chosen if bench.transfer.opened is None else None  # what was turned to last
            ),
            "finish_epoch": bench.controller.finish_epoch,
            "uncertainty": bench.uncertainty.open,
            "predict": bench.predict.open,
            "show_run_folder": bench.display.open_run_folder,
        }
    )


def fill_menus(bench: Workbench, front: Front, base: Base) -> None:
    """What can be saved, and what was opened last."""
    save = front.toolbar.save_button.menu()
    for name in ("save_as", "save_model", "export_script", "export", "describe"):
        save.addAction(base.actions[name])

    def show_recent_files() -> None:
        front.toolbar.fill_open_menu(
            base.settings.recent_files,
            bench.files.open_path,
            base.settings.recent_data,
            lambda path: bench.door.open_data((path,)),
        )

    bench.files.recent_changed.connect(show_recent_files)
    bench.door.recent_changed.connect(show_recent_files)
    show_recent_files()
