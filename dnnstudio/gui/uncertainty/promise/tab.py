"""The Promise tab: sets that hold the label in at least the promised share of cases (conformal prediction)."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.set_kinds import SetKind
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.uncertainty.distribution.tab import clear_scroll
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.uncertainty.promise.cards import SetCard, SizesCard
from dnnstudio.gui.uncertainty.promise.coverage import CoverageHead, CoverageRows
from dnnstudio.gui.uncertainty.promise.sentences import advice, promise_sentences, too_few
from dnnstudio.gui.uncertainty.sentences import row_noun
from dnnstudio.gui.widgets import (
    AdviceCard,
    Card,
    Choice,
    Limits,
    MiniButton,
    NumberField,
    Segmented,
    Steps,
    label,
    rule,
)

LEAST, MOST = 50, 99
WAYS = tuple(Choice(kind, kind.name_shown, kind.help) for kind in SetKind)


class PromiseTab(QWidget):
    """Sets the promise in the inspection, which the list and the Shift tab follow. `step_requested` as elsewhere."""

    step_requested = Signal(int)

    def __init__(self, theme: Theme, inspection: Inspection, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("promise_tab")
        self._theme = theme
        self._inspection = inspection
        self._no_validation = ""
        self.rows = CoverageRows(theme)
        self.head = CoverageHead(theme, self.rows)
        self.sizes = SizesCard(theme)
        self.sizes.at_least_one.toggled.connect(self._set_at_least_one)
        self.set_card = SetCard(theme)
        self.advice = AdviceCard(theme, "", fix="Choose per class")
        self.advice.setObjectName("promise_advice")
        self.advice.fix_requested.connect(lambda: self._choose(SetKind.BY_CLASS))
        self.advice.hide()
        middle = QVBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(self._make_head())
        middle.addWidget(self._make_coverage(), 1)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (self.sizes, self.set_card, self.advice):
            column.addWidget(widget)
        column.addStretch(1)
        self.side = clear_scroll(side, "promise_side")
        self.side.setFixedWidth(264)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 8, 0, 0)
        row.setSpacing(8)
        row.addLayout(middle, 1)
        row.addWidget(self.side)
        for changed in (inspection.samples_changed, inspection.validation_changed, inspection.image_changed):
            changed.connect(self.refresh)

    def _make_head(self) -> Card:
        theme = self._theme
        card = Card(theme, margin=16)
        self.title = label("", Role.HEADLINE, wrap=True)
        self.title.setObjectName("promise_headline")
        self.second = label("", Role.CAPTION, wrap=True)
        self.second.setObjectName("promise_origin")
        self.problem = label("", Role.ERROR, wrap=True)
        self.problem.setObjectName("too_few_rows")
        self.problem.hide()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("promise_slider")
        self.slider.setAccessibleName("Right in at least this share of cases")
        self.slider.setRange(LEAST, MOST)
        self.slider.setPageStep(5)
        self.slider.setMinimumHeight(22)
        self.slider.setMinimumWidth(60)
        self.slider.setValue(self._inspection.promise.percent)
        self.slider.valueChanged.connect(self._set_percent)
        self.field = NumberField(
            theme, title="Coverage", integer=True, limits=Limits(ge=LEAST, le=MOST), steps=Steps.LINEAR, step_size=1
        )
        self.field.setObjectName("field_promise")
        self.field.setAccessibleName("Promised coverage, per cent")
        self.field.setFixedWidth(52)
        self.field.set_value(self._inspection.promise.percent)
        self.field.committed.connect(lambda value: self.slider.setValue(int(value)) if isinstance(value, int) else None)
        self.how = Segmented(theme, WAYS)
        self.how.setObjectName("promise_how")
        self.how.set_value(self._inspection.promise.how)
        self.how.chosen.connect(lambda value: self._choose(SetKind(str(value))))
        controls = QHBoxLayout()
        controls.setSpacing(8)
        self._words = label("Right in at least", Role.FORM), label("% of cases", Role.FORM)
        controls.addWidget(self._words[0])
        controls.addWidget(self.slider, 1)
        controls.addWidget(self.field)
        controls.addWidget(self._words[1])
        controls.addSpacing(8)
        controls.addWidget(self.how)
        for widget in (self.title, self.second, self.problem, rule()):
            card.add(widget)
        card.body.addLayout(controls)
        return card

    def _make_coverage(self) -> Card:
        card = Card(self._theme, "How often the set holds the label", margin=16)
        card.head.keep_title()
        card.head.set_note("filled: one threshold, hollow: per class, whisker: 95 % interval")
        card.add(self.head)
        card.add(clear_scroll(self.rows, "coverage_scroll"), 1)
        for icon, by, tip in (
            ("caret-left", -1, "The one before (Alt+Left)"),
            ("caret-right", 1, "The next (Alt+Right)"),
        ):
            button = MiniButton(self._theme, icon, tip)
            button.setObjectName("set_before" if by < 0 else "set_next")
            button.clicked.connect(lambda _=False, by=by: self.step_requested.emit(by))
            self.set_card.head.add(button)
        return card

    # ------------------------------------------------------------------------------------------ what is promised

    def set_no_validation(self, why: str) -> None:
        """Set why there are no validation rows to calibrate on."""
        self._no_validation = why
        self.refresh()

    def _set_percent(self, percent: int) -> None:
        self.field.set_value(percent)
        self._inspection.set_promise(percent=percent)
        self.refresh()

    def _set_at_least_one(self, wanted: bool) -> None:
        self._inspection.set_promise(at_least_one=wanted)
        self.refresh()

    def _choose(self, how: SetKind) -> None:
        self.how.set_value(how)
        self._inspection.set_promise(how=how)
        self.refresh()

    # ------------------------------------------------------------------------------------------ what is shown

    def refresh(self, _: object = None) -> None:
        samples = self._inspection.samples
        if samples is None or not self.isVisible():
            return
        promised = self._inspection.promised()
        shown = promised is not None
        for part in (self.head, self.rows, self.sizes, self.set_card):
            part.setVisible(shown)
        if promised is None:
            self._show_waiting(samples)
            return
        first, second = promise_sentences(promised, samples)
        self.title.setText(first)
        self.second.setText(second)
        problem = too_few(promised, samples)
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self.head.show_promised(promised, f"{row_noun(samples).capitalize()}s")
        self.rows.show_promised(promised, samples.rows.class_names)
        self.sizes.show_promised(promised)
        self.set_card.show_promised(promised, samples, self._inspection.image)
        title, reason = advice(promised, samples)
        self.advice.setVisible(bool(title))
        if title:
            self.advice.set_advice(title, reason, fix="Choose per class")

    def _show_waiting(self, samples: Samples) -> None:
        self.title.setText("No promise without rows to calibrate on." if self._no_validation else "Calibrating.")
        why = f"{self._no_validation} Keep some rows for validation, and train again."
        waiting = "The validation rows are being sampled; half of them set the threshold."
        self.second.setText(why if self._no_validation else waiting)
        self.advice.hide()
        self.problem.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < 860
        self._words[0].setVisible(not narrow)
        self._words[1].setText("%" if narrow else "% of cases")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
