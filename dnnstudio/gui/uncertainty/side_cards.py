"""Right of the image: how unsure the network is, whether the passes suffice, and which images are unsure alike."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.core.uncertainty.accuracy import nearest_in_doubt
from dnnstudio.core.uncertainty.convergence import Running, passes_for, running, steady_since
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import Floats
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.uncertainty.chart import Axis, Band, Chart, Item, Line, Mark, nice_axis
from dnnstudio.gui.uncertainty.grid import ImageGrid, Pictures
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.uncertainty.words import NBSP, percent
from dnnstudio.gui.widgets import Card, Choice, ComboBox, label

WANTED_ERROR = 0.005
"""The standard error that the advice aims at: half a point."""
STEADY = 0.02
ALIKE = 3


class Meter(QWidget):
    """A bar 6 px high from 0 to the most it can be, in one or two parts."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._parts: tuple[tuple[float, str], ...] = ()
        self.setFixedHeight(6)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_parts(self, *parts: tuple[float, str]) -> None:
        """Shares of the whole width and the tokens of their colours."""
        self._parts = parts
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("hover"))
        painter.drawRoundedRect(QRectF(self.rect()), 3, 3)
        left = 0.0
        for share, color in self._parts:
            width = min(max(share, 0.0), 1.0) * self.width()
            if width > 0.4:
                painter.setBrush(self._theme.color(color))
                painter.drawRoundedRect(QRectF(left, 0, max(width, 3), 6), 3, 3)
                left += width + 1


