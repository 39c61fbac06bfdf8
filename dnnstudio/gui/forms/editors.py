"""The editors, one per kind of field. Each shows the values of one or several records and emits the user's edits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QWidget

from dnnstudio.gui.forms.spec import EditorKind, FieldSpec
from dnnstudio.gui.forms.text import reader_of, writer_of
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import (
    Choice,
    ComboBox,
    CommitField,
    MiniButton,
    NumberField,
    Segmented,
    TextField,
    Toggle,
    label,
)

MIXED = "mixed"
_SEGMENTS_FIT = 20
"""The most letters (plus 4 per segment for its edges) of a segmented control in a narrow form."""


def all_equal(values: Sequence[object]) -> bool:
    """Whether all values are equal; True and 1 are not."""
    return all(value == values[0] and type(value) is type(values[0]) for value in values)


def field_name(path: str) -> str:
    """The objectName of the editor at a path: field_units, field_kernel_regularizer__l2."""
    return "field_" + path.replace(".", "__")


class Editor(QWidget):
    """The right part of a form row."""

    edited = Signal(object)
    """A new value for the field."""
    problem_changed = Signal(str)
    """Why what is written is refused, or an empty text."""

    def __init__(self, spec: FieldSpec, path: str) -> None:
        super().__init__()
        self.spec = spec
        self.path = path
        self.line = QHBoxLayout(self)
        self.line.setContentsMargins(0, 0, 0, 0)
        self.line.setSpacing(8)

    def show_values(self, values: Sequence[object]) -> None:
        """Show the values of all records; differing ones as mixed."""
        raise TypeError(f"{type(self).__name__} shows nothing")

    def refuse(self, sentence: str) -> None:
        """Show why the last edit is impossible."""
        self.problem_changed.emit(sentence)

    def set_mark(self, mark: str) -> None:
        """Set the border colour: "hint", "error" or "" for none."""

    def stops(self) -> tuple[QWidget, ...]:
        """The widgets in the tab order; the first is the label's buddy."""
        return ()

    def _name(self, widget: QWidget, *, suffix: str = "", title: str = "") -> None:
        widget.setObjectName(field_name(self.path) + suffix)
        widget.setAccessibleName(title or self.spec.title)
        widget.setAccessibleDescription(self.spec.help)
        widget.setToolTip(self.spec.help)


class ToggleEditor(Editor):
    """Yes or no."""

    def __init__(self, theme: Theme, spec: FieldSpec, path: str) -> None:
        super().__init__(spec, path)
        self.toggle = Toggle(theme)
        self._name(self.toggle)
        self.toggle.clicked.connect(lambda checked: self.edited.emit(bool(checked)))
        self.line.addWidget(self.toggle)
        self.line.addStretch(1)

    def show_values(self, values: Sequence[object]) -> None:
        if all_equal(values):
            self.toggle.set_value(bool(values[0]))
        else:
            self.toggle.set_mixed()

    def stops(self) -> tuple[QWidget, ...]:
        return (self.toggle,)


class ChoiceEditor(Editor):
    """One choice of several: a segmented control for two or three short ones, else a combo box."""

    def __init__(self, theme: Theme, spec: FieldSpec, path: str) -> None:
        super().__init__(spec, path)
        choices = ((Choice(None, "None"),) if spec.optional else ()) + spec.choices
        letters = sum(len(choice.label) + 4 for choice in choices)
        self.control: Segmented | ComboBox
        if len(choices) <= 3 and letters <= _SEGMENTS_FIT:
            self.control = Segmented(theme, choices)
            self.line.addWidget(self.control)
            self.line.addStretch(1)
        else:
            self.control = ComboBox(choices)
            self.line.addWidget(self.control)
        self._name(self.control)
        self.control.chosen.connect(self.edited)

    def show_values(self, values: Sequence[object]) -> None:
        same = all_equal(values)
        if isinstance(self.control, ComboBox):
            self.control.set_value(values[0] if same else _Nothing, placeholder="" if same else MIXED)
        else:
            self.control.set_value(values[0] if same else _Nothing)

    def choose(self, value: object) -> None:
        """Choose like a user."""
        if isinstance(self.control, ComboBox):
            self.control.choose(value)
        else:
            self.control.button(value).click()

    def set_mark(self, mark: str) -> None:
        if isinstance(self.control, ComboBox):
            self.control.set_mark(mark)

    def stops(self) -> tuple[QWidget, ...]:
        if isinstance(self.control, Segmented):
            return (self.control, *(self.control.button(choice.value) for choice in self.control.choices()))
        return (self.control,)


class _Nothing:
    """Sentinel for no value; None is a value."""


