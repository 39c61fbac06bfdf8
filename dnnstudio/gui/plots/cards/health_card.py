"""The card of layer health: one figure of every layer over the training, the diagnosis, and its remedy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QSizePolicy, QWidget

from dnnstudio.core.analysis.checks import Fix
from dnnstudio.core.analysis.layer_health import LayerHealth, Verdict, cures, judge
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.events import HealthMeasured
from dnnstudio.core.text import percent
from dnnstudio.core.ticks import FARTHEST, NEAREST
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.plots.heat import COLUMNS, HeatRow, HeatTiles, Scale
from dnnstudio.gui.theme import Role, Theme, set_role
from dnnstudio.gui.widgets import Card, Choice, ComboBox, ElidedLabel, IconLabel, WarningStrip, label, push_button

NARROW = 300
"""In a card narrower than this the verdict and its cure stand in two lines."""
WAITING = "Measured on 64 rows while a network trains: is every layer learning?"
SWITCHED_OFF = "Layer health is switched off in the tab Training."
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure per layer: its source and its labels; `share` for 0 to 100 %."""

    key: str
    title: str
    value: Callable[[LayerHealth], float | None]
    help: str
    share: bool = False


def _stuck(layer: LayerHealth) -> float | None:
    return layer.dead if layer.dead is not None else layer.saturated


FIGURES = (
    Figure(
        "gradient_norm", "gradient norm", lambda layer: layer.gradient_norm, "How steep the loss is for each layer."
    ),
    Figure(
        "update_ratio",
        "update to weight",
        lambda layer: layer.update_ratio,
        "How far a step moves the weights, against their size: about 0.001 is usual.",
    ),
    Figure("outputs", "outputs", lambda layer: layer.std, "How the outputs are spread, with mean and deviation."),
    Figure("stuck", "dead or saturated", _stuck, "Units without a slope that could change them.", share=True),
)


def number(value: float | None) -> str:
    """ "0.041", "3e-6": two digits."""
    if value is None or not np.isfinite(value):
        return "–"
    if value and not 1e-3 <= abs(value) < 1e4:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.2g}" if abs(value) < 100 else f"{value:,.0f}"


def power(exponent: int) -> str:
    """ "10⁻⁴", and "1" for 10⁰."""
    return "1" if exponent == 0 else "10" + str(exponent).translate(SUPERSCRIPTS)