class ScoreRow(QWidget):
    """Name, figure, bar, and what it means in a few words."""

    def __init__(self, theme: Theme, name: str, meaning: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        head, foot = QHBoxLayout(), QHBoxLayout()
        self.figure, self.extra = label("", Role.NUMBER), label("", Role.CAPTION)
        head.addWidget(label(name, Role.LEAD))
        head.addStretch(1)
        head.addWidget(self.figure)
        foot.addWidget(label(meaning, Role.CAPTION))
        foot.addStretch(1)
        foot.addWidget(self.extra)
        self.meter = Meter(theme)
        column.addLayout(head)
        column.addWidget(self.meter)
        column.addLayout(foot)
        self.setToolTip(tip)
        self._name = name

    def show_value(self, figure: str, *parts: tuple[float, str], extra: str = "") -> None:
        self.figure.setText(figure)
        self.extra.setText(extra)
        self.meter.set_parts(*parts)
        self.setAccessibleName(f"{self._name} {figure} {extra}".strip())


class ScoresCard(Card):
    """The scores of the image in words and figures."""

    def __init__(self, theme: Theme, inspection: Inspection, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, "How unsure", margin=12, parent=parent)
        self.setObjectName("scores_card")
        self._inspection = inspection
        self.scale = label("", Role.CAPTION)
        self.head.add(self.scale)
        self.total = ScoreRow(
            theme, "Predictive entropy", "all doubt together", "Entropy of the mean: H = −Σ p̄ log p̄, in nats."
        )
        self.aleatoric = ScoreRow(
            theme, "Expected entropy", "from the image itself", "The mean entropy of single passes: the aleatoric part."
        )
        self.epistemic = ScoreRow(
            theme,
            "Mutual information",
            "from the model: passes disagree",
            "Predictive minus expected entropy: the epistemic part, which more training data would lessen.",
        )
        self.votes = ScoreRow(
            theme, "Variation ratio", "passes that said something else", "1 − the share of passes for the most voted."
        )
        for row in (self.total, self.aleatoric, self.epistemic, self.votes):
            self.add(row)
        self.others = label("", Role.CAPTION, wrap=True)
        self.others.setToolTip("Standard deviation of the winner, lead over the second, and the highest mean.")
        self.add(self.others)

    def refresh(self) -> None:
        samples = self._inspection.samples
        if samples is None:
            return
        row, scores = self._inspection.image, samples.scores
        most = float(np.log(scores.classes))
        total, inside = float(scores.predictive_entropy[row]), float(scores.expected_entropy[row])
        gap, changed = float(scores.mutual_information[row]), float(scores.variation_ratio[row])
        self.scale.setText(f"0 to {most:.2f} nats")
        self.total.show_value(
            f"{total:.3f}", (inside / most, "series_4"), (gap / most, "accent"), extra=percent(total / most)
        )
        self.aleatoric.show_value(f"{inside:.3f}", (inside / most, "series_4"), extra=percent(inside / most))
        self.epistemic.show_value(f"{gap:.3f}", (gap / most, "accent"), extra=f"rank {self._inspection.rank(row):,}")
        self.votes.show_value(percent(changed), (changed, "text3"))
        self.others.setText(
            f"spread {scores.winner_std[row]:.3f}  ·  margin {scores.margin[row]:.3f}"
            f"  ·  top {scores.max_probability[row]:.3f}"
        )


class PassesCard(Card):
    """Running mean, entropy or mutual information against the passes, and whether there are enough of them."""

    def __init__(self, theme: Theme, inspection: Inspection, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Enough passes?", margin=12, parent=parent)
        self.setObjectName("passes_card")
        self._inspection = inspection
        self.figure = label("", Role.NUMBER)
        self.head.add(self.figure)
        choices = (
            Choice("mean", "Mean of this image"),
            Choice("entropy", "Entropy of this image"),
            Choice("information", "Mutual information of this image"),
            Choice("set_entropy", "Entropy, all images"),
            Choice("set_information", "Mutual information, all images"),
            Choice("flips", "Labels still to flip"),
        )
        self.what = ComboBox(choices)
        self.what.setObjectName("convergence_of")
        self.what.setAccessibleName("What is drawn against the passes")
        self.what.set_value("mean")
        self.what.chosen.connect(self.refresh)
        self.chart = Chart(theme, name="Running figure against passes", left=40)
        self.chart.setMinimumHeight(110)
        self.advice = label("", Role.CAPTION, wrap=True)
        self.advice.setObjectName("passes_advice")
        self.add(self.what)
        self.add(self.chart, 1)
        self.add(self.advice)

    def refresh(self, _: object = None) -> None:
        samples = self._inspection.samples
        if samples is None:
            return
        passes = samples.of_row(self._inspection.image)
        course = running(passes)
        count = np.arange(1, len(passes) + 1, dtype=np.float64)
        error = float(course.standard_error[-1])
        last = float(course.mean[-1])
        shown = f"{last * 100:.1f} ± {error * 100:.1f}{NBSP}%" if np.isfinite(error) else percent(last, 1)
        self.figure.setText(shown)
        self._draw(samples, count, course)
        self.advice.setText(self._advice(samples, course.mean))

    def _draw(self, samples: Samples, count: Floats, course: Running) -> None:
        end = max(float(count[-1]), 2.0)
        ticks = sorted({1.0, *(float(round(end * quarter / 4)) for quarter in range(1, 5))})
        x = Axis(1.0, end, [(tick, f"{tick:,.0f}") for tick in ticks], "passes")
        what = self.what.value()
        series = {
            "mean": course.mean,
            "entropy": course.predictive_entropy,
            "information": course.mutual_information,
            "set_entropy": samples.course.mean_entropy,
            "set_information": samples.course.mean_mutual_information,
            "flips": samples.course.flips().astype(np.float64),
        }[str(what)]
        is_mean = what == "mean"
        error = course.standard_error if is_mean else np.zeros(len(series))
        low, high = series - error, series + error
        late = slice(min(2, len(series) - 1), None)  # the first passes' huge bands would flatten all the others
        if what == "flips":
            late = slice(0, None)
        bottom, top = float(np.nanmin(np.append(low[late], series))), float(np.nanmax(np.append(high[late], series)))
        if top - bottom < 1e-6:
            bottom, top = max(0.0, bottom - 0.01), top + 0.01
        y = nice_axis(max(0.0, bottom), min(1.0, top) if is_mean else top, share=is_mean)
        color = "right" if is_mean else "accent"
        items: list[Item] = [Mark(float(series[-1]), upright=False)]
        if is_mean:
            items.append(Band(count, np.maximum(low, y.low), np.minimum(high, y.high), color))
        items.append(Line(count, series, color))
        self.chart.set_axes(x, y)
        self.chart.set_items(items)

    def _advice(self, samples: Samples, mean: Floats) -> str:
        if samples.passes < 2:
            return "One pass says nothing of the spread."
        row = self._inspection.image
        deviation = float(samples.scores.winner_std[row]) * np.sqrt(samples.passes / (samples.passes - 1))
        needed = passes_for(deviation, WANTED_ERROR) if deviation > 0 else 1
        flips = samples.course.flips()
        half = int(flips[max(len(flips) // 2 - 1, 0)])
        since = steady_since(mean, STEADY)
        steady = f"Steady since pass {since}: within 2 points of the end. " if since < len(mean) else "Not steady yet. "
        half_words = f"{half:,} label{'' if half == 1 else 's'} flipped in the second half."
        return f"{steady}{needed:,} passes give ± 0.5{NBSP}%. {half_words}"


class AlikeCard(Card):
    """The images whose scores are nearest to this one's."""

    image_chosen = Signal(int)

    def __init__(
        self, theme: Theme, inspection: Inspection, pictures: Pictures, *, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, "Unsure alike", margin=12, parent=parent)
        self.setObjectName("alike_card")
        self._inspection = inspection
        self.grid = ImageGrid(theme, pictures, name="alike_grid")
        self.grid.setAccessibleName("Images with the nearest scores")
        self.grid.setToolTip("The nearest images by all scores together, each score by its own spread.")
        self.grid.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.grid.setFixedHeight(88)
        self.grid.clicked.connect(lambda index: self.image_chosen.emit(self.grid.images.row_of(index.row())))
        self.grid.activated.connect(lambda index: self.image_chosen.emit(self.grid.images.row_of(index.row())))
        self.add(self.grid)

    def refresh(self) -> None:
        samples = self._inspection.samples
        if samples is None or not self._inspection.finished:
            return
        scores = samples.scores
        columns = (scores.predictive_entropy, scores.mutual_information, scores.variation_ratio, scores.max_probability)
        rows = nearest_in_doubt(np.stack(columns, axis=1), self._inspection.image, ALIKE)
        self.grid.images.show(samples, rows, scores.mutual_information)
