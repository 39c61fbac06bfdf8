"""Distributes a run's events to the views: plots, result, table, status line and messages follow the controller."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import known_summary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.events import (
    BatchesDone,
    EpochDone,
    HealthMeasured,
    Progress,
    RateChanged,
    RunEnded,
    RunStarted,
    SavingPaused,
)
from dnnstudio.core.jobs.requests import DescribeData, Job
from dnnstudio.core.workspace.answers import read_answers
from dnnstudio.core.workspace.figures import measured
from dnnstudio.core.workspace.history import FILE as HISTORY
from dnnstudio.core.workspace.history import Row, read_rows
from dnnstudio.core.workspace.runs import RunRecord
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.run_controller import Activity, RunController
from dnnstudio.gui.base.ticket import Failure
from dnnstudio.gui.plots.cards.side import SideStack
from dnnstudio.gui.plots.panel import RunPlots
from dnnstudio.gui.plots.sentences import best_sentence, loss_words
from dnnstudio.gui.plots.stored import read_stored_run
from dnnstudio.gui.runs.menu import open_folder
from dnnstudio.gui.runs.panel import RunsPanel, count_parameters
from dnnstudio.gui.shell.message_line import MessageLine
from dnnstudio.gui.shell.status_line import StatusLine
from dnnstudio.gui.theme import Cure

BugSink = Callable[[str, str], None]
"""Takes a bug's title and its traceback."""
CureOf = Callable[[Job], Cure | None]
"""What helps where a job failed, if the window can do it."""
PLAN = ("data", "training", "optimizer", "schedule", "transfer", "rate_changes")
"""Parts of an experiment that decide how long it trains, and at which rates."""
WORDS: dict[Activity, str] = {"queued": "Waiting for the engine", "paused": "Paused", "stopping": "Stopping"}


def same_plan(one: Experiment, other: Experiment) -> bool:
    """Whether both train as long and at the same rates, so that a place in one is the same place in the other."""
    return all(getattr(one, part) == getattr(other, part) for part in PLAN)


