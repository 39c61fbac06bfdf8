"""All actions of the window in one table: label, icon, shortcut and the sentence of the tooltip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from dnnstudio.gui.theme import Cure, Theme, cure_of, reason_of, set_help, set_reason


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One action. `keys` are portable key names; the first is shown in menus and tooltips."""

    name: str
    text: str
    icon: str
    keys: tuple[str, ...]
    help: str


ACTIONS = (
    ActionRow("new", "New from recipe", "file-plus", ("Ctrl+N",), "Start from one of the bundled experiments."),
    ActionRow(
        "new_empty",
        "Empty network",
        "stack",
        ("Ctrl+Shift+N",),
        "A network without hidden layers on the data that is open: add what you want between input and output.",
    ),
    ActionRow("open", "Open", "folder-open", ("Ctrl+O",), "Open an experiment file."),
    ActionRow(
        "open_model", "Open model…", "package", ("Ctrl+Shift+O",), "Open a .keras or .h5 file as a stack of layers."
    ),
    ActionRow(
        "load_weights",
        "Load weights…",
        "package",
        (),
        "Put the weights of a .weights.h5 or .h5 file into the layers of this stack, and see first what fits what.",
    ),
    ActionRow(
        "open_data",
        "Open your data…",
        "table",
        ("Ctrl+Shift+D",),
        "Open a table of yours and see what it holds: each column's role and kind, and the network that follows.",
    ),
    ActionRow(
        "open_data_folder", "Open a folder of pictures…", "image", (), "Open pictures, sorted into a folder a class."
    ),
    ActionRow(
        "paste_data",
        "Paste a table",
        "clipboard-text",
        (),
        "Open the table that another program copied (Ctrl+V).",
    ),
    ActionRow(
        "augmentation",
        "Augmentation…",
        "magic-wand",
        ("Ctrl+Shift+A",),
        "Vary the training rows anew in every epoch, and see what that does to a picture.",
    ),
    ActionRow("save", "Save", "floppy-disk", ("Ctrl+S",), "Save the experiment to its file."),
    ActionRow("save_as", "Save as…", "", ("Ctrl+Shift+S",), "Save the experiment to another file."),
    ActionRow("save_model", "Save model…", "", ("Ctrl+Shift+M",), "Save the trained network as a .keras or .h5 file."),
    ActionRow(
        "export_script",
        "Export as Python…",
        "",
        ("Ctrl+Shift+P",),
        "Write the experiment as a script or notebook of plain Keras.",
    ),
    ActionRow(
        "export",
        "Export the network…",
        "export",
        ("Ctrl+Shift+X",),
        "Write the trained network for another program (web, C++, phone, TensorFlow), proven on real rows.",
    ),
    ActionRow("undo", "Undo", "arrow-counter-clockwise", ("Ctrl+Z",), "Take the last edit back."),
    ActionRow("redo", "Redo", "arrow-clockwise", ("Ctrl+Shift+Z", "Ctrl+Y"), "Do again what was taken back."),
    ActionRow("train", "Train", "play-fill", ("F5", "Ctrl+R"), "Train a fresh network; the curves are drawn live."),
    ActionRow(
        "several_seeds",
        "Train with several seeds…",
        "stack",
        ("Ctrl+F5",),
        "Train this experiment with several seeds side by side: mean and spread, and an ensemble.",
    ),
    ActionRow(
        "sweep",
        "Vary settings…",
        "grid-four",
        ("Ctrl+Shift+V",),
        "Train this experiment with fields varied, as a grid or as drawn trials, and see which settings are best.",
    ),
    ActionRow("pause", "Pause", "pause-fill", ("F6",), "Rest between two steps; nothing is lost."),
    ActionRow("stop", "Stop", "stop-fill", ("Shift+F5",), "End the training; what was reached is kept."),
    ActionRow(
        "finish_epoch", "Stop after this epoch", "", ("Ctrl+Shift+F5",), "End the training when this epoch is done."
    ),
    ActionRow(
        "one_epoch",
        "+1 epoch",
        "skip-forward",
        ("F7",),
        "Train the chosen run for one epoch more, from where its weights and its optimizer stand.",
    ),
    ActionRow("more_epochs", "More epochs…", "", ("Shift+F7",), "Train the chosen run for as many epochs as you say."),
    ActionRow(
        "go_on",
        "Go on to the planned end",
        "",
        ("Ctrl+F7",),
        "Train a run that was stopped, or cut off with the program, exactly from where it stood.",
    ),
    ActionRow(
        "find_rate",
        "Find learning rate",
        "chart-line-up",
        ("F8",),
        "Train a copy while the rate grows, and see which rate is best; nothing is changed.",
    ),
    ActionRow(
        "transfer",
        "Reuse layers…",
        "swap",
        ("Ctrl+Shift+R",),
        "Start the network from layers of a trained model: cloned or shared, frozen in phases.",
    ),
    ActionRow(
        "split_tasks",
        "Split into tasks…",
        "",
        ("Ctrl+Shift+K",),
        "Write this data as two tasks: A with most of the classes, B with a few of them and few rows.",
    ),
    ActionRow(
        "uncertainty",
        "Uncertainty…",
        "dice-five",
        ("Ctrl+U",),
        "Judge a trained network: its mistakes, how sure it is of each row, and how far to trust it.",
    ),
    ActionRow(
        "predict",
        "Predict…",
        "magic-wand",
        ("Ctrl+P",),
        "Give a trained network pictures, tables or copied rows, and see what it answers and how sure it is.",
    ),
    ActionRow(
        "library",
        "Model library…",
        "books",
        ("Ctrl+L",),
        "Every trained model: look, open, rename, clone, delete, compare two, reuse its layers.",
    ),
    ActionRow(
        "runs",
        "All runs…",
        "rows",
        ("Ctrl+G",),
        "Every run in a table that compares: what differs, search, groups over seeds, notes, mean and spread.",
    ),
    ActionRow(
        "compare_transfer",
        "Compare with from scratch…",
        "scales",
        ("Ctrl+Shift+T",),
        "Train from scratch and transferred over several seeds, and see whether the transfer helps.",
    ),
    ActionRow(
        "reconstructions",
        "Reconstructions…",
        "image",
        ("Ctrl+Shift+I",),
        "See originals beside what the chosen run's autoencoder draws of them.",
    ),
    ActionRow(
        "use_encoder",
        "Use the encoder in a classifier",
        "",
        ("Ctrl+Shift+E",),
        "Make the open experiment a classifier that starts from the chosen run's pretrained layers.",
    ),
    ActionRow("describe", "Name and seed…", "", ("F3",), "Name the experiment and set the seed of all its chance."),
    ActionRow(
        "add_layer",
        "Add layer…",
        "",
        ("Insert",),
        "Search for a kind of layer; it goes after the chosen one, before the output.",
    ),
    ActionRow("go_layers", "Go to the layers", "", ("Ctrl+1",), "Put the keyboard on the layer stack."),
    ActionRow("go_settings", "Go to the layer's settings", "", ("Ctrl+2",), "Put the keyboard on the layer's form."),
    ActionRow("summary", "Summary table…", "", ("Ctrl+I",), "Every layer with its shape, parameters and arrays."),
    ActionRow("workspace", "Choose workspace…", "", (), "Choose the folder that keeps runs, models and experiments."),
    ActionRow("show_run_folder", "Open run folder", "", ("Ctrl+Shift+F",), "Show the files of the newest run."),
    ActionRow("fold_runs", "Fold or unfold runs", "", ("Ctrl+T",), "One line, or the table of runs."),
    ActionRow(
        "theme",
        "Light, dark or high contrast",
        "moon",
        ("Ctrl+Shift+L",),
        "Go on to the next theme: light, dark, high contrast.",
    ),
    ActionRow("keys", "Keys…", "keyboard", ("F1",), "Every key of the program, to be searched."),
    ActionRow("first_minutes", "The first five minutes…", "sparkle", (), "A first walk through the program."),
    ActionRow(
        "whats_this",
        "What is this?",
        "question",
        ("Shift+F1",),
        "Then click a panel, a field or a button, and read what it is for.",
    ),
    ActionRow("about", "About dnnstudio…", "", (), "Version, and what the program is built on, with the licences."),
    ActionRow("quit", "Quit", "", ("Ctrl+Q",), "Close the window."),
)


