"""Originals beside the autoencoder's reconstructions, page by page."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.requests import Part, Reconstruct
from dnnstudio.core.jobs.results import Reconstructions
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.base.shortcuts import RECONSTRUCTIONS, bind
from dnnstudio.gui.plots.sentences import short_number
from dnnstudio.gui.pretraining.pairs import PairsView
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import Card, Choice, MiniButton, Segmented, Window, label, push_button

PARTS = (
    Choice("test", "Test", "Rows that no training ever saw"),
    Choice("validation", "Validation", "Rows that were watched during the training"),
    Choice("train", "Training", "Rows that the autoencoder learnt from"),
)
FIRST, LAST = "These are the first rows.", "These are the last rows."


class ReconstructionsWindow(Window):
    """Shows one pretrained run. `encoder_wanted(Path)` when the user wants its encoder in a classifier.

    `counts` are the numbers of rows of the parts, if known: train, validation, test.
    """

    changes_experiment = True
    encoder_wanted = Signal(object)
    closed = Signal()

    def __init__(
        self,
        theme: Theme,
        client: JobClient,
        folder: Path,
        experiment: Experiment,
        *,
        counts: tuple[int, int, int] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("reconstructions_window")
        self.setWindowTitle(f"Reconstructions – {experiment.name}")
        self.setMinimumSize(QSize(640, 560))
        self.resize(900, 800)
        self.client = client
        self._folder = folder
        self._experiment = experiment
        self._counts = dict(zip(("train", "validation", "test"), counts, strict=True)) if counts is not None else {}
        self._number = 0
        self._over = False
        self.pairs = PairsView(theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        self.headline = label("Drawing …", Role.HEADLINE, wrap=True)
        self.headline.setObjectName("reconstructions_headline")
        self.note = label("", Role.CAPTION, wrap=True)
        column.addWidget(self.headline)
        column.addWidget(self.note)
        column.addLayout(self._make_top(theme))
        card = Card(theme, margin=16)
        card.add(self.pairs, 1)
        column.addWidget(card, 1)
        column.addLayout(self._make_foot())
        client.setParent(self)
        client.answered.connect(self._on_answer)
        client.refused.connect(self._on_refused)
        client.cancelled.connect(lambda: self.note.setText("Cancelled."))
        for keys, by in (("PgDown", 1), ("PgUp", -1)):
            bind(self, RECONSTRUCTIONS, keys, partial(self.turn, by))
        self.show_page(0)

    def _make_top(self, theme: Theme) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.part = Segmented(theme, PARTS)
        self.part.setObjectName("reconstructions_part")
        self.part.setAccessibleName("Which rows are drawn")
        self.part.set_value("test")
        self.part.chosen.connect(lambda _: self.show_page(0))
        self.back = MiniButton(theme, "caret-left", "The rows before these (Page up)")
        self.back.setObjectName("reconstructions_back")
        self.back.clicked.connect(lambda: self.turn(-1))
        self.on = MiniButton(theme, "caret-right", "The next rows (Page down)")
        self.on.setObjectName("reconstructions_on")
        self.on.clicked.connect(lambda: self.turn(1))
        self.rows = label("", Role.SMALL)
        self.rows.setObjectName("reconstructions_rows")
        row.addWidget(self.part)
        row.addStretch(1)
        for widget in (self.back, self.rows, self.on):
            row.addWidget(widget)
        return row

    def _make_foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        close = push_button("Close")
        close.setObjectName("reconstructions_close")
        close.clicked.connect(self.close)
        self.use = push_button(
            "Use the encoder in a classifier",
            Role.PRIMARY,
            tip="Make the open experiment a classifier that starts from these layers; Undo takes it back",
        )
        self.use.setObjectName("use_encoder")
        self.use.clicked.connect(lambda: self.encoder_wanted.emit(self._folder))
        row.addWidget(close)
        row.addWidget(self.use)
        return row

    # ------------------------------------------------------------------------------------------ pages

    @property
    def count(self) -> int | None:
        """How many rows the part has, where that is known."""
        return self._counts.get(str(self.part.value()))

    def turn(self, by: int) -> None:
        """Another page, where there is one."""
        button = self.on if by > 0 else self.back
        if button.isEnabled():
            self.show_page(self._number + by)

    def show_page(self, number: int) -> None:
        """Have a page drawn."""
        self._number = number
        first, page = number * self.pairs.page, self.pairs.page
        rows = tuple(range(first, first + page if self.count is None else min(first + page, self.count)))
        part: Part = self.part.value()  # type: ignore[assignment]
        self.client.ask(Reconstruct(model=self._folder, experiment=self._experiment, part=part, rows=rows))
        if self.client.waiting:
            self.note.setText("Waiting for the engine.")
        of = f" of {self.count:,}" if self.count is not None else ""
        self.rows.setText(f"Rows {first + 1:,} to {rows[-1] + 1:,}{of}" if rows else "No rows")
        self._show_buttons()

    def _show_buttons(self) -> None:
        set_reason(self.back, "" if self._number > 0 else FIRST)
        more = self.count is None or (self._number + 1) * self.pairs.page < self.count
        set_reason(self.on, "" if more else LAST)

    def _on_answer(self, result: Any) -> None:
        if isinstance(result, Reconstructions):
            self.pairs.show_pairs(result)
            mean = short_number(float(result.errors.mean())) if len(result.errors) else "–"
            self.headline.setText(f"The mean squared error of these rows is {mean}.")
            what = "Above: the original; below: what" if result.pictures else "Grey: the row; coloured: what"
            self.note.setText(
                f"{what} the autoencoder draws of it from its narrowest layer; beneath, the error of each."
            )

    def _on_refused(self, message: str, hint: str) -> None:
        """Beyond the last row the page before stays; otherwise there is nothing to show."""
        self.note.setText(f"{message} {hint}".strip())
        set_reason(self.on, LAST)
        if self._number:
            self._number -= 1
            first = self._number * self.pairs.page
            self.rows.setText(f"Rows {first + 1:,} to {first + self.pairs.page:,}")
            set_reason(self.back, "" if self._number > 0 else FIRST)
        else:
            self.headline.setText("There is nothing to draw.")
            self.pairs.show_pairs(None)

    # ------------------------------------------------------------------------------------------ Qt

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._over:
            self._over = True
            self.client.close()
            self.closed.emit()
        event.accept()

    def reject(self) -> None:
        """Escape closes it, as its cross does."""
        self.close()
