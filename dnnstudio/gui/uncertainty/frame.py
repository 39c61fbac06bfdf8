"""What the inspectors of classes and of numbers share: the window around the list and the tabs, and the sampling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.text import count_of, duration, unbroken
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.shortcuts import UNCERTAINTY, bind
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty import exporting
from dnnstudio.gui.uncertainty.asking import FILTERS, AskPath
from dnnstudio.gui.uncertainty.help_text import HelpDialog
from dnnstudio.gui.uncertainty.notice import NOTHING, WAITING, WORKING, Notice
from dnnstudio.gui.uncertainty.sampling import Holder, Sampling
from dnnstudio.gui.uncertainty.sentences import pass_noun
from dnnstudio.gui.uncertainty.subject import Subject
from dnnstudio.gui.uncertainty.top_bar import TopBar
from dnnstudio.gui.widgets import MessageBar, Tabs, Window

LIST_WIDTH, NARROW_LIST, NARROW_BELOW = 328, 242, 1200


class Looking(Holder, Protocol):
    """What holds the samples and the row that is looked at."""

    @property
    def image(self) -> int: ...

    def set_image(self, row: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """What differs between the inspectors: the list with its ways, and what is said of samples."""

    list: QWidget
    step: Callable[[int], None]
    """Choose the next row of the list (1) or the one before (−1)."""
    order: Callable[[], NDArray[np.int64]]
    """The rows as the list shows them: int64 [rows]."""
    noun: Callable[[Any], str]
    """What a row is called."""
    want_validation: Callable[[], None]
    """Sample the validation rows where something is selected on them."""
    figures: Callable[[Any], str]
    """The figures of the chosen row as a text."""
    table: Callable[[Any], str]
    """The figures of all rows as the text of a CSV file."""


class InspectorDialog(Window):
    """A non-modal window. Sampling starts at once; `closed` is emitted when the window is closed.

    `dropout_requested`: the network is to be given dropout and trained on. A subclass makes its tabs and ends its own
    making by `_begin`.
    """

    changes_experiment = True
    closed = Signal()
    bug_found = Signal(str, str)
    dropout_requested = Signal()

    def __init__(
        self,
        theme: Theme,
        engine: Engine,
        subject: Subject,
        held: Looking,
        *,
        name: str,
        ask: AskPath,
        parent: QWidget | None,
    ) -> None:
        """`held` takes the samples; `name` is that of the window and its tabs, for tests and style."""
        super().__init__(parent)
        self.setObjectName(f"{name}_dialog")
        self.setWindowTitle(f"Uncertainty – {subject.title}")
        self.setModal(False)
        self.setMinimumSize(QSize(960, 620))
        self.resize(1280, 820)
        self._ask = ask
        self._begun = self._over = False
        self._held = held
        if isinstance(held, QObject):
            held.setParent(self)
        self._kind: Kind | None = None
        self.sampling = Sampling(engine, subject, held, self)
        self.bar = TopBar(theme, subject, self.sampling.options, held.words, parent=self)
        self.tabs = Tabs(margin=8, parent=self)
        self.tabs.setObjectName(f"{name}_tabs")
        self.notice = Notice(self.tabs.pages)
        self.messages = MessageBar(theme, parent=self)

    def _begin(self, kind: Kind, samples_changed: Any) -> None:
        """Lay the list and the tabs out, and sample. `samples_changed` is the signal of what takes the samples."""
        self._kind = kind
        kind.list.setFixedWidth(LIST_WIDTH)
        body = QHBoxLayout()
        body.setContentsMargins(8, 8, 8, 8)
        body.setSpacing(8)
        body.addWidget(kind.list)
        body.addWidget(self.tabs, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addLayout(body, 1)
        column.addWidget(self.messages)
        sampling, bar = self.sampling, self.bar
        sampling.busy_changed.connect(self._on_busy)
        sampling.progressed.connect(self._on_progress)
        sampling.said.connect(self._on_said)
        sampling.failed.connect(self._on_failed)
        sampling.bug_found.connect(self._on_bug)
        samples_changed.connect(self._on_samples)
        bar.again_requested.connect(self._start)
        bar.more_requested.connect(self._start_more)
        bar.stop_requested.connect(sampling.stop)
        bar.export_requested.connect(self.export)
        bar.help_requested.connect(self._help)
        for keys, by in (("Alt+Left", -1), ("Alt+Right", 1)):
            bind(self, UNCERTAINTY, keys, partial(kind.step, by))
        for keys, name in (("Ctrl+C", "copy_figures"), ("Ctrl+Shift+C", "copy_picture"), ("Ctrl+S", "npz")):
            bind(self, UNCERTAINTY, keys, partial(self.export, name))
        self.bar.show_busy(False)
        self.sampling.start()

    # ------------------------------------------------------------------------------------------ sampling

    def _start(self) -> None:
        self.messages.clear()
        self.sampling.start()

    def _start_more(self) -> None:
        self.messages.clear()
        self.sampling.start(more=True)

    def _on_busy(self, busy: bool) -> None:
        self.bar.show_busy(busy)
        if self._held.samples is None:
            self.notice.say(WAITING if busy else NOTHING)
        if busy:
            self.bar.say("Waiting for the engine", "hourglass")
        elif self._held.samples is not None:
            self._show_done(self._held.samples)
        else:
            self.bar.say("Nothing sampled")

    def _on_progress(self, passes: int, planned: int, left: float) -> None:
        answer = self._held.words.nouns.answer.capitalize()
        self.bar.say(f"{answer} {passes:,} of {planned:,}, {unbroken(duration(left))} left", "hourglass")

    def _on_said(self, text: str) -> None:
        self.bar.say(text, "hourglass")
        if self._held.samples is None:
            self.notice.say(WORKING)

    @property
    def kind(self) -> Kind:
        """What differs; it is known once the window is laid out."""
        assert self._kind is not None
        return self._kind

    def _on_samples(self) -> None:
        samples = self._held.samples
        self.notice.say("")
        self.bar.caption.setText(f"{samples.rows.title}, {count_of(len(samples.rows), self.kind.noun(samples))}")
        self.bar.set_single(samples.is_single)
        if self._held.finished and not self.sampling.busy:
            self._begin_at_the_top()
            self._show_done(samples)
            self.kind.want_validation()

    def _begin_at_the_top(self) -> None:
        """Once all is known, show the first of the list, unless a person has looked at another one meanwhile."""
        order = self.kind.order()
        if not self._begun and self._held.image == 0 and len(order):
            self._held.set_image(int(order[0]))
        self._begun = True

    def _show_done(self, samples: Any) -> None:
        within = "under a second" if samples.seconds < 0.5 else unbroken(duration(samples.seconds))
        words = f"{count_of(samples.passes, pass_noun(samples))} sampled in {within}"
        if samples.is_single:
            rows = count_of(len(samples.rows), self.kind.noun(samples))
            words = f"{rows} predicted; nothing in the network is random"
        self.bar.say(words, "check-circle-fill", "good_dot")

    def _on_failed(self, message: str, hint: str) -> None:
        self.messages.show_message(hint, lead=message, severity="error")

    def _on_bug(self, message: str, details: str) -> None:
        self.messages.show_message(message, lead="Something went wrong inside the program.", severity="error")
        self.bug_found.emit(message, details)

    def _add_dropout(self) -> None:
        text = "Its run is in the list of runs; open Uncertainty for it once it is trained."
        self.messages.show_message(text, lead="The main window adds dropout and trains on.")
        self.dropout_requested.emit()

    def _help(self) -> None:
        dialog = HelpDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    # ------------------------------------------------------------------------------------------ exporting

    def export(self, kind: str) -> None:
        """Copy or save the present view, as named in the menu."""
        samples, page = self._held.samples, self.tabs.page(self.tabs.current())
        if samples is None:
            return
        if kind == "copy_picture":
            QGuiApplication.clipboard().setPixmap(exporting.picture_of(page))
        elif kind == "copy_figures":
            QGuiApplication.clipboard().setText(self.kind.figures(samples))
        else:
            self._save(kind, page)
            return
        self.messages.show_message("It is on the clipboard.", lead="Copied.", severity="good")

    def _save(self, kind: str, page: QWidget) -> None:
        samples = self._held.samples
        name = self._ask(self, f"uncertainty.{kind}", FILTERS[kind])
        if not name or samples is None:
            return
        path = Path(name if name.lower().endswith(f".{kind}") else f"{name}.{kind}")
        writers: dict[str, Callable[[], None]] = {
            "png": lambda: exporting.save_png(page, path),
            "svg": lambda: exporting.save_svg(page, path),
            "csv": lambda: exporting.save_text(self.kind.table(samples), path),
            "npz": lambda: exporting.save_npz(samples, path),
        }
        self._write(path, writers[kind])

    def _write(self, path: Path, write: Callable[[], None]) -> None:
        try:
            write()
        except UserError as error:
            self.messages.show_message(error.hint, lead=error.message, severity="error")
        else:
            self.messages.show_message(str(path), lead="Saved.", severity="good")

    # ------------------------------------------------------------------------------------------ Qt

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.sampling.busy:  # one key must not discard minutes of sampling:
            self.sampling.stop()  # the passes so far stay, and the next Escape closes
            return
        super().keyPressEvent(event)

    def reject(self) -> None:
        self.close()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < NARROW_BELOW
        if self._kind is not None:
            self._kind.list.setFixedWidth(NARROW_LIST if narrow else LIST_WIDTH)
        self.bar.set_compact(narrow)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._over:
            self._over = True
            self.sampling.close()
            self.closed.emit()
        event.accept()
