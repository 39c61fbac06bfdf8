"""The cards beside the coverage: how large the sets are, and the set of the chosen row."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from dnnstudio.core.text import percent
from dnnstudio.core.uncertainty.conformal import SetMethod
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.set_kinds import SetKind
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.uncertainty.promise.sentences import joined, set_names, size_word
from dnnstudio.gui.uncertainty.promise.state import Promised
from dnnstudio.gui.uncertainty.sentences import row_noun
from dnnstudio.gui.widgets import Card, Chip, ElidedLabel, FlowLayout, IconLabel, Toggle, label
from dnnstudio.gui.widgets.fitted_text import fitted

GROUPS = 4
"""Sets of 0, 1, 2, and of 3 or more classes."""
MOST_CHIPS = 12
MOST_CLASSES = 6
Align = Qt.AlignmentFlag


def grouped(counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> tuple[int, ...]:
    """How many sets have 0, 1, 2, and 3 or more classes, from `size_counts` [classes + 1]."""
    found = [int(count) for count in counts[: GROUPS - 1]]
    found += [0] * (GROUPS - 1 - len(found))
    return (*found, int(counts[GROUPS - 1 :].sum()))


class SizeBars(QWidget):
    """Two bars a size: the chosen sets filled, the other kind hollow."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.pairs: tuple[tuple[int, int], ...] = ()
        self.setFixedHeight(150)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_counts(self, chosen: tuple[int, ...], other: tuple[int, ...]) -> None:
        self.pairs = tuple(zip(chosen, other, strict=True))
        words = (f"{size_word(size)} {first:,}" for size, (first, _) in enumerate(self.pairs[:3]))
        self.setAccessibleName(f"Sizes of the sets: {', '.join(words)}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, 150)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.pairs:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color, font = self._theme.color, self._theme.font
        most = max(max(pair) for pair in self.pairs) or 1
        base, room, wide = self.height() - 36.0, self.height() - 36.0 - 18.0, (self.width() - 10) / GROUPS
        bold = font(11).weight().DemiBold
        for size, pair in enumerate(self.pairs):
            middle = (size + 0.5) * wide
            for count, x, hollow in ((pair[0], middle - 21, False), (pair[1], middle + 1, True)):
                tall = room * count / most
                painter.setPen(QPen(color("text3"), 1) if hollow else Qt.PenStyle.NoPen)
                painter.setBrush(Qt.BrushStyle.NoBrush if hollow else color("train"))
                painter.drawRoundedRect(QRectF(x, base - tall, 20, tall), 2, 2)
                painter.setFont(font(10) if hollow else font(10, bold))
                painter.setPen(color("text2" if hollow else "text"))
                # Side by side under no circumstances over each other: one ends where the other begins.
                box = QRectF(middle + 2 if hollow else middle - 38, base - tall - 15, 36, 13)
                painter.drawText(box, Align.AlignLeft if hollow else Align.AlignRight, f"{count:,}")
            painter.setFont(font(12, bold))
            painter.setPen(color("text"))
            name = f"{size}" if size < GROUPS - 1 else f"{size}+"
            painter.drawText(QRectF(middle - 30, base + 3, 60, 16), Align.AlignCenter, name)
            painter.setFont(font(11))
            painter.setPen(color("text2"))
            painter.drawText(QRectF(middle - 30, base + 18, 60, 16), Align.AlignCenter, size_word(size))
        painter.setPen(QPen(color("strong"), 1))
        painter.drawLine(QLineF(0, base + 0.5, self.width(), base + 0.5))


class SizesCard(Card):
    """How many sets hold no class, one, two, or more."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "How large the sets are", margin=12, parent=parent)
        self.setObjectName("sizes_card")
        self.bars = SizeBars(theme)
        self.mean = label("", Role.CAPTION, wrap=True)
        self.mean.setObjectName("mean_set_size")
        self.at_least_one = Toggle(theme)
        self.at_least_one.setObjectName("at_least_one")
        self.at_least_one.setAccessibleName("Always at least one class")
        self.at_least_one.setToolTip(
            "Where no class fits, put the best fitting one into the set. The promise still holds."
        )
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(label("Always at least one", Role.FORM))
        row.addStretch(1)
        row.addWidget(self.at_least_one)
        self.add(self.bars)
        self.add(self.mean)
        self.body.addLayout(row)

    def show_promised(self, promised: Promised) -> None:
        chosen, other = promised.chosen.sets, promised.other.sets
        self.bars.set_counts(grouped(chosen.size_counts), grouped(other.size_counts))
        name = "one threshold" if promised.how is SetKind.BY_CLASS else "per class"
        self.mean.setText(f"Mean size {chosen.mean_size:.2f}; {name} (hollow) {other.mean_size:.2f}.")


class SetBars(QWidget):
    """The likeliest classes of one row with the line from which on a class is in the set."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._bars: tuple[tuple[str, float, bool], ...] = ()
        self._line: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_bars(self, bars: tuple[tuple[str, float, bool], ...], line: float | None) -> None:
        """Name, probability and whether it is in the set; `line` where one probability decides for all classes."""
        self._bars, self._line = bars, line
        self.setFixedHeight(len(bars) * 22)
        self.setAccessibleName("; ".join(f"{name} {percent(share)}" for name, share, _ in bars))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color, font = self._theme.color, self._theme.font
        left, right = 76.0, self.width() - 44.0
        bold = font(12).weight().DemiBold
        for place, (name, share, held) in enumerate(self._bars):
            y = place * 22 + 11.0
            painter.setFont(font(12, bold) if held else font(12))
            painter.setPen(color("text" if held else "text2"))
            place_of_name = QRectF(0, y - 10, left - 8, 20)
            short = fitted(painter, name, place_of_name)
            painter.drawText(place_of_name, Align.AlignLeft | Align.AlignVCenter, short)
            painter.drawText(QRectF(right, y - 10, 44, 20), Align.AlignRight | Align.AlignVCenter, percent(share))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color("hover"))
            painter.drawRoundedRect(QRectF(left, y - 3, right - left, 6), 3, 3)
            painter.setBrush(color("train" if held else "planned"))
            painter.drawRoundedRect(QRectF(left, y - 3, max((right - left) * share, 3), 6), 3, 3)
        if self._line is not None:
            x = left + (right - left) * self._line
            painter.setPen(QPen(color("accent"), 1.6))
            painter.drawLine(QLineF(x, 0, x, self.height()))


