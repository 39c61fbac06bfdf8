"""The menu of commands on one run, a repeat or a sweep of the table."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.workspace.runs import CHECKPOINT, MODEL, RunRecord, best_apart, read_metrics
from dnnstudio.gui.base.run_words import TRAINING
from dnnstudio.gui.base.runs_model import Fold


class RunMenu(QMenu):
    """`asked(str)` with the name of a command. What is asked of a sweep's network is asked of its best trial's."""

    asked = Signal(str)

    def __init__(self, record: RunRecord, fold: Fold, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("run_menu")
        home, sweep, several = record.home, record.sweep, record.repeat or record.sweep
        has_last, has_checkpoint = (home / MODEL).exists(), (home / CHECKPOINT).is_dir()
        if several is not None:
            can_go_on = several.can_go_on and record.status != TRAINING
        else:  # a member goes on with its row
            can_go_on = fold is not Fold.MEMBER and record.status in ("stopped", "unfinished") and has_checkpoint
        epoch = _best_epoch(home)
        of = "its" if sweep is None else "the best trial's"
        named = f" (epoch {epoch})" if epoch is not None else ""
        self._add("go_on_run", "Go on training", can_go_on)
        if sweep is not None:
            self._add("open_sweep", "Open the sweep")
        if fold in (Fold.OPEN, Fold.CLOSED):
            opened = fold is Fold.OPEN
            self._add("unfold_run", "Fold" if opened else "Unfold", keys="Left" if opened else "Right")
        self._add("draw_run", "Draw with the chosen run", sweep is None or sweep.home is not None)
        self._add("open_run_experiment", f"Open {of} experiment", sweep is None or sweep.home is not None)
        self._add("predict_with_run", "Predict new cases…", record.has_network)
        self._add("open_run_model", f"Open {of} model", has_last or has_checkpoint)
        self._add("use_best_weights", f"Use the best weights{named}", epoch is not None)
        self._add("save_run_model", f"Save {of} model…", has_last)
        self._add("save_run_best", f"Save {of} best weights{named}…", epoch is not None)
        self._add("open_run_folder", "Open its folder")

    def _add(self, name: str, text: str, enabled: bool = True, *, keys: str = "") -> None:
        action = QAction(text, self)
        action.setObjectName(name)
        action.setEnabled(enabled)
        action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda: self.asked.emit(name))
        self.addAction(action)


def _best_epoch(folder: Path) -> int | None:
    """The best epoch where its weights are not the last ones; None also where the run's figures are damaged."""
    try:
        return best_apart(folder, read_metrics(folder) or {})
    except UserError:
        return None


def open_folder(folder: Path) -> None:
    """Show a folder in the system's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
