"""The place beside the learning rate: layer health while training, the result afterwards, or why it diverged."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from dnnstudio.core.divergence import Divergence
from dnnstudio.gui.document import Document
from dnnstudio.gui.plots.divergence_card import DivergenceCard
from dnnstudio.gui.plots.health_card import HealthCard
from dnnstudio.gui.plots.result_card import ResultCard
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import Card, MiniButton


class SideStack(QStackedWidget):
    """Three cards in one place; a button in the head of each leads to the next. `failed` carries a `UserError`."""

    failed = Signal(object)

    def __init__(self, theme: Theme, document: Document, result: ResultCard, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("side_stack")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._theme = theme
        self.result = result
        self.health = HealthCard(theme, document)
        self.divergence = DivergenceCard(theme, document)
        for card in (result, self.health, self.divergence):
            self.addWidget(card)
        self.health.failed.connect(self.failed)
        self.divergence.failed.connect(self.failed)
        self._lead(result, self.health, "heartbeat", "Show the layers' health")
        self._lead(self.health, result, "table", "Show the result")
        self._lead(self.divergence, self.health, "heartbeat", "Show the layers' health")
        self.setCurrentWidget(result)

    def _lead(self, card: Card, to: Card, icon: str, tip: str) -> None:
        button = MiniButton(self._theme, icon, tip)
        button.setObjectName(f"{card.objectName()}_switch")
        button.clicked.connect(lambda: self.setCurrentWidget(to))
        card.head.add(button)

    def begin(self, epochs: int) -> None:
        """A training begins."""
        self.result.clear()
        self.health.begin(epochs)
        self.setCurrentWidget(self.health)

    def show_result(self) -> None:
        """A training ended well, or a stored run is shown."""
        self.setCurrentWidget(self.result)

    def show_divergence(self, cause: Divergence) -> None:
        """A training left all bounds."""
        self.divergence.show_cause(cause)
        self.setCurrentWidget(self.divergence)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def hasHeightForWidth(self) -> bool:
        """No: long words scroll in their card and never take height from the plots."""
        return False
