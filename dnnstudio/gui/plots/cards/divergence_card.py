"""The card of a diverged training: the cause, and one-click remedies."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.core.analysis.checks import Fix
from dnnstudio.core.analysis.divergence import Divergence, explain, remedies
from dnnstudio.core.errors import UserError
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Card, FlowLayout, label, push_button
from dnnstudio.gui.widgets.windows.fit_scroll import FitScroll

LOW = 180
"""A card lower than this cannot show the words and the remedies at once."""


class DivergenceCard(Card):
    """The explanation, and remedies for the open experiment, each one undo step. `failed` carries a `UserError`."""

    failed = Signal(object)

    def __init__(self, theme: Theme, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Why it diverged", icon="warning-fill", parent=parent)
        self.setObjectName("divergence_card")
        self.head.set_icon("warning-fill", "hint_dot")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._document = document
        self._fixes: tuple[Fix, ...] = ()
        self._cause: Divergence | None = None
        self.words = label("", Role.BODY, wrap=True)
        self.words.setObjectName("divergence_words")
        self._buttons = [push_button("", Role.FIX) for _ in range(3)]
        self._holder = QWidget()
        row = FlowLayout(self._holder)
        for number, button in enumerate(self._buttons):
            button.setObjectName(f"remedy_{number}")
            button.clicked.connect(lambda _=False, number=number: self._apply(number))
            row.addWidget(button)
        self._after = label("Then press Train.", Role.CAPTION)
        content = QWidget()
        self._column = QVBoxLayout(content)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._column.addWidget(self.words)
        self._column.addWidget(self._holder)
        self._column.addWidget(self._after)
        self._column.addStretch(1)
        self.add(FitScroll(content), 1)
        document.experiment_changed.connect(self._show_remedies)

    def show_cause(self, cause: Divergence) -> None:
        """Explain a divergence."""
        self._cause = cause
        self.words.setText(explain(cause))
        self._show_remedies()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the remedies."""
        return tuple(fix.label for fix in self._fixes)

    def _show_remedies(self, _: object = None) -> None:
        if not self.words.text():  # nothing has diverged: edits must not pay for analysing all layers
            return
        self._fixes = remedies(self._document.experiment, self._cause)[: len(self._buttons)]
        for number, button in enumerate(self._buttons):
            button.setVisible(number < len(self._fixes))
            if number < len(self._fixes):
                button.setText(self._fixes[number].label)
        self._after.setVisible(bool(self._fixes))

    def _apply(self, number: int) -> None:
        if number >= len(self._fixes):
            return
        fix = self._fixes[number]
        try:
            self._document.push(fix.apply(self._document.experiment), fix.label)
        except UserError as error:
            self.failed.emit(error)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a low card the remedies come first: the message bar has already given the explanation."""
        super().resizeEvent(event)
        first, now = self.height() < LOW, self._column.indexOf(self._holder)
        if first != (now == 0):
            self._column.removeWidget(self._holder)
            self._column.insertWidget(0 if first else 1, self._holder)
