"""The window "Predict new cases": what is given to a network, what it answers, and what becomes of the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.jobs.cases import AnsweredCases, AnswerRows, CopiedPictures, NetworkFacts, SavedAnswers
from dnnstudio.core.text import count_of, listed
from dnnstudio.core.uncertainty.set_kinds import SetKind
from dnnstudio.core.workspace.runs import Weights
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.base.shortcuts import PREDICT, bind
from dnnstudio.gui.data.dropped_files import local_paths
from dnnstudio.gui.predict.asking import Asking
from dnnstudio.gui.predict.case.side import Side
from dnnstudio.gui.predict.cases import Cases
from dnnstudio.gui.predict.foot import Foot
from dnnstudio.gui.predict.keeping import Keeping
from dnnstudio.gui.predict.rows.answer_list import AnswerList
from dnnstudio.gui.predict.rows.rows_model import CasePictures
from dnnstudio.gui.predict.subjects import Network
from dnnstudio.gui.predict.top_bar import PASSES, TopBar
from dnnstudio.gui.predict.words import NO_ANSWERS, NO_DOUBT, classes_in_every_set, counted, rows_missing, takes
from dnnstudio.gui.theme import Severity, Theme
from dnnstudio.gui.widgets import MessageBar, Window
from dnnstudio.gui.widgets.windows import reading_order

DRAWN_MS = 50
OWN, TAB, PROPOSED = "You chose it.", "It is the one of the Decision tab.", ""
TENTH = "The most doubtful tenth of the rows to calibrate on is above it. Type another, or choose it by cost."
WAITS = "The engine is at something else; it answers as soon as that has ended."
NOTES = 3
"""So many notes on what was read are shown; there are few kinds."""


class Surroundings(Protocol):
    """What the window needs from the program around it."""

    def networks(self) -> tuple[Network, ...]: ...
    def ask_network(self) -> Network | None: ...
    def ask_files(self) -> tuple[Path, ...]: ...
    def ask_folder(self) -> tuple[Path, ...]: ...
    def pasted(self) -> tuple[Path, ...]: ...
    def threshold(self, network: Network) -> tuple[str, float] | None: ...
    def open_decision(self, network: Network) -> None: ...


class PredictWindow(Window):
    """Asks `network` about what it is given by `add`. `closed` comes once. Coverage and threshold need no engine."""

    closed = Signal()

    def __init__(
        self,
        theme: Theme,
        client: Callable[[], JobClient],
        network: Network,
        around: Surroundings,
        *,
        keeping: Callable[[QWidget, Cases, JobClient], Keeping] = Keeping,
        parent: QWidget | None = None,
    ) -> None:
        """`client` makes clients of the engine: the window asks for several things, each by one of its own."""
        super().__init__(parent)
        self.setObjectName("predict_window")
        self.setMinimumSize(QSize(900, 620))
        self.setAcceptDrops(True)
        self._around = around
        self._origin = PROPOSED
        self._over = False
        self._offer = ""
        self.cases = Cases()
        self.asking = Asking(self.cases, client, network, self)
        self.pictures = CasePictures(theme, self.cases)
        self.bar = TopBar(theme)
        self.list = AnswerList(theme, self.cases, self.pictures)
        self.side = Side(theme, self.cases, self.pictures, client())
        self.messages = MessageBar(theme)
        self.messages.setObjectName("predict_message")
        self.foot = Foot(theme)
        self._files = client()
        self._files.setParent(self)
        self.keeping = keeping(self, self.cases, self._files)
        self._drawn = QTimer(self, singleShot=True, interval=DRAWN_MS)
        self._drawn.timeout.connect(self._show_promise)
        self._lay_out()
        self._wire()
        self.choose(network)
        self.list.drop.choose.setFocus()

    # ------------------------------------------------------------------------------------------ making

    def _lay_out(self) -> None:
        body = QHBoxLayout()
        body.setSpacing(8)
        body.addWidget(self.list, 72)
        body.addWidget(self.side, 54)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.bar)
        middle = QVBoxLayout()
        middle.setContentsMargins(8, 8, 8, 8)
        middle.setSpacing(8)
        middle.addWidget(self.messages)
        middle.addLayout(body, 1)
        whole.addLayout(middle, 1)
        whole.addWidget(self.foot)

    def _wire(self) -> None:
        bar, asking = self.bar, self.asking
        bar.network_chosen.connect(self._on_network)
        bar.other_requested.connect(self._on_other)
        bar.weights_chosen.connect(self._on_weights)
        bar.passes_chosen.connect(asking.set_passes)
        bar.coverage_changed.connect(self._on_coverage)
        bar.kind_chosen.connect(self._on_kind)
        bar.threshold_chosen.connect(self._on_threshold)
        bar.decision_requested.connect(self._on_decision)
        self.list.drop.choose_requested.connect(lambda: self.add(self._around.ask_files()))
        self.list.drop.folder_requested.connect(lambda: self.add(self._around.ask_folder()))
        self.list.drop.clear_requested.connect(asking.forget_inputs)
        self.list.chosen.connect(self._show_case)
        self.list.corrected.connect(self._on_corrected)
        self.side.corrected.connect(self._on_corrected)
        self.side.step_requested.connect(self.list.step)
        self.side.edit_requested.connect(self.list.edit)
        self.foot.stop.clicked.connect(asking.stop)
        self.foot.save_requested.connect(self.keeping.save)
        self.foot.rows_requested.connect(self.list.drop.choose_requested)
        self.foot.copy.clicked.connect(lambda: self.keeping.copy(self.list.rows.order))
        self.keeping.done.connect(self._on_kept)
        self.keeping.failed.connect(self._on_refused)
        self.messages.action_requested.connect(lambda: asking.set_invert(not asking.invert))
        asking.known.connect(self._on_known)
        asking.begun.connect(self._on_begun)
        asking.came.connect(self._on_came)
        asking.ended.connect(self._on_ended)
        asking.calibrated.connect(self._on_calibrated)
        asking.said.connect(self._on_said)
        asking.failed.connect(self._on_refused)
        asking.changed.connect(self._show_state)
        for keys, by in (("Alt+Left", -1), ("Alt+Right", 1)):
            bind(self, PREDICT, keys, partial(self.list.step, by))
        bind(self, PREDICT, "Ctrl+S", lambda: self.keeping.save(".csv"))
        bind(self, PREDICT, "Ctrl+O", lambda: self.add(self._around.ask_files()))

    # ------------------------------------------------------------------------------------------ the network

    @property
    def network(self) -> Network:
        """The network that answers."""
        return self.asking.network

    def choose(self, network: Network, weights: Weights | None = None) -> None:
        """Ask another network; what was given before is given to it."""
        self.cases.threshold, self._origin = None, PROPOSED
        self.setWindowTitle(f"Predict with {network.title}")
        self.messages.clear()
        self.bar.show_random(None)
        self._show_asking(None)
        self.asking.choose(network, weights)
        self.bar.show_networks(self._around.networks(), network, self.asking.weights)
        self._show_state()

    def add(self, paths: Sequence[Path]) -> None:
        """Give these files and folders too; what is there already is answered anew, in one order with them."""
        known = [path.name for path in paths if path in self.asking.inputs]
        self.asking.add(tuple(paths))
        if known:
            be, them = ("is", "It") if len(known) == 1 else ("are", "They")
            text = f"{them} {be} answered already."
            self.messages.show_message(text, lead=f"{listed(known)} {be} there.", action=self._offer)

    def _on_network(self, key: str) -> None:
        network = next((one for one in self._around.networks() if one.key == key), None)
        if network is not None:
            self.choose(network)

    def _on_other(self) -> None:
        network = self._around.ask_network()
        if network is None:  # the combo goes back to what is asked
            self.bar.show_networks(self._around.networks(), self.network, self.asking.weights)
        else:
            self.choose(network)

    def _on_weights(self, weights: str) -> None:
        self.choose(self.network, "best" if weights == "best" else "last")

    def _on_known(self, facts: NetworkFacts) -> None:
        if facts.random:
            self.asking.samples = int(self.bar.passes.value() or PASSES)
        self.bar.show_random(facts.random)
        self._show_asking(facts)
        self.list.drop.show_takes(takes(facts.pictures, facts.tables, facts.arrays), rows=facts.tables)
        self.side.show_network(self.asking.by, facts)
        if facts.columns and not self.asking.inputs:  # there is a row to play with before any is given
            self.side.show_page("what_if")

    # ------------------------------------------------------------------------------------------ answers

    def _on_begun(self) -> None:
        self.pictures.clear()
        if self._offer:  # of answers that are no more
            self._offer = ""
            self.messages.clear()
        self.list.begin()
        self.list.say_nothing("Reading…" if self.asking.facts is None else "Drop your files here: the network answers.")
        found = self._around.threshold(self.network)
        if found is not None and self._origin != OWN:
            self._take_threshold(*found)
        if self.asking.facts is not None:
            self.side.show_network(self.asking.by, self.asking.facts)
        self._show_case()

    def _on_came(self, rows: AnswerRows) -> None:
        if len(self.cases) == len(rows):  # the first ones
            self.side.show_page("case")
        self.list.take()
        self._show_state()

    def _on_said(self, text: str) -> None:
        if not len(self.cases):
            self.list.say_nothing(f"{text}…" if text else "Reading…")

    def _on_ended(self, result: AnsweredCases) -> None:
        self.list.refresh()
        notes, turned = " ".join(result.notes[:NOTES]), result.turned
        self._offer = "" if turned is None else "Do not invert" if turned.inverted else "Invert"
        if turned is not None:
            severity: Severity = "news" if turned.inverted else "hint"
            self.messages.show_message(notes, lead=turned.sentence, severity=severity, action=self._offer)
        elif notes:
            self.messages.show_message(notes, lead="Worth knowing:")
        self._show_state()

    def _on_calibrated(self) -> None:
        if self.asking.no_promise and not self._offer:  # the slider says too why it is grey
            self.messages.show_message(self.asking.hint, lead=self.asking.no_promise, severity="hint")
        elif self._origin == PROPOSED:
            self.cases.threshold = self.cases.proposed_threshold()
        self._show_promise()

    # ------------------------------------------------------------------------------------------ promise, threshold

    def _on_coverage(self, coverage: float) -> None:
        self.cases.promise.coverage = coverage
        if not self._drawn.isActive():
            self._drawn.start()

    def _on_kind(self, kind: str) -> None:
        self.cases.promise.kind = SetKind(kind)
        self._show_promise()

    def _on_threshold(self, value: Any) -> None:
        self.cases.threshold = float(value)
        self._origin = OWN
        self._show_promise()

    def _on_decision(self) -> None:
        found = self._around.threshold(self.network)
        if found is None:
            self._around.open_decision(self.network)
        elif not self._take_threshold(*found):
            text = "Choose another score there, such as the mutual information."
            self.messages.show_message(text, lead="New cases have not got the score of the Decision tab.")
        self._show_promise()

    def _take_threshold(self, score: str, threshold: float) -> bool:
        before, self.cases.score = self.cases.score, score
        if self.cases.is_number or (len(self.cases) and self.cases.uncertainties is None):
            self.cases.score = before
            return False
        self.cases.threshold, self._origin = threshold, TAB
        return True

    def _show_asking(self, facts: NetworkFacts | None) -> None:
        """What of sets and doubt this network can be asked; None: it is not known yet."""
        number = facts is not None and not facts.classes
        self.bar.show_kind(self.cases.promise.kind, sets=not number, few="", why=NO_ANSWERS)
        sure = facts is None or not number or facts.random or facts.members > 1
        self.bar.show_doubt("" if sure else NO_DOUBT, decision=not number)

    def _show_promise(self) -> None:
        why = self.asking.no_promise or rows_missing(self.cases)
        self.bar.show_coverage(self.cases.promise.coverage, possible=not self.asking.no_promise, why=why)
        kind, few = self.cases.promise.kind, classes_in_every_set(self.cases)
        self.bar.show_kind(kind, sets=not self.cases.is_number, few=few, why=self.asking.no_promise)
        self.bar.show_threshold(self.cases.threshold, self._origin or TENTH, self.cases.known_doubts)
        self.list.refresh()
        self._show_case()
        self._show_state()

    # ------------------------------------------------------------------------------------------ one case, and the state

    def _show_case(self, _: int = -1) -> None:
        rows = self.list.rows
        self.side.show_place(self.list.place, rows.row_of(self.list.place) + 1, len(rows.order))

    def _on_corrected(self, place: int) -> None:
        self.list.rows.tell_changed(place)
        self.list.refresh()
        self._show_case()
        self._show_state()

    def _show_state(self) -> None:
        asking, blocks = self.asking, self.cases.blocks[:1]
        self.list.drop.show_inputs(len(asking.inputs))
        if asking.waiting and not len(self.cases):
            self.list.say_nothing(WAITS)
        self.foot.show_state(
            count=len(self.cases),
            words=counted(self.cases) if len(self.cases) else "",
            seconds=asking.seconds,
            busy=asking.busy,
            waiting=asking.waiting,
            calibrating=asking.calibrating,
            pictures=any(block.pictures is not None and block.cells is None for block in blocks),
        )

    def _on_kept(self, result: object) -> None:
        if isinstance(result, SavedAnswers):
            text = f"{count_of(result.rows, 'row')} in {result.path}."
            if result.without_inputs:
                text += f" The last {count_of(result.without_inputs, 'row')} stand there without their input columns."
            lacks = bool(result.without_inputs)
            self.messages.show_message(text, lead="Saved.", severity="hint" if lacks else "good", action=self._offer)
        elif isinstance(result, CopiedPictures):
            text = f"{count_of(result.copied, 'picture')} below {result.folder}."
            if result.refused:
                names = listed([path.name for path, _ in result.refused])
                text += f" Not copied: {names} ({result.refused[0][1]})."
            severity: Severity = "hint" if result.refused else "good"
            self.messages.show_message(text, lead="Copied.", severity=severity, action=self._offer)

    def _on_refused(self, message: str, hint: str) -> None:
        if not len(self.cases):
            self.list.say_nothing(message)
        self.messages.show_message(hint, lead=message, severity="error", action=self._offer)
        self._show_state()

    # ------------------------------------------------------------------------------------------ Qt

    def focusNextPrevChild(self, forward: bool) -> bool:
        return reading_order.step((self,), self.focusWidget(), forward=forward) or super().focusNextPrevChild(forward)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.bar.fit(self.width())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_paths(event.mimeData()):
            event.acceptProposedAction()
            self.list.drop.set_hot(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        del event
        self.list.drop.set_hot(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.list.drop.set_hot(False)
        event.acceptProposedAction()
        self.add(local_paths(event.mimeData()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Paste):
            self.add(self._around.pasted())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()  # no button is pressed by Enter: it edits the row
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._over:
            self._over = True
            self.asking.close()
            self._files.close()
            self.side.what_if.close_client()
            self.closed.emit()
        event.accept()

    def reject(self) -> None:
        """Escape closes what is done; it does not end an answering that is under way."""
        if not self.asking.busy:
            self.close()
