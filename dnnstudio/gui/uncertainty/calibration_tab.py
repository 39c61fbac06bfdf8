"""The Calibration tab: the reliability diagram, its figures, and temperature scaling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.text import count_of, percent
from dnnstudio.core.uncertainty.calibration import (
    Binning,
    Reliability,
    adaptive_ece,
    brier,
    fit_temperature,
    nll,
    reliability,
    tempered,
)
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import Floats
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.uncertainty.distribution.tab import clear_scroll
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.uncertainty.sentences import is_off_apart, row_noun, source_words
from dnnstudio.gui.widgets import Card, Choice, ComboBox, LegendEntry, Segmented, label, rule
from dnnstudio.gui.widgets.charts.axis import Axis, nice_axis, share_axis
from dnnstudio.gui.widgets.charts.chart import Bars, Chart, Dots, Item, Line, Note

WINNER = -1
BINS = 15
ONE = np.array([0.0, 1.0])
FIGURES = (
    ("ece", "ECE", "Expected calibration error: the gaps of 15 bins of equal width, weighted by their {rows}."),
    ("adaptive", "Adaptive ECE", "The same over 15 bins of equally many {rows}."),
    ("mce", "MCE", "The largest gap of any bin of equal width. Its figures say how many {rows} lie in that bin."),
    ("classwise", "Class-wise ECE", "The mean over classes of each class's own calibration error."),
    ("brier", "Brier", "Mean squared distance from the label, 0 to 2."),
    ("nll", "Log loss", "Mean of −log of the probability of the label, in nats."),
    ("accuracy", "Accuracy", "A temperature never changes it."),
)
SOURCES = (
    ("off", "Dropout off"),
    ("mean", "Mean of {answers}"),
    ("off_t", "Dropout off, after"),
    ("mean_t", "Mean of {answers}, after"),
)
SINGLE_SOURCES = (("mean", "As predicted"), ("mean_t", "After the temperature"))
HEADS = ("off", "mean", "after")
SINGLE_HEADS = ("", "as is", "after")
FEW = 10
"""A bin of fewer images says little: its accuracy may be off by 30 points by chance alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One set of probabilities with its calibration figures."""

    probabilities: Floats
    figures: dict[str, float]
    mce_count: int
    """The images of the bin with the largest gap."""


def measure(probabilities: Floats, labels: NDArray[np.int64]) -> Measured:
    """All calibration figures of one set of probabilities."""
    correct = probabilities.argmax(axis=1) == labels
    confidence = probabilities.max(axis=1)
    bins = reliability(confidence, correct, bins=BINS)
    each = [
        reliability(probabilities[:, number], labels == number, bins=BINS).ece
        for number in range(probabilities.shape[1])
    ]
    figures = {
        "ece": bins.ece,
        "adaptive": adaptive_ece(confidence, correct, bins=BINS),
        "mce": bins.mce,
        "classwise": float(np.mean(each)),
        "brier": brier(probabilities, labels),
        "nll": nll(probabilities, labels),
        "accuracy": float(correct.mean()),
    }
    return Measured(probabilities, figures, bins.mce_count)


class CalibrationTab(QWidget):
    """Shows the samples' calibration; the temperature is fitted on the validation rows only."""

    def __init__(self, theme: Theme, inspection: Inspection, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("calibration_tab")
        self._theme = theme
        self._inspection = inspection
        self._no_validation = ""
        self._measured: dict[str, Measured] = {}
        self._temperatures: dict[str, float] = {}
        self._of: tuple[int, int] | None = None
        self.title = label("", Role.HEADLINE, wrap=True)
        self.title.setObjectName("calibration_headline")
        self.second = label("", Role.BODY, wrap=True)
        head = Card(theme, margin=16)
        head.add(self.title)
        head.add(self.second)
        self.card = self._make_diagram()
        middle = QVBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(head)
        middle.addWidget(self.card, 1)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._make_figures())
        column.addWidget(self._make_temperature())
        column.addStretch(1)
        area = clear_scroll(side, "calibration_side")
        area.setFixedWidth(304)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 8, 0, 0)
        row.setSpacing(8)
        row.addLayout(middle, 1)
        row.addWidget(area)
        inspection.samples_changed.connect(self.refresh)
        inspection.validation_changed.connect(self.refresh)

    def _make_diagram(self) -> Card:
        theme = self._theme
        card = Card(theme, "How often it was right", margin=16)
        self.source = ComboBox(self._sources(SOURCES))
        self.source.setObjectName("calibration_source")
        self.source.setAccessibleName("Which prediction")
        self.source.set_value("mean")
        self.klass = ComboBox()
        self.klass.setObjectName("calibration_class")
        self.klass.setAccessibleName("Of which class")
        kinds = (
            Choice("width", "Width", "Bins from 0 to 100 % of the same width"),
            Choice("mass", "Counts", "Bins that hold equally many"),
        )
        self.binning = Segmented(theme, kinds)
        self.binning.setObjectName("calibration_binning")
        self.binning.set_value("width")
        for control in (self.source, self.klass):
            control.setMinimumWidth(120)
            control.chosen.connect(self.refresh)
        self.binning.chosen.connect(self.refresh)
        controls = QHBoxLayout()
        controls.setSpacing(8)
        controls.addWidget(self.source)
        controls.addWidget(self.klass)
        controls.addWidget(self.binning)
        self.diagram = Chart(theme, name="Reliability diagram")
        self.diagram.setMinimumHeight(180)
        self.counts = Chart(theme, name="")
        self._inspection.words.say(self.counts.setAccessibleName, "{Rows} in each bin")
        self.counts.setMinimumHeight(88)
        card.body.addLayout(controls)
        card.add(self.diagram, 3)
        card.add(self.counts, 1)
        return card

    def _make_figures(self) -> Card:
        card = Card(self._theme, "Figures", note="smaller is better", margin=12)
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(6)
        self.cells = {}
        self._heads = [label(text, Role.CAPTION) for text in HEADS]
        for place, head in enumerate(self._heads):
            head.setAlignment(Qt.AlignmentFlag.AlignRight)
            grid.addWidget(head, 0, place + 1)
        for number, (name, words, tip) in enumerate(FIGURES, start=1):
            title = label(words, Role.FORM)
            self._inspection.words.say(title.setToolTip, tip)
            grid.addWidget(title, number, 0)
            for place, source in enumerate(("off", "mean", "mean_t")):
                cell = label("–", Role.NUMBER)
                cell.setObjectName(f"figure_{name}_{source}")
                cell.setAlignment(Qt.AlignmentFlag.AlignRight)
                self._inspection.words.say(cell.setToolTip, tip)
                self.cells[name, source] = cell
                grid.addWidget(cell, number, place + 1)
        grid.setColumnStretch(0, 1)
        card.body.addLayout(grid)
        return card

    def _make_temperature(self) -> Card:
        card = Card(self._theme, "Temperature", margin=12)
        self.temperature = label("", Role.BODY, wrap=True)
        self.temperature.setObjectName("temperature")
        self.after = label("", Role.CAPTION, wrap=True)
        card.add(self.temperature)
        card.add(rule())
        card.add(self.after)
        return card

    def set_no_validation(self, why: str) -> None:
        """Set why there are no validation rows to fit on."""
        self._no_validation = why
        self.refresh()

    # ------------------------------------------------------------------------------------------ figures

    def _measure(self, samples: Samples) -> None:
        """Fit and compute the figures, once per set of samples."""
        validation = self._inspection.validation
        of = (id(samples), id(validation))
        if of == self._of:
            return
        self._of = of
        labels = samples.rows.labels
        off = samples.rows.deterministic.astype(np.float64)
        self._measured = {"off": measure(off, labels), "mean": measure(samples.scores.mean, labels)}
        self._temperatures = {}
        if validation is None:
            return
        fitted = {"off": validation.rows.deterministic.astype(np.float64), "mean": validation.scores.mean}
        for name, probabilities in fitted.items():
            self._temperatures[name] = fit_temperature(probabilities, validation.rows.labels)
            after = tempered(self._measured[name].probabilities, self._temperatures[name])
            self._measured[f"{name}_t"] = measure(after, labels)

    def refresh(self, _: object = None) -> None:
        samples = self._inspection.samples
        if samples is None or not self.isVisible():
            return
        names = samples.rows.class_names
        if len(self.klass.choices()) != len(names) + 1:
            each = [Choice(number, name) for number, name in enumerate(names)]
            self.klass.set_choices([Choice(WINNER, "The winner"), *each])
            self.klass.set_value(WINNER)
        self._offer_sources(samples.is_single)
        self._measure(samples)
        shown = self._measured.get(str(self.source.value())) or self._measured["mean"]
        self._show_words(samples)
        self._show_diagram(samples, shown)
        for (name, source), cell in self.cells.items():
            found = self._measured.get(source)
            digits = 3 if name in ("brier", "nll") else None
            value = None if found is None else found.figures[name]
            cell.setText("–" if value is None else f"{value:.3f}" if digits else percent(value, 1))
            if name == "mce" and found is not None:
                noun = self._inspection.words.nouns.said("{row}")
                cell.setToolTip(f"In a bin of {count_of(found.mce_count, noun)}.")  # beside it there is no room
        self._show_temperature()

    def _sources(self, sources: Sequence[tuple[str, str]]) -> tuple[Choice, ...]:
        return tuple(Choice(name, self._inspection.words.nouns.said(words)) for name, words in sources)

    def _offer_sources(self, single: bool) -> None:
        """Without passes there is one prediction, as it is and after the temperature."""
        wanted = SINGLE_SOURCES if single else SOURCES
        choices = self._sources(wanted)
        if self.source.choices() == choices:
            return
        before = self.source.value()
        self.source.set_choices(choices)
        self.source.set_value(before if before in dict(wanted) else "mean")
        for head, text in zip(self._heads, SINGLE_HEADS if single else HEADS, strict=True):
            head.setText(text)
        for (_, source), cell in self.cells.items():
            cell.setVisible(not single or source != "off")

    def _show_words(self, samples: Samples) -> None:
        confidence = float(samples.scores.max_probability.mean())
        accuracy = float(samples.correct.mean())
        gap = confidence - accuracy
        verdict = "well judged" if abs(gap) < 0.01 else "too sure of itself" if gap > 0 else "too modest"
        self.title.setText(f"On average {percent(confidence, 1)} sure and {percent(accuracy, 1)} right: {verdict}.")
        ece = self._measured["mean"].figures["ece"]
        noun = row_noun(samples)
        elsewhere = f"It speaks of {noun}s like these" + ("; for others see Shift." if noun == "image" else ".")
        if samples.is_single:
            self.second.setText(f"Calibration error {percent(ece, 1)}. {elsewhere}")
            return
        if not is_off_apart(samples):
            self.second.setText(f"Calibration error {percent(ece, 1)} with {source_words(samples)[0]}. {elsewhere}")
            return
        off = self._measured["off"].figures["ece"]
        compared = f"{'lower' if ece < off else 'higher'} than the {percent(off, 1)} with dropout off"
        if percent(ece, 1) == percent(off, 1):
            compared = "as with dropout off"
        self.second.setText(
            f"Calibration error {percent(ece, 1)} with {source_words(samples)[0]}, {compared}. {elsewhere}"
        )

    def _show_diagram(self, samples: Samples, shown: Measured) -> None:
        number = self.klass.value()
        if number in (None, WINNER):
            confidence = shown.probabilities.max(axis=1)
            hit = shown.probabilities.argmax(axis=1) == samples.rows.labels
        else:
            assert isinstance(number, int)
            confidence = shown.probabilities[:, number]
            hit = samples.rows.labels == number
        binning: Binning = "mass" if self.binning.value() == "mass" else "width"
        bins = reliability(confidence, hit, bins=BINS, binning=binning)
        low, high = np.minimum(bins.confidence, bins.accuracy), np.maximum(bins.confidence, bins.accuracy)
        few = bins.counts < FEW
        # Bins of equal counts can be narrower than a line.
        right = np.maximum(bins.high, bins.low + 0.004)
        items: list[Item] = [
            Bars(bins.low, right, np.zeros(len(low)), bins.accuracy, "train", 70),
            Bars(bins.low, right, low, high, "wrong", 90),
            Line(ONE, ONE, "planned", "dashed", 1.2),
            Line(bins.confidence, bins.accuracy, "train", width=1.6),
            Dots(bins.confidence[~few], bins.accuracy[~few], "train", 4),
            Dots(bins.confidence[few], bins.accuracy[few], "train", 4, hollow=True),
        ]
        self.diagram.set_axes(share_axis(0, 1, 0.2), share_axis(0, 1, 0.2))
        self.diagram.set_items(items)
        entries = [
            LegendEntry("right, of those in the bin", "train"),
            LegendEntry("gap to what was said", "wrong", percent(bins.ece, 1)),
            LegendEntry("perfectly calibrated", "planned", "", "dashed"),
        ]
        if few.any():
            entries.insert(1, LegendEntry(f"hollow: under {FEW} {row_noun(samples)}s", "text3"))
        self.diagram.legend.set_entries(entries)
        self.diagram.set_legend_corner("free")
        self._show_counts(bins, right)

    def _show_counts(self, bins: Reliability, right: Floats) -> None:
        counts = bins.counts.astype(np.float64)
        top = nice_axis(0.0, float(counts.max()))
        self.counts.set_axes(share_axis(0, 1, 0.2, "how sure it was"), Axis(0, top.high, [top.ticks[0], top.ticks[-1]]))
        zeros = np.zeros(len(counts))
        few = bins.counts < FEW
        items: list[Item] = [
            Bars(bins.low[~few], right[~few], zeros[~few], counts[~few], "planned", 160),
            Bars(bins.low[few], right[few], zeros[few], counts[few], "planned", hollow=True),
        ]
        middle = (bins.low + right) / 2
        items += [
            Note(float(x), float(count) + 0.1 * top.high, f"{count:.0f}", "text3", "above")
            for x, count in zip(middle[few], counts[few], strict=True)
        ]
        self.counts.set_items(items)

    def _show_temperature(self) -> None:
        found = self._temperatures.get("mean")
        validation = self._inspection.validation
        if found is None or validation is None:
            why = self._no_validation or "The validation rows are being sampled; a temperature is fitted on them alone."
            self.temperature.setText(why)
            self.after.setText("")
            return
        how, of = "softer" if found > 1 else "sharper", count_of(len(validation.rows), "validation row")
        if bool(validation.correct.all()):  # the loss then falls for ever
            self.temperature.setText(
                f"T = {found:.2f}: all {of} were answered rightly, so that ever sharper answers fit them better. "
                "It says little of other rows."
            )
        else:
            self.temperature.setText(
                f"T = {found:.2f}: {how} answers fit better. Fitted on {of}, never on the rows shown here."
            )
        before, after = self._measured["mean"].figures, self._measured["mean_t"].figures
        off = self._temperatures["off"]
        self.after.setText(
            f"ECE {percent(before['ece'], 1)} → {percent(after['ece'], 1)}, "
            f"log loss {before['nll']:.3f} → {after['nll']:.3f}."
            + (
                ""
                if validation.is_single
                else f" With dropout off T = {off:.2f}: ECE {percent(self._measured['off'].figures['ece'], 1)} → "
                f"{percent(self._measured['off_t'].figures['ece'], 1)}."
            )
        )

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
