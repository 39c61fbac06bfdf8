"""The cards right of the image: its uncertainty scores, whether the passes suffice, and similarly uncertain images."""

from __future__ import annotations

from functools import partial

import numpy as np
from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.core.text import count_of, percent, plural
from dnnstudio.core.uncertainty.accuracy import nearest_in_uncertainty
from dnnstudio.core.uncertainty.convergence import Running, passes_for, running, steady_since
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import SCORES, Floats, Score, Scores, Unit, ranked_scores
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.uncertainty.grid import ImageGrid, Pictures
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.uncertainty.score_colors import score_color
from dnnstudio.gui.uncertainty.sentences import Words, pass_noun
from dnnstudio.gui.widgets import Card, Choice, ComboBox, ElidedLabel, label
from dnnstudio.gui.widgets.charts.axis import Axis, nice_axis
from dnnstudio.gui.widgets.charts.chart import Band, Chart, Item, Line, Mark

WANTED_ERROR = 0.005
"""The standard error that the advice aims at: half a point."""
STEADY = 0.02
ALIKE = 3
COMPARED = ("predictive_entropy", "mutual_information", "variation_ratio", "max_probability")
"""The scores by which images are alike. The others follow from these, and would count twice."""


class Meter(QWidget):
    """A bar 6 px high from 0 to the maximum, in one or two parts."""

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
    """Name, value, bar, and a short explanation."""

    def __init__(self, theme: Theme, score: Score, words: Words, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        head, foot = QHBoxLayout(), QHBoxLayout()
        self.figure, self.extra = label("", Role.NUMBER), label("", Role.CAPTION)
        head.addWidget(label(score.title, Role.LEAD))
        head.addStretch(1)
        head.addWidget(self.figure)
        meaning = ElidedLabel("", Role.CAPTION)
        words.say(meaning.setText, score.meaning)
        foot.addWidget(meaning, 1)
        foot.addWidget(self.extra)
        self.meter = Meter(theme)
        column.addLayout(head)
        column.addWidget(self.meter)
        column.addLayout(foot)
        words.say(self.setToolTip, score.sentence)
        self._name = score.title

    def show_value(self, figure: str, *parts: tuple[float, str], extra: str = "") -> None:
        self.figure.setText(figure)
        self.extra.setText(extra)
        self.meter.set_parts(*parts)
        self.setAccessibleName(f"{self._name} {figure} {extra}".strip())


class ScoresCard(Card):
    """The image's scores: one row each, or a place in the line below."""

    def __init__(self, theme: Theme, inspection: Inspection, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, "How unsure", margin=12, parent=parent)
        self.setObjectName("scores_card")
        self._inspection = inspection
        self.scale = label("", Role.CAPTION)
        self.head.add(self.scale)
        self.rows = {name: ScoreRow(theme, score, inspection.words) for name, score in SCORES.items() if score.meaning}
        for row in self.rows.values():
            self.add(row)
        self._others = tuple(score for name, score in SCORES.items() if name not in self.rows)
        self.others = label("", Role.CAPTION, wrap=True)
        tips = "\n".join(f"{score.short_name}: {score.sentence}" for score in self._others)
        inspection.words.say(self.others.setToolTip, tips)
        self.add(self.others)

    def refresh(self) -> None:
        samples = self._inspection.samples
        if samples is None:
            return
        row, scores, telling = self._inspection.image, samples.scores, samples.telling_scores
        self.scale.setText(f"0 to {Unit.NATS.maximum(scores.classes):.2f} nats")
        for name, shown in self.rows.items():
            shown.setVisible(SCORES[name] in telling)
            self._show(SCORES[name], shown, scores, row)
        named = (score for score in self._others if score in telling)
        others = (f"{score.short_name} {scores.values[score.name][row]:.3f}" for score in named)
        self.others.setText("  ·  ".join(others))

    def _show(self, score: Score, shown: ScoreRow, scores: Scores, row: int) -> None:
        most = score.unit.maximum(scores.classes)
        value = float(scores.values[score.name][row])
        parts = [(float(scores.values[name][row]) / most, score_color(name)) for name in score.parts or (score.name,)]
        extra = ""
        if score == self._inspection.score:
            extra = f"rank {self._inspection.rank(row):,}"
        elif score.unit is Unit.NATS:
            extra = percent(value / most)
        shown.show_value(percent(value) if score.unit is Unit.SHARE else f"{value:.3f}", *parts, extra=extra)


class PassesCard(Card):
    """Running mean, entropy or mutual information over the passes, and whether there are enough passes."""

    def __init__(self, theme: Theme, inspection: Inspection, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Enough passes?", margin=12, parent=parent)
        inspection.words.say(self.set_title, "Enough {answers}?")
        self.setObjectName("passes_card")
        self._inspection = inspection
        self.figure = label("", Role.NUMBER)
        self.head.add(self.figure)
        choices = (
            Choice("mean", "Mean of this one"),
            *(Choice(score.name, f"{score.title} of this one", score.sentence) for score in ranked_scores()),
            Choice("set_entropy", "Entropy of all"),
            Choice("set_information", "Mutual information of all"),
            Choice("flips", "Labels still to flip"),
        )
        self.what = ComboBox(choices)
        for index, choice in enumerate(choices):
            inspection.words.say(partial(self._set_tip, index), choice.help)
        self.what.setObjectName("convergence_of")
        inspection.words.say(self.what.setAccessibleName, "What is drawn against the {answers}")
        self.what.set_value("mean")
        self.what.chosen.connect(self.refresh)
        self.chart = Chart(theme, name="", left=40)
        inspection.words.say(self.chart.setAccessibleName, "Running figure against {answers}")
        self.chart.setMinimumHeight(110)
        self.advice = label("", Role.CAPTION, wrap=True)
        self.advice.setObjectName("passes_advice")
        self.add(self.what)
        self.add(self.chart, 1)
        self.add(self.advice)

    def _set_tip(self, index: int, tip: str) -> None:
        self.what.setItemData(index, tip, Qt.ItemDataRole.ToolTipRole)

    def refresh(self, _: object = None) -> None:
        samples = self._inspection.samples
        if samples is None:
            return
        passes = samples.of_row(self._inspection.image)
        course = running(passes)
        count = np.arange(1, len(passes) + 1, dtype=np.float64)
        error = float(course.standard_error[-1])
        last = float(course.mean[-1])
        self.figure.setText(percent(last, 1))  # "±" means the spread of passes everywhere in this window
        self._draw(samples, count, course)
        answers = count_of(samples.passes, pass_noun(samples))
        what = f"The mean of {answers} has a standard error of {error * 100:.1f} points. "
        self.advice.setText((what if np.isfinite(error) else "") + self._advice(samples, course.mean))

    def _draw(self, samples: Samples, count: Floats, course: Running) -> None:
        end = max(float(count[-1]), 2.0)
        ticks = sorted({1.0, *(float(round(end * quarter / 4)) for quarter in range(1, 5))})
        x = Axis(1.0, end, [(tick, f"{tick:,.0f}") for tick in ticks], plural(pass_noun(samples)))
        what = self.what.value()
        series = self._series(str(what), samples, course)
        is_mean = what == "mean"
        error = course.standard_error if is_mean else np.zeros(len(series))
        low, high = series - error, series + error
        late = slice(min(2, len(series) - 1), None)  # the wide bands of the first passes would flatten all others
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

    def _series(self, what: str, samples: Samples, course: Running) -> Floats:
        if what in SCORES:
            return SCORES[what].uncertainty(course.score(what))
        return {
            "mean": course.mean,
            "set_entropy": samples.course.mean_entropy,
            "set_information": samples.course.mean_mutual_information,
            "flips": samples.course.flips().astype(np.float64),
        }[what]

    def _advice(self, samples: Samples, mean: Floats) -> str:
        if samples.passes < 2:
            return f"One {pass_noun(samples)} says nothing of the spread."
        row = self._inspection.image
        deviation = float(samples.scores.winner_std[row]) * np.sqrt(samples.passes / (samples.passes - 1))
        needed = passes_for(deviation, WANTED_ERROR) if deviation > 0 else 1
        flips = samples.course.flips()
        half = int(flips[max(len(flips) // 2 - 1, 0)])
        since = steady_since(mean, STEADY)
        steady = (
            f"Steady since {pass_noun(samples)} {since}: within 2 points of the end. "
            if since < len(mean)
            else "Not steady yet. "
        )
        half_words = f"{count_of(half, 'label')} flipped in the second half."
        return f"{steady}{count_of(needed, pass_noun(samples))} bring it to half a point. {half_words}"


class AlikeCard(Card):
    """The images with the most similar scores."""

    image_chosen = Signal(int)

    def __init__(
        self, theme: Theme, inspection: Inspection, pictures: Pictures, *, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, "Unsure alike", margin=12, parent=parent)
        self.setObjectName("alike_card")
        self._inspection = inspection
        self.grid = ImageGrid(theme, pictures, name="alike_grid")
        inspection.words.say(self.grid.setAccessibleName, "{Rows} with the nearest scores")
        self.grid.setToolTip(
            "The nearest by all scores together, each by its own spread. The figure is the chosen one."
        )
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
        telling = {score.name for score in samples.telling_scores}
        columns = np.stack([scores.values[name] for name in COMPARED if name in telling], axis=1)
        rows = nearest_in_uncertainty(columns, self._inspection.image, ALIKE)
        self.grid.images.show(samples, rows, self._inspection.uncertainty())
