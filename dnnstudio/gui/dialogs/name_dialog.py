"""Name and seed of an experiment."""

from __future__ import annotations

from pydantic import ValidationError
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.refusals import explain
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import Dialog, label, push_button


class NameDialog(Dialog):
    """Two fields; an invalid name is refused in the dialog."""

    def __init__(self, theme: Theme, experiment: Experiment, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("name_dialog")
        self.setWindowTitle("Name and seed")
        self.setModal(True)
        self.setMinimumWidth(400)
        self._before = experiment
        self.experiment: Experiment | None = None
        fields = type(experiment).model_fields
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label("Name and seed", Role.DIALOG_TITLE))
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.name = QLineEdit(experiment.name)
        self.seed = QLineEdit(str(experiment.seed))
        for key, editor in (("name", self.name), ("seed", self.seed)):
            editor.setObjectName(f"field_{key}")
            editor.setToolTip(fields[key].description or "")
            editor.setAccessibleName(fields[key].title or key)
            editor.textChanged.connect(self._check)
            form.addRow(label(fields[key].title or key, Role.FORM), editor)
        column.addLayout(form)
        self.problem = label("", Role.ERROR, wrap=True)
        column.addWidget(self.problem)
        row = QHBoxLayout()
        row.addStretch(1)
        cancel = push_button("Cancel")
        cancel.setObjectName("cancel")
        cancel.clicked.connect(self.reject)
        self.apply = push_button("Apply", Role.PRIMARY)
        self.apply.setObjectName("apply")
        self.apply.setDefault(True)
        self.apply.clicked.connect(self.accept)
        row.addWidget(cancel)
        row.addWidget(self.apply)
        column.addLayout(row)
        self._check()
        self.name.selectAll()

    def _check(self) -> None:
        self.experiment, problem = None, ""
        name, seed = self.name.text().strip(), self.seed.text().strip()
        if not name:
            problem = "The experiment needs a name."
        elif not seed.isascii() or not seed.isdigit():
            problem = "The seed must be a whole number of at least 0."
        else:
            try:
                self.experiment = self._before.replaced(name=name, seed=int(seed))
            except ValidationError as error:
                problem = explain(error, Experiment)
        self.problem.setText(problem)
        set_reason(self.apply, problem)

    @classmethod
    def ask(cls, theme: Theme, experiment: Experiment, *, parent: QWidget | None) -> Experiment | None:
        """The renamed experiment, or None if the dialog was cancelled."""
        dialog = cls(theme, experiment, parent=parent)
        accepted = dialog.exec() == Dialog.DialogCode.Accepted
        result = dialog.experiment if accepted else None
        dialog.deleteLater()
        return result
