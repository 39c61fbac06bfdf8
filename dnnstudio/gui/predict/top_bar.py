"""The bar of the prediction window, which reads as a sentence: predict with this run and these weights, and how."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSlider, QStyle, QStyleOptionComboBox, QWidget

from dnnstudio.core.text import percent
from dnnstudio.core.uncertainty.set_kinds import SetKind
from dnnstudio.core.workspace.runs import Weights
from dnnstudio.gui.predict.cases import Floats
from dnnstudio.gui.predict.subjects import Network, weights_of
from dnnstudio.gui.predict.words import shown_threshold, threshold_step
from dnnstudio.gui.theme import Cure, Role, Theme, set_help, set_reason, set_role
from dnnstudio.gui.widgets import (
    Choice,
    ComboBox,
    IconLabel,
    Limits,
    NumberField,
    Steps,
    label,
    push_button,
    rule,
)

HEIGHT = 48
PASSES, MOST_PASSES = 100, 100_000
OTHER = "other"
COVERAGES = (500, 995)
NOT_KNOWN_YET = "The network is still being read."
HELD = "In how many of 100 cases the set or the interval shall hold the truth."
"""The slider's ends, in thousandths."""
WEIGHTS_WIDEST = 200
NARROW_BELOW, TIGHT_BELOW = 1240, 1000


class ThresholdField(NumberField):
    """A doubt: its steps are as large as the doubts, which may be shares or thousands."""

    def set_step_size(self, size: float) -> None:
        self._step_size = size