NOT_BUILT = "The window is still being built."
"""Why actions that need the second stage of the window cannot be done before."""


class Actions:
    """The window's actions by name. Their shortcuts work wherever the focus is in `window`.

    An action is disabled by `set_reason` alone, so that none is grey without a sentence that says why.
    """

    def __init__(self, window: QWidget, theme: Theme, *, before: Callable[[], None] = lambda: None) -> None:
        """`before` is called before each deed."""
        self._before = before
        self._actions: dict[str, QAction] = {}
        self._rows = {row.name: row for row in ACTIONS}
        self._helps = {row.name: row.help for row in ACTIONS}
        for row in ACTIONS:
            action = QAction(row.text, window)
            action.setObjectName(f"action_{row.name}")
            action.setShortcuts([QKeySequence(key) for key in row.keys])
            if row.icon:
                action.setIcon(theme.icon(row.icon, "error_dot" if row.name == "stop" else "text"))
            window.addAction(action)
            self._actions[row.name] = action
            self._show_tooltip(row.name)

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def __iter__(self) -> Iterator[QAction]:
        return iter(self._actions.values())

    def connect(self, deeds: Mapping[str, Callable[[], object]]) -> None:
        """Set the handlers of actions."""

        def begin(deed: Callable[[], object]) -> None:
            self._before()
            deed()

        for name, deed in deeds.items():
            self._actions[name].triggered.connect(lambda _=False, deed=deed: begin(deed))

    def set_help(self, name: str, text: str) -> None:
        """Set what the action does: the tooltip's first sentence, with the shortcut in brackets."""
        self._helps[name] = text
        self._show_tooltip(name)

    def set_reason(self, name: str, reason: str = "", cure: Cure | None = None) -> None:
        """Disable the action for a reason, which its tooltip then says; "" enables it. `cure` is what would help."""
        set_reason(self._actions[name], reason, cure)

    def reason(self, name: str) -> str:
        """Why the action cannot be done now, or ""."""
        return reason_of(self._actions[name]) if name in self._actions else ""

    def refused_by(self, key: QKeySequence) -> str:
        """The action of that key, if it cannot be done now; else ""."""
        for name, action in self._actions.items():
            if not action.isEnabled() and self.reason(name) and key in action.shortcuts():
                return name
        return ""

    def cure(self, name: str) -> Cure | None:
        """What would help where the action cannot be done, if anything does."""
        cure = cure_of(self._actions[name]) if name in self._actions else None
        return None if cure is not None and cure.action and not self._actions[cure.action].isEnabled() else cure

    def doing(self, name: str) -> Cure:
        """Another action as a cure."""
        action = self._actions[name]
        return Cure(action.text(), action.trigger, name)

    def _show_tooltip(self, name: str) -> None:
        keys, text = self._rows[name].keys, self._helps[name]
        shown = QKeySequence(keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if keys else ""
        set_help(self._actions[name], f"{text} ({shown})" if shown else text)
