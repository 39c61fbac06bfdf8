"""The problems of one part of the experiment as a list of advice cards."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from dnnstudio.core.analysis.checks import Problem, Severity
from dnnstudio.core.errors import UserError
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.theme import Severity as Look
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.messages import AdviceCard

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
        """`foldable` advice shows only its title until clicked; an error always shows its fix."""
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
        """The visible cards, one per problem."""
        return self._cards[: len(self._problems)]

    def refresh(self) -> None:
        """Show the present problems. Cards are reused, so that a click on one does not destroy it."""
        self._problems = [problem for problem in self._document.problems if self._concerns(problem)]
        while len(self._cards) < len(self._problems):
            self._cards.append(self._new_card(len(self._cards)))
        for number, card in enumerate(self._cards):
            if card.isHidden() is (number < len(self._problems)):  # Qt spends time even if nothing changes
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
