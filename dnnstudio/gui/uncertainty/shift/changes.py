"""The controls of the shift: sliders with a preview of their effect, or another data set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QSlider, QWidget

from dnnstudio.core.experiment.data import SOURCE_KINDS, Source
from dnnstudio.core.text import percent
from dnnstudio.core.uncertainty.shift import FULL, Shift, shifted
from dnnstudio.gui.data.thumbnails import Thumbnails
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.widgets import Card, Choice, ComboBox, label, push_button

KINDS = (
    ("rotation", "Turn", "degrees", 90),
    ("noise", "Noise", "% of white", 50),
    ("blur", "Blur", "pixels", 30),
    ("translation", "Move", "pixels", 10),
)
"""Field of `Shift`, word, unit, and the slider's last step at full strength."""
EXAMPLES = 8
PREVIEW_SEED = 42
OTHER_CHANGE = "Another data set is compared."


class ShiftChanges(Card):
    """`changed` when a slider or the data set changes; `compare` is the button that requests the sampling."""

    changed = Signal()

    def __init__(self, theme: Theme, inspection: Inspection, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, "What is changed", margin=12, parent=parent)
        self._inspection = inspection
        self._strengths = {name: label("", Role.CAPTION) for name, *_ in KINDS}
        self.sliders: dict[str, QSlider] = {}
        self.before, self.after = Thumbnails(theme), Thumbnails(theme)
        for strip, words in ((self.before, "Images as they are"), (self.after, "The same images changed")):
            strip.setObjectName(words.lower().replace(" ", "_"))
            self.add(strip)
        self.body.addLayout(self._make_sliders())
        others = [Choice(None, "The same data set, changed as above")]
        others += [Choice(kind, f"{source.label} instead") for kind, source in known_sources()]
        self.other = ComboBox(others)
        self.other.setObjectName("shift_other")
        self.other.setAccessibleName("Data set")
        self.other.set_value(None)
        self.other.chosen.connect(self._on_other)
        self.compare = push_button("Compare", Role.PRIMARY, tip="Sample the changed rows and compare the scores.")
        self.compare.setObjectName("compare")
        self.add(self.other)
        self.add(self.compare)
        self._pictures: NDArray[np.uint8] | None = None
        self._show()
        inspection.samples_changed.connect(self._on_samples)
        inspection.image_changed.connect(self._show_pictures)

    def _make_sliders(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        for number, (name, words, unit, last) in enumerate(KINDS):
            slider = QSlider(Qt.Orientation.Horizontal)
            slider.setObjectName(f"slider_{name}")
            slider.setAccessibleName(f"{words}, {unit}")
            slider.setRange(0, last)
            slider.setMinimumHeight(22)
            slider.setValue(30 if name == "rotation" else 0)
            slider.valueChanged.connect(self._show)
            self.sliders[name] = slider
            self._strengths[name].setMinimumWidth(82)
            self._strengths[name].setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(label(words, Role.FORM), number, 0)
            grid.addWidget(slider, number, 1)
            grid.addWidget(self._strengths[name], number, 2)
        return grid

    def wanted(self) -> Shift:
        """The shift set by the sliders, at full severity."""
        shares = {name: slider.value() / slider.maximum() for name, slider in self.sliders.items()}
        return Shift(
            rotation=FULL["rotation"] * shares["rotation"],
            noise=FULL["noise"] * shares["noise"],
            blur=FULL["blur"] * shares["blur"],
            translation=FULL["translation"] * shares["translation"],
        )

    def _on_other(self, value: object) -> None:
        for slider in self.sliders.values():
            set_reason(slider, "" if value is None else OTHER_CHANGE)
        self._show_pictures()
        self.changed.emit()

    def _show(self, _: object = None) -> None:
        change = self.wanted()
        words = {
            "rotation": f"{change.rotation:.0f}°",
            "noise": f"{percent(change.noise)} of white",
            "blur": f"{change.blur:.1f} pixels",
            "translation": f"{change.translation:.0f} pixels",
        }
        for name, text in words.items():
            self._strengths[name].setText(text)
        self._show_pictures()
        self.changed.emit()

    def _on_samples(self) -> None:
        """Additional passes of the same images do not require new previews."""
        if self._given() is not self._pictures:
            self._show_pictures()

    def _given(self) -> NDArray[np.uint8] | None:
        samples = self._inspection.samples
        return None if samples is None else samples.rows.pictures

    def _show_pictures(self) -> None:
        """Preview of the selected image and a few more, changed like the rows will be."""
        pictures = self._pictures = self._given()
        if pictures is None or self.other.value() is not None:
            for strip in (self.before, self.after):
                strip.set_pictures(None, ())
            return
        spread = np.linspace(0, len(pictures) - 1, min(EXAMPLES, len(pictures))).round().astype(np.int64)
        rows = list(dict.fromkeys([self._inspection.image, *spread.tolist()]))[:EXAMPLES]
        names = [f"image {row + 1:,}" for row in rows]
        some = pictures[rows]
        moved = shifted(some.astype(np.float32), self.wanted(), scale=255.0, seed=PREVIEW_SEED)
        self.before.set_pictures(some, names)
        self.after.set_pictures(moved.round().astype(np.uint8), names)


def known_sources() -> list[tuple[str, type[Source]]]:
    """The built-in data sets, which need no file; those with the most rows first."""
    known = [(kind, source) for kind, source in SOURCE_KINDS.items() if source.shape is not None]
    return sorted(known, key=lambda item: -item[1].rows[0] if item[1].rows is not None else 0)
