"""The comparison's window: number of seeds, progress, curves, table, and the verdict."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.events import Event
from dnnstudio.core.jobs.results import ComparisonRun, TransferComparison
from dnnstudio.core.jobs.seed_comparison import as_csv, verdict
from dnnstudio.core.planning.stages import planned_epochs
from dnnstudio.core.text import count_of
from dnnstudio.core.workspace.place import place_for_new
from dnnstudio.gui.base.reasons import UNDER_WAY
from dnnstudio.gui.comparison.curves_card import CurvesCard
from dnnstudio.gui.comparison.histories import Histories
from dnnstudio.gui.comparison.place import comparison_folder, known_comparison
from dnnstudio.gui.comparison.table import FiguresTable
from dnnstudio.gui.comparison.training import ComparisonTraining
from dnnstudio.gui.dialogs.where_field import AskPath as AskJoinFile
from dnnstudio.gui.dialogs.where_field import WhereField
from dnnstudio.gui.runs.menu import open_folder
from dnnstudio.gui.theme import Cure, Role, Theme, set_reason
from dnnstudio.gui.uncertainty.exporting import save_png
from dnnstudio.gui.widgets import Card, Limits, MessageBar, NumberField, ProgressBar, Steps, Window, label, push_button
from dnnstudio.gui.widgets.windows.save_path import ask_save_path
from dnnstudio.runner.comparing import Comparison, ComparisonPlan

SEEDS, MOST_SEEDS = 3, 20
NOTHING_TRAINED = "Nothing is trained yet."
FIRST_TRAINS = "Wait for the first training to end."
FINE = 100
"""Steps of the progress bar per training."""
FILTERS = {"png": "Picture (*.png)", "csv": "Table (*.csv)"}
TEACHES = (
    "Each seed trains the network twice: once from scratch with the experiment's own optimizer and rate, once starting "
    "from the source in its phases, for the same number of epochs. Several train at a time; what was trained before is "
    "not trained again."
)
AskPath = Callable[[QWidget, str, str], str]


class ComparisonWindow(Window):
    """Compares one experiment's transfer. Runs go to `workspace`; a relative source is resolved against `base`."""

    closed = Signal()

    def __init__(
        self,
        theme: Theme,
        training: ComparisonTraining,
        experiment: Experiment,
        workspace: Path,
        base: Path | None,
        *,
        ask: AskPath = ask_save_path,
        ask_join_file: AskJoinFile = lambda parent: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("comparison_window")
        self.setWindowTitle(f"From scratch against transferred – {experiment.name}")
        self.setMinimumSize(QSize(720, 560))
        self.resize(960, 760)
        self.training = training
        self._experiment = experiment
        self._workspace = workspace
        self._base = base
        self._ask = ask
        self.where = WhereField(ask_join_file)
        self.where.changed.connect(self._show_state)
        self._folder: Path | None = None
        self._over = self._leaving = False
        self._waits = False
        """Whether a start was refused since something else was trained."""
        self.histories = Histories()
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        self.headline = label("Does the transfer help?", Role.HEADLINE, wrap=True)
        self.headline.setObjectName("comparison_headline")
        column.addWidget(self.headline)
        column.addWidget(label(TEACHES, Role.CAPTION, wrap=True))
        column.addLayout(self._make_top(theme))
        self.results = QWidget()
        self.results.setProperty("role", "ground")
        inner = QVBoxLayout(self.results)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(8)
        self.curves = CurvesCard(theme)
        self.table = FiguresTable(theme)
        card = Card(theme, "Mean ± standard deviation over the seeds", icon="rows")
        card.add(self.table)
        inner.addWidget(self.curves, 1)
        inner.addWidget(card)
        column.addWidget(self.results, 1)
        self.messages = MessageBar(theme)
        self.messages.setObjectName("comparison_message")
        column.addWidget(self.messages)
        column.addLayout(self._make_foot())
        training.setParent(self)
        self.start.setFocus()
        training.reported.connect(self._on_event)
        training.progressed.connect(self._show_progress)
        training.answered.connect(self._on_answer)
        training.refused.connect(self._on_refused)
        training.cancelled.connect(self._show_cancelled)
        training.busy_changed.connect(self._show_state)
        training.busy_changed.connect(self._leave)
        training.controller.activity_changed.connect(self._show_state)
        self._show_state()
        self.show_stored()

    def _make_top(self, theme: Theme) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        words = label("Seeds", Role.FORM)
        self.seeds = NumberField(
            theme, title="The number of seeds", integer=True, limits=Limits(ge=1, le=MOST_SEEDS), steps=Steps.COUNT,
            arrows=True,
        )  # fmt: skip
        self.seeds.setObjectName("comparison_seeds")
        self.seeds.setAccessibleName("Seeds")
        self.seeds.setToolTip("How often both are trained, each time with other first weights and another order.")
        self.seeds.setFixedWidth(72)
        self.seeds.set_value(SEEDS)
        words.setBuddy(self.seeds)
        self.start = push_button("Train both", Role.PRIMARY, tip="Train from scratch and transferred, once a seed")
        self.start.setObjectName("comparison_start")
        self.start.clicked.connect(self.begin)
        self.stop = push_button("Cancel", tip="Stop; the trainings that are done are kept")
        self.stop.setObjectName("comparison_cancel")
        self.stop.clicked.connect(self.cancel)
        self.bar = ProgressBar()
        self.bar.setObjectName("comparison_bar")
        self.bar.setAccessibleName("How far the comparison is")
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.progress = label("", Role.CAPTION)
        self.progress.setObjectName("comparison_progress")
        place = label("Where", Role.FORM)
        place.setBuddy(self.where.box)
        self.where.setMinimumWidth(200)
        for widget in (words, self.seeds, place, self.where, self.start, self.stop, self.bar, self.progress):
            row.addWidget(widget, 0, Qt.AlignmentFlag.AlignTop)
            if not isinstance(widget, WhereField):  # below its box it says what a cluster can do
                widget.setMinimumHeight(self.where.box.sizeHint().height())
        row.addStretch(1)
        return row

    def _make_foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.exports: dict[str, QWidget] = {}
        for name, words, tip, deed in (
            (
                "csv",
                "Save table…",
                "A line a training: seed, start and all figures, as CSV",
                lambda: self.export("csv"),
            ),
            ("png", "Save picture…", "Curves and table as a PNG", lambda: self.export("png")),
            ("folder", "Open folder", "The runs of this comparison, with models and histories", self._open_folder),
        ):
            button = push_button(words, tip=tip)
            button.setObjectName(f"comparison_{name}")
            button.clicked.connect(deed)
            self.exports[name] = button
            row.addWidget(button)
        row.addStretch(1)
        close = push_button("Close")
        close.setObjectName("comparison_close")
        close.clicked.connect(self.close)
        row.addWidget(close)
        return row

    # ------------------------------------------------------------------------------------------ training

    @property
    def runs(self) -> tuple[ComparisonRun, ...]:
        """The finished trainings in planned order: seed after seed."""
        order = ("source", "scratch", "transfer")
        found = self.histories.runs.values()
        return tuple(sorted(found, key=lambda run: (run.seed, order.index(run.start))))

    def begin(self) -> None:
        """Train whatever is not trained yet."""
        self.seeds.commit()
        count = self.seeds.value()
        if self.training.busy or self.seeds.problem or count is None or not self.where.ready:
            return
        try:
            folder = comparison_folder(place_for_new(self._workspace), self._experiment, self._base)
        except UserError as error:
            self._refuse(error)
            return
        plan = self._plan(folder, int(count))
        try:
            self.training.begin(plan, self.where.cluster)
        except UserError as error:
            self._refuse(error)
            return
        self._folder = folder
        self.messages.clear()
        self._begin_figures(plan)
        self.headline.setText("Training both …")
        self.progress.setText("Starting.")
        self.bar.setRange(0, 0)
        self._show_state()

    def _plan(self, folder: Path, count: int) -> ComparisonPlan:
        first = self._experiment.seed
        return ComparisonPlan(
            experiment=self._experiment,
            folder=folder,
            seeds=tuple(range(first, first + count)),
            base=self._base,
            workspace=self._workspace,
        )

    def _begin_figures(self, plan: ComparisonPlan) -> None:
        """Empty curves and table for the seeds of a plan, with what is trained of it already."""
        self.histories = Histories()
        self.histories.epochs = planned_epochs(self._experiment)
        self.curves.begin(plan.seeds)
        with contextlib.suppress(UserError):  # said by the training
            if (before := Comparison(plan).trained_before()) is not None:
                self.histories.take(before.runs)
        self._show_figures()

    def show_stored(self) -> None:
        """Show what an earlier comparison of the same experiment and source has trained, if there is one."""
        with contextlib.suppress(UserError):
            folder = known_comparison(self._workspace, self._experiment, self._base)
            before = None if folder is None else Comparison(self._plan(folder, MOST_SEEDS)).trained_before()
            if before is None:
                return
            self._folder = before.folder
            count = max(run.seed for run in before.runs) - self._experiment.seed + 1
            self.seeds.set_value(count)
            self._begin_figures(self._plan(before.folder, count))
            self.headline.setText(verdict(before) or "Trained in part: Train both goes on.")

    def cancel(self) -> None:
        """Stop within a second; finished trainings are kept."""
        self.progress.setText("Stopping.")
        self.training.stop()

    def _show_cancelled(self) -> None:
        done = len([run for run in self.runs if run.start != "source"])
        self.headline.setText(f"Cancelled after {count_of(done, 'training')}.")
        self.messages.show_message("Train both goes on with those that are missing.", lead="Nothing is lost.")

    def _on_event(self, event: Event) -> None:
        self._show_progress()
        if self.histories.add(event):
            self._show_figures()

    def _show_progress(self) -> None:
        """Show how many trainings are over, and how much of all epochs is trained."""
        comparison = self.training.comparison
        if comparison is None or comparison.stopping:
            return
        self.progress.setText(f"{comparison.done} of {count_of(comparison.total, 'training')} done")
        self.bar.setRange(0, comparison.total * FINE)
        self.bar.setValue(round(comparison.share * comparison.total * FINE))

    def _on_answer(self, result: Any) -> None:
        if isinstance(result, TransferComparison):
            self.histories.take(result.runs)
            self._show_figures()
            self.headline.setText(verdict(result) or "Both are trained.")
            self._show_state()

    def _refuse(self, error: UserError) -> None:
        """It cannot begin: what is shown of the comparison before stays."""
        self._waits = self.training.controller.training
        if self._folder is None and not self._waits:
            self.headline.setText("There is nothing to compare.")
        self.messages.show_message(error.hint, lead=error.message, severity="error")

    def _on_refused(self, message: str, hint: str) -> None:
        """One of its trainings has failed: what is done stays."""
        done = len([run for run in self.runs if run.start != "source"])
        self.headline.setText(f"Ended after {count_of(done, 'training')}.")
        self.messages.show_message(hint, lead=message, severity="error")

    def _show_figures(self) -> None:
        self.curves.show_histories(self.histories)
        self.table.show_runs(self.runs)
        self._show_state()

    def _show_state(self, _: object = None) -> None:
        busy = self.training.busy
        start, stop = Cure(self.start.text(), self.start.click), Cure(self.stop.text(), self.stop.click)
        if self._waits and not self.training.controller.training:
            self._waits = False
            self.messages.clear()
        self.start.setVisible(not busy)
        other = UNDER_WAY if self.training.controller.training and not busy else ""
        set_reason(self.start, other or self.where.refusal)
        for field in (self.seeds, self.where):
            set_reason(field, "The comparison is under way." if busy else "", stop)
        for widget in (self.stop, self.bar, self.progress):
            widget.setVisible(busy)
        for name, button in self.exports.items():
            there = self._folder is not None if name == "folder" else bool(self.histories.runs)
            set_reason(button, "" if there else FIRST_TRAINS if busy else NOTHING_TRAINED, None if busy else start)

    # ------------------------------------------------------------------------------------------ exporting

    def export(self, kind: str) -> None:
        """Save the table or the picture."""
        name = self._ask(self, f"comparison.{kind}", FILTERS[kind])
        if not name:
            return
        path = Path(name if name.lower().endswith(f".{kind}") else f"{name}.{kind}")
        try:
            if kind == "csv":
                write_atomically(path, as_csv(self.runs).encode())
            else:
                save_png(self.results, path)
        except UserError as error:
            self.messages.show_message(error.hint, lead=error.message, severity="error")
        else:
            self.messages.show_message(str(path), lead="Saved.", severity="good")

    def _open_folder(self) -> None:
        if self._folder is not None:
            open_folder(self._folder)

    # ------------------------------------------------------------------------------------------ Qt

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.training.busy:  # out of sight at once, and closed when the processes have ended within a second
            self._leaving = True
            self.hide()
            self.training.stop()
            event.ignore()
            return
        if not self._over:
            self._over = True
            self.training.close()
            self.closed.emit()
        event.accept()

    def showEvent(self, event: QShowEvent) -> None:
        self._leaving = False  # asked for again before it was closed
        super().showEvent(event)

    def _leave(self, busy: bool) -> None:
        if self._leaving and not busy:
            QTimer.singleShot(0, self, self.close)  # once all have been told how it ended

    def reject(self) -> None:
        """Escape must not end minutes of training; the title bar's close button and Close do."""
        if not self.training.busy:
            self.close()
