"""The message bar with the window's messages on runs and files, and on what cannot be done now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QVBoxLayout, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.targets.loss_choice import resolve_loss
from dnnstudio.core.experiment.targets.losses import LOSSES
from dnnstudio.core.experiment.transfer import Autoencoder
from dnnstudio.core.text import count_of, share_text, shortened
from dnnstudio.core.uncertainty.figure_names import BASELINE, R2
from dnnstudio.core.workspace.figures import measured
from dnnstudio.core.workspace.runs import EXPERIMENT
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.run_words import figure
from dnnstudio.gui.theme import Cure, Severity, Theme
from dnnstudio.gui.widgets import MessageBar

if TYPE_CHECKING:
    from dnnstudio.core.experiment.record import Experiment
    from dnnstudio.core.jobs.events import EpochDone, RunEnded, RunStarted

Deed = Callable[[], object]
OPEN_FOLDER = "Open run folder"
LOPSIDED = 0.75
"""So many rows in one class make accuracy look better than it is: three to one, of two classes."""


class MessageLine(QWidget):
    """One message at a time, at the bottom of the window; it takes no space when closed."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = MessageBar(theme)
        self.bar.setObjectName("message_bar")
        self.bar.action_requested.connect(self._act)
        self.bar.closed.connect(self._on_closed)
        self._deed: Deed | None = None
        self._offer: Deed | None = None
        """Says the offer of the last session again, while that is shown or a message stands in front of it."""
        self._in_front = False
        self.said = 0
        """How many messages there were: whose message is still shown knows its own number."""
        self._on_workspace = False
        """Whether the message is that the workspace cannot be used."""
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 0, 8, 8)
        column.addWidget(self.bar)
        self.hide()

    def say(
        self,
        lead: str,
        text: str,
        severity: Severity = "news",
        action: str = "",
        deed: Deed | None = None,
        *,
        in_front: bool = False,
    ) -> None:
        """Show a message; `action` is the label of the button that calls `deed`. `in_front` of an offer, which comes
        back when this goes.
        """
        self.said += 1
        self._in_front = in_front
        if not in_front:
            self._offer = None
        self._deed, self._on_workspace = deed, False
        self.bar.show_message(text, lead=lead, severity=severity, action=action)
        self.show()

    def clear(self) -> None:
        """Remove the message."""
        self.bar.clear()

    def _on_closed(self) -> None:
        self.hide()
        offer, self._offer = self._offer, None
        if offer is not None and self._in_front:
            offer()

    def text(self) -> str:
        """The present message."""
        return self.bar.message() if not self.isHidden() else ""

    def say_welcome(self) -> None:
        """The first message: what is shown, and the one button to press."""
        self.say("This network reads handwritten digits.", "Press Train (F5) and watch it learn; nothing can break.")

    def say_last(self, path: Path, open_it: Deed) -> None:
        """At the start: the file that was open last, one click away."""
        run = path.name == EXPERIMENT
        name = path.parent.name if run else path.name
        self.say("Go on where you were?", f"{name} was open last.", "news", "Open it", open_it)
        self._offer = lambda: self.say_last(path, open_it)

    def say_unusable(self, workspace: Path, reason: str, choose: Deed) -> None:
        """Nothing can be kept or read where runs are kept: at the start, or because it is gone."""
        text = f"{shortened(str(workspace), 80)}: {reason}. Runs and models are kept there."
        self._say_of_workspace("Your workspace cannot be used.", text, choose)

    def say_missed(self, error: UserError, choose: Deed) -> None:
        """Something was to be kept in the workspace, which is gone."""
        self._say_of_workspace(error.message, error.hint, choose)

    def _say_of_workspace(self, lead: str, text: str, choose: Deed) -> None:
        self.say(lead, text, "error", "Choose workspace…", choose)
        self._on_workspace = True

    def take_unusable_back(self) -> None:
        """The workspace can be used again."""
        if self._on_workspace:
            self.clear()

    def say_start(self, event: RunStarted) -> None:
        """A training begins."""
        number = event.folder.name.split(" ")[0].lstrip("0")
        epochs = count_of(event.epochs, "epoch")
        text = event.note or f"{epochs} of {count_of(event.steps_per_epoch, 'step')}, kept in {event.folder}."
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

    def say_end(self, event: RunEnded, open_folder: Deed, experiment: Experiment | None = None) -> None:
        """How the training of `experiment` ended, and how good the network is with which weights."""
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
        if event.cause is not None:  # the divergence card already explains it
            from dnnstudio.core.analysis.divergence import what_happened

            text = f"{what_happened(event.cause)} The last good weights are kept."
        elif event.reason in ("diverged", "failed"):
            text = event.message
        elif "accuracy" in test:
            text = f"The network gets {share_text(test['accuracy'])} of the test rows right{_beside_baseline(test)}."
        elif "loss" in test and experiment is not None and isinstance(experiment.pretraining, Autoencoder):
            title = LOSSES[resolve_loss(experiment, None)].title.lower()
            text = f"It reconstructs the test rows with a loss of {figure(test['loss'])} ({title})."
        elif "loss" in test:
            named = "" if experiment is None else f" ({LOSSES[resolve_loss(experiment, None)].caption})"
            text = f"The loss{named} on the test rows is {figure(test['loss'])}."
            if R2 in test:
                text = f"R² on the test rows is {figure(test[R2])}; on average it is {figure(test['mae'])} off."
        else:
            text = event.message
        if test and experiment is not None and event.reason not in ("diverged", "failed"):
            of = measured(metrics, experiment)
            put_back = event.stopped_early and of.is_best
            which = f"The {of.weights}, were put back." if put_back else f"Measured with the {of.weights}."
            text = f"{which} {text}" if put_back else f"{text} {which}"
        if event.note and event.note not in text:
            text = f"{text} {event.note}"
        if result is not None and result.elsewhere:
            lead, severity = f"{lead} It is kept in another folder.", "hint"
            text = f"{result.elsewhere} {text}"
        has_folder = result is not None
        self.say(lead, text, severity, OPEN_FOLDER if has_folder else "", open_folder if has_folder else None)

    def _act(self) -> None:
        if self._deed is not None:
            self._deed()


