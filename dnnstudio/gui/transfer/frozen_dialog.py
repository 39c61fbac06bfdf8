"""Chooses which layers a phase freezes: by click, by range, by a name pattern."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.planning.phases import change_phase, frozen_in, with_frozen
from dnnstudio.core.planning.stages import matching
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.transfer.pair_row import INFERENCE
from dnnstudio.gui.widgets import Choice, ComboBox, Dialog, label, push_button, rule
from dnnstudio.gui.widgets.windows.fit_scroll import FitScroll

NO_SUCH = "No layer has such a name."


class FrozenDialog(Dialog):
    """Edits the frozen layers of phase `number` (from 0) of an experiment."""

    def __init__(self, theme: Theme, experiment: Experiment, number: int, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("frozen_dialog")
        self.setWindowTitle("Frozen layers")
        self.setModal(True)
        self.setMinimumWidth(460)
        self.experiment = experiment
        self._number = number
        self._layers = [layer for layer in experiment.active_layers if layer.has_weights]
        self._names = [layer.id for layer in self._layers]
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label(f"Frozen in phase {number + 1}", Role.DIALOG_TITLE))
        column.addWidget(label("Frozen layers keep their weights while the others learn.", Role.CAPTION, wrap=True))
        column.addWidget(self._make_boxes())
        column.addWidget(rule())
        column.addLayout(self._make_range())
        column.addLayout(self._make_pattern())
        self.matches = label("", Role.CAPTION, wrap=True)
        self.matches.setObjectName("pattern_matches")
        column.addWidget(self.matches)
        self.norm = label(INFERENCE, Role.CAPTION, wrap=True)
        column.addWidget(self.norm)
        column.addLayout(self._make_buttons())
        self._refresh()

    def _make_boxes(self) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self.boxes: dict[str, QCheckBox] = {}
        for name in self._names:
            box = QCheckBox(name)
            box.setObjectName(f"freeze_{name}")
            box.setAccessibleName(f"Freeze {name}")
            box.setToolTip(f"Whether {name} keeps its weights in this phase.")
            box.clicked.connect(lambda checked, name=name: self._set((name,), checked))
            self.boxes[name] = box
            column.addWidget(box)
        return FitScroll(holder, limit=240)

    def _make_range(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        choices = [Choice(name, name) for name in self._names]
        self.first, self.last = ComboBox(choices), ComboBox(choices)
        for combo, name, text in ((self.first, "freeze_first", "First"), (self.last, "freeze_last", "Last")):
            combo.setObjectName(name)
            combo.setAccessibleName(f"{text} layer of the range")
            combo.setToolTip(f"{text} layer of the range to freeze or let learn.")
        self.first.set_value(self._names[0] if self._names else "")
        self.last.set_value(self._names[-2] if len(self._names) > 1 else self._names[-1] if self._names else "")
        freeze = push_button("Freeze", Role.FIELD, tip="Freeze every layer of this range.")
        freeze.setObjectName("freeze_range")
        freeze.clicked.connect(lambda: self._set(self._range(), True))
        free = push_button("Let learn", Role.FIELD, tip="Let every layer of this range learn.")
        free.setObjectName("free_range")
        free.clicked.connect(lambda: self._set(self._range(), False))
        row.addWidget(label("From", Role.FORM))
        row.addWidget(self.first, 1)
        row.addWidget(label("to", Role.FORM))
        row.addWidget(self.last, 1)
        row.addWidget(freeze)
        row.addWidget(free)
        return row

    def _make_pattern(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.pattern = QLineEdit()
        self.pattern.setObjectName("freeze_pattern")
        self.pattern.setAccessibleName("Pattern of names")
        self.pattern.setPlaceholderText("hidden_*")
        self.pattern.setToolTip("* stands for any letters, ? for one, [1-3] for one of these: dense_[1-3].")
        self.pattern.textChanged.connect(self._show_matches)
        self.pattern.returnPressed.connect(self._add_pattern)
        self.by_name = push_button("Freeze", Role.FIELD, tip="Freeze the layers with such names, also later ones.")
        self.by_name.setObjectName("freeze_by_name")
        self.by_name.clicked.connect(self._add_pattern)
        words = label("By name", Role.FORM)
        words.setBuddy(self.pattern)
        row.addWidget(words)
        row.addWidget(self.pattern, 1)
        row.addWidget(self.by_name)
        return row

    def _make_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        none = push_button("Freeze none")
        none.setObjectName("freeze_none")
        none.clicked.connect(lambda: self._keep(()))
        cancel = push_button("Cancel")
        cancel.setObjectName("cancel")
        cancel.clicked.connect(self.reject)
        apply = push_button("Apply", Role.PRIMARY)
        apply.setObjectName("apply")
        apply.setDefault(True)
        apply.clicked.connect(self.accept)
        row.addWidget(none)
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(apply)
        return row

    # ------------------------------------------------------------------------------------------ editing

    @property
    def entries(self) -> tuple[str, ...]:
        """The names and patterns that the phase freezes now."""
        assert self.experiment.transfer is not None
        return self.experiment.transfer.phases[self._number].frozen

    def _range(self) -> tuple[str, ...]:
        one, other = sorted((self._names.index(str(self.first.value())), self._names.index(str(self.last.value()))))
        return tuple(self._names[one : other + 1])

    def _set(self, names: tuple[str, ...], frozen: bool) -> None:
        self.experiment = with_frozen(self.experiment, self._number, names, frozen)
        self._refresh()

    def _keep(self, entries: tuple[str, ...]) -> None:
        self.experiment = change_phase(self.experiment, self._number, frozen=entries)
        self._refresh()

    def _add_pattern(self) -> None:
        pattern = self.pattern.text().strip()
        if not matching(pattern, self._names):
            return
        rest = tuple(entry for entry in self.entries if entry not in matching(pattern, self._names))
        self.pattern.clear()
        self._keep(tuple(dict.fromkeys((*rest, pattern))))

    def _show_matches(self, text: str = "") -> None:
        fitting = matching(text.strip(), self._names)
        set_reason(self.by_name, "" if fitting else NO_SUCH if text.strip() else "No name is typed yet.")
        if not text.strip():
            patterns = [entry for entry in self.entries if entry not in self._names]
            self.matches.setText(f"By name: {', '.join(patterns)}." if patterns else "")
        else:
            self.matches.setText(f"Fits {', '.join(fitting)}." if fitting else NO_SUCH)

    def _refresh(self) -> None:
        frozen = frozen_in(self.experiment, self._number)
        for layer in self._layers:
            box = self.boxes[layer.id]
            box.setChecked(layer.id in frozen)
            by = next(
                (entry for entry in self.entries if entry != layer.id and layer.id in matching(entry, self._names)), ""
            )
            box.setText(f"{layer.id}  ·  {layer.label}" + (f", by {by}" if by else ""))
        norm = any(layer.id in frozen and layer.averages_over == "batch" for layer in self._layers)
        self.norm.setVisible(norm)
        self._show_matches(self.pattern.text())

    # ------------------------------------------------------------------------------------------ Qt

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.focusWidget() is self.pattern:
            return  # the pattern was taken; the dialog stays
        super().keyPressEvent(event)

    @classmethod
    def ask(cls, theme: Theme, experiment: Experiment, number: int, *, parent: QWidget | None) -> Experiment | None:
        """The experiment with that phase's frozen layers changed; None if the dialog was cancelled."""
        dialog = cls(theme, experiment, number, parent=parent)
        accepted = dialog.exec() == Dialog.DialogCode.Accepted
        after = dialog.experiment
        dialog.deleteLater()
        return after if accepted else None
