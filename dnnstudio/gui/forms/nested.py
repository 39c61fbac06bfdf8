"""The editor of a field that contains another record: its kind, and up to two of its numbers in the same row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.experiment.fields import Option
from dnnstudio.gui.forms.editors import MIXED, Editor, all_equal, field_name, number_field
from dnnstudio.gui.forms.spec import FieldSpec, kind_choices, specs_of
from dnnstudio.gui.theme import Role, Theme, set_role
from dnnstudio.gui.widgets import ComboBox, NumberField, Toggle, label


def changed_kind(before: object, kind: type[Option] | None) -> Option | None:
    """A new record of a kind that keeps the old one's values of the same name: a seed, a standard deviation."""
    if kind is None:
        return None
    fresh = kind.new()
    if not isinstance(before, Option):
        return fresh
    plain = type(before).new()
    old = {spec.name: spec for spec in specs_of(type(before))}
    kept: dict[str, Any] = {}
    for spec in specs_of(kind):
        if spec.name in old and spec.like(old[spec.name]):
            value = getattr(before, spec.name)
            if value != getattr(plain, spec.name):
                kept[spec.name] = value
    try:
        return fresh.replaced(**kept)
    except ValueError:
        return fresh


class NestedEditor(Editor):
    """A combo box of kinds, or a switch for a single optional kind, or neither; then up to two numbers."""

    child_edited = Signal(str, object)
    """Name of a field of the nested record, and its new value."""

    def __init__(self, theme: Theme, spec: FieldSpec, path: str, *, combo: bool, inline: Sequence[FieldSpec]) -> None:
        super().__init__(spec, path)
        self._theme = theme
        self._values: tuple[object, ...] = (None,)
        self.combo: ComboBox | None = None
        self.toggle: Toggle | None = None
        if combo:
            self.combo = ComboBox(kind_choices(spec.kinds, optional=spec.optional))
            self._name(self.combo)
            self.combo.chosen.connect(self.choose_kind)
            self.line.addWidget(self.combo, 5)
        elif spec.optional and spec.usual is None:
            self.toggle = Toggle(theme)
            self._name(self.toggle)
            self.toggle.clicked.connect(lambda on: self.choose_kind(spec.kinds[0] if on else None))
            self.line.addWidget(self.toggle)
        self.line.setSpacing(5)
        self.fields: dict[str, NumberField] = {}
        self._after: list[QWidget] = []
        self.set_inline(inline)

    def set_inline(self, inline: Sequence[FieldSpec]) -> None:
        """Set the numbers in the row."""
        for widget in self._after:
            self.line.removeWidget(widget)
            widget.blockSignals(True)  # a field that loses the focus would commit text for a record that is gone
            widget.hide()
            widget.deleteLater()
        self._after.clear()
        self.fields.clear()
        for child in inline:
            self._add_number(child, titled=len(inline) > 1)
        if self.combo is None and not inline:
            filler = QWidget()
            self._after.append(filler)
            self.line.addWidget(filler, 1)

    def show_values(self, values: Sequence[object]) -> None:
        self._values = tuple(values)
        kinds = [type(value) if value is not None else None for value in values]
        same = all(kind is kinds[0] for kind in kinds)
        if self.combo is not None:
            self.combo.set_value(kinds[0] if same else object(), placeholder="" if same else MIXED)
            kind = kinds[0] if same else None
            self.combo.setToolTip(kind.help if isinstance(kind, type) and issubclass(kind, Option) else self.spec.help)
        if self.toggle is not None:
            if same:
                self.toggle.set_value(kinds[0] is not None)
            else:
                self.toggle.set_mixed()
        usual = self.spec.usual.new() if self.spec.usual is not None else None
        for name, field in self.fields.items():
            numbers = [getattr(usual if value is None else value, name, None) for value in values]
            equal = all_equal(numbers)
            field.set_value(numbers[0] if equal else None, placeholder="" if equal else MIXED)

    def choose_kind(self, kind: object) -> None:
        """Choose a kind like a user; None is off."""
        before = next((value for value in self._values if value is not None), None)
        assert kind is None or (isinstance(kind, type) and issubclass(kind, Option))
        self.edited.emit(changed_kind(before, kind))

    def refuse_child(self, name: str, sentence: str) -> None:
        """Show below the row why one of the numbers is impossible."""
        self.fields[name].refuse(sentence)

    def set_mark(self, mark: str) -> None:
        if self.combo is not None:
            self.combo.set_mark(mark)
        else:
            for field in self.fields.values():
                field.set_mark(mark)

    def set_child_mark(self, name: str, mark: str) -> None:
        self.fields[name].set_mark(mark)

    def stops(self) -> tuple[QWidget, ...]:
        first: tuple[QWidget, ...] = tuple(widget for widget in (self.combo, self.toggle) if widget is not None)
        return first + tuple(self.fields.values())

    def _add_number(self, child: FieldSpec, *, titled: bool) -> None:
        field = number_field(self._theme, child, arrows=False)
        set_role(field, Role.INLINE)
        field.setMinimumWidth(50 if titled else 44)
        field.setObjectName(field_name(f"{self.path}.{child.name}"))
        field.setAccessibleName(f"{self.spec.title}: {child.title}")
        field.setAccessibleDescription(child.help)
        field.setToolTip(child.help)
        if titled:
            title = label(child.title, Role.SMALL)
            title.setBuddy(field)
            self.line.addWidget(title)
            self._after.append(title)
        self.line.addWidget(field, 2)
        self.fields[child.name] = field
        self._after.append(field)
        if child.unit:
            unit = label(child.unit, Role.CAPTION)
            self.line.addWidget(unit)
            self._after.append(unit)
        name = child.name
        field.committed.connect(lambda value: self.child_edited.emit(name, value))
        field.problem_changed.connect(self.problem_changed)
