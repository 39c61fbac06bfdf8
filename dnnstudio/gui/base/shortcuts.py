"""The keys outside the main window's actions: one table, from which they are set and in which they are listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget


@dataclass(frozen=True, slots=True)
class Key:
    """What a key does at a place: a window or a panel. `keys` are portable names, the first is shown."""

    place: str
    keys: tuple[str, ...]
    what: str


UNCERTAINTY, RUNS, LIBRARY, PREDICT = "Uncertainty", "All runs", "Model library", "Predict"
RECONSTRUCTIONS, SUMMARY, TRANSFER = "Reconstructions", "Summary table", "Reuse layers"
EVERY_WINDOW = "Every window"
WHY = "Ctrl+F1"
"""The key for what cannot be pressed by the mouse."""
BOUND = (
    Key(UNCERTAINTY, ("Alt+Left",), "The row before"),
    Key(UNCERTAINTY, ("Alt+Right",), "The next row"),
    Key(UNCERTAINTY, ("Ctrl+C",), "Copy the figures"),
    Key(UNCERTAINTY, ("Ctrl+Shift+C",), "Copy the picture"),
    Key(UNCERTAINTY, ("Ctrl+S",), "Save every pass"),
    Key(RUNS, ("Ctrl+F",), "Search"),
    Key(RUNS, ("Ctrl+Shift+G",), "Group runs that differ by their seed alone"),
    Key(RUNS, ("Ctrl+Shift+O",), "Add a run that was trained elsewhere"),
    Key(RUNS, ("Ctrl+S",), "Export all as one table"),
    Key(RUNS, ("Ctrl+Z",), "Bring back what was deleted"),
    Key(RUNS, ("F5",), "Read the runs again"),
    Key(LIBRARY, ("Ctrl+F",), "Search"),
    Key(LIBRARY, ("F5",), "Read the models again"),
    Key(PREDICT, ("Alt+Left",), "The case before"),
    Key(PREDICT, ("Alt+Right",), "The next case"),
    Key(PREDICT, ("Ctrl+S",), "Save the answers"),
    Key(PREDICT, ("Ctrl+O",), "Add files"),
    Key(RECONSTRUCTIONS, ("PgDown",), "The next page"),
    Key(RECONSTRUCTIONS, ("PgUp",), "The page before"),
    Key(SUMMARY, ("Ctrl+C",), "Copy the table"),
    Key(TRANSFER, ("Ctrl+Return",), "Apply and train"),
    Key(EVERY_WINDOW, (WHY,), "What is grey, why, and what helps"),
    Key(EVERY_WINDOW, ("Ctrl+Tab",), "The next tab"),
    Key(EVERY_WINDOW, ("Ctrl+Shift+Tab",), "The tab before"),
)
"""The keys that `bind` sets."""

PRESSED = (
    Key("Layers", ("Up", "Down"), "Choose a layer"),
    Key("Plots", ("Left", "Right"), "Read the values of an epoch"),
    Key("Plots", ("Home", "End"), "The first and the last epoch"),
    Key("Plots", ("Menu",), "Smooth, logarithmic, save, copy"),
    Key("Runs", ("Space",), "Draw a run beside the chosen one"),
    Key("Runs", ("Right", "Left"), "Unfold and fold a repeat or a sweep"),
    Key("Fields", ("Return",), "Take the value"),
    Key("Fields", ("Esc",), "Take the typed text back"),
    Key("Fields", ("Up", "Down"), "A step more or less; with Shift ten"),
    Key("Fields", ("PgUp", "PgDown"), "Ten steps more or less"),
    Key("Vary settings", ("Left", "Right"), "Choose an axis"),
    Key("Vary settings", ("Up", "Down"), "Move the range; Shift and Ctrl move one end"),
    Key("Vary settings", ("Del",), "Clear the range"),
    Key("Open your data", ("Left", "Right"), "Choose a column"),
    Key("Open your data", ("Return",), "Change what the column is for"),
    Key("Open your data", ("K",), "Change what the column holds"),
    Key("Uncertainty", ("Left", "Right"), "The row before, the next row"),
    Key("Sweep, Augmentation, Uncertainty, Reconstructions", ("Ctrl+Z",), "Take the last edit of the experiment back"),
    Key(EVERY_WINDOW, ("Return",), "Press the button that has the keyboard"),
    Key(EVERY_WINDOW, ("Esc",), "Close it"),
)
"""The keys that lists, plots and fields read themselves."""


def bind(
    widget: QWidget,
    place: str,
    keys: str,
    deed: Callable[[], object],
    *,
    context: Qt.ShortcutContext = Qt.ShortcutContext.WindowShortcut,
) -> QShortcut:
    """Have `keys` call `deed` in the window of `widget`. Raises `KeyError` for keys that the table does not list."""
    row = next((row for row in BOUND if row.place == place and keys in row.keys), None)
    if row is None:
        raise KeyError(f"{keys} is not listed for {place}.")
    shortcut = QShortcut(QKeySequence(keys), widget, context=context)
    shortcut.setWhatsThis(row.what)
    shortcut.activated.connect(lambda: deed())
    return shortcut
