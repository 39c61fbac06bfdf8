"""The learning-rate laboratory and the levers of a training: what the actions in the toolbar do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.going_on import more_epochs_sentence
from dnnstudio.core.jobs import FindRate, FoundRate, RateTested, RunEnded, RunStarted
from dnnstudio.core.runs import CHECKPOINT, RunRecord
from dnnstudio.gui.actions import Actions
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.dialogs.rate_dialog import RateDialog
from dnnstudio.gui.document import Document
from dnnstudio.gui.engine_thread import Failure
from dnnstudio.gui.plot_controller import PlotController
from dnnstudio.gui.plots.panel import RunPlots
from dnnstudio.gui.run_controller import RunController
from dnnstudio.gui.runs_panel import RunsPanel
from dnnstudio.gui.theme import Theme


class LabController(QObject):
    """More epochs of a run, its learning rate in flight, and the test that finds one.

    `failed` carries a `UserError`, `said` the lead and the text of a message.
    """

    failed = Signal(object)
    said = Signal(str, str)

    def __init__(
        self,
        window: QWidget,
        document: Document,
        controller: RunController,
        *,
        theme: Theme,
        dialogs: Dialogs,
        actions: Actions,
        runs: RunsPanel,
        plots: RunPlots,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._document = document
        self._controller = controller
        self._theme = theme
        self._dialogs = dialogs
        self._actions = actions
        self._runs = runs
        self._job: FindRate | None = None
        self.dialog: RateDialog | None = None
        self._note = ""
        self.plots = PlotController(window, plots, runs, theme=theme, dialogs=dialogs)
        self.plots.failed.connect(self.failed)
        self.plots.said.connect(self.said)
        self.may_go_on: Callable[[Path], bool] = lambda folder: True
        """Asked before a run goes on: other models may have a say, where layers are shared."""
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
        controller.rate_tested.connect(self._on_tested)
        controller.rate_found.connect(self._on_found)
        controller.failed.connect(self._on_failed)
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
        if record is not None and (count := self._dialogs.more_epochs(self._window, record.name)) is not None:
            self._more(count)

    def go_on_chosen(self) -> None:
        """Go on with the chosen run to its planned end."""
        if (record := self._runs.chosen) is not None:
            self.go_on(record.folder)

    def go_on(self, folder: Path) -> None:
        """Go on with a run to its planned end."""
        try:
            if self.may_go_on(folder):
                self._controller.go_on(folder)
        except UserError as error:
            self.failed.emit(error)

    def _more(self, count: int) -> None:
        record = self._runs.chosen
        if record is None:
            return
        try:
            if not self.may_go_on(record.folder):
                return
            job = self._controller.go_on(record.folder, count)
        except UserError as error:
            self.failed.emit(error)
            return
        self._note = more_epochs_sentence(job.experiment, record.epochs_done, count)

    def _on_started(self, event: RunStarted) -> None:
        note, self._note = self._note, ""
        if note:
            self.said.emit(f"Training goes on with epoch {event.first_epoch + 1}.", note)
        self.refresh()

    def _on_ended(self, event: RunEnded) -> None:
        if event.result is not None:
            self.plots.read_again(event.result.folder)
        self.refresh()

    # ------------------------------------------------------------------------------------------ finding a rate

    def find_rate(self) -> None:
        """Open the dialog, and test."""
        if self.dialog is not None:
            self.dialog.raise_()
            self.dialog.activateWindow()
            return
        self.dialog = RateDialog(self._theme, self._document, parent=self._window)
        self.dialog.failed.connect(self.failed)
        self.dialog.test_requested.connect(self._test)
        self.dialog.finished.connect(self._on_closed)
        self.dialog.show()
        self._test()

    def _test(self) -> None:
        if self.dialog is None:
            return
        if self._job is not None:
            self._controller.cancel(self._job)
        path = self._document.path
        base = path.parent if path is not None else None
        self._job = self._controller.find_rate(self._document.experiment, base=base)
        self.dialog.begin(waiting=self._controller.training)

    def _on_tested(self, event: RateTested) -> None:
        if self.dialog is not None and self._job is not None and event.run == self._job.id:
            self.dialog.add(event)

    def _on_found(self, job: FindRate, found: FoundRate) -> None:
        if self.dialog is not None and self._job is not None and job.id == self._job.id:
            self._job = None
            self.dialog.show_found(found)

    def _on_failed(self, job: object, failure: Failure) -> None:
        if self._job is not None and job is self._job:
            self._job = None
            if self.dialog is not None:
                self.dialog.show_failure(failure.message, failure.hint)

    def _on_closed(self, _: int) -> None:
        dialog, self.dialog = self.dialog, None
        if self._job is not None:
            self._controller.cancel(self._job)
            self._job = None
        if dialog is not None:
            dialog.deleteLater()

    # ------------------------------------------------------------------------------------------ what can be done

    def refresh(self, _: object = None) -> None:
        """Which of the actions can be done now, and on which run."""
        actions, activity = self._actions, self._controller.activity
        idle = not self._controller.training
        actions["finish_epoch"].setEnabled(activity in ("training", "paused"))
        record = self._runs.chosen
        can = idle and record is not None and can_go_on(record)
        for name in ("one_epoch", "more_epochs"):
            actions[name].setEnabled(can)
        actions["go_on"].setEnabled(can and record is not None and record.epochs_done < record.epochs_planned)
        if can and record is not None:
            which = f"run {record.number}" if record.number else record.name
            actions.set_help("one_epoch", f"Train {which} for one epoch more, exactly from where it stopped.")
        else:
            actions.set_help("one_epoch", "Choose a run that has ended to train it for one epoch more.")
        errors = any(problem.severity == "error" for problem in self._document.problems)
        actions["find_rate"].setEnabled(not errors and idle)


def can_go_on(record: RunRecord) -> bool:
    """Whether a run has left what going on with it needs."""
    return record.status not in ("diverged", "failed", "training") and (record.folder / CHECKPOINT).is_dir()
