"""Shows a repeat that is under way: mean curves with their band, and its row in the runs table."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.events import RunStarted
from dnnstudio.core.planning.stages import planned_epochs
from dnnstudio.core.study.repeat_record import mean_rows, member_rows, read_member, repeat_record
from dnnstudio.core.workspace.history import Row
from dnnstudio.core.workspace.runs import RunRecord
from dnnstudio.gui.base.run_words import TRAINING
from dnnstudio.gui.plots.cards.side import SideStack
from dnnstudio.gui.plots.curves import Curves
from dnnstudio.gui.plots.panel import RunPlots
from dnnstudio.gui.plots.stored import read_stored_run
from dnnstudio.gui.repeats.training import RepeatPlan
from dnnstudio.gui.runs.panel import RunsPanel
from dnnstudio.runner.tasks import RunOutcome

WAITING = "Measured as each seed ends, with dropout off."


class RepeatDisplay(QObject):
    """The views of the present repeat. Members' epochs are collected as they come, and drawn when `draw` is called."""

    def __init__(self, plots: RunPlots, side: SideStack, runs: RunsPanel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._plots = plots
        self._side = side
        self._runs = runs
        self._plan: RepeatPlan | None = None
        self._rows: dict[int, list[Row]] = {}
        self._members: dict[int, RunRecord] = {}
        """Seed → row of each member as it was read last: forty are not read anew whenever one ends."""
        self._changed = False
        self.curves: Curves | None = None

    def begin(self, plan: RepeatPlan) -> None:
        """A repeat begins: its row, and axes over the whole plan."""
        self._plan = plan
        self._rows = self._rows_before(plan)
        self._members = {}
        self._read_members(plan.record.seeds)
        self._changed = bool(self._rows)
        experiment = plan.record.experiment
        self.curves = Curves(experiment, epochs=planned_epochs(experiment))
        self.curves.name = plan.folder.name
        self._plots.show_run(self.curves)
        self._side.result.clear(WAITING)
        self._side.show_result()
        self._show_row()
        self._runs.select(plan.folder)

    def _rows_before(self, plan: RepeatPlan) -> dict[int, list[Row]]:
        try:
            return member_rows(plan.folder, plan.record.seeds)
        except UserError:
            return {}  # the training says what is wrong with it

    def begin_member(self, seed: int, event: RunStarted) -> None:
        """A member begins, or goes on."""
        self._rows[seed] = self._rows.get(seed, [])[: event.first_epoch]
        self._changed = True

    def add_epoch(self, seed: int, row: Row) -> None:
        """A member has a new row of history."""
        self._rows.setdefault(seed, []).append(row)
        self._changed = True

    def end_member(self, outcome: RunOutcome) -> None:
        """A member has ended: its figures count in the row."""
        self._read_members((outcome.task.experiment.seed,))
        self._show_row()

    def _read_members(self, seeds: Iterable[int]) -> None:
        assert self._plan is not None
        for seed in seeds:
            found = read_member(self._plan.folder, seed)
            if found is not None:
                self._members[seed] = found
            else:
                self._members.pop(seed, None)

    def _show_row(self) -> None:
        assert self._plan is not None
        ensemble = self._plan.record
        members = [self._members[seed] for seed in ensemble.seeds if seed in self._members]
        try:
            record = repeat_record(self._plan.folder, ensemble, members)
        except OSError:
            return  # the folder was taken away; the end of the training says so
        self._runs.show_live(replace(record, status=TRAINING, when=record.when or time.time()))

    def draw(self) -> None:
        """Draw what has come since the last time."""
        if self._changed and self.curves is not None:
            self._changed = False
            rows = [rows for rows in self._rows.values() if rows]
            self.curves.set_means(*mean_rows(rows), ends=[history[-1]["epoch"] for history in rows])
            self._plots.show_growth(self.curves)

    def end(self) -> None:
        """The repeat has ended."""
        self._runs.end_live()
        self._plan = None

    def show_stored(self, folder: Path) -> None:
        """Show what the ensemble's folder holds, if its curves or its row are the chosen ones."""
        self._runs.read_again(folder)
        shown, chosen = self._plots.curves, self._runs.chosen
        if shown is None or shown.name != folder.name or (chosen is not None and chosen.folder != folder):
            return
        try:
            curves, metrics = read_stored_run(folder)
        except UserError:
            return  # it is said where the run is chosen
        self._plots.show_run(curves)
        self._side.result.show_metrics(metrics, folder=folder)
        self._side.show_result()
