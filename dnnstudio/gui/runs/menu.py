"""The menu of commands on one run, a repeat or a sweep of the table."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.os_errors import is_folder_there, is_there
from dnnstudio.core.workspace.runs import CHECKPOINT, MODEL, RunRecord, best_apart, read_metrics
from dnnstudio.gui.base.run_words import TRAINING
from dnnstudio.gui.base.runs_model import Fold
from dnnstudio.gui.theme import set_reason

NO_TRIAL = "No trial of the sweep has ended with a network."
NO_NETWORK = "The run has kept no network."
NO_BEST = "The run has no best weights apart from its last ones."


class RunMenu(QMenu):
    """`asked(str)` with the name of a command. What is asked of a sweep's network is asked of its best trial's."""

    asked = Signal(str)

    def __init__(self, record: RunRecord, fold: Fold, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("run_menu")
        home, sweep = record.home, record.sweep
        has_last, has_checkpoint = is_there(home / MODEL), is_folder_there(home / CHECKPOINT)
        epoch = _best_epoch(home)
        of = "its" if sweep is None else "the best trial's"
        named = f" (epoch {epoch})" if epoch is not None else ""
        trial = "" if sweep is None or sweep.home is not None else NO_TRIAL
        best = "" if epoch is not None else NO_BEST
        self._add("go_on_run", "Go on training", why_ended(record, fold is Fold.MEMBER))
        if sweep is not None:
            self._add("open_sweep", "Open the sweep")
        if fold in (Fold.OPEN, Fold.CLOSED):
            opened = fold is Fold.OPEN
            self._add("unfold_run", "Fold" if opened else "Unfold", keys="Left" if opened else "Right")
        self._add("draw_run", "Draw with the chosen run", trial)
        self._add("open_run_experiment", f"Open {of} experiment", trial)
        self._add("predict_with_run", "Predict new cases…", "" if record.has_network else trial or NO_NETWORK)
        self._add("open_run_model", f"Open {of} model", "" if has_last or has_checkpoint else trial or NO_NETWORK)
        self._add("use_best_weights", f"Use the best weights{named}", trial or best)
        self._add("save_run_model", f"Save {of} model…", "" if has_last else trial or NO_NETWORK)
        self._add("save_run_best", f"Save {of} best weights{named}…", trial or best)
        self._add("open_run_folder", "Open its folder")

    def _add(self, name: str, text: str, reason: str = "", *, keys: str = "") -> None:
        action = QAction(text, self)
        action.setObjectName(name)
        action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda: self.asked.emit(name))
        self.addAction(action)
        set_reason(action, reason)


def why_ended(record: RunRecord, member: bool) -> str:
    """Why nothing is left to train of a row, or ""; a `member` goes on with the row that it belongs to."""
    several = record.repeat or record.sweep
    if record.status == TRAINING:
        return "It is being trained."
    if several is not None:
        return "" if several.can_go_on else "All that was planned of it is trained."
    if member:
        return "It goes on with the row that it belongs to."
    if record.status not in ("stopped", "unfinished"):
        return "Only a run that was stopped can go on."
    return "" if is_folder_there(record.home / CHECKPOINT) else "It has kept no checkpoint to go on from."


def _best_epoch(folder: Path) -> int | None:
    """The best epoch where its weights are not the last ones; None also where the run's figures are damaged."""
    try:
        return best_apart(folder, read_metrics(folder) or {})
    except UserError:
        return None


def open_folder(folder: Path) -> None:
    """Show a folder in the system's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
