"""Second stage of the main window: builds and wires what the first paint does not need, in short steps so that the
event loop keeps running.

Importing this module is the greater part of the work (pyqtgraph and numpy come with it), so a thread does that.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

from PySide6.QtCore import QTimer

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.workspace.runs import RunRecord, Weights
from dnnstudio.gui.base.run_controller import RunController
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
from dnnstudio.gui.shell.workbench import Base, Panels, Workbench, fill_menus, wire_actions, wire_failures, wire_runs
from dnnstudio.gui.sweeps import SweepOpener
from dnnstudio.gui.transfer.controller import TransferController
from dnnstudio.gui.transfer.questions import TransferQuestions
from dnnstudio.gui.uncertainty import Subject, UncertaintyOpener, subject_at, subject_of
from dnnstudio.gui.widgets.windows import save_path


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
    save_path.place.start, save_path.place.ended = settings.start_folder, settings.set_last_folder
    controller = RunController(base.engine, settings.workspace, window)
    files = FileActions(window, document, controller, settings, dialogs)
    autosave = Autosave(document, dialogs, settings.folder, window)

    def find_subject() -> Subject | None:
        record = front.runs.chosen
        if record is None or not record.has_network:  # the network at hand has its own experiment
            of_model = (one for one in front.runs.runs.records if one.run and one.run == controller.model)
            record = next(of_model, record)
        return subject_of(record, controller.model, experiment_at_hand(), opened=transfer.opened)

    def experiment_at_hand() -> Experiment:
        """Whose rows the network at hand is judged by: its own, for another experiment may be open by now. An opened
        network's are those of the open experiment while that is the same one: its data may have been found anew.
        """
        own, here = controller.model_experiment, document.experiment
        return here if own is None or (transfer.opened is not None and own.name == here.name) else own

    def find_opened(model: str) -> Subject | None:
        return subject_of(None, model, experiment_at_hand(), opened=transfer.opened)

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
        cure_of=lambda job: transfer.cure_of(job),
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
    predict = _make_predict(base, front, dialogs, controller, uncertainty, find_opened, lambda: transfer.opened)
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
        weights=WeightsOpener(
            window, document, base.engine, controller, dialogs=dialogs, files=files, actions=base.actions
        ),
        help=HelpOpener(window, base.actions),
        action_state=ActionState(base.actions, document, controller, front.runs, uncertainty, predict, window),
    )
    wire_failures(bench, front, on_bug)
    wire_runs(bench, front, base.actions)
    wire_actions(bench, front, base.actions)
    fill_menus(bench, front, base)
    QTimer.singleShot(0, front.runs.refresh)
    return bench


def _make_predict(
    base: Base,
    front: Front,
    dialogs: Dialogs,
    controller: RunController,
    uncertainty: UncertaintyOpener,
    find_opened: Callable[[str], Subject | None],
    opened_last: Callable[[], Path | None],
) -> PredictOpener:
    def opened() -> tuple[str, str] | None:
        """The opened model, which is no run of the list."""
        model = controller.model
        if model is None or any(record.run == model for record in front.runs.runs.records):
            return None
        return model, controller.model_name

    def at_hand() -> RunRecord | None:
        """The run of what was turned to last: a model that was opened since a run was chosen may be one of a run."""
        if opened_last() is None:
            return front.runs.chosen
        return next((record for record in front.runs.runs.records if record.run == controller.model), None)

    def subject(model: str | Path, weights: Weights) -> Subject | None:
        if isinstance(model, Path):
            return subject_at(model, weights, front.runs.runs.records)
        return find_opened(model)

    def open_decision(model: str | Path, weights: Weights) -> None:
        uncertainty.open_decision(lambda: subject(model, weights))

    return PredictOpener(
        base.window,
        base.engine,
        theme=base.theme,
        settings=base.settings,
        dialogs=dialogs,
        records=lambda: front.runs.runs.records,
        chosen=at_hand,
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
