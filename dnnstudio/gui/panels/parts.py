"""What several panels are made of: advice for a part of the experiment, and an area that scrolls only when it must."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.core.checks import Problem, Severity
from dnnstudio.core.errors import UserError
from dnnstudio.gui.document import Document
from dnnstudio.gui.theme import Severity as Look
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import AdviceCard

NARROW_BELOW = 270
"""What lies on a card narrower than this shows less and says it shorter."""
LOOKS: dict[Severity, Look] = {"error": "error", "warning": "hint", "hint": "hint"}


class AdviceList(QWidget):
    """The problems of one part of the experiment as advice cards; each fix is one undo step."""

    failed = Signal(object)

    def __init__(
        self,
        document: Document,
        theme: Theme,
        concerns: Callable[[Problem], bool],
        *,
        foldable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """`foldable` advice shows its title alone until it is pressed; an error never hides what mends it."""
        super().__init__(parent)
        self._foldable = foldable
        self._document = document
        self._theme = theme
        self._concerns = concerns
        self._cards: list[AdviceCard] = []
        self._problems: list[Problem] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self.refresh()

    @property
    def problems(self) -> Sequence[Problem]:
        return self._problems

    @property
    def cards(self) -> Sequence[AdviceCard]:
        """The cards in sight, one a problem."""
        return self._cards[: len(self._problems)]

    def refresh(self) -> None:
        """Show what the checks say now. Cards are used again, so that a click on one does not destroy it."""
        self._problems = [problem for problem in self._document.problems if self._concerns(problem)]
        while len(self._cards) < len(self._problems):
            self._cards.append(self._new_card(len(self._cards)))
        for number, card in enumerate(self._cards):
            if card.isHidden() is (number < len(self._problems)):  # Qt takes its time even where nothing changes
                card.setVisible(number < len(self._problems))
        for card, problem in zip(self._cards, self._problems, strict=False):
            fix = problem.fix.label if problem.fix else ""
            card.set_advice(problem.title, problem.reason, fix=fix, severity=LOOKS[problem.severity])
            if self._foldable and card.objectName() != f"advice_{problem.code}":
                card.set_folded(problem.severity != "error")
            card.setObjectName(f"advice_{problem.code}")
        self.setVisible(bool(self._problems))

    def _new_card(self, number: int) -> AdviceCard:
        card = AdviceCard(self._theme, "", foldable=self._foldable)
        card.fix_requested.connect(lambda: self._apply(number))
        self._column.addWidget(card)
        return card

    def _apply(self, number: int) -> None:
        fix = self._problems[number].fix
        if fix is None:
            return
        try:
            self._document.push(fix.apply(self._document.experiment), fix.label)
        except UserError as error:
            self.failed.emit(error)


class FitScroll(QScrollArea):
    """As high as its content, up to `limit`; what is higher, or has less room, is scrolled."""

    def __init__(self, content: QWidget, *, limit: int = 16_777_215, smallest: int = 60) -> None:
        super().__init__()
        self._content = content
        self._limit = limit
        self._smallest = smallest
        self._heights: dict[int, int] = {}
        """Width → height of the content. Layouts ask dozens of times before anything in it has changed."""
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        content.setProperty("role", "clear")
        content.installEventFilter(self)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def set_limit(self, limit: int) -> None:
        if limit != self._limit:
            self._limit = limit
            self.updateGeometry()

    def content_height(self, width: int | None = None) -> int:
        """How high the content wants to be at the present width."""
        content = self._content
        width = self.viewport().width() if width is None else width
        if width not in self._heights:
            high = content.heightForWidth(width) if content.hasHeightForWidth() else -1
            high = max(high, content.minimumSizeHint().height()) if high >= 0 else content.sizeHint().height()
            self._heights[width] = high
        return self._heights[width]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._content and event.type() == QEvent.Type.LayoutRequest:
            self._heights.clear()
            self.updateGeometry()
            self._show_bar_if_needed()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._show_bar_if_needed()
        super().resizeEvent(event)

    def _show_bar_if_needed(self) -> None:
        """A bar takes width, narrower content is higher, and so a bar could be there only because it is there."""
        fits = self.content_height(self.width()) <= self.height()
        policy = Qt.ScrollBarPolicy.ScrollBarAlwaysOff if fits else Qt.ScrollBarPolicy.ScrollBarAsNeeded
        if policy != self.verticalScrollBarPolicy():
            self.setVerticalScrollBarPolicy(policy)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return min(self.content_height(width), self._limit)

    def sizeHint(self) -> QSize:
        return QSize(self._content.sizeHint().width(), min(self.content_height(), self._limit))

    def minimumSizeHint(self) -> QSize:
        return QSize(40, min(self.content_height(), self._smallest, self._limit))
