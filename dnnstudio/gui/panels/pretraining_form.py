"""The form for unsupervised pretraining: the task, the last encoder layer, and the task's options."""

from __future__ import annotations

from typing import get_args

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.layers import WeightedLayer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import AnyPretraining, Autoencoder, Rotation
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.forms import OptionForm
from dnnstudio.gui.forms.form import NARROWEST_LABEL
from dnnstudio.gui.forms.plan import PlannedRow
from dnnstudio.gui.forms.row import FormRow
from dnnstudio.gui.forms.spec import EditorKind, FieldSpec, kind_choices
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Choice, label

KINDS: tuple[type[Autoencoder] | type[Rotation], ...] = get_args(get_args(AnyPretraining)[0])
PATH = "pretraining"
UNTIL = f"{PATH}.until"


def encoder_ends(experiment: Experiment) -> tuple[str, ...]:
    """The layers that may end an encoder: from the first one with weights on, except the output."""
    ids = [layer.id for layer in experiment.active_layers]
    first = next((n for n, layer in enumerate(experiment.active_layers) if isinstance(layer, WeightedLayer)), len(ids))
    return tuple(ids[first:-1])


class PretrainingForm(QWidget):
    """Shows `document.experiment.pretraining`; each edit is one undo step.

    `failed` carries a `UserError`, `vary_requested` the path of a field to vary.
    """

    failed = Signal(object)
    vary_requested = Signal(str)

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self._theme = theme
        self.setObjectName("pretraining_form")
        self._label_width = NARROWEST_LABEL
        field = Experiment.model_fields[PATH]
        title, help = field.title or "", field.description or ""
        self.kind = self._row(PATH, title, help, kind_choices(KINDS, optional=True))
        self.kind.editor.edited.connect(self._choose_kind)
        self.kind.vary_requested.connect(lambda: self.vary_requested.emit(f"{PATH}.kind"))
        self.until: FormRow | None = None
        self._ends: tuple[str, tuple[str, ...]] = ("", ())
        self.rest = OptionForm(theme, exclude=("until",))
        self.rest.edited.connect(lambda name, value: self._set(f"{PATH}.{name}", value, "Change the pretraining"))
        self.rest.vary_requested.connect(lambda name: self.vary_requested.emit(f"{PATH}.{name}"))
        self.teaches = label("", Role.CAPTION, wrap=True)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        for widget in (self.kind, self.rest, self.teaches):
            self._column.addWidget(widget)
        self.refresh()

    def _row(self, path: str, title: str, help: str, choices: tuple[Choice, ...]) -> FormRow:
        spec = FieldSpec(
            name=path.rpartition(".")[2],
            title=title,
            help=help,
            editor=EditorKind.CHOICE,
            optional=False,
            initial=None,
            default=None,
            choices=choices,
        )
        row = FormRow(self._theme, PlannedRow(path, spec, title))
        row.set_label_width(self._label_width)
        return row

    # ------------------------------------------------------------------------------------------ what is shown

    def refresh(self) -> None:
        """Show the present document."""
        rule = self.document.experiment.pretraining
        self.kind.editor.show_values([None if rule is None else type(rule)])
        self._fit_until()
        for widget in (self.rest, self.teaches):
            widget.setVisible(rule is not None)
        self.rest.setVisible(isinstance(rule, Autoencoder))
        if rule is not None:
            self.rest.set_value(rule)
            if isinstance(rule, Autoencoder) and "more_epochs" in self.rest.paths():
                self.rest.row("more_epochs").setVisible(rule.greedy)
            self.teaches.setText(
                f"{rule.help} Train does this, without looking at the labels; reuse the layers afterwards."
            )

    def _fit_until(self) -> None:
        """Recreate the row that chooses the layer if the possible layers have changed."""
        rule, ends = self.document.experiment.pretraining, encoder_ends(self.document.experiment)
        wanted = (type(rule).label, ends) if rule is not None else ("", ())
        if wanted != self._ends and self.until is not None:
            self._column.removeWidget(self.until)
            self.until.hide()
            self.until.deleteLater()
            self.until = None
        self._ends = wanted
        if rule is None:
            return
        if self.until is None:
            field = type(rule).model_fields["until"]
            choices = tuple(Choice(name, name) for name in ends)
            self.until = self._row(UNTIL, field.title or "", field.description or "", choices)
            self.until.editor.edited.connect(lambda value: self._set(UNTIL, value, "Change where the encoder ends"))
            self.until.vary_requested.connect(lambda: self.vary_requested.emit(UNTIL))
            self._column.insertWidget(1, self.until)
        self.until.editor.show_values([rule.until])

    # ------------------------------------------------------------------------------------------ edits

    def _choose_kind(self, kind: object) -> None:
        experiment = self.document.experiment
        if kind is None:
            self.document.push(experiment.replaced(pretraining=None), "Do not pretrain")
            return
        made = next(each for each in KINDS if each is kind)
        before, ends = experiment.pretraining, encoder_ends(experiment)
        if not ends:
            self.failed.emit(
                UserError("There is no hidden layer to pretrain.", "Add a Dense layer before the output layer.")
            )
            self.refresh()
            return
        until = before.until if before is not None and before.until in ends else ends[-1]
        self.document.push(experiment.replaced(pretraining=made(until=until)), f"Pretrain: {made.label.lower()}")

    def _set(self, path: str, value: object, text: str) -> None:
        try:
            after = edits.set_value(self.document.experiment, path, value)
        except UserError as error:
            self.failed.emit(error)
            self.refresh()
            return
        self.document.push(after, text, path)

    # ------------------------------------------------------------------------------------------ Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._label_width = min(max(round(self.width() * 0.375) - 8, NARROWEST_LABEL), 124)
        for row in (self.kind, self.until):
            if row is not None:
                row.set_label_width(self._label_width)
