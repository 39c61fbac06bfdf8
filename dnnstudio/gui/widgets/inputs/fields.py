"""Line edits that validate when editing is finished, never while typing."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QLineEdit, QSizePolicy, QStyle, QStyleOptionFrame, QWidget

from dnnstudio.gui.theme import Theme, icons, set_state
from dnnstudio.gui.widgets.fitted_text import fitted
from dnnstudio.gui.widgets.inputs.numbers import Limits, Number, Steps, parse, stepped, text_of

_ARROWS = 20
"""Width of the strip at the right end that holds the two arrows."""


LINE_EDIT_MARGIN = 2
"""Qt keeps so many pixels free before the text of a line edit."""
UNDO_KEYS = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)
CLEARS = QKeySequence.StandardKey.DeleteCompleteLine
"""Ctrl+U on X11: in a field it emptied what it was meant to lead away from, as the window's key for Uncertainty."""


class CommitField(QLineEdit):
    """A line edit for a value.

    `committed` is emitted with a new value when editing is finished (Return, Tab, focus lost), never while typing.
    Invalid input is refused: `problem_changed` carries the message ("" when resolved), the text stays for correction,
    and Escape restores the old value.
    """

    committed = Signal(object)
    problem_changed = Signal(str)
    entered = Signal()
    """Return was pressed and what stands there is a value: a dialog takes it for its button."""

    def __init__(self, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value: object = None
        self._previous: object = None
        self._problem = ""
        self._calm_mark = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(48)
        self.textEdited.connect(self._on_text_edited)

    # ------------------------------------------------------------------------------------ for the kinds of field

    def read(self, text: str) -> object:
        """Parse the text. Raises `ValueError` with the message for the user."""
        raise ValueError(text)

    def write(self, value: object) -> str:
        """Format a value as text."""
        return str(value)

    # ------------------------------------------------------------------------------------ showing

    @property
    def problem(self) -> str:
        """Why the text is refused, or ""."""
        return self._problem

    @property
    def editing(self) -> bool:
        """Whether the text was edited but not committed."""
        return bool(self._problem) or (self.hasFocus() and self.isModified())

    def set_value(self, value: object, *, placeholder: str = "") -> None:
        """Show a value; None shows the placeholder."""
        self._value = self._previous = value
        self.setPlaceholderText(placeholder)
        self._show_value()

    def set_mark(self, mark: str) -> None:
        """Set the border colour of a hint or an error ("" for none); a refusal takes precedence."""
        self._calm_mark = mark
        set_state(self, "mark", "error" if self._problem else mark)

    def refuse(self, sentence: str) -> None:
        """Show why the committed value is impossible after all; Escape restores the old one."""
        self._value = self._previous
        self._set_problem(sentence)

    def commit(self) -> None:
        """Accept the text if it can be parsed, and emit it if the value changed."""
        if not self.text().strip() and self._value is None and not self._problem:
            return
        try:
            value = self.read(self.text())
        except ValueError as error:
            self._set_problem(str(error))
            return
        self._take(value)

    def _take(self, value: object) -> None:
        retried = bool(self._problem)
        changed = value != self._value or type(value) is not type(self._value)
        self._previous, self._value = self._value, value
        self._show_value()
        if changed or retried:
            self.committed.emit(value)

    def _show_value(self) -> None:
        self.setText("" if self._value is None else self.write(self._value))
        if not self.hasFocus():
            self.setCursorPosition(0)  # a number that is too long for the field loses its end, not its first digits
        self.setModified(False)
        self._set_problem("")

    def _set_problem(self, sentence: str) -> None:
        if sentence == self._problem:
            return
        self._problem = sentence
        set_state(self, "mark", "error" if sentence else self._calm_mark)
        self.problem_changed.emit(sentence)

    def _on_text_edited(self, _text: str) -> None:
        self._set_problem("")

    # ------------------------------------------------------------------------------------ Qt's overrides

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.commit()
                self.selectAll()
                if not self.problem:
                    self.entered.emit()
            case Qt.Key.Key_Escape if self.isModified() or self._problem:
                self._show_value()
                self.selectAll()
            case _:
                super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Undo and redo are the window's while nothing was typed here: Ctrl+Z takes back the last edit. What would
        clear the line is always the window's.
        """
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            undoes = not self.isModified() and any(event.matches(keys) for keys in UNDO_KEYS)
            if undoes or event.matches(CLEARS):
                event.ignore()
                return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason and self.isModified():
            self.commit()


def take_typed() -> None:
    """Accept what is typed in the field that has the keyboard, as Tab would: who presses a key of the window, or closes
    it, means what stands there.
    """
    field = QApplication.focusWidget()
    if isinstance(field, CommitField) and field.isModified():
        field.commit()


class TextField(CommitField):
    """A line edit for any value, given functions that parse and format it."""

    def __init__(
        self, read: Callable[[str], object], write: Callable[[object], str] = str, *, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent=parent)
        self._read = read
        self._write = write

    def read(self, text: str) -> object:
        return self._read(text)

    def write(self, value: object) -> str:
        return self._write(value)


class NumberField(CommitField):
    """A line edit for a number, stepped by Up, Down, PageUp, PageDown and two arrow buttons.

    With `arrows` the buttons always stand there; else only while the mouse is over the field, which is narrow.
    """

    def __init__(
        self,
        theme: Theme,
        *,
        title: str = "This",
        integer: bool = False,
        limits: Limits | None = None,
        steps: Steps = Steps.LINEAR,
        step_size: float = 0.1,
        arrows: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent=parent)
        self._theme = theme
        self._title = title
        self._integer = integer
        self._limits = limits or Limits()
        self._steps = steps
        self._step_size = step_size
        self._arrows = self._always_arrows = arrows
        self._direction = 0
        self._repeat = QTimer(self)
        self._repeat.timeout.connect(self._on_repeat)
        self.setMouseTracking(True)
        self._show_arrows(arrows)
        if not arrows:
            self.setAlignment(Qt.AlignmentFlag.AlignRight)

    def value(self) -> Number | None:
        """The last number shown or accepted; None if it is empty or mixed."""
        return self._value if isinstance(self._value, int | float) else None

    def set_mixed(self) -> None:
        """Show that several records differ."""
        self.set_value(None, placeholder="mixed")

    def read(self, text: str) -> object:
        try:
            number = parse(text, integer=self._integer)
        except ValueError:
            number = float("nan")
        if not self._limits.allow(number):
            raise ValueError(self._limits.sentence(self._title, integer=self._integer))
        return number

    def write(self, value: object) -> str:
        return text_of(value) if isinstance(value, int | float) else ""

    def step(self, direction: int, *, big: bool = False) -> None:
        """Step up (1) or down (−1) from the present text."""
        try:
            start: Number | None = parse(self.text(), integer=self._integer)
        except ValueError:
            start = self.value()
        if start is None:
            return
        self._take(stepped(start, direction, steps=self._steps, limits=self._limits, big=big, size=self._step_size))
        self.selectAll()

    def _show_arrows(self, shown: bool) -> None:
        self._arrows = shown
        self.setTextMargins(0, 0, _ARROWS - 6 if shown else 0, 0)
        self.update()

    def _arrow_at(self, x: int, y: int) -> int:
        strip = QRect(self.width() - _ARROWS, 0, _ARROWS, self.height())
        if not self._arrows or not strip.contains(x, y):
            return 0
        return 1 if y < self.height() // 2 else -1

    def _on_repeat(self) -> None:
        self._repeat.setInterval(60)
        self.step(self._direction)

    def sizeHint(self) -> QSize:
        return QSize(88, super().sizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        match event.key():
            case Qt.Key.Key_Up | Qt.Key.Key_Down:
                self.step(1 if event.key() == Qt.Key.Key_Up else -1, big=shift)
            case Qt.Key.Key_PageUp | Qt.Key.Key_PageDown:
                self.step(1 if event.key() == Qt.Key.Key_PageUp else -1, big=True)
            case _:
                super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the wheel scrolls the form and must not change numbers

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._show_arrows(True)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._show_arrows(self._always_arrows)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        direction = self._arrow_at(at.x(), at.y()) if event.button() == Qt.MouseButton.LeftButton else 0
        if direction:
            self._direction = direction
            self.step(direction)
            self._repeat.start(400)
        else:
            super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        at = event.position().toPoint()
        if self._arrow_at(at.x(), at.y()):
            self.mousePressEvent(event)  # the second of two quick presses steps as well
        else:
            super().mouseDoubleClickEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._repeat.stop()
        if self._direction:
            self._direction = 0
        else:
            super().mouseReleaseEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._direction:
            super().mouseMoveEvent(event)
        if self._arrows:
            over = event.position().x() >= self.width() - _ARROWS
            self.setCursor(Qt.CursorShape.ArrowCursor if over else Qt.CursorShape.IBeamCursor)

    def _paint_cut(self, painter: QPainter) -> None:
        """What is too long for the field ends in "…" while nobody types there, and a tooltip tells it whole.

        The power of ten stays in sight: 4.0479…e-4 must not look like 4.
        """
        if self.hasFocus() or not self.text():
            return
        option = QStyleOptionFrame()
        self.initStyleOption(option)
        room = self.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, self)
        room = room.marginsRemoved(self.textMargins())
        metrics, (digits, mark, power) = self.fontMetrics(), self.text().partition("e")
        shown = fitted(painter, self.text(), room, self)
        if shown == self.text():
            return
        if power:
            beside = room.width() - metrics.horizontalAdvance(f"…{mark}{power}")
            kept = next((n for n in range(len(digits), 1, -1) if metrics.horizontalAdvance(digits[:n]) <= beside), 1)
            shown = f"{digits[:kept]}…"
        end = room.adjusted(metrics.horizontalAdvance(shown[:-1]) + LINE_EDIT_MARGIN, 0, 2, 0)
        painter.fillRect(end, self._theme.color("surface" if self.isEnabled() else "inset"))
        painter.setPen(self._theme.color("text" if self.isEnabled() else "text3"))
        painter.drawText(end, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, f"…{mark}{power}")

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        self._paint_cut(painter)
        if not self._arrows:
            return
        color = self._theme.color("text2" if self.isEnabled() else "text3")
        middle, left = self.height() / 2, self.width() - _ARROWS + 2
        icons.paint(painter, QRectF(left, middle - 10, 10, 10), "caret-up", color)
        icons.paint(painter, QRectF(left, middle, 10, 10), "caret-down", color)
