"""The lower card of the transfer dialog: the phases of the training, as a bar and as a table."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.experiment.layers import Shape
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.planning.phases import frozen_in, learning
from dnnstudio.core.planning.stages import phase_optimizer
from dnnstudio.core.text import count_of, listed
from dnnstudio.gui.theme import Role, Theme, set_reason, set_role
from dnnstudio.gui.transfer.pair_row import INFERENCE
from dnnstudio.gui.transfer.phase_bar import PhaseBar, Stretch
from dnnstudio.gui.transfer.phase_row import WIDTHS, PhaseFacts, PhaseRow
from dnnstudio.gui.widgets import SectionTitle, label, push_button
from dnnstudio.gui.widgets.windows.fit_scroll import FitScroll

NOTHING_REUSED = "No layer is reused yet. Choose one above."
COLUMNS = ("Phase", "Frozen layers", "Epochs", "Learning rate", "Optimizer")
ROWS_IN_SIGHT = 4


class PhasesCard(QFrame):
    """Shows the phases and emits the user's requests; numbers count from 0.

    `changed(number, field, value)`, `chosen(number)`, `freeze_requested(number)`, `settings_requested(number)`,
    `vary_requested(number, field)`, `moved(number, by)`, `removed(number)`, `added`.
    """

    changed = Signal(int, str, object)
    chosen = Signal(int)
    freeze_requested = Signal(int)
    settings_requested = Signal(int)
    vary_requested = Signal(int, str)
    moved = Signal(int, int)
    removed = Signal(int)
    added = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, Role.CARD)
        self._theme = theme
        self.rows: list[PhaseRow] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 10)
        column.setSpacing(6)
        self.head = SectionTitle(theme, "Phases", note=" ")
        self.add_button = push_button("Add a phase", Role.LINK, tip="One more stretch of training, after the others.")
        self.add_button.setObjectName("add_phase")
        self.add_button.setIcon(theme.icon("plus", "accent"))
        self.add_button.clicked.connect(self.added)
        self.head.add(self.add_button)
        self.bar = PhaseBar(theme)
        self.bar.chosen.connect(self.chosen)
        self._none = label("", Role.SMALL)
        column.addWidget(self.head)
        column.addWidget(self.bar)
        column.addWidget(self._none)
        self._titles = self._make_titles()
        column.addWidget(self._titles)
        holder = QWidget()
        self._column = QVBoxLayout(holder)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.area = FitScroll(holder, limit=36 * ROWS_IN_SIGHT, smallest=72)
        column.addWidget(self.area)

    def _make_titles(self) -> QWidget:
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(10, 2, 6, 0)
        row.setSpacing(12)
        for number, (text, width) in enumerate(zip(COLUMNS, WIDTHS, strict=True)):
            title = label(text, Role.CAPTION)
            title.setFixedWidth(width)
            if number in (2, 3):
                title.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            row.addWidget(title)
        row.addWidget(label("What trains", Role.CAPTION), 1)
        return holder

    def show_phases(self, experiment: Experiment, input_shape: Shape, current: int) -> None:
        """Show the phases of the experiment; the layers above are shown as in phase `current`."""
        transfer = experiment.transfer
        phases = transfer.phases if transfer is not None else ()
        reused = {item.layer for item in transfer.reuse} if transfer is not None else set()
        has_norm = {layer.id for layer in experiment.active_layers if layer.averages_over == "batch"}
        set_reason(self.add_button, "" if transfer is not None else NOTHING_REUSED)
        epochs = sum(phase.epochs for phase in phases)
        self.head.set_note(f"{count_of(epochs, 'epoch')} in all" if phases else "")
        for widget in (self.bar, self._titles, self.area):
            widget.setVisible(bool(phases))
        self._none.setVisible(not phases)
        self._none.setText(f"One phase of {count_of(experiment.training.epochs, 'epoch')}, in which nothing is frozen.")
        while len(self.rows) < len(phases):
            self._add_row()
        stretches: list[Stretch] = []
        for number, row in enumerate(self.rows):
            row.setVisible(number < len(phases))
            if number >= len(phases):
                continue
            phase, frozen = phases[number], frozen_in(experiment, number)
            words = _frozen_words(frozen, reused)
            found = learning(experiment, input_shape, number)
            tip = f"Learning: {', '.join(found.layers)}." if found.layers else "Nothing can be learnt in this phase."
            if still := sorted(frozen & has_norm):
                tip += f" {listed(still)}: {INFERENCE[0].lower()}{INFERENCE[1:]}"
            stretches.append(Stretch(phase.epochs, f"{number + 1} · {words} · {_epochs(phase.epochs)}", bool(frozen)))
            row.show_facts(
                PhaseFacts(
                    number=number,
                    count=len(phases),
                    frozen=words,
                    freezes=bool(frozen),
                    frozen_tip=_frozen_tip(phase.frozen, frozen),
                    epochs=phase.epochs,
                    rate=phase_optimizer(experiment, phase).learning_rate,
                    own_rate=phase.learning_rate is not None,
                    optimizer=phase.optimizer,
                    experiment_optimizer=type(experiment.optimizer).label,
                    trains=found.sentence,
                    trains_tip=tip,
                    current=number == current,
                )
            )
        self.bar.show_stretches(stretches, current)

    def _add_row(self) -> None:
        number = len(self.rows)
        row = PhaseRow(self._theme, number)
        row.changed.connect(lambda name, value: self.changed.emit(number, name, value))
        row.entered.connect(lambda: self.chosen.emit(number))
        row.freeze_requested.connect(lambda: self.freeze_requested.emit(number))
        row.settings_requested.connect(lambda: self.settings_requested.emit(number))
        row.vary_requested.connect(lambda name: self.vary_requested.emit(number, name))
        row.move_requested.connect(lambda by: self.moved.emit(number, by))
        row.remove_requested.connect(lambda: self.removed.emit(number))
        self.rows.append(row)
        self._column.addWidget(row)


def _frozen_words(frozen: frozenset[str], reused: set[str]) -> str:
    if not frozen:
        return "unfrozen"
    return "frozen" if reused and reused == frozen else f"{len(frozen)} frozen"


def _frozen_tip(entries: Sequence[str], frozen: frozenset[str]) -> str:
    if not entries:
        return "Nothing is frozen in this phase. Press to choose layers by click, range or name."
    return f"Frozen: {', '.join(entries)} ({count_of(len(frozen), 'layer')}). Press to choose by click, range or name."


def _epochs(count: int) -> str:
    return count_of(count, "epoch")