def _beside_baseline(test: Mapping[str, Any]) -> str:
    """Where one class has most of the rows, how often the constant answer is right: accuracy alone would praise it."""
    baseline = test.get(BASELINE)
    if baseline is None or baseline < LOPSIDED:
        return ""
    return f"; always the most frequent class would get {share_text(baseline)}"


class Refusals(QObject):
    """Says why an action cannot be done, for as long as that is true. Owned by the window."""

    def __init__(self, actions: Actions, messages: MessageLine, parent: QObject) -> None:
        super().__init__(parent)
        self._actions = actions
        self._messages = messages
        self._told = ("", "", 0)
        """The last action that was refused, the reason, and the number of its message."""
        self._followed: set[str] = set()

    def say_why(self, name: str) -> None:
        """Say why an action cannot be done now, with a button for what helps."""
        cure, reason = self._actions.cure(name), self._actions.reason(name)
        lead = f"{self._actions[name].text().rstrip('…')} is not possible now."
        if cure is None:
            self._messages.say(lead, reason, "hint", in_front=True)
        else:
            self._messages.say(lead, reason, "hint", cure.text, lambda: self._cure(cure), in_front=True)
        self._told = name, reason, self._messages.said
        if name not in self._followed:
            self._followed.add(name)
            self._actions[name].changed.connect(lambda: self._on_changed(name))

    def _on_changed(self, name: str) -> None:
        """It can be done now, or cannot for another reason: what was said is not true any more."""
        told, reason, number = self._told
        if told == name and number == self._messages.said and self._actions.reason(name) != reason:
            self._messages.clear()

    def _cure(self, cure: Cure) -> None:
        self._messages.clear()
        try:
            cure.deed()
        except UserError as error:
            self._messages.say(error.message, error.hint, "error")
