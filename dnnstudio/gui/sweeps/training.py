"""A sweep under way: its thread waits for the trials, and tells the window's thread how each ended."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from dnnstudio.core.errors import UserError
from dnnstudio.core.study.sweep import SweepPlan
from dnnstudio.core.study.trials import Trial
from dnnstudio.gui.repeats.training import MakeRunner
from dnnstudio.runner.sweeping import Sweep
from dnnstudio.runner.tasks import Runner

FAULT = UserError("The sweep was ended by a fault of the program.", "What is trained already is kept.")
LOOK_MS = 500
PATIENCE_S = 5.0
"""How long the sweep's thread may take to end once its trials are stopped; they are within a second."""


class SweepTraining(QObject):
    """One sweep. All signals arrive on the window's thread: `trial_ended(Trial)`; `ended(UserError or None)` once;
    `went_on` when trials were begun or came further, twice a second at most.
    """

    went_on = Signal()
    trial_ended = Signal(object)
    ended = Signal(object)
    _came = Signal(object)
    _over = Signal(object)

    def __init__(
        self,
        folder: Path,
        plan: SweepPlan,
        make_runner: MakeRunner,
        *,
        jobs: int,
        base: Path | None,
        again: bool = False,
        slow: bool = False,
        parent: QObject | None = None,
    ) -> None:
        """`again` tries the trials that failed once more. `slow` makes the runner on the sweep's thread: other
        machines may take seconds to answer.

        Raises `UserError` where the folder's records are damaged.
        """
        super().__init__(parent)
        self.sweep = Sweep(folder, plan, base=base, again=again)
        self.stopping = self._closed = False
        self._came.connect(self._on_trial)
        self._over.connect(self._on_over)
        self._seen = self.sweep.under_way
        self._look = QTimer(self, interval=LOOK_MS)
        self._look.timeout.connect(self._on_look)
        self._look.start()
        self._make = partial(make_runner, jobs, plan.threads, self.sweep.take)
        self._runner: Runner | None = None if slow else self._make()
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop every trial within a second; `ended` follows, and the sweep can go on later."""
        self.stopping = True
        self.sweep.stop()

    def close(self) -> None:
        """Stop, wait for the processes to end, and report nothing more: the window closes."""
        self._closed = True
        self._look.stop()
        self.sweep.stop()
        self._thread.join(PATIENCE_S)
        if self._runner is not None:
            self._runner.shutdown(wait=True)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            runner = self._runner = self._runner or self._make()
            for trial in self.sweep.run(runner):
                if not self._closed:
                    self._came.emit(trial)
        except BaseException as found:  # whatever it is: the window must not wait for ever for what has ended
            error = found
        if not self._closed:
            self._over.emit(error)

    # ------------------------------------------------------------------------------- on the window's thread

    def _on_trial(self, trial: Trial) -> None:
        if not self._closed:
            self.trial_ended.emit(trial)

    def _on_look(self) -> None:
        now = self.sweep.under_way
        if now != self._seen:
            self._seen = now
            self.went_on.emit()

    def _on_over(self, error: BaseException | None) -> None:
        if self._closed:
            return
        self._closed = True
        self._look.stop()
        if self._runner is not None:
            if error is not None:
                self._runner.stop_all()
            self._runner.shutdown(wait=False)
        self._thread.join(PATIENCE_S)
        if error is None or isinstance(error, UserError):
            self.ended.emit(error)
            return
        self.ended.emit(FAULT)
        raise error
