"""The inspector's top bar: the network's name, number of passes, sample again, export."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from dnnstudio.core.text import count_of
from dnnstudio.gui.theme import Cure, Role, Theme, set_reason, set_role
from dnnstudio.gui.uncertainty.sampling import Options
from dnnstudio.gui.uncertainty.sentences import Words
from dnnstudio.gui.uncertainty.subject import Subject
from dnnstudio.gui.widgets import (
    Choice,
    ComboBox,
    ElidedLabel,
    IconLabel,
    Limits,
    MiniButton,
    NumberField,
    Steps,
    label,
    push_button,
    rule,
)
from dnnstudio.gui.widgets.menus import add_head

EXPORTS = (
    ("copy_picture", "Copy picture", "The view in sight, as a picture"),
    ("copy_figures", "Copy figures", "The figures of this {row}, as a table"),
    ("png", "Save picture (PNG)…", "The view in sight"),
    ("svg", "Save picture (SVG)…", "The view in sight, as lines that can be scaled"),
    ("csv", "Save scores (CSV)…", "A line for each {row}, with every score"),
    ("npz", "Save all {answers} (NPZ)…", "The same arrays as dnnstudio uncertainty writes"),
)


def who_choices(subject: Subject) -> tuple[Choice, ...]:
    """Who can be asked, in words; of a single run there is no choice."""
    count = len(subject.seeds)
    first = subject.seeds[0] if subject.seeds else 0
    words = {
        "members": (f"These {count_of(count, 'run')}", "Each network answers once, with dropout off"),
        "passes": (f"These {count_of(count, 'run')}, passes each", "Each network answers many times, with dropout on"),
        "run": (f"Seed {first}, many passes", "One network answers many times, with dropout on")
        if subject.is_random
        else (f"Seed {first} alone", "One network answers once: nothing in it is random"),
    }
    return tuple(Choice(who, *words[who]) for who in subject.askable())


class TopBar(QFrame):
    """Displays state and emits requests; the dialog carries them out."""

    again_requested = Signal()
    more_requested = Signal()
    stop_requested = Signal()
    options_changed = Signal()
    export_requested = Signal(str)
    help_requested = Signal()

    def __init__(
        self, theme: Theme, subject: Subject, options: Options, words: Words, *, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        set_role(self, Role.BAR)
        self.setFixedHeight(48)
        self._options = options
        self._said = words
        self._busy = self._single = self._compact = False
        self.title = ElidedLabel(subject.title, Role.NAME)
        self.caption = ElidedLabel("", Role.CAPTION)
        self.mark = IconLabel(theme, "check-circle-fill", size=14, color="good_dot")
        self.status = ElidedLabel("", Role.CAPTION)
        self.status.setObjectName("sampling_status")
        self.who = ComboBox(who_choices(subject))
        self.who.setObjectName("who_answers")
        self.who.setAccessibleName("Who answers")
        self.who.setToolTip("Whose answers are compared: the networks of several seeds, or the passes of one.")
        self.who.setFixedWidth(176)
        self.who.set_value(options.who)
        self.who.chosen.connect(self._take_who)
        self.passes = NumberField(
            theme, title="Passes", integer=True, limits=Limits(ge=1, le=100_000), steps=Steps.COUNT, arrows=True
        )
        self.passes.setObjectName("field_passes")
        self.passes.setAccessibleName("Passes")
        self.passes.setToolTip("How many passes the next sampling draws.")
        self.passes.setFixedWidth(76)
        self.passes.set_value(options.passes)
        self.passes.committed.connect(self._take_passes)
        self.more = push_button("Add passes", tip="Draw so many passes more and add them to those that are there.")
        self.more.setObjectName("more_passes")
        self.more.clicked.connect(self._on_more)
        self.again = push_button("Sample again", tip="Ask anew, with the settings beside.")
        self.again.setObjectName("sample_again")
        self.again.clicked.connect(self._on_again)
        self.settings = self._menu_button(theme, "sliders-horizontal", "How to sample", "sampling_settings")
        self._fill_settings(self.settings.menu())
        self.export = self._menu_button(theme, "download-simple", "Export", "export", words="Export")
        self._fill_exports(self.export.menu())
        self.help = MiniButton(theme, "question", "What these figures mean, and what they do not")
        self.help.setObjectName("uncertainty_help_button")
        self.help.clicked.connect(self.help_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 12, 0)
        row.setSpacing(8)
        line = rule(upright=True)
        line.setFixedHeight(24)
        row.addWidget(IconLabel(theme, "dice-five", color="accent"))
        row.addWidget(label("Uncertainty", Role.DIALOG_TITLE))
        row.addWidget(line)
        row.addWidget(self.title)
        row.addWidget(self.caption)
        row.addStretch(1)
        self.passes_label = label("Passes", Role.FORM)
        self.who.setVisible(len(self.who.choices()) > 1)
        for widget in (self.mark, self.status, self.who, self.passes_label, self.passes, self.more, self.again):
            row.addWidget(widget)
        for button in (self.settings, self.export, self.help):
            row.addWidget(button)

    # ------------------------------------------------------------------------------------------ what is shown

    def show_busy(self, busy: bool) -> None:
        """While passes arrive, the second button stops them."""
        self._busy = busy
        reason = "Samples are being drawn." if busy else ""
        for field in (self.who, self.passes, self.settings):
            set_reason(field, reason, Cure("Stop", self.again.click) if busy else None)
        self._show_controls()
        self.again.setText("Stop" if busy else "Sample again")
        self.again.setToolTip(
            "End the sampling; the answers that came are kept." if busy else "Ask anew, as set beside."
        )

    def set_single(self, single: bool) -> None:
        """Whether the network gives one prediction: then there are no passes to choose or to add."""
        self._single = single
        self._show_controls()

    def _show_controls(self) -> None:
        once = self._single or self._options.who == "members"
        self.passes.setVisible(not once)
        self.passes_label.setVisible(not once and not self._compact)
        self.more.setVisible(not once and not self._busy)
        self.again.setVisible(not self._single or self._busy)

    def set_compact(self, compact: bool) -> None:
        """Shorter texts, for a narrow window."""
        self._compact = compact
        self.caption.setVisible(not compact)
        self._show_controls()
        self.more.setText("Add" if compact else "Add passes")

    def say(self, text: str, icon: str = "", color: str = "text2") -> None:
        """Set the text beside the passes."""
        self.status.setText(text)
        self.mark.setVisible(bool(icon))
        if icon:
            self.mark.set_icon(icon, color)

    # ------------------------------------------------------------------------------------------ making

    def _menu_button(self, theme: Theme, icon: str, tip: str, name: str, *, words: str = "") -> QToolButton:
        button = QToolButton()
        button.setObjectName(name)
        button.setAccessibleName(tip)
        button.setToolTip(tip)
        set_role(button, Role.OUTLINE)
        button.setIcon(theme.icon(icon))
        button.setIconSize(QSize(16, 16))
        if words:
            button.setText(words)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setProperty("menu", "true")
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        button.setMenu(menu)
        return button

    def _fill_exports(self, menu: QMenu) -> None:
        for name, text, tip in EXPORTS:
            action = menu.addAction("")
            action.setObjectName(f"export_{name}")
            self._said.say(action.setText, text)
            self._said.say(action.setToolTip, tip)
            action.triggered.connect(lambda _=False, name=name: self.export_requested.emit(name))

    def _fill_settings(self, menu: QMenu) -> None:
        self._group(menu, "Rows", "part", (("test", "Test part"), ("validation", "Validation part")))
        kinds = (
            ("independent", "A mask for every {row} and pass"),
            ("one_a_pass", "One network a pass, for all {rows}"),
        )
        self._group(menu, "Masks", "masks", kinds)
        stops = (
            (None, "Take all {answers}"),
            (0.02, "Stop at a standard error of 2 points for 95 % of the {rows}"),
            (0.01, "Stop at a standard error of 1 point"),
            (0.005, "Stop at a standard error of half a point"),
        )
        self._group(menu, "Precision of the mean", "precision", stops)
        add_head(menu, "Seed")
        self.new_seed = menu.addAction("Draw with a new seed")
        self.new_seed.setObjectName("new_seed")
        self.new_seed.triggered.connect(self._take_new_seed)
        self._show_seed()

    def _group(self, menu: QMenu, title: str, field: str, choices: tuple[tuple[object, str], ...]) -> None:
        add_head(menu, title)
        group = QActionGroup(menu)
        for value, text in choices:
            action: QAction = menu.addAction("")
            self._said.say(action.setText, text)
            action.setObjectName(f"{field}_{value}")
            action.setCheckable(True)
            action.setChecked(getattr(self._options, field) == value)
            group.addAction(action)
            action.triggered.connect(lambda _=False, value=value: self._take(field, value))

    # ------------------------------------------------------------------------------------------ what is chosen

    def _take(self, field: str, value: object) -> None:
        setattr(self._options, field, value)
        self.options_changed.emit()

    def _take_who(self, who: object) -> None:
        self._options.who = who  # type: ignore[assignment]  # the values of the choices are those of Who
        self.again_requested.emit()

    def _take_passes(self, value: object) -> None:
        if isinstance(value, int):
            self._options.passes = value

    def _take_new_seed(self) -> None:
        self._options.seed += 1
        self._show_seed()
        self.options_changed.emit()

    def _show_seed(self) -> None:
        self.new_seed.setText(f"Seed {self._options.seed}; use the next one")

    def _on_again(self) -> None:
        self.passes.commit()
        (self.stop_requested if self._busy else self.again_requested).emit()

    def _on_more(self) -> None:
        self.passes.commit()
        self.more_requested.emit()
