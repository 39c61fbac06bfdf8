"""Everything the window asks a person, behind one face that tests replace by their answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from PySide6.QtWidgets import QFileDialog, QWidget

from dnnstudio.core.experiment import Experiment
from dnnstudio.core.recipes import Recipe
from dnnstudio.core.reuse_phases import named
from dnnstudio.core.summary import SummaryTable
from dnnstudio.gui.dialogs.count_dialog import CountDialog
from dnnstudio.gui.dialogs.name_dialog import NameDialog
from dnnstudio.gui.dialogs.question import Answer, QuestionDialog
from dnnstudio.gui.dialogs.recipe_gallery import RecipeGallery
from dnnstudio.gui.dialogs.summary_dialog import SummaryDialog
from dnnstudio.gui.dialogs.text_dialog import TextDialog
from dnnstudio.gui.settings import Settings
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.transfer.dialog import TransferDialog
from dnnstudio.gui.transfer.request import TransferAnswer, TransferRequest
from dnnstudio.gui.transfer.split_dialog import SplitDialog, Tasks
from dnnstudio.gui.unsaved import Unsaved

EXPERIMENT_FILTER = "Experiments (*.json)"
MODEL_FILTER = "Models (*.keras *.h5)"
SAVE_MODEL_FILTERS = "Keras model (*.keras);;HDF5 model (*.h5);;Weights only (*.weights.h5)"
SCRIPT_FILTERS = "Python script (*.py);;Jupyter notebook (*.ipynb)"
PLOT_FILTERS = {"png": "Pictures (*.png)", "svg": "Drawings (*.svg)", "csv": "Tables (*.csv)"}
SUFFIXES = {"Keras": ".keras", "HDF5": ".h5", "Weights": ".weights.h5"}

TRIES = 2
"""So often are unsaved edits recovered before the question advises against it."""

UnsavedAnswer = Literal["save", "discard", "cancel"]
Recover = Literal["recover", "discard", "later"]
SharedAnswer = Literal["clone", "train", "cancel"]


class Dialogs:
    """Every method asks and returns a value; None or "cancel" means that the person thought better of it."""

    def __init__(self, theme: Theme, settings: Settings) -> None:
        self._theme = theme
        self._settings = settings

    def open_experiment(self, parent: QWidget) -> Path | None:
        """The experiment file to open."""
        name, _ = QFileDialog.getOpenFileName(
            parent, "Open an experiment", str(self._folder("experiments")), f"{EXPERIMENT_FILTER};;All files (*)"
        )
        return self._remember(name)

    def open_model(self, parent: QWidget) -> Path | None:
        """The model file to open."""
        name, _ = QFileDialog.getOpenFileName(
            parent, "Open a model", str(self._folder("models")), f"{MODEL_FILTER};;All files (*)"
        )
        return self._remember(name)

    def save_experiment(self, parent: QWidget, suggestion: str) -> Path | None:
        """Where to save the experiment; the suffix is added when it is left out."""
        start = self._folder("experiments") / f"{suggestion}.json"
        name, _ = QFileDialog.getSaveFileName(parent, "Save the experiment", str(start), EXPERIMENT_FILTER)
        return self._remember(with_suffix(name, ".json"))

    def save_model(self, parent: QWidget, suggestion: str) -> Path | None:
        """Where to save the model; the suffix follows the chosen kind."""
        start = self._folder("models") / f"{suggestion}.keras"
        name, chosen = QFileDialog.getSaveFileName(parent, "Save the model", str(start), SAVE_MODEL_FILTERS)
        return self._remember(with_suffix(name, SUFFIXES.get(chosen.split(" ")[0], ".keras"), (".keras", ".h5")))

    def export_script(self, parent: QWidget, suggestion: str) -> Path | None:
        """Where to write the experiment as a script (.py) or notebook (.ipynb)."""
        start = self._folder("experiments") / f"{suggestion}.py"
        name, chosen = QFileDialog.getSaveFileName(parent, "Export as Python", str(start), SCRIPT_FILTERS)
        suffix = ".ipynb" if chosen.startswith("Jupyter") else ".py"
        return self._remember(with_suffix(name, suffix, (".py", ".ipynb")))

    def save_plot(self, parent: QWidget, suggestion: str, kind: str) -> Path | None:
        """Where to save a plot as "png", "svg" or "csv"; the suffix is added when it is left out."""
        last = self._settings.last_folder
        start = (last if last is not None else Path.home()) / f"{suggestion}.{kind}"
        name, _ = QFileDialog.getSaveFileName(parent, "Save the plot", str(start), PLOT_FILTERS[kind])
        return self._remember(with_suffix(name, f".{kind}"))

    def choose_workspace(self, parent: QWidget) -> Path | None:
        """The folder that keeps runs, models and experiments."""
        name = QFileDialog.getExistingDirectory(parent, "Choose the workspace", str(self._settings.workspace))
        return Path(name) if name else None

    def unsaved(self, parent: QWidget, name: str) -> UnsavedAnswer:
        """What to do with changes that are not saved."""
        answers = (
            Answer("save", "Save", primary=True),
            Answer("discard", "Discard the changes"),
            Answer("cancel", "Cancel"),
        )
        title = f"Save the changes to {name}?"
        text = "They are lost if you do not save them."
        given = QuestionDialog.ask(self._theme, title, text, answers, parent=parent)
        return "save" if given == "save" else "discard" if given == "discard" else "cancel"

    def recover(self, parent: QWidget, unsaved: Unsaved) -> Recover:
        """What to do with edits that an ended program had not saved."""
        name, when = unsaved.experiment.name, when_words(unsaved.when)
        if unsaved.tries >= TRIES:
            title = f"Start without the unsaved edits of {name}?"
            text = f"They were recovered {unsaved.tries} times, and each time the program ended unexpectedly."
        else:
            title = f"Recover the unsaved edits of {name}?"
            text = f"The program ended unexpectedly; they were kept {when}."
        risky = unsaved.tries >= TRIES
        answers = (
            Answer("recover", "Recover", primary=not risky),
            Answer("discard", "Delete them"),
            Answer("later", "Not now", primary=risky),
        )
        given = QuestionDialog.ask(self._theme, title, text, answers, parent=parent)
        return "recover" if given == "recover" else "discard" if given == "discard" else "later"

    def overwrite(self, parent: QWidget, path: Path) -> bool:
        """Whether to save over a file that another program has changed meanwhile."""
        answers = (Answer("overwrite", "Save over it"), Answer("cancel", "Cancel", primary=True))
        title = f"Save over {path.name}?"
        text = "The file was changed by another program since it was opened here."
        return QuestionDialog.ask(self._theme, title, text, answers, parent=parent) == "overwrite"

    def stop_training(self, parent: QWidget) -> bool:
        """Whether to stop the training and close."""
        answers = (Answer("stop", "Stop and close", primary=True), Answer("stay", "Go on training"))
        text = "What was trained so far is kept in its run folder."
        title = "Stop the training and close?"
        return QuestionDialog.ask(self._theme, title, text, answers, parent=parent) == "stop"

    def name_and_seed(self, parent: QWidget, experiment: Experiment) -> Experiment | None:
        """The experiment with another name and seed."""
        return NameDialog.ask(self._theme, experiment, parent=parent)

    def recipe(self, parent: QWidget) -> Recipe | None:
        """The bundled experiment to start from."""
        return RecipeGallery.ask(self._theme, parent=parent)

    def summary(self, parent: QWidget, table: SummaryTable) -> None:
        """Show the table of the network until it is closed."""
        SummaryDialog.show_table(self._theme, table, parent=parent)

    def rename(self, parent: QWidget, name: str) -> str | None:
        """Another name for a model."""
        return TextDialog.ask("Rename the model", name, "Rename", parent=parent)

    def more_epochs(self, parent: QWidget, name: str) -> int | None:
        """For how many epochs more a run shall be trained."""
        return CountDialog.ask(self._theme, name, parent=parent)

    def reuse_layers(self, parent: QWidget, request: TransferRequest) -> TransferAnswer | None:
        """Which trained layers the experiment starts from."""
        return TransferDialog.ask(self._theme, request, parent=parent)

    def split_tasks(self, parent: QWidget, experiment: Experiment, names: Sequence[str]) -> Tasks | None:
        """Two experiments on one data set, whose classes have these names."""
        return SplitDialog.ask(self._theme, experiment, names, parent=parent)

    def shared_training(self, parent: QWidget, layers: Sequence[str], models: Sequence[str]) -> SharedAnswer:
        """What to do about a training that changes layers of other models too."""
        answers = (
            Answer("clone", "Clone instead", primary=True),
            Answer("train", "Train and change them"),
            Answer("cancel", "Cancel"),
        )
        title = f"Change {' and '.join(models)} too?"
        several = len(layers) > 1
        text = (
            f"{named(layers)} {'are' if several else 'is'} shared: what this training changes in "
            f"{'them' if several else 'it'} changes there too, in the files on disk. A clone goes its own way."
        )
        given = QuestionDialog.ask(self._theme, title, text, answers, parent=parent)
        return "clone" if given == "clone" else "train" if given == "train" else "cancel"

    def _folder(self, name: str) -> Path:
        last = self._settings.last_folder
        if last is not None:
            return last
        place = self._settings.workspace / name
        return place if place.is_dir() else Path.home()

    def _remember(self, name: str) -> Path | None:
        if not name:
            return None
        path = Path(name)
        self._settings.last_folder = path.parent
        return path


def when_words(when: float, now: float | None = None) -> str:
    """ "at 13:05", or "on 21 November at 13:05" where that is not today; both times in seconds since 1970."""
    then, today = time.localtime(when), time.localtime(now)
    clock = time.strftime("%H:%M", then)
    return f"at {clock}" if then[:3] == today[:3] else f"on {then.tm_mday} {time.strftime('%B', then)} at {clock}"


def with_suffix(name: str, suffix: str, known: tuple[str, ...] = ()) -> str:
    """`name` with `suffix` added unless it already ends in that or another known one."""
    if not name or name.lower().endswith((suffix, *known)):
        return name
    return name + suffix
