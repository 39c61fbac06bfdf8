"""Augmentation: switched on and off, set by sliders, and shown on a training picture as they move."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.data import NoiseAugmentation, PictureAugmentation
from dnnstudio.core.experiment.data.augmentation import AnyAugmentation
from dnnstudio.core.jobs.requests import Augment
from dnnstudio.core.jobs.results import Augmented
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.data.augmentation.grid import VersionsGrid
from dnnstudio.gui.data.augmentation.sliders import OptionSliders
from dnnstudio.gui.theme import Cure, Role, Theme, set_reason
from dnnstudio.gui.widgets import Card, Toggle, Window, label, push_button

OFF = "The augmentation is switched off."
DELAY_MS = 30
"""Movements of a slider in quicker succession are answered once."""


class AugmentationWindow(Window):
    """Edits the augmentation of `document`; every change is an undo step of the document. `failed` carries errors."""

    changes_experiment = True
    failed = Signal(object)
    closed = Signal()

    def __init__(self, theme: Theme, document: Document, client: JobClient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("augmentation_window")
        self.setWindowTitle("Augmentation")
        self.setMinimumSize(QSize(720, 460))
        self.resize(940, 600)
        self.client = client
        self._theme = theme
        self._document = document
        self._row = 0
        self._over = False
        self._last: AnyAugmentation | None = None
        """What was set when it was switched off here: switching on brings it back."""
        self._asked: object = None
        self._timer = QTimer(self, singleShot=True, interval=DELAY_MS)
        self._timer.timeout.connect(self._ask)
        self._make_body()
        client.setParent(self)
        client.answered.connect(self._on_answer)
        client.refused.connect(self._on_refused)
        document.experiment_changed.connect(self._refresh)
        document.summary_changed.connect(self._refresh)
        self._refresh()

    # ------------------------------------------------------------------------------------------ making

    def _make_body(self) -> None:
        outer = QVBoxLayout(self)
        outer.setContentsMargins(16, 16, 16, 16)
        outer.setSpacing(12)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self._make_settings(), 2)
        row.addWidget(self._make_pictures(), 3)
        outer.addLayout(row, 1)
        foot = QHBoxLayout()
        foot.addStretch(1)
        close = push_button("Close", Role.PRIMARY)
        close.setObjectName("augmentation_close")
        close.clicked.connect(self.close)
        foot.addWidget(close)
        outer.addLayout(foot)

    def _make_settings(self) -> Card:
        card = Card(self._theme, "Augmentation", margin=16)
        self.switch = Toggle(self._theme)
        self.switch.setObjectName("augmentation_switch")
        self.switch.setAccessibleName("Vary the training rows")
        self.switch.toggled.connect(self._switch)
        card.head.add(self.switch)
        self.words = label("", Role.CAPTION, wrap=True)
        self.words.setObjectName("augmentation_words")
        card.add(self.words)
        self.sliders = {kind: OptionSliders(kind) for kind in (PictureAugmentation, NoiseAugmentation)}
        for sliders in self.sliders.values():
            sliders.edited.connect(self._edit)
            card.add(sliders)
        card.body.addStretch(1)
        return card

    def _make_pictures(self) -> Card:
        card = Card(self._theme, "One picture, as training might see it", margin=16)
        self.another = push_button("Another picture", Role.LINK, tip="Look at the next training picture")
        self.another.setObjectName("augmentation_another")
        self.another.clicked.connect(self._show_another)
        card.head.add(self.another)
        self.grid = VersionsGrid(self._theme)
        card.add(self.grid, 1)
        self.note = label("", Role.CAPTION, wrap=True)
        self.note.setObjectName("augmentation_note")
        card.add(self.note)
        return card

    # ------------------------------------------------------------------------------------------ showing

    @property
    def _is_pictures(self) -> bool:
        """Whether the rows are pictures, as far as is known."""
        summary = self._document.summary
        shape = summary.input_shape if summary is not None else ()
        return len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))

    def _refresh(self, _: object = None) -> None:
        augmentation = self._document.experiment.data.augmentation
        self.switch.set_value(augmentation is not None)
        shown = augmentation or self._last or self._usual()
        for kind, sliders in self.sliders.items():
            sliders.setVisible(isinstance(shown, kind))
            set_reason(sliders, "" if augmentation is not None else OFF, Cure("Switch it on", self.switch.click))
            if isinstance(shown, kind):
                sliders.set_value(shown)
        self.words.setText(shown.help if augmentation is not None else f"Off. Switched on: {shown.help}")
        data = self._document.experiment.data
        if (data, self._document.experiment.seed, self._row) != self._asked:
            self._timer.start()

    def _usual(self) -> AnyAugmentation:
        return PictureAugmentation() if self._is_pictures else NoiseAugmentation()

    def _ask(self) -> None:
        experiment = self._document.experiment
        self._asked = (experiment.data, experiment.seed, self._row)
        set_reason(self.another, "" if self._is_pictures else "The rows are no pictures.")
        if not self._is_pictures:
            self.grid.set_pictures(None)
            self.note.setText(
                "These rows are no pictures, so there is nothing to look at: the noise is added to every input after "
                "scaling."
            )
            return
        self.client.ask(Augment(data=experiment.data, seed=experiment.seed, row=self._row))
        if self.client.waiting and self.grid.pictures is None:
            self.note.setText("Waiting for the engine …")

    def _on_answer(self, result: Any) -> None:
        if isinstance(result, Augmented):
            self._row = result.row
            experiment = self._document.experiment
            self._asked = (experiment.data, experiment.seed, self._row)
            self.grid.set_pictures(result.pictures)
            self.note.setText(
                "Framed: the picture as it is. The others are drawn anew in every epoch; validation and test pictures "
                "are never changed."
            )

    def _on_refused(self, message: str, hint: str) -> None:
        self.grid.set_pictures(None)
        self.note.setText(f"{message} {hint}".strip())

    def _show_another(self) -> None:
        self._row += 1
        self._ask()

    # ------------------------------------------------------------------------------------------ changing

    def _switch(self, on: bool) -> None:
        before = self._document.experiment.data.augmentation
        if on is (before is not None):
            return
        if before is not None:
            self._last = before
        after = (self._last or self._usual()) if on else None
        self._push("data.augmentation", after, f"Switch augmentation {'on' if on else 'off'}", together=False)

    def _edit(self, name: str, value: object) -> None:
        augmentation = self._document.experiment.data.augmentation
        if augmentation is None or getattr(augmentation, name) == value:
            return
        self._push(f"data.augmentation.{name}", value, f"Change {type(augmentation).model_fields[name].title}")

    def _push(self, path: str, value: object, text: str, *, together: bool = True) -> None:
        """Edit the document; with `together`, quick edits of one field are one undo step."""
        try:
            after = edits.set_value(self._document.experiment, path, value)
        except UserError as error:
            self.failed.emit(error)
            self._refresh()
            return
        self._document.push(after, text, path if together else None)

    # ------------------------------------------------------------------------------------------ Qt

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._over:
            self._over = True
            self._timer.stop()
            self.client.close()
            self.closed.emit()
        event.accept()

    def reject(self) -> None:
        """Escape closes it, as its cross does."""
        self.close()
