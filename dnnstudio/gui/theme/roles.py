"""Roles of widgets in the stylesheet, as dynamic properties, so that no widget has a style of its own.

`set_role(label, Role.CAPTION)` says what a widget is; `set_state(field, "mark", "hint")` sets its present state.
"""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtWidgets import QWidget


class Role(StrEnum):
    """Values of the property `role`, grouped by the kind of widget that may have them."""

    # frames
    GROUND = "ground"
    """What covers other things in the colour of the window."""
    CARD = "card"
    BAR = "bar"
    """The toolbar across the top: a rule underneath."""
    STATUS = "status"
    """The line across the bottom: a rule above."""
    INSET = "inset"
    MESSAGE = "message"
    """Message bars, advice cards and warning strips; the property `severity` gives the colour."""
    RULE = "rule"
    RULE_UPRIGHT = "rule_upright"
    SEGMENTED = "segmented"
    TILE = "tile"
    """The square behind an icon; state `selected`."""
    # labels
    HEADLINE = "headline"
    DIALOG_TITLE = "dialog_title"
    TITLE = "title"
    NAME = "name"
    LEAD = "lead"
    """The first words of a message, which say it all."""
    BODY = "body"
    FORM = "form"
    """Labels of fields."""
    SMALL = "small"
    CAPTION = "caption"
    DIM = "dim"
    NUMBER = "number"
    HINT = "hint"
    ERROR = "error"
    GOOD = "good"
    BADGE = "badge"
    """State `tone`: plain, accent or hint."""
    RING = "ring"
    """The frame of a drawing that has the keyboard."""
    # buttons
    PRIMARY = "primary"
    """The one main button of a window."""
    TRAINING = "training"
    """The primary button while a training runs."""
    FIELD = "field"
    """A button beside a field, as high as the field."""
    FIX = "fix"
    ADD = "add"
    LINK = "link"
    MINI = "mini"
    OUTLINE = "outline"
    SEGMENT = "segment"
    CHIP = "chip"
    """A pill that opens a menu."""
    FOLD = "fold"
    # fields
    FLAT = "flat"
    """A combo in the head of a card."""
    INLINE = "inline"


def set_role(widget: QWidget, role: Role) -> None:
    """Set the widget's role, before it is shown."""
    widget.setProperty("role", str(role))


def set_state(widget: QWidget, name: str, value: str | bool) -> None:
    """Set a property used by the stylesheet, and restyle the widget if it changed."""
    text = ("true" if value else "false") if isinstance(value, bool) else value
    if widget.property(name) == text:
        return
    widget.setProperty(name, text)
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
    widget.update()
