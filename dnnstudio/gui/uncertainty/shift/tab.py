"""The Shift tab: images changed by sliders, or of another data set."""

from __future__ import annotations

from itertools import cycle

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.experiment.data import Data
from dnnstudio.core.text import count_of, percent
from dnnstudio.core.uncertainty.proportions import Share
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import SCORES, ranked_scores
from dnnstudio.core.uncertainty.shift import Shift
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.uncertainty.distribution.tab import clear_scroll
from dnnstudio.gui.uncertainty.grid import ImageGrid, Pictures
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.uncertainty.promise.sentences import broken_promise
from dnnstudio.gui.uncertainty.sampling import Sampling
from dnnstudio.gui.uncertainty.shift.changes import KINDS, ShiftChanges
from dnnstudio.gui.uncertainty.shift.figures import detections, histograms, measure_styles, measures, sentence
from dnnstudio.gui.widgets import Card, Choice, ComboBox, LegendEntry, label
from dnnstudio.gui.widgets.charts.axis import Axis, nice_axis, share_axis
from dnnstudio.gui.widgets.charts.chart import Bars, Chart, Dots, Item, Line, Mark
from dnnstudio.gui.widgets.charts.legend import SEVERAL

ROWS, PASSES = 1000, 30
NO_SAMPLES = "There are no samples of the usual rows yet."
NO_CHANGE = "No other data and no change is chosen."
SEVERITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
PREVIEWED = 40


