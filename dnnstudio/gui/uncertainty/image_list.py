"""The left panel: all images, sorted by a score and filtered by label, answer, right and wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QModelIndex, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import DOUBTS
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.uncertainty.grid import ImageGrid, Pictures
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.widgets import Card, Choice, ComboBox, MiniButton, Segmented, label

BY_NUMBER = "number"
ANY = -1
DRAWN_APART_MS = 60


class ImageList(Card):
    """`image_chosen(row)` when a person moves to another image."""

    image_chosen = Signal(int)

    def __init__(
        self, theme: Theme, inspection: Inspection, pictures: Pictures, *, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, "Test images", parent=parent)
        self.setObjectName("image_list")
        self._inspection = inspection
        self._falling = True
        self._follows = True
        # In a turn of its own: drawn together with the tabs the loop would be away for two frames.
        self._later = QTimer(self, singleShot=True, interval=DRAWN_APART_MS)
        self._later.timeout.connect(self._show_figures)
        self.direction = MiniButton(theme, "sort-descending", "Most unsure first; press for the surest first")
        self.direction.setObjectName("sort_direction")
        self.direction.clicked.connect(self._turn_round)
        self.reset = MiniButton(theme, "funnel", "Show all images again")
        self.reset.setObjectName("reset_filter")
        self.reset.clicked.connect(self.show_all)
        self.stored = MiniButton(theme, "circle-half", "Pictures as stored, white on black")
        self.stored.setObjectName("as_stored")
        self.stored.setCheckable(True)
        self.stored.toggled.connect(pictures.set_as_stored)
        for button in (self.stored, self.direction, self.reset):
            self.head.add(button)
        sorts = [Choice(name, title) for name, title in DOUBTS.items()]
        self.sort = ComboBox([*sorts, Choice(BY_NUMBER, "Image number")])
        self.sort.setObjectName("sort_by")
        self.sort.setAccessibleName("Sort by")
        self.sort.setToolTip("The figure under each picture, and what they are sorted by.")
        self.sort.set_value("mutual_information")
        kinds = (Choice("all", "All"), Choice("right", "Right"), Choice("wrong", "Wrong"))
        self.kind = Segmented(theme, kinds, fill=True)
        self.kind.setObjectName("filter_right")
        self.kind.set_value("all")
        self.labelled, self.said = ComboBox(), ComboBox()
        for combo, name, tip in (
            (self.labelled, "filter_label", "Only images with this label"),
            (self.said, "filter_said", "Only images of which the mean over passes says this"),
        ):
            combo.setObjectName(name)
            combo.setAccessibleName(tip)
            combo.setToolTip(tip)
            combo.chosen.connect(self._refresh)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.labelled)
        row.addWidget(self.said)
        self.grid = ImageGrid(theme, pictures, name="image_grid")
        self.grid.setAccessibleName("Images")
        self.grid.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.nothing = label("No image is like that.", Role.CAPTION)
        self.nothing.hide()
        self.add(self.sort)
        self.add(self.kind)
        self.body.addLayout(row)
        self.add(self.nothing)
        self.add(self.grid, 1)
        self.sort.chosen.connect(self._refresh)
        self.kind.chosen.connect(self._refresh)
        self.stored.toggled.connect(self.grid.viewport().update)
        self.grid.selectionModel().currentChanged.connect(self._on_current)
        inspection.samples_changed.connect(self._on_samples)
        inspection.image_changed.connect(self._on_image)

    # ------------------------------------------------------------------------------------------ what is shown

    def filter(self, *, kind: str = "all", label: int = ANY, said: int = ANY) -> None:
        """Show these images alone."""
        self.kind.set_value(kind)
        self.labelled.set_value(label)
        self.said.set_value(said)
        self._refresh()

    def show_all(self) -> None:
        self.filter()

    def shown(self) -> NDArray[np.int64]:
        """The rows in the order in which they are shown."""
        return self.grid.images.order

    def step(self, by: int) -> None:
        """Move to the next image (1) or the one before (-1)."""
        place = self.grid.currentIndex().row() + by
        if 0 <= place < len(self.shown()):
            self.grid.setCurrentIndex(self.grid.images.index(place))

    def _turn_round(self) -> None:
        self._falling = not self._falling
        self.direction.set_icon("sort-descending" if self._falling else "sort-ascending")
        words = (
            "Most unsure first; press for the surest first" if self._falling else "Surest first; press to turn round"
        )
        self.direction.set_tip(words)
        self._refresh()

    def _on_samples(self) -> None:
        samples = self._inspection.samples
        if samples is None:
            return
        names = samples.rows.class_names
        if len(self.labelled.choices()) != len(names) + 1:
            for combo, word in ((self.labelled, "Label"), (self.said, "Said")):
                whole = [Choice(number, name) for number, name in enumerate(names)]
                combo.set_choices([Choice(ANY, f"{word}: any"), *whole])
                combo.set_value(ANY)
        part = samples.rows.title.split(" ")[0].capitalize()
        self.head.set_title(f"{part} {'images' if samples.rows.pictures is not None else 'rows'}")
        wrong = int((~samples.correct).sum())
        self.kind.button("wrong").setText(f"Wrong {wrong:,}")
        first = len(self.shown()) == 0
        if first or self._inspection.finished:
            self._refresh()
        else:
            self._later.start()

    def _show_figures(self) -> None:
        """While passes come in, pictures must not jump about under the pointer: their figures alone change."""
        if (samples := self._inspection.samples) is not None and not self._inspection.finished:
            self.grid.images.show(samples, self.shown(), self._figures(samples))

    def _figures(self, samples: Samples) -> NDArray[np.float64] | None:
        by = str(self.sort.value())
        return None if by == BY_NUMBER else samples.scores.doubt(by)

    def _refresh(self, _: object = None) -> None:
        samples = self._inspection.samples
        if samples is None:
            return
        held = np.ones(len(samples.rows), bool)
        if self.kind.value() != "all":
            held &= samples.correct == (self.kind.value() == "right")
        if self.labelled.value() not in (None, ANY):
            held &= samples.rows.labels == self.labelled.value()
        if self.said.value() not in (None, ANY):
            held &= samples.scores.winner == self.said.value()
        figures = self._figures(samples)
        rows = np.flatnonzero(held)
        if figures is not None:
            rows = rows[np.argsort(-figures[rows] if self._falling else figures[rows], kind="stable")]
        elif not self._falling:
            rows = rows[::-1]
        self.grid.images.show(samples, rows, figures)
        self.head.set_count(f"{len(rows):,}")
        self.nothing.setVisible(not len(rows))
        self._on_image()

    def _on_image(self) -> None:
        if self.grid.chosen() != self._inspection.image:
            self.grid.choose(self._inspection.image)

    def _on_current(self, current: QModelIndex, _: QModelIndex) -> None:
        if current.isValid() and self.grid.images.row_of(current.row()) != self._inspection.image:
            self.image_chosen.emit(self.grid.images.row_of(current.row()))
