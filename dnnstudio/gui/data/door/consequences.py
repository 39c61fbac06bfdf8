"""The card of what follows: what is predicted, the inputs after encoding, the split, and what is worth knowing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.jobs.proposals import DataProposal, InputGroup
from dnnstudio.core.text import percent, shortened
from dnnstudio.gui.data.door.choices import Choices
from dnnstudio.gui.data.door.heads import class_color
from dnnstudio.gui.data.door.notes import NoteList
from dnnstudio.gui.data.door.words import SPLITS, headline, split_words
from dnnstudio.gui.theme import Role, Theme, set_role
from dnnstudio.gui.widgets import Card, ElidedLabel, Share, ShareBar, label, rule
from dnnstudio.gui.widgets.panel_texts import text_of
from dnnstudio.gui.widgets.windows.fit_scroll import FitScroll

SHOWN_INPUTS = 6
SHOWN_CLASSES = 5
PARTS = (("train", "train"), ("validation", "validation"), ("test", "text3"))


class ConsequencesCard(Card):
    """`split_chosen(validation share, test share)`; `note_chosen(Note)` when a note's link is pressed."""

    split_chosen = Signal(float, float)
    note_chosen = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent=parent, margin=16)
        self.setObjectName("consequences")
        self.setAccessibleName("What follows")
        self.setWhatsThis(text_of("What follows"))
        self._theme = theme
        self._narrow = False
        self._has_notes = self._has_inputs = False
        self._title = label("What follows", Role.TITLE)
        self.headline = label("", Role.DIALOG_TITLE, wrap=True)
        self.headline.setObjectName("door_headline")
        self._classes = ShareBar(theme)
        self._classes.setObjectName("class_bar")
        self._inputs = self._make_inputs()
        self._split = self._make_split()
        self._notes = NoteList(theme)
        self._notes.note_chosen.connect(self.note_chosen)
        self._facts, self._known = QWidget(), QWidget()
        facts = QVBoxLayout(self._facts)
        facts.setContentsMargins(0, 0, 0, 0)
        facts.setSpacing(8)
        for part in (self._title, self.headline, self._classes):
            facts.addWidget(part)
        known = QVBoxLayout(self._known)
        known.setContentsMargins(0, 0, 0, 0)
        known.setSpacing(8)
        self._above_notes = rule()
        known.addWidget(self._above_notes)
        known.addWidget(label("Worth knowing", Role.LEAD))
        known.addWidget(self._notes)
        known.addStretch(1)
        self._inside = QWidget()
        self._columns = QGridLayout(self._inside)
        self._columns.setContentsMargins(0, 0, 4, 0)
        self._columns.setSpacing(8)
        self._columns.setHorizontalSpacing(32)
        self._scroll = FitScroll(self._inside)
        self.add(self._scroll, 1)
        self._arrange()

    def set_narrow(self, narrow: bool) -> None:
        """Two columns under the grid instead of one beside it; the inputs then stand in the headline alone."""
        if narrow != self._narrow:
            self._narrow = narrow
            self._arrange()

    def show_proposal(self, proposal: DataProposal, choices: Choices) -> None:
        """What follows from the data as it is understood."""
        self.headline.setText(headline(proposal))
        summary, table = proposal.summary, proposal.table
        shares = class_shares(summary, proposal.class_counts) if summary is not None else ()
        self._classes.set_shares(shares)
        self._classes.setVisible(bool(shares))
        self._show_inputs(table.inputs if table is not None else ())
        self._show_split(proposal, choices)
        self._notes.set_notes(proposal.notes)
        self._has_notes = bool(proposal.notes)
        self._show_parts()

    # ------------------------------------------------------------------------------------------ making

    def _make_inputs(self) -> QWidget:
        made = QWidget()
        made.setObjectName("inputs_after_encoding")
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(rule())
        head = QHBoxLayout()
        head.addWidget(label("Inputs after encoding", Role.LEAD))
        head.addStretch(1)
        self._input_count = label("", Role.LEAD)
        head.addWidget(self._input_count)
        column.addLayout(head)
        self._input_rows = QGridLayout()
        self._input_rows.setHorizontalSpacing(8)
        self._input_rows.setVerticalSpacing(4)
        self._input_rows.setColumnStretch(0, 5)
        self._input_rows.setColumnStretch(1, 6)
        column.addLayout(self._input_rows)
        return made

    def _make_split(self) -> QWidget:
        made = QWidget()
        made.setObjectName("split")
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(rule())
        head = QHBoxLayout()
        head.addWidget(label("Split", Role.LEAD))
        head.addStretch(1)
        self.split_button = QToolButton()
        self.split_button.setObjectName("split_button")
        set_role(self.split_button, Role.CHIP)
        self.split_button.setProperty("menu", "true")
        self.split_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.split_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        menu = QMenu(self.split_button)
        for choice in SPLITS:
            action = menu.addAction(choice.title)
            action.setObjectName(f"split_{choice.train}")
            action.triggered.connect(lambda _=False, choice=choice: self.split_chosen.emit(*choice.shares))
        self.split_button.setMenu(menu)
        head.addWidget(self.split_button)
        column.addLayout(head)
        self._split_bar = ShareBar(self._theme)
        column.addWidget(self._split_bar)
        return made

    def _arrange(self) -> None:
        self._title.setVisible(not self._narrow)
        self._above_notes.setVisible(not self._narrow)
        parts = (self._facts, self._inputs, self._split, self._known)
        for part in parts:
            self._columns.removeWidget(part)
        top = Qt.AlignmentFlag.AlignTop
        if self._narrow:
            self._columns.addWidget(self._facts, 0, 0, top)
            self._columns.addWidget(self._split, 1, 0, top)
            self._columns.addWidget(self._inputs, 0, 1, 3, 1, top)
            self._columns.addWidget(self._known, 0, 1, 3, 1, top)
        else:
            for row, part in enumerate(parts):
                self._columns.addWidget(part, row, 0, top)
        self._columns.setColumnStretch(0, 1)
        self._columns.setColumnStretch(1, 1 if self._narrow else 0)
        for row in range(5):
            self._columns.setRowStretch(row, int(row == (2 if self._narrow else 4)))
        self._show_parts()

    def _show_parts(self) -> None:
        """Where there is room for one of them only, what is worth knowing goes before the inputs."""
        self._known.setVisible(self._has_notes)
        self._inputs.setVisible(self._has_inputs and not (self._narrow and self._has_notes))
        self._inside.updateGeometry()

    # ------------------------------------------------------------------------------------------ showing

    def _show_inputs(self, groups: Sequence[InputGroup]) -> None:
        while (item := self._input_rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._has_inputs = bool(groups)
        self._input_count.setText(f"{sum(group.inputs for group in groups):,}")
        shown = groups if len(groups) <= SHOWN_INPUTS else groups[: SHOWN_INPUTS - 1]
        rest = groups[len(shown) :]
        lines = [(", ".join(group.columns), group.how, group.inputs) for group in shown]
        if rest:
            lines.append((f"{len(rest):,} more", "", sum(group.inputs for group in rest)))
        for place, (names, how, count) in enumerate(lines):
            self._input_rows.addWidget(ElidedLabel(names, Role.BODY), place, 0)
            self._input_rows.addWidget(ElidedLabel(how, Role.CAPTION), place, 1)
            number = label(f"{count:,}", Role.NUMBER)
            self._input_rows.addWidget(number, place, 2, Qt.AlignmentFlag.AlignRight)

    def _show_split(self, proposal: DataProposal, choices: Choices) -> None:
        summary = proposal.summary
        self._split.setVisible(summary is not None and summary.counts is not None)
        if summary is None or summary.counts is None:
            return
        self.split_button.setText(split_words(proposal, choices.seed))
        self.split_button.setAccessibleName(f"Split: {self.split_button.text()}")
        total = max(1, sum(summary.counts))
        shares = [f"{name} {percent(count / total)}" for (name, _), count in zip(PARTS, summary.counts, strict=True)]
        self.split_button.setToolTip(f"Now {', '.join(shares)}. Choose how many rows train, validate and test.")
        self._split_bar.set_shares(
            [
                Share(count, color, f"{name} {count:,}")
                for (name, color), count in zip(PARTS, summary.counts, strict=True)
            ]
        )

    def sizeHint(self) -> QSize:
        return QSize(320, 420)


def class_shares(summary: DataSummary, counts: Sequence[int]) -> tuple[Share, ...]:
    """The classes in their colours; those beyond the fifth together."""
    if not counts:
        return ()
    named = list(zip(summary.class_names, counts, strict=True))
    if len(named) <= SHOWN_CLASSES:
        return tuple(
            Share(count, class_color(place), f"{shortened(name, 18)}: {count:,}")
            for place, (name, count) in enumerate(named)
        )
    first = named[: SHOWN_CLASSES - 2]
    rest = named[len(first) :]
    shares = [
        Share(count, class_color(place), f"{shortened(name, 12)}: {count:,}")
        for place, (name, count) in enumerate(first)
    ]
    return (*shares, Share(sum(count for _, count in rest), "planned", f"{len(rest):,} more"))
