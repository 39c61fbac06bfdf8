"""One row to type or to slide: the network's answer moves with it, and what it never saw in training is said."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QSlider, QVBoxLayout, QWidget

from dnnstudio.core.jobs.cases import EPOCH, Answering, AnswerRow, AnswerRows, InputColumn, NetworkFacts
from dnnstudio.core.text import count_of, figure, percent
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.predict.case.share_rows import ShareRows
from dnnstudio.gui.predict.words import cell_text, outside
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import (
    Card,
    Choice,
    ComboBox,
    CommitField,
    ElidedLabel,
    NumberField,
    TextField,
    label,
    push_button,
)

STEPS = 1000
THROTTLE_MS = 30
MOST_FIELDS = 60
TITLE, FIELD = 150, 104
SLIDER = 110
"""With fewer pixels a slider cannot be aimed with."""
EMPTY = -1.0
"""Choice that stands for an empty cell; stored values of categories and of yes and no are 0 or more."""
WAITS = "Waits for what the engine is at."


class InputRow:
    """The widgets of one column. `changed` is called with the stored value once a person changes it."""

    def __init__(self, theme: Theme, column: InputColumn, changed: Callable[[], object]) -> None:
        self.column = column
        self.value = column.start
        self._changed = changed
        self.title = ElidedLabel(column.name, Role.FORM, mode=Qt.TextElideMode.ElideMiddle)
        self.title.setMaximumWidth(TITLE)
        self.slider: QSlider | None = None
        self.field: CommitField | ComboBox = self._make_field(theme)
        self.field.setObjectName(f"what_if_{column.name}")
        self.field.setAccessibleName(column.name)
        if column.kind in ("number", "date"):
            self.field.setFixedWidth(FIELD)
        if column.kind in ("number", "date") and self._ends() is not None:
            self.slider = self._make_slider()
        self.show(self._round(column.start))

    @property
    def whole(self) -> bool:
        """Whether the column holds whole numbers, or seems to: its ends are, and lie far apart."""
        if self.column.whole:
            return True
        ends = self._ends()
        return ends is not None and all(end.is_integer() for end in ends) and ends[1] - ends[0] >= 20

    def _round(self, value: float) -> float:
        """A value that a person would write: three digits of the range count."""
        ends = self._ends()
        if ends is None or self.column.kind not in ("number", "date"):
            return value
        if self.whole or self.column.kind == "date":
            return float(round(value))
        return round(value, 2 - math.floor(math.log10(ends[1] - ends[0])))

    def _ends(self) -> tuple[float, float] | None:
        low, high = self.column.low, self.column.high
        return None if low is None or high is None or not high > low else (low, high)

    def _make_field(self, theme: Theme) -> CommitField | ComboBox:
        column = self.column
        if column.kind in ("category", "yes_no"):
            names = column.categories or ("no", "yes")
            places = column.seen if column.kind == "category" else (0, 1)
            choices = [Choice(float(place), names[place]) for place in places]
            if column.may_be_empty:
                choices.append(Choice(EMPTY, "empty"))
            combo = ComboBox(choices)
            combo.chosen.connect(self._on_chosen)
            return combo
        field: CommitField
        if column.kind == "date":
            field = TextField(read_day, write_day)
        else:
            field = NumberField(theme, title=column.name, step_size=self._step())
        field.committed.connect(self._on_committed)
        return field

    def _step(self) -> float:
        ends = self._ends()
        if ends is not None and self.whole:
            return float(10 ** max(0, math.floor(math.log10((ends[1] - ends[0]) / 20))))
        return 0.1 if ends is None else float(10 ** math.floor(math.log10((ends[1] - ends[0]) / 20)))

    def _make_slider(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setObjectName(f"slide_{self.column.name}")
        slider.setAccessibleName(f"{self.column.name}, within the range of the training rows")
        low, high = self._ends() or (0.0, 1.0)
        steps = self._steps(low, high)
        slider.setRange(0, steps)
        slider.setMinimumHeight(22)
        slider.setSingleStep(max(1, steps // 100))
        slider.setToolTip(f"The training rows go from {cell_text(self.column, low)} to {cell_text(self.column, high)}.")
        slider.valueChanged.connect(self._on_slider)
        return slider

    def _steps(self, low: float, high: float) -> int:
        """How many steps the slider has: of few whole numbers, one each."""
        return min(STEPS, round(high - low)) if self.whole else STEPS

    @property
    def range_text(self) -> str:
        """The training range: "4.3 – 7.9"."""
        ends = self._ends()
        if ends is None or self.column.kind not in ("number", "date"):
            return ""
        return f"{cell_text(self.column, ends[0])} – {cell_text(self.column, ends[1])}"

    def show(self, value: float) -> None:
        """Show a stored value."""
        self.value = value
        self._show_field()
        ends = self._ends()
        if self.slider is not None and ends is not None and math.isfinite(value):
            self.slider.blockSignals(True)
            self.slider.setValue(round((value - ends[0]) / (ends[1] - ends[0]) * self.slider.maximum()))
            self.slider.blockSignals(False)

    def _show_field(self) -> None:
        if isinstance(self.field, ComboBox):
            self.field.set_value(EMPTY if math.isnan(self.value) else self.value, placeholder="choose")
        elif math.isnan(self.value):
            self.field.set_value(None, placeholder="empty")
        else:
            shown = self.value if self.column.kind == "date" else float(f"{self.value:.6g}")
            is_whole = shown.is_integer() and (self.whole or self._step() >= 1)
            self.field.set_value(int(shown) if is_whole else shown)
        if isinstance(self.field, CommitField):
            self.field.set_mark("hint" if outside(self.column, self.value) else "")

    def _on_chosen(self, value: object) -> None:
        self.value = math.nan if value == EMPTY else float(str(value))
        self._changed()

    def _on_committed(self, value: object) -> None:
        self.show(float(str(value)))
        self._changed()

    def _on_slider(self, step: int) -> None:
        ends = self._ends()
        assert ends is not None and self.slider is not None
        last = self.slider.maximum()
        value = self._round(ends[0] + (ends[1] - ends[0]) * step / last)
        # At an end stands the training rows' own, whatever digits it has.
        self.value = {0: ends[0], last: ends[1]}.get(step, min(max(value, ends[0]), ends[1]))
        self._show_field()
        self._changed()


def read_day(text: str) -> object:
    """Days since 1970-01-01 of a date as 2024-05-31. Raises `ValueError` with a sentence."""
    try:
        return float((date.fromisoformat(text.strip()) - date(1970, 1, 1)).days)
    except ValueError:
        raise ValueError(f'"{text}" is not a date; write it as 2024-05-31.') from None


def write_day(value: object) -> str:
    """A date from days since 1970-01-01."""
    return str(EPOCH + int(float(str(value))))


class WhatIf(Card):
    """Asks the engine for one row again and again: one question at a time, always the newest."""

    answered = Signal()

    def __init__(self, theme: Theme, client: JobClient, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, "What if", icon="sliders-horizontal", margin=16, parent=parent)
        self.setObjectName("what_if")
        self._theme, self._client = theme, client
        self._by: Answering | None = None
        self._facts = NetworkFacts(classes=())
        self.rows: list[InputRow] = []
        self._ranges: list[QLabel | None] = []
        self._base: list[float] = []
        self._pending = False
        self.answer: AnswerRows | None = None
        client.setParent(self)
        self.take = push_button("Take the chosen row", Role.LINK, tip="Begin with the values of the row in the list")
        self.take.setObjectName("what_if_take")
        self.head.add(self.take)
        self.headline = label("", Role.DIALOG_TITLE, wrap=True)
        self.headline.setObjectName("what_if_answer")
        self.shares = ShareRows(theme)
        self.warning = label("", Role.HINT, wrap=True)
        self.warning.setObjectName("what_if_outside")
        self.area = QScrollArea()
        self.area.setObjectName("what_if_fields")
        self.area.setWidgetResizable(True)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keyboard goes from field to field
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.note = label("", Role.CAPTION, wrap=True)
        for widget in (self.headline, self.shares, self.warning):
            self.add(widget)
        self.add(self.area, 1)
        self.add(self.note)
        self._below: bool | None = None
        self._fit = QTimer(self, singleShot=True, interval=0)  # once the area has its new width
        self._fit.timeout.connect(self._place_ranges)
        self._timer = QTimer(self, singleShot=True, interval=THROTTLE_MS)
        self._timer.timeout.connect(self._ask)
        client.answered.connect(self._on_answer)
        client.refused.connect(self._on_refused)

    # ------------------------------------------------------------------------------------------ the form

    def show_network(self, by: Answering, facts: NetworkFacts) -> None:
        """Make the form of a network's columns; the values stay where the columns are the same ones."""
        same = facts.columns == self._facts.columns and bool(self.rows)
        self._by, self._facts = by, facts
        if not same:
            self._make_rows()
        self.shares.setVisible(bool(facts.classes))
        self._later()

    def _make_rows(self) -> None:
        columns = self._facts.columns
        self._base = [column.start for column in columns]
        self.rows = [InputRow(self._theme, column, self._later) for column in columns[:MOST_FIELDS]]
        self._ranges = [None if row.slider is None else label(row.range_text, Role.DIM) for row in self.rows]
        inside = QWidget()
        inside.setProperty("role", "clear")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 4, 8, 4)
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        for number, row in enumerate(self.rows):
            grid.addWidget(row.title, 2 * number, 0)
            grid.addWidget(row.field, 2 * number, 1, 1, 3 if row.slider is None else 1)
            if row.slider is not None:
                grid.addWidget(row.slider, 2 * number, 2)
        grid.setColumnStretch(2, 1)
        if any(row.slider is not None for row in self.rows):
            grid.setColumnMinimumWidth(2, SLIDER)
        self._grid, self._below = grid, None
        self._place_ranges()
        column.addLayout(grid)
        column.addStretch(1)
        self.area.setWidget(inside)
        more = len(columns) - len(self.rows)
        self.note.setText(
            f"The first {MOST_FIELDS} of {count_of(len(columns), 'column')} have a field; the others keep "
            "the row's values."
        )
        self.note.setVisible(more > 0)

    def _place_ranges(self) -> None:
        """Let each range stand beside its slider; below it where the slider would be too short to aim with."""
        widths = [words.sizeHint().width() for words in self._ranges if words is not None]
        if not widths:
            return
        titles = max(row.title.sizeHint().width() for row in self.rows)
        gaps = 3 * self._grid.horizontalSpacing() + 8
        below = self.area.viewport().width() - min(titles, TITLE) - FIELD - max(widths) - gaps < SLIDER
        if below == self._below:
            return
        self._below = below
        for number, (row, words) in enumerate(zip(self.rows, self._ranges, strict=True)):
            if row.slider is not None and words is not None:
                self._grid.removeWidget(words)
                if below:
                    self._grid.addWidget(words, 2 * number + 1, 1, 1, 3, Qt.AlignmentFlag.AlignRight)
                else:
                    self._grid.addWidget(words, 2 * number, 3)
                self._grid.removeWidget(row.slider)
                self._grid.addWidget(row.slider, 2 * number, 2, 1, 2 if below else 1)

    def set_values(self, values: list[float]) -> None:
        """Show the stored values of a row."""
        self._base = list(values)
        for row, value in zip(self.rows, values, strict=False):
            row.show(value)
        self._later()

    def values(self) -> tuple[float, ...]:
        """The stored values as they stand in the form."""
        return (*(row.value for row in self.rows), *self._base[len(self.rows) :])

    # ------------------------------------------------------------------------------------------ asking

    def _later(self) -> None:
        if self.isVisible():
            self._timer.start()

    def _ask(self) -> None:
        if self._by is None or not self.rows:
            return
        if self._client.busy:
            self._pending = True
            if self._client.waiting:
                self.headline.setText(WAITS)
            return
        self._pending = False
        self._client.ask(AnswerRow(by=self._by, values=self.values()))

    def _on_answer(self, rows: AnswerRows) -> None:
        self.answer = rows
        self._show_answer(rows)
        self.answered.emit()
        if self._pending:
            self._ask()

    def _show_answer(self, rows: AnswerRows) -> None:
        if rows.errors[0]:
            self.headline.setText(rows.errors[0])
            return
        values = rows.values[0]
        if not self._facts.classes:
            spread = "" if rows.std is None else f" ± {figure(float(rows.std[0]))}"
            self.headline.setText(f"{self._facts.target or 'The number'}: {figure(float(values))}{spread}")
        else:
            winner = int(values.argmax())
            spread = "" if rows.std is None else f" ± {percent(float(rows.std[0]))}"
            self.headline.setText(f"{self._facts.classes[winner]}, {percent(float(values[winner]))}{spread}")
            self.shares.show_values(self._facts.classes, values)
        said = [text for row in self.rows if (text := outside(row.column, row.value))]
        self.warning.setText(" ".join(said[:2]) + (f" And {len(said) - 2} more." if len(said) > 2 else ""))
        self.warning.setVisible(bool(said))

    def _on_refused(self, message: str, hint: str) -> None:
        self.headline.setText(f"{message} {hint}".strip())

    def close_client(self) -> None:
        """The window closes: nothing more is asked."""
        self._timer.stop()
        self._fit.stop()
        self._client.close()

    # ------------------------------------------------------------------------------------------ Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit.start()

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self._fit.start()
        if self.answer is None:
            self._timer.start()

    def sizeHint(self) -> QSize:
        return QSize(536, 480)


def stored_values(rows: AnswerRows, row: int) -> list[float]:
    """The cells of one row of a block; none where they are not kept."""
    return [] if rows.cells is None else np.asarray(rows.cells[row]).tolist()
