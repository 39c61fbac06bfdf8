"""The inspector's window: creates the views and connects them to the samples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty import exporting
from dnnstudio.gui.uncertainty.asking import FILTERS, AskPath, ask_path
from dnnstudio.gui.uncertainty.distribution.tab import DistributionTab
from dnnstudio.gui.uncertainty.frame import InspectorDialog, Kind
from dnnstudio.gui.uncertainty.grid import Pictures
from dnnstudio.gui.uncertainty.image_list import ImageList
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.uncertainty.sentences import row_noun
from dnnstudio.gui.uncertainty.subject import Subject

if TYPE_CHECKING:
    from dnnstudio.gui.uncertainty.accuracy.tab import AccuracyTab
    from dnnstudio.gui.uncertainty.calibration_tab import CalibrationTab
    from dnnstudio.gui.uncertainty.decision.tab import DecisionTab
    from dnnstudio.gui.uncertainty.promise.tab import PromiseTab
    from dnnstudio.gui.uncertainty.shift.tab import ShiftTab

ForwardedKeys = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End)
NEEDS_VALIDATION = ("calibration", "decision", "promise")


class UncertaintyDialog(InspectorDialog):
    """The list of images or rows, and a tab for each question about them."""

    def __init__(
        self,
        theme: Theme,
        engine: Engine,
        subject: Subject,
        *,
        ask: AskPath = ask_path,
        parent: QWidget | None = None,
    ) -> None:
        inspection = Inspection()
        super().__init__(theme, engine, subject, inspection, name="uncertainty", ask=ask, parent=parent)
        self._theme = theme
        self.inspection = inspection
        self.pictures = Pictures(theme)
        self.images = ImageList(theme, self.inspection, self.pictures, parent=self)
        self.distribution = DistributionTab(theme, self.inspection, self.pictures, parent=self.tabs.pages)
        self.tabs.add("distribution", "Distribution", self.distribution)
        inspection.words.say(lambda tip: self.tabs.bar.setTabToolTip(0, tip), "What each {answer} said of one {row}")
        later = self.tabs.add_later
        later("accuracy", "Accuracy", self._make_accuracy, tip="Which classes are mixed up, and where it was sure")
        later("calibration", "Calibration", self._make_calibration, tip="Whether 80 % sure means 80 % right")
        later("decision", "Decision", self._make_decision, tip="Which to answer, and which a person sees")
        later("promise", "Promise", self._make_promise, tip="Sets of answers that hold the label as often as promised")
        later("shift", "Shift", self._make_shift, tip="How it takes images unlike those it learnt from")
        self.images.image_chosen.connect(self.inspection.set_image)
        self.distribution.image_chosen.connect(self.look_at)
        self.distribution.step_requested.connect(self.images.step)
        self.distribution.dropout_requested.connect(self._add_dropout)
        self.tabs.current_changed.connect(self._want_validation)
        kind = Kind(
            list=self.images,
            step=self.images.step,
            order=self.images.shown,
            noun=row_noun,
            want_validation=self._want_validation,
            figures=lambda samples: exporting.figures_of(samples, inspection.image),
            table=exporting.table_of,
        )
        self._begin(kind, inspection.samples_changed)

    # ------------------------------------------------------------------------------------------ tabs, made when shown

    def _make_accuracy(self) -> AccuracyTab:
        from dnnstudio.gui.uncertainty.accuracy.tab import AccuracyTab

        made = AccuracyTab(self._theme, self.inspection, self.pictures)
        made.image_chosen.connect(self.look_at)
        made.cell_opened.connect(self._open_cell)
        return made

    def _make_calibration(self) -> CalibrationTab:
        from dnnstudio.gui.uncertainty.calibration_tab import CalibrationTab

        return CalibrationTab(self._theme, self.inspection)

    def _make_decision(self) -> DecisionTab:
        from dnnstudio.gui.uncertainty.decision.tab import DecisionTab

        made = DecisionTab(self._theme, self.inspection, self.pictures)
        made.image_chosen.connect(self.look_at)
        made.export_requested.connect(self._export_referrals)
        return made

    def _make_promise(self) -> PromiseTab:
        from dnnstudio.gui.uncertainty.promise.tab import PromiseTab

        made = PromiseTab(self._theme, self.inspection)
        made.step_requested.connect(self.images.step)
        return made

    def _make_shift(self) -> ShiftTab:
        from dnnstudio.gui.uncertainty.shift.tab import ShiftTab

        return ShiftTab(self._theme, self.sampling, self.inspection)

    @property
    def accuracy(self) -> AccuracyTab:
        return cast("AccuracyTab", self.tabs.page("accuracy"))

    @property
    def calibration(self) -> CalibrationTab:
        return cast("CalibrationTab", self.tabs.page("calibration"))

    @property
    def decision(self) -> DecisionTab:
        return cast("DecisionTab", self.tabs.page("decision"))

    @property
    def promise(self) -> PromiseTab:
        return cast("PromiseTab", self.tabs.page("promise"))

    @property
    def shift(self) -> ShiftTab:
        return cast("ShiftTab", self.tabs.page("shift"))

    def focus_list(self) -> None:
        """Let the arrow keys go through the images or rows."""
        self.images.view.setFocus()

    # ------------------------------------------------------------------------------------------ of this kind

    def _on_samples(self) -> None:
        samples = self.inspection.samples
        assert samples is not None
        self.pictures.set_source(samples.rows.pictures)
        self.tabs.set_visible("shift", samples.rows.pictures is not None)
        super()._on_samples()

    def _want_validation(self, _: object = None) -> None:
        """Sample the validation rows when a tab that selects on them is first shown."""
        if self.tabs.current() in NEEDS_VALIDATION:
            why = self.sampling.want_validation()
            for name in filter(self.tabs.is_made, NEEDS_VALIDATION):
                cast("CalibrationTab | DecisionTab | PromiseTab", self.tabs.page(name)).set_no_validation(why)
        self.images.show_sets(self.tabs.current() == "promise")

    def _show_done(self, samples: Any) -> None:
        super()._show_done(samples)
        if samples.passes > 1 and not samples.has_spread:
            nouns = self.inspection.words.nouns
            why = "Dropout changes nothing in this network" if samples.kind == "dropout" else "These networks are one"
            text = f"{why}, so the spread is zero and means nothing."
            self.messages.show_message(text, lead=nouns.said("Every {answer} said the same."), severity="hint")

    # ------------------------------------------------------------------------------------------ looking

    def look_at(self, row: int) -> None:
        """Show an image, and clear the filter if it excludes the image."""
        if row not in self.images.shown():
            self.images.show_all()
        self.inspection.set_image(row)

    def _open_cell(self, label: int, said: int) -> None:
        """List the images of one cell of the confusion matrix on the left."""
        self.images.filter(label=label, said=said)
        if len(self.images.shown()):
            self.inspection.set_image(int(self.images.shown()[0]))

    def _export_referrals(self, rows: NDArray[np.int64]) -> None:
        name = self._ask(self, "referrals.csv", FILTERS["csv"])
        samples = self.inspection.samples
        if name and samples is not None:
            path = Path(name if name.lower().endswith(".csv") else f"{name}.csv")
            self._write(path, lambda: exporting.save_text(exporting.table_of(samples, rows), path))

    # ------------------------------------------------------------------------------------------ Qt

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in ForwardedKeys:
            self.images.view.keyPressEvent(event)
        else:
            super().keyPressEvent(event)
