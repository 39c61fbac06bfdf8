"""What each pass said of one case: a row a class, or a histogram of numbers; without passes, the probabilities."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from dnnstudio.core.text import count_of, figure
from dnnstudio.gui.predict.case.share_rows import ShareRows
from dnnstudio.gui.predict.cases import Cases
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty.distribution.headline_card import class_colors
from dnnstudio.gui.uncertainty.distribution.rows import ClassRow, DistributionKey, DistributionRows
from dnnstudio.gui.uncertainty.sentences import Nouns, Words
from dnnstudio.gui.widgets import Card, label
from dnnstudio.gui.widgets.charts.axis import nice_axis
from dnnstudio.gui.widgets.charts.chart import Bars, Chart, Mark, Note

BINS = 20
NO_PASSES = "This network has no dropout, so there is one answer and no spread."
FORGOTTEN = "What each pass said is kept of the first rows only, so that memory stays small."


class PassesCard(Card):
    """The distribution over the passes of the case in sight."""

    def __init__(self, theme: Theme, cases: Cases, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, "What each pass said", margin=16, parent=parent)
        self.setObjectName("passes_card")
        self._theme, self._cases, self._place = theme, cases, -1
        self._said = Words(Nouns(row="row"))
        self.rows = DistributionRows(theme, self._said)
        self.rows.setProperty("role", "clear")
        self._scroll = QScrollArea()
        self._scroll.setObjectName("passes_rows")
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self.rows)
        self.key = DistributionKey(theme, self._said)
        self.chart = Chart(theme, name="", left=20)
        self._said.say(self.chart.setAccessibleName, "What each {answer} said")
        self.bar = ShareRows(theme)
        self.note = label("", wrap=True)
        self.note.setObjectName("passes_note")
        self._rest = QWidget()
        QVBoxLayout(self._rest).addStretch(1)
        self.add(self.bar)
        self.add(self._scroll, 1)
        self.add(self.chart, 1)
        self.add(self.key)
        self.add(self.note)
        self.add(self._rest, 1)
        theme.changed.connect(self._show_again)

    def show_place(self, place: int) -> None:
        """Show another case."""
        self._place = place
        block, row = self._cases.at(place)
        passes, failed = block.passes, bool(block.errors[row])
        there = passes is not None and not failed
        number = self._cases.is_number
        self._scroll.setVisible(there and not number)
        self.key.setVisible(there and not number)
        self.chart.setVisible(there and number)
        self.bar.setVisible(not there and not number and not failed)
        self.note.setVisible(not there and not failed)
        self._rest.setVisible(not there)
        if there:  # an ensemble without dropout has its networks for passes
            self._said.speak(Nouns("pass" if self._cases.facts.random else "network", "row"))
        nouns = self._said.nouns
        what = nouns.said("What each {answer} said") if there else "Probabilities" if not number else "One answer"
        self.set_title(what)
        self.head.set_note("" if passes is None or failed else count_of(passes.shape[1], nouns.answer))
        if failed:
            return
        if there:
            (self._show_numbers if number else self._show_classes)(place)
        else:
            self.note.setText(NO_PASSES if block.std is None else FORGOTTEN)
            if not number:
                self.bar.show_values(self._cases.facts.classes, block.values[row])

    def _show_again(self) -> None:
        if 0 <= self._place < len(self._cases):
            self.show_place(self._place)

    def _show_classes(self, place: int) -> None:
        block, row = self._cases.at(place)
        assert block.passes is not None and block.top is not None and block.votes is not None
        top = block.top[row]
        means = block.values[row]
        off = means if block.off is None else block.off[row]
        colors = class_colors(self._theme, top, means)
        self.rows.set_rows(
            tuple(
                ClassRow(
                    name=self._cases.facts.classes[number],
                    passes=block.passes[row, :, rank].astype(np.float64),
                    off=float(off[number]),
                    votes=int(block.votes[row, rank]),
                    color=colors[rank],
                )
                for rank, number in enumerate(top.tolist())
            )
        )

    def _show_numbers(self, place: int) -> None:
        block, row = self._cases.at(place)
        assert block.passes is not None
        passes = block.passes[row, :, 0].astype(np.float64)
        mean = float(block.values[row])
        ends = self._cases.interval(place)
        low, high = float(passes.min()), float(passes.max())
        span = max(high - low, abs(mean) * 1e-6, 1e-9)
        counts, edges = np.histogram(passes, bins=BINS, range=(low - span * 0.02, high + span * 0.02))
        shown_low, shown_high = min(low, *(ends or (low,))), max(high, *(ends or (high,)))
        margin = (shown_high - shown_low or span) * 0.06
        axis = nice_axis(shown_low - margin, shown_high + margin, self._cases.facts.target)
        self.chart.set_axes(axis, nice_axis(0, float(counts.max()) * 1.25, self._said.nouns.said("{answers}")))
        items: list[Bars | Mark | Note] = [
            Bars(edges[:-1], edges[1:], np.zeros(BINS), counts.astype(np.float64), "train", 150),
            Mark(mean, color="text", style="solid"),
        ]
        if ends is not None:
            items += [Mark(ends[0], color="validation"), Mark(ends[1], color="validation")]
        items.append(Note(mean, float(counts.max()) * 1.16, f"mean {figure(mean)}", "text"))
        self.chart.set_items(items)
