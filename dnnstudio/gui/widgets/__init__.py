"""The window's basic widgets that Qt lacks, or lacks in this style."""

from dnnstudio.gui.widgets.buttons import Chip, MiniButton, Toggle, push_button
from dnnstudio.gui.widgets.card import Card
from dnnstudio.gui.widgets.charts.legend import LegendEntry, PlotLegend, Share, ShareBar
from dnnstudio.gui.widgets.flow import FlowLayout
from dnnstudio.gui.widgets.inputs.combo import ComboBox
from dnnstudio.gui.widgets.inputs.fields import CommitField, NumberField, TextField
from dnnstudio.gui.widgets.inputs.numbers import Limits, Steps
from dnnstudio.gui.widgets.inputs.segmented import Choice, Segmented
from dnnstudio.gui.widgets.labels import Badge, ElidedLabel, IconLabel, SectionTitle, StatusDot, label, rule
from dnnstudio.gui.widgets.messages import AdviceCard, MessageBar, WarningStrip
from dnnstudio.gui.widgets.progress import ProgressBar
from dnnstudio.gui.widgets.tabs import Tabs
from dnnstudio.gui.widgets.windows.dialog import Dialog, Window

__all__ = [
    "AdviceCard",
    "Badge",
    "Card",
    "Chip",
    "Choice",
    "ComboBox",
    "CommitField",
    "Dialog",
    "ElidedLabel",
    "FlowLayout",
    "IconLabel",
    "LegendEntry",
    "Limits",
    "MessageBar",
    "MiniButton",
    "NumberField",
    "PlotLegend",
    "ProgressBar",
    "SectionTitle",
    "Segmented",
    "Share",
    "ShareBar",
    "StatusDot",
    "Steps",
    "Tabs",
    "TextField",
    "Toggle",
    "WarningStrip",
    "Window",
    "label",
    "push_button",
    "rule",
]
