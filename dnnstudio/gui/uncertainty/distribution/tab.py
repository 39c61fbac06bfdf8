"""The Distribution tab: the passes of one image."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from dnnstudio.core.planning.stochastic import RATE
from dnnstudio.core.text import percent
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty.distribution.headline_card import HeadlineCard, class_colors
from dnnstudio.gui.uncertainty.distribution.rows import ClassRow, DistributionKey, DistributionRows
from dnnstudio.gui.uncertainty.distribution.side_cards import AlikeCard, PassesCard, ScoresCard
from dnnstudio.gui.uncertainty.grid import Pictures
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.uncertainty.sentences import is_off_apart, pass_noun, pass_words
from dnnstudio.gui.uncertainty.table.row_card import RowCard
from dnnstudio.gui.widgets import AdviceCard, Card, Choice, Segmented

LATER_MS = (30, 150, 200)
"""When the headline, the rows and the cards beside are drawn while passes come in; the list has its turns between."""

NO_SPREAD = (
    "Nothing in this network is random, so it gives one answer for each row and every pass would say the same. Dropout "
    "gives different passes; so do several networks trained with different seeds (Ctrl+F5). Accuracy, "
    "Calibration, Decision and Promise need neither."
)


def clear_scroll(inside: QWidget, name: str, parent: QWidget | None = None) -> QScrollArea:
    """A borderless, vertical scroll area."""
    area = QScrollArea(parent)
    area.setObjectName(name)
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    inside.setProperty("role", "clear")
    area.setWidget(inside)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area


class DistributionTab(QWidget):
    """`image_chosen(row)` for one of the similarly uncertain images; `step_requested` for previous and next.

    `dropout_requested`: the network is to have dropout, because its single prediction has no spread.
    """

    image_chosen = Signal(int)
    step_requested = Signal(int)
    dropout_requested = Signal()

    def __init__(
        self, theme: Theme, inspection: Inspection, pictures: Pictures, *, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("distribution_tab")
        self._theme = theme
        self._inspection = inspection
        # Each is made inside of what it lies in: Qt styles all that is in a widget anew when that is put into another.
        side = QWidget()
        self.side = clear_scroll(side, "distribution_side", self)
        self.headline = HeadlineCard(theme, inspection, pictures, parent=self)
        self.row_card = RowCard(theme, parent=self)
        self.rows = DistributionRows(theme, inspection.words)
        self.card = Card(theme, "What it said", margin=16, parent=self)
        self.card.setObjectName("distribution_card")
        self.card.head.keep_title()
        kinds = (Choice("violin", "Violin", "A smooth density"), Choice("histogram", "Histogram", "25 bins of 4 %"))
        self.style_choice = Segmented(theme, kinds)
        self.style_choice.setObjectName("distribution_style")
        self.style_choice.set_value("violin")
        self.style_choice.chosen.connect(self.rows.set_style)
        self.card.head.add(self.style_choice)
        self.card.add(clear_scroll(self.rows, "distribution_scroll"), 1)
        self.key = DistributionKey(theme, inspection.words)
        self.card.add(self.key)
        self.no_spread = AdviceCard(theme, "No spread to show", NO_SPREAD, fix="Add dropout and train on", parent=side)
        self.no_spread.setObjectName("no_spread")
        self.no_spread.fix_button.setToolTip(
            f"Adds a Dropout layer of {percent(RATE)} before the output, as one step that can be undone, and goes on "
            "training from the present weights."
        )
        self.no_spread.fix_requested.connect(self.dropout_requested)
        self.no_spread.hide()
        self.scores = ScoresCard(theme, inspection, parent=side)
        self.passes = PassesCard(theme, inspection, parent=side)
        self.alike = AlikeCard(theme, inspection, pictures, parent=side)
        self.alike.image_chosen.connect(self.image_chosen)
        self.headline.step_requested.connect(self.step_requested)
        middle = QVBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(self.headline)
        middle.addWidget(self.row_card)
        middle.addWidget(self.card, 1)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.scores)
        column.addWidget(self.no_spread)
        column.addWidget(self.alike)
        column.addWidget(self.passes, 1)
        column.addStretch(0)
        self.side.setFixedWidth(264)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 8, 0, 0)
        row.setSpacing(8)
        row.addLayout(middle, 1)
        row.addWidget(self.side)
        # In separate event-loop iterations: painted together they would block the loop for two frames.
        self._later = [QTimer(self, singleShot=True, interval=ms) for ms in LATER_MS]
        draws = self._show_top, lambda: self._show_rows(in_turns=True), self._show_side
        for timer, draw in zip(self._later, draws, strict=True):
            timer.timeout.connect(draw)
        inspection.samples_changed.connect(self._on_samples)
        inspection.image_changed.connect(self.refresh)
        inspection.score_changed.connect(self.refresh)
        theme.changed.connect(self.refresh)

    def refresh(self) -> None:
        """Update everything at once."""
        for timer in self._later:
            timer.stop()
        if self._is_seen():
            self._show_top()
            self._show_rows()
            self._show_side()

    def _is_seen(self) -> bool:
        return self._inspection.samples is not None and self.isVisible()

    def _on_samples(self) -> None:
        if self._inspection.finished or not self.rows.rows():
            self.refresh()
        elif self._is_seen():
            for timer in self._later:
                timer.start()

    def _show_top(self) -> None:
        self.headline.refresh()
        samples = self._inspection.samples
        if samples is not None:
            values = samples.rows.values
            self.row_card.show_row(samples.rows.table, None if values is None else values[self._inspection.image])

    def _show_side(self) -> None:
        samples = self._inspection.samples
        if samples is None or not self.isVisible():
            return
        for part in (self.scores, self.alike):
            part.refresh()
        if not samples.is_single:
            self.passes.refresh()

    def _show_rows(self, *, in_turns: bool = False) -> None:
        samples = self._inspection.samples
        if samples is None or not self.isVisible():
            return
        image = self._inspection.image
        passes = samples.of_row(image).astype(np.float64)
        order = np.argsort(-samples.scores.mean[image], kind="stable")
        colors = class_colors(self._theme, order, samples.scores.mean[image])
        rows = tuple(
            ClassRow(
                name=samples.rows.class_names[number],
                passes=passes[:, number],
                off=float(samples.rows.deterministic[image, number]),
                votes=int(samples.scores.votes[image, number]),
                color=color,
            )
            for number, color in zip(order.tolist(), colors, strict=True)
        )
        single, apart = samples.is_single, is_off_apart(samples, image)
        self.rows.set_rows(rows, in_turns=in_turns, has_off=apart)
        self.key.set_off(apart)
        note = pass_words(samples)
        self.card.set_title("What it said" if single else f"What each {pass_noun(samples)} said")
        self.card.head.set_note(note)
        for part in (self.key, self.style_choice, self.passes):
            part.setVisible(not single)
        self.no_spread.setVisible(single)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
