"""The upper card of the transfer dialog: both networks side by side, and which layers are reused."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.core.analysis.reuse_planner import Line, all_but_the_output
from dnnstudio.gui.theme import Role, Theme, set_reason, set_role
from dnnstudio.gui.transfer.pair_row import GAP, MIDDLE, PairRow
from dnnstudio.gui.widgets import (
    Choice,
    ComboBox,
    ElidedLabel,
    IconLabel,
    WarningStrip,
    label,
    push_button,
    rule,
)
from dnnstudio.gui.widgets.windows.fit_scroll import FitScroll

WHICH = (
    Choice("all", "All but the output", "Every layer that fits, but for the last one with weights."),
    Choice("range", "A range", "The layers from one to another, both included."),
    Choice("none", "None", "No layer starts from the source."),
)


class Head(QWidget):
    """Icon, name in bold and a line of figures: the heading of one of the two columns."""

    def __init__(self, theme: Theme, icon: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        self.title, self.detail = ElidedLabel("", Role.TITLE), ElidedLabel("", Role.CAPTION)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self.title)
        words.addWidget(self.detail)
        row.addWidget(IconLabel(theme, icon))
        row.addLayout(words, 1)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def show_words(self, title: str, detail: str) -> None:
        self.title.setText(title)
        self.detail.setText(detail)


class PairsCard(QFrame):
    """Shows the lines and emits the user's requests.

    `mode_chosen(Line, mode)`, `frozen_chosen(layer, frozen)`, `reused_chosen(layer ids)`, `build_requested`,
    `cure_requested` (of the warning strip), `split_requested`.
    """

    mode_chosen = Signal(object, str)
    frozen_chosen = Signal(str, bool)
    reused_chosen = Signal(object)
    build_requested = Signal()
    cure_requested = Signal()
    split_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, Role.CARD)
        self._theme = theme
        self._lines: Sequence[Line] = ()
        self._range_open = False
        self.rows: list[PairRow] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 14)
        column.setSpacing(10)
        column.addLayout(self._make_head(theme))
        column.addWidget(rule())
        column.addWidget(self._make_empty(), 1)
        self._list = QWidget()
        self._column = QVBoxLayout(self._list)
        self._column.setContentsMargins(0, 2, 0, 2)
        self._column.setSpacing(8)
        self._column.addStretch(1)
        self.area = FitScroll(self._list, smallest=112)
        self.area.setObjectName("pairs_scroll")
        column.addWidget(self.area, 1000)
        self.build_strip = WarningStrip(theme, severity="news")
        self.build_strip.fix_button.setObjectName("build_from_source")
        self.build_strip.fix_requested.connect(self.build_requested)
        self.split_strip = WarningStrip(theme, severity="news")
        self.split_strip.fix_button.setObjectName("split_strip_button")
        self.split_strip.fix_requested.connect(self.split_requested)
        self.strip = WarningStrip(theme)
        self.strip.setObjectName("shared_strip")
        self.strip.fix_button.setObjectName("clone_instead")
        self.strip.fix_requested.connect(self.cure_requested)
        for strip in (self.build_strip, self.split_strip, self.strip):
            column.addWidget(strip)
            strip.hide()
        column.addStretch(1)

    def _make_head(self, theme: Theme) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(0)
        self.source_head, self.target_head = Head(theme, "database"), Head(theme, "target")
        self.which = ComboBox(WHICH)
        self.which.setObjectName("which_layers")
        self.which.setAccessibleName("Which layers are reused")
        self.which.setToolTip("Which layers of the source the new network starts from.")
        self.which.setProperty("role", str(Role.FLAT))
        self.which.setFixedWidth(150)
        self.which.chosen.connect(self._on_which)
        words = label("Reuse", Role.FORM)
        words.setBuddy(self.which)
        self.first, self.last = ComboBox(), ComboBox()
        for combo, name, text in ((self.first, "range_first", "First"), (self.last, "range_last", "Last")):
            combo.setObjectName(name)
            combo.setAccessibleName(f"{text} reused layer")
            combo.setToolTip(f"{text} layer of the range that is reused.")
            combo.setProperty("role", str(Role.FLAT))
            combo.setFixedWidth(98)
            combo.chosen.connect(self._on_range)
        self._to = label("to", Role.FORM)
        middle, self._choices = QWidget(), QWidget()
        middle.setFixedWidth(MIDDLE + 2 * GAP)  # so that both heads are aligned with their columns
        centred = QHBoxLayout(middle)
        centred.setContentsMargins(0, 0, 0, 0)
        centred.addWidget(self._choices, 0, Qt.AlignmentFlag.AlignCenter)
        choices = QHBoxLayout(self._choices)
        choices.setContentsMargins(0, 0, 0, 0)
        choices.setSpacing(8)
        for widget in (words, self.which, self.first, self._to, self.last):
            choices.addWidget(widget)
        row.addWidget(self.source_head, 1)
        row.addWidget(middle)
        row.addWidget(self.target_head, 1)
        return row

    def _make_empty(self) -> QWidget:
        self.empty = QWidget()
        column = QVBoxLayout(self.empty)
        column.setSpacing(8)
        self.empty_title, self.empty_text = label("", Role.TITLE), label("", Role.SMALL, wrap=True)
        self.empty_split = push_button(
            "Split into tasks…", tip="Write this data as two tasks, A and B, with a file each."
        )
        self.empty_split.setObjectName("split_from_dialog")
        self.empty_split.clicked.connect(self.split_requested)
        column.addStretch(1)
        for widget in (self.empty_title, self.empty_text):
            widget.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(widget)
        column.addWidget(self.empty_split, 0, Qt.AlignmentFlag.AlignCenter)
        column.addStretch(1)
        return self.empty

    # ------------------------------------------------------------------------------------------ showing

    def show_empty(self, title: str, text: str) -> None:
        """No source: show why, and what can be done."""
        self.empty_title.setText(title)
        self.empty_text.setText(text)
        self.empty.setVisible(True)
        self.area.setVisible(False)
        self._choices.hide()
        for strip in (self.build_strip, self.split_strip, self.strip):
            strip.hide()

    def show_lines(self, lines: Sequence[Line], frozen: frozenset[str], phase: str) -> None:
        """Show both networks; `frozen` are the frozen layers of the phase named `phase`."""
        self._lines = lines
        self.empty.setVisible(False)
        self._choices.show()
        self.area.setVisible(True)
        while len(self.rows) < len(lines):
            self._add_row()
        outputs = _outputs(lines)
        for number, row in enumerate(self.rows):
            row.setVisible(number < len(lines))
            if number < len(lines):
                line = lines[number]
                row.show_line(line, frozen=line.layer in frozen, phase=phase, is_output=number in outputs)
        self._show_which()

    def _add_row(self) -> None:
        row = PairRow(self._theme)
        number = len(self.rows)
        row.mode_chosen.connect(lambda mode: self.mode_chosen.emit(self._lines[number], mode))
        row.frozen_chosen.connect(lambda frozen: self.frozen_chosen.emit(self._lines[number].layer, frozen))
        self.rows.append(row)
        self._column.insertWidget(number, row)

    def row_of(self, layer: str) -> PairRow | None:
        """The row of a layer of the new network."""
        return next((row for row, line in zip(self.rows, self._lines, strict=False) if line.layer == layer), None)

    def _show_which(self) -> None:
        possible = [line.layer for line in self._lines if line.can_clone]
        reused = [line.layer for line in self._lines if line.reused]
        all_of_them = list(all_but_the_output(self._lines))
        together = possible[possible.index(reused[0]) : possible.index(reused[-1]) + 1] if (
            reused and set(reused) <= set(possible)
        ) else []  # fmt: skip
        is_range = bool(reused) and together == reused
        self._range_open = self._range_open and is_range
        kind = "range" if self._range_open else "all" if reused == all_of_them and reused else "none"
        if reused and kind == "none":
            kind = "range" if is_range else "some"
        self.which.set_value(kind, placeholder="As chosen below" if kind == "some" else "")
        set_reason(self.which, "" if possible else "No layer of the source fits one of this network.")
        ranged = kind == "range"
        for combo, value in ((self.first, reused[0] if reused else ""), (self.last, reused[-1] if reused else "")):
            combo.setVisible(ranged)
            if ranged:
                combo.set_choices([Choice(name, name) for name in possible])
                combo.set_value(value)
        self._to.setVisible(ranged)

    # ------------------------------------------------------------------------------------------ choosing

    def _on_which(self, value: object) -> None:
        possible = [line.layer for line in self._lines if line.can_clone]
        reused = [line.layer for line in self._lines if line.reused]
        self._range_open = value == "range"
        if value == "all":
            self.reused_chosen.emit(all_but_the_output(self._lines))
        elif value == "none":
            self.reused_chosen.emit(())
        else:
            start, end = (reused[0], reused[-1]) if reused else (possible[0], possible[-1])
            self._choose_range(start, end)

    def _on_range(self, _: object) -> None:
        self._range_open = True
        self._choose_range(str(self.first.value()), str(self.last.value()))

    def _choose_range(self, start: str, end: str) -> None:
        possible = [line.layer for line in self._lines if line.can_clone]
        one, other = sorted((possible.index(start), possible.index(end)))
        self.reused_chosen.emit(tuple(possible[one : other + 1]))


def _outputs(lines: Sequence[Line]) -> frozenset[int]:
    """The rows of the last layers with weights, of either network."""
    found: set[int] = set()
    for side in ("source", "target"):
        weighted = [n for n, line in enumerate(lines) if (row := getattr(line, side)) is not None and row.variables]
        found.update(weighted[-1:])
    return frozenset(found)
