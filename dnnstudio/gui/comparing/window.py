"""The comparison's window: how many seeds, progress, curves, table, and the sentence that they come to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.comparison import as_csv, verdict
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.files import write_atomically
from dnnstudio.core.jobs import (
    CompareTransfer,
    ComparisonRun,
    EpochDone,
    Event,
    Progress,
    RunStarted,
    TransferComparison,
)
from dnnstudio.core.stages import planned_epochs
from dnnstudio.gui.asking import Asking
from dnnstudio.gui.comparing.curves_card import CurvesCard
from dnnstudio.gui.comparing.histories import Histories
from dnnstudio.gui.comparing.place import comparison_folder
from dnnstudio.gui.comparing.table import FiguresTable
from dnnstudio.gui.runs_panel import open_folder
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.uncertainty.exporting import save_png
from dnnstudio.gui.widgets import Card, Limits, MessageBar, NumberField, ProgressBar, Steps, label, push_button

SEEDS, MOST_SEEDS = 3, 20
FINE = 100
"""Steps of the bar for each training."""
FILTERS = {"png": "Picture (*.png)", "csv": "Table (*.csv)"}
TEACHES = (
    "Each seed trains the network twice: once from scratch with the experiment's own optimizer and rate, once starting "
    "from the source in its phases, for the same number of epochs. What was trained before is not trained again."
)
AskPath = Callable[[QWidget, str, str], str]


def ask_path(parent: QWidget, suggestion: str, filters: str) -> str:
    """Where to write, or an empty text."""
    return QFileDialog.getSaveFileName(parent, "Save", suggestion, filters)[0]


class ComparisonWindow(QDialog):
    """Compares one experiment's transfer. `workspace` gets the runs; `base` is what a relative source starts from."""

    closed = Signal()

    def __init__(
        self,
        theme: Theme,
        asking: Asking,
        experiment: Experiment,
        workspace: Path,
        base: Path | None,
        *,
        ask: AskPath = ask_path,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("comparison_window")
        self.setWindowTitle(f"From scratch against transferred – {experiment.name}")
        self.setMinimumSize(QSize(720, 560))
        self.resize(960, 760)
        self._asking = asking
        self._experiment = experiment
        self._workspace = workspace
        self._base = base
        self._ask = ask
        self._folder: Path | None = None
        self._now: Progress | None = None
        self._epochs = 0
        self._over = False
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
        asking.setParent(self)
        self.start.setFocus()
        asking.reported.connect(self._on_event)
        asking.answered.connect(self._on_answer)
        asking.refused.connect(self._on_refused)
        asking.cancelled.connect(self._show_cancelled)
        asking.busy_changed.connect(self._show_state)
        self._show_state()

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
        for widget in (words, self.seeds, self.start, self.stop, self.bar, self.progress):
            row.addWidget(widget)
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
        """The trainings that are done, as they were planned: seed after seed."""
        order = ("source", "scratch", "transfer")
        found = self.histories.runs.values()
        return tuple(sorted(found, key=lambda run: (run.seed, order.index(run.start))))

    def begin(self) -> None:
        """Train what is not trained yet."""
        self.seeds.commit()
        count = self.seeds.value()
        if self.seeds.problem or count is None:
            return
        try:
            folder = comparison_folder(self._workspace, self._experiment, self._base)
        except UserError as error:
            self._on_refused(error.message, error.hint)
            return
        self._folder = folder
        self.messages.clear()
        first = self._experiment.seed
        seeds = tuple(range(first, first + int(count)))
        self.histories = Histories()
        self.histories.epochs = planned_epochs(self._experiment)
        self.curves.begin(seeds)
        self.curves.show_histories(self.histories)
        self.table.show_runs(())
        self.headline.setText("Training both …")
        self._now = None
        self.bar.setRange(0, 0)
        self._asking.ask(CompareTransfer(experiment=self._experiment, folder=folder, seeds=seeds, base=self._base))
        if self._asking.waiting:
            self.progress.setText("Waiting for the engine.")

    def cancel(self) -> None:
        """Stop; what is done is kept."""
        self._asking.cancel()
        self._show_cancelled()

    def _show_cancelled(self) -> None:
        done = len([run for run in self.runs if run.start != "source"])
        self.headline.setText(f"Cancelled after {done} training{'' if done == 1 else 's'}.")
        self.messages.show_message("Train both goes on with those that are missing.", lead="Nothing is lost.")

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Progress):
            if event.total and event.text.startswith("Seed "):
                self._now = event
                self.bar.setRange(0, event.total * FINE)
                self._show_progress(0, 0)
            elif not event.run.count("-"):
                self.progress.setText(event.text)
            return
        if isinstance(event, RunStarted):
            self._epochs = event.epochs
        elif isinstance(event, EpochDone):
            self._show_progress(int(event.row["epoch"]), self._epochs)
        if self.histories.add(event):
            self._show_figures()

    def _show_progress(self, epoch: int, epochs: int) -> None:
        """Which training is under way, and how far it is."""
        if self._now is None:
            return
        text = f"{self._now.done + 1} of {self._now.total}: {self._now.text.rstrip('.')}"
        self.progress.setText(f"{text}, epoch {epoch} of {epochs}" if epoch else text)
        self.bar.setValue(self._now.done * FINE + (epoch * FINE // epochs if epochs else 0))

    def _on_answer(self, job: object, result: Any) -> None:
        del job
        if isinstance(result, TransferComparison):
            self.histories.take(result.runs)
            self._show_figures()
            self.headline.setText(verdict(result) or "Both are trained.")
            self._show_state()

    def _on_refused(self, message: str, hint: str) -> None:
        self.headline.setText("There is nothing to compare.")
        self.messages.show_message(hint, lead=message, severity="error")

    def _show_figures(self) -> None:
        self.curves.show_histories(self.histories)
        self.table.show_runs(self.runs)
        self._show_state()

    def _show_state(self, _: object = None) -> None:
        busy = self._asking.busy
        self.start.setVisible(not busy)
        self.seeds.setEnabled(not busy)
        for widget in (self.stop, self.bar, self.progress):
            widget.setVisible(busy)
        for name, button in self.exports.items():
            button.setEnabled(self._folder is not None if name == "folder" else bool(self.histories.runs))

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
        if not self._over:
            self._over = True
            self._asking.close()
            self.closed.emit()
        event.accept()

    def reject(self) -> None:
        """Escape must not end minutes of training; the cross and Close do."""
        if not self._asking.busy:
            self.close()
