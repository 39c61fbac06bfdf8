"""Widgets for messages: message bar, advice card, warning strip."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.core.text import breakable
from dnnstudio.gui.theme import Role, Severity, Theme, set_role, set_state
from dnnstudio.gui.widgets.buttons import MiniButton, push_button
from dnnstudio.gui.widgets.labels import ElidedLabel, IconLabel, label

_ICONS: dict[Severity, tuple[str, str]] = {
    "news": ("info-fill", "accent"),
    "hint": ("warning-fill", "hint_dot"),
    "error": ("x-circle-fill", "error_dot"),
    "good": ("check-circle-fill", "good_dot"),
}


class _Message(QFrame):
    """A frame in the colours of its severity with an icon."""

    def __init__(self, theme: Theme, severity: Severity, parent: QWidget | None) -> None:
        super().__init__(parent)
        set_role(self, Role.MESSAGE)
        self.setProperty("severity", severity)
        self._severity: Severity = severity
        name, color = _ICONS[severity]
        self._icon = IconLabel(theme, name, color=color)

    @property
    def severity(self) -> Severity:
        return self._severity

    def _set_severity(self, severity: Severity, icon: str = "") -> None:
        self._severity = severity
        set_state(self, "severity", severity)
        name, color = _ICONS[severity]
        self._icon.set_icon(icon or name, color)


class MessageBar(_Message):
    """One message at a time: icon, text, at most one action, and a close button. Long text takes two lines."""

    action_requested = Signal()
    closed = Signal()

    def __init__(self, theme: Theme, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, "news", parent)
        self.setAccessibleName("Message")
        self.setMinimumHeight(36)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 8, 4)
        row.setSpacing(8)
        self._whole = ""
        """The message with its lead, where what is shown of a long name is cut."""
        self._lead = label("", Role.LEAD)
        self._text = label("", Role.BODY, wrap=True)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        for words in (self._lead, self._text):
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.action = push_button("", Role.LINK)
        self.action.setObjectName("message_action")
        self.action.clicked.connect(self.action_requested)
        self.close_button = MiniButton(theme, "x", "Close this message", size=14)
        self.close_button.setObjectName("message_close")
        self.close_button.clicked.connect(self.clear)
        row.addWidget(self._icon)
        row.addWidget(self._lead)
        row.addWidget(self._text, 1)
        row.addWidget(self.action)
        row.addWidget(self.close_button)
        self.hide()

    def show_message(self, text: str, *, lead: str = "", severity: Severity = "news", action: str = "") -> None:
        """Show a message. `lead` is set in bold before the text; `action` is the one thing that can be done."""
        self._set_severity(severity)
        self._whole = f"{lead} {text}".strip()
        for part, whole in ((self._lead, lead), (self._text, text)):
            shown = breakable(whole)
            part.setText(shown)
            part.setToolTip("" if len(shown) == len(whole) else self._whole)
        self._lead.setVisible(bool(lead))
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self.setAccessibleDescription(self.message())
        self.show()

    def message(self) -> str:
        """The whole present message."""
        return self._whole

    def clear(self) -> None:
        """Remove the message."""
        self.hide()
        self._whole = ""
        self._lead.clear()
        self._text.clear()
        self.closed.emit()


class AdviceCard(_Message):
    """A problem in words: what, why, a named fix, and a link to more.

    A foldable one shows only what until clicked, for narrow places.
    """

    fix_requested = Signal()
    why_requested = Signal()

    def __init__(
        self,
        theme: Theme,
        title: str,
        reason: str = "",
        *,
        fix: str = "",
        why: bool = False,
        severity: Severity = "hint",
        foldable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, severity, parent)
        self._folded = foldable
        row = self._row = QHBoxLayout(self)
        row.setSpacing(8)
        column = QVBoxLayout()
        column.setSpacing(4)
        self._title = label("", Role.LEAD, wrap=True)
        self._reason = label("", Role.CAPTION, wrap=True)
        self.fix_button = push_button("", Role.FIX)
        self.fix_button.setObjectName("advice_fix")
        self.fix_button.clicked.connect(self.fix_requested)
        self.why_button = push_button("Why?", Role.LINK, tip="Read more about this")
        self.why_button.setObjectName("advice_why")
        self.why_button.clicked.connect(self.why_requested)
        self._buttons = QWidget()
        buttons = QHBoxLayout(self._buttons)
        buttons.setContentsMargins(0, 2, 0, 0)
        buttons.setSpacing(4)
        buttons.addWidget(self.fix_button)
        buttons.addWidget(self.why_button)
        buttons.addStretch(1)
        column.addWidget(self._title)
        column.addWidget(self._reason)
        column.addWidget(self._buttons)
        self.fold_button = MiniButton(theme, "caret-down", "")
        self.fold_button.setObjectName("advice_fold")
        self.fold_button.setFixedSize(20, 20)
        self.fold_button.setVisible(foldable)
        self.fold_button.clicked.connect(lambda: self.set_folded(not self._folded))
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)
        row.addWidget(self.fold_button, 0, Qt.AlignmentFlag.AlignTop)
        self.set_advice(title, reason, fix=fix, why=why, severity=severity)

    def set_advice(
        self, title: str, reason: str = "", *, fix: str = "", why: bool = False, severity: Severity = "hint"
    ) -> None:
        """Show another problem in the same card."""
        self._set_severity(severity, "lightbulb-fill" if severity == "hint" else "")
        self._title.setText(title)
        self._reason.setText(reason)
        self.fix_button.setText(fix)
        self.fix_button.setVisible(bool(fix))
        self.why_button.setVisible(why)
        self._has = (bool(reason), bool(fix) or why)
        self.setAccessibleName(title)
        self.setAccessibleDescription(reason)
        self.set_folded(self._folded)

    @property
    def folded(self) -> bool:
        return self._folded

    def set_folded(self, folded: bool) -> None:
        """Show only the title, or everything."""
        self._folded = folded
        has_reason, has_buttons = self._has
        self._reason.setVisible(has_reason and not folded)
        self._buttons.setVisible(has_buttons and not folded)
        self.fold_button.set_icon("caret-down" if folded else "caret-up")
        self.fold_button.set_tip("Show the reason and what can be done" if folded else "Show the title alone")
        space = 5 if folded else 10
        self._row.setContentsMargins(12, space, 8 if not self.fold_button.isHidden() else 12, space)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._folded:
            self.set_folded(False)
            event.accept()
        else:
            super().mousePressEvent(event)


READABLE = 100
"""The remaining text of a strip is shown only if it gets this many pixels."""


class WarningStrip(_Message):
    """A warning in one line of 40 px: the consequence in bold, then the rest, and the fix on the right."""

    fix_requested = Signal()

    def __init__(
        self,
        theme: Theme,
        lead: str = "",
        text: str = "",
        *,
        fix: str = "",
        severity: Severity = "hint",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, severity, parent)
        self.setFixedHeight(40)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(8)
        self._lead = label("", Role.LEAD)
        self._text = ElidedLabel("", Role.BODY)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.fix_button = push_button("", Role.FIX)
        self.fix_button.setObjectName("strip_fix")
        self.fix_button.clicked.connect(self.fix_requested)
        row.addWidget(self._icon)
        row.addWidget(self._lead)
        row.addWidget(self._text, 1)
        row.addWidget(self.fix_button)
        self.set_warning(lead, text, fix=fix, severity=severity)

    def set_warning(self, lead: str, text: str = "", *, fix: str = "", severity: Severity = "hint") -> None:
        """Show another warning."""
        self._set_severity(severity)
        self._lead.setText(lead)
        self._text.setText(text)
        self.fix_button.setText(fix)
        self.fix_button.setVisible(bool(fix))
        self.fix_button.ensurePolished()
        self.fix_button.setMinimumWidth(self.fix_button.sizeHint().width() if fix else 0)
        self.setAccessibleName(lead)
        self.setAccessibleDescription(text)
        self._fit()

    def _fit(self) -> None:
        """Hide the rest of the text if hardly a word of it fits."""
        taken = 12 + 8 + self._icon.width() + self._lead.sizeHint().width() + self.fix_button.minimumWidth() + 3 * 8
        self._text.setVisible(bool(self._text.text()) and self.width() - taken >= READABLE)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
