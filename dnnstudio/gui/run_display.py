"""What of a run is shown where: plots, result, table, status line and messages follow the controller."""

from __future__ import annotations

from PySide6.QtCore import QObject

from dnnstudio.core.errors import UserError
from dnnstudio.core.history import FILE as HISTORY
from dnnstudio.core.history import Row, read_rows
from dnnstudio.core.jobs import BatchesDone, EpochDone, Progress, RunEnded, RunStarted
from dnnstudio.core.runs import RunRecord
from dnnstudio.gui.document import Document
from dnnstudio.gui.messages import Messages
from dnnstudio.gui.plots.panel import RunPlots
from dnnstudio.gui.plots.side import SideStack
from dnnstudio.gui.plots.stored import read_stored_run
from dnnstudio.gui.run_controller import Activity, RunController
from dnnstudio.gui.runs_panel import RunsPanel, count_parameters, open_folder
from dnnstudio.gui.status_line import StatusLine

WORDS: dict[Activity, str] = {"queued": "Waiting for the engine", "paused": "Paused", "stopping": "Stopping"}


class RunDisplay(QObject):
    """Shows the live run, and a stored one when it is chosen while nothing trains."""

    def __init__(
        self,
        controller: RunController,
        document: Document,
        *,
        plots: RunPlots,
        side: SideStack,
        runs: RunsPanel,
        status: StatusLine,
        messages: Messages,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._controller = controller
        self._document = document
        self._plots = plots
        self._side = side
        self._result = side.result
        self._runs = runs
        self._status = status
        self._messages = messages
        controller.activity_changed.connect(self._on_activity)
        controller.run_started.connect(self._on_started)
        controller.batches_done.connect(self._on_batches)
        controller.epoch_done.connect(self._on_epoch)
        controller.run_ended.connect(self._on_ended)
        controller.health_measured.connect(side.health.add_measurement)
        controller.progressed.connect(self._on_progress)
        runs.run_chosen.connect(self.show_stored)

    def _on_activity(self, activity: Activity) -> None:
        if activity in WORDS:
            self._status.say(WORDS[activity])
        elif activity == "idle":
            self._status.clear()

    def _on_started(self, event: RunStarted) -> None:
        self._messages.say_start(event)
        self._plots.begin(event, self._rows_before(event))
        self._side.begin(event.epochs)
        self._runs.begin(event)
        summary = self._document.summary
        self._runs.set_parameters(count_parameters(event, summary.input_shape if summary else None))
        self._status.begin(event)

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
        self._status.add_batches(event)

    def _on_epoch(self, event: EpochDone) -> None:
        self._plots.add_epoch(event)
        self._runs.add_epoch(event)
        self._status.add_epoch(event)
        self._messages.say_best(event, self.open_run_folder)

    def _on_ended(self, event: RunEnded) -> None:
        self._plots.end(event)
        self._runs.end(event)
        self._status.clear()
        if event.result is not None:
            self._result.show_metrics(event.result.metrics, best_epoch=event.result.best_epoch)
        if event.cause is not None:
            self._side.show_divergence(event.cause)
        else:
            self._side.show_result()
        self._messages.say_end(event, self.open_run_folder)

    def _on_progress(self, event: Progress | None) -> None:
        if event is not None:
            self._status.show_job(event, can_cancel=not self._controller.is_training(event.run))
        elif not self._controller.training:
            self._status.clear()

    def show_stored(self, record: RunRecord) -> None:
        """Draw a stored run, unless a training is being drawn or it is the one that is shown."""
        if self._controller.training or (record.run and record.run == self._plots.run):
            return
        try:
            curves, metrics = read_stored_run(record.folder)
        except UserError as error:
            self._messages.say(error.message, error.hint, "error")
            return
        self._plots.show_run(curves)
        self._result.show_metrics(metrics, best_epoch=curves.best_epoch)
        self._side.show_result()

    def open_run_folder(self) -> None:
        """Show the files of the newest run."""
        if self._controller.run_folder is not None:
            open_folder(self._controller.run_folder)