class TopBar(QFrame):
    """What is chosen here is at once in force; the window carries it out."""

    network_chosen = Signal(str)
    other_requested = Signal()
    weights_chosen = Signal(str)
    passes_chosen = Signal(int)
    coverage_changed = Signal(float)
    kind_chosen = Signal(str)
    threshold_chosen = Signal(object)
    decision_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, Role.BAR)
        self.setObjectName("predict_bar")
        self.setFixedHeight(HEIGHT)
        self.networks = self._combo("predict_network", "The network that answers")
        self.networks.setMinimumWidth(150)
        self.networks.setMaximumWidth(240)
        self.weights = self._combo("predict_weights", "Which of its weights")
        self.weights.setMaximumWidth(WEIGHTS_WIDEST)
        self.passes = NumberField(
            theme, title="Passes", integer=True, limits=Limits(ge=1, le=MOST_PASSES), steps=Steps.COUNT, arrows=True
        )
        self.passes.setObjectName("predict_passes")
        self.passes.setAccessibleName("Passes")
        self.passes.setToolTip("How often each case is answered with dropout on; the answer is the mean.")
        self.passes.setFixedWidth(72)
        self.passes.set_value(PASSES)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("predict_coverage")
        self.slider.setAccessibleName("Coverage")
        self.slider.setToolTip(HELD)
        self.slider.setRange(*COVERAGES)
        self.slider.setSingleStep(5)
        self.slider.setPageStep(50)
        self.slider.setValue(900)
        self.slider.setMinimumWidth(60)
        self.slider.setMinimumHeight(22)
        self.slider.setMaximumWidth(104)
        self.share = label(percent(0.9), Role.NUMBER)
        self.share.setFixedWidth(48)
        self.kind = self._combo("predict_sets", "How the sets are made")
        self.kind.set_choices([Choice(kind, kind.name_shown, kind.help) for kind in SetKind])
        self.kind.setFixedWidth(106)
        self.kind.set_value(next(iter(SetKind)))  # no empty field before it is known whether there are sets
        self.threshold = ThresholdField(theme, title="The threshold", limits=Limits(ge=0), arrows=True)
        self.threshold.setObjectName("predict_threshold")
        self.threshold.setAccessibleName("Ask a person above this doubt")
        self.threshold.setFixedWidth(92)
        self.decision = push_button("from the Decision tab", Role.LINK, tip="Take its threshold for these weights")
        self.decision.setObjectName("predict_decision")
        self._words = [label("Passes", Role.FORM), label("Coverage", Role.FORM), label("Ask a person above", Role.FORM)]
        self._passes_words = self._words[0]
        self._narrow, self._least = False, 760
        self._lay_out(theme)
        self.networks.chosen.connect(self._on_network)
        self.weights.chosen.connect(lambda value: self.weights_chosen.emit(str(value)))
        self.passes.committed.connect(lambda value: self.passes_chosen.emit(int(value)))
        self.slider.valueChanged.connect(self._on_slider)
        self.kind.chosen.connect(lambda kind: self.kind_chosen.emit(str(kind)))
        self.threshold.committed.connect(self.threshold_chosen)
        self.decision.clicked.connect(self.decision_requested)

    @staticmethod
    def _combo(name: str, words: str) -> ComboBox:
        combo = ComboBox()
        combo.setObjectName(name)
        combo.setAccessibleName(words)
        combo.setToolTip(words)
        return combo

    def _lay_out(self, theme: Theme) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 0, 16, 0)
        row.setSpacing(8)
        self._icon = IconLabel(theme, "magic-wand", size=18, color="accent")
        row.addWidget(self._icon)
        self._title = label("Predict with", Role.DIALOG_TITLE)
        row.addWidget(self._title)
        row.addSpacing(4)
        row.addWidget(self.networks, 6)
        row.addWidget(self.weights, 5)
        row.addSpacing(4)
        row.addWidget(self._words[0])
        row.addWidget(self.passes)
        row.addSpacing(4)
        row.addWidget(self._words[1])
        row.addWidget(self.slider, 1)
        row.addWidget(self.share)
        row.addWidget(self.kind)
        line = rule(upright=True)
        line.setFixedHeight(24)
        row.addWidget(line)
        row.addSpacing(4)
        row.addWidget(self._words[2])
        row.addWidget(self.threshold)
        row.addWidget(self.decision)
        row.addStretch(1)

    # ------------------------------------------------------------------------------------------ what is shown

    def show_networks(self, networks: Sequence[Network], chosen: Network | None, weights: Weights) -> None:
        """The networks to choose from, and the one that is asked."""
        found = list(networks)
        if chosen is not None and chosen.key not in [one.key for one in found]:
            found.insert(0, chosen)
        choices = [Choice(one.key, one.title, one.key) for one in found]
        self.networks.set_choices([*choices, Choice(OTHER, "Another model or ensemble…")])
        self.networks.set_value(None if chosen is None else chosen.key, placeholder="Choose a network")
        kinds = () if chosen is None else weights_of(chosen)
        self.weights.set_choices([Choice(value, title) for value, title in kinds])
        self.weights.setMinimumWidth(min(WEIGHTS_WIDEST, self._room_of([title for _, title in kinds])))
        self.weights.set_value(weights)
        set_reason(self.weights, "" if len(kinds) > 1 else "It has no others.")

    def _room_of(self, titles: Sequence[str]) -> int:
        """What the box needs to show each of these whole."""
        field = self._around_text()
        return max((self.weights.fontMetrics().horizontalAdvance(title) for title in titles), default=0) + field

    def _around_text(self) -> int:
        """What the frame and the arrow of the box take beside its text."""
        option = QStyleOptionComboBox()
        self.weights.initStyleOption(option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        room = self.weights.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self.weights)
        return self.weights.width() - room.width() + 4

    def show_random(self, random: bool | None) -> None:
        """Whether there is dropout to take passes of; None while that is not known."""
        none = "This network has no dropout: every pass says the same." if random is False else NOT_KNOWN_YET
        set_reason(self.passes, "" if random else none)

    def show_coverage(self, coverage: float, *, possible: bool, why: str, cure: Cure | None) -> None:
        """The promised coverage, why it cannot be promised, and what helps."""
        self.share.setText(percent(coverage, 1 if round(coverage * 1000) % 10 else 0))
        set_reason(self.slider, "" if possible else why or NOT_KNOWN_YET, cure)
        set_help(self.slider, (why if possible else "") or HELD)

    def show_kind(self, *, sets: bool, why: str, cure: Cure | None) -> None:
        """Whether there are `sets`, why they cannot be chosen now, and what helps."""
        self.kind.setVisible(sets)
        set_reason(self.kind, why, cure)

    def show_sets(self, kind: SetKind, *, few: str) -> None:
        """How sets are made; `few` says which classes cannot have a threshold of their own."""
        self.kind.set_value(kind)
        set_help(self.kind, f"{kind.help}. {few}".strip())

    def show_threshold(self, threshold: float | None, origin: str, doubts: Floats | None) -> None:
        """The doubt above which a person is asked, and where it comes from; steps are of the size of `doubts`."""
        self.threshold.set_step_size(threshold_step(threshold, doubts))
        if not self.threshold.editing:
            self.threshold.set_value(None if threshold is None else shown_threshold(threshold))
        set_help(self.threshold, origin)

    def show_doubt(self, reason: str, cure: Cure | None, *, decision: bool) -> None:
        """Why no doubt can be told, "" where it can, what helps, and whether the network has a Decision tab."""
        set_reason(self.threshold, reason, cure)
        self.decision.setVisible(decision)

    def fit(self, width: int) -> None:
        """In a narrow window the words go; names and tooltips stay."""
        narrow, tight = width < NARROW_BELOW, width < TIGHT_BELOW
        self._narrow = narrow
        self._words[0].setVisible(not narrow)
        self._words[1].setVisible(not narrow)
        self._words[2].setText("Ask above" if narrow else "Ask a person above")
        for part in (self._icon, self._title):
            part.setVisible(not tight)  # the window's title says it too
        self.networks.setMinimumWidth(112 if tight else 150)
        self._title.setText("Predict" if narrow else "Predict with")
        self.decision.setText("Decision tab" if narrow else "from the Decision tab")

    def _on_network(self, value: object) -> None:
        if value == OTHER:
            self.other_requested.emit()
        else:
            self.network_chosen.emit(str(value))

    def _on_slider(self, value: int) -> None:
        self.coverage_changed.emit(value / 1000)

    def minimumSizeHint(self) -> QSize:
        """What a narrow window needs: a wide one may become narrow."""
        layout = self.layout()
        if self._narrow and layout is not None:
            self._least = layout.totalMinimumSize().width()
        return QSize(self._least, HEIGHT)
