"""The window "Open your data": the file's lines under the heads of their columns, what follows, and what to do.

It asks the engine again at every choice, and draws what the answer says. What was shown stays while an answer is on
its way, and where a choice is refused, so that it can be mended.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from dnnstudio.core.experiment.data.sources.table import Kind, Missing
from dnnstudio.core.experiment.data.sources.table import Role as ColumnRole
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.events import Event, Progress
from dnnstudio.core.jobs.proposals import DataProposal, Note, Reading
from dnnstudio.core.planning.following import keeping_layers, layer_lines
from dnnstudio.core.planning.opening import Opening, opened
from dnnstudio.core.text import count_of
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.data.door.choices import Choices
from dnnstudio.gui.data.door.classes_card import ClassesView
from dnnstudio.gui.data.door.consequences import ConsequencesCard
from dnnstudio.gui.data.door.grid import TableGrid
from dnnstudio.gui.data.door.network import NetworkCard
from dnnstudio.gui.data.door.questions import QuestionsView
from dnnstudio.gui.data.door.top_bar import TopBar
from dnnstudio.gui.data.door.words import counted_columns
from dnnstudio.gui.data.dropped_files import local_paths
from dnnstudio.gui.theme import Role, Theme, set_reason, set_role
from dnnstudio.gui.widgets import Card, ElidedLabel, IconLabel, Window, label, push_button
from dnnstudio.gui.widgets.drop_hint import DropHint

NARROW_BELOW = 1280
SIDE = 320
LOW = 184
"""Height of the cards where they lie under the grid."""
FOOT = 56
WAITS = "The data is read as soon as the engine has ended what it is at."
TEACHES = "Choose in each head what the column is for and what it holds."


class DoorWindow(Window):
    """Shows what `choices` lead to.

    `used(DataProposal, Experiment, bool)` carries the experiment to take over and whether to train it; the window
    then closes. `other_requested` asks for another file, `dropped(paths)` brings some. `closed` comes once.
    """

    used = Signal(object, object, bool)
    other_requested = Signal()
    dropped = Signal(object)
    closed = Signal()

    def __init__(
        self,
        theme: Theme,
        client: JobClient,
        choices: Choices,
        present: Experiment | None = None,
        *,
        keep_layers: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """`present` is the open experiment, if its layers may stay; `keep_layers` says whether they do at first."""
        super().__init__(parent)
        self.setObjectName("data_door")
        self.setWindowTitle(f"Open your data – {choices.paths[0].name}")
        self.setMinimumSize(QSize(880, 620))
        self.setAcceptDrops(True)
        self.drop_hint = DropHint(theme, "Drop other data here to look at it instead.", self)
        self.client = client
        self.choices = choices
        self._present = present
        self._keep = keep_layers
        self._narrow: bool | None = None
        self.proposal: DataProposal | None = None
        client.setParent(self)
        self.top = TopBar(theme)
        self.grid = TableGrid(theme)
        self.classes = ClassesView(theme)
        self.consequences = ConsequencesCard(theme)
        self.network = NetworkCard(theme)
        self._lay_out(theme)
        self._wire()
        self.top.show_files(choices.paths, is_table=False)
        self._focuses_use = True  # once it can be pressed; until then Return opens no other file
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._show_state()
        self.ask()

    # ------------------------------------------------------------------------------------------ making

    def _lay_out(self, theme: Theme) -> None:
        self._lines = Card(theme, "Lines of the file", icon="table")
        self._lines.setObjectName("lines_card")
        self._teaches = label(TEACHES, Role.CAPTION)
        self._lines.head.add(self._teaches)
        self.message = label("Reading…", Role.BODY, wrap=True)
        self.message.setObjectName("door_message")
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.pages = QStackedWidget()
        self.questions = QuestionsView()
        self.questions.hide()
        for page in (self.message, self.grid, self.classes):
            self.pages.addWidget(page)
        self._lines.add(self.questions)
        self._lines.add(self.pages, 1)
        self._body = QGridLayout()
        self._body.setContentsMargins(8, 8, 8, 8)
        self._body.setSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top)
        column.addLayout(self._body, 1)
        column.addWidget(self._make_foot(theme))
        self._arrange(narrow=False)

    def _make_foot(self, theme: Theme) -> QWidget:
        foot = QFrame()
        set_role(foot, Role.STATUS)
        foot.setFixedHeight(FOOT)
        row = QHBoxLayout(foot)
        row.setContentsMargins(20, 0, 16, 0)
        row.setSpacing(8)
        self._state_icon = IconLabel(theme, "check-circle-fill", size=14)
        self.lead = label("", Role.LEAD)
        self.lead.setObjectName("door_state")
        self.said = ElidedLabel("", Role.SMALL)
        self.said.setObjectName("door_said")
        self.cancel_button = push_button("Cancel", tip="Close this window and change nothing")
        self.cancel_button.setObjectName("door_cancel")
        self.train_button = push_button("Use and train", tip="Take the data and the network over, and train at once")
        self.train_button.setObjectName("door_train")
        self.train_button.setIcon(theme.icon("play-fill", "text"))
        self.use_button = push_button("Use this data", Role.PRIMARY, tip="Take the data and the network over")
        self.use_button.setObjectName("door_use")
        self.use_button.setDefault(True)
        row.addWidget(self._state_icon)
        row.addWidget(self.lead)
        row.addWidget(self.said, 1)
        for button in (self.cancel_button, self.train_button, self.use_button):
            row.addWidget(button)
        return foot

    def _wire(self) -> None:
        self.top.reading_chosen.connect(self._on_reading)
        self.top.other_requested.connect(self.other_requested)
        self.questions.answered.connect(lambda field, value: self._choose(self.choices.with_answer(field, value)))
        self.grid.role_chosen.connect(self.choose_role)
        self.grid.kind_chosen.connect(self.choose_kind)
        self.grid.missing_chosen.connect(self.choose_missing)
        self.consequences.split_chosen.connect(self._on_split)
        self.consequences.note_chosen.connect(self._on_note)
        self.network.kept_chosen.connect(self._on_kept)
        self.cancel_button.clicked.connect(self.close)
        self.use_button.clicked.connect(lambda: self._use(train=False))
        self.train_button.clicked.connect(lambda: self._use(train=True))
        self.client.answered.connect(self._on_answer)
        self.client.refused.connect(self._on_refused)
        self.client.reported.connect(self._on_event)
        self.client.busy_changed.connect(self._show_state)

    def _arrange(self, *, narrow: bool) -> None:
        if narrow == self._narrow:
            return
        self._narrow = narrow
        for part in (self._lines, self.consequences, self.network):
            self._body.removeWidget(part)
        if narrow:
            self._body.addWidget(self._lines, 0, 0, 1, 2)
            self._body.addWidget(self.consequences, 1, 0)
            self._body.addWidget(self.network, 1, 1)
        else:
            self._body.addWidget(self._lines, 0, 0, 2, 1)
            self._body.addWidget(self.consequences, 0, 1)
            self._body.addWidget(self.network, 1, 1)
        self._body.setColumnStretch(0, 1)
        self._body.setRowStretch(0, 1)
        self._body.setColumnMinimumWidth(1, 296 if narrow else SIDE)
        self.consequences.set_narrow(narrow)
        self.consequences.setMaximumHeight(LOW if narrow else 16_777_215)
        self.network.setMaximumHeight(LOW if narrow else 300)
        for card in (self.consequences, self.network):
            card.setMaximumWidth(16_777_215 if narrow and card is self.consequences else 296 if narrow else SIDE)

    # ------------------------------------------------------------------------------------------ choosing

    def ask(self) -> None:
        """Ask the engine for what the present choices lead to."""
        self.client.ask(self.choices.job())

    def show_data(self, choices: Choices) -> None:
        """Show other data."""
        self.choices = choices
        self.proposal = None
        self.setWindowTitle(f"Open your data – {choices.paths[0].name}")
        self.top.show_files(choices.paths, is_table=False)
        self.questions.show_questions((), ())
        self._show_message("Reading…")
        self.ask()

    def choose_role(self, name: str, role: ColumnRole) -> None:
        """Another role for a column."""
        self._choose(self.choices.with_role(name, role))

    def choose_kind(self, name: str, kind: Kind) -> None:
        """Another kind for a column."""
        self._choose(self.choices.with_kind(name, kind))

    def choose_missing(self, name: str, missing: Missing) -> None:
        """Something else becomes of a column's empty cells."""
        self._choose(self.choices.with_missing(name, missing))

    def set_present(self, present: Experiment | None) -> None:
        """The open experiment has changed meanwhile; None where its layers are nobody's work."""
        self._present = present
        self._show_network()

    def _choose(self, choices: Choices) -> None:
        if choices != self.choices:
            self.choices = choices
            self.ask()

    def _on_reading(self, reading: Reading) -> None:
        self._choose(self.choices.with_reading(reading))

    def _on_split(self, validation: float, test: float) -> None:
        self._choose(self.choices.with_shares(validation, test))

    def _on_note(self, note: Note) -> None:
        if note.line is not None:
            self.grid.show_line(note.line)
        if note.changes:
            self._choose(self.choices.with_changes(note.changes))

    def _on_kept(self, keep: bool) -> None:
        self._keep = keep
        self._show_network()

    # ------------------------------------------------------------------------------------------ answers

    def _on_answer(self, proposal: DataProposal) -> None:
        self.proposal = proposal
        self.questions.show_questions(proposal.questions, proposal.answers)
        table = proposal.table
        self.top.show_files(self.choices.paths, is_table=table is not None)
        self.top.show_reading(table, self.choices.reading)
        classes = proposal.summary.class_names if proposal.summary is not None else ()
        if table is not None:
            self.grid.show_table(table, classes)
            self._lines.set_title("Lines of the file" if table.place == "line" else "Rows of the file")
            first = f"the first {len(table.lines):,} of " if len(table.lines) < table.rows else ""
            self._lines.head.set_count(f"{first}{count_of(table.rows, 'row')}")
            self.pages.setCurrentWidget(self.grid)
        elif proposal.summary is None:
            self._show_message("Choose above: the file does not say it.")
        else:
            self.classes.show_proposal(proposal)
            self._lines.set_title("Classes")
            self._lines.head.set_count(f"{len(classes):,}" if classes else "")
            self.pages.setCurrentWidget(self.classes)
        self.consequences.show_proposal(proposal, self.choices)
        self._show_network()
        self._show_state()

    def _on_refused(self, message: str, hint: str) -> None:
        """The files could not be read in this way: nothing of them can be shown."""
        self.proposal = None
        self.top.show_reading(None, self.choices.reading, failed=True)
        self._show_message(f"{message}\n{hint}")
        self._show_state()

    def _show_message(self, text: str) -> None:
        self.message.setText(text)
        self._lines.set_title("Your file")
        self._lines.head.set_count("")
        self.pages.setCurrentWidget(self.message)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Progress) and self.proposal is None:
            self.message.setText(f"{event.text}…" if event.text else "Reading…")

    @property
    def experiment(self) -> Experiment | None:
        """The experiment that the data would be used in."""
        proposal = self.proposal
        if proposal is None or proposal.experiment is None:
            return None
        kept = self._kept() if self._keep else None
        if kept is not None:
            return kept
        return opened(self._present or proposal.experiment, proposal.experiment, Opening.DATA_WITH_NETWORK)

    def _kept(self) -> Experiment | None:
        proposal = self.proposal
        if proposal is None or proposal.experiment is None or proposal.summary is None or self._present is None:
            return None
        return keeping_layers(self._present, proposal.experiment, proposal.summary)

    def _show_network(self) -> None:
        experiment, proposal = self.experiment, self.proposal
        if experiment is None or proposal is None or proposal.summary is None:
            self.network.show_network((), kept=False, can_keep=False)
            return
        kept = self._kept()
        lines = layer_lines(self._present or experiment, experiment, proposal.summary)
        self.network.show_network(lines, kept=self._keep and kept is not None, can_keep=kept is not None)

    def _show_state(self, _: object = None) -> None:
        proposal, busy = self.proposal, self.client.busy
        ready = self.experiment is not None and not busy
        reason = "" if ready else "The file is being read." if busy else self._refusal
        for button in (self.use_button, self.train_button):
            set_reason(button, reason)
        if ready and self._focuses_use:
            self._focuses_use = False
            if self.focusWidget() in (None, self, self.top.other):
                self.use_button.setFocus(Qt.FocusReason.OtherFocusReason)
        for part in (self.consequences, self.network):
            part.setVisible(proposal is not None)
        self._teaches.setVisible(proposal is not None and proposal.table is not None)
        self._body.setRowMinimumHeight(1, LOW if self._narrow and proposal is not None else 0)
        if busy:
            waits = self.client.waiting and proposal is None
            self._say("hourglass", "text3", "Waiting." if waits else "Reading.", WAITS if waits else "")
        elif proposal is None:
            self._say(
                "x-circle-fill", "error_dot", "It cannot be read.", "Choose another way of reading, or another file."
            )
        elif proposal.refusal is not None:
            self._say("warning-fill", "hint_dot", proposal.refusal.message, proposal.refusal.hint)
        else:
            self._say("check-circle-fill", "good_dot", "Ready.", _counted(proposal))

    @property
    def _refusal(self) -> str:
        """Why what was found cannot be used."""
        refusal = self.proposal.refusal if self.proposal is not None else None
        return refusal.message if refusal is not None else "The file cannot be read in this way."

    def _say(self, icon: str, color: str, lead: str, text: str) -> None:
        self._state_icon.set_icon(icon, color)
        self.lead.setText(lead)
        self.said.setText(text)

    def _use(self, *, train: bool) -> None:
        experiment, proposal = self.experiment, self.proposal
        if experiment is not None and proposal is not None and not self.client.busy:
            self.used.emit(proposal, experiment, train)
            self.close()

    # ------------------------------------------------------------------------------------------ Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(narrow=self.width() < NARROW_BELOW)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_paths(event.mimeData()):
            event.acceptProposedAction()
            self.drop_hint.show_over()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.drop_hint.hide()
        event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        self.drop_hint.hide()
        event.acceptProposedAction()
        self.dropped.emit(local_paths(event.mimeData()))

    def done(self, result: int) -> None:
        """Every way out leads here: the buttons, Escape, and the system's close."""
        self.client.close()
        self.closed.emit()
        super().done(result)


def _counted(proposal: DataProposal) -> str:
    if proposal.table is not None:
        return counted_columns(proposal.table.columns)
    summary = proposal.summary
    if summary is None or summary.counts is None:
        return ""
    return count_of(sum(summary.counts), proposal.noun) + "."
