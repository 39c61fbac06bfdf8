"""The inspector's window: it makes the views and wires them to the samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.files import write_atomically
from dnnstudio.gui.engine_thread import Engine
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty import exporting
from dnnstudio.gui.uncertainty.accuracy_tab import AccuracyTab
from dnnstudio.gui.uncertainty.calibration_tab import CalibrationTab
from dnnstudio.gui.uncertainty.decision_tab import DecisionTab
from dnnstudio.gui.uncertainty.distribution_tab import DistributionTab
from dnnstudio.gui.uncertainty.grid import Pictures
from dnnstudio.gui.uncertainty.help_text import HelpDialog
from dnnstudio.gui.uncertainty.image_list import ImageList
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.uncertainty.sampling import Sampling
from dnnstudio.gui.uncertainty.shift_tab import ShiftTab
from dnnstudio.gui.uncertainty.subject import Subject
from dnnstudio.gui.uncertainty.top_bar import TopBar
from dnnstudio.gui.uncertainty.words import count, seconds
from dnnstudio.gui.widgets import MessageBar, Tabs

FILTERS = {"png": "Picture (*.png)", "svg": "Picture (*.svg)", "csv": "Table (*.csv)", "npz": "NumPy arrays (*.npz)"}
ForwardedKeys = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End)
NEEDS_VALIDATION = ("calibration", "decision")
AskPath = Callable[[QWidget, str, str], str]


def ask_path(parent: QWidget, suggestion: str, filters: str) -> str:
    """Where to write, or an empty text."""
    name, _ = QFileDialog.getSaveFileName(parent, "Save", suggestion, filters)
    return name


class UncertaintyDialog(QDialog):
    """Beside the main window, not over it. Sampling begins at once; `closed` is emitted when the window goes."""

    closed = Signal()
    bug_found = Signal(str, str)

    def __init__(
        self,
        theme: Theme,
        engine: Engine,
        subject: Subject,
        *,
        ask: AskPath = ask_path,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("uncertainty_dialog")
        self.setWindowTitle(f"Uncertainty – {subject.title}")
        self.setModal(False)
        self.setMinimumSize(QSize(960, 620))
        self.resize(1280, 820)
        self._theme = theme
        self._subject = subject
        self._ask = ask
        self._over = False
        self.inspection = Inspection(self)
        self.sampling = Sampling(engine, subject, self.inspection, self)
        self.pictures = Pictures(theme)
        self.bar = TopBar(theme, subject, self.sampling.options)
        self.images = ImageList(theme, self.inspection, self.pictures)
        self.images.setFixedWidth(312)
        self.tabs = Tabs(margin=8)
        self.tabs.setObjectName("uncertainty_tabs")
        self.distribution = DistributionTab(theme, self.inspection, self.pictures)
        self.tabs.add("distribution", "Distribution", self.distribution, tip="What each pass said of one image")
        self.accuracy = AccuracyTab(theme, self.inspection, self.pictures)
        self.tabs.add("accuracy", "Accuracy", self.accuracy, tip="Which classes are mixed up, and where it was sure")
        self.calibration = CalibrationTab(theme, self.inspection)
        self.tabs.add("calibration", "Calibration", self.calibration, tip="Whether 80 % sure means 80 % right")
        self.decision = DecisionTab(theme, self.inspection, self.pictures)
        self.tabs.add("decision", "Decision", self.decision, tip="Which images to answer, and which a person sees")
        self.shift = ShiftTab(theme, self.sampling, self.inspection)
        self.tabs.add("shift", "Shift", self.shift, tip="How it takes images unlike those it learnt from")
        self.messages = MessageBar(theme)
        self._lay_out()
        self._wire()
        self.bar.show_busy(False)
        self.sampling.start()

    def _lay_out(self) -> None:
        body = QHBoxLayout()
        body.setContentsMargins(8, 8, 8, 8)
        body.setSpacing(8)
        body.addWidget(self.images)
        body.addWidget(self.tabs, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addLayout(body, 1)
        column.addWidget(self.messages)

    def _wire(self) -> None:
        sampling, bar = self.sampling, self.bar
        sampling.busy_changed.connect(self._on_busy)
        sampling.progressed.connect(self._on_progress)
        sampling.said.connect(self._on_said)
        sampling.failed.connect(self._on_failed)
        sampling.bug_found.connect(self._on_bug)
        self.inspection.samples_changed.connect(self._on_samples)
        bar.again_requested.connect(self._start)
        bar.more_requested.connect(self._start_more)
        bar.stop_requested.connect(sampling.stop)
        bar.export_requested.connect(self.export)
        bar.help_requested.connect(self._help)
        self.images.image_chosen.connect(self.inspection.set_image)
        self.distribution.image_chosen.connect(self.look_at)
        self.distribution.step_requested.connect(self.images.step)
        self.decision.image_chosen.connect(self.look_at)
        self.accuracy.image_chosen.connect(self.look_at)
        self.accuracy.cell_opened.connect(self._open_cell)
        self.decision.export_requested.connect(self._export_referrals)
        self.tabs.current_changed.connect(self._want_validation)
        for keys, by in (("Alt+Left", -1), ("Alt+Right", 1)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.activated.connect(lambda by=by: self.images.step(by))
        for keys, name in (("Ctrl+C", "copy_figures"), ("Ctrl+Shift+C", "copy_picture"), ("Ctrl+S", "npz")):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.activated.connect(lambda name=name: self.export(name))

    # ------------------------------------------------------------------------------------------ sampling

    def _start(self) -> None:
        self.messages.clear()
        self.sampling.start()

    def _start_more(self) -> None:
        self.messages.clear()
        self.sampling.start(more=True)

    def _on_busy(self, busy: bool) -> None:
        self.bar.show_busy(busy)
        if busy:
            self.bar.say("Waiting for the engine", "hourglass")
        elif self.inspection.samples is not None:
            self._show_done()
        else:
            self.bar.say("Nothing sampled")

    def _on_progress(self, passes: int, planned: int, left: float) -> None:
        self.bar.say(f"Pass {passes:,} of {planned:,}, {seconds(left)} left", "hourglass")

    def _on_said(self, text: str) -> None:
        self.bar.say(text, "hourglass")

    def _on_samples(self) -> None:
        samples = self.inspection.samples
        assert samples is not None
        self.pictures.set_source(samples.rows.pictures)
        self.tabs.set_visible("shift", samples.rows.pictures is not None)
        noun = "image" if samples.rows.pictures is not None else "row"
        self.bar.caption.setText(f"{samples.rows.title}, {count(len(samples.rows), noun)}")
        if self.inspection.finished and not self.sampling.busy:
            self._show_done()
            self._want_validation()

    def _want_validation(self, _: object = None) -> None:
        """Some tabs choose on validation rows: they are sampled when the first of these tabs is looked at."""
        if self.tabs.current() in NEEDS_VALIDATION:
            why = self.sampling.want_validation()
            self.decision.set_no_validation(why)
            self.calibration.set_no_validation(why)

    def _show_done(self) -> None:
        samples = self.inspection.samples
        assert samples is not None
        words = f"{samples.passes:,} pass{'' if samples.passes == 1 else 'es'} sampled in {seconds(samples.seconds)}"
        self.bar.say(words, "check-circle-fill", "good_dot")
        if samples.passes > 1 and not samples.has_spread:
            text = "Dropout changes nothing in this network, so the spread is zero and means nothing."
            self.messages.show_message(text, lead="Every pass said the same.", severity="hint")

    def _on_failed(self, message: str, hint: str) -> None:
        self.messages.show_message(hint, lead=message, severity="error")

    def _on_bug(self, message: str, details: str) -> None:
        self.messages.show_message(message, lead="Something went wrong inside the program.", severity="error")
        self.bug_found.emit(message, details)

    # ------------------------------------------------------------------------------------------ looking

    def look_at(self, row: int) -> None:
        """Show an image, and all images where the filter leaves it out."""
        if row not in self.images.shown():
            self.images.show_all()
        self.inspection.set_image(row)

    def _open_cell(self, label: int, said: int) -> None:
        """The images of one cell of the confusion matrix, in the list on the left."""
        self.images.filter(label=label, said=said)
        if len(self.images.shown()):
            self.inspection.set_image(int(self.images.shown()[0]))

    def _help(self) -> None:
        dialog = HelpDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    # ------------------------------------------------------------------------------------------ exporting

    def export(self, kind: str) -> None:
        """Copy or save what is shown, as the menu names it."""
        samples = self.inspection.samples
        if samples is None:
            return
        page = self.tabs.page(self.tabs.current())
        if kind == "copy_picture":
            QGuiApplication.clipboard().setPixmap(exporting.picture_of(page))
        elif kind == "copy_figures":
            QGuiApplication.clipboard().setText(exporting.figures_of(samples, self.inspection.image))
        else:
            self._save(kind, page)
            return
        self.messages.show_message("It is on the clipboard.", lead="Copied.", severity="good")

    def _export_referrals(self, rows: NDArray[np.int64]) -> None:
        name = self._ask(self, "referrals.csv", FILTERS["csv"])
        samples = self.inspection.samples
        if name and samples is not None:
            path = Path(name if name.lower().endswith(".csv") else f"{name}.csv")
            self._write(path, lambda: write_atomically(path, exporting.table_of(samples, rows).encode()))

    def _write(self, path: Path, write: Callable[[], None]) -> None:
        try:
            write()
        except UserError as error:
            self.messages.show_message(error.hint, lead=error.message, severity="error")
        else:
            self.messages.show_message(str(path), lead="Saved.", severity="good")

    def _save(self, kind: str, page: QWidget) -> None:
        samples = self.inspection.samples
        name = self._ask(self, f"uncertainty.{kind}", FILTERS[kind])
        if not name or samples is None:
            return
        path = Path(name if name.lower().endswith(f".{kind}") else f"{name}.{kind}")
        writers: dict[str, Callable[[], None]] = {
            "png": lambda: exporting.save_png(page, path),
            "svg": lambda: exporting.save_svg(page, path),
            "csv": lambda: exporting.save_csv(samples, path),
            "npz": lambda: exporting.save_npz(samples, path),
        }
        self._write(path, writers[kind])

    # ------------------------------------------------------------------------------------------ Qt

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in ForwardedKeys:
            self.images.grid.keyPressEvent(event)
        elif event.key() != Qt.Key.Key_Escape:  # Escape must not throw minutes of sampling away
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < 1200
        self.images.setFixedWidth(242 if narrow else 312)
        self.bar.set_compact(narrow)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._over:
            self._over = True
            self.sampling.close()
            self.closed.emit()
        event.accept()
