"""The area beside the learning rate: layer health while training, then the result and the answers, or the cause of a
divergence.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from dnnstudio.core.analysis.divergence import Divergence
from dnnstudio.core.workspace.answers import Answers
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.plots.cards.answers_card import AnswersCard
from dnnstudio.gui.plots.cards.divergence_card import DivergenceCard
from dnnstudio.gui.plots.cards.health_card import HealthCard
from dnnstudio.gui.plots.cards.result_card import ResultCard
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import Card, MiniButton


class SideStack(QStackedWidget):
    """Four cards in one place; a button in each head switches to the next. `failed` carries a `UserError`."""

    failed = Signal(object)

    def __init__(self, theme: Theme, document: Document, result: ResultCard, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("side_stack")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._theme = theme
        self.result = result
        self.health = HealthCard(theme, document)
        self.divergence = DivergenceCard(theme, document)
        self.answers = AnswersCard(theme)
        for card in (result, self.answers, self.health, self.divergence):
            self.addWidget(card)
        self.health.failed.connect(self.failed)
        self.divergence.failed.connect(self.failed)
        self._lead(result, self.health, "heartbeat", "Show the layers' health")
        self._answers_button = self._lead(result, self.answers, "chart-scatter", "Show the answers and the residuals")
        self._lead(self.answers, result, "table", "Show the result")
        self._lead(self.health, result, "table", "Show the result")
        self._answers_button.hide()
        self._lead(self.divergence, self.health, "heartbeat", "Show the layers' health")
        self.setCurrentWidget(result)

    def _lead(self, card: Card, to: Card, icon: str, tip: str) -> MiniButton:
        button = MiniButton(self._theme, icon, tip)
        button.setObjectName(f"{card.objectName()}_{'answers' if to is self.answers else 'switch'}")
        button.clicked.connect(lambda: self.setCurrentWidget(to))
        card.head.add(button)
        return button

    def begin(self, epochs: int) -> None:
        """A training begins."""
        self.result.clear()
        self.show_answers({})
        self.health.begin(epochs)
        self.setCurrentWidget(self.health)

    def show_result(self) -> None:
        """A training ended normally, or a stored run is shown."""
        self.setCurrentWidget(self.result)

    def show_answers(self, answers: Mapping[str, Answers]) -> None:
        """The answers of the run that is shown; with none, where classes are told apart, their card is not offered."""
        self.answers.show_answers(answers)
        self._answers_button.setVisible(bool(answers))
        if not answers and self.currentWidget() is self.answers:
            self.setCurrentWidget(self.result)

    def show_divergence(self, cause: Divergence) -> None:
        """A training diverged."""
        self.divergence.show_cause(cause)
        self.setCurrentWidget(self.divergence)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def hasHeightForWidth(self) -> bool:
        """No: long texts scroll within their card and never take height from the plots."""
        return False
