"""The message bar with what the window has to say of runs and files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from dnnstudio.gui.runs_model import figure, share
from dnnstudio.gui.theme import Severity, Theme
from dnnstudio.gui.widgets import MessageBar

if TYPE_CHECKING:
    from dnnstudio.core.jobs import EpochDone, RunEnded, RunStarted

Deed = Callable[[], None]
OPEN_FOLDER = "Open run folder"


class Messages(QWidget):
    """One message at a time, across the foot of the window; closed, it takes no room."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = MessageBar(theme)
        self.bar.setObjectName("message_bar")
        self.bar.action_requested.connect(self._act)
        self.bar.closed.connect(self.hide)
        self._deed: Deed | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 0, 8, 8)
        column.addWidget(self.bar)
        self.hide()

    def say(
        self, lead: str, text: str, severity: Severity = "news", action: str = "", deed: Deed | None = None
    ) -> None:
        """Say something; `action` names the one thing that `deed` does."""
        self._deed = deed
        self.bar.show_message(text, lead=lead, severity=severity, action=action)
        self.show()

    def clear(self) -> None:
        """Take the message away."""
        self.bar.clear()

    def text(self) -> str:
        """What is being said."""
        return self.bar.message() if not self.isHidden() else ""

    def say_welcome(self) -> None:
        """What a first look shows, and the one thing to press."""
        self.say("This network reads handwritten digits.", "Press Train (F5) and watch it learn; nothing can break.")

    def say_start(self, event: RunStarted) -> None:
        """A training begins."""
        number = event.folder.name.split(" ")[0].lstrip("0")
        epochs = f"{event.epochs} epoch{'s' if event.epochs != 1 else ''}"
        text = event.note or f"{epochs} of {event.steps_per_epoch:,} steps, kept in {event.folder}."
        self.say(f"Run {number} is training." if number.isdigit() else "Training.", text)

    def say_best(self, event: EpochDone, open_folder: Deed) -> None:
        """The best weights so far were saved in this epoch."""
        if not event.is_best:
            return
        row = event.row
        name = "val_loss" if "val_loss" in row else "loss"
        words = "validation loss" if name == "val_loss" else "loss"
        text = f"after epoch {row['epoch']:.0f}: {words} {figure(row[name])}."
        self.say("Best model so far saved", text, "news", OPEN_FOLDER, open_folder)

    def say_end(self, event: RunEnded, open_folder: Deed) -> None:
        """How the training ended, and how good the network is."""
        result = event.result
        metrics = result.metrics if result is not None else {}
        test = metrics.get("test") or {}
        lead = {
            "finished": "Training done.",
            "early_stopping": "Training stopped early: it no longer improved.",
            "stopped": "Training stopped.",
            "diverged": "Training diverged.",
            "failed": "Training failed.",
        }[event.reason]
        severity: Severity = {"diverged": "hint", "failed": "error"}.get(event.reason, "news")  # type: ignore[assignment]
        if event.cause is not None:  # the card beside the learning rate says it all
            from dnnstudio.core.divergence import explain

            text = f"{explain(event.cause).split('. ')[0]}. The last good weights are kept."
        elif event.reason in ("diverged", "failed"):
            text = event.message
        elif "accuracy" in test:
            text = f"The network gets {share(test['accuracy'])} of the test rows right."
        elif "loss" in test:
            text = f"The loss on the test rows is {figure(test['loss'])}."
        else:
            text = event.message
        if event.note and event.note not in text:
            text = f"{text} {event.note}"
        has_folder = result is not None
        self.say(lead, text, severity, OPEN_FOLDER if has_folder else "", open_folder if has_folder else None)

    def _act(self) -> None:
        if self._deed is not None:
            self._deed()
