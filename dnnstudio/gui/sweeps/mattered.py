"""How much each varied field mattered: a bar each, from twenty trials on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QProcess, QProcessEnvironment, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

import dnnstudio
from dnnstudio.core.study.setting_words import setting_title
from dnnstudio.core.study.sweep import SweepPlan
from dnnstudio.core.study.trials import Trial
from dnnstudio.core.text import count_of, percent
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Badge, Card, ElidedLabel, label
from dnnstudio.runner.importance import COMMAND, ENOUGH, counted, question

SAYS = (
    "How much of the spread in the validation figure each setting explains (fANOVA). It says nothing about values that "
    "were not tried."
)
FAILED = "What mattered could not be computed: its process ended."
ALIKE = "All trials have the same figure, so that nothing can be told apart."


class ShareBar(QWidget):
    """A bar of a share; hatched where none is known."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.share: float | None = None
        self.setFixedHeight(8)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(120, 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("inset"))
        painter.drawRoundedRect(self.rect(), 4, 4)
        if self.share is None:
            painter.setBrush(QBrush(self._theme.color("strong"), Qt.BrushStyle.BDiagPattern))
            painter.drawRoundedRect(self.rect(), 4, 4)
        elif self.share > 0:
            painter.setBrush(self._theme.color("accent"))
            painter.drawRoundedRect(0, 0, max(round(self.share * self.width()), 2), self.height(), 4, 4)


class MatteredCard(Card):
    """A row a field. The shares are computed in a process of its own; `told` when they are shown."""

    told = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "What mattered", parent=parent)
        self.setObjectName("sweep_mattered")
        self._theme = theme
        self._process: QProcess | None = None
        self._known: tuple[str, frozenset[int]] | None = None
        self.shares: dict[str, float] | None = None
        self.badge = Badge(f"from {ENOUGH} trials on")
        self.head.add(self.badge)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(10)
        self.body.addLayout(self._rows)
        self.words = label("", Role.CAPTION, wrap=True)
        self.words.setObjectName("mattered_words")
        self.add(self.words)
        self.body.addStretch(1)

    def show_trials(self, plan: SweepPlan, trials: Sequence[Trial]) -> None:
        """Tell from these trials, once there are enough."""
        known = counted(plan, trials)
        about = plan.model_dump_json(include={"vary", "target"}), frozenset(trial.number for trial in known)
        if about == self._known:
            return
        self._known = about
        self.close_process()
        left = ENOUGH - len(known)
        if left > 0:
            self._show(dict.fromkeys(plan.paths))
            self.words.setText(f"Needs {count_of(left, 'trial')} more: below {ENOUGH} the order is mostly chance.")
            return
        if self.shares is None or set(self.shares) != set(plan.paths):
            self._show(dict.fromkeys(plan.paths))
            self.words.setText("Computing.")
        asked = question(plan, known)
        if not asked:
            self._show(dict.fromkeys(plan.paths))
            self.words.setText(ALIKE)
            return
        self._process = process = QProcess(self)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_finished)
        around = QProcessEnvironment.systemEnvironment()
        around.insert("PYTHONSAFEPATH", "")
        process.setProcessEnvironment(around)
        process.setWorkingDirectory(str(Path(dnnstudio.__file__).parent.parent))  # never one with untrusted modules
        process.start(COMMAND[0], list(COMMAND[1:]))
        process.write(asked.encode())
        process.closeWriteChannel()

    def empty(self) -> None:
        """Tell of no field."""
        self.close_process()
        self._known = None
        self._show({})
        self.shares = None
        self.badge.show()
        self.words.setText("")

    def close_process(self) -> None:
        """End the computation that is under way: it is about other trials, or the window closes."""
        process, self._process = self._process, None
        if process is not None:
            process.blockSignals(True)
            process.kill()
            process.waitForFinished()
            process.deleteLater()

    def _on_finished(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.deleteLater()
        if process.exitStatus() != QProcess.ExitStatus.NormalExit or process.exitCode() != 0:
            self.words.setText(FAILED)
            return
        self._show(json.loads(bytes(process.readAllStandardOutput().data())))
        self.words.setText(SAYS)
        self.told.emit()

    def _show(self, shares: Mapping[str, float | None]) -> None:
        known = {path: share for path, share in shares.items() if share is not None}
        self.shares = known if len(known) == len(shares) else None
        self.badge.setVisible(self.shares is None)
        while (item := self._rows.takeAt(0)) is not None:
            if (row := item.widget()) is not None:
                row.deleteLater()
        for path, share in shares.items():
            row = QWidget()
            row.setProperty("role", "clear")
            column = QVBoxLayout(row)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(4)
            words = QHBoxLayout()
            words.addWidget(ElidedLabel(setting_title(path), Role.BODY), 1)
            words.addWidget(label("–" if share is None else percent(share), Role.CAPTION))
            bar = ShareBar(self._theme)
            bar.share = share
            column.addLayout(words)
            column.addWidget(bar)
            self._rows.addWidget(row)
