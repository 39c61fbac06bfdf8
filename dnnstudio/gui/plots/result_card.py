"""The final figures of a run: loss and accuracy of each part with dropout off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from dnnstudio.gui.runs_model import figure, share
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Card, ElidedLabel, label, rule

PARTS = (
    ("train", "Train", "The training rows, measured again with dropout off."),
    ("validation", "Validation", "The rows that judged the network while it trained."),
    ("test", "Test", "Rows that training never saw."),
)
FIGURES = (("loss", "Loss", figure), ("accuracy", "Accuracy", share))
WAITING = "Measured after the last epoch, with dropout off."


class ResultCard(Card):
    """Three rows of figures, and which epoch was best."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Result", parent=parent)
        self.setObjectName("result_card")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.note = ElidedLabel("", Role.CAPTION)
        self.head.add(self.note)
        self._empty = label(WAITING, Role.CAPTION, wrap=True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._table = QWidget()
        grid = QGridLayout(self._table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for column, (_, title, _) in enumerate(FIGURES, start=1):
            grid.addWidget(label(title, Role.CAPTION), 0, column, right)
        self._cells: dict[tuple[str, str], Any] = {}
        for row, (part, words, help) in enumerate(PARTS):
            grid.addWidget(rule(), 2 * row + 1, 0, 1, len(FIGURES) + 1)
            name_label = label(words, Role.SMALL)
            name_label.setToolTip(help)
            grid.addWidget(name_label, 2 * row + 2, 0)
            for column, (name, title, _) in enumerate(FIGURES, start=1):
                cell = label("–", Role.NUMBER)
                cell.setObjectName(f"result_{part}_{name}")
                cell.setAccessibleName(f"{words}, {title.lower()}")
                grid.addWidget(cell, 2 * row + 2, column, right)
                self._cells[part, name] = cell
        grid.setRowStretch(2 * len(PARTS) + 1, 1)
        self.add(self._empty, 1)
        self.add(self._table, 1)
        self.clear()

    def clear(self, text: str = WAITING) -> None:
        """No figures yet."""
        self.note.setText("")
        self._empty.setText(text)
        self._empty.show()
        self._table.hide()

    def show_metrics(self, metrics: Mapping[str, Any], *, best_epoch: int = 0) -> None:
        """Show what metrics.json holds; a part that was not measured gets a dash."""
        if not any(isinstance(metrics.get(part), dict) for part, _, _ in PARTS):
            self.clear("The run ended before its figures were measured.")
            return
        for part, _, _ in PARTS:
            found = metrics.get(part)
            for name, _, words in FIGURES:
                value = found.get(name) if isinstance(found, dict) else None
                self._cells[part, name].setText(words(float(value) if isinstance(value, int | float) else None))
        self.note.setText(f"best epoch {best_epoch}" if best_epoch else "")
        self._empty.hide()
        self._table.show()

    def text(self, part: str, name: str) -> str:
        """What is shown for a figure: `text("test", "accuracy")`."""
        return str(self._cells[part, name].text())
