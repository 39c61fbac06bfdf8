"""Buttons that differ from Qt's: small icon button, toggle switch, and chip."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QPushButton, QSizePolicy, QToolButton, QWidget
from shiboken6 import isValid

from dnnstudio.gui.theme import Role, Theme, set_role


def push_button(text: str, role: Role | None = None, *, tip: str = "", parent: QWidget | None = None) -> PushButton:
    """A button with a label; `role` makes it the primary one, a link, the fix of an advice …"""
    button = CureButton(text, parent) if role is Role.FIX else PushButton(text, parent)
    button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    button.setAutoDefault(False)
    if role is not None:
        set_role(button, role)
    if tip:
        button.setToolTip(tip)
    if role is Role.LINK:
        button.setCursor(Qt.CursorShape.PointingHandCursor)
    return button


class PushButton(QPushButton):
    """Return presses the button that has the keyboard, and never the primary one beside it; Down opens its menu."""

    least_width = 0
    """So wide at least, in pixels. `setMinimumWidth` would allow it to be narrower than its words."""

    def sizeHint(self) -> QSize:
        return super().sizeHint().expandedTo(QSize(self.least_width, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = (Qt.Key.Key_Return, Qt.Key.Key_Enter, *((Qt.Key.Key_Down,) if self.menu() is not None else ()))
        if event.key() not in keys:
            super().keyPressEvent(event)
        elif not event.isAutoRepeat():
            self.click()


class CureButton(PushButton):
    """Mends something by one click, after which the keyboard is where it was: the button is often gone then.

    It takes the focus while it is pressed, so that a field commits what was typed before the cure.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._before: QWidget | None = None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._before = self.window().focusWidget()
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        before, self._before = self._before, None
        super().mouseReleaseEvent(event)
        if before is not None and before is not self and isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.OtherFocusReason)


class MiniButton(QToolButton):
    """A 24 px button with only an icon; its label is the tooltip and accessible name."""

    def __init__(
        self, theme: Theme, icon: str, tip: str, *, color: str = "text2", size: int = 16, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        set_role(self, Role.MINI)
        self._theme = theme
        self._shown = ("", "")
        self.set_icon(icon, color)
        self.setIconSize(QSize(size, size))
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setFixedSize(24, 24)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def set_icon(self, name: str, color: str = "text2") -> None:
        if (name, color) != self._shown:
            self._shown = (name, color)
            self.setIcon(self._theme.icon(name, color, on="accent"))

    def set_tip(self, text: str) -> None:
        self.setToolTip(text)
        self.setAccessibleName(text)


class Toggle(QAbstractButton):
    """A switch for yes and no, 32 × 18. `set_mixed` shows differing values; the next click switches it on."""

    def __init__(self, theme: Theme, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._mixed = False
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    @property
    def mixed(self) -> bool:
        return self._mixed

    def set_value(self, value: bool) -> None:
        """Show a value without emitting a signal."""
        if self._mixed or self.isChecked() is not value:
            self._show(value, mixed=False)

    def set_mixed(self) -> None:
        if not self._mixed:
            self._show(False, mixed=True)

    def _show(self, value: bool, *, mixed: bool) -> None:
        self._mixed = mixed
        blocked = self.blockSignals(True)
        self.setChecked(value)
        self.blockSignals(blocked)
        self.update()

    def _knob(self) -> str:
        return "text2" if self._theme.tokens().name == "dark" else "surface"

    def nextCheckState(self) -> None:
        self._mixed = False
        super().nextCheckState()

    def sizeHint(self) -> QSize:
        return QSize(32, 18)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        track = QRectF(0, (self.height() - 18) / 2, 32, 18)
        if self.hasFocus():
            painter.setPen(QPen(color("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(track.adjusted(1, 1, -1, -1), 8, 8)
            track = track.adjusted(3, 3, -3, -3)
        on = self.isChecked() and not self._mixed
        fill, knob = color("accent_fill" if on else "strong"), color("on_accent" if on else self._knob())
        if not self.isEnabled():
            fill, knob = color("accent_line" if on else "hover"), color("surface" if on else "strong")
        elif self.underMouse() and not on:
            fill = color("text3")
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawRoundedRect(track, track.height() / 2, track.height() / 2)
        painter.setBrush(knob)
        radius = track.height() / 2 - (1 if self.hasFocus() else 2)
        if self._mixed:
            bar = QRectF(0, 0, 12, 2.5)
            bar.moveCenter(track.center())
            painter.drawRoundedRect(bar, 1, 1)
            return
        inset = track.height() / 2
        at = QPointF(track.right() - inset if on else track.left() + inset, track.center().y())
        painter.drawEllipse(at, radius, radius)


class Chip(QAbstractButton):
    """A pill with a name and a count. A checkable one is dashed and struck through when off."""

    HEIGHT = 22

    def __init__(
        self, theme: Theme, name: str, count: str = "", *, checkable: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._count = count
        self.setText(name)
        self.setCheckable(checkable)
        self.setChecked(checkable)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if checkable else Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._tell()

    def count(self) -> str:
        return self._count

    def set_count(self, count: str) -> None:
        """Set the figure after the name: "5,543"."""
        self._count = count
        self._tell()
        self.updateGeometry()
        self.update()

    def _tell(self) -> None:
        self.setAccessibleName(f"{self.text()} {self._count}".strip())

    def _metrics(self) -> QFontMetrics:
        return QFontMetrics(self._theme.font(11))

    def sizeHint(self) -> QSize:
        metrics = self._metrics()
        words = metrics.horizontalAdvance(self.text())
        count = metrics.horizontalAdvance(" " + self._count) if self._count else 0
        return QSize(words + count + 20, self.HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        off = self.isCheckable() and not self.isChecked()
        edge = QPen(color("strong" if off else "border"), 1, Qt.PenStyle.DashLine if off else Qt.PenStyle.SolidLine)
        inset = 0.5
        if self.hasFocus():
            edge, inset = QPen(color("accent"), 2), 1.0
        painter.setPen(edge)
        ground = "hover" if self.underMouse() and self.isCheckable() else "inset"
        painter.setBrush(Qt.BrushStyle.NoBrush if off and not self.underMouse() else color(ground))
        box = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        font = self._theme.font(11)
        font.setStrikeOut(off)
        painter.setFont(font)
        faint = "text2" if ground == "hover" else "text3"  # which is too faint on that ground
        painter.setPen(color(faint if off else "text"))
        text = self.rect().adjusted(10, 0, -8, 0)
        where = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(text, where, self.text())
        font.setStrikeOut(False)
        painter.setFont(font)
        painter.setPen(color(faint))
        left = text.left() + self._metrics().horizontalAdvance(self.text() + " ")
        painter.drawText(text.adjusted(left - text.left(), 0, 0, 0), where, self._count)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self.isCheckable():
            super().mousePressEvent(event)
        else:
            event.ignore()
