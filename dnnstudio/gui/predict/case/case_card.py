"""One case: what the network saw, what it says in a sentence, and the way to correct it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.gui.predict.cases import Cases
from dnnstudio.gui.predict.rows.rows_model import CasePictures
from dnnstudio.gui.predict.words import ask_line, cell_text, headline, outside, second_line
from dnnstudio.gui.theme import Role, Theme, set_state
from dnnstudio.gui.widgets import Card, ElidedLabel, IconLabel, MiniButton, label, push_button
from dnnstudio.gui.widgets.fitted_text import fitted

SIDE, SMALL_SIDE = 180, 132
NARROW_BELOW = 500
LINE = 22
MOST_CELLS = 200
GAP, LEAST_NAME = 8, 48
BARS = (64, 40, 0)
"""The widths of the bar that shows a value's place, the widest that leaves room for names and values."""


class CasePicture(QWidget):
    """The picture as the network sees it, enlarged."""

    def __init__(self, theme: Theme, pictures: CasePictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._pictures, self._place = theme, pictures, -1
        self.set_side(SIDE)
        self.setToolTip("As the network sees it: scaled to the size of the pictures that it learnt from.")
        self.setAccessibleName("The picture")
        theme.changed.connect(self.update)

    def set_side(self, side: int) -> None:
        """How large it is."""
        self.setFixedSize(side, side)

    def show_place(self, place: int) -> None:
        """Show another case."""
        self._place = place
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        color = self._theme.color
        painter.setPen(QPen(color("strong"), 1))
        painter.setBrush(color("inset"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        picture = self._pictures.image(self._place) if self._place >= 0 else None
        if picture is None:
            return
        room = self.width() - 16
        scale = room / max(picture.width(), picture.height())
        target = QRectF(0, 0, picture.width() * scale, picture.height() * scale)
        target.moveCenter(QRectF(self.rect()).center())
        painter.drawImage(target, picture)


class CellLines(QWidget):
    """A table's row: name, value, and where the value stands in the range of the training rows."""

    def __init__(self, theme: Theme, cases: Cases, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._cases = theme, cases
        self._values: list[float] = []
        theme.changed.connect(self.update)

    def show_place(self, place: int) -> None:
        """Show another case."""
        block, row = self._cases.at(place)
        cells = block.cells
        self._values = [] if cells is None else cells[row, :MOST_CELLS].tolist()
        columns = self._cases.facts.columns
        shown = list(zip(columns, self._values, strict=False))
        self.setAccessibleName("; ".join(f"{column.name}: {cell_text(column, value)}" for column, value in shown[:20]))
        self.setFixedHeight(max(LINE * len(shown), LINE))
        self.update()

    def widths(self) -> tuple[int, int]:
        """The widths of the names and of the bars, which make room for the values: these are what a person reads."""
        metrics = QFontMetrics(self._theme.font(12, QFont.Weight.Medium))
        shown = zip(self._cases.facts.columns, self._values, strict=False)
        widest = 1 + max((metrics.horizontalAdvance(cell_text(column, value)) for column, value in shown), default=0)
        widest = min(widest, self.width() * 3 // 5)
        for bar in BARS:
            words = self.width() - bar - widest - 2 * GAP - 2
            if words >= LEAST_NAME:
                break
        return max(words, self.width() // 4), bar

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color, width = self._theme.color, self.width()
        middle, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight
        words, bar = self.widths()
        for number, (column, value) in enumerate(zip(self._cases.facts.columns, self._values, strict=False)):
            top = number * LINE
            if top > event.rect().bottom() or top + LINE < event.rect().top():
                continue
            wrong = bool(outside(column, value))
            name = QRectF(2, top, words, LINE)
            painter.setFont(self._theme.font(12))
            painter.setPen(color("text2"))
            painter.drawText(name, middle, fitted(painter, column.name, name))
            painter.setFont(self._theme.font(12, QFont.Weight.Medium))
            painter.setPen(color("hint" if wrong else "text"))
            said = QRectF(name.right() + GAP, top, width - bar - name.right() - 2 * GAP, LINE)
            painter.drawText(said, middle | right, fitted(painter, cell_text(column, value), said))
            if (
                bar
                and column.low is not None
                and column.high is not None
                and column.high > column.low
                and np.isfinite(value)
            ):
                share = min(max((value - column.low) / (column.high - column.low), 0.0), 1.0)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color("hover"))
                painter.drawRoundedRect(QRectF(width - bar, top + LINE / 2 - 2, bar - 6, 4), 2, 2)
                painter.setBrush(color("hint_dot" if wrong else "accent_fill"))
                painter.drawEllipse(QPointF(width - bar + 3 + share * (bar - 12), top + LINE / 2), 3.5, 3.5)


class CaseCard(Card):
    """`corrected(place)` once a person has judged the case; `step_requested` asks for its neighbour, `edit_requested`
    for a field to type the right number in."""

    corrected = Signal(int)
    step_requested = Signal(int)
    edit_requested = Signal()

    def __init__(self, theme: Theme, cases: Cases, pictures: CasePictures, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, margin=16, parent=parent)
        self.setObjectName("case_card")
        self._cases, self._place = cases, -1
        self.picture = CasePicture(theme, pictures)
        self.lines = CellLines(theme, cases)
        inside = QWidget()
        inside.setProperty("role", "clear")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 4, 0)
        column.addWidget(self.lines)
        column.addStretch(1)
        self.cells = QScrollArea()
        self.cells.setObjectName("case_cells")
        self.cells.setWidgetResizable(True)
        self.cells.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.cells.setMinimumHeight(SMALL_SIDE)
        self.cells.setWidget(inside)
        self.name = ElidedLabel("", Role.SMALL, mode=Qt.TextElideMode.ElideMiddle)
        self.count = label("", Role.CAPTION)
        self.before = MiniButton(theme, "caret-left", "The row before (Alt+Left)")
        self.before.clicked.connect(lambda: self.step_requested.emit(-1))
        self.after = MiniButton(theme, "caret-right", "The next row (Alt+Right)")
        self.before.setObjectName("case_before")
        self.after.setObjectName("case_after")
        self.after.clicked.connect(lambda: self.step_requested.emit(1))
        self.headline = label("", Role.HEADLINE, wrap=True)
        self.headline.setObjectName("case_headline")
        self.second = label("", Role.CAPTION, wrap=True)
        self.second.setObjectName("case_second")
        self.ask_icon = IconLabel(theme, "user-fill", size=14, color="hint_dot")
        self.ask = label("", Role.HINT, wrap=True)
        self.ask.setObjectName("case_ask")
        self.correct = push_button("Correct to…", tip="Say what is right; the saved file keeps it beside the answer")
        self.correct.setObjectName("case_correct")
        self.correct.clicked.connect(self._press_correct)
        self.right = push_button("Right as it is", tip="A person has seen it: it is not asked again")
        self.right.setObjectName("case_right")
        self.right.clicked.connect(self._confirm)
        self._lay_out()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.name, 1)
        for widget in (self.count, self.before, self.after):
            head.addWidget(widget)
        asks = QHBoxLayout()
        asks.setSpacing(8)
        asks.addWidget(self.ask_icon)
        asks.addWidget(self.ask, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.correct)
        buttons.addWidget(self.right)
        buttons.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(6)
        words.addLayout(head)
        words.addWidget(self.headline)
        words.addWidget(self.second)
        words.addLayout(asks)
        words.addStretch(1)
        words.addLayout(buttons)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.cells, 1)
        row.addLayout(words, 1)
        self.body.addLayout(row)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def show_place(self, place: int, number: int, total: int) -> None:
        """Show a case, the `number`-th of `total` that are listed."""
        self._place = place
        cases = self._cases
        block, row = cases.at(place)
        failed = bool(block.errors[row])
        table = block.cells is not None and not failed
        self.picture.setVisible(not table and (block.pictures is not None or cases.facts.pictures) and not failed)
        self.cells.setVisible(table)
        if table:
            self.lines.show_place(place)
        self.picture.show_place(place)
        self.name.setText(cases.name(place))
        self.name.set_hint(block.sources[row])
        self.count.setText(f"{number:,} of {total:,}")
        self.headline.setText(headline(cases, place))
        self.second.setText(second_line(cases, place))
        said = ask_line(cases, place)
        judged = place in cases.corrected or place in cases.confirmed
        self.ask.setText(said)
        self.ask.setVisible(bool(said))
        set_state(self.ask, "role", str(Role.GOOD if judged else Role.HINT))
        self.ask_icon.setVisible(bool(said))
        self.ask_icon.set_icon("check-circle-fill" if judged else "user-fill", "good_dot" if judged else "hint_dot")
        for button in (self.correct, self.right):
            button.setVisible(not failed)
        self.correct.setMenu(self._menu() if not cases.is_number and not failed else None)  # type: ignore[arg-type] # Qt takes None

    def _menu(self) -> QMenu:
        """The classes, likeliest first; and the way back."""
        old = self.correct.menu()
        if old is not None:
            old.deleteLater()
        menu = QMenu(self.correct)
        cases, place = self._cases, self._place
        block, row = cases.at(place)
        for number in np.argsort(-block.values[row], kind="stable").tolist():
            name = cases.facts.classes[number]
            menu.addAction(name).triggered.connect(lambda _=False, name=name: self.correct_to(name))
        if place in cases.corrected or place in cases.confirmed:
            menu.addSeparator()
            menu.addAction("Take it back").triggered.connect(lambda _=False: self.correct_to(None))
        return menu

    def correct_to(self, answer: str | float | None) -> None:
        """A person says what is right; None takes it back."""
        self._cases.correct(self._place, answer)
        self.corrected.emit(self._place)

    def _confirm(self) -> None:
        self._cases.confirm(self._place)
        self.corrected.emit(self._place)

    def _press_correct(self) -> None:
        """A number is typed in its row; classes have a menu, which Qt opens by itself."""
        if self._cases.is_number:
            self.edit_requested.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        role = Role.DIALOG_TITLE if self.width() < NARROW_BELOW else Role.HEADLINE
        set_state(self.headline, "role", str(role))
        self.picture.set_side(SMALL_SIDE if self.width() < NARROW_BELOW else SIDE)
