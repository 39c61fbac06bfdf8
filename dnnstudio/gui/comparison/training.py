"""A comparison under way: its thread waits for the trainings, and tells the window's thread what they report."""

from __future__ import annotations

import threading

from PySide6.QtCore import QObject, Signal

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.jobs.events import EpochDone, Event, RunEnded, RunStarted
from dnnstudio.core.jobs.results import TransferComparison
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.repeats.training import MakeClusterRunner, MakeRunner, local_runner
from dnnstudio.runner.capacity import default_jobs, threads_each
from dnnstudio.runner.cluster.access import Cluster, cluster_runner
from dnnstudio.runner.comparing import KEPT, Comparison, ComparisonPlan

FAULT = "The comparison was ended by a fault of the program."
PATIENCE_S = 5.0
"""How long the comparison's thread may take to end once its trainings are stopped; they are within a second."""


class ComparisonTraining(QObject):
    """One comparison at a time, in place of the window's own training. All signals arrive on the window's thread.

    `reported(Event)` for begun and ended trainings and their epochs; `progressed` when one is over; then exactly one of
    `answered(TransferComparison)`, `refused(message, hint)` and `cancelled`. `busy_changed(bool)`.
    """

    reported = Signal(object)
    progressed = Signal()
    answered = Signal(object)
    refused = Signal(str, str)
    cancelled = Signal()
    busy_changed = Signal(bool)
    _over = Signal(object, object)

    def __init__(
        self, controller: RunController, make_runner: MakeRunner = local_runner, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.controller = controller
        self.make_runner = make_runner
        self.make_cluster_runner: MakeClusterRunner = cluster_runner
        self.comparison: Comparison | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._over.connect(self._on_over)

    @property
    def busy(self) -> bool:
        """Whether trainings are under way."""
        return self.comparison is not None

    def begin(self, plan: ComparisonPlan, cluster: Cluster | None = None) -> None:
        """Train what is missing, on this machine or on the machines of a cluster.

        Raises `UserError`: another training is under way, or there is no such source.
        """
        comparison = Comparison(plan, self._take)
        self.controller.begin_repeat(plan.folder, self.stop)
        self.comparison = comparison
        self._thread = threading.Thread(target=self._run, args=(comparison, cluster), name="comparison", daemon=True)
        self._thread.start()
        self.busy_changed.emit(True)

    def stop(self) -> None:
        """Stop every training within a second; `cancelled` follows, and the comparison can go on later."""
        if self.comparison is not None:
            self.comparison.stop()

    def close(self) -> None:
        """Stop, wait for the processes to end, and report nothing more: the program ends."""
        self._closed = True
        if self.comparison is not None:
            self.comparison.stop()
            if self._thread is not None:
                self._thread.join(PATIENCE_S)
            self.comparison = None
            self.controller.end_repeat()

    # ------------------------------------------------------------------------------- on other threads

    def _run(self, comparison: Comparison, cluster: Cluster | None) -> None:
        result: TransferComparison | None = None
        error: BaseException | None = None
        try:
            if cluster is None:
                jobs = default_jobs(comparison.total)
                runner = self.make_runner(jobs, threads_each(jobs), comparison.take)
            else:
                jobs = min(cluster.slots, comparison.total)
                runner = self.make_cluster_runner(cluster, jobs, cluster.threads, comparison.take)
            try:
                result = comparison.run(runner, self._tell)
            finally:
                runner.shutdown(wait=self._closed)
        except BaseException as found:  # whatever it is: the window must not wait for ever for what has ended
            error = found
        if not self._closed:
            self._over.emit(result, error)

    def _take(self, event: Event) -> None:
        """Pass on what is shown: an epoch is a signal, twenty groups of batches a second are none."""
        if isinstance(event, RunStarted | EpochDone | RunEnded) and not self._closed:
            self.reported.emit(event)

    def _tell(self) -> None:
        if not self._closed:
            self.progressed.emit()

    # ------------------------------------------------------------------------------- on the window's thread

    def _on_over(self, result: TransferComparison | None, error: BaseException | None) -> None:
        if self._closed:
            return
        self.comparison = None
        self.controller.end_repeat()
        self.busy_changed.emit(False)
        match error:
            case UserError():
                self.refused.emit(error.message, error.hint)
            case None:
                self.answered.emit(result)
            case Cancelled():
                self.cancelled.emit()
            case _:
                self.refused.emit(FAULT, KEPT)
                raise error
