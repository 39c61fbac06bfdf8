"""Sets any field of a form as a person would: types, switches, chooses. For tests of forms and of what they make up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from dnnstudio.core.experiment.fields import Option, option_kinds
from dnnstudio.gui.forms import OptionForm, replaced_at, value_at
from dnnstudio.gui.forms.editors import ChoiceEditor, NumberEditor, PathEditor, TextEditor, ToggleEditor
from dnnstudio.gui.forms.nested import NestedEditor
from dnnstudio.gui.forms.spec import EditorKind, FieldSpec
from dnnstudio.gui.widgets import CommitField
from dnnstudio.gui.widgets.inputs.numbers import Limits, Number


@dataclass
class FormUser:
    """A person at a form that is shown; every edit told of is applied and shown, as a document does."""

    form: OptionForm
    told: list[tuple[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.form.edited.connect(self._apply)

    @property
    def record(self) -> Option:
        return self.form.value()[0]

    def _apply(self, path: str, value: object) -> None:
        self.told.append((path, value))
        self.form.set_value([replaced_at(record, path, value) for record in self.form.value()])

    def type(self, line: CommitField, text: str) -> None:
        """Type over what stands there and press Return."""
        line.selectAll()
        QTest.keyClick(line, Qt.Key.Key_Delete)
        QTest.keyClicks(line, text)
        QTest.keyClick(line, Qt.Key.Key_Return)

    def line(self, path: str) -> CommitField:
        """The line in which a path is typed."""
        editor = self.form.row(path).editor
        if isinstance(editor, NestedEditor):
            return editor.fields[path.rpartition(".")[2]]
        assert isinstance(editor, NumberEditor | TextEditor)
        return editor.field

    def choose_kind(self, path: str, kind: type[Option] | None) -> None:  # type: ignore[valid-type]
        """Choose the kind of a nested record: in the combo, in the menu of the label, or by the switch."""
        row = self.form.row(path)
        assert isinstance(row.editor, NestedEditor)
        if row.editor.combo is not None:
            row.editor.combo.choose(kind)
        elif row.editor.toggle is not None:
            row.editor.toggle.click()
        else:
            menu = row.stops()[0].menu()
            next(action for action in menu.actions() if action.data().value is kind).trigger()

    def set_other(self, path: str) -> object:
        """Give the field at a path another value that is allowed, and return the value meant."""
        spec = self.spec(path)
        before = value_at(self.record, path)
        editor = self.form.row(path).editor
        if isinstance(editor, ToggleEditor):
            editor.toggle.click()
            return not before
        if isinstance(editor, ChoiceEditor):
            wanted = next(choice.value for choice in spec.choices if choice.value != before)
            editor.choose(wanted)
            return wanted
        if isinstance(editor, PathEditor):
            editor.ask = lambda _start: "/data/other.npz"
            editor.button.click()
            return "/data/other.npz"
        if isinstance(editor, NumberEditor) and editor.toggle is not None and before is None:
            editor.toggle.click()
        value, text = other_value(spec, before)
        self.type(self.line(path), text)
        return value

    def spec(self, path: str) -> FieldSpec:
        row = self.form.row(path)
        if row.planned.path == path:
            return row.planned.spec
        return next(child for child in row.planned.inline if child.name == path.rpartition(".")[2])


def other_value(spec: FieldSpec, before: Any) -> tuple[object, str]:
    """Another value that the field allows, and how it is typed."""
    if spec.editor is EditorKind.NUMBER:
        number = other_number(spec.limits, spec.integer, before)
        return number, str(number)
    if spec.editor is EditorKind.TEXT:
        return "another_name", "another_name"
    start = before if isinstance(before, tuple) else (1,) * (spec.length or 2)
    changed = tuple(int(number) + 1 if spec.integer else number * 1.5 for number in start)
    return changed, ", ".join(str(number) for number in changed)


def other_number(limits: Limits, integer: bool, before: Number | None) -> Number:
    candidates: tuple[Number, ...] = (7, 3, 0, 1) if integer else (0.25, 0.5, 1.5, 2.5, 12.5)
    return next(number for number in candidates if limits.allow(number) and number != before)


def fields_of(kind: type[Option]) -> list[str]:
    """The fields that a form must offer: all but the kind itself and lists of records or texts, edited elsewhere."""
    return [
        name
        for name, field in kind.model_fields.items()
        if name != "kind" and not _is_list_of_records(field.annotation) and not _is_list_of_texts(field.annotation)
    ]


def _is_list_of_records(annotation: Any) -> bool:
    return get_origin(annotation) is tuple and bool(option_kinds(annotation))


def _is_list_of_texts(annotation: Any) -> bool:
    return any(get_origin(part) is tuple and str in get_args(part) for part in (annotation, *get_args(annotation)))
