"""The right side of the window: curves, figures and note of one row, or two rows against each other."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QPlainTextEdit, QScrollArea, QVBoxLayout, QWidget

from dnnstudio.core.checksums import changed_sentence
from dnnstudio.core.errors import UserError
from dnnstudio.core.study.listing import ListedRun, difference_words
from dnnstudio.core.study.repeat_comparison import compare_repeats, difference_sentence
from dnnstudio.core.text import count_of, printable
from dnnstudio.core.workspace.runs import read_metrics
from dnnstudio.gui.base.run_words import figure_title
from dnnstudio.gui.run_table.curves import RunCurves
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import Card, ElidedLabel, label, push_button

NOTHING = "Choose a run to see its curves, or two (Ctrl and a click) to compare them."
NOTE_MS = 800
"""After this pause in typing the note is written; also when another row is chosen or the window closes."""
MOST_DIFFERENCES = 12


def metrics_by_seed(run: ListedRun) -> dict[int, dict[str, object]]:
    """Seed → final figures of the runs behind a row. Raises `UserError` for a damaged file."""
    return {one.seed: read_metrics(one.record.folder) or {} for one in (run.counted or (run,))}


class Detail(Card):
    """`asked(str)` for a command on the chosen rows; `note_written(ListedRun, str)` when a note was changed."""

    asked = Signal(str)
    note_written = Signal(object, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent=parent)
        self.setObjectName("run_detail")
        self._runs: tuple[ListedRun, ...] = ()
        self._noted: ListedRun | None = None
        self.title = ElidedLabel("", Role.TITLE)
        self.subtitle = label("", Role.CAPTION, wrap=True)
        self.curves = RunCurves(theme)
        self.figures = QWidget()
        self._grid = QGridLayout(self.figures)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(4)
        for column in range(3):
            self._grid.setColumnStretch(column, 1)
        self.verdict = label("", Role.BODY, wrap=True)
        self.verdict.setObjectName("run_verdict")
        self.note_title = label("Note", Role.FORM)
        self.note = QPlainTextEdit()
        self.note.setObjectName("run_note")
        self.note.setAccessibleName("Note")
        self.note.setPlaceholderText("What is worth remembering of this run")
        self.note.setTabChangesFocus(True)
        self.note.setFixedHeight(72)
        self.note_title.setBuddy(self.note)
        self._pause = QTimer(self, singleShot=True, interval=NOTE_MS)
        self._pause.timeout.connect(self.keep_note)
        self.note.textChanged.connect(self._pause.start)
        self.inspect = push_button("Inspect", Role.PRIMARY, tip="Uncertainty of this run or ensemble (Ctrl+U)")
        self.inspect.setObjectName("inspect_run")
        self.inspect.clicked.connect(lambda: self.asked.emit("inspect"))
        self.open = push_button("Open its experiment", tip="Open the experiment in the main window (Enter)")
        self.open.setObjectName("open_run")
        self.open.clicked.connect(lambda: self.asked.emit("open"))
        self._lay_out()
        self.show_runs(())

    def _lay_out(self) -> None:
        inside = QWidget()
        inside.setProperty("role", "clear")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.curves)
        column.addWidget(self.figures)
        column.addWidget(self.verdict)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        self.add(self.title)
        self.add(self.subtitle)
        self.add(area, 1)
        for widget in (self.note_title, self.note, self.inspect, self.open):
            self.add(widget)

    # ------------------------------------------------------------------------------------------ what is shown

    def show_runs(self, runs: Sequence[ListedRun], *, no_inspection: str = "") -> None:
        """Show one row or two; of more their number."""
        runs = tuple(runs)
        self.keep_note()
        self._runs = runs
        one = runs[0] if len(runs) == 1 else None
        for widget in (self.curves, self.figures):
            widget.setVisible(1 <= len(runs) <= 2)
        for widget in (self.note_title, self.note):
            widget.setVisible(one is not None and len(one.folders) == 1)
        self.inspect.setVisible(one is not None)
        set_reason(self.inspect, no_inspection)
        repeat, sweep = (one.record.repeat, one.record.sweep) if one is not None else (None, None)
        self.inspect.setText(
            f"Inspect the {'ensemble' if repeat is not None else 'best trial'}" if repeat or sweep else "Inspect"
        )
        self.open.setVisible(one is not None)
        self.open.setText("Open its experiment" if sweep is None else "Open the sweep")
        self.title.setText(_title(runs))
        self.subtitle.setText(_subtitle(runs))
        self.verdict.setText("")
        self._fill(runs if len(runs) <= 2 else ())
        if 1 <= len(runs) <= 2:
            self.curves.show_runs(runs)
        if len(runs) == 2:
            self.verdict.setText(verdict(*runs))
        self._show_note(one)

    def _fill(self, runs: Sequence[ListedRun]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()  # it would be seen until it is deleted
                widget.deleteLater()
        if not runs:
            return
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        rows: list[tuple[str, ...]] = [
            (title, *(run.words(getattr(run, name)) for run in runs))
            for title, name in (("Validation, best", "best"), ("Validation, last", "last"), ("Test", "test"))
        ]
        heads = ("", "") if len(runs) == 1 else ("first, ", "second, ")
        counts = [f"{head}{_count_words(run)}" for head, run in zip(heads, runs, strict=False)]
        rows.insert(0, (figure_title(runs[0].figure), *counts))
        rows += difference_words(*runs)[:MOST_DIFFERENCES] if len(runs) == 2 else ()
        for number, (title, *values) in enumerate(rows):
            self._grid.addWidget(ElidedLabel(title, Role.CAPTION), number, 0)
            for place, value in enumerate(values, start=1):
                cell = ElidedLabel(value, Role.SMALL)
                cell.setAlignment(right)
                self._grid.addWidget(cell, number, place)

    # ------------------------------------------------------------------------------------------ the note

    def _show_note(self, run: ListedRun | None) -> None:
        self._noted = run if run is not None and len(run.folders) == 1 else None
        self.note.blockSignals(True)
        self.note.setPlainText(run.remarks.note if run is not None else "")
        self.note.blockSignals(False)

    def keep_note(self) -> None:
        """Hand on what was typed, if it is another note than before."""
        self._pause.stop()
        run, text = self._noted, self.note.toPlainText().strip()
        if run is not None and text != run.remarks.note:
            self._noted = None
            self.note_written.emit(run, text)

    @property
    def typing(self) -> bool:
        """Whether a note is being written: the text field must not be filled anew meanwhile."""
        return self._pause.isActive() or self.note.hasFocus()

    def shows(self, run: ListedRun) -> bool:
        """Whether that row is shown."""
        return len(self._runs) == 1 and self._runs[0].folders == run.folders

    def update_run(self, run: ListedRun) -> None:
        """The shown row has been read anew; what is being typed stays."""
        self._runs = (run,)
        self._noted = run if len(run.folders) == 1 else None


def _count_words(run: ListedRun) -> str:
    """What the figures are over: "n = 5", or which trial of a sweep they are of."""
    sweep = run.record.sweep
    if sweep is None:
        return f"n = {max(len(run.counted), 1)}"
    return "no trial yet" if sweep.best is None else f"trial {sweep.best}"


def _title(runs: Sequence[ListedRun]) -> str:
    if not runs:
        return "Nothing chosen"
    return runs[0].name if len(runs) == 1 else f"{count_of(len(runs), 'row')} chosen"


def _subtitle(runs: Sequence[ListedRun]) -> str:
    if not runs:
        return NOTHING
    if len(runs) == 1:
        run = runs[0]
        which = f"Run {run.record.number}" if run.record.number else run.record.folder.name
        if (sweep := run.record.sweep) is not None:
            done = f"{which}: {sweep.over:,} of {count_of(sweep.trials, 'trial')} done."
            if sweep.best is None:
                return done
            best = "the best" if sweep.complete else "the best so far"
            return f"{done} Curves and figures are of trial {sweep.best}, {best}."
        if not run.members:
            said = run.record.damaged or changed_sentence(run.record.changed)
            return f"{which}, {run.task}{'. ' if said else ''}{printable(said)}"
        seeds = len(run.counted)
        of = f" of {count_of(seeds, 'seed')}" if 1 < seeds < len(run.members) else ""  # that many the figures are over
        return f"{count_of(len(run.members), 'run')}{of}, alike{' but for the seed' if seeds > 1 else ''}"
    if len(runs) == 2:
        first, second = runs
        alike = first.name == second.name
        return f"{_named(first, numbered=alike)} (line) against {_named(second, numbered=alike)} (dashed)"
    return "Choose two to compare them."


def _named(run: ListedRun, *, numbered: bool) -> str:
    """The name of a row, with what tells two of one name apart."""
    if not numbered:
        return run.name
    if run.record.number:
        return f"{run.name}, run {run.record.number},"
    return f"{run.name}, {count_of(len(run.members), 'run')}," if run.members else f"{run.name}, {run.record.folder},"


def verdict(first: ListedRun, second: ListedRun) -> str:
    """The two rows in one sentence, paired by seed; rows of two tasks are not compared."""
    if first.task != second.task:
        return "These are two tasks, whose figures cannot be compared."
    try:
        found = compare_repeats(metrics_by_seed(first), metrics_by_seed(second))
    except UserError as error:
        return f"{error.message} {error.hint}"
    return difference_sentence(found, "the first", "the second")
