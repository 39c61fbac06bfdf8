"""All widgets on one page, for visual inspection: `python -m dnnstudio.gui.widgets [light|dark]`."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets.buttons import Chip, MiniButton, Toggle, push_button
from dnnstudio.gui.widgets.card import Card
from dnnstudio.gui.widgets.charts.legend import LegendEntry, PlotLegend, Share, ShareBar
from dnnstudio.gui.widgets.flow import FlowLayout
from dnnstudio.gui.widgets.inputs.combo import ComboBox
from dnnstudio.gui.widgets.inputs.fields import NumberField
from dnnstudio.gui.widgets.inputs.numbers import Limits, Steps
from dnnstudio.gui.widgets.inputs.segmented import Choice, Segmented
from dnnstudio.gui.widgets.labels import Badge, ElidedLabel, StatusDot, label, rule
from dnnstudio.gui.widgets.messages import AdviceCard, MessageBar, WarningStrip
from dnnstudio.gui.widgets.progress import ProgressBar
from dnnstudio.gui.widgets.tabs import Tabs


class Gallery(QWidget):
    """Every widget once or more."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setWindowTitle("Widgets")
        self.setProperty("role", "ground")
        self.resize(860, 640)
        self._theme = theme
        page = QGridLayout(self)
        page.setContentsMargins(8, 8, 8, 8)
        page.setSpacing(8)
        page.addWidget(self._words(), 0, 0)
        page.addWidget(self._controls(), 0, 1)
        page.addWidget(self._messages(), 1, 0)
        page.addWidget(self._data(), 1, 1)
        bar = MessageBar(theme)
        bar.show_message(
            "after epoch 6: validation loss 0.351. Early stopping waits 10 epochs for a better one.",
            lead="Best model so far saved",
            action="Open run folder",
        )
        page.addWidget(bar, 2, 0, 1, 2)
        page.setRowStretch(3, 1)

    def _words(self) -> Card:
        card = Card(self._theme, "Words", icon="stack")
        card.head.set_count("7")
        card.head.add(MiniButton(self._theme, "plus", "Add"))
        card.head.add(MiniButton(self._theme, "dots-three", "More"))
        for text, role in (
            ("312 of 10,000 images referred.", Role.HEADLINE),
            ("Transfer layers", Role.DIALOG_TITLE),
            ("hidden_2", Role.NAME),
            ("Kernel initializer", Role.FORM),
            ("ELU · He normal", Role.CAPTION),
            ("from the image itself", Role.DIM),
            ("235,500", Role.NUMBER),
        ):
            card.add(label(text, role))
        row = QHBoxLayout()
        row.addWidget(Badge("CLONED"))
        row.addWidget(Badge("MC", tone="accent"))
        row.addWidget(Badge("SHARED", tone="hint"))
        row.addWidget(StatusDot(self._theme))
        row.addWidget(label("Engine ready", Role.BODY))
        row.addStretch(1)
        card.body.addLayout(row)
        card.add(rule())
        elided = ElidedLabel(
            "A label that is much too long for the small space that it has been given here", Role.SMALL
        )
        elided.setFixedWidth(220)
        card.add(elided)
        card.body.addStretch(1)
        return card

    def _controls(self) -> Card:
        card = Card(self._theme, "Controls", icon="sliders-horizontal")
        row = QHBoxLayout()
        for text, role in (
            ("Primary", Role.PRIMARY),
            ("Training", Role.TRAINING),
            ("Apply", None),
            ("Find…", Role.FIELD),
        ):
            row.addWidget(push_button(text, role))
        row.addStretch(1)
        card.body.addLayout(row)
        row = QHBoxLayout()
        off = push_button("Disabled")
        off.setEnabled(False)
        row.addWidget(off)
        row.addWidget(push_button("Use He normal", Role.FIX))
        row.addWidget(push_button("Why?", Role.LINK))
        row.addStretch(1)
        card.body.addLayout(row)
        card.add(push_button("Add layer", Role.ADD))
        choices = (Choice("none", "None"), Choice("unit", "0…1"), Choice("standardize", "Standardize"))
        segmented = Segmented(self._theme, choices)
        segmented.set_value("unit")
        card.add(segmented)
        icons = Segmented(
            self._theme,
            (Choice(1, "Clone", icon="copy"), Choice(2, "Share", icon="link-simple"), Choice(3, "New", icon="sparkle")),
        )
        icons.set_value(1)
        card.add(icons)
        row = QHBoxLayout()
        for state in ("on", "off", "mixed", "disabled", "disabled on"):
            toggle = Toggle(self._theme)
            toggle.set_value("on" in state)
            toggle.setEnabled("disabled" not in state)
            if state == "mixed":
                toggle.set_mixed()
            row.addWidget(toggle)
        check = QCheckBox("Check")
        check.setChecked(True)
        row.addWidget(check)
        row.addWidget(QCheckBox("Check"))
        row.addStretch(1)
        card.body.addLayout(row)
        combo = ComboBox((Choice(1, "Glorot uniform"), Choice(2, "He normal")))
        combo.set_value(1)
        card.add(combo)
        card.add(QLineEdit("hidden_2"))
        bar = ProgressBar()
        bar.setTextVisible(False)
        bar.setValue(40)
        card.add(bar)
        card.body.addStretch(1)
        return card

    def _messages(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(
            AdviceCard(
                self._theme,
                "ELU works best with He initialization",
                "Glorot assumes a linear unit: with ELU the signal shrinks from layer to layer.",
                fix="Use He normal",
                why=True,
            )
        )
        column.addWidget(
            AdviceCard(self._theme, "The last layer has 8 units, the task 10 classes", fix="Use 10", severity="error")
        )
        column.addWidget(
            WarningStrip(
                self._theme, "hidden_3 is shared.", "In phase 2 its weights change in A too.", fix="Clone it instead"
            )
        )
        column.addStretch(1)
        return page

    def _data(self) -> Card:
        card = Card(self._theme, "Data", icon="database")
        chips = FlowLayout()
        for name, count in (("T-shirt/top", "5,543"), ("Trouser", "5,444"), ("Pullover", "5,496"), ("Dress", "5,499")):
            chip = Chip(self._theme, name, count, checkable=True)
            chip.setChecked(name != "Trouser")
            chips.addWidget(chip)
        chips.addWidget(push_button("Make it a two-class task…", Role.LINK))
        card.body.addLayout(chips)
        shares = ShareBar(self._theme)
        shares.set_shares(
            (
                Share(55_000, "train", "train 55,000"),
                Share(5_000, "validation", "validation 5,000"),
                Share(10_000, "planned", "test 10,000"),
            )
        )
        card.add(shares)
        legend = PlotLegend(self._theme)
        legend.set_entries(
            (
                LegendEntry("train", "train", "0.402"),
                LegendEntry("validation", "validation", "0.351"),
                LegendEntry("train without dropout", "train", "0.311", "dashed"),
                LegendEntry("planned", "planned", "", "dotted"),
            )
        )
        card.add(legend)
        tabs = Tabs(margin=0)
        for name in ("Optimizer", "Schedule", "Training"):
            tabs.add(name.lower(), name, label(f"{name} goes here", Role.SMALL))
        tabs.set_current("schedule")
        card.add(tabs)
        number = NumberField(
            self._theme, title="Units", integer=True, limits=Limits(ge=1, le=1_000_000), steps=Steps.COUNT, arrows=True
        )
        number.set_value(100)
        card.add(number)
        card.body.addStretch(1)
        return card
