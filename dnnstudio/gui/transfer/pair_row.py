"""One row of the transfer dialog: a source layer, how it is reused, and the layer of the new network."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from dnnstudio.core.analysis.reuse_planner import Line
from dnnstudio.core.experiment.layers import Layer, WeightedLayer, activation_label
from dnnstudio.core.experiment.shapes import LayerShape
from dnnstudio.gui.stack.rows import ORIGINS
from dnnstudio.gui.theme import Role, Theme, set_help, set_reason, set_state
from dnnstudio.gui.transfer.layer_cell import HEIGHT, Cell, LayerCell
from dnnstudio.gui.widgets import Choice, ElidedLabel, Segmented, label

MODES = (
    Choice("clone", "Clone", "A copy of the trained weights, which then goes its own way.", "copy"),
    Choice("share", "Share", "One layer in both networks: what one learns changes the other too.", "link-simple"),
    Choice("new", "New", "Fresh weights, as from scratch.", "sparkle"),
)
GAP = 58
"""Room for the lines left and right of the controls."""
MIDDLE = 326
FROZEN_WIDTH = 84
INFERENCE = "Frozen, a batch normalization uses the averages that it has learnt (inference mode) and moves none."


class PairRow(QWidget):
    """Shows one `Line`. `mode_chosen` carries "clone", "share" or "new", `frozen_chosen` whether it is frozen."""

    mode_chosen = Signal(str)
    frozen_chosen = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.line: Line | None = None
        self.setFixedHeight(HEIGHT)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self.source, self.target = LayerCell(theme), LayerCell(theme)
        self.modes = Segmented(theme, MODES)
        self.modes.setMinimumWidth(234)
        self.modes.chosen.connect(lambda value: self.mode_chosen.emit(str(value)))
        self.frozen = QPushButton("Trains")
        self.frozen.setProperty("role", str(Role.FIELD))
        self.frozen.setCheckable(True)
        self.frozen.setAutoDefault(False)
        self.frozen.setFixedWidth(FROZEN_WIDTH)
        self.frozen.setIconSize(QSize(14, 14))
        self.frozen.clicked.connect(self.frozen_chosen)
        self.note = ElidedLabel("", Role.CAPTION)
        self.note.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._middle = QWidget()
        self._middle.setFixedWidth(MIDDLE)
        column = QVBoxLayout(self._middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        controls = QHBoxLayout()
        controls.setContentsMargins(0, 0, 0, 0)
        controls.setSpacing(8)
        controls.addWidget(self.modes)
        controls.addWidget(self.frozen)
        self._plain = label("", Role.CAPTION)
        self._plain.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addStretch(1)
        column.addWidget(self._plain)
        column.addLayout(controls)
        column.addWidget(self.note)
        column.addStretch(1)
        row.addWidget(self.source, 1)
        row.addSpacing(GAP)
        row.addWidget(self._middle)
        row.addSpacing(GAP)
        row.addWidget(self.target, 1)

    def show_line(self, line: Line, *, frozen: bool, phase: str, is_output: bool) -> None:
        """Show a line as it is in the phase named `phase` ("phase 1"; "" if there are no phases)."""
        self.line = line
        self._name(line)
        self.source.show_cell(_source_cell(line, is_output))
        self.target.show_cell(_target_cell(line, is_output, frozen))
        weighted = line.target is not None and bool(line.target.variables)
        self.modes.setVisible(weighted)
        self.frozen.setVisible(weighted)
        self._plain.setVisible(not weighted)
        self._plain.setText(_plain_words(line))
        self.note.setVisible(weighted and bool(line.misfit))
        self.note.setText(line.misfit.partition(": ")[2] or line.misfit)
        if weighted:
            self._show_modes(line)
            self._show_frozen(line, frozen, phase)
        self.update()

    def _name(self, line: Line) -> None:
        name = line.layer or (line.source.layer.id if line.source is not None else "")
        self.setObjectName(f"pair_{name}")
        weighted = line.target is not None and bool(line.target.variables)
        mode = next((choice.label for choice in MODES if choice.value == line.mode), "")
        self.setAccessibleName(f"{name}: {mode.lower() if weighted else _plain_words(line)}")
        self.modes.setObjectName(f"modes_{name}")
        self.modes.setAccessibleName(f"How {name} is reused")
        for choice in MODES:
            self.modes.button(choice.value).setObjectName(f"{choice.value}_{name}")
        self.frozen.setObjectName(f"frozen_{name}")

    def _show_modes(self, line: Line) -> None:
        self.modes.set_value(line.mode)
        reasons = {
            "clone": line.misfit,
            "share": line.misfit or line.unshareable,
            "new": "",
        }
        for choice in MODES:
            button, reason = self.modes.button(choice.value), reasons[str(choice.value)]
            # The chosen mode stays enabled even if it is impossible, so that the user can change it.
            set_help(button, f"{reason}." if reason and line.mode == choice.value else choice.help)
            set_reason(button, f"{reason}." if reason and line.mode != choice.value else "")
            button.setAccessibleDescription(button.toolTip())

    def _show_frozen(self, line: Line, frozen: bool, phase: str) -> None:
        assert line.target is not None
        layer: Layer = line.target.layer
        never = isinstance(layer, WeightedLayer) and not layer.trainable
        self.frozen.setChecked(frozen or never)
        self.frozen.setText("Frozen" if frozen or never else "Trains")
        self.frozen.setIcon(self._theme.icon("lock" if frozen or never else "lock-open", "text2", on="accent"))
        where = f"In {phase} " if phase else ""
        if never:
            tip = "This layer is frozen in all of the training; its form in the main window says so."
        elif not phase:
            tip = "Add a phase to freeze layers for a part of the training."
        elif frozen:
            tip = f"{where}its weights stay as they are. Press to let it learn."
            tip += f" {INFERENCE}" if layer.averages_over == "batch" else ""
        elif line.reused:
            tip = f"{where}it learns. Press to freeze it."
        else:
            tip = "A new layer has nothing to keep, so it learns."
        can = bool(phase) and not never and (line.reused or frozen)
        set_help(self.frozen, tip if can else "")
        set_reason(self.frozen, "" if can else tip)
        self.frozen.setAccessibleName(f"{line.layer} {'frozen' if frozen else 'trains'}")
        self.frozen.setAccessibleDescription(tip)
        set_state(self.frozen, "held", frozen)

    # ------------------------------------------------------------------------------------------ Qt

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.line is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = HEIGHT / 2
        left = (self.source.geometry().right() + 3.0, self._middle.geometry().left() - 2.0)
        right = (self._middle.geometry().right() + 3.0, self.target.geometry().left() - 2.0)
        if not self.modes.isVisibleTo(self):
            left, right = (left[0], left[1] - 4), (right[0] + 4, right[1])
        paint_lines(painter, self._theme, self.line, left, right, middle)


def paint_lines(
    painter: QPainter, theme: Theme, line: Line, left: tuple[float, float], right: tuple[float, float], y: float
) -> None:
    """The connecting lines of one row, at height `y`: one for a clone, two for a shared layer, dots for none."""
    accent, amber, quiet = theme.color("accent"), theme.color("hint_dot"), theme.color("strong")
    if line.mode == "clone":
        painter.setPen(QPen(accent, 2))
        painter.drawLine(QLineF(left[0], y, left[1], y))
        painter.drawLine(QLineF(right[0], y, right[1] - 8, y))
        _arrow(painter, accent, right[1], y)
    elif line.mode == "share":
        painter.setPen(QPen(amber, 1.6))
        for offset in (-2.5, 2.5):
            painter.drawLine(QLineF(left[0] + 8, y + offset, left[1], y + offset))
            painter.drawLine(QLineF(right[0], y + offset, right[1] - 8, y + offset))
        _arrow(painter, amber, left[0], y, to_the_left=True)
        _arrow(painter, amber, right[1], y)
    else:
        pen = QPen(quiet, 1.4)
        pen.setDashPattern([1.5, 2.5])
        painter.setPen(pen)
        if line.source is not None:
            painter.drawLine(QLineF(left[0], y, left[1] - (12 if line.mode == "new" else 0), y))
        if line.target is not None:
            painter.drawLine(QLineF(right[0], y, right[1] - 9, y))
        if line.mode == "new" and line.source is not None:
            _cross(painter, theme.color("text2"), left[1] - 6, y)
        if line.target is not None:
            _arrow(painter, quiet, right[1], y)


def _arrow(painter: QPainter, color: QColor, x: float, y: float, *, to_the_left: bool = False) -> None:
    back = 9 if to_the_left else -9
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawPolygon(QPolygonF([QPointF(x, y), QPointF(x + back, y - 5.5), QPointF(x + back, y + 5.5)]))
    painter.restore()


def _cross(painter: QPainter, color: QColor, x: float, y: float) -> None:
    painter.setPen(QPen(color, 1.6))
    painter.drawLine(QLineF(x - 4, y - 4, x + 4, y + 4))
    painter.drawLine(QLineF(x - 4, y + 4, x + 4, y - 4))


def _plain_words(line: Line) -> str:
    if line.target is None:
        return "left out"
    if line.source is None:
        return "new; it has no weights"
    return "reused as it is: no weights"


def _source_cell(line: Line, is_output: bool) -> Cell:
    row = line.source
    if row is None:
        return Cell(None, absent="not in the source")
    unused = line.target is None or (bool(row.variables) and not line.reused)
    return Cell(row, _icon(row, is_output), _caption(row), faded=unused)


def _target_cell(line: Line, is_output: bool, frozen: bool) -> Cell:
    row = line.target
    if row is None:
        return Cell(None, absent="not in this network")
    badge = {"share": ORIGINS["shared"], "new": ORIGINS["new"]}.get(line.mode)
    never = isinstance(row.layer, WeightedLayer) and not row.layer.trainable
    return Cell(row, _icon(row, is_output), _caption(row), frozen or never, badge)


def _icon(row: LayerShape, is_output: bool) -> str:
    return "target" if is_output and "units" in type(row.layer).model_fields else row.layer.icon


def _caption(row: LayerShape) -> str:
    """ "300 · ELU" for a Dense, without the initializer, which matters little here; else the stack's caption."""
    units, activation = getattr(row.layer, "units", None), getattr(row.layer, "activation", None)
    if units is not None:
        return f"{units:,} · {activation_label(activation) if activation else 'no activation'}"
    return row.layer.caption(row.input_shape) or row.layer.label
