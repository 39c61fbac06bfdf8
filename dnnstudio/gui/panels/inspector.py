"""The options of the selected layers as a form, with advice."""

from __future__ import annotations

import sys

from PySide6.QtCore import QEvent, QObject, QPoint, QRegularExpression, Qt, Signal
from PySide6.QtGui import QKeyEvent, QRegularExpressionValidator, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.core.analysis.checks import Problem
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.layers import Layer, WeightedLayer, times
from dnnstudio.core.experiment.shapes import LayerShape
from dnnstudio.core.text import count_of
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.stack_commands import NAME_PATTERN, StackCommands
from dnnstudio.gui.forms import OptionForm
from dnnstudio.gui.panels.option_panel import title_at
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import ElidedLabel, IconLabel, MiniButton, label, rule
from dnnstudio.gui.widgets.advice_list import AdviceList
from dnnstudio.gui.widgets.windows.fit_scroll import FitScroll

LEFT_OUT = ("id", "enabled")
"""Fields that are edited elsewhere: the name in the head, on and off in the menu."""
NO_LAYER = "Select a layer in the stack to see its options, or add one."
NO_COMMON = "These kinds of layer have no option in common. Select fewer to edit them together."
NARROW_BELOW = 270
"""On a card narrower than this, contents are reduced and texts shortened."""


