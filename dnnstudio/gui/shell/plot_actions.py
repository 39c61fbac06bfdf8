"""Actions on the plots: earlier runs drawn below the selected one, and exports."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.workspace.remarks import read_remarks
from dnnstudio.core.workspace.runs import RunRecord, safe_name
from dnnstudio.gui.base.run_words import COLOR_TOKENS, TRAINING
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.plots.cards.curve_cards import Other, PlotCard
from dnnstudio.gui.plots.exporting import save_plot
from dnnstudio.gui.plots.panel import RunPlots
from dnnstudio.gui.plots.stored import read_stored_run
from dnnstudio.gui.runs.panel import RunsPanel
from dnnstudio.gui.theme import Theme

COLORS = ("series_2", "series_3", "accent", "text3")
"""Of the runs that are drawn under the chosen one; more could not be told apart."""


class PlotActions(QObject):
    """Handles the eye icons of the runs table and the menus of the plots.

    `failed` carries a `UserError`, `said` the lead and the text of a message.
    """

    failed = Signal(object)
    said = Signal(str, str)

    def __init__(self, window: QWidget, plots: RunPlots, runs: RunsPanel, *, theme: Theme, dialogs: Dialogs) -> None:
        super().__init__(window)
        self._window = window
        self._plots = plots
        self._runs = runs
        self._theme = theme
        self._dialogs = dialogs
        self._drawn: dict[Path, Other] = {}
        runs.eye_pressed.connect(self.toggle)
        runs.runs.modelReset.connect(self._forget_gone)
        plots.file_wished.connect(self.save)

    # ------------------------------------------------------------------------------------------ runs of before

    @property
    def drawn(self) -> tuple[Path, ...]:
        """The folders of the runs drawn below the selected one."""
        return tuple(self._drawn)

    def toggle(self, record: RunRecord) -> None:
        """Draw a run below the selected one, or remove it."""
        if record.folder in self._drawn:
            del self._drawn[record.folder]
        elif record.status == TRAINING:
            self.said.emit("This run is being drawn.", "Choose an earlier one to compare it with.")
            return
        elif len(self._drawn) == len(COLORS):
            self.said.emit(f"{len(COLORS)} runs are drawn with the chosen one.", "Hide one of them first.")
            return
        else:
            used = {other.color for other in self._drawn.values()}
            try:
                own = COLOR_TOKENS.get(read_remarks(record.folder).color, "")
                color = next(color for color in (own, *COLORS) if color and color not in used)
                curves, _ = read_stored_run(record.folder)
            except UserError as error:
                self.failed.emit(error)
                return
            name = f"run {record.number}" if record.number else record.name
            self._drawn[record.folder] = Other(name, color, curves)
            if self._plots.curves is None:
                self._runs.select(record.folder)  # without a selected run there is nothing to compare with
        self._show()

    def read_again(self, folder: Path) -> None:
        """Reload a run that may be drawn and has grown."""
        before = self._drawn.get(folder)
        if before is not None:
            try:
                curves, _ = read_stored_run(folder)
            except UserError:
                del self._drawn[folder]
            else:
                self._drawn[folder] = Other(before.name, before.color, curves)
            self._show()

    def _forget_gone(self) -> None:
        if self._runs.absence.reason:  # they may come back with the workspace
            return
        listed = {record.folder for record in self._runs.runs.records}
        gone = [folder for folder in self._drawn if not listed & {folder, folder.parent.parent}]  # a member's row
        if gone:
            self._drawn = {folder: other for folder, other in self._drawn.items() if folder not in gone}
            self._show()

    def _show(self) -> None:
        self._runs.runs.set_drawn({folder: other.color for folder, other in self._drawn.items()})
        self._plots.set_others(tuple(self._drawn.values()))

    # ------------------------------------------------------------------------------------------ files

    def save(self, card: PlotCard, kind: str) -> None:
        """Ask for a path, and export the plot as a bitmap, drawing or table."""
        curves = self._plots.curves
        name = safe_name(f"{curves.name or curves.experiment.name} {card.title.lower()}" if curves else card.title)
        path = self._dialogs.save_plot(self._window, name, kind)
        if path is None:
            return
        try:
            save_plot(card, self._theme, path)
        except UserError as error:
            self.failed.emit(error)
        else:
            self.said.emit("The plot is saved", f"as {path.name}.")
