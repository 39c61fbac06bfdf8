"""Training with several seeds: what a person asks for, the ensemble's folder, and how the repeat goes on and ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.folder_lock import held
from dnnstudio.core.jobs.requests import EvaluateModel
from dnnstudio.core.jobs.results import Evaluation
from dnnstudio.core.study.repeat import plan_repeat, repeat_metrics
from dnnstudio.core.study.repeat_record import read_repeat, spread_words
from dnnstudio.core.text import count_of, duration
from dnnstudio.core.workspace.ensembles import (
    TRAINED,
    EnsembleRecord,
    read_ensemble,
    trained_members,
    write_ensemble,
    write_metrics,
)
from dnnstudio.core.workspace.place import place_for_new
from dnnstudio.core.workspace.runs import RunRecord, new_run_folder, number_of
from dnnstudio.core.workspace.sources import rebased
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.reasons import training_refusal
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.repeats.display import RepeatDisplay
from dnnstudio.gui.repeats.training import MakeClusterRunner, MakeRunner, RepeatPlan, RepeatTraining, local_runner
from dnnstudio.runner.capacity import default_jobs, threads_each
from dnnstudio.runner.cluster.access import Cluster, cluster_runner
from dnnstudio.runner.repeating import member_tasks
from dnnstudio.runner.tasks import RunOutcome, RunTask

LOOK_MS = 250
"""Plots and progress follow the trainings four times a second; an epoch of five networks may take milliseconds."""
SURE_SHARE = 0.05
"""From this share on the time left is more than a guess."""


class RepeatController(QObject):
    """One repeat at a time, in place of the window's own training.

    `failed(UserError)`; `said(lead, text, severity)`; `progressed(share, words, rest)` for the status line;
    `measured(Path)` when an ensemble's figures are written.
    """

    failed = Signal(object)
    said = Signal(str, str, str)
    progressed = Signal(float, str, str)
    measured = Signal(object)

    def __init__(
        self,
        window: QWidget,
        document: Document,
        engine: Engine,
        controller: RunController,
        *,
        dialogs: Dialogs,
        actions: Actions,
        display: RepeatDisplay,
        make_runner: MakeRunner = local_runner,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._document = document
        self._engine = engine
        self._controller = controller
        self._dialogs = dialogs
        self._actions = actions
        self._display = display
        self.make_runner = make_runner
        self.make_cluster_runner: MakeClusterRunner = cluster_runner
        self.training: RepeatTraining | None = None
        self._alone = ExitStack()
        """Holds the ensemble's folder while it is trained."""
        self._began = 0.0
        self._look = QTimer(self)
        self._look.setInterval(LOOK_MS)
        self._look.timeout.connect(self._show_progress)
        actions.connect({"several_seeds": self.train})
        for changed in (document.experiment_changed, document.summary_changed, controller.activity_changed):
            changed.connect(self._show_availability)
        self._show_availability()

    def _show_availability(self, _: object = None) -> None:
        refusal = training_refusal(self._document, self._controller, self._actions)
        self._actions.set_reason("several_seeds", *refusal)

    # ------------------------------------------------------------------------------------------ beginning

    def train(self) -> None:
        """Ask how many seeds, and train the document's experiment with them in a new folder of the workspace."""
        experiment = self._document.experiment
        answer = self._dialogs.several_seeds(self._window, experiment)
        if answer is None:
            return
        try:
            folder = new_run_folder(place_for_new(self._controller.workspace), experiment.name)
            before = self._document.path.parent if self._document.path is not None else None
            seeds = range(experiment.seed, experiment.seed + answer.seeds)
            wanted = rebased(experiment, before, folder)
            cluster = answer.cluster
            threads = threads_each(answer.jobs) if cluster is None else cluster.threads
            record = plan_repeat(folder, wanted, seeds, threads=threads)
            write_ensemble(folder, record)
            self._begin(folder, record, answer.jobs, cluster)
        except UserError as error:
            self.failed.emit(error)

    def go_on(self, folder: Path) -> None:
        """Train the members that the ensemble in `folder` still lacks; those that were stopped go on."""
        try:
            record = read_ensemble(folder)
            self._begin(folder, record, default_jobs(len(record.seeds)))
        except UserError as error:
            self.failed.emit(error)

    def _begin(self, folder: Path, record: EnsembleRecord, jobs: int, cluster: Cluster | None = None) -> None:
        """Raises `UserError`: a training is under way, another program works on the folder, or a member's folder holds
        something else.
        """
        with ExitStack() as alone:
            alone.enter_context(held(folder, "a repeat"))
            tasks = member_tasks(folder, record, base=folder)
            if not tasks:
                self._measure(folder, record)
                return
            self._alone = alone.pop_all()
        try:
            self._train(folder, record, tasks, jobs, cluster)
        except BaseException:
            self._alone.close()
            raise

    def _train(
        self, folder: Path, record: EnsembleRecord, tasks: tuple[RunTask, ...], jobs: int, cluster: Cluster | None
    ) -> None:
        plan = RepeatPlan(folder, record, tasks, min(jobs, len(tasks)))
        self._controller.begin_repeat(folder, self.stop)
        self._began = time.monotonic()
        self._display.begin(plan)
        count, at_once = count_of(len(tasks), "training"), f"{plan.jobs} at a time"
        lead = f"Run {number_of(folder)} is training with {count_of(len(record.seeds), 'seed')}."
        self.said.emit(lead, f"{count}, {at_once}, kept in {folder}.", "news")
        make = self.make_runner if cluster is None else partial(self.make_cluster_runner, cluster)
        training = RepeatTraining(plan, make, self, slow=cluster is not None)
        training.member_began.connect(self._display.begin_member)
        training.epoch_done.connect(self._display.add_epoch)
        training.member_ended.connect(self._display.end_member)
        training.ended.connect(self._on_ended)
        training.refused.connect(self._on_refused)
        self.training = training
        self._look.start()
        self._show_progress()

    # ------------------------------------------------------------------------------------------ under way

    def stop(self) -> None:
        """Stop every member; what was trained is kept."""
        if self.training is not None:
            self.training.stop()

    def close(self) -> None:
        """Stop, and wait until the processes have ended: the window closes."""
        self._look.stop()
        if self.training is not None:
            self.training.close()
            self.training = None
        self._alone.close()

    def _show_progress(self) -> None:
        training = self.training
        if training is None:
            return
        self._display.draw()
        if training.stopping:
            return
        share, seconds = training.share, time.monotonic() - self._began
        seeds = training.plan.record.seeds
        done = len(seeds) - len(training.plan.tasks) + sum(one.reason in TRAINED for one in training.outcomes)
        failed = sum(one.reason in ("failed", "diverged") for one in training.outcomes)
        words = f"{done} of {count_of(len(seeds), 'seed')} trained{f', {failed} failed' if failed else ''}"
        left = f"ETA {duration(seconds / share - seconds)}" if share > SURE_SHARE else ""
        self.progressed.emit(share, words, left)

    # ------------------------------------------------------------------------------------------ the end

    def _on_refused(self, error: UserError) -> None:
        self._end()
        self.failed.emit(error)

    def _end(self) -> RepeatPlan | None:
        """The repeat is over; its plan, or None where it was closed before."""
        training, self.training = self.training, None
        self._look.stop()
        self._alone.close()
        if training is None:
            return None
        self._display.end()
        self._controller.end_repeat()
        training.deleteLater()
        return training.plan

    def _on_ended(self, outcomes: Sequence[RunOutcome]) -> None:
        plan = self._end()
        if plan is None:
            return
        try:
            self._tell_end(plan, outcomes)
            self._measure(plan.folder, plan.record)
        except UserError as error:
            self.failed.emit(error)

    def _tell_end(self, plan: RepeatPlan, outcomes: Sequence[RunOutcome]) -> None:
        record, _ = read_repeat(plan.folder)
        bad = [outcome for outcome in outcomes if outcome.reason in ("failed", "diverged")]
        assert record.repeat is not None
        trained = f"{record.repeat.trained} of {count_of(len(record.repeat.seeds), 'seed')} trained."
        if bad:
            first = bad[0]
            why = f"Seed {first.task.experiment.seed}: {first.message}"
            self.said.emit(trained, why, "error" if first.reason == "failed" else "hint")
        elif any(outcome.reason == "stopped" for outcome in outcomes):
            self.said.emit(f"Stopped: {trained}", "Go on training, in the run's menu, trains the others.", "news")
        else:
            self.said.emit(trained, figures_sentence(record), "news")

    def _measure(self, folder: Path, record: EnsembleRecord) -> None:
        """Write the members' figures, and once they are measured those of their mean answer. Raises `UserError`."""
        members = trained_members(folder, record)
        if not members:
            return
        write_metrics(folder, repeat_metrics(record, members, {}))
        self._display.show_stored(folder)
        self.measured.emit(folder)
        if record.experiment.pretraining is None:
            job = EvaluateModel(model=folder, experiment=record.experiment)
            self._engine.ask(job, on_result=partial(self._on_measured, folder, record, members))

    def _on_measured(
        self, folder: Path, record: EnsembleRecord, members: dict[int, dict[str, Any]], evaluation: Evaluation
    ) -> None:
        try:
            write_metrics(folder, repeat_metrics(record, members, evaluation.parts))
        except UserError as error:
            self.failed.emit(error)
            return
        self._display.show_stored(folder)
        self.measured.emit(folder)


def figures_sentence(record: RunRecord) -> str:
    """The figures of a repeat as its result has them: "Validation accuracy 91.3 ± 0.2 % (n = 5), test accuracy …"."""
    repeat = record.repeat
    if repeat is None:
        return ""
    known = (
        ("validation accuracy", repeat.val_accuracy),
        ("test accuracy", repeat.test_accuracy),
        ("validation R²", repeat.val_r2),
        ("test R²", repeat.test_r2),
        ("validation loss", repeat.val_loss if repeat.val_accuracy is None and repeat.val_r2 is None else None),
    )
    said = [
        f"{name} {spread_words(found, share=name.endswith('accuracy'))}" for name, found in known if found is not None
    ]
    text = ", ".join(said)
    return f"{text[:1].upper()}{text[1:]}." if text else ""
