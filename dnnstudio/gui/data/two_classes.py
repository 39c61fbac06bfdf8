"""Asks which classes a binary task distinguishes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QButtonGroup, QGridLayout, QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from dnnstudio.core.experiment.data import Classes
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import Choice, ComboBox, Dialog, label, push_button


class TwoClassDialog(Dialog):
    """Two classes against each other, one against the rest, or all classes again."""

    def __init__(self, theme: Theme, names: Sequence[str], classes: Classes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Two-class task")
        self.setObjectName("two_class_dialog")
        self._names = tuple(names)
        self._classes = classes
        self.against_other = QRadioButton("Two classes, the others left out")
        self.against_rest = QRadioButton("One class against all kept others")
        self.all_apart = QRadioButton("Tell all kept classes apart again")
        self.positive = self._combo("positive_class", "The class that becomes 1")
        self.negative = self._combo("negative_class", "The class that becomes 0")
        self.explanation = label("", Role.CAPTION, wrap=True)
        self._lay_out()
        self._show_present()
        group = QButtonGroup(self)
        for button in (self.against_other, self.against_rest, self.all_apart):
            group.addButton(button)
            button.toggled.connect(self._refresh)
        self.positive.currentIndexChanged.connect(self._refresh)
        self.negative.currentIndexChanged.connect(self._refresh)
        self._refresh()

    @classmethod
    def ask(cls, theme: Theme, names: Sequence[str], classes: Classes, parent: QWidget | None = None) -> Classes | None:
        """The chosen class filter, or None if the dialog was cancelled."""
        dialog = cls(theme, names, classes, parent)
        accepted = dialog.exec() == Dialog.DialogCode.Accepted
        chosen = dialog.chosen() if accepted else None
        dialog.deleteLater()
        return chosen

    def chosen(self) -> Classes | None:
        """The present choice; None if it is not a valid task."""
        one, other = self.positive.value(), self.negative.value()
        if self.all_apart.isChecked():
            return Classes(keep=self._classes.keep)
        if not isinstance(one, int) or not isinstance(other, int):
            return None
        if self.against_other.isChecked():
            return Classes(keep=tuple(sorted((one, other))), positive=one) if one != other else None
        keep = self._classes.keep
        return Classes(keep=keep if keep is None or one in keep else None, positive=one)

    def _combo(self, name: str, title: str) -> ComboBox:
        combo = ComboBox([Choice(label, text) for label, text in enumerate(self._names)])
        combo.setObjectName(name)
        combo.setAccessibleName(title)
        combo.setToolTip(title)
        return combo

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(label("Which question should the network answer?", Role.DIALOG_TITLE))
        for name, button in (
            ("two_classes", self.against_other),
            ("one_against_rest", self.against_rest),
            ("all_classes", self.all_apart),
        ):
            button.setObjectName(name)
            column.addWidget(button)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        self._other_label = label("Class 0", Role.FORM)
        grid.addWidget(label("Class 1", Role.FORM), 0, 0)
        grid.addWidget(self.positive, 0, 1)
        grid.addWidget(self._other_label, 1, 0)
        grid.addWidget(self.negative, 1, 1)
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)
        column.addWidget(self.explanation)
        column.addStretch(1)
        cancel = push_button("Cancel")
        cancel.setObjectName("two_class_cancel")
        cancel.clicked.connect(self.reject)
        self.accept_button = push_button("Use it", Role.PRIMARY)
        self.accept_button.setObjectName("two_class_accept")
        self.accept_button.setDefault(True)
        self.accept_button.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.accept_button)
        column.addLayout(buttons)
        self.setMinimumWidth(400)

    def _show_present(self) -> None:
        keep = self._classes.keep or tuple(range(len(self._names)))
        one = self._classes.positive if self._classes.positive is not None else keep[0]
        others = [name for name in keep if name != one]
        self.positive.set_value(one)
        self.negative.set_value(others[0] if others else 0)
        rest = self._classes.positive is not None and len(keep) != 2
        (self.against_rest if rest else self.against_other).setChecked(True)
        self.all_apart.setVisible(self._classes.positive is not None)

    def _refresh(self, _: object = None) -> None:
        asks = not self.all_apart.isChecked()
        pair = self.against_other.isChecked()
        set_reason(self.positive, "" if asks else "All classes are told apart.")
        self.negative.setVisible(pair)
        self._other_label.setVisible(pair)
        chosen = self.chosen()
        self.explanation.setText(self._explain(chosen))
        set_reason(self.accept_button, "" if chosen is not None else self.explanation.text())

    def _explain(self, chosen: Classes | None) -> str:
        if chosen is None:
            return "Choose two different classes."
        if chosen.positive is None:
            return "Each kept class gets an output of its own; softmax makes them add up to 1."
        one = self._names[chosen.positive]
        if self.against_other.isChecked():
            other = next(self._names[name] for name in chosen.keep or () if name != chosen.positive)
            return f"One output with sigmoid: near 1 means {one}, near 0 means {other}. Only their rows are used."
        return f"One output with sigmoid: near 1 means {one}, near 0 means any other kept class."