class SetCard(Card):
    """The set of the chosen row as chips, whether it holds the label, and what decided."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "This row", margin=12, parent=parent)
        self._theme = theme
        self.setObjectName("set_card")
        self.title = label("", Role.TITLE, wrap=True)
        self.title.setObjectName("set_title")
        self.mark = IconLabel(theme, "check-circle-fill", size=14, color="right")
        self.holds = ElidedLabel("", Role.CAPTION)
        self.chips = QWidget()
        self._flow = FlowLayout(self.chips, spacing=4)
        self._names: tuple[str, ...] = ("?",)
        self.bars = SetBars(theme)
        self.line = label("", Role.CAPTION, wrap=True)
        self.other = label("", Role.CAPTION, wrap=True)
        held = QHBoxLayout()
        held.setSpacing(6)
        held.addWidget(self.mark)
        held.addWidget(self.holds, 1)
        self.body.addLayout(held)
        for widget in (self.title, self.chips, self.bars, self.line, self.other):
            self.add(widget)

    def show_promised(self, promised: Promised, samples: Samples, row: int) -> None:
        names, noun = set_names(promised, samples, row), row_noun(samples)
        self.set_title(f"This {noun}")
        strange = bool(promised.chosen.sets.strange[row] and names)
        self.title.setText(f"Perhaps {joined(names)}: strange." if strange else f"{joined(names)}.")
        label_of = int(samples.rows.labels[row])
        held = bool(promised.chosen.sets.members[row, label_of])
        self.mark.set_icon("check-circle-fill" if held else "x-circle-fill", "right" if held else "wrong")
        self.holds.setText(f"{'holds' if held else 'lacks'} the label {samples.rows.class_names[label_of]}")
        self._show_chips(names)
        mean = samples.scores.mean[row]
        order = np.argsort(-mean, kind="stable")[:MOST_CLASSES].tolist()
        members, calibration = promised.chosen.sets.members[row], promised.chosen.calibration
        one_line = calibration.method is SetMethod.LAC and not calibration.by_class
        line = 1 - float(calibration.quantiles[0]) if one_line and np.isfinite(calibration.quantiles[0]) else None
        bars = tuple((samples.rows.class_names[number], float(mean[number]), bool(members[number])) for number in order)
        self.bars.set_bars(bars, None if line is None else max(line, 0.0))
        self.line.setText(self._line_words(promised, line))
        members = promised.other.sets.members[row]
        others = tuple(
            samples.rows.class_names[number] for number in np.argsort(-mean, kind="stable") if members[number]
        )
        way = "With one threshold" if promised.how is SetKind.BY_CLASS else "Per class"
        self.other.setText(f"{way} it would be: {joined(others)}." if others else f"{way} none would fit.")

    @staticmethod
    def _line_words(promised: Promised, line: float | None) -> str:
        if promised.how is SetKind.BY_CLASS:
            return "Each class has a probability of its own from which on it is in the set."
        if promised.how is SetKind.APS:
            limit = float(promised.one.calibration.quantiles[0])
            return f"In the set while the classes from the likeliest down add up to at most {percent(limit, 1)}."
        return "" if line is None else f"In the set from {percent(line, 1)} on."

    def _show_chips(self, names: tuple[str, ...]) -> None:
        if names == self._names:
            return
        self._names = names
        while (item := self._flow.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        if not names:
            self._flow.addWidget(StrangeChip(self._theme, "none fits: strange"))
        for name in names[:MOST_CHIPS]:
            self._flow.addWidget(Chip(self._theme, name))
        if len(names) > MOST_CHIPS:
            rest = Chip(self._theme, f"+{len(names) - MOST_CHIPS}")
            rest.setToolTip(", ".join(names[MOST_CHIPS:]))
            self._flow.addWidget(rest)
        self.chips.updateGeometry()


class StrangeChip(Chip):
    """The chip of an empty set: dashed."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        painter.setPen(QPen(color("strong"), 1, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 11, 11)
        painter.setFont(self._theme.font(11))
        painter.setPen(color("text2"))
        painter.drawText(self.rect(), Align.AlignCenter, self.text())
