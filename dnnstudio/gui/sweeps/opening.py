"""Opens the window of sweeps, and trains what is asked for there."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.study.sweep import SweepPlan, read_sweep, resumed_plan, write_sweep
from dnnstudio.core.study.sweep_record import sweep_record
from dnnstudio.core.study.trial_epochs import asked_epochs, mean_epochs
from dnnstudio.core.study.trials import Trial, but_failed, read_trials
from dnnstudio.core.study.varied import with_values
from dnnstudio.core.text import count_of, duration
from dnnstudio.core.workspace.place import place_for_new
from dnnstudio.core.workspace.runs import is_sweep, new_sweep_folder, sweep_folders
from dnnstudio.core.workspace.sources import rebased
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.reasons import UNDER_WAY
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.base.run_words import TRAINING
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.repeats.training import MakeClusterRunner, MakeRunner, local_runner
from dnnstudio.gui.runs.panel import RunsPanel
from dnnstudio.gui.sweeps.suggesting import Suggestion, fields_to_vary, suggest, suggestion_of
from dnnstudio.gui.sweeps.training import SweepTraining
from dnnstudio.gui.sweeps.window import SweepWindow
from dnnstudio.gui.sweeps.wishes import SweepWish, alike_first, planned
from dnnstudio.gui.sweeps.words import ended_words, estimate_words
from dnnstudio.gui.theme import Theme, set_reason
from dnnstudio.runner.cluster.access import cluster_runner

MORE = 10


class SweepOpener(QObject):
    """One window and one sweep at a time, in place of the window's own training.

    `failed(UserError)`; `said(lead, text, severity)`; `progressed(share, words, rest)` for the status line; `kept` when
    a trial is written down.
    """

    failed = Signal(object)
    said = Signal(str, str, str)
    progressed = Signal(float, str, str)
    kept = Signal()

    def __init__(
        self,
        window: QWidget,
        document: Document,
        controller: RunController,
        *,
        theme: Theme,
        actions: Actions,
        panel: RunsPanel,
        dialogs: Dialogs,
        make_runner: MakeRunner = local_runner,
    ) -> None:
        super().__init__(window)
        self._parent = window
        self._document = document
        self._controller = controller
        self._theme = theme
        self._panel = panel
        self._dialogs = dialogs
        self.make_runner = make_runner
        self.make_cluster_runner: MakeClusterRunner = cluster_runner
        self.window: SweepWindow | None = None
        self.training: SweepTraining | None = None
        self.folder: Path | None = None
        self.plan: SweepPlan | None = None
        self._trials: dict[int, Trial] = {}
        self._kept: tuple[Suggestion, ...] = ()
        self._start: float | None = None
        """What a process of the last sweep took to start, in seconds."""
        self._waits = False
        """Whether a start was refused since something else was trained."""
        actions.connect({"sweep": self.open})
        controller.activity_changed.connect(self._show_state)
        document.experiment_changed.connect(self._offer_fields)

    def open(self) -> None:
        """Show the window, or bring it to the front."""
        if self.window is None:
            window = self.window = SweepWindow(self._theme, ask_join_file=self._dialogs.join_file, parent=self._parent)
            window.wished.connect(self.vary)
            window.changed.connect(self._show_state)
            window.start_requested.connect(self.start)
            window.stop_requested.connect(self.stop)
            window.more_requested.connect(self.add_trials)
            window.fresh_requested.connect(self.begin_fresh)
            window.use_requested.connect(self.use)
            window.closed.connect(self._on_closed)
            self._offer_fields()
            if self.plan is not None:
                self._show_varied()
                self._show_plan(self.plan)
            for one in self._kept:
                window.varied.add(one)
        self._offer_earlier()
        self._show_state()
        self.window.show()
        self.window.raise_()
        self.window.activateWindow()

    def show_folder(self, folder: Path) -> None:
        """Show the window with the sweep in `folder`; while another one is trained, that one, and a word on it."""
        self.open()
        if folder == self.folder:
            return
        if self.training is None:
            self.show_earlier(folder)
        else:
            self._tell(UserError(f"{folder.name} is not shown while another sweep is trained.", "Stop that one first."))

    def go_on(self, folder: Path) -> None:
        """Train the trials of the sweep in `folder` that are not over or failed, shown in its window."""
        self.show_folder(folder)
        if folder == self.folder and self.training is None and self._left + self._failed > 0:
            self.start()

    def _on_closed(self) -> None:
        window, self.window = self.window, None
        if window is not None:  # Escape is pressed too soon: what was chosen for a new sweep comes back with the window
            self._kept = () if self.plan is not None else tuple(card.content for card in window.varied.cards)
            window.deleteLater()

    def close_all(self) -> None:
        """Stop the sweep, and close the window, at exit."""
        if self.training is not None:
            self.training.close()
            self.training = None
        if self.window is not None:
            self.window.close()

    # ------------------------------------------------------------------------------------------ what is varied

    def vary(self, path: str) -> None:
        """Vary a field of the open experiment: its card is added to the window."""
        try:
            suggestion = suggest(self._document.experiment, path)
        except UserError as error:
            self.failed.emit(error)
            return
        if self.plan is not None and self.training is None:
            self.begin_fresh()
        self.open()
        assert self.window is not None
        if self.training is None:
            self.window.varied.add(suggestion)

    def begin_fresh(self) -> None:
        """Leave the present sweep, which stays on the disk; the next one is a new one."""
        self.plan = self.folder = None
        self._trials = {}
        if self.window is not None:
            self.window.clear()
        self._show_state()

    def _offer_fields(self, _: object = None) -> None:
        if self.window is not None:
            self.window.varied.offer(tuple(fields_to_vary(self._document.experiment)))

    def _offer_earlier(self) -> None:
        folders = [folder for folder in reversed(sweep_folders(self._controller.workspace)) if is_sweep(folder)]
        if self.window is not None:
            self.window.offer_earlier(
                [folder.name for folder in folders], lambda place: self.show_earlier(folders[place])
            )

    def show_earlier(self, folder: Path) -> None:
        """Show a sweep of the workspace again."""
        try:
            plan, trials = read_sweep(folder), read_trials(folder)
        except UserError as error:
            self._tell(error)
            return
        self.folder, self.plan, self._trials = folder, plan, trials
        self._show_varied()
        self._show_plan(plan)
        self._show_state()

    def _show_varied(self) -> None:
        """The cards of the sweep that is shown."""
        if self.window is not None and self.plan is not None:
            self.window.varied.clear()
            for one in self.plan.vary:
                self.window.varied.add(suggestion_of(one))

    def _show_plan(self, plan: SweepPlan) -> None:
        if self.window is not None:
            self.window.show_trials(plan, self._trials, test=self._left == 0)
            self._show_under_way()

    def _show_under_way(self) -> None:
        if self.window is not None and self.training is not None and self.plan is not None:
            self.window.table.show_under_way(self.plan, self.training.sweep.under_way)
            self.window.estimate.setText(self._estimate(self.window))

    @property
    def _left(self) -> int:
        over = sum(trial.is_over for trial in self._trials.values())
        return self.plan.count - over if self.plan is not None else 0

    @property
    def _failed(self) -> int:
        return len(self._trials) - len(but_failed(self._trials))

    def _show_state(self, _: object = None) -> None:
        window = self.window
        if window is None:
            return
        running = self.training is not None
        window.set_running(running, left=self._left, failed=self._failed, plan=self.plan)
        if not running and self._controller.training:
            for button in (window.start, window.more):
                set_reason(button, UNDER_WAY)
        elif self._waits:
            self._waits = False
            window.problem.setText("")
        window.estimate.setText(self._estimate(window))

    def _estimate(self, window: SweepWindow) -> str:
        """How many trials, and how long they take, as far as a run or the first trials tell."""
        count = (self._left or self._failed) if self.plan is not None else window.count
        if not count:
            return "" if self.plan is not None else "Nothing is varied yet."
        sweep = self.training.sweep if self.training is not None else None
        left = sweep.seconds_left if sweep is not None else None
        self._start = (sweep.start_seconds if sweep is not None else None) or self._start
        plan, own = self.plan, self._document.experiment
        epochs = mean_epochs(plan.experiment, plan.vary) if plan is not None else asked_epochs(own, window.wish.vary)
        told = partial(estimate_words, count, window.wish.jobs, left=left, start=self._start, epochs=epochs)
        records = alike_first(self._panel.runs.records, plan.experiment if plan is not None else own)
        return told(trials=self._trials.values(), records=records)

    # ------------------------------------------------------------------------------------------ training

    def start(self) -> None:
        """Begin the sweep that the window describes, or go on with the one that it shows."""
        window = self.window
        if window is None or self.training is not None:
            return
        try:
            if self.plan is None or self.folder is None:
                self._begin_new(window)
            else:
                self._train(self.folder, self.plan, window.wish, again=True)
        except UserError as error:
            self._refuse(error)

    def _begin_new(self, window: SweepWindow) -> None:
        wish, experiment, summary = window.wish, self._document.experiment, self._document.summary
        if summary is None:
            raise UserError("The data has not been read yet.", "Choose its files first.")
        plan = planned(wish, experiment, summary)
        if self._controller.training:
            raise UserError("A training is under way.", "Stop it first.")
        folder = new_sweep_folder(place_for_new(self._controller.workspace), experiment.name)
        before = self._document.path.parent if self._document.path is not None else None
        plan = plan.model_copy(update={"experiment": rebased(experiment, before, folder)})
        write_sweep(folder, plan)
        self._train(folder, plan, wish)

    def add_trials(self) -> None:
        """Train some trials more of the sweep that is shown."""
        window, plan, folder = self.window, self.plan, self.folder
        if window is None or plan is None or folder is None:
            return
        try:
            longer = resumed_plan(plan, plan.experiment, None, trials=plan.count + MORE, sampler=None, prune=plan.prune)
            write_sweep(folder, longer)
            self._train(folder, longer, window.wish)
        except UserError as error:
            self._refuse(error)

    def _train(self, folder: Path, plan: SweepPlan, wish: SweepWish, *, again: bool = False) -> None:
        ended = read_trials(folder)
        self.folder, self.plan, self._trials = folder, plan, but_failed(ended) if again else ended
        self._controller.begin_repeat(folder, self.stop)
        try:
            training = SweepTraining(
                folder,
                plan,
                self.make_runner if wish.cluster is None else partial(self.make_cluster_runner, wish.cluster),
                jobs=min(wish.jobs, max(self._left, 1)),
                base=folder,
                again=again,
                slow=wish.cluster is not None,
                parent=self,
            )
        except UserError:
            self._controller.end_repeat()
            raise
        training.trial_ended.connect(self._on_trial)
        training.went_on.connect(self._show_under_way)
        training.went_on.connect(self._tell_progress)
        training.ended.connect(self._on_ended)
        self.training = training
        self._show_row()
        self._panel.select(folder)
        if self.window is not None:
            self.window.problem.setText("")
        self._show_plan(plan)
        self._show_state()
        self._tell_progress()

    def stop(self) -> None:
        """Stop the trials; the sweep can go on."""
        if self.training is not None:
            self.training.stop()

    def _on_trial(self, trial: Trial) -> None:
        self._trials[trial.number] = trial
        if self.plan is not None:
            self._show_plan(self.plan)
        self._show_state()
        self._show_row()
        self.kept.emit()
        self._tell_progress()

    def _show_row(self) -> None:
        """The sweep's row in the table of runs, while it is trained."""
        if self.folder is None or self.plan is None:
            return
        try:
            record = sweep_record(self.folder, self.plan, self._trials)
        except (UserError, OSError):
            return  # the folder was taken away; the end of the training says so
        self._panel.show_live(replace(record, status=TRAINING))

    def _tell_progress(self) -> None:
        training, plan = self.training, self.plan
        if training is None or plan is None or training.stopping:
            return
        done = plan.count - self._left
        left = training.sweep.seconds_left
        share = (done + training.sweep.passed) / plan.count
        self.progressed.emit(
            share,
            f"{done} of {count_of(plan.count, 'trial')} done",
            "" if left is None else f"ETA {duration(left)}",
        )
        if self.window is not None:
            self.window.show_progress(share)

    def _on_ended(self, error: UserError | None) -> None:
        training, self.training = self.training, None
        self._controller.end_repeat()
        self._panel.end_live()
        self.kept.emit()
        if training is not None:
            training.deleteLater()
        if self.plan is not None:
            self._show_plan(self.plan)
        self._offer_earlier()
        self._show_state()
        if error is not None:
            self._refuse(error)
        elif self.plan is not None and self.folder is not None:
            self._panel.tell_again(self.folder)
            self.said.emit(*ended_words(self.plan, self._trials, left=self._left, failed=self._failed), "news")

    # ------------------------------------------------------------------------------------------ its result

    def use(self, trial: Trial) -> None:
        """Make a trial the open experiment, as one undo step."""
        if self.plan is None or self.folder is None:
            return
        try:
            after = with_values(self.plan.experiment, trial.values)
        except UserError as error:
            self._tell(error)
            return
        after = after.replaced(name=self._document.experiment.name)
        self._document.push(after, f"Use the settings of trial {trial.number}")
        if self.window is not None:
            self.window.messages.show_message(
                "Undo takes it back.", lead=f"Trial {trial.number} is the open experiment."
            )

    def _tell(self, error: UserError) -> None:
        if self.window is not None:
            self.window.messages.show_message(error.hint, lead=error.message, severity="error")

    def _refuse(self, error: UserError) -> None:
        if self.window is not None:
            self._waits = self._controller.training
            self.window.problem.setText(f"{error.message} {error.hint}")
        else:
            self.failed.emit(error)
