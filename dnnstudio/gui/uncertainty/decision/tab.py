"""The Decision tab: which images to answer and which to refer, and what that costs."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from dnnstudio.core.text import count_of, percent
from dnnstudio.core.uncertainty.decision import coverage_at_risk, oracle, risk_at_coverage
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import SCORES
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.uncertainty.decision.cards import CostCard, CostMatrixDialog, ReferralCard, TargetCard
from dnnstudio.gui.uncertainty.decision.state import Chosen, Decision
from dnnstudio.gui.uncertainty.distribution.tab import clear_scroll
from dnnstudio.gui.uncertainty.grid import Pictures
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.uncertainty.sentences import row_noun
from dnnstudio.gui.widgets import (
    Card,
    Choice,
    ComboBox,
    LegendEntry,
    Limits,
    NumberField,
    Share,
    ShareBar,
    Steps,
    label,
    push_button,
)
from dnnstudio.gui.widgets.charts.axis import nice_axis, share_axis
from dnnstudio.gui.widgets.charts.chart import RIGHT, Chart, Dots, Item, Line, Mark, Note
from dnnstudio.gui.widgets.charts.legend import SEVERAL

COVERAGE_FROM = 0.2
ANSWERED = 0.97
"""Before a threshold is chosen, this share is answered and those with the highest uncertainty are referred."""
NO_VALIDATION = "The validation rows have not answered yet."
STEPS = 2000
NARROW_BELOW = 820
CURVES = 3
LEAST_TOP = 0.004
"""The axis of the error goes so far at least: steps of 0.1 %, whose words have room beside it."""
COLORS = ("accent", "series_2", "series_3", "series_4")
PARTS = (
    ("answered_right", "answered, right", "right"),
    ("answered_wrong", "answered, wrong", "wrong"),
    ("referred_right", "referred, was right", "series_4"),
    ("referred_wrong", "referred, was wrong", "accent"),
)


class DecisionTab(QWidget):
    """`image_chosen(row)` from the referrals; `export_requested(rows)`."""

    image_chosen = Signal(int)
    export_requested = Signal(object)

    def __init__(
        self, theme: Theme, inspection: Inspection, pictures: Pictures, *, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("decision_tab")
        self._theme = theme
        self._inspection = inspection
        self.decision = Decision()
        self._no_validation = ""
        self._placed = False
        self.head_card = self._make_head()
        self.curve_card = self._make_curve()
        self.costs = CostCard(theme, self.decision.costs)
        self.targets = TargetCard(theme)
        self.referrals = ReferralCard(theme, pictures, inspection.words)
        middle = QVBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(self.head_card)
        middle.addWidget(self.curve_card, 1)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.costs)
        column.addWidget(self.targets)
        column.addWidget(self.referrals, 1)
        area = clear_scroll(side, "decision_side")
        area.setFixedWidth(280)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 8, 0, 0)
        row.setSpacing(8)
        row.addLayout(middle, 1)
        row.addWidget(area)
        self._wire()

    def _make_head(self) -> Card:
        card = Card(self._theme, margin=16)
        self.title = label("", Role.HEADLINE, wrap=True)
        self.title.setObjectName("decision_headline")
        self.second = label("", Role.BODY, wrap=True)
        self.origin = label("", Role.CAPTION, wrap=True)
        self.origin.setObjectName("threshold_origin")
        self.bar = ShareBar(self._theme, thickness=12, captions=False)
        self.counts = {name: label("", Role.TITLE) for name, _, _ in PARTS}
        grid = QGridLayout()
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(0)
        for place, (name, words, color) in enumerate(PARTS):
            grid.addWidget(_Swatch(self._theme, color), 0, 2 * place, Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(self.counts[name], 0, 2 * place + 1)
            grid.addWidget(label(words, Role.CAPTION, wrap=True), 1, 2 * place + 1, Qt.AlignmentFlag.AlignTop)
            grid.setColumnStretch(2 * place + 1, 1)
        for widget in (self.title, self.second, self.bar):
            card.add(widget)
        card.body.addLayout(grid)
        card.add(self.origin)
        return card

    def _make_curve(self) -> Card:
        card = Card(self._theme, "Error against coverage", margin=16)
        card.head.keep_title()
        self.chart = Chart(self._theme, name="Error among the answered against the share that is answered")
        self.chart.setMinimumHeight(150)
        self.chart.setToolTip("Beside each score the area under its curve (AURC): smaller is better.")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("coverage_slider")
        self.slider.setAccessibleName("Share answered without a person")
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(STEPS // 20)
        self.chart.setFocusProxy(self.slider)  # whose arrow keys do what a press on the plot does
        self.score = ComboBox()
        self.score.setObjectName("decision_score")
        self.score.setAccessibleName("Score that decides")
        self.score.setMaximumWidth(210)
        self.slider.setMinimumHeight(22)
        self.threshold = NumberField(
            self._theme, title="The threshold", limits=Limits(ge=-1, le=100), steps=Steps.LINEAR, step_size=0.005
        )
        self.threshold.setObjectName("field_threshold")
        self.threshold.setAccessibleName("Threshold")
        self.threshold.setFixedWidth(76)
        self.cheapest = push_button("Use cheapest", tip="The threshold of the lowest cost on the validation rows.")
        self.cheapest.setObjectName("use_cheapest")
        self.cheapest.setIcon(self._theme.icon("target"))
        under = QHBoxLayout()
        under.setContentsMargins(38, 0, RIGHT - 6, 0)
        under.addWidget(self.slider)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        self._above = label("is above", Role.FORM)
        self._when = label("Refer when", Role.FORM)
        foot.addWidget(self._when)
        foot.addWidget(self.score, 3)
        foot.addWidget(self._above)
        foot.addWidget(self.threshold)
        foot.addStretch(1)
        foot.addWidget(self.cheapest)
        card.add(self.chart, 1)
        card.body.addLayout(under)
        card.body.addLayout(foot)
        return card

    def _wire(self) -> None:
        self.slider.valueChanged.connect(self._on_slider)
        self.chart.pressed.connect(lambda coverage, _: self._set_coverage(coverage))
        self.score.chosen.connect(self._on_score)
        self.threshold.committed.connect(self._on_threshold)
        self.cheapest.clicked.connect(self._use_cheapest)
        self.costs.changed.connect(self.refresh)
        self.costs.matrix_requested.connect(self._ask_prices)
        self.targets.risk_requested.connect(self._use_risk)
        self.targets.coverage_requested.connect(self._use_coverage)
        for field in self.targets.fields.values():
            field.committed.connect(lambda _: self.refresh())
        self.referrals.image_chosen.connect(self.image_chosen)
        self.referrals.export_requested.connect(self._export)
        self._inspection.samples_changed.connect(self.refresh)
        self._inspection.validation_changed.connect(self.refresh)

    # ------------------------------------------------------------------------------------------ the threshold

    def set_no_validation(self, why: str) -> None:
        """Set why there are no validation rows to select on; "" once there are."""
        self._no_validation = why
        self.refresh()

    def set_threshold(self, threshold: float, chosen: Chosen = "hand") -> None:
        """Refer the images above this threshold."""
        self.decision.threshold = threshold
        self.decision.chosen = chosen
        self._placed = True
        self.refresh()

    def _set_coverage(self, coverage: float) -> None:
        if self._inspection.samples is not None:
            self.set_threshold(self.decision.for_coverage(self._inspection.samples, coverage))

    def _on_slider(self, value: int) -> None:
        self._set_coverage(COVERAGE_FROM + (1 - COVERAGE_FROM) * value / STEPS)

    def _on_threshold(self, value: object) -> None:
        if isinstance(value, int | float):
            self.set_threshold(float(value))

    def _on_score(self, value: object) -> None:
        samples = self._inspection.samples
        if samples is None:
            return
        coverage = self.decision.referral(samples).answered / len(samples.rows)
        self.decision.score = str(value)
        self.set_threshold(self.decision.for_coverage(samples, coverage))

    def _use_cheapest(self) -> None:
        samples, validation = self._inspection.samples, self._inspection.validation
        if samples is not None and validation is not None:
            self.set_threshold(self.decision.cheapest(validation, samples), "cheapest")

    def _use_risk(self, risk: float) -> None:
        if self._inspection.validation is not None:
            self.set_threshold(self.decision.for_risk(self._inspection.validation, risk), "risk")

    def _use_coverage(self, coverage: float) -> None:
        if self._inspection.validation is not None:
            self.set_threshold(self.decision.for_coverage(self._inspection.validation, coverage), "coverage")

    def _ask_prices(self) -> None:
        samples = self._inspection.samples
        if samples is None:
            return
        costs, size = self.decision.costs, samples.scores.classes
        known = costs.matrix if costs.matrix is not None else np.full((size, size), costs.wrong)
        dialog = CostMatrixDialog(samples.rows.class_names, known, parent=self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._take_prices(dialog))
        dialog.open()

    def _take_prices(self, dialog: CostMatrixDialog) -> None:
        self.decision.costs.matrix = dialog.prices
        self.refresh()

    def _export(self) -> None:
        if self._inspection.samples is not None:
            self.export_requested.emit(self.decision.referred(self._inspection.samples))

    # ------------------------------------------------------------------------------------------ what is shown

    def refresh(self, _: object = None) -> None:
        samples = self._inspection.samples
        self._offer_scores()
        if samples is None or not self.isVisible():
            return
        if not self._placed:
            self.decision.threshold = self.decision.for_coverage(samples, ANSWERED)
        validation = self._inspection.validation
        cheapest = self.decision.cheapest(validation, samples) if validation is not None else None
        self._show_head(samples, validation)
        self._show_curve(samples, cheapest)
        self._show_fields(samples)
        outcome = None
        if cheapest is not None:
            referred = int((samples.scores.uncertainty(self.decision.score) > cheapest).sum())
            outcome = (referred, self.decision.cost(samples, cheapest))
        self.costs.show_costs(self.decision, samples, outcome)
        self.referrals.show_referred(self.decision, samples)
        for button in (self.cheapest, *self.targets.buttons.values()):
            set_reason(button, "" if validation is not None else self._no_validation or NO_VALIDATION)

    def _offer_scores(self) -> None:
        """Offer the scores that say something of the present samples, and decide by one of them."""
        scores = self._inspection.scores
        nouns = self._inspection.words.nouns
        if [one.help for one in self.score.choices()] == [nouns.said(one.sentence) for one in scores]:
            return
        if all(one.name != self.decision.score for one in scores):
            self.decision.score, self._placed = scores[0].name, False
        self.score.set_choices([Choice(one.name, one.title, nouns.said(one.sentence)) for one in scores])
        self.score.set_value(self.decision.score)

    def _show_head(self, samples: Samples, validation: Samples | None) -> None:
        found, wrong = self.decision.referral(samples), int((~samples.correct).sum())
        total = len(samples.rows)
        rest = f"error among the rest {percent(found.risk, 1)}." if found.answered else "nothing is answered."
        self.title.setText(f"{found.referred:,} of {count_of(total, row_noun(samples))} referred; {rest}")
        hold = "one holds" if found.referred == 1 else f"{found.referred:,} hold"
        held = f"The {hold} {found.referred_wrong:,} of {count_of(wrong, 'error')}." if wrong else "No answer is wrong."
        self.second.setText(f"Answering everything would err on {percent(wrong / total, 1)}. {held}")
        self.bar.set_shares([Share(getattr(found, name), color) for name, _, color in PARTS])
        for name, _, _ in PARTS:
            self.counts[name].setText(f"{getattr(found, name):,}")
        self.origin.setText(self._origin(samples, validation))

    def _origin(self, samples: Samples, validation: Samples | None) -> str:
        low, high = self.decision.interval(samples)
        interval = f"95 % interval of the error here {percent(low, 1)} to {percent(high, 1)}."
        if self.decision.chosen != "hand" and validation is not None:
            there = self.decision.referral(validation)
            return (
                f"Threshold chosen on {count_of(len(validation.rows), 'validation row')}, where the rest erred on "
                f"{percent(there.risk, 1)}. {interval}"
            )
        by = "Set by hand" if self._placed else f"Begins with the most doubtful {percent(1 - ANSWERED)}"
        if self._no_validation:
            return f"{by}: {self._no_validation} {interval}"
        waiting = "" if validation is not None else " They are being sampled."
        return f"{by}; to report it, choose it on the validation rows.{waiting} {interval}"

    def _show_curve(self, samples: Samples, cheapest: float | None) -> None:
        decision = self.decision
        others = (one.name for one in samples.telling_scores if one.compared and one.name != decision.score)
        shown = [decision.score, *others][:CURVES]
        base = float((~samples.correct).mean())
        best = oracle(samples.correct)
        items: list[Item] = [
            Mark(base, upright=False, color="planned", style="dotted"),
            Line(best.coverage, best.risk, "planned", "dashed", 1.2),
        ]
        entries: list[LegendEntry] = []
        top = base
        for name, color, style in reversed(list(zip(shown, COLORS, SEVERAL, strict=False))):
            curve = decision.curve(samples, name)
            held = curve.coverage >= COVERAGE_FROM - 1e-9
            width = 2.0 if name == shown[0] else 1.6
            items.append(Line(curve.coverage[held], curve.risk[held], color, style, width))
            entries.insert(0, LegendEntry(SCORES[name].title.lower(), color, f"{curve.area:.3f}", style))
            top = max(top, float(curve.risk[held].max()))
        entries.append(LegendEntry("referring at random", "planned", f"{base:.3f}", "dotted"))
        entries.append(LegendEntry("best possible", "planned", f"{best.area:.3f}", "dashed"))
        found = decision.referral(samples)
        coverage = found.answered / len(samples.rows)
        if cheapest is not None:
            there = (samples.scores.uncertainty(decision.score) <= cheapest).mean()
            risk = risk_at_coverage(decision.curve(samples), float(there)) if there > 0 else 0.0
            items += [
                Dots(np.array([there]), np.array([risk]), "accent", 4.5, hollow=True),
                Note(float(there), risk - 0.04 * top, "cheapest"),
            ]
        y = nice_axis(0.0, max(top * 1.05, LEAST_TOP), share=True)
        items += [
            Mark(coverage, color="accent"),
            Dots(np.array([coverage]), np.array([found.risk]), "accent", 5),
            Note(coverage, y.high * 0.97, f"now: {found.referred:,} referred", "accent", "left"),
        ]
        self.chart.set_axes(share_axis(COVERAGE_FROM, 1.0, 0.2, "answered without a person (coverage)"), y)
        self.chart.set_items(items)
        finest = min(SCORES, key=lambda name: decision.curve(samples, name).area)
        self.curve_card.head.set_note(f"{SCORES[finest].title} finds the errors best here" if base else "")
        self.chart.legend.set_entries(entries)
        self.chart.set_legend_corner("free")
        self._show_targets(samples)

    def _show_targets(self, samples: Samples) -> None:
        curve = self.decision.curve(samples)
        share = coverage_at_risk(curve, self.targets.share("risk"))
        self.targets.outcomes["risk"].setText(f"can answer {percent(share, 1)} of these {row_noun(samples)}s")
        risk = risk_at_coverage(curve, self.targets.share("coverage"))
        self.targets.outcomes["coverage"].setText(f"errs on {percent(risk, 1)} of them")

    def _show_fields(self, samples: Samples) -> None:
        decision = self.decision
        if not self.threshold.editing:
            self.threshold.set_value(float(f"{np.clip(decision.threshold, -1, 100):.4g}"))
        coverage = decision.referral(samples).answered / len(samples.rows)
        blocked = self.slider.blockSignals(True)
        self.slider.setValue(round((coverage - COVERAGE_FROM) / (1 - COVERAGE_FROM) * STEPS))
        self.slider.blockSignals(blocked)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < NARROW_BELOW  # the name of the score comes before the words around it
        self._when.setText("If" if narrow else "Refer when")
        self._above.setText(">" if narrow else "is above")
        self.cheapest.setText("Cheapest" if narrow else "Use cheapest")
        self.cheapest.setIcon(QIcon() if narrow else self._theme.icon("target"))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()


class _Swatch(QWidget):
    """A 10 px square in a theme colour."""

    def __init__(self, theme: Theme, color: str) -> None:
        super().__init__()
        self._theme, self._color = theme, color
        self.setFixedSize(10, 10)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color(self._color))
        painter.drawRoundedRect(self.rect(), 2, 2)
