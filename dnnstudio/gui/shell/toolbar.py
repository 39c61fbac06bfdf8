"""The bar across the top: files, undo, training, and what is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent, QMouseEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.theme import Role, Theme, set_role, set_state
from dnnstudio.gui.widgets import ElidedLabel, rule
from dnnstudio.gui.widgets.buttons import PushButton
from dnnstudio.gui.widgets.menus import add_head, let_go_of

if TYPE_CHECKING:
    from dnnstudio.gui.base.run_controller import Activity

HEIGHT = 48
TRAIN_WORDS: dict[Activity, str] = {
    "idle": "Train",
    "queued": "Waiting",
    "training": "Training",
    "paused": "Paused",
    "stopping": "Stopping",
    "repeating": "Training",
}

THEME_WORDS = {
    "light": ("sun", "Light theme"),
    "dark": ("moon", "Dark theme"),
    "contrast": ("circle-half", "High-contrast theme"),
    "system": ("monitor", "The system's theme"),
}
"""Icon and words of the button that leads to a theme."""
WORDS_GO = ("new", "open", "save", "one_epoch", "stop", "pause", "find_rate", "transfer", "uncertainty", "predict")
"""The buttons in the order in which they lose their words; "New from recipe" becomes "New"."""
OPENS_MENU = (Qt.Key.Key_Down, Qt.Key.Key_Menu)
TITLE_ROOM = 130
"""Additional minimum width of the experiment's name."""


