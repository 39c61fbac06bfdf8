"""The first tab: what the passes said of one image."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty.distribution import ClassRow, DistributionKey, DistributionRows
from dnnstudio.gui.uncertainty.grid import Pictures
from dnnstudio.gui.uncertainty.headline_card import HeadlineCard, class_colors
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.uncertainty.side_cards import AlikeCard, PassesCard, ScoresCard
from dnnstudio.gui.widgets import Card, Choice, Segmented

LATER_MS = (30, 150, 200)
"""When the headline, the rows and the cards beside are drawn while passes come in; the list has its turns between."""


def clear_scroll(inside: QWidget, name: str) -> QScrollArea:
    """A scroll area without an edge, upright only."""
    area = QScrollArea()
    area.setObjectName(name)
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    inside.setProperty("role", "clear")
    area.setWidget(inside)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area


class DistributionTab(QWidget):
    """`image_chosen(row)` for a picture among those that are unsure alike; `step_requested` for before and next."""

    image_chosen = Signal(int)
    step_requested = Signal(int)

    def __init__(
        self, theme: Theme, inspection: Inspection, pictures: Pictures, *, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("distribution_tab")
        self._theme = theme
        self._inspection = inspection
        self.headline = HeadlineCard(theme, inspection, pictures)
        self.rows = DistributionRows(theme)
        self.card = Card(theme, "What each pass said", margin=16)
        self.card.setObjectName("distribution_card")
        kinds = (Choice("violin", "Violin", "A smooth density"), Choice("histogram", "Histogram", "25 bins of 4 %"))
        self.style_choice = Segmented(theme, kinds)
        self.style_choice.setObjectName("distribution_style")
        self.style_choice.set_value("violin")
        self.style_choice.chosen.connect(self.rows.set_style)
        self.card.head.add(self.style_choice)
        self.card.add(clear_scroll(self.rows, "distribution_scroll"), 1)
        self.card.add(DistributionKey(theme))
        self.scores = ScoresCard(theme, inspection)
        self.passes = PassesCard(theme, inspection)
        self.alike = AlikeCard(theme, inspection, pictures)
        self.alike.image_chosen.connect(self.image_chosen)
        self.headline.step_requested.connect(self.step_requested)
        middle = QVBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(self.headline)
        middle.addWidget(self.card, 1)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.scores)
        column.addWidget(self.alike)
        column.addWidget(self.passes, 1)
        self.side = clear_scroll(side, "distribution_side")
        self.side.setFixedWidth(264)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 8, 0, 0)
        row.setSpacing(8)
        row.addLayout(middle, 1)
        row.addWidget(self.side)
        # In turns of their own: all drawn together the loop would be away for two frames.
        self._later = [QTimer(self, singleShot=True, interval=ms) for ms in LATER_MS]
        draws = self.headline.refresh, lambda: self._show_rows(in_turns=True), self._show_side
        for timer, draw in zip(self._later, draws, strict=True):
            timer.timeout.connect(draw)
        inspection.samples_changed.connect(self._on_samples)
        inspection.image_changed.connect(self.refresh)
        theme.changed.connect(self.refresh)

    def refresh(self) -> None:
        """Show everything anew, now."""
        for timer in self._later:
            timer.stop()
        if self._is_seen():
            self.headline.refresh()
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

    def _show_side(self) -> None:
        if self._is_seen():
            for part in (self.scores, self.passes, self.alike):
                part.refresh()

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
        self.rows.set_rows(rows, in_turns=in_turns)
        self.card.head.set_note(f"{samples.passes:,} pass{'' if samples.passes == 1 else 'es'} with dropout on")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
