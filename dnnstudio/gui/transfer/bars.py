"""Head and foot of the transfer dialog: the source, the verdict on the plan, and the buttons."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.core.analysis.reuse_planner import Verdict
from dnnstudio.core.workspace.sources import TrainedSource
from dnnstudio.gui.theme import Role, Theme, set_reason, set_role
from dnnstudio.gui.widgets import Choice, ComboBox, ElidedLabel, IconLabel, label, push_button

ICONS = {
    "good": ("check-circle-fill", "good_dot"),
    "hint": ("warning-fill", "hint_dot"),
    "error": ("x-circle-fill", "error_dot"),
}
TRAIN_TIP = "Put this into the experiment and train (Ctrl+Enter)."


class TopBar(QFrame):
    """Title, source chooser, and the button that opens a file."""

    place_chosen = Signal(object)
    file_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, Role.BAR)
        self.setFixedHeight(56)
        row = QHBoxLayout(self)
        row.setContentsMargins(22, 0, 16, 0)
        row.setSpacing(10)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addStretch(1)
        words.addWidget(label("Reuse trained layers", Role.DIALOG_TITLE))
        words.addWidget(label("Start a network from layers that have already learnt.", Role.CAPTION))
        words.addStretch(1)
        self.sources = ComboBox()
        self.sources.setObjectName("source")
        self.sources.setAccessibleName("Source")
        self.sources.setToolTip("The trained model that layers are taken from: a run of the workspace or a model file.")
        self.sources.setFixedWidth(280)
        self.sources.chosen.connect(self.place_chosen)
        caption = label("Source", Role.FORM)
        caption.setBuddy(self.sources)
        self.open = push_button("Open a model file…", Role.FIELD, tip="Take layers from a .keras or .h5 file.")
        self.open.setObjectName("open_source_file")
        self.open.setIcon(theme.icon("folder-open"))
        self.open.setIconSize(QSize(14, 14))
        self.open.clicked.connect(self.file_requested)
        row.addWidget(IconLabel(theme, "swap", color="accent", size=18))
        row.addSpacing(2)
        row.addLayout(words)
        row.addStretch(1)
        row.addWidget(caption)
        row.addWidget(self.sources)
        row.addWidget(self.open)
        self._offered: dict[Path, Choice] = {}
        self.searched = False
        """Whether all there is to choose is known."""
        self.show_source(None)

    def add(self, source: TrainedSource) -> None:
        """Add a source, visible at the next update."""
        self._offered.setdefault(source.place, Choice(source.place, source.title, source.task))

    def add_file(self, path: Path) -> None:
        """Add a model file that has not been read."""
        self._offered.setdefault(path, Choice(path, path.name, f"A model file, {path}"))

    def show_source(self, source: TrainedSource | None) -> None:
        """Update the list of sources and the selected one."""
        if source is not None:
            self.add(source)
        if len(self._offered) > len(self.sources.choices()):
            self.sources.set_choices(tuple(self._offered.values()))
        nothing = "no trained model yet" if self.searched else "looking for models…"
        words = "choose a trained model" if self._offered else nothing
        self.sources.set_value(None if source is None else source.place, placeholder=words)


class Foot(QFrame):
    """The verdict on the plan, and the buttons."""

    cancelled = Signal()
    removed = Signal()
    applied = Signal()
    trained = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, Role.STATUS)
        self.setFixedHeight(56)
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 0, 16, 0)
        row.setSpacing(8)
        self._icon = IconLabel(theme, "check-circle-fill", color="good_dot")
        self.sentence = ElidedLabel("", Role.BODY)
        self.sentence.setObjectName("transfer_verdict")
        self.sentence.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.remove = push_button("Remove", tip="Train from scratch: no layer starts from a trained one.")
        cancel = push_button("Cancel", tip="Close and change nothing (Esc).")
        self.apply = push_button("Apply", tip="Put this into the experiment, as one step that can be undone.")
        self.train = push_button("Apply and train", Role.PRIMARY, tip=TRAIN_TIP)
        self.train.setIcon(theme.icon("play-fill", "on_accent"))
        row.addWidget(self._icon)
        row.addWidget(self.sentence, 1)
        for button, name, deed in (
            (self.remove, "remove_transfer", self.removed),
            (cancel, "cancel", self.cancelled),
            (self.apply, "apply", self.applied),
            (self.train, "apply_and_train", self.trained),
        ):
            button.setObjectName(name)
            button.clicked.connect(deed)
            row.addWidget(button)

    def show_verdict(self, verdict: Verdict, *, training: bool) -> None:
        """Show the verdict and enable the buttons accordingly."""
        icon, color = ICONS[verdict.severity]
        self._icon.set_icon(icon, color)
        self.sentence.setText(verdict.sentence)
        self.sentence.set_hint(verdict.hint)
        self.sentence.setAccessibleDescription(verdict.hint)
        set_reason(self.apply, "" if verdict.can_apply else verdict.sentence)
        busy = "A training is under way. Apply now, and train when it has ended." if training else ""
        set_reason(self.train, verdict.sentence if not verdict.can_train else busy)
