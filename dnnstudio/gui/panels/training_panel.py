"""How long and in which portions the network trains, what it makes small, the seed, and pretraining."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QWidget

from dnnstudio.core.analysis.checks import Problem
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.targets.class_weights import OwnWeights
from dnnstudio.core.experiment.targets.losses import LOSSES
from dnnstudio.core.experiment.transfer import Rotation
from dnnstudio.core.planning.pretraining import trained_experiment
from dnnstudio.core.planning.stages import planned_epochs
from dnnstudio.core.text import count_of
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.forms import OptionForm
from dnnstudio.gui.panels.class_weight_table import ClassWeightTable
from dnnstudio.gui.panels.option_panel import OptionPanel, problem_marks, title_at
from dnnstudio.gui.panels.pretraining_form import PretrainingForm
from dnnstudio.gui.panels.schedule_sentences import training_rows
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import label

OF_EXPERIMENT = ("loss", "seed")
OWN_LOSS = "Learning to tell rotations has a loss of its own."


class TrainingPanel(OptionPanel):
    """`document.experiment.training`, the loss and the seed, with one sentence on how many steps that makes."""

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(document, theme, "training", parent=parent)

    def refresh(self, _: object = None) -> None:
        """Show the document as it is now."""
        super().refresh()
        experiment = self._document.experiment
        self.of_experiment.set_value(experiment)
        self.of_experiment.set_marks(problem_marks(self.advice.problems, {name: name for name in OF_EXPERIMENT}))
        self.pretraining.refresh()
        rule = experiment.training.class_weight
        self.class_weights.setVisible(isinstance(rule, OwnWeights))
        if isinstance(rule, OwnWeights):
            self.class_weights.show_weights(rule, self._document.summary)
        phases = experiment.transfer.phases if experiment.transfer is not None else ()
        for widget in self.form.row("epochs").stops():
            set_reason(widget, "The phases of Reuse layers… set the epochs." if phases else "")
        self.form.set_note("epochs", f"{planned_epochs(experiment)}, set by the phases" if phases else "")
        self.sentence.setText(f"{steps_sentence(self._document)} {self._loss_sentence()}".rstrip())

    def _loss_sentence(self) -> str:
        """A pretraining has a loss of its own, except where the chosen one can compare what it reconstructs."""
        experiment, summary = self._document.experiment, self._document.summary
        trained = trained_experiment(experiment, summary.input_shape if summary is not None else None)
        for widget in self.of_experiment.row("loss").stops():
            set_reason(widget, OWN_LOSS if isinstance(experiment.pretraining, Rotation) else "")
        if trained.loss in (experiment.loss, "auto"):
            return ""
        return f"The loss of the pretraining is {LOSSES[trained.loss].title}."

    def _make_more(self) -> None:
        self.of_experiment = OptionForm(self._theme, only=OF_EXPERIMENT)
        self.of_experiment.setObjectName("experiment_form")
        self.of_experiment.edited.connect(self._edit_experiment)
        self.of_experiment.vary_requested.connect(self.vary_requested)
        self.class_weights = ClassWeightTable(self._theme)
        self.class_weights.edited.connect(self._edit_weights)
        self.pretraining = PretrainingForm(self._document, self._theme)
        self.pretraining.failed.connect(self.failed)
        self.pretraining.vary_requested.connect(self.vary_requested)
        self.sentence = label("", Role.CAPTION, wrap=True)
        self.sentence.setObjectName("training_sentence")

    def _fill_column(self) -> None:
        for part in (self.form, self.class_weights, self.of_experiment, self.pretraining, self.advice, self.sentence):
            self.column.addWidget(part)
        self.column.addStretch(1)

    def _concerns(self, problem: Problem) -> bool:
        return super()._concerns(problem) or problem.place in (*OF_EXPERIMENT, "pretraining")

    def _edit_weights(self, weights: OwnWeights, text: str, key: str) -> None:
        self._set("training.class_weight", weights, text, key=key or None)

    def _edit_experiment(self, path: str, value: object) -> None:
        try:
            after = edits.set_value(self._document.experiment, path, value)
        except UserError as error:
            self.failed.emit(error)
            self.refresh()
            return
        self._document.push(after, f"Change {title_at(self._document.experiment, path).lower()}", path)


def steps_sentence(document: Document) -> str:
    """1,719 steps an epoch, 34,380 in all: 55,000 rows by 32."""
    training, rows = document.experiment.training, training_rows(document)
    if rows is None:
        return "How many steps that makes is known when the data has been read."
    an_epoch = -(-rows // training.batch_size)
    steps = "step" if an_epoch == 1 else "steps"
    total = an_epoch * planned_epochs(document.experiment)
    return f"{an_epoch:,} {steps} an epoch, {total:,} in all: {count_of(rows, 'row')} by {training.batch_size:,}."


if __name__ == "__main__":
    from dnnstudio.gui.widgets.alone import show_alone

    sys.exit(show_alone(TrainingPanel, 320))