class HealthCard(Card):
    """Follows a training's `HealthMeasured` events. A remedy is one undo step; `failed` carries a `UserError`."""

    failed = Signal(object)

    def __init__(self, theme: Theme, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Layer health", parent=parent)
        self.setObjectName("health_card")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._document = document
        self._epochs = 1
        self._columns: list[tuple[LayerHealth, ...] | None] = []
        self.verdict = Verdict("healthy")
        self._figure = FIGURES[0]
        self._offered: tuple[str, Experiment, tuple[Fix, ...]] | None = None
        """A condition, an experiment, and the cures of both."""
        self.choice = ComboBox([Choice(figure.key, figure.title, figure.help) for figure in FIGURES])
        self.choice.setObjectName("health_figure")
        self.choice.setAccessibleName("Figure of the layer health")
        set_role(self.choice, Role.FLAT)
        self.choice.setMinimumWidth(64)
        self.head.keep_title()
        self.choice.chosen.connect(self.set_figure)
        self._icon = IconLabel(theme, "check-circle-fill", size=14, color="good_dot")
        self._words = ElidedLabel("", Role.CAPTION)
        self._words.setObjectName("health_verdict")
        self.head.add(self.choice)
        self._line = QWidget()
        line = QHBoxLayout(self._line)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        line.addWidget(self._icon)
        line.addWidget(self._words, 1)
        self._empty = label(WAITING, Role.CAPTION, wrap=True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.tiles = HeatTiles(theme)
        self._area = QScrollArea()
        self._area.setWidget(self.tiles)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tiles.setProperty("role", "clear")
        self.strip = WarningStrip(theme)
        self.strip.setObjectName("health_advice")
        self.strip.fix_requested.connect(self._apply_cure)
        self.cure_button = push_button("", Role.FIX)
        self.cure_button.setObjectName("health_cure")
        self.cure_button.clicked.connect(self._apply_cure)
        self.add(self._empty, 1)
        self.add(self._area, 1)
        self.add(self._line)
        self.add(self.cure_button)
        self.add(self.strip)
        document.experiment_changed.connect(self._show_cure)
        self.clear()

    # ------------------------------------------------------------------------------------------ what is shown

    def clear(self) -> None:
        """Remove all measurements."""
        self._columns = []
        self.verdict = Verdict("healthy")
        on = self._document.experiment.training.layer_health
        self._empty.setText(WAITING if on else SWITCHED_OFF)
        self.refresh()

    def begin(self, epochs: int) -> None:
        """A training of this many epochs begins."""
        self._epochs = max(epochs, 1)
        self.clear()

    def add_measurement(self, event: HealthMeasured) -> None:
        """Add a measurement of a training; `refresh` shows it."""
        column = min(int(np.ceil(event.epoch / self._epochs * COLUMNS)) - 1, COLUMNS - 1)
        before = self._columns[-1] if self._columns else None
        while len(self._columns) < column:  # columns between two measurements repeat the first of them
            self._columns.append(before)
        del self._columns[max(column, 0) :]
        self._columns.append(event.layers)
        self.verdict = judge(event.layers)

    @property
    def latest(self) -> tuple[LayerHealth, ...]:
        """The last measurement."""
        return next((column for column in reversed(self._columns) if column is not None), ())

    def set_figure(self, key: object) -> None:
        """Show another figure of the layers."""
        self._figure = next(figure for figure in FIGURES if figure.key == key)
        self.refresh()

    def refresh(self) -> None:
        """Show the measurements as they are now."""
        shown = bool(self.latest)
        self.choice.set_value(self._figure.key)
        self.choice.setToolTip(self._figure.help)
        for widget in (self.choice, self._area):
            widget.setVisible(shown)
        self._empty.setVisible(not shown)
        if shown:
            rows = self._rows()
            self.tiles.show_rows(rows, self._scale(rows), "mean ± sd" if self._figure.key == "outputs" else "latest")
            short = self.verdict.short
            self._words.setText(f"{self.verdict.title} {short[:1].upper()}{short[1:]}.")
        self._show_cure()

    def _rows(self) -> list[HeatRow]:
        figure, found = self._figure, []
        by_column = [{layer.id: layer for layer in column or ()} for column in self._columns]
        for layer in self.latest:
            value = figure.value(layer)
            frozen = layer.frozen and figure.key in ("gradient_norm", "update_ratio")
            if value is None and not frozen:
                continue
            values = [
                np.nan if (known := column.get(layer.id)) is None or (v := figure.value(known)) is None else v
                for column in by_column
            ]
            words = percent(value) if figure.share and value is not None else number(value)
            if figure.key == "outputs":
                words = f"{number(layer.mean)} ± {number(layer.std)}"
            bars = layer.histogram if figure.key == "outputs" else ()
            found.append(HeatRow(layer.id, values, "frozen" if frozen else words, tip_of(layer), frozen, bars))
        return found

    def _scale(self, rows: Sequence[HeatRow]) -> Scale | None:
        if self._figure.key == "outputs":
            return None
        if self._figure.share:
            return Scale(0.0, 1.0, percent(0), percent(1), log=False)
        values = [value for row in rows for value in row.values if np.isfinite(value) and value > 0]
        values = [min(max(value, NEAREST), FARTHEST) for value in values]
        top = int(np.ceil(np.log10(max(values)))) if values else 0
        bottom = int(np.floor(np.log10(min(values)))) if values else -4
        bottom = max(min(bottom, top - 2), top - 8)
        return Scale(10.0**bottom, 10.0**top, power(bottom), power(top))

    # ------------------------------------------------------------------------------------------ the cure

    def _show_cure(self, _: object = None) -> None:
        ill = bool(self.latest) and self.verdict.condition != "healthy"
        narrow = self.width() < NARROW
        self.strip.setVisible(ill and not narrow)
        self._line.setVisible(bool(self.latest) and (narrow or not ill))
        self._icon.set_icon(*(("warning-fill", "hint_dot") if ill else ("check-circle-fill", "good_dot")))
        offered = self._cures() if ill else ()
        self.cure_button.setVisible(narrow and bool(offered))
        if not ill:
            return
        fix = offered[0].label if offered else ""
        self.strip.set_warning(self.verdict.title, self.verdict.reason, fix=fix)
        self.cure_button.setText(fix)
        rest = "".join(f"\n{other.label}" for other in offered[1:])
        tip = self.verdict.reason + (f"\nAlso:{rest}" if rest else "")
        for widget in (self.strip, self._line, self.cure_button):
            widget.setToolTip(tip)

    def _cures(self) -> tuple[Fix, ...]:
        """What is offered. Each is tried to know that it changes something, so not again at every measurement."""
        condition, experiment = self.verdict.condition, self._document.experiment
        if self._offered is None or self._offered[0] != condition or self._offered[1] is not experiment:
            self._offered = condition, experiment, cures(self.verdict, experiment)
        return self._offered[2]

    def _apply_cure(self) -> None:
        offered = self._cures()
        if not offered:
            return
        try:
            self._document.push(offered[0].apply(self._document.experiment), offered[0].label)
        except UserError as error:
            self.failed.emit(error)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_cure()


def tip_of(layer: LayerHealth) -> str:
    """All figures of a layer, one per line."""
    lines = [layer.id]
    if layer.frozen:
        lines.append("Frozen: it does not learn.")
    if layer.gradient_norm is not None:
        lines.append(f"Gradient norm {number(layer.gradient_norm)}")
    if layer.update_ratio is not None:
        lines.append(f"A step moves its weights by {number(layer.update_ratio)} of their size")
    lines.append(
        f"Outputs {number(layer.mean)} ± {number(layer.std)}, from {number(layer.low)} to {number(layer.high)}"
    )
    if layer.dead is not None:
        lines.append(f"{percent(layer.dead)} of the units are dead")
    if layer.saturated is not None:
        lines.append(f"{percent(layer.saturated)} of the outputs are saturated")
    return "\n".join(lines)
