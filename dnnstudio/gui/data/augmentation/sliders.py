"""Sliders for the fields of an option whose numbers have limits, made from the fields alone."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QSlider, QWidget

from dnnstudio.core.experiment.fields import Option
from dnnstudio.core.text import percent
from dnnstudio.gui.forms.spec import EditorKind, FieldSpec, specs_of
from dnnstudio.gui.theme import Role
from dnnstudio.gui.widgets import ComboBox, label
from dnnstudio.gui.widgets.inputs.numbers import text_of

STEPS = 100
"""Positions of a slider between its lower and upper limit."""
VALUE_WIDTH = 76


class OptionSliders(QWidget):
    """One row a field: a slider for a number from `ge` to `le`, a list for a choice.

    `edited(name, value)` requests a change; `set_value` shows its result.
    """

    edited = Signal(str, object)

    def __init__(self, kind: type[Option], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sliders: dict[str, QSlider] = {}
        self.lists: dict[str, ComboBox] = {}
        self._values = {}
        self._specs = {spec.name: spec for spec in specs_of(kind)}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(10)
        grid.setColumnStretch(1, 1)
        for row, spec in enumerate(self._specs.values()):
            title = label(spec.title, Role.FORM)
            title.setToolTip(spec.help)
            grid.addWidget(title, row, 0)
            if spec.editor is EditorKind.NUMBER:
                grid.addWidget(self._slider(spec), row, 1)
                value = self._values[spec.name] = label("", Role.CAPTION)
                value.setMinimumWidth(VALUE_WIDTH)
                value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                grid.addWidget(value, row, 2)
            elif spec.editor is EditorKind.CHOICE:
                grid.addWidget(self._list(spec), row, 1, 1, 2)
            else:
                raise TypeError(f"{kind.__name__}.{spec.name} is neither a number nor a choice")

    def _slider(self, spec: FieldSpec) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setObjectName(f"augment_{spec.name}")
        slider.setAccessibleName(f"{spec.title}{f', {spec.unit}' if spec.unit else ''}")
        slider.setToolTip(spec.help)
        slider.setRange(0, STEPS)
        slider.setPageStep(STEPS // 10)
        slider.setMinimumHeight(22)
        slider.valueChanged.connect(lambda place: self.edited.emit(spec.name, _value_at(spec, place)))
        self.sliders[spec.name] = slider
        return slider

    def _list(self, spec: FieldSpec) -> ComboBox:
        choices = ComboBox(spec.choices)
        choices.setObjectName(f"augment_{spec.name}")
        choices.setAccessibleName(spec.title)
        choices.setToolTip(spec.help)
        choices.chosen.connect(lambda value: self.edited.emit(spec.name, value))
        self.lists[spec.name] = choices
        return choices

    def set_value(self, option: Option) -> None:
        """Show the fields of `option`; nothing is emitted. A value between two positions is shown at the nearer."""
        for name, slider in self.sliders.items():
            spec, value = self._specs[name], getattr(option, name)
            blocked = slider.blockSignals(True)
            if _value_at(spec, slider.value()) != value:
                slider.setValue(_place_of(spec, value))
            slider.blockSignals(blocked)
            self._values[name].setText(_text(spec, value))
        for name, choices in self.lists.items():
            choices.set_value(getattr(option, name))


def _limits(spec: FieldSpec) -> tuple[float, float]:
    lower, upper = spec.limits.lower, spec.limits.upper
    assert lower is not None and upper is not None, f"{spec.name} has no limits that a slider could have"
    return float(lower), float(upper)


def _value_at(spec: FieldSpec, place: int) -> float:
    lower, upper = _limits(spec)
    return round(lower + (upper - lower) * place / STEPS, 6)


def _place_of(spec: FieldSpec, value: float) -> int:
    lower, upper = _limits(spec)
    return round((value - lower) / (upper - lower) * STEPS)


def _text(spec: FieldSpec, value: float) -> str:
    if value == 0:
        return "none"
    if spec.unit:
        return f"± {value:g} {spec.unit}"
    return f"± {percent(value)}" if _limits(spec)[1] <= 1 else text_of(value)
