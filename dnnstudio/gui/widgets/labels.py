"""Small text widgets: eliding labels, badges, section titles, and icons and dots beside text."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QPointF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QWidget

from dnnstudio.gui.theme import Role, Theme, set_role

Tone = Literal["plain", "accent", "hint"]


def label(text: str = "", role: Role = Role.SMALL, *, wrap: bool = False, parent: QWidget | None = None) -> QLabel:
    """A plain text label with a role in the stylesheet. Text is never interpreted as HTML."""
    made = QLabel(text, parent)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    set_role(made, role)
    return made


def rule(*, upright: bool = False, parent: QWidget | None = None) -> QFrame:
    """A thin line, horizontal or vertical."""
    line = QFrame(parent)
    set_role(line, Role.RULE_UPRIGHT if upright else Role.RULE)
    return line


class ElidedLabel(QLabel):
    """A label that is elided with … if there is no room, and then shows the whole text as its tooltip."""

    def __init__(
        self,
        text: str = "",
        role: Role = Role.SMALL,
        *,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._whole = ""
        self._hint = ""
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        set_role(self, role)
        self.setText(text)

    def set_hint(self, text: str) -> None:
        """Set a tooltip, shown below the whole text if that is elided."""
        self._hint = text
        self._fit()

    def text(self) -> str:
        """The whole text, elided or not."""
        return self._whole

    def setToolTip(self, text: str) -> None:
        """As `set_hint`: the tooltip is made anew whenever the label gets another size."""
        self.set_hint(text)

    def setText(self, text: str) -> None:
        self._whole = text
        self.setAccessibleName(text)
        self._fit()
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self._whole) + 1, metrics.height())

    def minimumSizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(min(metrics.horizontalAdvance(self._whole) + 1, metrics.averageCharWidth() * 4), metrics.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()
            self.updateGeometry()

    def _fit(self) -> None:
        shown = self.fontMetrics().elidedText(self._whole, self._mode, self.width())
        super().setText(shown)
        told = (self._whole if shown != self._whole else "", self._hint)
        super().setToolTip("\n".join(part for part in told if part))


class Badge(QLabel):
    """CLONED, NEW, SHARED, MC, or a count: 16 px high."""

    def __init__(self, text: str, *, tone: Tone = "plain", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(16)
        set_role(self, Role.BADGE)
        self.setProperty("tone", tone)


class IconLabel(QWidget):
    """An icon beside a text, drawn in the theme's colour at every paint."""

    def __init__(
        self, theme: Theme, name: str, *, size: int = 16, color: str = "text2", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._name = name
        self._color = color
        self.setFixedSize(size, size)

    def set_icon(self, name: str, color: str | None = None) -> None:
        wanted = (name, color or self._color)
        if wanted != (self._name, self._color):
            self._name, self._color = wanted
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self._theme.icon(self._name, self._color).paint(painter, self.rect())


class StatusDot(QWidget):
    """A 7 px disc in one of the semantic colours, always accompanied by a word."""

    def __init__(self, theme: Theme, color: str = "good_dot", *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._color = color
        self.setFixedSize(8, 8)

    def set_color(self, color: str) -> None:
        """Set the token: good_dot, hint_dot, error_dot, accent, planned."""
        self._color = color
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color(self._color))
        painter.drawEllipse(QPointF(4, 4), 3.5, 3.5)


class SectionTitle(QWidget):
    """The head of a card: icon, title, count or note, and space for buttons on the right."""

    def __init__(self, theme: Theme, title: str, *, icon: str = "", note: str = "", parent: QWidget | None = None):
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self._icon = IconLabel(theme, icon or "stack")
        self._title = ElidedLabel(title, Role.TITLE)
        self._badge = Badge("")
        self._badge.hide()
        self.note = ElidedLabel(note, Role.CAPTION)
        row.addWidget(self._icon)
        row.addWidget(self._title)
        row.addWidget(self._badge)
        row.addWidget(self.note)
        self._icon.setVisible(bool(icon))  # once they are inside: what has no parent is shown as a window of its own
        self.note.setVisible(bool(note))
        row.addStretch(1)
        self._row = row
        self.keeps_title = False

    def add(self, widget: QWidget) -> None:
        """Add a button or a note at the right end."""
        self._row.addWidget(widget)

    def keep_title(self) -> None:
        """Never elide the title; the note at the right end shrinks instead."""
        self.keeps_title = True
        self._title.ensurePolished()
        self._title.setMinimumWidth(self._title.sizeHint().width())

    def set_title(self, title: str) -> None:
        self._title.setText(title)

    def set_icon(self, name: str, color: str = "text2") -> None:
        self._icon.set_icon(name, color)
        self._icon.setVisible(bool(name))

    def set_count(self, text: str) -> None:
        """Set the badge beside the title; "" hides it."""
        self._badge.setText(text)
        self._badge.setVisible(bool(text))

    def set_note(self, text: str) -> None:
        """Set the secondary text beside the title."""
        self.note.setText(text)
        self.note.setVisible(bool(text))