class NumberEditor(Editor):
    """A number, preceded by a switch if it can be off, and followed by its unit."""

    def __init__(self, theme: Theme, spec: FieldSpec, path: str) -> None:
        super().__init__(spec, path)
        self.field = number_field(theme, spec, arrows=True)
        self._name(self.field)
        self._last: object = spec.initial
        self.toggle: Toggle | None = None
        if spec.optional:
            self.toggle = Toggle(theme)
            self._name(self.toggle, suffix="_on", title=f"{spec.title}: on or off")
            self.toggle.clicked.connect(self._on_switched)
            self.line.addWidget(self.toggle)
        self.line.addWidget(self.field, 1)
        self._unit = label(spec.unit, Role.CAPTION)
        self.line.addWidget(self._unit)
        self._unit.setVisible(bool(spec.unit))
        if spec.optional:
            self.line.addStretch(0)
        self.field.committed.connect(self.edited)
        self.field.problem_changed.connect(self.problem_changed)

    def show_values(self, values: Sequence[object]) -> None:
        same = all_equal(values)
        value = values[0] if same else None
        if self.toggle is not None:
            if same:
                self.toggle.set_value(value is not None)
            else:
                self.toggle.set_mixed()
            self._show_field(value is not None or not same)
        if value is not None:
            self._last = value
        self.field.set_value(value, placeholder="" if same else MIXED)

    def refuse(self, sentence: str) -> None:
        self.field.refuse(sentence)

    def set_mark(self, mark: str) -> None:
        self.field.set_mark(mark)

    def stops(self) -> tuple[QWidget, ...]:
        return (self.field,) if self.toggle is None else (self.toggle, self.field)

    def _on_switched(self, on: bool) -> None:
        self._show_field(on)
        if on:
            self.field.set_value(self._last)
        self.edited.emit(self._last if on else None)

    def _show_field(self, shown: bool) -> None:
        self.field.setVisible(shown)
        self._unit.setVisible(shown and bool(self.spec.unit))


class TextEditor(Editor):
    """A line of text: a name, a list of numbers, a file."""

    def __init__(self, theme: Theme, spec: FieldSpec, path: str) -> None:
        super().__init__(spec, path)
        self.field = TextField(reader_of(spec), writer_of(spec))
        self._name(self.field)
        self.line.addWidget(self.field, 1)
        self.field.committed.connect(self.edited)
        self.field.problem_changed.connect(self.problem_changed)

    def show_values(self, values: Sequence[object]) -> None:
        same = all_equal(values)
        self.field.set_value(values[0] if same else None, placeholder="None" if same else MIXED)

    def refuse(self, sentence: str) -> None:
        self.field.refuse(sentence)

    def set_mark(self, mark: str) -> None:
        self.field.set_mark(mark)

    def stops(self) -> tuple[QWidget, ...]:
        return (self.field,)


class PathEditor(TextEditor):
    """A file or folder, typed or chosen in a dialog."""

    def __init__(self, theme: Theme, spec: FieldSpec, path: str) -> None:
        super().__init__(theme, spec, path)
        folder = spec.widget == "folder"
        self.ask: Callable[[str], str] = self._ask_folder if folder else self._ask_file
        """Asks for a path, starting from a folder; an empty text means none was picked."""
        self.button = MiniButton(theme, "folder-open", f"Choose {'a folder' if folder else 'a file'}")
        self.button.setObjectName(field_name(path) + "_browse")
        self.button.setFixedSize(28, 28)
        self.button.clicked.connect(self._on_browse)
        self.line.setSpacing(4)
        self.line.addWidget(self.button)

    def show_values(self, values: Sequence[object]) -> None:
        super().show_values(values)
        self.field.setPlaceholderText("Not chosen" if all_equal(values) else MIXED)
        self.field.setToolTip("\n".join(part for part in (self.field.text(), self.spec.help) if part))

    def stops(self) -> tuple[QWidget, ...]:
        return (self.field, self.button)

    def _on_browse(self) -> None:
        picked = self.ask(str(Path(self.field.text()).parent) if self.field.text() else "")
        if picked:
            self.edited.emit(picked)

    def _ask_file(self, start: str) -> str:
        return QFileDialog.getOpenFileName(self, f"Choose {self.spec.title[:1].lower()}{self.spec.title[1:]}", start)[0]

    def _ask_folder(self, start: str) -> str:
        return QFileDialog.getExistingDirectory(self, "Choose a folder", start)


def number_field(theme: Theme, spec: FieldSpec, *, arrows: bool) -> NumberField:
    """The number field of a spec."""
    return NumberField(
        theme,
        title=spec.title,
        integer=spec.integer,
        limits=spec.limits,
        steps=spec.steps,
        step_size=spec.step_size,
        arrows=arrows,
    )


def make_editor(theme: Theme, spec: FieldSpec, path: str) -> Editor:
    """The editor of a field that contains no other record."""
    match spec.editor:
        case EditorKind.TOGGLE:
            return ToggleEditor(theme, spec, path)
        case EditorKind.CHOICE:
            return ChoiceEditor(theme, spec, path)
        case EditorKind.NUMBER:
            return NumberEditor(theme, spec, path)
        case EditorKind.TEXT if spec.widget in ("file", "folder"):
            return PathEditor(theme, spec, path)
        case _:
            return TextEditor(theme, spec, path)


def is_busy(editor: Editor) -> bool:
    """Whether one of the editor's line edits has uncommitted or refused text."""
    lines: list[QLineEdit] = editor.findChildren(QLineEdit)
    return any(isinstance(line, CommitField) and line.editing for line in lines)
