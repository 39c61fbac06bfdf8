"""Everything the window asks a person, behind one face that tests replace by their answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from PySide6.QtWidgets import QFileDialog, QWidget

from dnnstudio.core.experiment.recipes import Recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.summary_table import SummaryTable
from dnnstudio.core.export.formats import exporter_of_filter, exporters
from dnnstudio.core.jobs.resume import Offer
from dnnstudio.core.os_errors import is_folder_there
from dnnstudio.core.planning.more_epochs import Way
from dnnstudio.core.text import count_of, moment_text, shortened
from dnnstudio.gui.base.autosave_files import Unsaved
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.dialogs.count_dialog import CountDialog
from dnnstudio.gui.dialogs.name_dialog import NameDialog
from dnnstudio.gui.dialogs.question import Answer, QuestionDialog
from dnnstudio.gui.dialogs.recipe_gallery import RecipeGallery
from dnnstudio.gui.dialogs.seeds_dialog import SeedsAnswer, SeedsDialog
from dnnstudio.gui.dialogs.summary_dialog import SummaryDialog
from dnnstudio.gui.dialogs.text_dialog import TextDialog
from dnnstudio.gui.theme import Theme

EXPERIMENT_FILTER = "Experiments (*.json)"
OPENED_FILTER = "Experiments and bundles (*.json *.dnnstudio)"
DATA_FILTER = "Data (*.csv *.tsv *.tab *.txt *.dat *.data *.gz *.xlsx *.xlsm *.xlsb *.xls *.ods *.parquet *.pq *.npz)"
WEIGHTS_FILTER = "Weights (*.h5 *.keras)"
MODEL_FILTER = "Models (*.keras *.h5)"
PLOT_FILTERS = {"png": "Pictures (*.png)", "svg": "Drawings (*.svg)", "csv": "Tables (*.csv)"}

TRIES = 2
"""So often are unsaved edits recovered before the question advises against it."""

UnsavedAnswer = Literal["save", "discard", "cancel"]
PredictOrData = Literal["predict", "data", "cancel"]
Recover = Literal["recover", "discard", "later"]


class Dialogs:
    """Every method asks and returns a value; None or "cancel" means that the user cancelled."""

    def __init__(self, theme: Theme, settings: Settings) -> None:
        self.theme = theme
        self._settings = settings

    def open_experiment(self, parent: QWidget) -> Path | None:
        """The experiment file to open."""
        name, _ = QFileDialog.getOpenFileName(
            parent,
            "Open an experiment",
            str(self._settings.start_folder("experiments")),
            f"{OPENED_FILTER};;All files (*)",
        )
        return self._remember(name)

    def open_data(self, parent: QWidget) -> tuple[Path, ...]:
        """The table or array file to open; two where one holds the test rows. Empty when nothing was chosen."""
        start = self._settings.start_folder()
        names, _ = QFileDialog.getOpenFileNames(parent, "Open your data", str(start), f"{DATA_FILTER};;All files (*)")
        return tuple(path for name in names if (path := self._remember(name)) is not None)

    def open_data_folder(self, parent: QWidget) -> Path | None:
        """The folder of pictures or arrays to open."""
        start = self._settings.start_folder()
        name = QFileDialog.getExistingDirectory(parent, "Open a folder of pictures", str(start))
        return self._remember(name)

    def open_model(self, parent: QWidget) -> Path | None:
        """The model file to open."""
        name, _ = QFileDialog.getOpenFileName(
            parent, "Open a model", str(self._settings.start_folder("models")), f"{MODEL_FILTER};;All files (*)"
        )
        return self._remember(name)

    def open_weights(self, parent: QWidget) -> Path | None:
        """The file of weights to load."""
        name, _ = QFileDialog.getOpenFileName(
            parent, "Load weights", str(self._settings.start_folder("models")), f"{WEIGHTS_FILTER};;All files (*)"
        )
        return self._remember(name)

    def save_experiment(self, parent: QWidget, suggestion: str) -> Path | None:
        """Where to save the experiment; the suffix is added when it is left out."""
        start = self._settings.start_folder("experiments") / f"{suggestion}.json"
        name, _ = QFileDialog.getSaveFileName(parent, "Save the experiment", str(start), EXPERIMENT_FILTER)
        return self._remember(with_suffix(name, ".json"))

    def save_model(self, parent: QWidget, suggestion: str) -> Path | None:
        """Where to save the model; the suffix follows the chosen kind."""
        start = self._settings.start_folder("models") / f"{suggestion}.keras"
        return self._ask_format(parent, "Save the model", start, needs_weights=True)

    def export_script(self, parent: QWidget, suggestion: str) -> Path | None:
        """Where to write the experiment as a script (.py) or notebook (.ipynb)."""
        start = self._settings.start_folder("experiments") / f"{suggestion}.py"
        return self._ask_format(parent, "Export as Python", start, needs_weights=False)

    def save_plot(self, parent: QWidget, suggestion: str, kind: str) -> Path | None:
        """Where to save a plot as "png", "svg" or "csv"; the suffix is added when it is left out."""
        start = self._settings.start_folder() / f"{suggestion}.{kind}"
        name, _ = QFileDialog.getSaveFileName(parent, "Save the plot", str(start), PLOT_FILTERS[kind])
        return self._remember(with_suffix(name, f".{kind}"))

    def save_table(self, parent: QWidget, suggestion: str) -> Path | None:
        """Where to save a table as CSV; the suffix is added when it is left out."""
        start = self._settings.start_folder() / f"{suggestion}.csv"
        name, _ = QFileDialog.getSaveFileName(parent, "Save the table", str(start), PLOT_FILTERS["csv"])
        return self._remember(with_suffix(name, ".csv"))

    def join_file(self, parent: QWidget) -> Path | None:
        """The join file of a cluster."""
        start = self._settings.start_folder()
        name, _ = QFileDialog.getOpenFileName(parent, "Choose a join file", str(start), "Join files (*.json)")
        return self._remember(name)

    def run_folder(self, parent: QWidget) -> Path | None:
        """The folder of a run, or of an ensemble, that was trained elsewhere."""
        start = self._settings.start_folder()
        name = QFileDialog.getExistingDirectory(parent, "Add a run's folder", str(start))
        return self._remember(name)

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
        given = QuestionDialog.ask(self.theme, title, text, answers, parent=parent)
        return "save" if given == "save" else "discard" if given == "discard" else "cancel"

    def recover(self, parent: QWidget, unsaved: Unsaved) -> Recover:
        """What to do with edits that an ended program had not saved."""
        name, when = unsaved.experiment.name, moment_text(unsaved.when)
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
        given = QuestionDialog.ask(self.theme, title, text, answers, parent=parent)
        return "recover" if given == "recover" else "discard" if given == "discard" else "later"

    def overwrite(self, parent: QWidget, path: Path) -> bool:
        """Whether to save over a file that another program has changed meanwhile."""
        answers = (Answer("overwrite", "Save over it"), Answer("cancel", "Cancel", primary=True))
        title = f"Save over {path.name}?"
        text = "The file was changed by another program since it was opened here."
        return QuestionDialog.ask(self.theme, title, text, answers, parent=parent) == "overwrite"

    def stop_training(self, parent: QWidget) -> bool:
        """Whether to stop the training and close."""
        answers = (Answer("stop", "Stop and close", primary=True), Answer("stay", "Go on training"))
        text = "What was trained so far is kept."
        title = "Stop the training and close?"
        return QuestionDialog.ask(self.theme, title, text, answers, parent=parent) == "stop"

    def name_and_seed(self, parent: QWidget, experiment: Experiment) -> Experiment | None:
        """The experiment with another name and seed."""
        return NameDialog.ask(self.theme, experiment, parent=parent)

    def recipe(self, parent: QWidget) -> Recipe | None:
        """The bundled experiment to start from."""
        return RecipeGallery.ask(self.theme, parent=parent)

    def summary(self, parent: QWidget, table: SummaryTable) -> None:
        """Show the table of the network until it is closed."""
        SummaryDialog.show_table(self.theme, table, parent=parent)

    def predict_or_data(self, parent: QWidget, name: str, paths: Sequence[Path]) -> PredictOrData:
        """What dropped files are for: answers by the network called `name`, or the data to learn from."""
        what = paths[0].name if len(paths) == 1 else count_of(len(paths), "file")
        answers = (
            Answer("predict", f"Predict with {shortened(name, 16)}", primary=True),
            Answer("data", "Make it the data"),
            Answer("cancel", "Cancel"),
        )
        one = len(paths) == 1 and not is_folder_there(paths[0])
        can, become = ("it", "it becomes") if one else ("them", "they become")
        text = f"A trained network can answer {can}, or {become} the data that a network learns from."
        title = f"What {'is' if len(paths) == 1 else 'are the'} {what} for?"
        found = QuestionDialog.ask(self.theme, title, text, answers, parent=parent)
        return "predict" if found == "predict" else "data" if found == "data" else "cancel"

    def rename(self, parent: QWidget, name: str, *, what: str = "model") -> str | None:
        """Another name for a model, a run or a sweep."""
        return TextDialog.ask(f"Rename the {what}", name, "Rename", parent=parent)

    def more_epochs(
        self, parent: QWidget, name: str, offers: Callable[[int], tuple[Offer, ...]]
    ) -> tuple[int, Way] | None:
        """For how many epochs more a run shall be trained, and at which rates. `offers` says what can be chosen."""
        return CountDialog.ask(self.theme, name, offers, parent=parent)

    def several_seeds(self, parent: QWidget, experiment: Experiment) -> SeedsAnswer | None:
        """With how many seeds to train the experiment, and how many at a time."""
        asked = self.theme, experiment.name, experiment.seed
        return SeedsDialog.ask(*asked, ask_join_file=self.join_file, parent=parent)

    def _ask_format(self, parent: QWidget, title: str, start: Path, *, needs_weights: bool) -> Path | None:
        """A file of one of the formats of networks, or of experiments; the chosen one's suffix is added if need be."""
        formats = exporters(needs_weights=needs_weights)
        filters = ";;".join(row.filter for row in formats)
        name, chosen = QFileDialog.getSaveFileName(parent, title, str(start), filters)
        suffix = exporter_of_filter(chosen, needs_weights=needs_weights).suffix
        return self._remember(with_suffix(name, suffix, tuple(row.suffix for row in formats)))

    def _remember(self, name: str) -> Path | None:
        if not name:
            return None
        path = Path(name)
        self._settings.last_folder = path.parent
        return path


def with_suffix(name: str, suffix: str, known: tuple[str, ...] = ()) -> str:
    """`name` with `suffix` added unless it already ends in that or another known one."""
    if not name or name.lower().endswith((suffix, *known)):
        return name
    return name + suffix