class InspectorPanel(QWidget):
    """The form of the selected layers; an edit changes all of them in one undo step. `failed` carries a `UserError`."""

    failed = Signal(object)
    vary_requested = Signal(str)

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("inspector_panel")
        self.setAccessibleName("Layer")
        self._document = document
        self._theme = theme
        self._commands = StackCommands(document)
        self._make_head()
        self._make_body()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._head)
        column.addWidget(self.nothing_selected)
        column.addWidget(self.area)
        column.addStretch(1)
        document.experiment_changed.connect(self.refresh)
        document.summary_changed.connect(self.refresh)
        document.selection_changed.connect(self.refresh)
        self.refresh()

    # ------------------------------------------------------------------------------------------------- making

    def _make_head(self) -> None:
        theme = self._theme
        self._head = QWidget()
        row = QHBoxLayout(self._head)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self._icon = IconLabel(theme, "stack", color="accent")
        self.name = ElidedLabel("", Role.TITLE)
        self.name.setObjectName("layer_name")
        self.name.set_hint("Double-click or press F2 to rename")
        self.name.installEventFilter(self)
        self.name_editor = QLineEdit()
        self.name_editor.setObjectName("layer_name_field")
        self.name_editor.setAccessibleName("Name of the layer")
        self.name_editor.setValidator(QRegularExpressionValidator(QRegularExpression(NAME_PATTERN), self))
        self.name_editor.editingFinished.connect(self._finish_renaming)
        self.name_editor.installEventFilter(self)
        self.name_editor.hide()
        self.kind = ElidedLabel("", Role.CAPTION)
        self.kind.setObjectName("layer_kind")
        self.lock = MiniButton(theme, "lock-open", "Freeze: keep the weights as they are")
        self.lock.setObjectName("layer_lock")
        self.lock.clicked.connect(lambda: self._attempt(self._commands.toggle_frozen))
        self.copy = MiniButton(theme, "copy", "Duplicate (Ctrl+D)")
        self.copy.setObjectName("layer_duplicate")
        self.copy.clicked.connect(lambda: self._attempt(self._commands.duplicate))
        self.more = MiniButton(theme, "dots-three", "More that can be done with this layer")
        self.more.setObjectName("layer_more")
        self.more.clicked.connect(self._show_menu)
        for part in (self._icon, self.name, self.name_editor, self.kind):
            row.addWidget(part)
        row.addStretch(1)
        for button in (self.lock, self.copy, self.more):
            row.addWidget(button)
        self._head.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._head.setMinimumHeight(24)

    def _make_body(self) -> None:
        self.nothing_selected = label(NO_LAYER, Role.CAPTION, wrap=True)
        self.nothing_selected.setObjectName("nothing_selected")
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.form = OptionForm(self._theme, exclude=LEFT_OUT)
        self.form.setObjectName("layer_form")
        self.form.edited.connect(self._edit)
        self.form.vary_requested.connect(self._vary)
        self.advice = AdviceList(self._document, self._theme, self._concerns)
        self.advice.failed.connect(self.failed)
        self._rule = rule()
        self.weights = label("", Role.CAPTION, wrap=True)
        self.weights.setObjectName("layer_weights")
        for part in (self.form, self.advice, self._rule, self.weights):
            column.addWidget(part)
        column.addStretch(1)
        self.area = FitScroll(content)

    def _vary(self, path: str) -> None:
        for layer in self._document.selected_layers[:1]:
            self.vary_requested.emit(f"layers.{layer.id}.{path}")

    # ------------------------------------------------------------------------------------------------ showing

    def refresh(self, _: object = None) -> None:
        """Show the selected layers."""
        layers = self._document.selected_layers
        for part in (self.lock, self.copy, self.more, self.area):
            part.setVisible(bool(layers))
        self.nothing_selected.setText(NO_COMMON if layers else NO_LAYER)
        self.nothing_selected.setVisible(not layers)
        if self.name_editor.isVisible():
            self._show_editor(False)
        if not layers:
            self._show_head("stack", "No layer selected", "")
            self.advice.refresh()
            return
        one = layers[0] if len(layers) == 1 else None
        kinds = {type(layer) for layer in layers}
        kind = layers[0].label if len(kinds) == 1 else "several kinds"
        self._show_head(one.icon if one else "stack", one.id if one else count_of(len(layers), "layer"), kind)
        self._show_lock(layers)
        self.form.set_value(layers[0] if one else list(layers))
        self.nothing_selected.setVisible(not one and not self.form.paths())
        self.advice.refresh()
        self.form.set_marks(self.marks())
        self._show_counts()

    def _show_head(self, icon: str, name: str, kind: str) -> None:
        self._icon.set_icon(icon)
        self.name.setText(name)
        self.kind.setText(kind)
        self.kind.setVisible(bool(kind))

    def _show_lock(self, layers: tuple[Layer, ...]) -> None:
        weighted = [layer for layer in layers if isinstance(layer, WeightedLayer)]
        frozen = bool(weighted) and all(not layer.trainable for layer in weighted)
        self.lock.setVisible(bool(weighted))
        self.lock.set_icon("lock" if frozen else "lock-open", "accent" if frozen else "text2")
        self.lock.set_tip("Unfreeze: let it learn again" if frozen else "Freeze: keep the weights as they are")

    def _show_counts(self) -> None:
        rows = self._selected_shapes()
        count, narrow = sum(row.count for row in rows), self.width() < NARROW_BELOW
        word = "params" if narrow else "parameters" if count != 1 else "parameter"
        known = all(row.input_shape is not None and not row.error for row in rows)
        self.form.set_note("trainable", f"{count:,} {word}" if known else "")
        sizes = weights_text(rows[0]) if len(rows) == 1 else ""
        self.weights.setText(sizes)
        self.weights.setVisible(bool(sizes) and narrow)
        self._rule.setVisible(bool(sizes) and narrow)

    def _selected_shapes(self) -> list[LayerShape]:
        chosen = set(self._document.selection)
        return [row for row in self._document.shapes if row.layer.id in chosen]

    def _concerns(self, problem: Problem) -> bool:
        chosen = self._document.selection
        return problem.place in chosen or any(layer_id in chosen for layer_id in problem.layers)

    def marks(self) -> dict[str, str]:
        marks: dict[str, str] = {}
        for problem in self.advice.problems:
            if problem.field and marks.get(problem.field) != "error":
                marks[problem.field] = "error" if problem.severity == "error" else "hint"
        return marks

    # ----------------------------------------------------------------------------------------------- changing

    def _edit(self, path: str, value: object) -> None:
        layers = self._document.selected_layers
        if not path and len(layers) == 1 and isinstance(value, Layer):
            self._attempt(lambda: self._commands.replace(layers[0].id, value))
        elif path:
            ids = [layer.id for layer in layers]
            self._attempt(lambda: self._commands.change(ids, title_at(layers[0], path), path, value))

    def _attempt(self, deed: object) -> None:
        assert callable(deed)
        try:
            deed()
        except UserError as error:
            self.failed.emit(error)
            self.refresh()

    def take_focus(self) -> None:
        """Focus the first field, of those under More only if there is no other."""
        paths = self.form.paths() if self._document.selection else ()
        if paths:
            self.form.focus_field(min(paths, key=lambda path: self.form.row(path).planned.advanced))

    def edit_name(self) -> None:
        """Open the name field."""
        if len(self._document.selection) == 1:
            self.name_editor.setText(self._document.selection[0])
            self._show_editor(True)
            self.name_editor.selectAll()
            self.name_editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_editor(self, shown: bool) -> None:
        self.name_editor.setVisible(shown)
        self.name.setVisible(not shown)

    def _finish_renaming(self) -> None:
        if self.name_editor.isVisible():
            self._show_editor(False)
            chosen = self._document.selection
            if len(chosen) == 1:
                self._attempt(lambda: self._commands.rename(chosen[0], self.name_editor.text()))

    def _show_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.fill_menu(menu)
        menu.popup(self.more.mapToGlobal(QPoint(0, self.more.height() + 4)))

    def fill_menu(self, menu: QMenu) -> None:
        """Add the commands on the selected layers to the menu."""
        do, layers = self._commands, self._document.selected_layers
        rename = menu.addAction("Rename…", self.edit_name)
        set_reason(rename, "" if len(layers) == 1 else "Several layers are chosen. Choose one.")
        on = all(layer.enabled for layer in layers)
        menu.addAction("Switch off" if on else "Switch on", lambda: self._attempt(do.toggle_enabled))
        menu.addSeparator()
        menu.addAction("Copy", lambda: self._attempt(do.copy))
        menu.addAction("Duplicate", lambda: self._attempt(do.duplicate))
        menu.addAction("Reset to Keras's defaults", lambda: self._attempt(self._reset))
        menu.addSeparator()
        menu.addAction("Delete", lambda: self._attempt(do.remove))

    def _reset(self) -> None:
        """Reset every field that has a default; required fields are unchanged."""
        experiment = self._document.experiment
        for layer in self._document.selected_layers:
            defaults = {
                name: field.get_default(call_default_factory=True)
                for name, field in type(layer).model_fields.items()
                if not field.is_required() and name not in ("kind", "enabled")
            }
            experiment = edits.replace_layer(experiment, layer.id, **defaults)
        self._document.push(experiment, "Reset to defaults")

    # -------------------------------------------------------------------------------------------- Qt's events

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.name and event.type() == QEvent.Type.MouseButtonDblClick:
            self.edit_name()
            return True
        pressed = event.key() if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) else None
        if watched is self.name_editor and pressed == Qt.Key.Key_Escape:
            self._show_editor(False)
            return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F2:
            self.edit_name()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._document.selection:
            self._show_counts()


def weights_text(row: LayerShape) -> str:
    """ "Weights 300 × 100 + 100", in the order of the layer's arrays."""
    return f"Weights {' + '.join(times(variable.shape) for variable in row.variables)}" if row.variables else ""


if __name__ == "__main__":
    from dnnstudio.gui.widgets.alone import show_alone

    sys.exit(show_alone(InspectorPanel, 320))
