"""The window "Predict new cases": what is given to a network, what it answers, and what becomes of the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

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
from dnnstudio.core.text import listed
from dnnstudio.core.uncertainty.set_kinds import SetKind
from dnnstudio.core.workspace.runs import Weights
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.base.shortcuts import PREDICT, bind
from dnnstudio.gui.data.dropped_files import local_paths
from dnnstudio.gui.predict.asking import Asking
from dnnstudio.gui.predict.case.side import Side
from dnnstudio.gui.predict.cases import Cases
from dnnstudio.gui.predict.deciding import Deciding
from dnnstudio.gui.predict.foot import Foot
from dnnstudio.gui.predict.keeping import Keeping
from dnnstudio.gui.predict.rows.answer_list import AnswerList
from dnnstudio.gui.predict.rows.rows_model import CasePictures
from dnnstudio.gui.predict.subjects import Network, Surroundings
from dnnstudio.gui.predict.top_bar import PASSES, TopBar
from dnnstudio.gui.predict.words import (
    NO_ANSWERS,
    classes_in_every_set,
    counted,
    kept_words,
    no_doubt_of,
    rows_missing,
    takes,
)
from dnnstudio.gui.theme import Cure, Severity, Theme
from dnnstudio.gui.widgets import MessageBar, Window
from dnnstudio.gui.widgets.windows import reading_order

DRAWN_MS = 50
WAITS = "The engine is at something else; it answers as soon as that has ended."
NOTES = 3
"""So many notes on what was read are shown; there are few kinds."""


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
        self._over, self._offer = False, ""
        self._deed: Callable[[], object] = self._turn_round
        self.cases = Cases()
        self.asking = Asking(self.cases, client, network, self)
        self.deciding = Deciding(self.cases, self.asking, around.threshold)
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
        bar.weights_chosen.connect(lambda kind: self.choose(self.network, "best" if kind == "best" else "last"))
        bar.passes_chosen.connect(asking.set_passes)
        bar.coverage_changed.connect(self._on_coverage)
        bar.kind_chosen.connect(self._on_kind)
        bar.threshold_chosen.connect(self._on_threshold)
        bar.decision_requested.connect(self._on_decision)
        self.list.drop.choose_requested.connect(lambda: self.add(self._around.ask_files()))
        self.list.drop.folder_requested.connect(lambda: self.add(self._around.ask_folder()))
        self.list.drop.clear_requested.connect(self.messages.clear)  # it is of what is taken out
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
        self.messages.action_requested.connect(lambda: self._deed())
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
        self.deciding.forget()
        self.setWindowTitle(f"Predict with {network.title}")
        self.messages.clear()
        self.bar.show_random(None)
        self.asking.choose(network, weights)
        self.bar.show_networks(self._around.networks(), network, self.asking.weights)
        self._show_state()

    def add(self, paths: Sequence[Path]) -> None:
        """Give these files and folders too; what is there already is answered anew, in one order with them."""
        known = [path.name for path in paths if path in self.asking.inputs]
        self.asking.add(tuple(paths))
        if known:
            be, them = ("is", "It") if len(known) == 1 else ("are", "They")
            self._tell(f"{them} {be} answered already.", lead=f"{listed(known)} {be} there.")

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

    def _on_known(self, facts: NetworkFacts) -> None:
        if facts.random:
            self.asking.samples = int(self.bar.passes.value() or PASSES)
        self.bar.show_random(facts.random)
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
        self.deciding.begin()
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
        notes, turned, refused = " ".join(result.notes[:NOTES]), result.turned, self.deciding.refused
        self._offer = "" if turned is None else "Do not invert" if turned.inverted else "Invert"
        if turned is not None:
            severity: Severity = "news" if turned.inverted else "hint"
            why = f"{refused.lead} {refused.text}" if refused is not None else ""
            self._tell(f"{notes} {why}".strip(), lead=turned.sentence, severity=severity)
        elif notes and refused is None:
            self._tell(notes, lead="Worth knowing:")
        else:
            self._tell_refused(notes)
        self._show_state()

    def _on_calibrated(self) -> None:
        if self.asking.no_promise and not self._offer:  # the slider says too why it is grey
            self._tell(self.asking.hint, lead=self.asking.no_promise, severity="hint", cure=self._again())
        else:
            self.deciding.propose()
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
        self.deciding.choose(float(value))
        self._show_promise()

    def _on_decision(self) -> None:
        if not self.deciding.take_from_tab():
            self._open_decision()
        self._tell_refused()
        self._show_promise()

    def _open_decision(self) -> None:
        self._around.open_decision(self.network, self.asking.weights)

    def _tell_refused(self, notes: str = "") -> None:
        """Say why the Decision tab's threshold is not in force; where nothing stands against it, say so no more."""
        if (refused := self.deciding.refused) is not None:
            cure = Cure("Decision tab", self._open_decision)
            self._tell(f"{refused.text} {notes}".strip(), lead=refused.lead, severity="hint", cure=cure)
        elif self._deed == self._open_decision:  # that is what was said last
            self.messages.clear()

    def _show_offer(self) -> None:
        """What of sets and doubt this network can be asked, and about which rows."""
        facts, given = self.asking.facts, bool(self.asking.inputs)
        number, no_doubt = facts is not None and not facts.classes, no_doubt_of(facts)
        choose = None if given else Cure(self.list.drop.choose.text(), self.list.drop.choose.click)
        none, no_promise = "" if given else NO_ANSWERS, self.asking.no_promise
        self.bar.show_kind(sets=not number, why=no_promise or none, cure=self._again() if no_promise else choose)
        self.bar.show_doubt(no_doubt or none, None if no_doubt else choose, decision=not number)

    def _again(self) -> Cure:
        return Cure("Calibrate again", self._calibrate_again)

    def _calibrate_again(self) -> None:
        self.messages.clear()
        self.asking.calibrate_again()

    def _show_promise(self) -> None:
        why = self.asking.no_promise or rows_missing(self.cases)
        cure = self._again() if self.asking.no_promise else None
        self.bar.show_coverage(self.cases.promise.coverage, possible=not self.asking.no_promise, why=why, cure=cure)
        self.bar.show_sets(self.cases.promise.kind, few=classes_in_every_set(self.cases))
        self.bar.show_threshold(self.cases.threshold, self.deciding.help, self.cases.known_doubts)
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
        self._show_offer()
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
        if isinstance(result, SavedAnswers | CopiedPictures):
            text, whole = kept_words(result)
            lead = "Saved." if isinstance(result, SavedAnswers) else "Copied."
            self._tell(text, lead=lead, severity="good" if whole else "hint")

    def _on_refused(self, message: str, hint: str) -> None:
        if not len(self.cases):
            self.list.say_nothing(message)
        self._tell(hint, lead=message, severity="error")
        self._show_state()

    def _turn_round(self) -> None:
        self.asking.set_invert(not self.asking.invert)

    def _tell(self, text: str, *, lead: str, severity: Severity = "news", cure: Cure | None = None) -> None:
        """Say something; its button is that of the `cure`, else what is offered for the pictures, if anything is."""
        self._deed = self._turn_round if cure is None else cure.deed
        action = self._offer if cure is None else cure.text
        self.messages.show_message(text, lead=lead, severity=severity, action=action)

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
