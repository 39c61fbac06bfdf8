"""Handlers of the training actions: more epochs, a new learning rate, and the learning-rate range test."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.edits import added_ids
from dnnstudio.core.jobs.events import Event, RateTested, RunEnded, RunStarted
from dnnstudio.core.jobs.requests import FindRate
from dnnstudio.core.jobs.results import FoundRate
from dnnstudio.core.jobs.resume import more_epochs_sentence, offers
from dnnstudio.core.os_errors import is_folder_there
from dnnstudio.core.planning.more_epochs import Way
from dnnstudio.core.planning.stochastic import with_dropout
from dnnstudio.core.workspace.ensembles import is_ensemble
from dnnstudio.core.workspace.runs import CHECKPOINT, RunRecord, is_sweep
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.base.reasons import NO_RUN, busy_refusal, idle_refusal, training_refusal
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.dialogs.rate_dialog import RateDialog
from dnnstudio.gui.plots.panel import RunPlots
from dnnstudio.gui.runs.panel import RunsPanel
from dnnstudio.gui.shell.plot_actions import PlotActions
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty import Subject

REFUSED = {
    "diverged": "The chosen run has diverged: its weights are of no use. Train again with a lower rate.",
    "failed": "The chosen run has failed, and left nothing to go on with.",
    "training": "The chosen run is being trained.",
    "damaged": "The chosen run's files are damaged.",
}


class TrainingActions(QObject):
    """More epochs of a run, dropout for one, its learning rate in flight, and the test that finds one.

    `failed` carries a `UserError`, `said` the lead and the text of a message.
    """

    failed = Signal(object)
    said = Signal(str, str)

    def __init__(
        self,
        window: QWidget,
        document: Document,
        controller: RunController,
        engine: Engine,
        *,
        theme: Theme,
        dialogs: Dialogs,
        actions: Actions,
        runs: RunsPanel,
        plots: RunPlots,
        may_go_on: Callable[[Path], bool],
        go_on_repeat: Callable[[Path], None],
        go_on_sweep: Callable[[Path], None],
    ) -> None:
        """`may_go_on` is asked before a run goes on: other models may have a say, where layers are shared.

        `go_on_repeat` trains what an ensemble still lacks, `go_on_sweep` the trials of a sweep that are not over.
        """
        super().__init__(window)
        self._window = window
        self._document = document
        self._controller = controller
        self._theme = theme
        self._dialogs = dialogs
        self._actions = actions
        self._runs = runs
        self._may_go_on = may_go_on
        self._go_on_repeat = go_on_repeat
        self._go_on_sweep = go_on_sweep
        self._test = JobClient(engine, self)
        self._test.reported.connect(self._on_tested)
        self._test.answered.connect(self._on_found)
        self._test.refused.connect(self._on_refused)
        self._test.cancelled.connect(self._on_cancelled)
        self.dialog: RateDialog | None = None
        self._note = ""
        self.plots = PlotActions(window, plots, runs, theme=theme, dialogs=dialogs)
        self.plots.failed.connect(self.failed)
        self.plots.said.connect(self.said)
        actions.connect(
            {
                "one_epoch": self.one_epoch,
                "more_epochs": self.more_epochs,
                "go_on": self.go_on_chosen,
                "find_rate": self.find_rate,
            },
        )
        controller.activity_changed.connect(self.refresh)
        controller.run_started.connect(self._on_started)
        controller.run_ended.connect(self._on_ended)
        runs.run_chosen.connect(self.refresh)
        runs.go_on_requested.connect(self.go_on)
        document.experiment_changed.connect(self.refresh)
        document.summary_changed.connect(self.refresh)
        self.refresh()

    # ------------------------------------------------------------------------------------------ more epochs

    def one_epoch(self) -> None:
        """Train the chosen run for one epoch more."""
        self._more(1)

    def more_epochs(self) -> None:
        """Ask how many epochs more, and train the chosen run for them."""
        record = self._runs.chosen
        if record is None:
            return
        try:
            chosen = self._dialogs.more_epochs(self._window, record.name, partial(offers, record.folder))
        except UserError as error:
            self.failed.emit(error)
            return
        if chosen is not None:
            self._more(*chosen)

    def go_on_chosen(self) -> None:
        """Go on with the chosen run to its planned end."""
        if (record := self._runs.chosen) is not None:
            self.go_on(record.folder)

    def go_on(self, folder: Path) -> None:
        """Go on with a run to its planned end; of an ensemble, train the members that it lacks."""
        if is_ensemble(folder):
            self._go_on_repeat(folder)
            return
        if is_sweep(folder):
            self._go_on_sweep(folder)
            return
        try:
            if self._may_go_on(folder):
                self._controller.go_on(folder)
        except UserError as error:
            self.failed.emit(error)

    def _more(self, count: int, way: Way | None = None) -> None:
        record = self._runs.chosen
        if record is None:
            return
        try:
            if not self._may_go_on(record.folder):
                return
            job = self._controller.go_on(record.folder, count, way=way)
        except UserError as error:
            self.failed.emit(error)
            return
        self._note = more_epochs_sentence(job, record.epochs_done, count)

    def _on_started(self, event: RunStarted) -> None:
        note, self._note = self._note, ""
        if note:
            self.said.emit(f"Training goes on with epoch {event.first_epoch + 1}.", note)
        self.refresh()

    def _on_ended(self, event: RunEnded) -> None:
        if event.result is not None:
            self.plots.read_again(event.result.folder)
        self.refresh()

    # ------------------------------------------------------------------------------------------ dropout

    def add_dropout(self, subject: Subject) -> None:
        """Give an inspected network a Dropout layer, as one undo step, and train it on from its weights."""
        source = subject.source
        try:
            after = with_dropout(subject.experiment, source=source)
        except UserError as error:
            self.failed.emit(error)
            return
        self._document.push(after, "Add dropout", select=added_ids(subject.experiment, after))
        start = "Every layer starts from its trained weights." if source else "Its weights are new: it has no folder."
        train = self._actions["train"]
        if train.isEnabled():
            train.trigger()
            self.said.emit("Dropout was added, and training goes on.", start)
        else:
            self.said.emit("Dropout was added; press Train when it is free.", start)

    # ------------------------------------------------------------------------------------------ finding a rate

    def find_rate(self) -> None:
        """Open the dialog, and test."""
        if self.dialog is not None:
            self.dialog.raise_()
            self.dialog.activateWindow()
            return
        self.dialog = RateDialog(self._theme, self._document, parent=self._window)
        self.dialog.failed.connect(self.failed)
        self.dialog.test_requested.connect(self._begin_test)
        self.dialog.finished.connect(self._on_closed)
        self.dialog.show()
        self._begin_test()

    def _begin_test(self) -> None:
        if self.dialog is None:
            return
        path = self._document.path
        base = path.parent if path is not None else None
        self._test.ask(FindRate(experiment=self._document.experiment, base=base))
        self.dialog.begin(waiting=self._controller.training)

    def _on_tested(self, event: Event) -> None:
        if self.dialog is not None and isinstance(event, RateTested):
            self.dialog.add(event)

    def _on_found(self, found: FoundRate) -> None:
        if self.dialog is not None:
            self.dialog.show_found(found)

    def _on_refused(self, message: str, hint: str) -> None:
        if self.dialog is not None:
            self.dialog.show_failure(message, hint)

    def _on_cancelled(self) -> None:
        """From the status line."""
        self._on_refused("", "")

    def _on_closed(self, _: int) -> None:
        dialog, self.dialog = self.dialog, None
        self._test.cancel()
        if dialog is not None:
            dialog.deleteLater()

    # ------------------------------------------------------------------------------------------ what can be done

    def refresh(self, _: object = None) -> None:
        """Which of the actions can be done now, and on which run."""
        actions, controller = self._actions, self._controller
        actions.set_reason("finish_epoch", *idle_refusal(controller, actions))
        record = self._runs.chosen
        busy = busy_refusal(controller, actions)
        ended = "" if record is not None and can_go_on(record) else why_not_on(record)
        can = not busy[0] and not ended
        for name in ("one_epoch", "more_epochs"):
            actions.set_reason(name, *(busy if busy[0] else (ended, None)))
        actions.set_reason("go_on", *(busy if busy[0] else (why_complete(record, ended), None)))
        if can and record is not None:
            which = f"run {record.number}" if record.number else record.name
            help = f"Train {which} for one epoch more, from where its weights and its optimizer stand."
            actions.set_help("one_epoch", f"{help} More epochs… says at which rates.")
        else:
            actions.set_help("one_epoch", "Train the chosen run for one epoch more.")
        actions.set_reason("find_rate", *training_refusal(self._document, controller, actions))


def can_go_on(record: RunRecord) -> bool:
    """Whether a run has left what going on with it needs."""
    return record.status not in REFUSED and is_folder_there(record.folder / CHECKPOINT)


def why_not_on(record: RunRecord | None) -> str:
    """Why a run cannot be trained for more epochs, or ""."""
    if record is None:
        return NO_RUN
    if record.repeat is not None or record.sweep is not None:
        return "The chosen row is several trainings. Unfold it, and choose one of them."
    reason = REFUSED.get(record.status, "")
    if not reason and not is_folder_there(record.folder / CHECKPOINT):
        reason = "The chosen run has kept no checkpoint, which going on with it needs."
    return reason


def why_complete(record: RunRecord | None, ended: str) -> str:
    """Why there is nothing left to train of a run's plan, or ""; `ended` says why it takes no epoch at all."""
    several = (record.repeat or record.sweep) if record is not None else None
    if several is not None:
        return "All that was planned of the chosen row is trained." if not several.can_go_on else ""
    if ended or record is None or record.epochs_done < record.epochs_planned:
        return ended
    return "The chosen run has reached its planned end. More epochs… trains it on."