class ShiftTab(QWidget):
    """Samples 1,000 rows at five severities, or those of another data set, in a side job."""

    def __init__(
        self, theme: Theme, sampling: Sampling, inspection: Inspection, *, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("shift_tab")
        self._theme = theme
        self._sampling = sampling
        self._inspection = inspection
        self._found: dict[float, Samples] = {}
        self._waiting = 0
        self._labelled = True
        self.title = label("How does it take images unlike those it learnt from?", Role.HEADLINE, wrap=True)
        self.title.setObjectName("shift_headline")
        self.second = label(
            f"Choose a change or another data set, and press Compare: {ROWS:,} rows, {PASSES} answers each where "
            "dropout or an ensemble gives different ones.",
            Role.BODY,
            wrap=True,
        )
        head = Card(theme, margin=16)
        head.add(self.title)
        head.add(self.second)
        self.promise = label("", Role.BODY, wrap=True)
        self.promise.setObjectName("promise_under_shift")
        self.promise.hide()
        head.add(self.promise)
        middle = QVBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(head)
        middle.addWidget(self._make_histograms(), 1)
        middle.addWidget(self._make_severity(), 1)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.changes = ShiftChanges(theme, inspection)
        column.addWidget(self.changes)
        column.addWidget(self._make_table())
        column.addWidget(self._make_preview(), 1)
        column.addStretch(0)
        area = clear_scroll(side, "shift_side")
        area.setFixedWidth(312)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 8, 0, 0)
        row.setSpacing(8)
        row.addLayout(middle, 1)
        row.addWidget(area)
        self._show()
        self._show_availability()
        self.changes.compare.clicked.connect(self._on_compare)
        self.changes.changed.connect(self._show_availability)
        inspection.samples_changed.connect(self._show_availability)
        for changed in (inspection.promise_changed, inspection.validation_changed):
            changed.connect(self._show)
        sampling.busy_changed.connect(self._show_availability)

    # ------------------------------------------------------------------------------------------ making

    def _make_histograms(self) -> Card:
        card = Card(self._theme, "Scores of both", margin=16)
        self.score = ComboBox()
        self.score.setObjectName("shift_score")
        self.score.setAccessibleName("Score")
        self.score.setMinimumWidth(190)
        self.score.chosen.connect(self._show)
        card.head.add(self.score)
        self.histogram = Chart(self._theme, name="Histograms of the score")
        self.histogram.setMinimumHeight(120)
        card.add(self.histogram, 1)
        return card

    def _make_severity(self) -> Card:
        card = Card(self._theme, "Against severity", note="the change from nothing to full strength", margin=16)
        self.severity = Chart(self._theme, name="Accuracy, entropies and calibration error against severity")
        self.severity.setMinimumHeight(120)
        card.add(self.severity, 1)
        return card

    def _make_table(self) -> Card:
        card = Card(self._theme, "Does it notice?", margin=12)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        tips = (
            ("AUROC", "How often a strange image scores above a usual one: 50 % is chance."),
            ("AUPR", "Average precision of finding the strange ones."),
            ("FPR95", "Usual images taken for strange when 95 % of the strange ones are found; smaller is better."),
        )
        for place, (text, tip) in enumerate(tips, start=1):
            head = label(text, Role.CAPTION)
            head.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            head.setToolTip(tip)
            grid.addWidget(head, 0, place)
        self.cells = {}
        self._names = {}
        for number, score in enumerate(ranked_scores(), start=1):
            self._names[score.name] = label(score.column_title, Role.FORM)
            grid.addWidget(self._names[score.name], number, 0)
            for place, figure in enumerate(("auroc", "aupr", "fpr95"), start=1):
                cell = label("–", Role.NUMBER)
                cell.setObjectName(f"{figure}_{score.name}")
                cell.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.cells[score.name, figure] = cell
                grid.addWidget(cell, number, place)
        grid.setColumnStretch(0, 1)
        card.body.addLayout(grid)
        self.behind = label("", Role.CAPTION, wrap=True)
        self.behind.setObjectName("images_behind")
        card.add(self.behind)
        return card

    def _make_preview(self) -> Card:
        self._preview_pictures = Pictures(self._theme)
        self.preview_card = Card(self._theme, "What it saw", note="figure: the score", margin=12)
        self.preview = ImageGrid(self._theme, self._preview_pictures, name="shift_grid")
        self.preview.setAccessibleName("Changed images")
        self.preview.setMinimumHeight(88)
        self.preview_card.add(self.preview, 1)
        return self.preview_card

    # ------------------------------------------------------------------------------------------ asking

    def _on_compare(self) -> None:
        if self._waiting:
            self._sampling.cancel_side()
            return
        self._found.clear()
        self._labelled = self.changes.other.value() is None
        common = {"passes": PASSES, "limit": ROWS}
        if self._labelled:
            change = self.changes.wanted()
            for severity in SEVERITIES:
                part = Shift(*(severity * getattr(change, name) for name, *_ in KINDS))
                self._ask(severity, shift=part, **common)
            self._sampling.want_validation()  # for the coverage of the promised sets
        else:
            data = Data.model_validate({"source": {"kind": self.changes.other.value()}})
            self._ask(0.0, **common)
            self._ask(1.0, other=data, **common)
        self._show_availability()

    def _ask(self, severity: float, **changes: object) -> None:
        self._waiting += 1
        self._sampling.ask(lambda samples: self._take(severity, samples), self._ended, **changes)

    def _take(self, severity: float, samples: Samples) -> None:
        self._found[severity] = samples
        self._show()

    def _ended(self) -> None:
        self._waiting -= 1
        self._show_availability()

    # ------------------------------------------------------------------------------------------ what is shown

    def _offer_scores(self) -> None:
        scores = self._inspection.scores
        nouns = self._inspection.words.nouns
        if [one.help for one in self.score.choices()] != [nouns.said(one.sentence) for one in scores]:
            before = self.score.value()
            self.score.set_choices([Choice(one.name, one.title, nouns.said(one.sentence)) for one in scores])
            self.score.set_value(before or "predictive_entropy")
        telling = {one.name for one in scores}
        for name, words in self._names.items():
            words.setVisible(name in telling)
        for (name, _), cell in self.cells.items():
            cell.setVisible(name in telling)

    def _show_availability(self, _: object = None) -> None:
        self._offer_scores()
        self.changes.compare.setText("Stop" if self._waiting else "Compare")
        some = self.changes.other.value() is not None or not self.changes.wanted().is_none
        ready = self._inspection.samples is not None and not self._sampling.busy
        reason = ""
        if not self._waiting and not (some and ready):
            reason = "Samples are being drawn." if self._sampling.busy else NO_SAMPLES if not ready else NO_CHANGE
        set_reason(self.changes.compare, reason)

    def _show(self, _: object = None) -> None:
        usual = self._found.get(0.0)
        strongest = max((severity for severity in self._found if severity > 0), default=None)
        if usual is None or strongest is None:
            nothing = "Nothing has been compared yet." if not self._waiting else "Sampling."
            self.histogram.set_message(nothing)
            self.severity.set_message(nothing)
            self.preview_card.setVisible(False)
            return
        strange = self._found[strongest]
        found = detections(usual, strange)
        telling = {one.name for one in usual.telling_scores}
        behind = f"Of {count_of(len(usual.rows), 'usual image')} and {len(strange.rows):,} strange ones."
        for (name, figure), cell in self.cells.items():
            value = getattr(found[name], figure)
            cell.setText(percent(value, 1))
            taken = f"{round(value * len(usual.rows)):,} usual images are taken for strange. "
            cell.setToolTip(f"{taken if figure == 'fpr95' else ''}{behind}")
        self.behind.setText(behind)
        best = max(((name, one) for name, one in found.items() if name in telling), key=lambda item: item[1].auroc)
        first, second = sentence(usual, strange, best, labelled=self._labelled)
        self.title.setText(first)
        self.second.setText(second)
        self._show_histograms(usual, strange)
        coverage = self._coverage()
        self._show_severity(coverage)
        self.promise.setVisible(bool(coverage))
        if coverage:
            self.promise.setText(broken_promise(self._inspection.promise.promise, coverage[0.0], coverage[strongest]))
        self.preview_card.setVisible(True)
        self._preview_pictures.set_source(strange.rows.pictures)
        rows = np.linspace(0, len(strange.rows) - 1, min(PREVIEWED, len(strange.rows))).round().astype(np.int64)
        self.preview.images.show(strange, rows, strange.scores.uncertainty(str(self.score.value())))
        self.preview.viewport().update()

    def _show_histograms(self, usual: Samples, strange: Samples) -> None:
        name = str(self.score.value())
        bars = histograms(usual.scores.uncertainty(name), strange.scores.uncertainty(name))
        zeros = np.zeros(len(bars.left))
        x = nice_axis(float(bars.left[0]), float(bars.right[-1]), SCORES[name].axis_title)
        x = Axis(float(bars.left[0]), float(bars.right[-1]), [t for t in x.ticks if t[0] <= bars.right[-1]], x.label)
        self.histogram.set_message("")
        self.histogram.set_axes(x, Axis(0, 1.05, []))
        self.histogram.set_items(
            [
                Bars(bars.left, bars.right, zeros, bars.usual, "train", 110),
                Bars(bars.left, bars.right, zeros, bars.strange, "wrong", 110),
            ]
        )
        count = f"{len(strange.rows):,}"
        self.histogram.legend.set_entries(
            [LegendEntry("as they are", "train", f"{len(usual.rows):,}"), LegendEntry("changed", "wrong", count)]
        )
        self.histogram.set_legend_corner("top_right")

    def _coverage(self) -> dict[float, Share]:
        """Severity → how often the promised sets hold the label; empty without calibration rows, or without labels."""
        validation = self._inspection.validation
        if validation is None or not self._labelled:
            return {}
        promise = self._inspection.promise
        return {
            severity: promise.sets(samples, validation).coverage(samples.rows.labels).overall
            for severity, samples in self._found.items()
        }

    def _show_severity(self, coverage: dict[float, Share]) -> None:
        if not self._labelled:
            self.severity.set_message("Another data set has no severity, and its labels mean nothing to this network.")
            return
        severities = sorted(self._found)
        x = np.array(severities)
        values = [measures(self._found[severity]) for severity in severities]
        items: list[Item] = []
        entries = []
        curves = [
            (words, color, np.array([value[key] for value in values]))
            for key, words, color in measure_styles(self._found[severities[0]])
        ]
        if coverage:
            curves.append(("held by the set", "series_3", np.array([coverage[one].value for one in severities])))
            items.append(Mark(float(self._inspection.promise.promise.coverage), upright=False, color="series_3"))
        for (words, color, y), style in zip(curves, cycle(SEVERAL), strict=False):
            items += [Line(x, y, color, style), Dots(x, y, color, 3.5)]
            entries.append(LegendEntry(words, color, percent(y[-1]), style))
        self.severity.set_message("")
        self.severity.set_axes(share_axis(0, 1, 0.25), share_axis(0, 1, 0.25))
        self.severity.set_items(items)
        self.severity.legend.set_entries(entries)
        self.severity.set_legend_corner("beside")
