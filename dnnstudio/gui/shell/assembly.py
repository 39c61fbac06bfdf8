"""Second stage of the main window: builds and wires what the first paint does not need, in short steps so that the
event loop keeps running.

Importing this module is the greater part of the work (pyqtgraph and numpy come with it), so a thread does that.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.data.augmentation.opening import AugmentationOpener
from dnnstudio.gui.data.door.opening import DataDoor
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.dialogs.file_actions import FileActions
from dnnstudio.gui.exporting.opening import ExportOpener
from dnnstudio.gui.library import LibraryController
from dnnstudio.gui.panels.schedule_panel import SchedulePanel
from dnnstudio.gui.panels.training_panel import TrainingPanel
from dnnstudio.gui.plots.cards.curve_cards import accuracy_card, loss_card
from dnnstudio.gui.plots.cards.rate_card import RateCard
from dnnstudio.gui.plots.cards.result_card import ResultCard
from dnnstudio.gui.plots.cards.side import SideStack
from dnnstudio.gui.plots.panel import RunPlots
from dnnstudio.gui.predict.opening import PredictOpener
from dnnstudio.gui.repeats import RepeatController
from dnnstudio.gui.repeats.display import RepeatDisplay
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
from dnnstudio.gui.transfer.questions import TransferQuestions
from dnnstudio.gui.uncertainty import Subject, UncertaintyOpener, subject_of


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
        self.controller.stop()
        self.repeats.close()
        self.sweeps.close_all()
        self.plots.stop()


def assemble(
    base: Base,
    front: Front,
    *,
    dialogs: Dialogs | None = None,
    questions: TransferQuestions | None = None,
    on_bug: BugSink | None = None,
) -> Generator[None, None, Workbench]:
    """Build the workbench, what is in sight first. Between two steps the window may be painted; nothing is pressed."""
    window, document, theme, settings = base.window, base.document, base.theme, base.settings
    dialogs = dialogs or Dialogs(theme, settings)
    controller = RunController(base.engine, settings.workspace, window)
    files = FileActions(window, document, controller, settings, dialogs)
    autosave = Autosave(document, dialogs, settings.folder, window)

    def find_subject() -> Subject | None:
        return subject_of(front.runs.chosen, controller.model, document.experiment, opened=transfer.opened)

    uncertainty = UncertaintyOpener(theme, base.engine, find_subject, window)
    panels = yield from _make_panels(base, front)
    display = RunDisplay(
        controller,
        document,
        plots=panels.plots,
        side=panels.side,
        runs=front.runs,
        status=front.status,
        messages=front.messages,
        on_bug=on_bug,
        parent=window,
    )
    transfer = TransferController(
        window,
        document,
        controller,
        base.engine,
        dialogs=dialogs,
        questions=questions or TransferQuestions(theme),
        actions=base.actions,
        files=files,
        runs=front.runs,
        stack=front.stack,
    )
    data_actions = DataActions(document, controller, front.data, window)
    door = DataDoor(
        window,
        document,
        base.engine,
        theme=theme,
        settings=settings,
        dialogs=dialogs,
        actions=base.actions,
        open_path=files.open_path,
        train=transfer.train,
    )
    experiment_actions = ExperimentActions(window, document, dialogs, base.actions, front.stack)
    repeats = RepeatController(
        window,
        document,
        base.engine,
        controller,
        dialogs=dialogs,
        actions=base.actions,
        display=RepeatDisplay(panels.plots, panels.side, front.runs, window),
    )
    sweeps = SweepOpener(
        window, document, controller, theme=theme, actions=base.actions, panel=front.runs, dialogs=dialogs
    )
    training_actions = TrainingActions(
        window,
        document,
        controller,
        base.engine,
        theme=theme,
        dialogs=dialogs,
        actions=base.actions,
        runs=front.runs,
        plots=panels.plots,
        may_go_on=transfer.may_go_on,
        go_on_repeat=repeats.go_on,
        go_on_sweep=sweeps.go_on,
    )
    library = LibraryController(
        window, document, base.engine, controller, files, base.actions, front.runs, theme, dialogs, settings
    )
    run_table = RunTableOpener(
        window,
        controller,
        theme=theme,
        settings=settings,
        dialogs=dialogs,
        actions=base.actions,
        panel=front.runs,
        open_experiment=files.open_path,
        go_on=training_actions.go_on,
    )
    predict = _make_predict(base, front, dialogs, controller, uncertainty)
    yield
    bench = Workbench(
        dialogs=dialogs,
        controller=controller,
        files=files,
        autosave=autosave,
        uncertainty=uncertainty,
        schedule=panels.schedule,
        training=panels.training,
        plots=panels.plots,
        side=panels.side,
        display=display,
        data_actions=data_actions,
        door=door,
        augmentation=AugmentationOpener(window, document, base.engine, theme=theme, actions=base.actions),
        experiment_actions=experiment_actions,
        training_actions=training_actions,
        repeats=repeats,
        run_table=run_table,
        sweeps=sweeps,
        transfer=transfer,
        library=library,
        predict=predict,
        exporting=ExportOpener(window, base.engine, theme, settings, predict, base.actions),
        action_state=ActionState(base.actions, document, controller, front.runs, uncertainty, predict, window),
    )
    _wire_failures(bench, front, on_bug)
    _wire_runs(bench, front, base.actions)
    _wire_actions(bench, front, base.actions)
    _fill_menus(bench, front, base)
    QTimer.singleShot(0, front.runs.refresh)
    return bench


def _make_predict(
    base: Base, front: Front, dialogs: Dialogs, controller: RunController, uncertainty: UncertaintyOpener
) -> PredictOpener:
    def opened() -> tuple[str, str] | None:
        """The opened model, which is no run of the list."""
        model = controller.model
        if model is None or any(record.run == model for record in front.runs.runs.records):
            return None
        return model, controller.model_name

    def open_decision(model: str | Path) -> None:
        if isinstance(model, Path):
            front.runs.select(model)
        uncertainty.open_decision()

    return PredictOpener(
        base.window,
        base.engine,
        theme=base.theme,
        settings=base.settings,
        dialogs=dialogs,
        records=lambda: front.runs.runs.records,
        chosen=lambda: front.runs.chosen,
        opened=opened,
        find_threshold=uncertainty.threshold,
        open_decision=open_decision,
    )


def _make_panels(base: Base, front: Front) -> Generator[None, None, Panels]:
    document, theme, body = base.document, base.theme, front.body
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
    plots = RunPlots(theme, base.window, cards=(loss, accuracy, rate))
    plots.show_plan(document.experiment, document.summary)
    yield
    side = SideStack(theme, document, ResultCard(theme))
    yield
    body.put_plot("result", side)
    yield
    schedule = SchedulePanel(document, theme)
    yield
    body.put_page("schedule", schedule)
    yield
    training = TrainingPanel(document, theme)
    yield
    body.put_page("training", training)
    yield
    return Panels(plots, side, schedule, training)


# ---------------------------------------------------------------------------------------------------------- wiring


def _wire_failures(bench: Workbench, front: Front, on_bug: BugSink | None) -> None:
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
    for speaker in (bench.files, bench.training_actions, bench.library, bench.door, bench.repeats, bench.sweeps):
        speaker.said.connect(front.messages.say)


def _wire_runs(bench: Workbench, front: Front, actions: Actions) -> None:
    bench.controller.activity_changed.connect(front.toolbar.set_activity)
    for trainer in (bench.repeats, bench.sweeps):
        trainer.progressed.connect(front.status.show_share)
    for form_panel in (front.data, front.inspector, front.optimizer, bench.schedule, bench.training, bench.transfer):
        form_panel.vary_requested.connect(bench.sweeps.vary)
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
    bench.files.workspace_changed.connect(bench.run_table.refresh)
    bench.files.sweep_opened.connect(bench.sweeps.show_folder)
    front.runs.sweep_requested.connect(bench.sweeps.show_folder)
    bench.sweeps.kept.connect(bench.run_table.refresh)
    bench.files.run_opened.connect(bench.run_table.list_opened)
    bench.repeats.measured.connect(bench.run_table.refresh)
    front.runs.table_requested.connect(actions["runs"].trigger)
    bench.plots.drawn.connect(bench.schedule.set_position)
    bench.plots.rate.rate_wished.connect(bench.controller.set_learning_rate)
    bench.library.reuse_requested.connect(bench.transfer.reuse_from)
    bench.schedule.find_requested.connect(actions["find_rate"].trigger)


def _wire_actions(bench: Workbench, front: Front, actions: Actions) -> None:
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


def _fill_menus(bench: Workbench, front: Front, base: Base) -> None:
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
