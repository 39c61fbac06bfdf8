"""The trials of a sweep as a table: the best first, and below those that are trained now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from dnnstudio.core.study.setting_words import setting_title, setting_value
from dnnstudio.core.study.sweep import SweepPlan
from dnnstudio.core.study.trials import Trial
from dnnstudio.core.study.varied import value_text
from dnnstudio.core.text import DASH, duration
from dnnstudio.gui.base.run_words import figure_text
from dnnstudio.gui.widgets.charts.copies import copies_table
from dnnstudio.runner.sweeping import UnderWay

LEFT_OUT = ("Time", "Last epoch", "Status")
"""Where there is no room for all columns, these are left out first, in this order; the row's tooltip tells them."""
COMPARED = "The figure of the validation part after each trial's best epoch: by it the trials are compared."
LAST = "The figure of the validation part after each trial's last epoch, as the table of runs tells it."
STATUS = {"done": "done", "failed": "failed", "stopped": "stopped", "pruned": "given up"}


class TrialTable(QTableWidget):
    """A row a trial. Those that are under way have no figure yet, and cannot be chosen."""

    def __init__(self) -> None:
        super().__init__(0, 0)
        copies_table(self)
        self.setObjectName("trial_table")
        self.setAccessibleName("Trials")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setStretchLastSection(True)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.ended = 0
        """How many trials have ended; their rows are the first."""
        self._only: frozenset[int] | None = None
        self._begun: frozenset[int] = frozenset()
        """The trials that are trained now: of one that was stopped before, the row below says how far it is."""

    @property
    def chosen(self) -> Trial | None:
        """The chosen trial."""
        rows = self.selectionModel().selectedRows() if self.selectionModel() is not None else []
        found = rows[0].data(Qt.ItemDataRole.UserRole) if rows else None
        return found if isinstance(found, Trial) else None

    def show_only(self, numbers: frozenset[int] | None) -> None:
        """Hide the rows of all other trials; show all with None."""
        self._only = numbers
        self._hide()

    def _hide(self) -> None:
        for row in range(self.rowCount()):
            item = self.item(row, 0)
            trial = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
            ended = trial.number if isinstance(trial, Trial) else None
            out = self._only is not None and ended not in self._only
            self.setRowHidden(row, ended is not None and (out or ended in self._begun))

    def show_trials(self, plan: SweepPlan | None, trials: Sequence[Trial], best: Trial | None) -> None:
        """Show these trials in their order; the best one in bold."""
        paths = plan.paths if plan is not None else ()
        both = plan is not None and any(ends_elsewhere(plan, trial) for trial in trials)
        figures = ("Best epoch", "Last epoch") if both else ("Validation",)
        titles = ["Trial", "Status", *map(setting_title, paths), *figures, "Time"]
        self.setSortingEnabled(False)
        self.setColumnCount(len(titles))
        self.setHorizontalHeaderLabels(titles)
        for column, help in enumerate((COMPARED, LAST)[: len(figures)], start=2 + len(paths)):
            self.model().setHeaderData(column, Qt.Orientation.Horizontal, help, Qt.ItemDataRole.ToolTipRole)
        self.ended, self._begun = len(trials), frozenset()
        self.setRowCount(self.ended)
        for row, trial in enumerate(trials):
            reached = (trial.figures.get(plan.target) if plan is not None else None, trial.last)[: len(figures)]
            name = plan.target.removeprefix("val_") if plan is not None else ""
            cells = [
                str(trial.number),
                STATUS[trial.status],
                *(trial_text(path, trial.values.get(path)) for path in paths),
                *(figure_text(name, value) for value in reached),
                duration(trial.seconds),
            ]
            out = [f"{cells[1]}, {cells[-1]}", *([f"{cells[-2]} after the last epoch"] if both else [])]
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setData(Qt.ItemDataRole.UserRole, trial)
                item.setToolTip("\n".join(filter(None, (*out, trial.message))))
                if trial is best:
                    font = item.font()
                    font.setBold(True)
                    item.setFont(font)
                self.setItem(row, column, item)
        self._fit()

    def show_under_way(self, plan: SweepPlan, begun: Sequence[UnderWay]) -> None:
        """Show these trials below those that ended, with how far each has come."""
        self.setRowCount(self.ended + len(begun))
        figures = (DASH,) * (self.columnCount() - 3 - len(plan.paths))
        for row, trial in enumerate(begun, start=self.ended):
            far = f"epoch {trial.epoch:,} / {trial.epochs:,}" if trial.epochs else "starting"
            values = (trial_text(path, trial.values.get(path)) for path in plan.paths)
            for column, text in enumerate((str(trial.number), far, *values, *figures, DASH)):
                item = QTableWidgetItem(text)
                item.setFlags(Qt.ItemFlag.ItemIsEnabled)
                item.setToolTip(f"It is trained now: {far}.")
                self.setItem(row, column, item)
        self._begun = frozenset(trial.number for trial in begun)
        self._hide()
        self._fit()

    def _fit(self) -> None:
        """Leave columns out until the figures are in sight. A trial that is not done keeps its status in sight."""
        header, last = self.horizontalHeader(), self.columnCount() - 1
        titles = [self.model().headerData(at, Qt.Orientation.Horizontal) for at in range(last + 1)]
        told = any(self.model().index(row, 1).data() != STATUS["done"] for row in range(self.rowCount()))
        for column in range(last + 1):
            self.setColumnHidden(column, False)
        for title in LEFT_OUT:
            wanted = sum(
                max(self.sizeHintForColumn(column), header.sectionSizeHint(column))
                for column in range(last + 1)
                if not self.isColumnHidden(column)
            )
            if wanted <= self.viewport().width():
                return
            if title in titles and not (title == "Status" and told):
                self.setColumnHidden(titles.index(title), True)

    # ------------------------------------------------------------------------------------------ Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()


def trial_text(path: str, value: object) -> str:
    """A trial's value: four digits tell two drawn numbers apart."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return setting_value(path, value) if isinstance(value, str | int | None) else value_text(value)


def ends_elsewhere(plan: SweepPlan, trial: Trial) -> bool:
    """Whether the figure after a trial's last epoch is another than that of its best one."""
    return trial.last is not None and trial.last != trial.figures.get(plan.target, trial.last)


def in_order(plan: SweepPlan | None, trials: Iterable[Trial]) -> list[Trial]:
    """The best first, by the same rule as `best_trial`; those without the figure last."""
    sign = -1 if plan is not None and plan.higher_is_better else 1

    def key(trial: Trial) -> tuple[bool, float, float, int]:
        value = trial.figures.get(plan.target) if plan is not None and trial.status == "done" else None
        return value is None, sign * (value or 0.0), trial.figures.get("val_loss", inf), trial.number

    return sorted(trials, key=key)