class ToolBar(QFrame):
    """Buttons for the actions. `fit` leaves words out where there is no room for them.

    `why_asked(str)` names the action of a grey button that was pressed.
    """

    why_asked = Signal(str)

    def __init__(self, theme: Theme, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, Role.BAR)
        self.setObjectName("toolbar")
        self.setFixedHeight(HEIGHT)
        self._theme = theme
        self._actions = actions
        self._worded: dict[str, QToolButton] = {}
        self._busy = False
        self._lost: tuple[QWidget, QWidget | None] | None = None
        """The button that was disabled under the keyboard, and the one that has had it since."""
        self._level = 0
        self._needed: tuple[int, ...] = ()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(10, 0, 10, 0)
        self._row.setSpacing(4)
        self.new_button = self._menu_button("new", QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.new_button.menu().addAction(actions["new_empty"])
        self.open_button = self._menu_button("open", QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.save_button = self._menu_button("save", QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self._rule()
        self._button("undo", words=False)
        self._button("redo", words=False)
        self._rule()
        self.train_button = self._make_train_button()
        self.train_menu_button = self._make_train_menu("several_seeds", "sweep")
        self.pause_button = self._button("pause")
        self.stop_button = self._menu_button("stop", QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.stop_button.menu().addAction(actions["finish_epoch"])
        self.more_button = self._menu_button("one_epoch", QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        for name in ("more_epochs", "go_on"):
            self.more_button.menu().addAction(actions[name])
        self._rule()
        self._button("find_rate")
        self.transfer_button = self._menu_button("transfer", QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.transfer_button.menu().addAction(actions["split_tasks"])
        self.uncertainty_button = self._button("uncertainty")
        self._button("predict")
        self.library_button = self._menu_button("library", QToolButton.ToolButtonPopupMode.MenuButtonPopup, words=False)
        for name in ("runs", "compare_transfer", "reconstructions", "use_encoder"):
            self.library_button.menu().addAction(actions[name])
        self._row.addStretch(1)
        self._add_title()
        self.help_button = self._make_help_button()
        self.theme_button = self._button("theme", words=False)
        theme.changed.connect(self._show_theme)
        self._show_theme()
        self.set_activity("idle")
        for button in self.findChildren(QAbstractButton):
            button.installEventFilter(self)

    def _button(self, name: str, *, words: bool = True) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"{name}_button")
        button.setDefaultAction(self._actions[name])
        button.setAccessibleName(self._actions[name].text())
        button.setIconSize(QSize(18, 18))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if words else Qt.ToolButtonStyle.ToolButtonIconOnly
        button.setToolButtonStyle(style)
        if words:
            self._worded[name] = button
        self._row.addWidget(button)
        return button

    def _menu_button(self, name: str, mode: QToolButton.ToolButtonPopupMode, *, words: bool = True) -> QToolButton:
        button = self._button(name, words=words)
        menu = QMenu(button)
        menu.setObjectName(f"{name}_menu")
        menu.setToolTipsVisible(True)
        button.setMenu(menu)
        let_go_of(button, menu)
        button.setPopupMode(mode)
        button.setProperty("menu", "true" if mode == QToolButton.ToolButtonPopupMode.InstantPopup else "split")
        return button

    def _make_train_button(self) -> QPushButton:
        action = self._actions["train"]
        button = PushButton(action.text())
        button.setObjectName("train_button")
        button.setAccessibleName("Train")
        button.setIconSize(QSize(16, 16))
        button.least_width = 96
        set_role(button, Role.PRIMARY)
        button.clicked.connect(action.trigger)
        action.changed.connect(self._follow_train)
        self._row.addWidget(button)
        return button

    def _make_train_menu(self, *names: str) -> QToolButton:
        """Other ways to train, beside the button."""
        button = self._icon_menu("train_menu", "Other ways to train", "caret-down", ("train", *names), size=14)
        button.setToolTip("Other ways to train")
        self._row.addSpacing(4)
        return button

    def _make_help_button(self) -> QToolButton:
        button = self._icon_menu("help", "Help", "question", ("first_minutes", "keys", "whats_this", "about"), size=18)
        button.setToolTip("Keys (F1), first steps, what is this? (Shift+F1), about")
        return button

    def _icon_menu(self, name: str, words: str, icon: str, actions: Sequence[str], *, size: int) -> QToolButton:
        """A button without an action of its own, which opens a menu; `words` are read aloud."""
        button = QToolButton()
        button.setObjectName(f"{name}_button")
        button.setAccessibleName(words)
        button.setIcon(self._theme.icon(icon))
        button.setIconSize(QSize(size, size))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        menu = QMenu(button)
        menu.setObjectName(name if name.endswith("menu") else f"{name}_menu")
        menu.setToolTipsVisible(True)
        for one in actions:
            menu.addAction(self._actions[one])
        button.setMenu(menu)
        let_go_of(button, menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._row.addWidget(button)
        return button

    def _add_title(self) -> None:
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addStretch(1)
        self.title = ElidedLabel("", Role.NAME)
        self.subtitle = ElidedLabel("", Role.CAPTION)
        for line in (self.title, self.subtitle):
            line.setMaximumWidth(240)
            line.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
            column.addWidget(line)
        column.addStretch(1)
        holder = QWidget()
        holder.setObjectName("experiment_title")
        holder.setLayout(column)
        holder.setToolTip(self._actions["describe"].toolTip())
        holder.setCursor(Qt.CursorShape.PointingHandCursor)
        holder.mouseReleaseEvent = self._on_title_clicked  # type: ignore[method-assign]
        self._row.addWidget(holder)
        self._row.addSpacing(6)

    def _on_title_clicked(self, event: object) -> None:
        del event
        self._actions["describe"].trigger()

    def _rule(self) -> None:
        line = rule(upright=True)
        line.setFixedHeight(24)
        self._row.addSpacing(6)
        self._row.addWidget(line)
        self._row.addSpacing(6)

    # ------------------------------------------------------------------------------------------ what is shown

    def fit(self, width: int) -> None:
        """Show as many words as a bar of that width has room for; the most telling ones go last."""
        if not self._needed:
            self._needed = self._measure()
        wanted = next((level for level, needed in enumerate(self._needed) if needed <= width), len(WORDS_GO))
        if wanted != self._level:
            self._shrink(wanted)

    def _measure(self) -> tuple[int, ...]:
        """The width that the bar needs without the words of the first, the first two … of `WORDS_GO`."""
        found = []
        for level in range(len(WORDS_GO) + 1):
            self._shrink(level)
            found.append(self.minimumSizeHint().width() + TITLE_ROOM)
        return tuple(found)

    def _shrink(self, level: int) -> None:
        """Leave the words of so many buttons out: tooltip, name and shortcut stay."""
        self._level = level
        icon, both = Qt.ToolButtonStyle.ToolButtonIconOnly, Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        self._actions["new"].setText("New" if "new" in WORDS_GO[:level] else "New from recipe")
        for name, button in self._worded.items():
            button.setToolButtonStyle(icon if name in WORDS_GO[:level] and name != "new" else both)

    def fill_open_menu(
        self,
        recent: Sequence[Path],
        open_path: Callable[[Path], object],
        recent_data: Sequence[Path] = (),
        open_data: Callable[[Path], object] | None = None,
    ) -> None:
        """What can be opened: the fixed ways, the files opened last, which `open_path` takes, the data used last."""
        menu: QMenu = self.open_button.menu()
        menu.clear()
        for name in ("open_data", "open_data_folder", "paste_data"):
            menu.addAction(self._actions[name])
        menu.addAction(self._actions["augmentation"])
        menu.addSeparator()
        for name in ("open_model", "load_weights", "library", "show_run_folder", "workspace"):
            menu.addAction(self._actions[name])
        if recent:
            add_head(menu, "Recent files")
        for number, path in enumerate(recent):
            action = menu.addAction(path.name)
            action.setObjectName(f"recent_{number}")
            action.setToolTip(str(path))
            action.triggered.connect(lambda _=False, path=path: open_path(path))
        if recent_data and open_data is not None:
            add_head(menu, "Recent data")
            for number, path in enumerate(recent_data):
                action = menu.addAction(self._theme.icon("table"), path.name)
                action.setObjectName(f"recent_data_{number}")
                action.setToolTip(str(path))
                action.triggered.connect(lambda _=False, path=path: open_data(path))

    def show_experiment(self, experiment: Experiment, *, modified: bool) -> None:
        """Name, seed, and whether it was changed since it was saved."""
        self.title.setText(experiment.name)
        self.subtitle.setText(f"seed {experiment.seed}" + (" · edited" if modified else ""))

    def set_activity(self, activity: Activity) -> None:
        """Train becomes Training while it is at work; pause becomes continue while it rests."""
        idle = activity == "idle"
        self._busy = not idle
        self.train_button.setText(TRAIN_WORDS[activity])
        set_state(self.train_button, "role", str(Role.PRIMARY if idle else Role.TRAINING))
        self.train_button.setIcon(self._theme.icon("play-fill", "on_accent" if idle else "accent"))
        paused = activity == "paused"
        pause: QAction = self._actions["pause"]
        pause.setText("Continue" if paused else "Pause")
        pause.setIcon(self._theme.icon("play-fill" if paused else "pause-fill", "text"))
        self._actions.set_help(
            "pause", "Go on with the next step." if paused else "Rest between two steps; nothing is lost."
        )
        self.pause_button.setAccessibleName(pause.text())

    def _follow_train(self) -> None:
        action = self._actions["train"]
        self.train_button.setToolTip(action.toolTip())
        # At work it stays in full colour; the action behind it does nothing then.
        self.train_button.setEnabled(action.isEnabled() or self._busy)

    def _show_theme(self) -> None:
        icon, text = THEME_WORDS[self._theme.next]
        self._actions["theme"].setIcon(self._theme.icon(icon))
        self._actions["theme"].setText(text)
        self.theme_button.setAccessibleName(text)

    def showEvent(self, event: QShowEvent) -> None:
        """The keyboard begins here. By Qt it would at what was made first, which is the message once panels scroll."""
        super().showEvent(event)
        if self.window().focusWidget() is None:
            self.new_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A disabled button ignores presses, but a filter sees them: who presses one wants to know why it is grey.

        The Down key opens a button's menu, as it does a combo's: by Qt it would go on to the next button.
        """
        if isinstance(watched, QWidget) and isinstance(event, QMouseEvent) and not watched.isEnabled():
            name = watched.objectName().removesuffix("_button")
            pressed = event.type() == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton
            if pressed and self._actions.reason(name):
                self.why_asked.emit(name)
        if isinstance(watched, QWidget):
            self._give_back(watched, event.type())
        down = event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and event.key() in OPENS_MENU
        if down and isinstance(watched, QToolButton) and watched.menu() is not None:
            QTimer.singleShot(0, watched, watched.showMenu)  # not within the key: it returns when the menu is closed
            return True
        return super().eventFilter(watched, event)

    def _give_back(self, button: QWidget, what: QEvent.Type) -> None:
        """A button that was disabled under the keyboard, as Train is by its press, has it again when it is enabled."""
        if what == QEvent.Type.FocusOut and not button.isEnabled():
            self._lost = (button, None)
        elif what == QEvent.Type.FocusIn and self._lost is not None:
            lost, neighbour = self._lost
            self._lost = (lost, button) if neighbour is None else None
        elif what == QEvent.Type.EnabledChange and button.isEnabled() and self._lost is not None:
            lost, neighbour = self._lost
            if lost is button and neighbour is self.window().focusWidget():
                self._lost = None
                button.setFocus(Qt.FocusReason.OtherFocusReason)