class RunDisplay(QObject):
    """Shows the live run, and a stored one when it is chosen while nothing trains.

    `progress_of_plan` says at which epoch the training is of which the schedule's preview speaks; None where it speaks
    of another plan than the one that trains.
    """

    progress_of_plan = Signal(object)

    def __init__(
        self,
        controller: RunController,
        document: Document,
        *,
        plots: RunPlots,
        side: SideStack,
        runs: RunsPanel,
        status: StatusLine,
        messages: MessageLine,
        cure_of: CureOf,
        on_bug: BugSink | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._on_bug = on_bug
        self._cure_of = cure_of
        self._controller = controller
        self._document = document
        self._plots = plots
        self._side = side
        self._result = side.result
        self._runs = runs
        self._status = status
        self._messages = messages
        self._trained: Experiment | None = None
        """What the newest training of this window trains."""
        controller.activity_changed.connect(self._on_activity)
        controller.run_started.connect(self._on_started)
        controller.batches_done.connect(self._on_batches)
        controller.epoch_done.connect(self._on_epoch)
        controller.rate_changed.connect(self._on_rate_changed)
        controller.saving_paused.connect(self._on_saving_paused)
        controller.run_ended.connect(self._on_ended)
        controller.health_measured.connect(self._on_health)
        controller.progressed.connect(self._on_progress)
        controller.failed.connect(self._on_failed)
        document.experiment_changed.connect(self._show_plan)
        document.summary_changed.connect(self._show_plan)
        document.experiment_changed.connect(self._show_progress)
        plots.drawn.connect(self._show_progress)
        runs.run_chosen.connect(self.show_stored)

    def _show_plan(self, _: object = None) -> None:
        """Draw the axes and the planned rate of the experiment as it is now."""
        self._plots.show_plan(self._document.experiment, self._document.summary)

    def _show_progress(self, _: object = None) -> None:
        """Mark in the preview how far the training has come, if it trains by the plan that is previewed."""
        curves, here = self._plots.curves, self._document.experiment
        at = curves.now if curves is not None and not curves.ended and same_plan(curves.experiment, here) else None
        self.progress_of_plan.emit(at)

    def _on_activity(self, activity: Activity) -> None:
        if activity in WORDS:
            self._status.say(WORDS[activity])
        elif activity == "idle":
            self._status.clear()

    def _on_started(self, event: RunStarted) -> None:
        self._trained = event.experiment
        self._messages.say_start(event)
        self._plots.begin(event, self._rows_before(event))
        self._side.begin(event.epochs)
        self._runs.begin(event)
        if (shape := self._input_shape(event.experiment)) is not None:
            self._runs.set_parameters(count_parameters(event, shape))
        self._status.begin(event)

    def _input_shape(self, trained: Experiment) -> tuple[int, ...] | None:
        """The shape of a row of the data that is trained on, which need not be the open experiment's."""
        here = self._document.experiment.data == trained.data
        summary = self._document.summary if here else known_summary(trained.data)
        return summary.input_shape if summary is not None else None

    def _rows_before(self, event: RunStarted) -> list[Row]:
        """The epochs that a training goes on from."""
        if not event.first_epoch:
            return []
        try:
            return read_rows(event.folder / HISTORY)[: event.first_epoch]
        except UserError:
            return []  # the training itself has what it needs; only the drawing begins later

    def _on_batches(self, event: BatchesDone) -> None:
        self._plots.add_batches(event)
        if self._controller.activity not in WORDS:  # the last steps before a pause are told after it was pressed
            self._status.add_batches(event)

    def _on_epoch(self, event: EpochDone) -> None:
        self._plots.add_epoch(event)
        self._runs.add_epoch(event)
        self._plots.in_turn(self._runs.show_epochs)
        self._status.add_epoch(event)
        self._messages.say_best(event, self.open_run_folder)

    def _on_health(self, event: HealthMeasured) -> None:
        self._side.health.add_measurement(event)
        self._plots.in_turn(self._side.health.refresh)

    def _on_rate_changed(self, event: RateChanged) -> None:
        self._plots.change_rate(event)
        text = f"The learning rate is {event.rate:g} from step {event.step + 1:,} on. The run's experiment says so."
        self._messages.say("Rate changed.", text, "news")

    def _on_saving_paused(self, event: SavingPaused) -> None:
        if event.reason:
            self._messages.say("Saving is paused.", event.sentence, "hint")
        else:
            self._messages.say("The run is saved again.", "Nothing is missing in its folder.", "news")

    def _on_ended(self, event: RunEnded) -> None:
        self._plots.end(event)
        self._runs.end(event)
        self._status.clear()
        if event.result is not None:
            result = event.result
            of = measured(result.metrics, self._trained) if self._trained is not None else None
            loss = loss_words(self._trained) if self._trained is not None else ""
            self._result.show_metrics(
                result.metrics,
                best_epoch=result.best_epoch,
                measured=of,
                folder=result.folder,
                loss=loss,
                best=best_sentence(self._plots.curves.best_by) if self._plots.curves is not None else "",
            )
            self._show_answers(result.folder)
        if event.cause is not None:
            self._side.show_divergence(event.cause)
        else:
            self._side.show_result()
        moved = event.result is not None and event.result.elsewhere
        if moved:
            self._runs.refresh()  # that the workspace is gone is the lesser news
        self._messages.say_end(event, self.open_run_folder, self._trained)
        chosen = self._runs.chosen
        if chosen is not None and chosen.folder != self._controller.run_folder and not moved:
            self.show_stored(chosen)  # as was said when it was chosen

    def _on_progress(self, event: Progress | None) -> None:
        if event is not None:
            self._status.show_job(event, can_cancel=not self._controller.is_training(event.run))
        elif self._controller.training:
            self._status.end_job()
        else:
            self._status.clear()

    def _on_failed(self, job: Job, failure: Failure) -> None:
        """Say why a job has no result; why data cannot be read is shown beside the data."""
        if failure.kind == "bug":
            if self._on_bug is not None:
                self._on_bug(failure.message, failure.details)
            self._messages.say("Something went wrong inside the program.", failure.message, "error")
        elif not isinstance(job, DescribeData):
            cure = self._cure_of(job)
            text, deed = (cure.text, cure.deed) if cure is not None else ("", None)
            self._messages.say(failure.message, failure.hint, "error", text, deed)

    def show_none(self) -> None:
        """Show no run, for those of another workspace are listed; a training goes on being drawn."""
        if not self._controller.training:
            self._plots.clear()
            self._result.clear()

    def show_stored(self, record: RunRecord) -> None:
        """Draw a stored run, unless a training is being drawn or it is the one that is shown."""
        if record.run and record.run == self._plots.run:
            return
        if self._controller.training:
            self._say_waiting(record)
            return
        try:
            curves, metrics = read_stored_run(record.folder)
        except UserError as error:
            self._messages.say(error.message, error.hint, "error")
            return
        self._plots.show_run(curves)
        of = measured(metrics, curves.experiment)
        self._result.show_metrics(
            metrics,
            best_epoch=curves.best_epoch,
            measured=of,
            folder=record.folder,
            loss=loss_words(curves.experiment),
            best=best_sentence(curves.best_by),
        )
        self._show_answers(record.folder)
        self._side.show_result()

    def _show_answers(self, folder: Path) -> None:
        """Draw what the run's network answered, where it predicts a number."""
        try:
            answers = read_answers(folder)
        except UserError as error:
            answers = {}
            self._messages.say(error.message, error.hint, "error")
        self._side.show_answers(answers)

    def _say_waiting(self, record: RunRecord) -> None:
        """A run was chosen while another one trains: it is shown when that one has ended."""
        if record.folder == self._controller.run_folder:
            return
        which = f"Run {record.number}" if record.number else record.name
        text = f"{which} is shown when the training has ended. Its eye in the table draws it under the curves now."
        self._messages.say("The plots follow the training.", text, "hint")

    def open_run_folder(self) -> None:
        """Show the files of the newest run."""
        if self._controller.run_folder is not None:
            open_folder(self._controller.run_folder)
