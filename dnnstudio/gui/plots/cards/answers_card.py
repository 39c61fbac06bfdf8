"""The answers of a run that predicts a number: against the true values, or what is left over (the residuals)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from dnnstudio.core.text import count_of
from dnnstudio.core.workspace.answers import Answers
from dnnstudio.gui.plots.curves import bounds
from dnnstudio.gui.plots.trace import Floats
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import Card, Choice, Segmented
from dnnstudio.gui.widgets.charts.axis import Axis, nice_axis
from dnnstudio.gui.widgets.charts.chart import Chart, Dots, Item, Line, Mark

VIEWS = (
    Choice("predicted", "Predicted", "Each answer against the true value: on the line it is right."),
    Choice("residuals", "Residuals", "True value minus answer, against the answer: no pattern should be left over."),
)
PARTS = (
    Choice("validation", "Val.", "The rows that judged the network while it trained."),
    Choice("test", "Test", "Rows that training never saw."),
)
EMPTY = "What the network answers, beside the true values: drawn when a training that predicts a number has ended."
DOT = 2.0
"""Radius in pixels: there may be thousands."""


class AnswersCard(Card):
    """One dot a row, in the target's own unit: of the test rows first, as they were kept from the learning."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Answers", parent=parent)
        self.setObjectName("answers_card")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._answers: dict[str, Answers] = {}
        self.part = "test"
        self.view = "predicted"
        self.views, self.parts = Segmented(theme, VIEWS), Segmented(theme, PARTS)
        for control, name, words in (
            (self.views, "answers_view", "What is drawn"),
            (self.parts, "answers_part", "Rows that are drawn"),
        ):
            control.setObjectName(name)
            control.setAccessibleName(words)
        self.views.set_value(self.view)
        self.parts.set_value(self.part)
        self.views.chosen.connect(self._choose_view)
        self.parts.chosen.connect(self._choose_part)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.views)
        row.addStretch(1)
        row.addWidget(self.parts)
        self.chart = Chart(theme, name="Plot of the answers")
        self.chart.setObjectName("answers_plot")
        self.chart.setMinimumSize(60, 50)
        self.body.addLayout(row)
        self.add(self.chart, 1)
        self.clear()

    @property
    def has_answers(self) -> bool:
        """Whether there is anything to draw."""
        return bool(self._answers)

    def clear(self) -> None:
        """No answers."""
        self.show_answers({})

    def show_answers(self, answers: Mapping[str, Answers]) -> None:
        """Draw the answers of a run's parts; none at all where no number is predicted."""
        self._answers = dict(answers)
        self._draw()

    def _choose_view(self, view: object) -> None:
        self.view = str(view)
        self._draw()

    def _choose_part(self, part: object) -> None:
        self.part = str(part)
        self._draw()

    def _draw(self) -> None:
        found = self._answers.get(self.part)
        if found is None:
            self.chart.set_message(EMPTY)
            self.chart.setAccessibleDescription("")
            return
        self.chart.set_message("")
        dots = self._residuals(found) if self.view == "residuals" else self._against(found)
        self.chart.set_items(dots)
        self.chart.setAccessibleDescription(f"{count_of(len(found.values), 'row')}, one dot each.")

    def _against(self, found: Answers) -> list[Item]:
        """Answers over true values, and the line on which both are equal."""
        low, high = _ends(np.concatenate([found.values, found.predicted]))
        across, up = _axis(low, high, "true value"), _axis(low, high)
        self.chart.set_axes(across, up)
        ends = np.array([across.low, across.high])
        return [
            Line(ends, ends, "strong", "dashed", 1.2),
            Dots(found.values, found.predicted, self._color, DOT),
        ]

    def _residuals(self, found: Answers) -> list[Item]:
        """What is left over, over the answers, and the line at 0."""
        left = found.residuals
        most = _ends(np.abs(left))[1]
        self.chart.set_axes(_axis(*_ends(found.predicted), "predicted"), _axis(-most, most))
        return [Mark(0.0, upright=False), Dots(found.predicted, left, self._color, DOT)]

    @property
    def _color(self) -> str:
        return "validation" if self.part == "validation" else "accent"

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)


def _ends(values: Floats) -> tuple[float, float]:
    """The lowest and the highest value that can be drawn, or 0 twice."""
    return bounds(values, robust=False) or (0.0, 0.0)


def _axis(low: float, high: float, label: str = "") -> Axis:
    """Round ends around the values; a range of its own around a single value."""
    if high - low < 1e-9 * max(abs(low), abs(high), 1e-300):
        room = max(abs(low), 1.0) / 2
        low, high = low - room, high + room
    return nice_axis(low, high, label)
