"""The status line: the engine on the left, progress and time left on the right."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from dnnstudio.core.text import duration
from dnnstudio.gui.theme import Role, Theme, set_role
from dnnstudio.gui.widgets import ElidedLabel, MiniButton, ProgressBar, StatusDot, label

if TYPE_CHECKING:
    from dnnstudio.core.jobs.events import BatchesDone, EpochDone, Progress, RunStarted
    from dnnstudio.gui.base.engine_thread import EngineState

HEIGHT = 28
STEPS = 1000
"""The progress bar's own resolution."""
SHOWN_MS = 200
"""Minimum time a figure is shown, so that it can be read."""
PHASES = {
    "off": ("planned", "Engine off"),
    "starting": ("hint_dot", "Engine starting"),
    "ready": ("good_dot", "Engine ready"),
    "busy": ("good_dot", "Engine ready"),
    "failed": ("error_dot", "Engine failed"),
}


class StatusLine(QFrame):
    """Engine and progress. `cancel_requested` to cancel a job that is not a training."""

    cancel_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, Role.STATUS)
        self.setObjectName("status_line")
        self.setFixedHeight(HEIGHT)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 0)
        row.setSpacing(8)
        self.dot = StatusDot(theme, "planned")
        self.engine = label("", Role.BODY)
        self.engine.setObjectName("engine_status")
        self.details = ElidedLabel("", Role.CAPTION)
        self.bar = ProgressBar()
        self.bar.setObjectName("progress")
        self.bar.setAccessibleName("Progress")
        self.bar.setTextVisible(False)
        self.bar.setRange(0, STEPS)
        self.bar.setFixedWidth(200)
        self.cancel = MiniButton(theme, "x", "Cancel this job", size=14)
        self.cancel.setObjectName("cancel_job")
        self.cancel.clicked.connect(self.cancel_requested)
        self.progress = label("", Role.BODY)
        self.progress.setObjectName("progress_words")
        self.rest = label("", Role.CAPTION)
        left: tuple[QWidget, ...] = (self.dot, self.engine, self.details)
        right: tuple[QWidget, ...] = (self.bar, self.cancel, self.progress, self.rest)
        for widget in left:
            row.addWidget(widget)
        row.addStretch(1)
        for widget in right:
            row.addWidget(widget)
        self._compact = False
        self._versions = self._note = ""
        self._steps = self._epochs = 0
        self._epoch_seconds = 0.0
        self._share = 0.0
        self._training: Callable[[], None] | None = None
        """Shows again what was shown last of the training that is under way."""
        self._wished: tuple[float, str, str] | None = None
        self._standing = QTimer(self, singleShot=True, interval=SHOWN_MS)
        self._standing.timeout.connect(self._show_wished)
        self.clear()

    def set_compact(self, compact: bool) -> None:
        """A shorter bar, without the step count."""
        self.bar.setFixedWidth(120 if compact else 200)
        self._compact = compact

    def show_engine(self, state: EngineState) -> None:
        """Show the engine's state, with versions once they are known."""
        color, words = PHASES[state.phase]
        self.dot.set_color(color)
        self.engine.setText(words)
        self._versions = state.text if state.phase in ("ready", "busy", "failed") else ""
        self._show_details()

    # ------------------------------------------------------------------------------------------ training

    def begin(self, event: RunStarted) -> None:
        self._steps, self._epochs = event.steps_per_epoch, event.epochs
        self._epoch_seconds = 0.0
        self.clear()
        self._note = event.note
        self._show_details()
        self.show_share(0.0, f"Epoch {event.first_epoch + 1} / {event.epochs}", "")

    def add_batches(self, event: BatchesDone) -> None:
        if not len(event.steps) or not self._steps:
            return
        done = int(event.steps[-1]) + 1
        step = (done - 1) % self._steps + 1
        words = [] if self._compact else [f"step {step:,} of {self._steps:,}"]
        if self._epoch_seconds:
            words.append(f"{self._epoch_seconds:.2g} s / epoch")
        if event.seconds_left > 0:  # not known before a few steps are measured
            words.append(f"ETA {duration(event.seconds_left)}")
        self.show_share(done / (self._steps * self._epochs), f"Epoch {event.epoch} / {self._epochs}", " · ".join(words))

    def add_epoch(self, event: EpochDone) -> None:
        self._epoch_seconds = event.row.get("seconds", 0.0)

    def show_share(self, share: float, words: str, rest: str) -> None:
        """Show the progress of a training or of several, from 0 to 1."""
        self._share, self._training = share, partial(self.show_share, share, words, rest)
        self.bar.setRange(0, STEPS)
        self._show(share, words, rest)

    def say(self, words: str) -> None:
        """Show a word instead of the progress: Paused, Stopping, Waiting for the engine."""
        self._wished, self._training = None, partial(self.show_share, self._share, words, "")
        self.progress.setText(words)
        self.rest.setText("")
        self.rest.setMinimumWidth(0)
        self.progress.show()

    # ------------------------------------------------------------------------------------------ other jobs

    def show_job(self, event: Progress, *, can_cancel: bool = True) -> None:
        """Show the progress of a download, an evaluation or a file being read.

        A training reads too, before its first epoch; that cannot be cancelled here.
        """
        if not can_cancel:
            self._training = partial(self.show_job, event, can_cancel=False)
        self.bar.setRange(0, STEPS if event.total else 0)
        self._show(event.done / event.total if event.total else 0.0, event.text[:1].upper() + event.text[1:], "")
        self.cancel.setVisible(can_cancel)

    def end_job(self) -> None:
        """A job is over while a training goes on: show how far that is, where it told so, and else nothing."""
        if (show := self._training) is None:
            self.clear()
        else:
            self.cancel.hide()
            show()

    def clear(self) -> None:
        """No job is running."""
        self._wished = self._training = None
        self._share = 0.0
        self._standing.stop()
        self.bar.setRange(0, STEPS)
        for widget in (self.bar, self.progress, self.rest, self.cancel):
            widget.hide()
        for words_label in (self.progress, self.rest):
            words_label.setMinimumWidth(0)
        self._note = ""
        self._show_details()

    def _show_details(self) -> None:
        """Show the engine's versions or, while training, a note on the path taken."""
        words = self._note or self._versions
        self.details.setText(f"·  {words}" if words else "")

    def _show(self, share: float, words: str, rest: str) -> None:
        """Show now, or after the present text has been shown for its minimum time."""
        self._wished = share, words, rest
        if not self._standing.isActive():
            self._show_wished()

    def _show_wished(self) -> None:
        if self._wished is None:
            return
        (share, words, rest), self._wished = self._wished, None
        self._standing.start()
        if self.bar.maximum():
            self.bar.setValue(round(share * STEPS))
        self.progress.setText(words)
        self.rest.setText(f"· {rest}" if rest else "")
        for words_label in (self.progress, self.rest):  # labels only grow, so that the bar does not move to and fro
            words_label.setMinimumWidth(max(words_label.minimumWidth(), words_label.sizeHint().width()))
        self.bar.show()
        self.progress.show()
        self.rest.setVisible(bool(rest))
