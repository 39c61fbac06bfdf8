"""The dialogs of layer reuse behind one interface, so that tests can answer instead of a user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtWidgets import QWidget

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.text import listed
from dnnstudio.gui.dialogs.question import Answer, QuestionDialog
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.transfer.dialog import TransferDialog
from dnnstudio.gui.transfer.request import TransferAnswer, TransferRequest
from dnnstudio.gui.transfer.split_dialog import SplitDialog, Tasks

SharedAnswer = Literal["clone", "train", "cancel"]


class TransferQuestions:
    """Every method asks and returns a value; None or "cancel" means that the user cancelled."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme

    def reuse_layers(self, parent: QWidget, request: TransferRequest) -> TransferAnswer | None:
        """The trained layers that the experiment starts from."""
        return TransferDialog.ask(self._theme, request, parent=parent)

    def split_tasks(self, parent: QWidget, experiment: Experiment, names: Sequence[str]) -> Tasks | None:
        """Two experiments on one data set, whose classes have these names."""
        return SplitDialog.ask(self._theme, experiment, names, parent=parent)

    def shared_training(self, parent: QWidget, layers: Sequence[str], models: Sequence[str]) -> SharedAnswer:
        """How to proceed with a training that changes layers of other models too."""
        answers = (
            Answer("clone", "Clone instead", primary=True),
            Answer("train", "Train and change them"),
            Answer("cancel", "Cancel"),
        )
        title = f"Change {listed(models)} too?"
        several = len(layers) > 1
        text = (
            f"{listed(layers)} {'are' if several else 'is'} shared: what this training changes in "
            f"{'them' if several else 'it'} changes there too, in the files on disk. A clone goes its own way."
        )
        given = QuestionDialog.ask(self._theme, title, text, answers, parent=parent)
        return "clone" if given == "clone" else "train" if given == "train" else "cancel"
